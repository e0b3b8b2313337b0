"""What the console carries out: asked for once, never twice, closed on the effect; and what closes by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model.change import ChangeStatus
from console.model.decide import Batch, watched
from console.model.events import DeliveryFailed, DeliverySent
from console.model.message import Act, ChannelSpec, Topic
from console.model.playbook import Check, Notice, OnFailure, Option, StepKind
from console.model.reading import ReadingState
from console.model.run import RunStatus, StepRun, StepStatus
from tests.model.life import ALICE, ENGINE, MINUTES, Life, step
from tests.model.playbooks import HEALTHY, QUERY, RESTART, SECONDS, loaded
from tests.model.test_runs_flow import begun, done, run_of, statuses

SLACK = ChannelSpec("slack.alerts", (Act.POST,), (Topic.SECURITY,))
FLAG = step("disable", kind=StepKind.FLAG, flag="elicitation", verify=Check("rollout.percent", "<=", 0.0))
TELL = step("tell", kind=StepKind.NOTIFY, notice=Notice("slack", "We restart now\nin five minutes"))
CHECK = step("check", kind=StepKind.QUERY, verify=QUERY)


def the(life: Life, run: str, name: str) -> StepRun:
    return run_of(life, run).steps[name]


# -- programs ---------------------------------------------------------------------------------------------------------


def test_a_program_is_asked_for_once_with_its_intent_and_its_way_back_in_the_record() -> None:
    life, run = begun(RESTART, step("b"))
    asked, taken, intent, change = life.do(cmd.RunProgram(run, "restart"))
    assert (asked.payload.step, asked.payload.attempt) == ("restart", 1)
    assert taken.payload.until == life.now + 5 * MINUTES
    assert (intent.payload.kind, intent.payload.target) == ("command", "lighthouse/production")
    assert intent.payload.detail == "systemctl restart lighthouse"
    assert (change.payload.what, change.payload.undo) == ("Restart: systemctl restart lighthouse", "start the old unit")
    assert "unknown outcome" in life.refused(cmd.RunProgram(run, "restart"))
    life.end_effect(run, "done", "exit 0", "all good")
    assert "was carried out in this attempt" in life.refused(cmd.RunProgram(run, "restart"))
    assert next(iter(life.state.changes.values())).state is ChangeStatus.IN_FORCE


def test_47_an_effect_that_is_not_seen_leaves_the_step_open_until_it_is_late_and_escalates() -> None:
    life, run = begun(replace(RESTART, timebox=2 * MINUTES), step("b"))
    life.reading("health.lighthouse", 0)
    life.do(cmd.RunProgram(run, "restart"))
    life.end_effect(run, "done", "accepted")
    life.pass_time(1)
    life.reading("health.lighthouse", 0)
    assert life.settle() == []
    assert "not expected health.lighthouse >= 1" in life.refused(cmd.CompleteStep(run, "restart", "it said ok"))
    life.pass_time(1)
    assert "run.step_overdue" in [event.kind for event in life.fire()]
    assert the(life, run, "restart").status is StepStatus.ACTIVE
    life.reading("health.lighthouse", 1)
    life.settle()
    found = the(life, run, "restart")
    assert (found.status, found.overdue_fired) == (StepStatus.DONE, True)
    assert "health.lighthouse = 1 at 22:32:00Z (test), as expected" in found.evidence


def test_47_what_was_read_before_the_effect_does_not_show_it() -> None:
    life, run = begun(RESTART, step("b"))
    life.reading("health.lighthouse", 1)
    life.pass_time(1)
    life.do(cmd.RunProgram(run, "restart"))
    life.end_effect(run, "done", "exit 0")
    assert life.settle() == []
    life.reading("health.lighthouse", 1)
    life.settle()
    assert the(life, run, "restart").status is StepStatus.DONE


def test_48_no_data_nan_and_stale_readings_cannot_verify_and_never_pass() -> None:
    life, run = begun(replace(CHECK, verify=replace(QUERY, hold=timedelta(0))), step("b"))
    name = QUERY.reading
    for value, state in (
        (None, ReadingState.NO_DATA),
        (None, ReadingState.UNREACHABLE),
        (float("nan"), ReadingState.OK),
        (float("-inf"), ReadingState.OK),
        (1.0, ReadingState.STALE),
        (1.0, ReadingState.PARTIAL),
    ):
        life.reading(name, value, state)
        life.held = {str(the_check): life.now - 5 * MINUTES for the_check in (QUERY,)}
        assert life.settle() == []
        assert "cannot verify" in life.refused(cmd.CompleteStep(run, "check", "looks fine"))
    life.readings.clear()
    assert life.settle() == []
    assert "no such reading" in life.refused(cmd.CompleteStep(run, "check", "looks fine"))
    life.do(cmd.CompleteStep(run, "check", "looks fine", override="Prometheus is down"))
    assert the(life, run, "check").override == "Prometheus is down"


def test_a_value_must_hold_for_as_long_as_the_check_says() -> None:
    life, run = begun(CHECK, step("b"))
    life.reading(QUERY.reading, 3)
    assert life.settle() == []  # it was not seen for long enough
    life.held = {str(QUERY): life.now}
    life.now += 29 * SECONDS
    life.reading(QUERY.reading, 3)
    assert life.settle() == []
    assert "it holds since 22:30:00Z" in life.refused(cmd.CompleteStep(run, "check", "3"))
    life.now -= 10 * MINUTES  # a clock that was set back
    assert life.settle() == []
    life.now += 10 * MINUTES + 1 * SECONDS
    life.settle()
    assert statuses(life, run) == ["done", "active"]


def test_a_program_that_fails_is_tried_again_without_asking_and_its_output_is_kept() -> None:
    life, run = begun(RESTART, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.end_effect(run, "refused", "exit 1", "no such unit")
    assert the(life, run, "restart").retry_at == life.now + 10 * SECONDS
    life.now += 10 * SECONDS
    life.fire()
    again = the(life, run, "restart")
    assert (again.attempt, again.asked_by, again.holder, again.tries) == (2, ALICE, "test", 2)
    assert [(item.status, item.reason, item.output) for item in again.earlier] == [
        (StepStatus.FAILED, "exit 1", "no such unit")
    ]
    kinds = [event.kind for event in life.do(cmd.RunProgram(run, "restart"))]
    assert kinds == ["run.step_taken", "effect.intended", "change.intended"]
    life.end_effect(run, "done", "exit 0", "started")
    life.reading("health.lighthouse", 1)
    life.settle()
    assert (the(life, run, "restart").status, the(life, run, "restart").output) == (StepStatus.DONE, "started")


def test_an_outcome_that_nobody_knows_waits_for_a_person_who_looks() -> None:
    life, run = begun(RESTART, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.end_effect(run, "unknown", "the console was gone")
    life.reading("health.lighthouse", 1)
    assert life.settle() == []
    assert "was carried out in this attempt (unknown)" in life.refused(cmd.RunProgram(run, "restart"))
    life.do(cmd.CompleteStep(run, "restart", "it runs since 22:30"))
    assert statuses(life, run) == ["done", "active"]


def test_a_person_who_says_that_it_failed_may_try_again_and_the_late_answer_is_kept() -> None:
    life, run = begun(replace(RESTART, on_failure=OnFailure()), step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.do(cmd.FailStep(run, "restart", "it hangs"))
    assert run_of(life, run).effects[0].outcome == "unknown"
    life.do(cmd.RetryStep(run, "restart"))
    assert "nobody knows what came of attempt 1" in life.refused(cmd.RunProgram(run, "restart"))
    asked = life.do(cmd.RunProgram(run, "restart", break_glass="looked: it is dead"))[0].payload
    assert asked.break_glass == "looked: it is dead"
    first = run_of(life, run).effects[0]
    life.end_effect(run, "done", "exit 0", "late words", effect=first)
    assert the(life, run, "restart").status is StepStatus.ACTIVE
    first = run_of(life, run).effects[0]
    assert (first.outcome, first.answer, first.output) == ("done", "it hangs; then exit 0", "late words")


def test_a_file_that_others_may_write_runs_nothing_until_somebody_has_read_it() -> None:
    life = Life()
    book = loaded("book", RESTART, untrusted="book.yaml may be written by others")
    life.playbooks = (book,)
    run = life.run(book)
    assert "may be written by others: read the file" in life.refused(cmd.RunProgram(run, "restart"))
    assert "reason is empty" in life.refused(cmd.TrustPlaybook(book, ""))
    life.do(cmd.TrustPlaybook(book, "read it, line by line"))
    assert "was trusted by alice" in life.refused(cmd.TrustPlaybook(book, "again"))
    life.do(cmd.RunProgram(run, "restart"))
    edited = replace(book, hash="other")
    life.do(cmd.AbortRun(run, "x"))
    other = life.do(cmd.StartRun(run_of(life, run).incident, edited))[0].stream.partition(":")[2]
    assert "may be written by others" in life.refused(cmd.RunProgram(other, "restart"))


def test_49_a_run_stays_with_the_file_that_it_was_started_from() -> None:
    life, run = begun(step("a"), step("b"))
    life.playbooks = (loaded("book", step("other"), hash="edited"),)
    done(life, run, "a")
    assert (run_of(life, run).playbook_hash, statuses(life, run)) == ("hash-of-book", ["done", "active"])


def test_what_was_done_and_how_it_is_taken_back_newest_first() -> None:
    life, run = begun(step("a", undo="put a back"), RESTART, step("c", undo="never done"))
    done(life, run, "a")
    life.pass_time(1)
    life.do(cmd.RunProgram(run, "restart"))
    life.do(cmd.AbortRun(run, "enough"))
    assert [item.undo for item, _ in run_of(life, run).undoing] == ["start the old unit", "put a back"]


def test_closing_the_incident_waits_for_what_a_program_changed() -> None:
    life, run = begun(RESTART)
    incident = run_of(life, run).incident
    life.do(cmd.RunProgram(run, "restart"))
    life.end_effect(run, "done", "exit 0")
    life.reading("health.lighthouse", 1)
    life.settle()
    assert run_of(life, run).status is RunStatus.COMPLETED
    life.do(cmd.ChangeState(incident, "resolved"))
    assert "may be in force" in life.refused(cmd.ChangeState(incident, "closed"))


# -- what is read -----------------------------------------------------------------------------------------------------


def test_a_query_is_not_answered_by_what_was_read_before_its_step_began() -> None:
    life, run = begun(step("restart"), step("check", kind=StepKind.QUERY, verify=Check("reading.errors", "<=", 0)))
    life.reading("reading.errors", 0)
    life.pass_time(0.1)
    done(life, run, "restart")
    assert life.settle() == []
    life.reading("reading.errors", 0)
    life.settle()
    assert statuses(life, run) == ["done", "done"]


# -- flags ------------------------------------------------------------------------------------------------------------


def test_a_flag_closes_when_its_effect_is_seen_after_it_was_set() -> None:
    life, run = begun(FLAG, step("b"))
    life.flags = "flags"
    life.do(cmd.SetFlag(run, "disable"))
    life.end_effect(run, "done", "0 %")
    life.reading("rollout.percent", 25)
    assert life.settle() == []
    life.do(cmd.SetFlag(run, "disable"))  # setting it once more does no harm
    life.end_effect(run, "done", "0 %")
    life.reading("rollout.percent", 0)
    life.settle()
    assert statuses(life, run) == ["done", "active"]


def test_a_share_is_not_set_over_an_unknown_outcome() -> None:
    life, run = begun(replace(FLAG, percent=25, verify=None), step("b"))
    life.flags = "flags"
    life.do(cmd.SetFlag(run, "disable"))
    assert "unknown outcome" in life.refused(cmd.SetFlag(run, "disable"))
    assert "unknown outcome" in life.refused(cmd.SetFlag(run, "disable", break_glass="now"))


def test_a_flag_is_taken_to_0_as_often_as_it_takes_and_what_gave_no_answer_stays_unknown() -> None:
    life, run = begun(FLAG, step("b"))
    life.flags = "flags"
    life.do(cmd.SetFlag(run, "disable"))
    life.do(cmd.SetFlag(run, "disable"))
    first, second = run_of(life, run).effects_of("disable")
    assert (first.outcome, second.outcome) == ("unknown", "")
    life.end_effect(run, "done", "0 %")
    life.reading("rollout.percent", 0)
    life.settle()
    assert statuses(life, run) == ["done", "active"]
    assert [effect.outcome for effect in run_of(life, run).effects_of("disable")] == ["unknown", "done"]


def test_a_flag_that_is_refused_has_failed() -> None:
    life, run = begun(FLAG, step("b"))
    life.flags = "flags"
    life.do(cmd.SetFlag(run, "disable"))
    life.end_effect(run, "refused", "403")
    assert (the(life, run, "disable").status, the(life, run, "disable").reason) == (StepStatus.FAILED, "403")


def test_an_irreversible_act_is_typed_when_it_is_asked_for_and_not_again() -> None:
    life, run = begun(replace(FLAG, confirm="DISABLE {target}"), step("b"))
    life.flags = "flags"
    assert "type 'DISABLE lighthouse/production'" in life.refused(cmd.SetFlag(run, "disable", "yes"))
    life.do(cmd.SetFlag(run, "disable", "DISABLE lighthouse/production"))
    life.end_effect(run, "done", "0 %")
    life.reading("rollout.percent", 0)
    life.do(cmd.CompleteStep(run, "disable", "0 %"))


# -- messages ---------------------------------------------------------------------------------------------------------


def test_a_message_goes_to_the_channels_of_the_kind_and_the_step_ends_when_all_have_taken_it() -> None:
    life, run = begun(TELL, step("b"))
    assert "there is no channel 'slack' here" in life.refused(cmd.SendNotice(run, "tell"))
    life.channels = (SLACK, replace(SLACK, name="slack.ops"), ChannelSpec("pagerduty", (Act.TRIGGER,)))
    life.do(cmd.SendNotice(run, "tell"))
    first, second = (item for item in life.state.deliveries.values() if item.ref == f"run:{run}:tell:1")
    assert (first.message.title, first.message.text) == ("We restart now", "in five minutes")
    assert "is sent already" in life.refused(cmd.SendNotice(run, "tell"))
    life.record([Batch(first.stream, first.version, (DeliverySent("ok"),))], ENGINE)
    assert life.settle() == []
    life.record([Batch(second.stream, second.version, (DeliverySent("ok"),))], ENGINE)
    life.settle()
    assert the(life, run, "tell").observed == "sent to slack.alerts: ok; sent to slack.ops: ok"


def test_a_message_that_was_given_up_has_failed() -> None:
    life, run = begun(TELL, step("b"))
    life.channels = (SLACK,)
    life.do(cmd.SendNotice(run, "tell"))
    delivery = next(item for item in life.state.deliveries.values() if item.ref)
    life.record([Batch(delivery.stream, delivery.version, (DeliveryFailed("410 gone"),))], ENGINE)
    life.settle()
    assert the(life, run, "tell").reason == "not sent to slack.alerts: 410 gone"


# -- what is read -----------------------------------------------------------------------------------------------------


def test_what_the_steps_under_way_need_is_read_and_nothing_else() -> None:
    advice = Check("guardrail.p99", ">", 500.0)
    way = step("way", kind=StepKind.DECISION, options=(Option("x", "X", when=advice), Option("y", "Y")))
    look = Check("health.x", ">=", 1.0)
    life, run = begun(replace(CHECK, group="g", look_at=(look,)), replace(way, group="g"), step("c", verify=HEALTHY))
    found = watched(life.state, "lighthouse/production")
    assert [check for _, _, check in found] == [look, QUERY, advice]
    assert watched(life.state, "other/production") == ()
    life.do(cmd.AbortRun(run, "x"))
    assert watched(life.state, "lighthouse/production") == ()


@pytest.mark.parametrize("outcome", ["done", "refused", "unknown"])
def test_an_outcome_is_written_whatever_has_become_of_the_step(outcome: str) -> None:
    life, run = begun(RESTART, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.do(cmd.SkipStep(run, "restart", "done by hand"))
    life.end_effect(run, outcome, "exit 0", "words")
    assert (run_of(life, run).effects[0].outcome, run_of(life, run).effects[0].output) == (outcome, "words")
    assert statuses(life, run) == ["skipped", "active"]
