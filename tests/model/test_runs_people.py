"""Who does it: leases of steps, second persons, roles, approvals, holds; and that one person alone is never stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.model.decide import next_deadline
from console.model.message import Act, ChannelSpec, Topic
from console.model.people import Actor
from console.model.playbook import Check, OnFailure, Option, StepKind
from console.model.run import RunStatus, StepStatus
from tests.model.life import ALICE, BOB, MINUTES, START, Life, step
from tests.model.playbooks import ABORT, CHILD, RESTART, SECONDS, goto
from tests.model.test_runs_acting import FLAG, the
from tests.model.test_runs_flow import CALL, TARGET, begun, child_of, done, run_of, statuses

ROLE = "incident commander"
AGREE = step("agree", kind=StepKind.APPROVAL, role=ROLE)
TWO = replace(FLAG, second_person=True)
EVE = Actor("eve", "bob")
"""A name that bob's login has given itself."""


# -- who holds a step -------------------------------------------------------------------------------------------------


def test_14_a_late_write_of_a_console_that_lost_the_step_is_refused() -> None:
    life, run = begun(step("a"), step("b"))
    life.do(cmd.TakeStep(run, "a"), ALICE, "a")
    for command in (cmd.CompleteStep(run, "a", "x"), cmd.FailStep(run, "a", "x"), cmd.SkipStep(run, "a", "x")):
        assert "alice holds step 'A' on a until 22:35:00Z" in life.refused(command, BOB, "b")
    assert "give a reason to take it over" in life.refused(cmd.TakeStep(run, "a"), BOB, "b")
    assert "not c" in life.refused(cmd.TakeStep(run, "a", "c is gone", "c"), BOB, "b"), "it is another's by now"
    life.do(cmd.TakeStep(run, "a", "alice lost her line"), BOB, "b")
    assert "bob holds step 'A' on b" in life.refused(cmd.CompleteStep(run, "a", "late"), ALICE, "a")
    life.do(cmd.CompleteStep(run, "a", "seen"), BOB, "b")
    assert the(life, run, "a").by == BOB


def test_14_a_holder_that_is_gone_puts_the_run_on_hold_and_another_goes_on() -> None:
    life, run = begun(RESTART, step("b"))
    life.do(cmd.RunProgram(run, "restart"), ALICE, "a")
    life.pass_time(4)
    life.do(cmd.TakeStep(run, "restart"), ALICE, "a")  # a console that lives renews it
    life.pass_time(4)
    assert run_of(life, run).held_at is None
    life.pass_time(2)
    life.fire()
    held = run_of(life, run)
    assert held.held_at == life.now
    assert "alice on a has not been heard of: look what came of step 'Restart'" in held.held_reason
    assert the(life, run, "restart").holder == ""
    assert "is on hold" in life.refused(cmd.CompleteStep(run, "restart", "x"), BOB, "b")
    life.do(cmd.ResumeRun(run, "bob looked: it runs"), BOB, "b")
    life.do(cmd.CompleteStep(run, "restart", "it runs", override="seen on the host"), BOB, "b")
    assert statuses(life, run) == ["done", "active"]


def test_a_step_whose_effect_is_known_needs_its_holder_no_more() -> None:
    life, run = begun(RESTART, step("b"))
    life.do(cmd.RunProgram(run, "restart"), ALICE, "a")
    life.end_effect(run, "done", "exit 0")
    life.pass_time(6)
    life.fire()
    assert run_of(life, run).held_at is None
    life.do(cmd.CompleteStep(run, "restart", "it runs", override="seen"), BOB, "b")


# -- two people -------------------------------------------------------------------------------------------------------


def test_a_second_person_reads_the_target_back_on_their_own_console() -> None:
    life, run = begun(TWO, step("b"))
    life.flags = "flags"
    assert "needs a second person" in life.refused(cmd.SetFlag(run, "disable"), ALICE, "a")
    assert "is not the target: read back 'lighthouse/production'" in life.refused(
        cmd.ConfirmStep(run, "disable", "lighthouse/staging"), BOB, "b"
    )
    life.do(cmd.TakeStep(run, "disable"), ALICE, "a")
    assert "another person reads the target back" in life.refused(cmd.ConfirmStep(run, "disable", TARGET), ALICE, "b")
    assert "on this console" in life.refused(cmd.ConfirmStep(run, "disable", TARGET), BOB, "a")
    life.do(cmd.ConfirmStep(run, "disable", TARGET), BOB, "b")
    assert "already" in life.refused(cmd.ConfirmStep(run, "disable", TARGET), BOB, "b")
    life.do(cmd.SetFlag(run, "disable"), ALICE, "a")
    assert the(life, run, "disable").confirmed_by == BOB


@pytest.mark.parametrize(
    ("who", "where", "why"),
    [
        (BOB, "a", "was read back by bob"),
        (EVE, "a", "was read back by bob"),
        (ALICE, "b", "was read back on this console"),
    ],
)
def test_one_person_and_one_console_are_not_two(who: Actor, where: str, why: str) -> None:
    life, run = begun(TWO, step("b"))
    life.flags = "flags"
    life.do(cmd.ConfirmStep(run, "disable", TARGET), BOB, "b")
    assert why in life.refused(cmd.SetFlag(run, "disable"), who, where)


def test_a_manual_step_for_two_is_closed_by_two() -> None:
    life, run = begun(step("a", second_person=True), step("b"))
    assert "needs a second person" in life.refused(cmd.CompleteStep(run, "a", "x"), ALICE, "a")
    life.do(cmd.ConfirmStep(run, "a", TARGET), BOB, "b")
    life.do(cmd.CompleteStep(run, "a", "x"), ALICE, "a")


def test_alone_the_glass_is_broken_with_a_reason_that_is_told() -> None:
    life, run = begun(replace(TWO, confirm="DISABLE {target}"), AGREE, step("b"))
    life.flags = "flags"
    life.channels = (ChannelSpec("slack.alerts", (Act.POST,), (Topic.INCIDENTS,)),)
    typed = f"DISABLE {TARGET}"
    life.do(cmd.SetFlag(run, "disable", typed, break_glass="nobody else is awake"))
    told = [item.message for item in life.state.deliveries.values() if item.message.kind == "run.step_asked"]
    assert [(item.title, item.text) for item in told] == [
        ("GLASS BROKEN by alice: Disable (Book)", "nobody else is awake")
    ]
    life.end_effect(run, "done", "0 %")
    life.do(cmd.CompleteStep(run, "disable", "0 %", override="seen at the provider"))
    life.do(cmd.CompleteStep(run, "agree", "yes", break_glass="still nobody"))
    assert [item.message.text for item in life.state.deliveries.values()][-1] == "still nobody"
    assert statuses(life, run) == ["done", "done", "active"]


# -- roles and approvals ----------------------------------------------------------------------------------------------


def test_an_approval_is_given_by_somebody_of_the_role_who_did_not_start_the_run() -> None:
    life, run = begun(AGREE, step("b"))
    incident = run_of(life, run).incident
    yes = cmd.CompleteStep(run, "agree", "yes")
    assert "is for the incident commander" in life.refused(yes, BOB, "b")
    life.do(cmd.AssignRole(incident, ROLE, "alice"))
    assert "needs another person than alice, who started the run" in life.refused(yes)
    assert "is for the incident commander (alice)" in life.refused(yes, BOB, "b")
    assert "is given, alone with a reason" in life.refused(cmd.SkipStep(run, "agree", "hurry"))
    life.standing = {"eve": (ROLE,), "alice2": (ROLE,), "bob": (ROLE,)}
    assert "who started the run" in life.refused(yes, Actor("alice2", "alice"))
    life.do(yes, BOB, "b")
    assert (the(life, run, "agree").by, statuses(life, run)) == (BOB, ["done", "active"])


def test_an_approval_that_is_not_given_fails() -> None:
    life, run = begun(replace(AGREE, on_failure=OnFailure(then=(ABORT,))), step("b"))
    life.do(cmd.FailStep(run, "agree", "too risky now"), BOB, "b")
    assert run_of(life, run).status is RunStatus.ABORTED


def test_the_starter_of_the_first_run_does_not_approve_in_one_that_it_calls() -> None:
    child = replace(CHILD, playbook=replace(CHILD.playbook, steps=(AGREE,)))
    life, run = begun(CALL, others=(child,))
    life.standing = {"alice": (ROLE,), "bob": (ROLE,)}
    inner = child_of(life, run).id
    assert "who started the run" in life.refused(cmd.CompleteStep(inner, "agree", "yes"))
    life.do(cmd.CompleteStep(inner, "agree", "yes"), BOB, "b")
    assert run_of(life, run).status is RunStatus.COMPLETED


def test_a_decision_may_be_for_a_role() -> None:
    way = step("way", kind=StepKind.DECISION, role=ROLE, options=(Option("on", "On"), Option("back", "Back")))
    life, run = begun(way, step("b"))
    assert "is for the incident commander" in life.refused(cmd.CompleteStep(run, "way", "seen", "on"))
    life.standing = {"alice": (ROLE,)}
    life.do(cmd.CompleteStep(run, "way", "seen", "on"))


# -- on hold, aborted, resumed ----------------------------------------------------------------------------------------


def test_on_hold_nothing_is_due_nothing_closes_and_what_was_left_of_the_time_comes_back() -> None:
    life, run = begun(step("a", kind=StepKind.WAIT, verify=Check("x", "<=", 0.0)), step("b"))
    life.pass_time(1)
    life.do(cmd.HoldRun(run, "the bridge is down"))
    assert "is on hold since 22:31:00Z (the bridge is down)" in life.refused(cmd.HoldRun(run, "again"))
    life.reading("x", 0)
    life.pass_time(60)
    assert all(not event.kind.startswith("run.") for event in life.fire())
    assert life.settle() == []
    for command in (cmd.ExpireStep(run, "a", "x", "y"), cmd.TakeStep(run, "a"), cmd.ConfirmStep(run, "a", "x")):
        assert "is on hold" in life.refused(command)
    life.do(cmd.ResumeRun(run, "it is up"))
    assert the(life, run, "a").deadline == START + 62 * MINUTES
    life.settle()
    assert statuses(life, run) == ["done", "active"]


def test_an_answer_on_hold_is_kept_and_counts_afterwards() -> None:
    life, run = begun(RESTART, step("b"))
    life.do(cmd.RunProgram(run, "restart"))
    life.do(cmd.HoldRun(run, "wait"))
    life.end_effect(run, "refused", "exit 1")
    assert the(life, run, "restart").status is StepStatus.ACTIVE
    life.do(cmd.ResumeRun(run, "on"))
    life.settle()
    assert (the(life, run, "restart").status, the(life, run, "restart").reason) == (StepStatus.FAILED, "exit 1")


def test_what_was_called_is_on_hold_with_its_caller_and_goes_on_with_it() -> None:
    life, run = begun(CALL, step("a"), others=(CHILD,))
    life.do(cmd.HoldRun(run, "wait"))
    child = child_of(life, run).id
    assert "is on hold" in life.refused(cmd.CompleteStep(child, "inspect", "x"))
    life.do(cmd.ResumeRun(child, "this one alone"))
    done(life, child, "inspect")
    life.reading("inflight", 0)
    life.settle()
    assert run_of(life, child).status is RunStatus.COMPLETED
    assert statuses(life, run) == ["active", "pending"]  # its own run is on hold still
    life.do(cmd.ResumeRun(run, "on"))
    life.settle()
    assert statuses(life, run) == ["done", "active"]


def test_an_aborted_run_is_resumed_where_it_ended_with_its_steps_begun_anew() -> None:
    life, run = begun(step("a"), step("b"), step("c"))
    done(life, run, "a")
    life.pass_time(5)
    life.do(cmd.AbortRun(run, "wrong incident"))
    assert statuses(life, run) == ["done", "active", "passed over"]
    assert "is aborted" in life.refused(cmd.CompleteStep(run, "b", "x"))
    assert next_deadline(life.state, TARGET) != the(life, run, "b").deadline
    life.pass_time(5)
    life.do(cmd.ResumeRun(run, "it was the right one"))
    assert statuses(life, run) == ["done", "active", "pending"]
    again = the(life, run, "b")
    assert (again.attempt, again.deadline) == (2, life.now + 2 * MINUTES)
    assert [item.attempt for item in again.earlier] == [1]
    done(life, run, "b", "c")
    assert run_of(life, run).status is RunStatus.COMPLETED
    assert "there is nothing to resume" in life.refused(cmd.ResumeRun(run, "x"))


def test_a_run_that_a_failure_aborted_waits_at_that_step_when_it_is_resumed() -> None:
    life, run = begun(step("a", on_failure=OnFailure(then=(ABORT,))), step("b"))
    life.do(cmd.FailStep(run, "a", "no"))
    life.do(cmd.ResumeRun(run, "once more"))
    assert statuses(life, run) == ["failed", "pending"]
    life.do(cmd.RetryStep(run, "a"))
    done(life, run, "a")
    assert statuses(life, run) == ["done", "active"]


def test_a_try_that_waits_gets_its_time_back_too() -> None:
    life, run = begun(step("a", on_failure=OnFailure(2, 30 * SECONDS, (goto("a"),))), step("b"))
    life.do(cmd.FailStep(run, "a", "no"))
    life.do(cmd.HoldRun(run, "wait"))
    life.pass_time(3)
    life.do(cmd.ResumeRun(run, "on"))
    assert the(life, run, "a").retry_at == START + 3 * MINUTES + 30 * SECONDS


def test_nothing_stops_one_person_alone() -> None:
    """Every refusal for want of a person, a role or a proof has a way that takes a reason."""
    two = replace(TWO, id="two", group="", confirm="DISABLE {target}")
    life, run = begun(two, AGREE, step("seen", verify=Check("nowhere", ">", 1.0)), RESTART, step("end"))
    typed = f"DISABLE {TARGET}"
    life.do(cmd.TakeStep(run, "two"), BOB, "b")
    life.do(cmd.TakeStep(run, "two", "bob is gone"), ALICE, "a")
    life.do(cmd.CompleteStep(run, "two", "0 %", typed=typed, override="no reading", break_glass="alone"), ALICE, "a")
    life.do(cmd.CompleteStep(run, "agree", "yes", break_glass="alone"), ALICE, "a")
    life.do(cmd.CompleteStep(run, "seen", "seen", override="no such reading"), ALICE, "a")
    life.do(cmd.HoldRun(run, "x"), BOB, "b")
    life.do(cmd.ResumeRun(run, "y"), ALICE, "a")
    life.do(cmd.CompleteStep(run, "restart", "by hand", override="seen on the host"), ALICE, "a")
    done(life, run, "end")
    assert run_of(life, run).status is RunStatus.COMPLETED


def test_a_life_without_consoles_is_no_different() -> None:
    """A decision that does not know its console (an older engine) is never refused for it."""
    life = Life()
    run = life.run()
    life.do(cmd.TakeStep(run, "disable"), ALICE, "a")
    life.do(cmd.FailStep(run, "disable", "x"), BOB, "")
