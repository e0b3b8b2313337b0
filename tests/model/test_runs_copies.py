"""Two copies of a program never run unless a person who has looked says why: late, failed, given up, cut off, gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch, next_deadline
from console.model.message import Act, ChannelSpec, Topic
from console.model.playbook import Check, OnFailure, Program, StepKind
from console.model.run import StepStatus
from tests.model.life import ALICE, BOB, MINUTES, Life, step
from tests.model.playbooks import ABORT, ESCALATE, FAIL, RESTART, SECONDS, goto
from tests.model.test_runs_acting import FLAG, the
from tests.model.test_runs_flow import TARGET, begun, run_of, statuses

BLIND = replace(RESTART, verify=None, on_overdue=(ESCALATE, FAIL))
"""Its program is all that is known of it; it fails when it is late, and would be tried again."""
SEEN = replace(RESTART, on_overdue=(FAIL,))


def late(*steps: object) -> tuple[Life, str]:
    """The program runs still when its time is over."""
    life, run = begun(*steps, step("b"))  # type: ignore[arg-type]
    life.do(cmd.RunProgram(run, "restart"))
    life.pass_time(2)
    life.fire()
    return life, run


def later(life: Life, seconds: float) -> list[str]:
    """What the engine writes by itself in that time, looking every few seconds, as long as the holder is there."""
    kinds = []
    until = life.now + timedelta(seconds=seconds)
    while life.now < until:
        life.now += 5 * SECONDS
        kinds += [event.kind for event in (*life.settle(), *life.fire())]
    return kinds


# -- what is late does not fail before its program has ended ----------------------------------------------------------


def test_a_step_that_is_late_says_so_and_fails_only_when_its_program_has_ended() -> None:
    life, run = late(BLIND)
    kinds = [event.kind for event in life.events]
    assert kinds.count("run.step_overdue") == 1
    assert kinds.count("incident.escalated") >= 1
    assert the(life, run, "restart").status is StepStatus.ACTIVE
    assert later(life, 60) == []
    life.end_effect(run, "done", "exit 0")
    life.settle()
    assert statuses(life, run) == ["done", "active"]
    assert [item.attempt for item in run_of(life, run).effects] == [1]


def test_a_late_program_that_fails_is_tried_again_once_it_has_ended() -> None:
    life, run = late(BLIND)
    life.end_effect(run, "refused", "exit 1")
    assert the(life, run, "restart").retry_at == life.now + 10 * SECONDS
    life.now += 10 * SECONDS
    life.fire()
    assert the(life, run, "restart").attempt == 2


def test_a_late_program_that_was_stopped_has_failed_and_is_not_tried_again() -> None:
    life, run = late(BLIND)
    life.end_effect(run, "unknown", "stopped by alice")
    assert next_deadline(life.state, TARGET) is not None
    later(life, 300)
    found = the(life, run, "restart")
    assert (found.status, found.retry_at, found.attempt) == (StepStatus.FAILED, None, 1)


def test_the_effect_of_a_late_program_has_time_to_be_seen_before_its_step_fails() -> None:
    life, run = late(SEEN)
    life.reading("health.lighthouse", 0)
    life.end_effect(run, "done", "exit 0")
    assert later(life, 20) == []
    life.reading("health.lighthouse", 1)
    assert "run.step_completed" in later(life, 5)
    assert statuses(life, run) == ["done", "active"]


def test_an_effect_that_is_not_seen_in_time_has_failed() -> None:
    life, run = late(SEEN)
    life.reading("health.lighthouse", 0)
    life.end_effect(run, "done", "exit 0")
    assert "run.step_failed" in later(life, 35)


def test_a_program_that_ends_just_in_time_is_not_run_again_before_anybody_could_look() -> None:
    life, run = begun(SEEN, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.now += 2 * MINUTES - 1 * SECONDS
    life.end_effect(run, "done", "exit 0")
    life.now += 1 * SECONDS
    life.fire()
    assert the(life, run, "restart").status is StepStatus.ACTIVE
    life.reading("health.lighthouse", 1)
    life.settle()
    assert statuses(life, run) == ["done", "active"]


def test_what_was_seen_while_the_run_was_on_hold_closes_the_step_and_is_not_too_late() -> None:
    life, run = late(SEEN)
    life.do(cmd.HoldRun(run, "wait"))
    life.end_effect(run, "done", "exit 0")
    life.pass_time(30)
    life.reading("health.lighthouse", 1)
    life.do(cmd.ResumeRun(run, "go on"))
    life.fire()
    assert statuses(life, run) == ["done", "active"]


# -- what was failed while it ran -------------------------------------------------------------------------------------


def cut_off_fail(life: Life, run: str) -> None:
    """A console that was cut off has said that it failed, before it knew that there was a program."""
    failure = ev.StepFailed("restart", "no answer", retry_at=life.now + 10 * SECONDS, attempt=1)
    life.record([Batch(f"run:{run}", 0, (failure,))], BOB, "b", cut_off=True)


@pytest.mark.parametrize("outcome", ["", "unknown"])
def test_nothing_is_tried_again_while_its_program_may_be_at_it(outcome: str) -> None:
    life, run = begun(BLIND, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    cut_off_fail(life, run)
    if outcome:
        life.end_effect(run, outcome, "the line was cut")
    life.pass_time(1)
    life.fire()
    assert (the(life, run, "restart").status, the(life, run, "restart").attempt) == (StepStatus.FAILED, 1)


def test_a_program_that_ends_well_meanwhile_closes_the_step_and_its_next_try_is_off() -> None:
    life, run = begun(BLIND, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    cut_off_fail(life, run)
    life.now += 5 * SECONDS
    life.end_effect(run, "done", "exit 0")
    life.settle()
    assert statuses(life, run) == ["done", "active"]
    life.pass_time(1)
    life.fire()
    found = the(life, run, "restart")
    assert (found.attempt, found.retry_at, found.earlier[0].status) == (1, None, StepStatus.FAILED)


def test_with_something_to_verify_the_next_try_is_off_until_that_is_seen() -> None:
    life, run = begun(SEEN, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    cut_off_fail(life, run)
    life.now += 5 * SECONDS
    life.end_effect(run, "done", "exit 0")
    life.reading("health.lighthouse", 0)
    assert later(life, 60) == []
    life.reading("health.lighthouse", 1)
    life.settle()
    assert statuses(life, run) == ["done", "active"]


def test_whoever_says_that_a_running_program_failed_gets_no_second_copy_without_a_reason() -> None:
    life, run = begun(RESTART, step("b"))
    life.channels = (ChannelSpec("slack.alerts", (Act.POST,), (Topic.INCIDENTS,)),)
    life.do(cmd.RunProgram(run, "restart"))
    life.do(cmd.FailStep(run, "restart", "it hangs"))
    found = the(life, run, "restart")
    assert (found.status, found.retry_at) == (StepStatus.FAILED, None)
    life.do(cmd.RetryStep(run, "restart"))
    assert "nobody knows what came of attempt 1" in life.refused(cmd.RunProgram(run, "restart"))
    life.do(cmd.RunProgram(run, "restart", break_glass="I have killed it on the host"))
    told = [item.message.text for item in life.state.deliveries.values() if item.message.kind == "run.step_asked"]
    assert told == ["I have killed it on the host"]
    assert the(life, run, "restart").break_glass == "I have killed it on the host"


def test_a_further_try_does_not_forget_that_the_outcome_of_the_first_is_unknown() -> None:
    life, run = begun(RESTART, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.do(cmd.FailStep(run, "restart", "it hangs"))
    life.do(cmd.RetryStep(run, "restart"))
    life.do(cmd.RunProgram(run, "restart", break_glass="it is dead"))
    life.end_effect(run, "refused", "exit 1")
    assert the(life, run, "restart").retry_at is None


def test_what_ended_well_after_its_run_was_aborted_is_not_run_again_without_a_reason() -> None:
    life, run = begun(replace(RESTART, verify=None), step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.do(cmd.AbortRun(run, "stop"))
    life.pass_time(1)
    life.end_effect(run, "done", "exit 0")
    life.do(cmd.ResumeRun(run, "go on"))
    assert "attempt 1 has ended well after it was given up" in life.refused(cmd.RunProgram(run, "restart"))
    life.do(cmd.RunProgram(run, "restart", break_glass="once more, on purpose"))


def test_what_was_begun_in_an_earlier_attempt_can_be_given_up_too() -> None:
    life, run = begun(RESTART, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.do(cmd.AbortRun(run, "stop"))
    life.do(cmd.ResumeRun(run, "go on"))
    assert "unknown outcome" in life.refused(cmd.RunProgram(run, "restart", break_glass="now"))
    life.do(cmd.FailStep(run, "restart", "its console is gone for good"))
    life.do(cmd.RetryStep(run, "restart"))
    life.do(cmd.RunProgram(run, "restart", break_glass="looked: nothing runs"))


def test_what_was_done_and_is_to_be_done_again_needs_no_reason() -> None:
    life, run = begun(
        replace(RESTART, verify=None, on_failure=OnFailure()), step("c", on_failure=OnFailure(then=(goto("restart"),)))
    )
    life.do(cmd.RunProgram(run, "restart"))
    life.end_effect(run, "done", "exit 0")
    life.settle()
    life.do(cmd.FailStep(run, "c", "not better"))
    life.do(cmd.RunProgram(run, "restart"))


def test_setting_a_flag_once_more_does_no_harm() -> None:
    life, run = begun(FLAG, step("b"))
    life.flags = "flags"
    life.do(cmd.SetFlag(run, "disable"))
    life.do(cmd.FailStep(run, "disable", "it hangs"))
    life.do(cmd.RetryStep(run, "disable"))
    life.do(cmd.SetFlag(run, "disable"))


def test_what_nobody_knows_is_late_and_leads_where_the_playbook_says_but_is_not_tried_again() -> None:
    life, run = begun(replace(BLIND, on_failure=OnFailure(3, 10 * SECONDS, (ABORT,))), step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.end_effect(run, "unknown", "stopped after 60 s, its timeout")
    assert later(life, 60) == []
    assert the(life, run, "restart").status is StepStatus.ACTIVE
    kinds = later(life, 70)
    assert "run.step_overdue" in kinds
    assert "run.finished" in kinds
    assert the(life, run, "restart").attempt == 1


# -- what is seen of it -----------------------------------------------------------------------------------------------


def test_a_reading_from_before_the_effect_is_no_evidence_for_a_person_either() -> None:
    life, run = begun(replace(FLAG, verify=Check("rollout.percent", "<=", 50.0)), step("b"))
    life.flags = "flags"
    life.reading("rollout.percent", 40)
    life.pass_time(0.5)
    life.do(cmd.SetFlag(run, "disable"))
    assert "has not ended" in life.refused(cmd.CompleteStep(run, "disable", "looks fine"))
    life.end_effect(run, "done", "ok")
    assert "not read since 22:30:30Z" in life.refused(cmd.CompleteStep(run, "disable", "looks fine"))
    life.reading("rollout.percent", 40)
    life.do(cmd.CompleteStep(run, "disable", "looks fine"))


def test_what_is_intended_is_written_as_a_shell_would_read_it() -> None:
    life, run = begun(step("x", kind=StepKind.COMMAND, program=Program(("say", "two words", "it's"))))
    life.do(cmd.RunProgram(run, "x"), ALICE)
    assert run_of(life, run).effects[0].detail == """say 'two words' 'it'"'"'s'"""
