"""Deadlines: absolute instants that survive a restart and become an event once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from console.model import events as ev
from console.model.decide.context import Batch
from console.model.incident import QUIET
from console.model.playbook import RunStatus
from console.model.state import State


def _pending(state: State) -> Iterator[tuple[datetime, str, int, Any]]:
    """(due, stream, version, event) of every deadline that has not fired."""
    for incident in state.incidents.values():
        waits = incident.acknowledged_at is None and incident.state not in QUIET
        if waits and incident.acknowledge_by is not None and not incident.acknowledge_overdue:
            overdue = ev.AcknowledgeOverdue(incident.acknowledge_by)
            yield incident.acknowledge_by, incident.stream, incident.version, overdue
    for run in state.runs.values():
        if run.status is not RunStatus.RUNNING:
            continue
        for step in run.active:
            if step.deadline is not None and not step.overdue_fired:
                yield (
                    step.deadline,
                    run.stream,
                    run.version,
                    ev.StepOverdue(step.id, step.deadline, step.attempt),
                )


def next_deadline(state: State) -> datetime | None:
    """The earliest deadline that has not fired, past ones included; None when nothing waits."""
    return min((due for due, *_ in _pending(state)), default=None)


ON_TIME_SECONDS = 2.0
"""A deadline that fires within this is on time; later ones say by how much."""


def fire_deadlines(state: State, now: datetime) -> list[Batch]:
    """One batch for each stream with passed deadlines. Each is appended for itself: a conflict means that somebody else
    was first, and the others still fire."""
    due: dict[str, tuple[int, list[Any]]] = {}
    for when, stream, version, event in _pending(state):
        if when <= now:
            late = (now - when).total_seconds()
            if late > ON_TIME_SECONDS:
                event = type(event)(**{**_fields(event), "late_seconds": round(late, 3)})
            due.setdefault(stream, (version, []))[1].append(event)
    return [Batch(stream, version, tuple(events)) for stream, (version, events) in due.items()]


def _fields(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}
