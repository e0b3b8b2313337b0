"""The simulated PagerDuty: the real one's rules, in memory. For the demo and the drills; it reaches nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from console.model.message import Act, Delivery
from console.model.pager import (
    ActOutcome,
    ActResult,
    OnCall,
    PagerIncident,
    PagerLogEntry,
    PagerSnapshot,
    PagerStatus,
)
from console.ports import Clock, Rejected, SourceError

SOURCE = "simulated pagerduty"
POLICY, POLICY_ID = "Simulated policy", "PSIMPOL"
ON_CALL = ("Ada Example", "Ben Example", "Cleo Example")
"""Who is on call at level 1, 2 and 3 when nobody else is given."""

_EVENTS = "Events API"
T = TypeVar("T")


@dataclass
class _Incident:
    """One incident, as it changes."""

    id: str
    number: int
    title: str
    urgency: str
    service: str
    created_at: datetime
    changed_at: datetime
    keys: tuple[str, ...]
    status: PagerStatus = PagerStatus.TRIGGERED
    level: int = 1
    assigned: tuple[str, ...] = ()
    acknowledged: tuple[str, datetime] | None = None
    changed_by: str = ""
    notes: list[tuple[str, str, datetime, str]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    log: list[PagerLogEntry] = field(default_factory=list)


@dataclass
class _State:
    """What all who act on one simulated PagerDuty share."""

    clock: Clock
    people: tuple[str, ...]
    service: str
    incidents: dict[str, _Incident] = field(default_factory=dict)
    changes: list[Delivery] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    down: str = ""
    count: int = 0

    def next(self, prefix: str) -> str:
        """A fresh id; the same in every run."""
        self.count += 1
        return f"{prefix}{self.count:04d}"


class SimulatedPager:
    """Implements `Pager`. `people` are on call at level 1, 2, ... of its one policy; `who` is the one who acts."""

    name = SOURCE

    def __init__(
        self, clock: Clock, *, people: tuple[str, ...] = ON_CALL, service: str = "simulated", who: str = "oncall"
    ) -> None:
        self._state, self._who = _State(clock, people, service), who

    def acting_as(self, who: str) -> SimulatedPager:
        """The same PagerDuty with another person at the keys."""
        other = SimulatedPager(self._state.clock, who=who)
        other._state = self._state
        return other

    def stop_answering(self, why: str = "it was broken on purpose") -> None:
        """Lets every later call fail; an empty `why` heals it."""
        self._state.down = why

    @property
    def changes(self) -> tuple[Delivery, ...]:
        """The change events it was told."""
        return tuple(self._state.changes)

    def open(self, title: str, key: str, *, by: str = "Alertmanager") -> PagerIncident:
        """An incident as an integration opens it; one that is open under this key is added to."""
        with self._state.lock:
            found = self._by_key(key)
            if found is None or found.status is PagerStatus.RESOLVED:
                now, state = self._state.clock.now(), self._state
                name = state.next("PSIM")
                found = _Incident(name, state.count, title, "high", state.service, now, now, (key,), changed_by=by)
                found.assigned = state.people[:1]
                state.incidents[name] = found
            self._write(found, "trigger", by, title)
            return self._shown(found)

    def read(self) -> PagerSnapshot:
        """All open incidents, and who is on call."""
        with self._answering() as now:
            shown = tuple(self._shown(one) for one in self._state.incidents.values())
            on_calls = tuple(
                OnCall(
                    POLICY,
                    level,
                    person,
                    _id(person),
                    contacts=(("phone", f"+1 555 010{level}"),),
                    schedule_id=f"SSIM{level}",
                )
                for level, person in enumerate(self._state.people, 1)
            )
            return PagerSnapshot(tuple(one for one in shown if one.open), on_calls, now, "", ((POLICY_ID, POLICY),))

    def incident(self, incident_id: str) -> PagerIncident:
        """One incident as it is now."""
        return self._on(incident_id, self._shown)

    def find(self, key: str) -> PagerIncident | None:
        """The newest incident with this dedup key, open or not."""
        with self._answering():
            found = self._by_key(key)
            return self._shown(found) if found else None

    def log(self, incident_id: str) -> tuple[PagerLogEntry, ...]:
        """An incident's own history, oldest first."""
        return self._on(incident_id, lambda one: tuple(one.log))

    def acknowledge(self, incident_id: str) -> ActResult:
        """LOST when it is resolved; ALREADY when somebody has it."""

        def act(one: _Incident) -> ActResult:
            if one.status is PagerStatus.ACKNOWLEDGED and one.acknowledged:
                who, when = one.acknowledged
                return ActResult(ActOutcome.ALREADY, f"{one.id} was acknowledged already by {who}", who, when, one.id)
            return self._lost(one) or self._acknowledge(one, self._who)

        return self._on(incident_id, act)

    def resolve(self, incident_id: str) -> ActResult:
        """ALREADY when it is resolved."""

        def act(one: _Incident) -> ActResult:
            if one.status is PagerStatus.RESOLVED:
                said = f"{one.id} was resolved already by {one.changed_by}"
                return ActResult(ActOutcome.ALREADY, said, one.changed_by, one.changed_at, one.id)
            return self._resolve(one, self._who)

        return self._on(incident_id, act)

    def escalate(self, incident_id: str, as_of_level: int) -> ActResult:
        """To the level after `as_of_level`. LOST when it stands at another level already."""

        def act(one: _Incident) -> ActResult:
            if lost := self._lost(one):
                return lost
            if as_of_level not in (0, one.level):
                last = next((line for line in reversed(one.log) if line.kind == "escalate"), None)
                by, when = (last.by, last.at) if last else ("", None)
                said = f"{one.id} was escalated already{f' by {by}' if by else ''}; it stands at level {one.level}"
                return ActResult(ActOutcome.LOST, said, by, when, one.id)
            if one.level >= len(self._state.people):
                raise Rejected(f"{SOURCE}: there is no level after {one.level}")
            one.assigned = (self._state.people[one.level],)
            one.level += 1
            return self._done(one, "escalate", f"{one.id} escalated to level {one.level}")

        return self._on(incident_id, act)

    def reassign(self, incident_id: str, person_ids: tuple[str, ...]) -> ActResult:
        """To these people, in place of those it is assigned to. LOST when it is resolved."""

        def act(one: _Incident) -> ActResult:
            if lost := self._lost(one):
                return lost
            people = tuple(self._named(person) for person in person_ids)
            if set(people) == set(one.assigned):
                return ActResult(ActOutcome.ALREADY, f"{one.id} is assigned to them already")
            one.assigned, one.level = people, 0
            return self._done(one, "assign", f"{one.id} assigned to {', '.join(people)}")

        return self._on(incident_id, act)

    def note(self, incident_id: str, text: str) -> ActResult:
        """Adds a note, once: one that is there already word by word is ALREADY."""

        def act(one: _Incident) -> ActResult:
            for name, by, when, said in one.notes:
                if said.strip() == text.strip():
                    return ActResult(ActOutcome.ALREADY, f"the note is on {one.id} already", by, when, name)
            name = self._state.next("NSIM")
            one.notes.append((name, self._who, self._state.clock.now(), text))
            done = self._done(one, "annotate", f"noted on {one.id}", text)
            return ActResult(done.outcome, done.text, done.by, done.at, name)

        return self._on(incident_id, act)

    def status_update(self, incident_id: str, text: str) -> ActResult:
        """Tells its subscribers, of whom there are none."""
        return self._on(
            incident_id, lambda one: self._done(one, "status_update", f"the subscribers of {one.id} are told", text)
        )

    def request_responders(self, incident_id: str, person_ids: tuple[str, ...], text: str) -> ActResult:
        """Asks these people to join, each once."""

        def act(one: _Incident) -> ActResult:
            if lost := self._lost(one):
                return lost
            new = [person for person in person_ids if person not in one.asked]
            if not new:
                return ActResult(ActOutcome.ALREADY, f"{one.id}: all of them have been asked")
            one.asked.update(new)
            return self._done(one, "responder_request", f"{len(new)} asked to join {one.id}", text)

        return self._on(incident_id, act)

    def trigger(self, delivery: Delivery) -> ActResult:
        """Opens an incident under `delivery.ref` as its dedup key; a repetition adds to it."""
        with self._answering() as now:
            self.open(delivery.message.title, delivery.ref, by=_EVENTS)
            return ActResult(ActOutcome.DONE, f"{SOURCE} has taken the alert {delivery.ref}", at=now, ref=delivery.ref)

    def event(self, act: Act, key: str) -> ActResult:
        """Acknowledges or resolves the incident with this dedup key; neither can reopen anything."""
        if act not in (Act.ACKNOWLEDGE, Act.RESOLVE):
            raise Rejected(f"{SOURCE}: no event can {act.value} {key}")
        with self._answering() as now:
            found = self._by_key(key)
            if found is not None and found.status is not PagerStatus.RESOLVED:
                if act is Act.RESOLVE:
                    self._resolve(found, _EVENTS)
                elif found.status is not PagerStatus.ACKNOWLEDGED:
                    self._acknowledge(found, _EVENTS)
            return ActResult(ActOutcome.DONE, f"{SOURCE} has taken the event: {act.value} {key}", at=now, ref=key)

    def change(self, delivery: Delivery) -> ActResult:
        """Records a change event."""
        with self._answering() as now:
            self._state.changes.append(delivery)
            return ActResult(ActOutcome.DONE, f"{SOURCE} has taken the change event", at=now)

    @contextmanager
    def _answering(self) -> Iterator[datetime]:
        """Around every call: one at a time, and none while it is broken. Gives the present instant."""
        with self._state.lock:
            if self._state.down:
                raise SourceError(f"{SOURCE} does not answer: {self._state.down}")
            yield self._state.clock.now()

    def _on(self, incident_id: str, act: Callable[[_Incident], T]) -> T:
        with self._answering():
            if incident_id not in self._state.incidents:
                raise Rejected(f"{SOURCE}: it knows no incident {incident_id}")
            return act(self._state.incidents[incident_id])

    def _by_key(self, key: str) -> _Incident | None:
        return next((one for one in reversed(self._state.incidents.values()) if key in one.keys), None)

    def _named(self, person_id: str) -> str:
        return next((person for person in self._state.people if _id(person) == person_id), person_id)

    def _acknowledge(self, one: _Incident, who: str) -> ActResult:
        one.status, one.acknowledged = PagerStatus.ACKNOWLEDGED, (who, self._state.clock.now())
        one.assigned = (who,) if who != _EVENTS else one.assigned
        return self._done(one, "acknowledge", f"{one.id} acknowledged", who=who)

    def _resolve(self, one: _Incident, who: str) -> ActResult:
        one.status, one.acknowledged, one.assigned = PagerStatus.RESOLVED, None, ()
        return self._done(one, "resolve", f"{one.id} resolved", who=who)

    def _lost(self, one: _Incident) -> ActResult | None:
        if one.status is not PagerStatus.RESOLVED:
            return None
        said = f"{one.id} is resolved by {one.changed_by}; it stays so"
        return ActResult(ActOutcome.LOST, said, one.changed_by, one.changed_at, one.id)

    def _done(self, one: _Incident, kind: str, said: str, text: str = "", *, who: str = "") -> ActResult:
        line = self._write(one, kind, who or self._who, text)
        return ActResult(ActOutcome.DONE, said, line.by, line.at, one.id)

    def _write(self, one: _Incident, kind: str, who: str, text: str) -> PagerLogEntry:
        line = PagerLogEntry(self._state.next("LSIM"), kind, self._state.clock.now(), who, text)
        one.log.append(line)
        if kind in ("trigger", "acknowledge", "resolve"):
            one.changed_at, one.changed_by = line.at, who
        return line

    def _shown(self, one: _Incident) -> PagerIncident:
        who, when = one.acknowledged or ("", None)
        return PagerIncident(
            id=one.id,
            number=one.number,
            title=one.title,
            status=one.status,
            urgency=one.urgency,
            service=one.service,
            created_at=one.created_at,
            keys=one.keys,
            escalation_policy=POLICY,
            escalation_policy_id=POLICY_ID,
            level=one.level if one.status is not PagerStatus.RESOLVED else 0,
            assigned_to=one.assigned,
            acknowledged_by=who,
            acknowledged_at=when,
            changed_at=one.changed_at,
            changed_by=one.changed_by,
        )


def _id(person: str) -> str:
    return "U" + "".join(letter for letter in person.upper() if letter.isalnum())
