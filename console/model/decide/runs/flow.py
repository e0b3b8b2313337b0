"""What follows: which steps start, what an outcome leads to, how a run ends, and what that means to the run that called
it. Everything is written on a `Draft`, one event after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from console.model import events as ev
from console.model.decide.context import Context, Refusal
from console.model.decide.foresight import Draft
from console.model.decide.runs.telling import react
from console.model.playbook import Do, LoadedPlaybook, Playbook, Reaction, Step, StepKind
from console.model.run import MAX_ATTEMPTS, Run, RunStatus, StepRun, StepStatus
from console.model.state import State

MAX_DEPTH = 8
"""How many runs may call each other."""

TO_BE_SEEN = timedelta(seconds=30)
"""How long an effect has to be seen, besides the time that it must hold, before its step is too late."""

SPENT = f"it was started {MAX_ATTEMPTS} times: skip it, or abort the run"

# -- beginning --------------------------------------------------------------------------------------------------------


def begin(
    draft: Draft,
    run_id: str,
    incident_id: str,
    loaded: LoadedPlaybook,
    answers: Mapping[str, str],
    parent: str = "",
    parent_step: str = "",
) -> None:
    """A new run and its first steps. Raises ValueError, with one line, where its variables cannot be filled in."""
    from console.model.binding import bound  # RE2 is needed only where something is started

    context = draft.context
    incident = draft.state.incidents.get(incident_id)
    if incident is None:
        raise ValueError(f"incident {incident_id} is not in this record")
    playbook, variables = bound(loaded.playbook, incident, answers, context.settings)
    started = ev.RunStarted(
        incident_id, playbook, loaded.hash, str(context.target), variables, loaded.untrusted, parent, parent_step
    )
    draft.add(f"run:{run_id}", started)
    if run_id not in draft.state.runs:
        raise ValueError(
            f"playbook {playbook.name!r} has no steps, two of one name, or a way to one that does not exist"
        )
    enter(draft, run_id, playbook.steps[0])


def known_answers(state: State, run: Run, playbook: Playbook) -> dict[str, str]:
    """What a run knows of the variables that another playbook asks for. What an alert says is nobody's answer: it is
    handed on where the other playbook limits it. Raises ValueError, with one line, where a person has to answer."""
    known: dict[str, str] = {}
    for variable in playbook.variables:
        value = run.variables.get(variable.name)
        if value is None:
            continue
        if variable.pattern or variable.choices or not _of_an_alert(state, run, variable.name):
            known[variable.name] = value
        elif not variable.source:
            raise ValueError(
                f"{variable.name} of {run.playbook.name} comes from an alert, and {playbook.name} asks a person for "
                f"it: start {playbook.name} by hand"
            )
    return known


def _of_an_alert(state: State, run: Run, name: str) -> bool:
    """Whether a variable of a run, or the one of the run that handed it on, has what an alert says."""
    seen: set[str] = set()
    waiting = [run]
    while waiting:
        item = waiting.pop()
        seen.add(item.id)
        if any(known.name == name and known.source.startswith("alert.") for known in item.playbook.variables):
            return True
        waiting += [
            other
            for other in state.runs.values()
            if (other.id == item.parent or other.next_run == item.id)
            and other.id not in seen
            and name in other.variables
        ]
    return False


def enter(draft: Draft, run_id: str, step: Step, back: bool = False) -> None:
    """Starts a step and all that start together with it; what is under way already goes on."""
    for item in _together(draft.run(run_id).playbook, step):
        if not draft.run(run_id).steps[item.id].open:
            launch(draft, run_id, item, back=back and item is step)


def _together(playbook: Playbook, step: Step) -> tuple[Step, ...]:
    """A step, those of its group that come after it, and, where nobody waits for these, what follows them."""
    group = playbook.group_of(step)
    members = group[group.index(step) :]
    following = playbook.after(step.id) if all(item.parallel for item in members) else None
    return members if following is None else (*members, *_together(playbook, following))


def launch(draft: Draft, run_id: str, step: Step, *, back: bool = False, again: bool = False) -> None:
    """Starts one step. One that was started too often is not: it waits for somebody who skips it."""
    run, context = draft.run(run_id), draft.context
    attempt = run.steps[step.id].attempt + 1
    if attempt > MAX_ATTEMPTS:
        draft.add(run.stream, ev.StepFailed(step.id, SPENT, attempt=attempt))
        return
    deadline = None if step.timebox is None else context.now + step.timebox
    draft.add(run.stream, ev.StepStarted(step.id, step.owner, deadline, attempt, again, back))
    if step.kind is StepKind.PLAYBOOK:
        _call(draft, run_id, step)


def _call(draft: Draft, run_id: str, step: Step) -> None:
    """Begins the run that a step stands for. Where that is impossible the step has failed, and says why."""
    run = draft.run(run_id)
    try:
        loaded = _callable(draft, run, step.call)
        begin(
            draft,
            draft.context.fresh(),
            run.incident,
            loaded,
            known_answers(draft.state, run, loaded.playbook),
            run.id,
            step.id,
        )
    except ValueError as error:
        failed(draft, run_id, step.id, str(error))


def _callable(draft: Draft, run: Run, name: str) -> LoadedPlaybook:
    loaded = draft.context.playbooks.get(name)
    if loaded is None:
        raise ValueError(f"playbook {name!r} is not loaded")
    above = [item.playbook.name for item in callers(draft.state, run)]
    if name in above:
        raise ValueError(f"playbook {name!r} is running here already: it cannot run within itself")
    if len(above) >= MAX_DEPTH:
        raise ValueError(f"{len(above)} playbooks have called each other: {name!r} is one too many")
    return loaded


def callers(state: State, run: Run) -> list[Run]:
    """A run, the run that called it, and so on: the one that a person started is the last."""
    found = [run]
    while (parent := state.runs.get(found[-1].parent)) is not None and parent not in found:
        found.append(parent)
    return found


def called(state: State, run: Run, step_id: str) -> Run | None:
    """The run that stands for a step of kind PLAYBOOK: the newest."""
    found = [item for item in state.runs.values() if (item.parent, item.parent_step) == (run.id, step_id)]
    return found[-1] if found else None


# -- going on ---------------------------------------------------------------------------------------------------------


def advance(draft: Draft, run_id: str, step: Step) -> None:
    """What follows a step that is over. A parallel one is never waited for, and a group goes on together."""
    run = draft.run(run_id)
    if run.status is not RunStatus.RUNNING:
        return
    playbook = run.playbook
    joined = all(run.steps[item.id].over for item in playbook.group_of(step) if not item.parallel)
    following = None if step.parallel else playbook.after(step.id)
    # Where the flow was led elsewhere meanwhile, what follows was passed over or is under way.
    if following is not None and joined and run.steps[following.id].status is StepStatus.PENDING:
        enter(draft, run_id, following)
    _no_standstill(draft, run_id, step)


def _no_standstill(draft: Draft, run_id: str, step: Step) -> None:
    """A run in which nothing is under way goes on with what is left after this step, or has come to its end."""
    run = draft.run(run_id)
    if run.status is not RunStatus.RUNNING or run.active:
        return
    ids = [item.id for item in run.playbook.steps]
    left = [name for name in ids[ids.index(step.id) + 1 :] if run.steps[name].status is StepStatus.PENDING]
    if left:
        enter(draft, run_id, run.playbook.step(left[0]))
    else:
        finish(draft, run_id, RunStatus.COMPLETED)


def revive(draft: Draft, run_id: str) -> None:
    """Goes on where nobody saw that it was time to: two who were cut off from each other ended the last steps of a
    group, each leaving it to the other to go on."""
    run = draft.run(run_id)
    ended = [(item.ended_at, place) for place, item in enumerate(run.steps.values()) if item.ended_at is not None]
    place = max(ended, default=(None, 0))[1]
    _no_standstill(draft, run_id, run.playbook.steps[place])


def jump(draft: Draft, run_id: str, step: Step, target: str) -> None:
    """Goes on with another step. Where that lies behind, everything from there on is to be done again."""
    playbook = draft.run(run_id).playbook
    ids = [item.id for item in playbook.steps]
    enter(draft, run_id, playbook.step(target), back=ids.index(target) <= ids.index(step.id))
    _no_standstill(draft, run_id, step)


def spent(run: Run, target: str) -> bool:
    """Whether a step was started as often as it may be."""
    progress = run.steps[target]
    return progress.attempt >= MAX_ATTEMPTS and not progress.open


def refuse_spent(run: Run, target: str) -> None:
    """Raises Refusal where a person wants to go to a step that was started too often."""
    if spent(run, target):
        raise Refusal(f"step {run.playbook.step(target).title!r}: {SPENT}, or choose another way")


# -- outcomes ---------------------------------------------------------------------------------------------------------


def end_step(draft: Draft, run_id: str, payload: Any) -> None:
    """Writes the outcome of a step; what was called for it ends with it."""
    run = draft.run(run_id)
    draft.add(run.stream, payload)
    child = called(draft.state, run, payload.step)
    if child is not None and child.status is RunStatus.RUNNING:
        finish(draft, child.id, RunStatus.ABORTED, f"{run.playbook.title} goes on without it")


def give_up(draft: Draft, run_id: str, step_id: str, reason: str) -> None:
    """Nobody waits any longer for what was begun for a step and gave no answer: its outcome is unknown."""
    run = draft.run(run_id)
    for effect in run.effects_of(step_id):
        if not effect.outcome:
            draft.add(run.stream, ev.EffectFinished(effect.id, "unknown", reason))


def ended_well_late(run: Run, progress: StepRun) -> bool:
    """Whether what was begun in a failed attempt has ended well, after that was said to have failed."""
    return any(
        effect.outcome == "done"
        and (progress.ended_at is None or effect.ended_at is None or effect.ended_at > progress.ended_at)
        for effect in run.effects_of(progress.id, progress.attempt)
    )


def may_try_again(run: Run, progress: StepRun) -> bool:
    """Whether a step may be tried again by itself: not while something that was begun for it may be under way, or may
    have done its work."""
    known = all(effect.outcome not in ("", "unknown") for effect in run.effects_of(progress.id))
    return known and not ended_well_late(run, progress)


def failed(draft: Draft, run_id: str, step_id: str, reason: str, output: str = "", digest: str = "") -> None:
    """A step has failed: it is tried again by itself, or its reactions follow, or it waits for a person."""
    run = draft.run(run_id)
    step, progress = run.playbook.step(step_id), run.steps[step_id]
    known = (step_id, reason, _retry_at(run, step, progress, draft.context.now), output, digest, progress.attempt)
    if known[2] is not None:
        end_step(draft, run_id, ev.StepFailed(*known))
        return
    way = _way(run, step.on_failure.then)
    failure = ev.StepFailed(*known, left=way is not None and way.do is not Do.ABORT)
    end_step(draft, run_id, failure)
    react(draft, run, step, step.on_failure.then, failure, "FAILED")
    _follow(draft, run_id, step, way, reason)


def _retry_at(run: Run, step: Step, progress: StepRun, now: datetime) -> datetime | None:
    rule = step.on_failure
    if not may_try_again(run, progress):
        return None
    if progress.tries >= rule.tries or progress.attempt >= MAX_ATTEMPTS:
        return None
    return now + rule.back_off * float(2 ** (max(progress.tries, 1) - 1))


def _way(run: Run, reactions: Iterable[Reaction]) -> Reaction | None:
    """The first reaction that leads somewhere. A step that was started too often is no way: a person decides."""
    for reaction in reactions:
        if reaction.do in (Do.GO_ON, Do.ABORT):
            return reaction
        if reaction.do is Do.GOTO and reaction.to in run.steps and not spent(run, reaction.to):
            return reaction
    return None


def _follow(draft: Draft, run_id: str, step: Step, way: Reaction | None, why: str) -> None:
    if way is None:
        return
    if way.do is Do.GOTO:
        jump(draft, run_id, step, way.to)
    elif way.do is Do.GO_ON:
        advance(draft, run_id, step)
    else:
        finish(draft, run_id, RunStatus.ABORTED, f"{step.title}: {why}")


def overdue(draft: Draft, run_id: str, step: Step, due: ev.StepOverdue) -> None:
    """A step takes longer than it may: it is said, and its reactions follow."""
    run = draft.run(run_id)
    draft.add(run.stream, due)
    react(draft, run, step, step.on_overdue, due, "OVERDUE")
    past_due(draft, run_id, step)


def past_due(draft: Draft, run_id: str, step: Step) -> None:
    """Where a step leads whose time is over. One that has to fail waits for the end of what it has begun."""
    run = draft.run(run_id)
    progress = run.steps[step.id]
    late = "not done in time"
    if fails_late(step) and progress.status is StepStatus.ACTIVE:
        at = fails_at(run, step, progress)
        if at is None or at > draft.context.now:
            return
        failed(draft, run_id, step.id, late)
        return
    way = _way(run, step.on_overdue)
    if way is not None and way.do is not Do.ABORT:
        left = progress.observed or progress.reason or "nobody said what is left"
        end_step(draft, run_id, ev.StepExpired(step.id, left, late, progress.attempt))
    _follow(draft, run_id, step, way, late)


def fails_late(step: Step) -> bool:
    """Whether it has failed when its time is over."""
    return any(item.do is Do.FAIL for item in step.on_overdue)


def fails_at(run: Run, step: Step, progress: StepRun) -> datetime | None:
    """When a step fails that does so when its time is over: not before what it has begun has ended, and, where that
    has to be seen, a little later. None while it does not."""
    if any(not effect.outcome for effect in run.effects_of(step.id)):
        return None
    last = next(reversed(run.effects_of(step.id, progress.attempt)), None)
    if last is None or last.ended_at is None or progress.deadline is None:
        return progress.deadline
    if last.outcome != "done":
        return max(last.ended_at, progress.deadline)
    if step.verify is None:
        return None  # It closes.
    return max(last.ended_at + step.verify.hold + TO_BE_SEEN, progress.deadline)


def time_is_up(draft: Draft, run_id: str, step: Step) -> None:
    """Where a wait for nothing but time leads."""
    way = _way(draft.run(run_id), step.on_overdue)
    _follow(draft, run_id, step, way or Reaction(Do.GO_ON), "")


# -- the end ----------------------------------------------------------------------------------------------------------


def finish(draft: Draft, run_id: str, outcome: RunStatus, reason: str = "", next_run: str = "") -> None:
    """Ends a run, what it called, and the step that called it."""
    run = draft.run(run_id)
    draft.add(run.stream, ev.RunFinished(outcome, reason, next_run))
    if outcome in (RunStatus.ABORTED, RunStatus.CONTINUED):
        why = f"was aborted: {reason}" if outcome is RunStatus.ABORTED else f"goes on in another playbook: {reason}"
        for progress in run.active:
            child = called(draft.state, run, progress.id)
            if child is not None and child.status is RunStatus.RUNNING and child.id != next_run:
                finish(draft, child.id, RunStatus.ABORTED, f"{run.playbook.title} {why}")
    if run.parent and outcome is not RunStatus.CONTINUED:
        report(draft, run_id)


def report(draft: Draft, run_id: str) -> None:
    """The step that called a run closes, or fails, with it; on hold it waits."""
    run = draft.run(run_id)
    caller = draft.state.runs.get(run.parent)
    if caller is None or caller.status is not RunStatus.RUNNING or caller.held_at is not None:
        return
    if run.parent_step not in caller.steps:
        return  # A record that somebody else has written.
    step, progress = caller.playbook.step(run.parent_step), caller.steps[run.parent_step]
    newest = called(draft.state, caller, step.id)
    if progress.status is StepStatus.ACTIVE and newest is not None and newest.id == run.id:
        close_called(draft, caller.id, step, run)


def close_called(draft: Draft, run_id: str, step: Step, ended: Run) -> None:
    """What the end of the run that was called makes of the step."""
    attempt = draft.run(run_id).steps[step.id].attempt
    if ended.status is RunStatus.ABORTED:
        failed(draft, run_id, step.id, f"{ended.playbook.title} was aborted: {ended.reason}")
        return
    end_step(draft, run_id, ev.StepCompleted(step.id, f"{ended.playbook.title} is completed", attempt=attempt))
    advance(draft, run_id, step)


def playbook_of(context: Context, name: str) -> LoadedPlaybook:
    """A playbook that a decision leads to. Raises Refusal."""
    loaded = context.playbooks.get(name)
    if loaded is None:
        raise Refusal(f"playbook {name!r} is not loaded; choose another branch, or start it by hand")
    return loaded


# -- faults -----------------------------------------------------------------------------------------------------------


def rounds(run: Run) -> int:
    """How often something may happen by itself to a run in one append: each end, try and deadline of each attempt."""
    return 4 * (MAX_ATTEMPTS + 1) * len(run.steps)


def broken(state: State, run_id: str, context: Context, fault: Exception) -> Draft:
    """A run that our rules cannot go on with: it is put on hold, and says so. Nothing of it is done by itself."""
    draft = Draft(state, context)
    run = draft.run(run_id)
    what = f"{type(fault).__name__}: {fault}"[:200]
    draft.add(run.stream, ev.RunHeld(f"fault in the rules of the run ({what}): do the rest by hand, or abort it"))
    return draft
