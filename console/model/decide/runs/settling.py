"""What closes by itself: on what is observed, on how an effect ended, on what the far side has taken."""

from __future__ import annotations

from collections.abc import Iterator

from console.model import events as ev
from console.model.decide.announce import announce
from console.model.decide.changes import command_outcome
from console.model.decide.context import Batch, Context
from console.model.decide.foresight import Draft
from console.model.decide.runs import flow
from console.model.decide.runs.seeing import begun, shown
from console.model.decide.runs.telling import told_by
from console.model.message import DeliveryState
from console.model.playbook import OBSERVED, Check, Step, StepKind
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.model.state import State
from console.model.value import value


@value
class _End:
    """How a step ends by itself: with what was observed, its evidence, or why it has failed."""

    step: Step
    observed: str = ""
    evidence: str = ""
    failed: str = ""
    called: Run | None = None


def going_on(state: State, target: str) -> Iterator[Run]:
    """The runs on a target that are neither ended nor on hold."""
    for run in state.runs.values():
        of = state.incidents.get(run.incident)
        if run.status is RunStatus.RUNNING and run.held_at is None and of is not None and of.target == target:
            yield run


def settle(state: State, context: Context) -> list[list[Batch]]:
    """For each run on our target what is to be appended together, because steps of it have come to their end. A
    conflict means that somebody else was first; the others are appended all the same, and the rest is
    settled next time."""
    lists: list[list[Batch]] = []
    for known in list(going_on(state, str(context.target))):
        if state.runs[known.id].status is not RunStatus.RUNNING:
            continue
        draft = _settled(state, known.id, context)
        if draft is None:
            continue
        batches = draft.batches()
        lists.append([*batches, *announce(state, batches, context)])
        state = draft.state
    return lists


def close_now(draft: Draft, run_id: str, step: Step) -> bool:
    """Closes one step under way that has come to its end by itself. Whether it has."""
    run = draft.run(run_id)
    end = _ends(draft.state, run, step, run.steps[step.id], draft.context)
    if end is not None:
        _end(draft, run_id, end)
    return end is not None


def _settled(state: State, run_id: str, context: Context) -> Draft | None:
    """What closes in one run; None for nothing. Each round ends one attempt of one step, and there are so many of these
    at most."""
    try:
        run = state.runs[run_id]
        if run.active and _next_end(state, run, context) is None:
            return None
        draft = Draft(state, context)
        flow.revive(draft, run_id)
        for _ in range(flow.rounds(run)):
            end = _next_end(draft.state, draft.run(run_id), context)
            if end is None:
                return draft
            _end(draft, run_id, end)
        raise RuntimeError("its steps close for ever")
    except Exception as fault:  # Of this run alone: the others go on.
        return flow.broken(state, run_id, context, fault)


def _end(draft: Draft, run_id: str, end: _End) -> None:
    progress = draft.run(run_id).steps[end.step.id]
    if end.called is not None:
        flow.close_called(draft, run_id, end.step, end.called)
    elif end.failed:
        flow.failed(draft, run_id, end.step.id, end.failed)
    else:
        done = ev.StepCompleted(end.step.id, end.observed, evidence=end.evidence, attempt=progress.attempt)
        flow.end_step(draft, run_id, done)
        flow.advance(draft, run_id, end.step)


def _next_end(state: State, run: Run, context: Context) -> _End | None:
    """The first step that has come to its end by itself."""
    if run.status is not RunStatus.RUNNING or run.held_at is not None:
        return None
    for progress in run.active:
        step = run.playbook.step(progress.id)
        end = None
        if progress.status is StepStatus.ACTIVE:
            end = _ends(state, run, step, progress, context)
        elif progress.retry_at is not None and flow.ended_well_late(run, progress):
            end = _by_effect(run, step, progress, context)  # It is not tried again: it closes on this.
        if end is not None and not (end.failed and progress.status is StepStatus.FAILED):
            return end
    return None


def _ends(state: State, run: Run, step: Step, progress: StepRun, context: Context) -> _End | None:
    if step.kind in OBSERVED and step.verify is not None:
        held, evidence = shown(step.verify, context, begun=begun(step, progress))
        return _End(step, evidence, evidence) if held else None
    if step.kind in (StepKind.COMMAND, StepKind.FLAG):
        return _by_effect(run, step, progress, context)
    if step.kind is StepKind.NOTIFY:
        return _by_delivery(state, run, step, progress, context)
    if step.kind is StepKind.PLAYBOOK:
        return _by_call(state, run, step)
    return None


def _by_effect(run: Run, step: Step, progress: StepRun, context: Context) -> _End | None:
    effects = run.effects_of(step.id, progress.attempt)
    if not effects:
        return None
    effect = effects[-1]
    if effect.outcome == "refused":
        return _End(step, failed=effect.answer or "refused")
    if effect.outcome != "done":
        return None
    if step.verify is None:
        return _End(step, effect.answer or "done", effect.answer)
    held, evidence = shown(step.verify, context, effect.ended_at)
    return _End(step, evidence, evidence) if held else None


def _by_delivery(state: State, run: Run, step: Step, progress: StepRun, context: Context) -> _End | None:
    told = told_by(state, run, step, progress.attempt)
    given_up = [item for item in told if item.state is DeliveryState.FAILED]
    if given_up:
        return _End(step, failed="; ".join(f"not sent to {item.channel}: {item.error}" for item in given_up))
    if not told or any(item.state is not DeliveryState.SENT for item in told):
        return None
    evidence = "; ".join(f"sent to {item.channel}: {item.receipt}" for item in told)
    if step.verify is not None:
        held, seen = shown(step.verify, context, progress.started_at)
        return _End(step, evidence, seen) if held else None
    return _End(step, evidence, evidence)


def _by_call(state: State, run: Run, step: Step) -> _End | None:
    """The run that stands for it, or the one that took over from that, has ended: it was on hold, or nobody told."""
    child = flow.called(state, run, step.id)
    seen: set[str] = set()
    while child is not None and child.status is RunStatus.CONTINUED and child.id not in seen:
        seen.add(child.id)
        child = state.runs.get(child.next_run)
    started = run.steps[step.id].started_at
    if child is None or child.ended_at is None or child.status is RunStatus.CONTINUED:
        return None
    if child.id not in seen and started is not None and child.started_at < started:
        return None  # It was called by an earlier attempt.
    return _End(step, called=child)


def effect_outcome(
    state: State,
    run_id: str,
    step_id: str,
    effect_id: str,
    outcome: str,
    detail: str,
    output: str,
    digest: str,
    context: Context,
) -> list[Batch]:
    """What follows when an effect of a step has ended: "done", "refused" or "unknown". Its outcome is written whatever
    has become of the step; a step that waits for it has failed when it was refused."""
    run = state.runs[run_id]
    step, progress = run.playbook.step(step_id), run.steps[step_id]
    draft = Draft(state, context)
    draft.add(run.stream, ev.EffectFinished(effect_id, outcome, detail, output, digest))
    draft.take(command_outcome(draft.state, run, step, outcome, detail))
    ours = any(effect.id == effect_id for effect in run.effects_of(step_id, progress.attempt))
    waits = progress.status is StepStatus.ACTIVE and run.status is RunStatus.RUNNING and run.held_at is None
    if outcome == "refused" and ours and waits:
        flow.failed(draft, run_id, step_id, detail or "refused")
    batches = draft.batches()
    return [*batches, *announce(state, batches, context)]


def watched(state: State, target: str) -> tuple[tuple[Run, Step, Check], ...]:
    """The checks that the steps under way on a target need now: to look at, to close on, to choose by."""
    found: list[tuple[Run, Step, Check]] = []
    for run in state.runs.values():
        of = state.incidents.get(run.incident)
        if run.status is not RunStatus.RUNNING or of is None or of.target != target:
            continue
        for progress in run.active:
            step = run.playbook.step(progress.id)
            closing = (step.verify,) if step.verify is not None else ()
            advice = (option.when for option in step.options if option.when is not None)
            found += [(run, step, check) for check in (*step.look_at, *closing, *advice)]
    return tuple(found)
