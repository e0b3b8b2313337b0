"""Where a run goes: groups, ways back that keep what was found, tries, reactions, playbooks that call others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch, next_deadline
from console.model.message import Act, ChannelSpec, Topic
from console.model.playbook import Do, LoadedPlaybook, OnFailure, Option, Reaction, Step, StepKind, Variable
from console.model.run import Run, RunStatus, StepStatus
from tests.model.life import BOB, MINUTES, START, Life, step
from tests.model.playbooks import ABORT, CHILD, ESCALATE, FAIL, GO_ON, SECONDS, goto, loaded

TARGET = "lighthouse/production"


def begun(*steps: Step, others: tuple[LoadedPlaybook, ...] = ()) -> tuple[Life, str]:
    life = Life()
    book = loaded("book", *steps)
    life.playbooks = (book, *others)
    return life, life.run(book)


def run_of(life: Life, run: str) -> Run:
    return life.state.runs[run]


def statuses(life: Life, run: str) -> list[str]:
    return [step.status.value for step in run_of(life, run).steps.values()]


def done(life: Life, run: str, *names: str) -> None:
    for name in names:
        life.do(cmd.CompleteStep(run, name, f"{name} seen"))


# -- groups -----------------------------------------------------------------------------------------------------------


def test_a_group_starts_together_and_what_follows_waits_for_all_of_it() -> None:
    life, run = begun(step("a", group="g"), step("b", group="g"), step("c"))
    assert statuses(life, run) == ["active", "active", "pending"]
    done(life, run, "b")
    assert statuses(life, run) == ["active", "done", "pending"]
    life.do(cmd.SkipStep(run, "a", "not here"))
    assert statuses(life, run) == ["skipped", "done", "active"]


def test_a_failed_step_of_a_group_holds_up_what_follows() -> None:
    life, run = begun(step("a", group="g"), step("b", group="g"), step("c"))
    life.do(cmd.FailStep(run, "a", "no"))
    done(life, run, "b")
    assert statuses(life, run) == ["failed", "done", "pending"]
    life.do(cmd.RetryStep(run, "a"))
    done(life, run, "a")
    assert statuses(life, run) == ["done", "done", "active"]


# -- ways back --------------------------------------------------------------------------------------------------------

LOOP = (
    step("a"),
    step("b"),
    step("c", kind=StepKind.DECISION, options=(Option("again", "Again", goto="a"), Option("on", "On"))),
    step("d"),
)


def test_going_back_does_everything_from_there_on_again_and_keeps_what_came_of_it() -> None:
    life, run = begun(*LOOP)
    life.do(cmd.CompleteStep(run, "a", "620 ms"))
    life.do(cmd.SkipStep(run, "b", "no access"))
    life.do(cmd.CompleteStep(run, "c", "still high", "again"))
    assert statuses(life, run) == ["active", "pending", "pending", "pending"]
    done(life, run, "a")
    steps = run_of(life, run).steps
    assert [(item.attempt, item.observed) for item in (*steps["a"].earlier, steps["a"])] == [
        (1, "620 ms"),
        (2, "a seen"),
    ]
    assert [(item.status, item.reason) for item in steps["b"].earlier] == [(StepStatus.SKIPPED, "no access")]
    assert (steps["b"].status, steps["b"].attempt) == (StepStatus.ACTIVE, 2)
    assert [(item.observed, item.option) for item in steps["c"].earlier] == [("still high", "again")]


def test_50_a_loop_ends_and_the_run_does_not() -> None:
    life, run = begun(*LOOP)
    for _ in range(8):
        done(life, run, "a", "b")
        life.do(cmd.CompleteStep(run, "c", "again", "again"))
    done(life, run, "a", "b")
    assert "was started 9 times" in life.refused(cmd.CompleteStep(run, "c", "again", "again"))
    assert len(run_of(life, run).steps["a"].earlier) == 8
    life.do(cmd.CompleteStep(run, "c", "enough", "on"))
    assert statuses(life, run)[3] == "active"


def test_50_what_cannot_be_started_any_more_is_skipped_by_a_person() -> None:
    back = step("d", kind=StepKind.DECISION, options=(Option("outer", "Outer", goto="a"), Option("end", "End")))
    inner = step("c", kind=StepKind.DECISION, options=(Option("inner", "Inner", goto="b"), Option("on", "On")))
    life, run = begun(step("a"), step("b"), inner, back)
    done(life, run, "a", "b")
    for _ in range(8):
        life.do(cmd.CompleteStep(run, "c", "again", "inner"))
        done(life, run, "b")
    life.do(cmd.CompleteStep(run, "c", "on", "on"))
    life.do(cmd.CompleteStep(run, "d", "once more", "outer"))
    done(life, run, "a")
    assert run_of(life, run).steps["b"].status is StepStatus.FAILED
    assert "was started 9 times: skip it" in run_of(life, run).steps["b"].reason
    assert "was started 9 times" in life.refused(cmd.RetryStep(run, "b"))
    life.do(cmd.SkipStep(run, "b", "known by now"))
    assert run_of(life, run).active


def test_50_an_undeclared_skip_and_an_out_of_order_finish_are_refused() -> None:
    life, run = begun(step("a"), step("b"))
    assert "reason is empty" in life.refused(cmd.SkipStep(run, "a", " "))
    assert "'B' is pending" in life.refused(cmd.CompleteStep(run, "b", "x"))
    assert "'B' is pending" in life.refused(cmd.SkipStep(run, "b", "x"))


def test_50_a_timebox_of_no_length_is_over_at_once_and_once() -> None:
    life, run = begun(step("a", timebox=timedelta(0), on_overdue=(goto("a"),)), step("b"))
    life.fire()
    assert run_of(life, run).steps["a"].attempt == 9  # a loop without time ends, too
    assert run_of(life, run).status is RunStatus.RUNNING
    assert life.fire() == []


def test_a_skip_without_a_reason_where_none_is_needed() -> None:
    life, run = begun(step("a", skip_needs_reason=False), step("b"))
    life.do(cmd.SkipStep(run, "a", ""))
    assert statuses(life, run) == ["skipped", "active"]


def test_11_two_who_end_one_step_while_cut_off_are_both_in_the_run() -> None:
    """The second outcome changes nothing, and its evidence stays."""
    life, run = begun(step("a"), step("b"), step("c"))
    at = run_of(life, run)
    life.do(cmd.CompleteStep(run, "a", "seen by alice"))
    done(life, run, "b")
    late = [ev.StepSkipped("a", "bob could not see it", 1), ev.StepStarted("b", "x", None, 1)]
    life.record([_batch(at, *late)], BOB, cut_off=True)
    first = run_of(life, run).steps["a"]
    assert (first.status, first.observed) == (StepStatus.DONE, "seen by alice")
    assert [(item.status, item.reason, item.by) for item in first.earlier] == [
        (StepStatus.SKIPPED, "bob could not see it", BOB)
    ]
    assert statuses(life, run) == ["done", "done", "active"]  # what was done is not to be done again


def test_11_two_who_each_end_one_half_of_a_group_while_cut_off_do_not_leave_it_standing() -> None:
    life, run = begun(step("a", group="g"), step("b", group="g"), step("c"))
    at = run_of(life, run)
    done(life, run, "a")
    life.record([_batch(at, ev.StepCompleted("b", "seen", attempt=1))], BOB, cut_off=True)
    assert not run_of(life, run).active
    life.settle()
    assert statuses(life, run) == ["done", "done", "active"]


def _batch(run: Run, *payloads: object) -> Batch:
    return Batch(run.stream, run.version, payloads)


# -- failures and lateness --------------------------------------------------------------------------------------------


def test_a_step_is_tried_again_by_itself_with_longer_and_longer_pauses() -> None:
    life, run = begun(step("a", on_failure=OnFailure(3, 10 * SECONDS)))
    life.do(cmd.FailStep(run, "a", "first"))
    assert next_deadline(life.state, TARGET) == START + 10 * SECONDS
    assert "is failed" in life.refused(cmd.CompleteStep(run, "a", "x"))
    life.now += 10 * SECONDS
    life.fire()
    life.do(cmd.FailStep(run, "a", "second"))
    assert run_of(life, run).steps["a"].retry_at == life.now + 20 * SECONDS
    life.now += 20 * SECONDS
    life.fire()
    life.do(cmd.FailStep(run, "a", "third"))
    found = run_of(life, run).steps["a"]
    assert (found.status, found.retry_at, found.tries) == (StepStatus.FAILED, None, 3)
    assert [item.reason for item in (*found.earlier, found)] == ["first", "second", "third"]
    life.do(cmd.RetryStep(run, "a"))  # by hand it begins anew
    assert run_of(life, run).steps["a"].tries == 1


@pytest.mark.parametrize(
    ("then", "expected", "status"),
    [
        ((), ["failed", "pending", "pending"], "running"),
        ((GO_ON,), ["failed", "active", "pending"], "running"),
        ((goto("c"),), ["failed", "passed over", "active"], "running"),
        ((ABORT,), ["failed", "passed over", "passed over"], "aborted"),
        ((Reaction(Do.ASK), ESCALATE), ["failed", "pending", "pending"], "running"),
    ],
)
def test_what_follows_a_failure(then: tuple[Reaction, ...], expected: list[str], status: str) -> None:
    life, run = begun(step("a", on_failure=OnFailure(then=then)), step("b"), step("c"))
    life.do(cmd.FailStep(run, "a", "no"))
    assert statuses(life, run) == expected
    assert run_of(life, run).status.value == status


def test_a_run_that_went_on_without_a_failed_step_ends_without_it() -> None:
    life, run = begun(step("a", on_failure=OnFailure(then=(GO_ON,))), step("b"))
    life.do(cmd.FailStep(run, "a", "no"))
    assert "went on without it" in life.refused(cmd.RetryStep(run, "a"))
    done(life, run, "b")
    assert run_of(life, run).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [
        (GO_ON, ["expired", "active", "pending"]),
        (goto("c"), ["expired", "passed over", "active"]),
        (FAIL, ["failed", "pending", "pending"]),
        (ABORT, ["active", "passed over", "passed over"]),
        (Reaction(Do.ASK), ["active", "pending", "pending"]),
    ],
)
def test_what_follows_when_the_time_is_over(reaction: Reaction, expected: list[str]) -> None:
    life, run = begun(step("a", on_overdue=(reaction,)), step("b"), step("c"))
    life.pass_time(2)
    life.fire()
    assert statuses(life, run) == expected


def test_late_is_told_to_a_channel_and_to_the_next_level_and_says_how_late() -> None:
    life = Life()
    life.channels = (
        ChannelSpec("slack.alerts", (Act.POST,), (Topic.INCIDENTS,)),
        ChannelSpec("slack.quiet", (Act.POST,), ()),
    )
    book = loaded("book", step("a", on_overdue=(ESCALATE, Reaction(Do.NOTIFY, "slack"))))
    run = life.run(book)
    level = life.state.incidents[run_of(life, run).incident].level
    life.pass_time(4)
    life.fire()
    incident = life.state.incidents[run_of(life, run).incident]
    assert incident.level == level + 1
    assert [event.payload.late_seconds for event in life.events if event.kind == "run.step_overdue"] == [120.0]
    told = [item.channel for item in life.state.deliveries.values() if item.message.kind == "run.step_overdue"]
    assert sorted(told) == ["slack.alerts", "slack.alerts", "slack.quiet"]  # announced, and notified by name
    assert life.fire() == []


def test_a_critical_step_tells_the_next_level_when_it_fails_and_when_it_is_skipped() -> None:
    life, run = begun(step("a", critical=True), step("b", critical=True))
    incident = run_of(life, run).incident
    level = life.state.incidents[incident].level
    life.do(cmd.FailStep(run, "a", "403"))
    assert life.state.incidents[incident].level == level + 1
    assert "step FAILED: A (Book); 403" in life.events[-1].payload.reason
    life.do(cmd.SkipStep(run, "a", "by hand"))
    assert life.state.incidents[incident].level == level + 2


def test_nobody_is_woken_for_what_is_over() -> None:
    life, run = begun(step("a", critical=True))
    incident = run_of(life, run).incident
    life.do(cmd.ChangeState(incident, "resolved"))
    level = life.state.incidents[incident].level
    life.do(cmd.FailStep(run, "a", "403"))
    assert life.state.incidents[incident].level == level


def test_a_wait_for_nothing_but_time_is_no_news() -> None:
    life, _ = begun(step("a", kind=StepKind.WAIT, timebox=4 * MINUTES, on_overdue=(GO_ON,)), step("b"))
    life.pass_time(4)
    assert [event.kind for event in life.fire()] == ["run.step_completed", "run.step_started"]


# -- playbooks that call others ---------------------------------------------------------------------------------------

CALL = step("call", kind=StepKind.PLAYBOOK, call="child")


def child_of(life: Life, run: str) -> Run:
    return next(item for item in life.state.runs.values() if item.parent == run)


def test_a_step_that_is_a_playbook_ends_with_its_run_in_one_append() -> None:
    life, run = begun(CALL, step("after"), others=(CHILD,))
    child = child_of(life, run)
    assert (child.parent_step, child.incident) == ("call", run_of(life, run).incident)
    done(life, child.id, "inspect")
    life.reading("inflight", 0)
    kinds = [(event.kind, event.stream) for event in life.settle()]
    assert kinds == [
        ("run.step_completed", f"run:{child.id}"),
        ("run.finished", f"run:{child.id}"),
        ("run.step_completed", f"run:{run}"),
        ("run.step_started", f"run:{run}"),
    ]
    assert run_of(life, run).steps["call"].observed == "Child is completed"


def test_a_called_run_that_is_aborted_fails_the_step() -> None:
    life, run = begun(replace(CALL, on_failure=OnFailure(then=(goto("b"),))), step("a"), step("b"), others=(CHILD,))
    life.do(cmd.AbortRun(child_of(life, run).id, "wrong one"))
    assert statuses(life, run) == ["failed", "passed over", "active"]
    assert run_of(life, run).steps["call"].reason == "Child was aborted: wrong one"


def test_what_was_called_ends_with_the_step_and_with_the_run() -> None:
    life, run = begun(CALL, step("a"), others=(CHILD,))
    assert "is still running" in life.refused(cmd.CompleteStep(run, "call", "x"))
    life.do(cmd.SkipStep(run, "call", "no need"))
    assert child_of(life, run).status is RunStatus.ABORTED
    assert statuses(life, run) == ["skipped", "active"]
    life, run = begun(CALL, others=(CHILD,))
    life.do(cmd.AbortRun(run, "enough"))
    assert child_of(life, run).reason == "Book was aborted: enough"


def test_a_playbook_does_not_run_within_itself_and_an_unknown_one_fails_its_step() -> None:
    inner = loaded("child", step("deeper", kind=StepKind.PLAYBOOK, call="book"))
    life, run = begun(CALL, others=(inner,))
    assert "cannot run within itself" in child_of(life, run).steps["deeper"].reason
    life, run = begun(CALL, step("a"))
    assert run_of(life, run).steps["call"].reason == "playbook 'child' is not loaded"
    life.do(cmd.SkipStep(run, "call", "not there"))
    assert statuses(life, run) == ["skipped", "active"]


def test_playbooks_call_each_other_to_a_bounded_depth() -> None:
    names = [f"book-{number}" for number in range(12)]
    books = tuple(
        loaded(name, step("call", kind=StepKind.PLAYBOOK, call=following))
        for name, following in zip(names, [*names[1:], "none"], strict=True)
    )
    life = Life()
    life.playbooks = books
    life.run(books[0])
    assert len(life.state.runs) == 8
    assert "one too many" in list(life.state.runs.values())[-1].steps["call"].reason


def test_the_run_that_takes_over_in_a_called_one_ends_the_step() -> None:
    other = loaded("other", step("o"))
    way = step("way", kind=StepKind.DECISION, options=(Option("over", "Over", playbook="other"),))
    life, run = begun(CALL, step("a"), others=(loaded("child", way), other))
    life.do(cmd.CompleteStep(child_of(life, run).id, "way", "seen", "over"))
    following = list(life.state.runs.values())[-1]
    assert (following.parent, following.parent_step) == (run, "call")
    done(life, following.id, "o")
    assert statuses(life, run) == ["done", "active"]


def test_a_decision_leads_to_the_run_that_is_under_way_already() -> None:
    other = loaded("other", step("o"))
    way = step("way", kind=StepKind.DECISION, options=(Option("over", "Over", playbook="other"),))
    life, run = begun(way, others=(other,))
    life.do(cmd.StartRun(run_of(life, run).incident, other))
    running = list(life.state.runs.values())[-1].id
    life.do(cmd.CompleteStep(run, "way", "seen", "over"))
    assert (run_of(life, run).next_run, len(life.state.runs)) == (running, 2)


def test_what_a_called_playbook_asks_for_is_answered_by_the_caller() -> None:
    asked = Variable("host", ask="Which one?")
    inner = loaded("child", step("inspect"))
    inner = replace(inner, playbook=replace(inner.playbook, variables=(asked,)))
    outer = loaded("book", CALL)
    outer = replace(outer, playbook=replace(outer.playbook, variables=(asked,)))
    life = Life()
    life.playbooks = (outer, inner)
    incident = life.declare()
    assert "host" in life.refused(cmd.StartRun(incident, outer))
    run = life.do(cmd.StartRun(incident, outer, (("host", "db-1"),)))[0].stream.partition(":")[2]
    assert run_of(life, run).variables["host"] == "db-1"
    assert child_of(life, run).variables["host"] == "db-1"
