"""The draft of a handoff: what the next one on shift must know, taken from the record alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from console.model.change import Change
from console.model.events import HandoffItem
from console.model.incident import Incident, IncidentState
from console.model.run import Run, RunStatus
from console.model.shift import Shift
from console.model.state import State


def draft(state: State, shift: Shift, now: datetime) -> tuple[tuple[HandoffItem, ...], str]:
    """The items to hand over, the most urgent first, and a summary in one line.

    Open incidents by severity, each followed by its running playbooks; temporary changes that somebody owes; watch
    items; what was resolved, and what was noted, during the shift.
    """
    done = [
        item for item in state.incidents.values() if (at := _resolved_at(item)) is not None and at >= shift.began_at
    ]
    open_incidents = sorted(
        (item for item in state.incidents.values() if item.open and item not in done),
        key=lambda item: (item.severity.rank, item.declared_at),
    )
    owed = [change for change in state.changes.values() if change.owed(now)]
    items = [
        *(entry for incident in open_incidents for entry in _with_runs(state, incident, now)),
        *(_temporary(change) for change in owed),
        *(HandoffItem(item.id, "watch", item.id, item.text, _until(item.until)) for item in shift.open_watch),
        *(_change(incident) for incident in done),
        *(
            HandoffItem(f"N{number}", "note", shift.id, f"{at:%H:%M}Z {who}: {text}")
            for number, (at, who, text) in enumerate(shift.notes, 1)
        ),
    ]
    running = sum(item.kind == "run" for item in items)
    counts: tuple[tuple[Any, ...], ...] = (
        (len(open_incidents), "open incident"),
        (running, "playbook under way", "playbooks under way"),
        (len(shift.open_watch), "watch item"),
        (len(done), "resolved in this shift", "resolved in this shift"),
    )
    if owed:
        counts += ((len(owed), "temporary change"),)
    words = [
        f"{count} {name[0] if count == 1 else name[-1] + ('s' if len(name) == 1 else '')}" for count, *name in counts
    ]
    return tuple(items), f"{shift.operator} since {shift.began_at:%Y-%m-%d %H:%M}Z: {', '.join(words)}"


def _with_runs(state: State, incident: Incident, now: datetime) -> Iterator[HandoffItem]:
    lead = incident.commander or "nobody"
    text = f"{incident.severity} {incident.state}: {incident.title}; led by {lead}"
    yield HandoffItem(_name(incident), "incident", incident.id, text, _next(incident, now))
    for run in state.runs_of(incident.id):
        if run.status is RunStatus.RUNNING:
            yield HandoffItem(_name(run), "run", run.id, *_where(run, now))


def _next(incident: Incident, now: datetime) -> str:
    if incident.state is IncidentState.RESOLVED:
        return "close it, when nothing is left to do"
    if incident.acknowledged_at is not None:
        return f"{incident.commander or 'somebody'} leads it on, to resolved"
    due = incident.acknowledge_by
    if due is None:
        return "acknowledge it"
    return f"acknowledge it {'NOW: overdue since' if due <= now else 'by'} {due:%H:%M}Z"


def _where(run: Run, now: datetime) -> tuple[str, str]:
    current = run.current
    if current is None:
        return f"{run.playbook.title}: no step under way", "start the next step, or abort the run"
    step = run.playbook.step(current.id)
    done = sum(item.ended_at is not None for item in run.steps.values())
    text = f"{run.playbook.title} on {run.target}: {done} of {len(run.steps)} steps ended, now {step.title!r}"
    owner = current.owner or step.owner
    if current.deadline is None:
        return text, f"{owner}: {step.title}"
    late = "OVERDUE since" if current.deadline <= now else "by"
    return text, f"{owner}: {step.title}, {late} {current.deadline:%H:%M:%S}Z"


def _resolved_at(incident: Incident) -> datetime | None:
    if incident.open and incident.state is not IncidentState.RESOLVED:
        return None
    for state in (IncidentState.RESOLVED, IncidentState.CANCELLED, IncidentState.CLOSED):
        if state.value in incident.times:
            return incident.times[state.value]
    return None


def _change(incident: Incident) -> HandoffItem:
    left = "close it, when nothing is left to do" if incident.open else ""
    text = f"{incident.severity} {incident.state}: {incident.title}"
    return HandoffItem(f"DONE-{_name(incident)}", "change", incident.id, text, left)


def _temporary(change: Change) -> HandoffItem:
    text = f"{change.kind} {change.state}: {change.what}"
    return HandoffItem(
        _name(change), "temporary", change.id, text, f"{change.undo} {_until(change.expires_at)}".strip()
    )


def _until(when: datetime | None) -> str:
    return f"until {when:%Y-%m-%d %H:%M}Z" if when is not None else ""


def _name(item: Incident | Run | Change) -> str:
    """The label, or the beginning of the id while there is no label."""
    return item.label if item.number else item.id[:8]
