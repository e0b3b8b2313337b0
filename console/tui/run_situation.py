"""The reasons why an action on a run or a step of it makes no sense now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.model.playbook import ACTING, DECIDED, OBSERVED, StepKind
from console.model.run import RunStatus, StepStatus
from console.tui.situation import Situation
from console.view.run_people import second_person
from console.view.run_plan import may_not_run, untrusted
from console.view.step_acts import carried_out, child_of, job_of, unanswered

if TYPE_CHECKING:
    from console.model.playbook import Step
    from console.model.run import Run, StepRun


def running(at: Situation) -> str:
    """The run meant is under way."""
    run = at.the_run
    if run is None:
        return "no playbook is running"
    return "" if run.ended_at is None else f"{run.label} is {run.status.value}"


def going_on(at: Situation) -> str:
    """It is under way, and not on hold."""
    run, reason = at.the_run, running(at)
    if not reason and run is not None and run.held_at is not None:
        return f"{run.label} is on hold: u resumes it"
    return reason


def step(*statuses: StepStatus) -> Callable[[Situation], str]:
    """The step under the cursor has one of these statuses, and nobody elsewhere has it."""

    def reason(at: Situation) -> str:
        found, run, stopped = at.the_step, at.the_run, going_on(at)
        if stopped or found is None or run is None:
            return stopped or "no step is highlighted"
        step, progress = found
        if progress.left:
            return f"{step.title} has failed, and the run went on without it"
        if progress.status not in statuses:
            return f"step {step.title} is {progress.status.value}"
        if progress.held_elsewhere(at.board.console, at.board.at):
            return f"{progress.held_by} has it on {progress.holder}: m takes it over"
        return ""

    return reason


active = step(StepStatus.ACTIVE)
open_step = step(StepStatus.ACTIVE, StepStatus.FAILED)
failed = step(StepStatus.FAILED)


def _meant(at: Situation) -> tuple[Run, Step, StepRun]:
    run, found = at.the_run, at.the_step
    assert run is not None
    assert found is not None  # whoever asks has looked
    return run, *found


def next_act(at: Situation) -> str:
    """The action that the step under the cursor asks for now; empty when it asks for none."""
    if active(at):
        return ""
    run, step, _ = _meant(at)
    if step.kind is StepKind.PLAYBOOK and child_of(run, step, at.board) is not None:
        return "related-run"
    if step.kind is StepKind.APPROVAL:
        return "approve"
    if step.kind in ACTING and not carry_out(at):
        return "carry-out"
    return "complete"


def next_step(at: Situation) -> str:
    """The step asks for something."""
    found = at.the_step
    if found is not None and found[1].status is StepStatus.FAILED and not open_step(at):
        return f"{found[0].title} has failed: t tries again, s skips it"
    reason = active(at)
    if reason:
        return reason
    run, step, _ = _meant(at)
    if job_of(run, step, at.board) is not None:
        return "its program runs: it closes by itself, K stops it"
    return "it closes by itself: x ends the wait, with a reason" if step.kind in OBSERVED else ""


def approve(at: Situation) -> str:
    """The step is an open approval."""
    reason, found = active(at), at.the_step
    if not reason and found is not None and found[0].kind is not StepKind.APPROVAL:
        return f"{found[0].title} asks for no approval"
    return reason


def carry_out(at: Situation) -> str:
    """The console can carry the step out, and has not yet."""
    reason = active(at)
    if reason:
        return reason
    run, step, progress = _meant(at)
    if step.kind not in ACTING:
        return f"{step.title} carries nothing out: do it, then c with what you observe"
    if step.kind is StepKind.FLAG and not at.board.flags:
        return "nothing here can set flags: set it by hand, then c with what you observe"
    if step.kind is StepKind.COMMAND and may_not_run(run, at.board):
        return f"{untrusted(run, at.board)}: oncall playbook trust {run.playbook.name}, or do it by hand, then c"
    if job_of(run, step, at.board) is not None:
        return "its program runs: K stops it"
    if unanswered(run, step) is not None and not step.repeatable:
        return "an earlier attempt has an unknown outcome: look, then c closes it, or f says that it failed"
    if step.kind is not StepKind.FLAG and carried_out(run, step, progress):
        return "it was carried out in this attempt: c closes it, or f says that it failed"
    return ""


def read_back(at: Situation) -> str:
    """A second person is waited for."""
    found, run, stopped = at.the_step, at.the_run, going_on(at)
    if stopped or found is None or run is None:
        return stopped or "no step is highlighted"
    step, progress = found
    if not step.second_person:
        return f"{step.title} needs no second person"
    if progress.status is not StepStatus.ACTIVE:
        return f"step {step.title} is {progress.status.value}"
    missing = second_person(run, step, progress, at.board)
    return "" if missing else f"it was read back by {progress.confirmed_by}"


def skip(at: Situation) -> str:
    """The step may be skipped."""
    reason, found = open_step(at), at.the_step
    if reason or found is None:
        return reason
    step, progress = found
    if step.kind is StepKind.DECISION:
        return "a decision is not skipped: choose a branch, or abort the run"
    if step.kind in DECIDED and progress.status is StepStatus.ACTIVE:
        return "an approval is not skipped: v gives it, alone with a reason, or f refuses it"
    return ""


def expire(at: Situation) -> str:
    """The step is an open wait."""
    reason, found = open_step(at), at.the_step
    if not reason and found is not None and found[0].kind not in OBSERVED:
        return f"{found[0].title} is no wait: complete, fail or skip it"
    return reason


def take_step(at: Situation) -> str:
    """The step is open, and this console may hold it."""
    found, stopped = at.the_step, running(at)
    if stopped or found is None:
        return stopped or "no step is highlighted"
    step, progress = found
    if not progress.open:
        return f"step {step.title} is {progress.status.value}"
    return ""


def elsewhere(at: Situation) -> bool:
    """Somebody else has it, so that all else waits for its being taken."""
    found = at.the_step
    return not take_step(at) and found is not None and found[1].held_elsewhere(at.board.console, at.board.at)


def stop_program(at: Situation) -> str:
    """Its program runs here."""
    run, found = at.the_run, at.the_step
    if run is None or found is None:
        return "no step is highlighted"
    return "" if job_of(run, found[0], at.board) is not None else f"no program of {found[0].title} runs here"


def hold(at: Situation) -> str:
    """The run is under way, and not on hold."""
    return going_on(at)


def resume(at: Situation) -> str:
    """The run is on hold, or was aborted."""
    run = at.the_run
    if run is None:
        return "no playbook is running"
    if run.held_at is not None or run.status is RunStatus.ABORTED:
        return ""
    return f"{run.label} is {run.status.value}, neither on hold nor aborted"


def related(at: Situation) -> str:
    """There is a run that the step called, or one that called this."""
    run, found = at.the_run, at.the_step
    if run is None:
        return "no playbook is running"
    if found is not None and child_of(run, found[0], at.board) is not None:
        return ""
    return "" if at.board.run(run.parent) is not None else "no other run belongs to it"


def details(at: Situation) -> str:
    """A step is under the cursor."""
    return "" if at.the_step is not None else "no step is highlighted"
