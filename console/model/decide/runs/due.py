"""The deadlines of runs: steps that are overdue, tries that are due, and steps whose holder is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import IntEnum

from console.model import events as ev
from console.model.decide.context import Context
from console.model.decide.foresight import Draft
from console.model.decide.runs import flow
from console.model.decide.runs.settling import close_now, going_on
from console.model.playbook import ACTING, Do, Step, StepKind
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.model.state import State
from console.model.value import value


class _What(IntEnum):
    """What is due; at one instant in this order."""

    GONE = 0
    RETRY = 1
    OVERDUE = 2
    FAIL = 3
    """It is overdue and has to fail, and has waited for the end of what it had begun."""


@value
class Due:
    """Something that a step of a run is waiting for."""

    at: datetime
    what: _What
    step: Step
    progress: StepRun


def pending(state: State, target: str, console: str = "") -> Iterator[datetime]:
    """Every instant that a run on a target waits for. Nothing is due on hold. `console` is the one that asks: it knows
    that it is there."""
    for run in going_on(state, target):
        yield from (due.at for due in _of(run, console))


def _of(run: Run, console: str) -> Iterator[Due]:
    for progress in run.active:
        step = run.playbook.step(progress.id)
        if progress.retry_at is not None and progress.status is StepStatus.FAILED:
            if flow.may_try_again(run, progress):
                yield Due(progress.retry_at, _What.RETRY, step, progress)
            continue
        if progress.deadline is not None and not progress.overdue_fired:
            yield Due(progress.deadline, _What.OVERDUE, step, progress)
        if progress.overdue_fired and progress.status is StepStatus.ACTIVE and flow.fails_late(step):
            fails_at = flow.fails_at(run, step, progress)
            if fails_at is not None:
                yield Due(fails_at, _What.FAIL, step, progress)
        ours = bool(console) and progress.holder == console
        if progress.held_until is not None and not ours and _needs_its_holder(run, step, progress):
            yield Due(progress.held_until, _What.GONE, step, progress)


def _needs_its_holder(run: Run, step: Step, progress: StepRun) -> bool:
    """Whether nobody knows what came of it, once its holder is gone: what a person does, and what a console carries
    out. What was carried out waits for the world alone, and a message is sent by whoever runs the engine. Of what is
    read, decided, or done by another playbook nothing is lost with its holder: their hold just ends."""
    if progress.status is not StepStatus.ACTIVE or step.kind not in (StepKind.MANUAL, *ACTING):
        return False
    if step.kind is StepKind.NOTIFY and progress.asked_by is not None:
        return False
    effects = run.effects_of(step.id, progress.attempt)
    return not effects or any(not effect.outcome for effect in effects)


def fire(state: State, context: Context, on_time_seconds: float) -> Iterator[tuple[State, Draft]]:
    """For each run of our target in which something is due: the state before, and what is to be appended together."""
    for known in list(going_on(state, str(context.target))):
        draft = _fired(state, known.id, context, on_time_seconds)
        if draft is not None:
            yield state, draft
            state = draft.state


def _fired(state: State, run_id: str, context: Context, on_time_seconds: float) -> Draft | None:
    """What is due in one run; None for nothing."""
    try:
        if _first(state.runs[run_id], context) is None:
            return None
        draft = Draft(state, context)
        for _ in range(flow.rounds(draft.run(run_id))):
            due = _first(draft.run(run_id), context)
            if due is None:
                return draft
            _fire(draft, run_id, due, on_time_seconds)
        raise RuntimeError("something is due for ever")
    except Exception as fault:  # Of this run alone: the others go on.
        return flow.broken(state, run_id, context, fault)


def _first(run: Run, context: Context) -> Due | None:
    """What has been due for longest. A step that starts now is due later, so that this comes to an end; one with no
    time at all does too, by its attempts."""
    if run.status is not RunStatus.RUNNING or run.held_at is not None:
        return None
    due = [item for item in _of(run, context.console) if item.at <= context.now]
    return min(due, key=lambda item: (item.at, item.what), default=None)


def _fire(draft: Draft, run_id: str, due: Due, on_time_seconds: float) -> None:
    run, step, now = draft.run(run_id), due.step, draft.context.now
    late = (now - due.at).total_seconds()
    if due.what is _What.GONE:
        draft.add(run.stream, ev.RunHeld(_gone(due), step.id))
    elif due.what is _What.RETRY:
        flow.launch(draft, run_id, step, again=True)
    elif due.what is _What.FAIL:
        if not close_now(draft, run_id, step):
            flow.past_due(draft, run_id, step)
    elif _only_a_timer(step):
        observed = f"waited until {due.at:%H:%M:%S}Z"
        flow.end_step(draft, run_id, ev.StepCompleted(step.id, observed, attempt=due.progress.attempt))
        flow.time_is_up(draft, run_id, step)
    else:
        seconds = round(late, 3) if late > on_time_seconds else 0.0
        flow.overdue(draft, run_id, step, ev.StepOverdue(step.id, due.at, due.progress.attempt, seconds))


def _gone(due: Due) -> str:
    progress = due.progress
    return (
        f"{progress.held_by} on {progress.holder} has not been heard of: "
        f"look what came of step {due.step.title!r}, then resume"
    )


def _only_a_timer(step: Step) -> bool:
    """A wait for nothing but time: that it is over is no news."""
    leads = bool(step.on_overdue) and all(item.do in (Do.GO_ON, Do.GOTO) for item in step.on_overdue)
    return step.kind is StepKind.WAIT and step.verify is None and leads
