"""What could not be seen, or was not known, during an incident: the record's own word on its gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import zip_longest

from console.model import events as ev
from console.model.change import ChangeStatus
from console.model.reading import ReadingState
from console.reports.history import History
from console.reports.values import Json, instant

MISSED = timedelta(seconds=60)
"""For how long no engine must have run to be told."""


def blind_spots(history: History) -> Iterator[Json]:
    """Each gap with when and what."""
    for item in history.events:
        if isinstance(item.payload, ev.EvidenceTaken):
            yield from _readings(item.occurred_at, item.payload)
        elif isinstance(item.payload, ev.Unknown):
            yield _spot(item.occurred_at, f"an event of the unknown kind {item.kind}: it is kept, and not understood")
        elif not item.saved:
            yield _spot(item.occurred_at, f"{item.kind} is NOT SAVED: it waits outside the journal")
        late = getattr(item.payload, "late_seconds", 0.0)
        if isinstance(late, float) and late > 0:
            yield _spot(item.occurred_at, f"{item.kind} was noticed {late:.0f} s late: no engine was running")
    yield from _taken(history)
    yield from _without_engine(history)
    for item in history.engine:
        if isinstance(item.payload, ev.SpoolMerged):
            text = f"{item.payload.events} events of {item.payload.console} were saved only then"
            yield _spot(item.occurred_at, text)
    for change in history.changes:
        if change.state in (ChangeStatus.INTENDED, ChangeStatus.UNDOING):
            yield _spot(change.made_at, f"{change.label}: its outcome is not known ({change.state.value})")
    for run in history.runs:
        for effect in run.effects:
            if not effect.outcome or effect.outcome == "unknown":
                yield _spot(run.started_at, f"{run.label}: the outcome of {effect.kind} {effect.target} is not known")


def _readings(at: datetime, payload: ev.EvidenceTaken) -> Iterator[Json]:
    for state in ReadingState:
        names = [note.name for note in payload.readings if note.state is state]
        if state is not ReadingState.OK and names:
            yield _spot(at, f"when {payload.moment}: {state.value.replace('_', ' ')}: {', '.join(names)}")


def _taken(history: History) -> Iterator[Json]:
    """Turns of which there is no evidence at all."""
    taken = {payload.moment for _, payload in history.payloads(ev.EvidenceTaken)}
    for moment in ("declared", "mitigated", "resolved"):
        said = history.times.get(moment)
        if said and moment not in taken:
            yield _spot(said[-1].at, f"when {moment}: no source was read")


def _without_engine(history: History) -> Iterator[Json]:
    """When nobody ran the engine although the incident was live. An engine that crashed has left no word of it."""
    live = max((spell.end or history.end for spell in history.severities), default=history.end)
    here = ("", history.incident.target)
    leases = [
        item
        for item in history.engine
        if isinstance(item.payload, ev.LeaseTaken | ev.LeaseReleased) and item.payload.target in here
    ]
    for item, after in zip_longest(leases, leases[1:]):
        until = after.occurred_at if after is not None else None
        if isinstance(item.payload, ev.LeaseReleased) and (until or live) - item.occurred_at > MISSED:
            what = f"no engine was running, last in {item.payload.holder}: nothing was escalated by itself"
            yield _spot(item.occurred_at, what, until)


def _spot(at: datetime, what: str, until: datetime | None = None) -> Json:
    return {"from": instant(at), "to": instant(until), "what": what}
