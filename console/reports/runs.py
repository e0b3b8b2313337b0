"""Incidents and runs as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.model.incident import Incident
from console.model.people import Actor
from console.model.run import Run, StepRun
from console.reports.values import Json, instant, number


def summary(incident: Incident, runs: Sequence[Run], now: datetime) -> Json:
    """One incident with its runs, as the status has it."""
    return {
        "id": incident.id,
        "label": incident.label,
        "title": incident.title,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "environment": incident.target,
        "mode": incident.mode,
        "declared_at": instant(incident.declared_at),
        "declared_by": str(incident.declared_by),
        "impact_started_at": instant(incident.impact_started_at),
        "acknowledged_at": instant(incident.acknowledged_at),
        "acknowledged_by": str(incident.acknowledged_by) if incident.acknowledged_by else None,
        "acknowledge_by": instant(incident.acknowledge_by),
        "acknowledge_overdue": incident.acknowledge_overdue,
        "times": {state: instant(when) for state, when in incident.times.items()},
        "roles": dict(incident.roles),
        "alerts": [{"fingerprint": item.fingerprint, "name": item.name} for item in incident.alerts],
        "notes": incident.notes,
        "saved": not incident.unsaved,
        "runs": [run_data(run, now) for run in runs if run.incident == incident.id],
    }


def run_data(run: Run, now: datetime) -> Json:
    """One run with its steps in playbook order."""
    current = run.current
    return {
        "id": run.id,
        "label": run.label,
        "incident": run.incident,
        "playbook": run.playbook.name,
        "playbook_hash": run.playbook_hash,
        "target": run.target,
        "mode": run.mode,
        "status": run.status.value,
        "started_at": instant(run.started_at),
        "ended_at": instant(run.ended_at),
        "reason": run.reason,
        "next_run": run.next_run,
        "parent": run.parent or None,
        "parent_step": run.parent_step or None,
        "variables": dict(run.variables),
        "held_at": instant(run.held_at),
        "held_reason": run.held_reason,
        "untrusted": run.untrusted,
        "current": current.id if current is not None else None,
        "steps": [_step(run, run.steps[step.id], now) for step in run.playbook.steps],
        "effects": [
            {
                "kind": effect.kind,
                "target": effect.target,
                "detail": effect.detail,
                "step": effect.step,
                "attempt": effect.attempt,
                "outcome": effect.outcome or "unknown",
                "answer": effect.answer,
                "digest": effect.digest,
            }
            for effect in run.effects
        ],
        "saved": not run.unsaved,
    }


def _step(run: Run, progress: StepRun, now: datetime) -> Json:
    step, late = run.playbook.step(progress.id), progress.overdue_by(now)
    return {
        "id": step.id,
        "title": step.title,
        "kind": step.kind.value,
        "status": progress.status.value,
        "attempt": progress.attempt,
        "owner": progress.owner or step.owner,
        "started_at": instant(progress.started_at),
        "ended_at": instant(progress.ended_at),
        "deadline": instant(progress.deadline),
        "timebox_seconds": None if step.timebox is None else number(step.timebox.total_seconds()),
        "overdue_seconds": None if late is None else number(late.total_seconds()),
        "observed": progress.observed,
        "option": progress.option,
        "evidence": progress.evidence,
        "override": progress.override,
        "reason": progress.reason,
        "by": _who(progress.by),
        "break_glass": progress.break_glass,
        "links": list(progress.links),
        "output": progress.output,
        "digest": progress.digest,
        "retry_at": instant(progress.retry_at),
        "asked_by": _who(progress.asked_by),
        "confirmed_by": _who(progress.confirmed_by),
        "holder": progress.holder,
        "held_by": _who(progress.held_by),
        "held_until": instant(progress.held_until),
        "attempts": [_attempt(item) for item in progress.earlier],
    }


def _attempt(item: StepRun) -> Json:
    """What came of a step before it was started anew, or too late to count."""
    return {
        "attempt": item.attempt,
        "status": item.status.value,
        "started_at": instant(item.started_at),
        "ended_at": instant(item.ended_at),
        "observed": item.observed,
        "option": item.option,
        "evidence": item.evidence,
        "override": item.override,
        "break_glass": item.break_glass,
        "reason": item.reason,
        "digest": item.digest,
        "links": list(item.links),
        "by": _who(item.by),
    }


def _who(actor: Actor | None) -> str | None:
    return str(actor) if actor is not None else None
