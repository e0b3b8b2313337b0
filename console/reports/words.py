"""An event in words: one line that says what happened. Used where the record is read rather than looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from console.model import events as ev
from console.model.events import Recorded


def describe(recorded: Recorded) -> str:
    """What happened, in one line. A kind this program does not know is shown as it is."""
    words = _WORDS.get(type(recorded.payload))
    if words is not None:
        return words(recorded.payload)
    if isinstance(recorded.payload, ev.Unknown):
        return f"{recorded.kind} (unknown to this program): {recorded.payload.raw}"
    return f"{recorded.kind}: {_generic(recorded.payload)}"


def clock(when: datetime | None) -> str:
    """Hours, minutes, seconds in UTC."""
    return "-" if when is None else f"{when:%H:%M:%S}Z"


def _generic(payload: Any) -> str:
    if not is_dataclass(payload):
        return str(payload)
    values = ((field.name, getattr(payload, field.name)) for field in fields(payload))
    return ", ".join(f"{name} {value}" for name, value in values if value not in ("", (), None))


def _with(text: str, **parts: str) -> str:
    """`text`, and after it the parts that are there: `text; name: part`."""
    return "; ".join([text, *(f"{name.replace('_', ' ')}: {part}" for name, part in parts.items() if part)])


def _declared(event: ev.IncidentDeclared) -> str:
    alerts = ", ".join(alert.name for alert in event.alerts)
    since = f"{event.impact_started_at:%Y-%m-%d %H:%M:%S}Z" if event.impact_started_at else ""
    what = f"declared {event.severity}: {event.title}"
    return _with(what, alerts=alerts, impact_since=since, acknowledge_by=_due(event.acknowledge_by))


def _due(when: datetime | None) -> str:
    return clock(when) if when is not None else ""


def _late(seconds: float) -> str:
    return f"noticed {seconds:.0f} s later, when an engine ran again" if seconds >= 1 else ""


def _overdue(event: ev.StepOverdue) -> str:
    return _with(f"step {event.step} is OVERDUE since {clock(event.due_at)}", late=_late(event.late_seconds))


def _ack_overdue(event: ev.AcknowledgeOverdue) -> str:
    return _with(f"NOT ACKNOWLEDGED by {clock(event.due_at)}", late=_late(event.late_seconds))


def _step_started(event: ev.StepStarted) -> str:
    again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
    return _with(f"step {event.step} started{again}", owner=event.owner, until=_due(event.deadline))


def _completed(event: ev.StepCompleted) -> str:
    return _with(
        f"step {event.step} completed: {event.observed}",
        chosen=event.option,
        typed=event.confirmed,
        evidence=event.evidence,
        OVERRIDE=event.override,
    )


def _finished(event: ev.RunFinished) -> str:
    return _with(f"run {event.outcome}", reason=event.reason)


def _offered(event: ev.HandoffOffered) -> str:
    return _with(f"handoff offered to {event.to}: {len(event.items)} items", summary=event.summary, record=event.anchor)


def _drill_finished(event: ev.DrillFinished) -> str:
    return f"DRILL {event.outcome} after {event.minutes:.1f} min"


_WORDS: dict[type[Any], Callable[[Any], str]] = {
    ev.IncidentDeclared: _declared,
    ev.IncidentAcknowledged: lambda _: "acknowledged",
    ev.AcknowledgeOverdue: _ack_overdue,
    ev.IncidentStateChanged: lambda event: _with(f"now {event.state}", reason=event.reason),
    ev.SeverityChanged: lambda event: f"now {event.severity}: {event.reason}",
    ev.AlertsLinked: lambda event: f"linked: {', '.join(alert.name for alert in event.alerts)}",
    ev.RoleAssigned: lambda event: f"{event.person} is {event.role}",
    ev.NoteAdded: lambda event: _with(f"note: {event.text}", step=event.step),
    ev.RunStarted: lambda event: f"run of {event.playbook.title} started on {event.target}",
    ev.StepStarted: _step_started,
    ev.StepCompleted: _completed,
    ev.StepFailed: lambda event: f"step {event.step} FAILED: {event.reason}",
    ev.StepSkipped: lambda event: f"step {event.step} skipped: {event.reason}",
    ev.StepExpired: lambda event: _with(f"step {event.step} expired by decision: {event.reason}", left=event.observed),
    ev.StepOverdue: _overdue,
    ev.RunFinished: _finished,
    ev.EffectIntended: lambda event: f"about to {event.kind} {event.target}: {event.detail}",
    ev.EffectFinished: lambda event: _with(f"effect {event.outcome}", answer=event.detail),
    ev.ShiftBegan: lambda event: f"shift of {event.operator} began",
    ev.ShiftEnded: lambda event: _with("shift ended", reason=event.reason),
    ev.WatchItemAdded: lambda event: _with(f"watch {event.item}: {event.text}", until=_due(event.until)),
    ev.WatchItemClosed: lambda event: f"watch {event.item} closed: {event.reason}",
    ev.HandoffOffered: _offered,
    ev.HandoffItemAnswered: lambda event: _with(f"item {event.item} {event.answer}", read_back=event.read_back),
    ev.HandoffAccepted: lambda event: _with("handoff accepted", SHARED_LOGIN=event.shared_login),
    ev.HandoffWithdrawn: lambda event: f"handoff withdrawn: {event.reason}",
    ev.LeaseTaken: lambda event: _with(f"engine: {event.holder} acts", after=event.previous),
    ev.LeaseReleased: lambda event: f"engine: {event.holder} let go",
    ev.SpoolMerged: lambda event: f"{event.events} events merged that were NOT SAVED on {event.console}",
    ev.DrillStarted: lambda event: f"DRILL {event.scenario} started",
    ev.DrillFinished: _drill_finished,
}
