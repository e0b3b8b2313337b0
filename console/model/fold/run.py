"""The fold of the playbook runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.rules import Rules
from console.model.run import SETTLED, Effect, Run, RunStatus, StepRun, StepStatus, Trust

RULES, TRUST = Rules(), Rules()


@RULES.born(ev.RunStarted)
def _run_started(recorded: Recorded, payload: ev.RunStarted) -> Run:
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
    )


def _with_step(run: Run, step_id: str, **changes: Any) -> Run:
    return replace(run, steps={**run.steps, step_id: replace(run.steps[step_id], **changes)})


@RULES.changed(ev.StepStarted)
def _step_started(run: Run, recorded: Recorded, payload: ev.StepStarted) -> Run:
    steps = dict(run.steps)
    for step in run.playbook.steps:
        if step.id == payload.step:
            break
        if steps[step.id].status is StepStatus.PENDING:
            steps[step.id] = replace(steps[step.id], status=StepStatus.PASSED_OVER)
    steps[payload.step] = StepRun(
        payload.step,
        StepStatus.ACTIVE,
        payload.attempt,
        payload.owner,
        started_at=recorded.occurred_at,
        deadline=payload.deadline,
    )
    return replace(run, steps=steps)


def _ended(run: Run, recorded: Recorded, step_id: str, status: StepStatus, **changes: Any) -> Run:
    if run.steps[step_id].status in SETTLED:
        return run  # The first outcome of a step stands; the record keeps both.
    return _with_step(run, step_id, status=status, ended_at=recorded.occurred_at, by=recorded.actor, **changes)


@RULES.changed(ev.StepCompleted)
def _step_completed(run: Run, recorded: Recorded, payload: ev.StepCompleted) -> Run:
    return _ended(
        run,
        recorded,
        payload.step,
        StepStatus.DONE,
        observed=payload.observed,
        option=payload.option,
        evidence=payload.evidence,
        override=payload.override,
    )


@RULES.changed(ev.StepFailed)
def _step_failed(run: Run, recorded: Recorded, payload: ev.StepFailed) -> Run:
    return _ended(run, recorded, payload.step, StepStatus.FAILED, reason=payload.reason)


@RULES.changed(ev.StepSkipped)
def _step_skipped(run: Run, recorded: Recorded, payload: ev.StepSkipped) -> Run:
    return _ended(run, recorded, payload.step, StepStatus.SKIPPED, reason=payload.reason)


@RULES.changed(ev.StepExpired)
def _step_expired(run: Run, recorded: Recorded, payload: ev.StepExpired) -> Run:
    return _ended(run, recorded, payload.step, StepStatus.EXPIRED, observed=payload.observed, reason=payload.reason)


@RULES.changed(ev.StepOverdue)
def _step_overdue(run: Run, _: Recorded, payload: ev.StepOverdue) -> Run:
    return _with_step(run, payload.step, overdue_fired=True)


@RULES.changed(ev.RunFinished)
def _run_finished(run: Run, recorded: Recorded, payload: ev.RunFinished) -> Run:
    steps = {
        step_id: replace(step, status=StepStatus.PASSED_OVER) if step.status is StepStatus.PENDING else step
        for step_id, step in run.steps.items()
    }
    return replace(
        run,
        steps=steps,
        status=RunStatus(payload.outcome),
        ended_at=recorded.occurred_at,
        reason=payload.reason,
        next_run=payload.next_run,
    )


@RULES.changed(ev.EffectIntended)
def _effect_intended(run: Run, _: Recorded, payload: ev.EffectIntended) -> Run:
    effect = Effect(payload.effect, payload.kind, payload.target, payload.detail, payload.step)
    return replace(run, effects=(*run.effects, effect))


@RULES.changed(ev.EffectFinished)
def _effect_finished(run: Run, _: Recorded, payload: ev.EffectFinished) -> Run:
    effects = tuple(
        replace(effect, outcome=payload.outcome, answer=payload.detail) if effect.id == payload.effect else effect
        for effect in run.effects
    )
    return replace(run, effects=effects)


@TRUST.born(ev.PlaybookTrusted)
def _trusted(recorded: Recorded, payload: ev.PlaybookTrusted) -> Trust:
    by, at = recorded.actor, recorded.occurred_at
    return Trust(payload.hash, payload.name, by, at, payload.reason, recorded.version)
