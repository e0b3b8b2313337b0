"""The run and the step that a command names: in the record, and free to be worked on."""

from __future__ import annotations

from console.model.decide.context import Context, Refusal
from console.model.playbook import Step
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.model.state import State


def find_run(state: State, run_id: str) -> Run:
    """A run. Raises Refusal."""
    run = state.runs.get(run_id)
    if run is None:
        raise Refusal(f"run {run_id} is not in this record")
    return run


def find_running(state: State, run_id: str) -> Run:
    """A run that has not ended. Raises Refusal."""
    run = find_run(state, run_id)
    if run.status is not RunStatus.RUNNING:
        raise Refusal(f"{run.label} is {run.status}: it is not running")
    return run


def find_step(state: State, run_id: str, step_id: str, *statuses: StepStatus) -> tuple[Run, Step, StepRun]:
    """A step in one of `statuses` (under way, where none is named) of a run that goes on. Raises Refusal."""
    run = find_running(state, run_id)
    if step_id not in run.steps:
        raise Refusal(f"{run.label} has no step {step_id!r}")
    step, progress = run.playbook.step(step_id), run.steps[step_id]
    if progress.status not in (statuses or (StepStatus.ACTIVE,)):
        by = f" by {progress.by}" if progress.by else ""
        at = f" at {progress.ended_at:%H:%M:%S}Z" if progress.ended_at else ""
        raise Refusal(f"step {step.title!r} is {progress.status}{by}{at}")
    if progress.left:
        raise Refusal(f"step {step.title!r} has failed, and the run went on without it")
    if run.held_at is not None:
        raise Refusal(f"{run.label} is on hold since {run.held_at:%H:%M:%S}Z ({run.held_reason}): resume it first")
    return run, step, progress


def find_mine(
    state: State, run_id: str, step_id: str, context: Context, *statuses: StepStatus
) -> tuple[Run, Step, StepRun]:
    """A step that no other console holds. Raises Refusal, which says who does and until when."""
    run, step, progress = find_step(state, run_id, step_id, *statuses)
    if held_elsewhere(progress, context):
        raise Refusal(f"{whose(step, progress)}: take it with a reason")
    return run, step, progress


def held_elsewhere(progress: StepRun, context: Context) -> bool:
    """Whether another console than the one that decides holds it now."""
    return bool(context.console) and progress.held_elsewhere(context.console, context.now)


def whose(step: Step, progress: StepRun) -> str:
    """Who holds a step, where, and until when."""
    until = f" until {progress.held_until:%H:%M:%S}Z" if progress.held_until is not None else ""
    return f"{progress.held_by} holds step {step.title!r} on {progress.holder}{until}"
