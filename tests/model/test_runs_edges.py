"""Where runs meet their limits: who passes over an approval, what is handed on to other playbooks, holds that end, runs
that call runs, waits that start anew; and records that no program of ours has written."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import AlertRef
from console.model.decide import Batch, next_deadline
from console.model.message import Act, ChannelSpec, Topic
from console.model.people import Severity
from console.model.playbook import (
    Check,
    LoadedPlaybook,
    OnFailure,
    Option,
    Probe,
    StepKind,
    Variable,
    VariableType,
)
from console.model.run import HELD, MAX_ATTEMPTS, RunStatus, StepStatus
from console.model.state import State, apply
from tests.model.life import ALICE, BOB, MINUTES, Life, step
from tests.model.playbooks import QUERY, RESTART, goto, loaded
from tests.model.test_runs_acting import CHECK, the
from tests.model.test_runs_flow import TARGET, begun, done, run_of, statuses

ROLE = "incident commander"
AGREE = step("agree", kind=StepKind.APPROVAL, role=ROLE)


def raw(life: Life, run: str, *payloads: Any) -> None:
    """What somebody else has put into the record."""
    life.record([Batch(f"run:{run}", 0, payloads)], BOB, "evil", cut_off=True)


def child_of(life: Life, run: str) -> str:
    return next(item.id for item in life.state.runs.values() if item.parent == run)


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    """What never ends fails, and holds up nothing."""

    def ring(*_: object) -> None:
        raise TimeoutError("it goes on for ever")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


# -- who may ----------------------------------------------------------------------------------------------------------


def test_an_approval_that_failed_is_passed_over_by_who_may_or_with_a_reason_that_is_told() -> None:
    life, run = begun(AGREE, step("danger"))
    life.channels = (ChannelSpec("slack.alerts", (Act.POST,), (Topic.INCIDENTS,)),)
    life.do(cmd.FailStep(run, "agree", "nobody answers"))
    refused = life.refused(cmd.SkipStep(run, "agree", "go on"))
    assert "is for the incident commander" in refused
    assert "another person than alice, who started the run" in refused
    life.do(cmd.SkipStep(run, "agree", "go on", break_glass="it burns"))
    assert statuses(life, run) == ["skipped", "active"]
    assert the(life, run, "agree").break_glass == "it burns"
    told = [item.message for item in life.state.deliveries.values() if item.message.kind == "run.step_skipped"]
    assert [(item.title, item.text) for item in told] == [("GLASS BROKEN by alice: Agree (Book)", "it burns")]


def test_whoever_holds_the_role_passes_over_a_failed_approval() -> None:
    life, run = begun(AGREE, step("danger"))
    life.standing = {"bob": (ROLE,)}
    life.do(cmd.FailStep(run, "agree", "no"))
    life.do(cmd.SkipStep(run, "agree", "decided otherwise"), BOB, "b")
    assert the(life, run, "agree").break_glass == ""


def test_whoever_does_it_cannot_put_themselves_in_the_place_of_the_second_person() -> None:
    life, run = begun(step("a", second_person=True), step("b"))
    life.do(cmd.ConfirmStep(run, "a", TARGET), BOB, "b")
    assert "bob has read back" in life.refused(cmd.ConfirmStep(run, "a", TARGET), ALICE, "a")
    assert the(life, run, "a").confirmed_by == BOB


def test_when_the_second_person_takes_the_step_another_one_reads_back() -> None:
    life, run = begun(step("a", second_person=True), step("b"))
    life.do(cmd.ConfirmStep(run, "a", TARGET), BOB, "b")
    life.do(cmd.TakeStep(run, "a"), BOB, "b")
    life.do(cmd.ConfirmStep(run, "a", TARGET), ALICE, "a")
    life.do(cmd.CompleteStep(run, "a", "seen"), BOB, "b")


# -- what is handed on to other playbooks -----------------------------------------------------------------------------

PROBE = Probe("http://{{endpoint}}/health")
ASKED = Variable("endpoint", VariableType.HOST, "", "", "Which?")
ALERTED = Variable("endpoint", VariableType.HOST, "alert.instance")


def with_variables(book: LoadedPlaybook, *variables: Variable) -> LoadedPlaybook:
    return replace(book, playbook=replace(book.playbook, variables=variables))


def asks(variable: Variable = ASKED, name: str = "child") -> LoadedPlaybook:
    probe = step("probe", kind=StepKind.HTTP, probe=PROBE, verify=Check(PROBE.reading, "==", 1.0))
    return with_variables(loaded(name, probe), variable)


def calls(variable: Variable, name: str = "par", callee: str = "child") -> LoadedPlaybook:
    return with_variables(loaded(name, step("call", kind=StepKind.PLAYBOOK, call=callee)), variable)


def called(top: LoadedPlaybook, *others: LoadedPlaybook, answer: str = "") -> tuple[Life, str]:
    """The top one is started for an alert whose label somebody else has chosen."""
    life = Life()
    life.playbooks = (top, *others)
    alert = AlertRef("f1", "X", "s", (("alertname", "X"), ("instance", "attacker.example:80")))
    incident = life.do(cmd.DeclareIncident("P99 is high", Severity.SEV1, (alert,)))[0].stream.partition(":")[2]
    answers = (("endpoint", answer),) if answer else ()
    return life, life.do(cmd.StartRun(incident, top, answers))[0].stream.partition(":")[2]


@pytest.mark.parametrize("child", [ASKED, replace(ASKED, default="ours.example")])
def test_what_an_alert_says_is_never_handed_on_as_an_answer(child: Variable) -> None:
    life, run = called(calls(ALERTED), asks(child))
    assert len(life.state.runs) == 1
    found = the(life, run, "call")
    assert found.status is StepStatus.FAILED
    assert "comes from an alert" in found.reason


def test_what_an_alert_says_is_handed_on_where_a_pattern_limits_it() -> None:
    life, _ = called(calls(ALERTED), asks(replace(ASKED, pattern=r"[a-z]+\.example:80")))
    kid = next(item for item in life.state.runs.values() if item.playbook.name == "child")
    assert kid.variables == {"endpoint": "attacker.example:80"}
    life, run = called(calls(ALERTED), asks(replace(ASKED, pattern=r"ours\.example")))
    assert the(life, run, "call").status is StepStatus.FAILED


def test_what_a_person_answered_is_handed_on() -> None:
    life, _ = called(calls(ASKED), asks(), answer="ours.example")
    kid = next(item for item in life.state.runs.values() if item.playbook.name == "child")
    assert kid.playbook.steps[0].probe == replace(PROBE, url="http://ours.example/health")


def test_a_playbook_between_two_makes_no_answer_of_what_an_alert_says() -> None:
    between = calls(replace(ASKED, pattern=r".+"), "between")
    life, _ = called(calls(ALERTED, callee="between"), between, asks())
    assert {item.playbook.name for item in life.state.runs.values()} == {"par", "between"}


def test_a_branch_into_another_playbook_makes_no_answer_of_what_an_alert_says() -> None:
    way = step("way", kind=StepKind.DECISION, options=(Option("x", "X", playbook="child"), Option("y", "Y")))
    life, run = called(with_variables(loaded("par", way), ALERTED), asks())
    assert "start child by hand" in life.refused(cmd.CompleteStep(run, "way", "seen", "x"))


# -- holds ------------------------------------------------------------------------------------------------------------

AWAY = [
    step("x", kind=StepKind.QUERY, verify=QUERY, timebox=None),
    step("x", kind=StepKind.WAIT, verify=QUERY, timebox=None),
    replace(AGREE, id="x", timebox=None),
    step("x", kind=StepKind.PLAYBOOK, call="child", timebox=None),
    step("x", kind=StepKind.DECISION, options=(Option("a", "A"), Option("b", "B")), timebox=None),
]


@pytest.mark.parametrize("taken", AWAY, ids=lambda item: str(item.kind))
def test_the_hold_of_what_is_read_or_decided_just_ends_with_its_holder(taken: Any) -> None:
    life, run = begun(taken, step("b"), others=(loaded("child", step("k", timebox=None)),))
    life.do(cmd.TakeStep(run, "x"), ALICE, "a")
    life.pass_time(6)
    life.fire()
    assert run_of(life, run).held_at is None
    life.do(cmd.FailStep(run, "x", "no"), BOB, "b")


def test_the_run_of_what_a_person_does_is_put_on_hold_when_they_are_gone() -> None:
    life, run = begun(step("a", timebox=None), step("b"))
    life.do(cmd.TakeStep(run, "a"), ALICE, "a")
    life.pass_time(6)
    life.fire()
    assert run_of(life, run).held_at is not None


def test_a_console_that_decides_knows_that_it_is_there_itself() -> None:
    life, run = begun(replace(RESTART, timebox=None), step("b"))
    life.do(cmd.RunProgram(run, "restart"), ALICE, "test")
    life.pass_time(6)  # nothing could be written: the hold was not renewed
    life.fire()
    assert run_of(life, run).held_at is None
    gone = the(life, run, "restart").held_until
    assert next_deadline(life.state, TARGET) == min(_due(life, "other"))
    assert (gone in _due(life, "other"), gone in _due(life, "test")) == (True, False)


def _due(life: Life, console: str) -> list[datetime]:
    from console.model.decide.runs import due

    return list(due.pending(life.state, TARGET, console))


# -- runs that call runs ----------------------------------------------------------------------------------------------


def test_resuming_a_run_leaves_on_hold_what_was_held_for_a_reason_of_its_own() -> None:
    life, run = begun(step("a", kind=StepKind.PLAYBOOK, call="child"), others=(loaded("child", step("k")),))
    kid = child_of(life, run)
    life.do(cmd.HoldRun(kid, "the vendor is at it: do not touch"))
    life.do(cmd.HoldRun(run, "pause"))
    life.do(cmd.ResumeRun(run, "go"))
    assert run_of(life, kid).held_reason == "the vendor is at it: do not touch"
    life.do(cmd.ResumeRun(kid, "done"))
    life.do(cmd.HoldRun(run, "pause"))
    life.do(cmd.ResumeRun(run, "go"))
    assert run_of(life, kid).held_at is None


def test_what_a_run_called_ends_when_another_playbook_takes_over() -> None:
    way = step("d", kind=StepKind.DECISION, options=(Option("x", "X", playbook="other"), Option("y", "Y")))
    life, run = begun(
        step("bg", kind=StepKind.PLAYBOOK, call="child", parallel=True),
        way,
        others=(loaded("child", step("k")), loaded("other", step("o"))),
    )
    kid = child_of(life, run)
    life.do(cmd.CompleteStep(run, "d", "s", "x"))
    assert run_of(life, run).status is RunStatus.CONTINUED
    assert (run_of(life, kid).status, run_of(life, kid).reason) == (
        RunStatus.ABORTED,
        "Book goes on in another playbook: D: X",
    )


def test_what_a_run_called_goes_on_when_that_takes_over() -> None:
    way = step("d", kind=StepKind.DECISION, options=(Option("x", "X", playbook="child"), Option("y", "Y")))
    bg = step("bg", kind=StepKind.PLAYBOOK, call="child", parallel=True)
    life, run = begun(bg, way, others=(loaded("child", step("k")),))
    kid = child_of(life, run)
    life.do(cmd.CompleteStep(run, "d", "s", "x"))
    assert (run_of(life, run).next_run, run_of(life, kid).status) == (kid, RunStatus.RUNNING)


def test_what_had_failed_when_its_run_was_aborted_is_not_late_when_it_is_resumed() -> None:
    life, run = begun(step("a", on_overdue=(goto("c"),), timebox=5 * MINUTES), step("b"), step("c"))
    life.do(cmd.FailStep(run, "a", "no"))
    life.do(cmd.AbortRun(run, "x"))
    life.pass_time(60)
    life.do(cmd.ResumeRun(run, "again"))
    life.fire()
    assert statuses(life, run) == ["failed", "pending", "pending"]
    assert the(life, run, "a").deadline == life.now + 5 * MINUTES


# -- waits that start anew --------------------------------------------------------------------------------------------


def test_a_wait_that_starts_anew_must_hold_anew() -> None:
    again = step("d", kind=StepKind.DECISION, options=(Option("again", "Again", goto="check"), Option("y", "Y")))
    life, run = begun(CHECK, again)
    life.pass_time(1)
    life.reading(QUERY.reading, 1)
    life.held = {str(QUERY): life.now - 1 * MINUTES}
    life.settle()
    life.do(cmd.CompleteStep(run, "d", "not sure", "again"))
    assert life.settle() == []
    assert "it holds since 22:31:00Z" in life.refused(cmd.CompleteStep(run, "check", "fine"))
    life.pass_time(1)
    life.reading(QUERY.reading, 1)
    life.settle()
    assert statuses(life, run) == ["done", "active"]


# -- what no program of ours has written ------------------------------------------------------------------------------


def test_a_hold_until_the_end_of_time_lasts_as_long_as_any() -> None:
    life, run = begun(step("a"), step("b"))
    raw(life, run, ev.StepTaken("a", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)), ev.RunHeld("x"))
    assert the(life, run, "a").held_until == life.now + HELD
    life.pass_time(5)
    life.do(cmd.ResumeRun(run, "go"))


def test_a_deadline_at_the_end_of_time_stops_no_run_from_being_resumed() -> None:
    life, run = begun(step("a", on_failure=OnFailure()), step("b"))
    far = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    done(life, run, "a")
    raw(life, run, ev.StepStarted("b", "ic", far, 2), ev.RunHeld("x"))
    life.pass_time(5)
    life.do(cmd.ResumeRun(run, "go"))
    assert run_of(life, run).held_at is None


@pytest.mark.parametrize(
    "payload",
    [
        ev.StepTaken("a", datetime(2026, 1, 1)),  # noqa: DTZ001  # without a zone
        ev.StepTaken("a", None),  # type: ignore[arg-type]
        ev.StepStarted("a", "ic", None, "2"),  # type: ignore[arg-type]
        ev.RunFinished("sideways"),
        ev.StepFailed("zzz", "x"),
        ev.EffectFinished("zzz", "done", "x"),
    ],
    ids=lambda item: type(item).__name__,
)
def test_an_event_whose_values_do_not_fit_changes_nothing_and_raises_nothing(payload: Any) -> None:
    life, run = begun(step("a"), step("b"))
    before = run_of(life, run)
    raw(life, run, payload)
    assert replace(run_of(life, run), version=before.version) == before
    state = State()
    for event in life.events:
        apply(state, event)
    assert state == life.state


def test_a_try_of_what_was_started_too_often_comes_to_an_end() -> None:
    life, run = begun(step("a"), step("b"))
    far = 10**6
    raw(life, run, ev.StepStarted("a", "x", None, far), ev.StepFailed("a", "no", retry_at=life.now, attempt=far))
    assert the(life, run, "a").attempt == 1
    raw(life, run, ev.StepStarted("a", "x", None, MAX_ATTEMPTS))
    raw(life, run, ev.StepFailed("a", "no", retry_at=life.now, attempt=MAX_ATTEMPTS))
    life.fire()
    found = the(life, run, "a")
    assert (found.status, found.retry_at) == (StepStatus.FAILED, None)
    assert life.fire() == []


IMPOSSIBLE = [
    loaded("empty"),
    loaded("twice", step("a"), step("a")),
    loaded("lost", step("a", on_overdue=(goto("zzz"),))),
    loaded("astray", step("a", kind=StepKind.DECISION, options=(Option("x", "X", goto="zzz"), Option("y", "Y")))),
]


@pytest.mark.parametrize("book", IMPOSSIBLE, ids=lambda item: item.playbook.name)
def test_a_run_that_cannot_be_right_is_not_born_and_stops_nothing(book: LoadedPlaybook) -> None:
    life, run = begun(CHECK, step("b"))
    incident = run_of(life, run).incident
    raw(life, "r1", ev.RunStarted(incident, book.playbook, "h", TARGET), ev.StepStarted("a", "x", life.now, 1))
    assert set(life.state.runs) == {run}
    life.pass_time(1)
    life.reading(QUERY.reading, 1)
    life.held = {str(QUERY): life.now - 1 * MINUTES}
    life.settle()
    assert statuses(life, run) == ["done", "active"]
    life.refused(cmd.StartRun(incident, book))


def test_a_run_that_says_it_was_called_by_a_step_that_is_not_there_ends_for_itself() -> None:
    life, run = begun(step("a"), step("b"))
    incident = run_of(life, run).incident
    book = loaded("kid", step("k"))
    started = ev.RunStarted(incident, book.playbook, "h", TARGET, parent=run, parent_step="nope")
    raw(life, "r1", started, ev.StepStarted("k", "x", None, 1))
    life.do(cmd.CompleteStep("r1", "k", "seen"))
    assert run_of(life, "r1").status is RunStatus.COMPLETED


def test_a_fault_in_one_run_puts_it_on_hold_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from console.model.decide.runs import due, settling

    life, bad = begun(replace(CHECK, id="bad"), step("b"))
    other = loaded("other", CHECK, step("b"))
    life.playbooks = (*life.playbooks, other)
    good = life.do(cmd.StartRun(run_of(life, bad).incident, other))[0].stream.partition(":")[2]
    life.pass_time(1)
    life.reading(QUERY.reading, 1)
    life.held = {str(QUERY): life.now - 1 * MINUTES}
    real = settling._ends

    def ends(state: Any, run: Any, step_: Any, *rest: Any) -> Any:
        if step_.id == "bad":
            raise KeyError("a fault of ours")
        return real(state, run, step_, *rest)

    monkeypatch.setattr(settling, "_ends", ends)
    life.settle()
    assert "fault in the rules of the run (KeyError" in run_of(life, bad).held_reason
    assert statuses(life, good) == ["done", "active"]
    life.do(cmd.ResumeRun(bad, "try"))
    life.pass_time(10)

    def fire(draft: Any, run_id: str, *rest: Any) -> None:
        if run_id == bad:
            return  # nothing comes of it: it stays due
        fired(draft, run_id, *rest)

    fired = due._fire
    monkeypatch.setattr(due, "_fire", fire)
    life.fire()
    assert "something is due for ever" in run_of(life, bad).held_reason
    assert the(life, good, "b").overdue_fired


def test_a_run_without_its_incident_calls_nothing() -> None:
    life, _ = begun(step("x"), others=(loaded("child", step("k")),))
    book = loaded("kid", step("k"), step("c", kind=StepKind.PLAYBOOK, call="child"))
    raw(life, "r1", ev.RunStarted("nowhere", book.playbook, "h", TARGET), ev.StepStarted("k", "x", None, 1))
    life.do(cmd.CompleteStep("r1", "k", "seen"))
    assert "incident nowhere is not in this record" in the(life, "r1", "c").reason
