"""The fold of the playbook runs.

The first outcome of a step's attempt stands. What another console wrote without knowing of it (it was cut off, and its
events came later) changes nothing more, and is kept among what came `earlier`: no evidence is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.rules import Rules
from console.model.playbook import Do, Playbook
from console.model.run import HELD, MAX_ATTEMPTS, Effect, Run, RunStatus, StepRun, StepStatus, Trust

RULES, TRUST = Rules(), Rules()

_NOTHING_CAME = (StepStatus.PENDING, StepStatus.PASSED_OVER)


@RULES.born(ev.RunStarted)
def _run_started(recorded: Recorded, payload: ev.RunStarted) -> Run:
    _refuse_impossible(payload.playbook)
    return Run(
        id=recorded.stream.partition(":")[2],
        number=recorded.seq,
        version=recorded.version,
        incident=payload.incident,
        playbook=payload.playbook,
        playbook_hash=payload.playbook_hash,
        target=payload.target,
        started_at=recorded.occurred_at,
        mode=recorded.mode,
        steps={step.id: StepRun(step.id) for step in payload.playbook.steps},
        variables=payload.variables,
        untrusted=payload.untrusted,
        parent=payload.parent,
        parent_step=payload.parent_step,
        started_by=recorded.actor,
    )


def _refuse_impossible(playbook: Playbook) -> None:
    """Raises ValueError where no run of it can be right: no reader would have let it through."""
    ids = {step.id for step in playbook.steps}
    if not ids or len(ids) != len(playbook.steps):
        raise ValueError("no steps, or two of one name")
    ways = [option.goto for step in playbook.steps for option in step.options if option.goto]
    ways += [item.to for step in playbook.steps for item in step.reactions if item.do is Do.GOTO]
    if not ids.issuperset(ways):
        raise ValueError("a way to a step that does not exist")


def _with_step(run: Run, step_id: str, **changes: Any) -> Run:
    return replace(run, steps={**run.steps, step_id: replace(run.steps[step_id], **changes)})


# -- starting ---------------------------------------------------------------------------------------------------------


def _earlier(step: StepRun) -> tuple[StepRun, ...]:
    """What came of it, when it is started anew."""
    return step.earlier if step.status in _NOTHING_CAME else (*step.earlier, replace(step, earlier=()))


@RULES.changed(ev.StepStarted)
def _step_started(run: Run, recorded: Recorded, payload: ev.StepStarted) -> Run:
    before = run.steps[payload.step]
    if not before.attempt < payload.attempt <= MAX_ATTEMPTS or run.status is not RunStatus.RUNNING:
        return run  # It was started so often already, or the run had ended: somebody was cut off.
    steps = dict(run.steps)
    order = [step.id for step in run.playbook.steps]
    place = order.index(payload.step)
    for name in order[:place]:
        if steps[name].status is StepStatus.PENDING:
            steps[name] = replace(steps[name], status=StepStatus.PASSED_OVER)
    for name in order[place + 1 :] if payload.back else ():
        if steps[name].status is not StepStatus.ACTIVE:
            steps[name] = StepRun(name, attempt=steps[name].attempt, earlier=_earlier(steps[name]))
    started = StepRun(
        payload.step,
        StepStatus.ACTIVE,
        payload.attempt,
        payload.owner,
        started_at=recorded.occurred_at,
        deadline=payload.deadline,
        earlier=_earlier(before),
        tries=1,
    )
    steps[payload.step] = _again(started, before) if payload.again else started
    return replace(run, steps=steps)


def _again(started: StepRun, before: StepRun) -> StepRun:
    """A further try of what was asked for: nobody is asked anew, and who held it holds it."""
    return replace(
        started,
        tries=before.tries + 1,
        asked_by=before.asked_by,
        confirmed_by=before.confirmed_by,
        confirmed_on=before.confirmed_on,
        break_glass=before.break_glass,
        holder=before.holder,
        held_by=before.held_by,
        held_until=started.started_at + HELD if before.holder and started.started_at is not None else None,
    )


# -- who does it ------------------------------------------------------------------------------------------------------


@RULES.changed(ev.StepTaken)
def _step_taken(run: Run, recorded: Recorded, payload: ev.StepTaken) -> Run:
    if not run.steps[payload.step].open:
        return run
    if payload.until <= recorded.occurred_at:
        return _with_step(run, payload.step, holder="", held_by=None, held_until=None)  # given back
    until = min(payload.until, recorded.recorded_at + HELD)  # nobody holds a step for longer without renewing it
    return _with_step(run, payload.step, holder=recorded.console, held_by=recorded.actor, held_until=until)


@RULES.changed(ev.StepAsked)
def _step_asked(run: Run, recorded: Recorded, payload: ev.StepAsked) -> Run:
    if run.steps[payload.step].attempt != payload.attempt:
        return run
    return _with_step(run, payload.step, asked_by=recorded.actor, break_glass=payload.break_glass)


@RULES.changed(ev.StepConfirmed)
def _step_confirmed(run: Run, recorded: Recorded, payload: ev.StepConfirmed) -> Run:
    if run.steps[payload.step].attempt != payload.attempt:
        return run
    return _with_step(run, payload.step, confirmed_by=recorded.actor, confirmed_on=recorded.console)


# -- outcomes ---------------------------------------------------------------------------------------------------------


def _came(run: Run, recorded: Recorded, payload: Any, status: StepStatus, **changes: Any) -> Run:
    """One outcome of a step. Where it is not the first one of the attempt under way, it is kept beside."""
    step = run.steps[payload.step]
    changes |= {"status": status, "ended_at": recorded.occurred_at, "by": recorded.actor}
    changes = {name: value for name, value in changes.items() if value != ""}
    if payload.attempt in (0, step.attempt):
        if step.status is StepStatus.ACTIVE:
            return _with_step(run, step.id, **changes)
        if step.status is StepStatus.FAILED and status in (StepStatus.SKIPPED, StepStatus.EXPIRED):
            return _with_step(run, step.id, earlier=_earlier(step), retry_at=None, **changes)
        if step.status is StepStatus.FAILED and status is StepStatus.DONE and step.retry_at is not None:
            # What it had begun has ended well before it was tried again.
            return _with_step(run, step.id, earlier=_earlier(step), retry_at=None, **changes)
    if payload.attempt == step.attempt + 1 and status is StepStatus.FAILED and step.status is StepStatus.PENDING:
        return _with_step(run, step.id, attempt=payload.attempt, **changes)  # It cannot be started any more.
    if payload.attempt > step.attempt and status is StepStatus.FAILED and step.retry_at is not None:
        run = _with_step(run, step.id, retry_at=None)  # Nor is it tried again.
        step = run.steps[step.id]
    beside = StepRun(step.id, attempt=payload.attempt or step.attempt, owner=step.owner, started_at=step.started_at)
    return _with_step(run, step.id, earlier=(*step.earlier, replace(beside, **changes)))


@RULES.changed(ev.StepCompleted)
def _step_completed(run: Run, recorded: Recorded, payload: ev.StepCompleted) -> Run:
    return _came(
        run,
        recorded,
        payload,
        StepStatus.DONE,
        observed=payload.observed,
        option=payload.option,
        evidence=payload.evidence,
        override=payload.override,
        output=payload.output,
        digest=payload.digest,
        links=payload.links,
        break_glass=payload.break_glass,
    )


@RULES.changed(ev.StepFailed)
def _step_failed(run: Run, recorded: Recorded, payload: ev.StepFailed) -> Run:
    return _came(
        run,
        recorded,
        payload,
        StepStatus.FAILED,
        reason=payload.reason,
        retry_at=payload.retry_at,
        output=payload.output,
        digest=payload.digest,
        left=payload.left,
    )


@RULES.changed(ev.StepSkipped)
def _step_skipped(run: Run, recorded: Recorded, payload: ev.StepSkipped) -> Run:
    changes = {"reason": payload.reason, "break_glass": payload.break_glass}
    return _came(run, recorded, payload, StepStatus.SKIPPED, **changes)


@RULES.changed(ev.StepExpired)
def _step_expired(run: Run, recorded: Recorded, payload: ev.StepExpired) -> Run:
    return _came(run, recorded, payload, StepStatus.EXPIRED, observed=payload.observed, reason=payload.reason)


@RULES.changed(ev.StepOverdue)
def _step_overdue(run: Run, _: Recorded, payload: ev.StepOverdue) -> Run:
    if run.steps[payload.step].attempt != payload.attempt:
        return run
    return _with_step(run, payload.step, overdue_fired=True)


# -- the run as a whole -----------------------------------------------------------------------------------------------


@RULES.changed(ev.RunHeld)
def _run_held(run: Run, recorded: Recorded, payload: ev.RunHeld) -> Run:
    at = recorded.occurred_at
    if run.held_at is not None:
        return run

    def let_go(step: StepRun) -> StepRun:
        lapsed = step.held_until is not None and step.held_until <= at
        return replace(step, holder="", held_by=None, held_until=None) if lapsed or step.id == payload.step else step

    return _each(replace(run, held_at=at, held_reason=payload.reason), let_go)


def _each(run: Run, change: Callable[[StepRun], StepRun]) -> Run:
    """With every open step changed."""
    return replace(run, steps={name: change(step) if step.open else step for name, step in run.steps.items()})


@RULES.changed(ev.RunResumed)
def _run_resumed(run: Run, recorded: Recorded, _: ev.RunResumed) -> Run:
    since = run.held_at or run.ended_at
    if since is None or (run.held_at is None and run.status is not RunStatus.ABORTED):
        return run
    pause = max(recorded.occurred_at - since, timedelta(0))
    run = _each(
        run,
        lambda step: replace(
            step,
            deadline=_later(step.deadline, pause),
            retry_at=_later(step.retry_at, pause),
            held_until=_later(step.held_until, pause),
        ),
    )
    if run.held_at is not None:
        return replace(run, held_at=None, held_reason="")
    steps = {
        name: replace(step, status=StepStatus.PENDING) if name in run.unreached else step
        for name, step in run.steps.items()
    }
    return replace(run, steps=steps, status=RunStatus.RUNNING, ended_at=None, reason="", unreached=())


def _later(when: datetime | None, by: timedelta) -> datetime | None:
    try:
        return None if when is None else when + by
    except OverflowError:
        return when


@RULES.changed(ev.RunFinished)
def _run_finished(run: Run, recorded: Recorded, payload: ev.RunFinished) -> Run:
    if run.status is not RunStatus.RUNNING:
        return run
    unreached = tuple(name for name, step in run.steps.items() if step.status is StepStatus.PENDING)
    steps = {
        name: replace(step, status=StepStatus.PASSED_OVER) if name in unreached else step
        for name, step in run.steps.items()
    }
    return replace(
        run,
        steps=steps,
        status=RunStatus(payload.outcome),
        ended_at=recorded.occurred_at,
        reason=payload.reason,
        next_run=payload.next_run,
        unreached=unreached,
        held_at=None,
        held_reason="",
    )


# -- effects ----------------------------------------------------------------------------------------------------------


@RULES.changed(ev.EffectIntended)
def _effect_intended(run: Run, _: Recorded, payload: ev.EffectIntended) -> Run:
    step = run.steps.get(payload.step)
    effect = Effect(
        payload.effect,
        payload.kind,
        payload.target,
        payload.detail,
        payload.step,
        attempt=step.attempt if step is not None else 1,
    )
    return replace(run, effects=(*run.effects, effect))


@RULES.changed(ev.EffectFinished)
def _effect_finished(run: Run, recorded: Recorded, payload: ev.EffectFinished) -> Run:
    for place, effect in enumerate(run.effects):
        if effect.id == payload.effect:
            ended = _ended_effect(effect, recorded, payload)
            run = replace(run, effects=(*run.effects[:place], ended, *run.effects[place + 1 :]))
            step = run.steps.get(effect.step)
            if payload.output and step is not None and step.attempt == effect.attempt and not step.output:
                run = _with_step(run, step.id, output=payload.output, digest=payload.digest)
            break
    return run


def _ended_effect(effect: Effect, recorded: Recorded, payload: ev.EffectFinished) -> Effect:
    """The first answer stands; a word of what nobody knew comes after it."""
    answered = replace(
        effect,
        outcome=payload.outcome,
        answer=payload.detail,
        output=payload.output,
        digest=payload.digest,
        ended_at=recorded.occurred_at,
    )
    if not effect.outcome:
        return answered
    detail, output = _both(effect.answer, payload.detail), _both(effect.output, payload.output)
    if effect.outcome == "unknown":
        return replace(answered, answer=detail, output=output)
    return replace(effect, answer=_both(effect.answer, f"{payload.outcome}: {payload.detail}"), output=output)


def _both(one: str, other: str) -> str:
    return "; then ".join(part for part in dict.fromkeys((one, other)) if part)


@TRUST.born(ev.PlaybookTrusted)
def _trusted(recorded: Recorded, payload: ev.PlaybookTrusted) -> Trust:
    by, at = recorded.actor, recorded.occurred_at
    return Trust(payload.hash, payload.name, by, at, payload.reason, recorded.version)
