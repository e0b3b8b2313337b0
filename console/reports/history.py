"""Everything that the record holds about one incident, and how its times, roles and severity came about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from console.model import events as ev
from console.model.change import Change
from console.model.events import Recorded
from console.model.incident import QUIET, Incident, IncidentState
from console.model.message import Delivery
from console.model.people import Severity
from console.model.run import Run
from console.model.state import State, apply

BEFORE = timedelta(hours=1)
"""How long before an incident what was changed is of interest."""

_NOT_SEVERE = QUIET | {IncidentState.TRIAGE}
"""Without a severity that counts: it is over, or the severity is only proposed."""

_OWN = ("incident", "run", "change")
_ENGINE = (ev.LeaseTaken, ev.LeaseReleased, ev.SpoolMerged)


@dataclass(frozen=True, slots=True)
class Said:
    """A time of the incident as one event gave it."""

    at: datetime
    event: Recorded
    by: str
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Spell:
    """How long something was so: who held a role, which severity it had. `end` None: at the end of the record, too."""

    what: str
    who: str
    start: datetime
    end: datetime | None
    event: Recorded


@dataclass(slots=True)
class History:
    """An incident with what belongs to it, replayed. `end` is when its last event was recorded."""

    incident: Incident
    end: datetime
    events: list[Recorded]
    """Its own, of its runs, temporary changes and alerts, and the phases of the rollout, as they happened."""
    runs: list[Run] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    engine: list[Recorded] = field(default_factory=list)
    """Who ran the engine, and what was merged later."""
    times: dict[str, list[Said]] = field(default_factory=dict)
    """By name; the last one counts."""
    severities: list[Spell] = field(default_factory=list)
    """Only while it was neither resolved nor ended."""
    roles: list[Spell] = field(default_factory=list)
    due: dict[str, datetime | None] = field(default_factory=dict)
    """By the event of a status update: when it was due."""

    def time(self, name: str) -> datetime | None:
        """One of its times; None while it is not known."""
        said = self.times.get(name)
        return said[-1].at if said else None

    def payloads(self, kind: type[Any]) -> Iterator[tuple[Recorded, Any]]:
        """The events of one kind."""
        return ((item, item.payload) for item in self.events if isinstance(item.payload, kind))


def gather(incident: Incident, read: Callable[[], Iterable[Recorded]]) -> list[Recorded]:
    """The events of the record that are about an incident. `read` gives the whole record, anew each time."""
    streams, end = _streams(incident, read())
    rollout = f"rollout:{incident.target}"
    alerts = {f"alert:{alert.fingerprint}" for alert in incident.alerts}
    start = min([incident.declared_at, *incident.times.values()]) - BEFORE

    def wanted(item: Recorded) -> bool:
        if item.stream in streams:
            return True
        if item.stream in alerts or isinstance(item.payload, (*_ENGINE, ev.ClockStepped)):
            return start <= item.occurred_at <= end
        return item.stream == rollout and item.occurred_at <= end

    found = [item for item in read() if wanted(item)]
    early = [item.id for item in found if item.stream == rollout and item.occurred_at < start]
    replaced = set(early[:-1])  # by the phase that was live when it began
    return [item for item in found if item.id not in replaced]


def _streams(incident: Incident, events: Iterable[Recorded]) -> tuple[set[str], datetime]:
    """Its own streams and those of its runs, temporary changes and messages; and when the last of it happened."""
    streams, end = {incident.stream}, incident.declared_at
    for item in events:
        payload = item.payload
        mine: object = False
        if isinstance(payload, ev.RunStarted | ev.ChangeIntended | ev.ChangeTied):
            mine = payload.incident == incident.id
        elif isinstance(payload, ev.DeliveryQueued):
            mine = payload.message.subject == incident.id or payload.subject_stream in streams
        if mine:
            streams.add(item.stream)
        if item.stream in streams:
            end = max(end, item.occurred_at)
    return streams, end


def replay(incident_id: str, events: Sequence[Recorded]) -> History:
    """What `gather` found, put together. Raises KeyError when the incident is not among it."""
    state, stream = State(), f"incident:{incident_id}"
    order = sorted(events, key=lambda item: (not item.saved, item.seq))
    times: dict[str, list[Said]] = {}
    due: dict[str, datetime | None] = {}
    severities, roles = _Spells(), _Spells()
    sent: dict[str, State] = {}
    for item in order:
        if item.stream.startswith("delivery:"):
            apply(sent.setdefault(item.stream, State()), item)  # each by itself: a State keeps only the newest
            continue
        before = state.incidents.get(incident_id)
        apply(state, item)
        after = state.incidents.get(incident_id)
        if item.stream != stream or after is None:
            continue
        if isinstance(item.payload, ev.UpdatePosted):
            due[item.id] = before.update_due if before is not None else None
        _note_times(times, before, after, item)
        live: Mapping[str, str] = {} if after.state in _NOT_SEVERE else {"severity": after.severity.value}
        severities.turn(live, item)
        roles.turn(after.roles, item)
    own = [item for item in order if item.stream.partition(":")[0] in _OWN]
    ours = [item for item in order if not item.stream.startswith("delivery:") and not isinstance(item.payload, _ENGINE)]
    return History(
        incident=state.incidents[incident_id],
        end=max(item.recorded_at for item in own),
        events=sorted(ours, key=lambda item: (item.occurred_at, not item.saved, item.seq)),
        runs=list(state.runs_of(incident_id)),
        changes=list(state.changes_of(incident_id)),
        deliveries=[delivery for one in sent.values() for delivery in one.deliveries.values()],
        engine=[item for item in order if isinstance(item.payload, _ENGINE)],
        times=times,
        severities=severities.all(),
        roles=roles.all(),
        due=due,
    )


def _note_times(times: dict[str, list[Said]], before: Incident | None, after: Incident, item: Recorded) -> None:
    known = before.times if before is not None else {}
    changed = {name for name, at in after.times.items() if known.get(name) != at}
    if isinstance(item.payload, ev.TimeSet):
        changed.add(item.payload.name)  # the same instant, said again: it may be no estimate any more
    for name in sorted(changed & set(after.times)):
        said = Said(after.times[name], item, str(item.actor), name in after.estimated)
        times.setdefault(name, []).append(said)


class _Spells:
    """Collects how long things were so."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, Recorded]] = {}
        self._done: list[Spell] = []

    def turn(self, now: Mapping[str, str], item: Recorded) -> None:
        """It is so `now`, by an event."""
        for what, (who, since) in list(self._open.items()):
            if now.get(what) != who:
                del self._open[what]
                self._done.append(Spell(what, who, since.occurred_at, item.occurred_at, since))
        for what, who in now.items():
            self._open.setdefault(what, (who, item))

    def all(self) -> list[Spell]:
        """Every spell, in the order they began."""
        open_ = [Spell(what, who, since.occurred_at, None, since) for what, (who, since) in self._open.items()]
        return sorted([*self._done, *open_], key=lambda spell: (spell.start, spell.what, spell.event.seq))


def worst(history: History) -> Severity:
    """The most severe that it ever was."""
    known = [Severity(spell.who) for spell in history.severities]
    return min([*known, history.incident.severity], key=lambda severity: severity.rank)
