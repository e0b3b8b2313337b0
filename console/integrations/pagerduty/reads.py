"""What PagerDuty says: open incidents with the dedup keys of their alerts, and who is on call and how to reach them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from console.integrations.pagerduty.parts import Levels, Part, contact, incident, log_entry, on_call
from console.integrations.pagerduty.wire import Talk, Wire
from console.model.pager import OnCall, PagerIncident, PagerLogEntry, PagerSnapshot
from console.model.reading import clock_note
from console.ports import Busy, Rejected, SourceError

KEYS_PER_READ = 25
"""Incidents whose alerts are looked up in one refresh: a storm of incidents is no storm of requests."""
PEOPLE_PER_READ = 10
"""People whose contact methods are looked up in one refresh."""
PEOPLE_SECONDS, POLICIES_SECONDS = 3600.0, 600.0
"""How long contact methods, and the policies of the services, are taken as they were."""

_OPEN = {"statuses[]": ["triggered", "acknowledged"], "date_range": "all"}


class Reads:
    """Reads one PagerDuty, and remembers what need not be asked again."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._levels: Levels = {}
        self._keys: dict[str, tuple[tuple[Any, ...], tuple[str, ...]]] = {}
        self._people: dict[str, tuple[float, tuple[tuple[str, str], ...]]] = {}
        self._policies: tuple[float, tuple[tuple[str, str], ...]] | None = None
        self._last: tuple[PagerIncident, ...] = ()
        self._on_calls: tuple[OnCall, ...] = ()

    def snapshot(self) -> PagerSnapshot:
        """All open incidents of the watched services, and who is on call. Raises SourceError."""
        notes: list[str] = []
        with self._wire.talk(refresh=True) as talk:
            found, note = talk.pages("/incidents", "incidents", _OPEN | self._services())
            now = self._wire.clock.now()
            with _beside(notes, "the alerts' keys"):
                self._read_keys(talk, found, notes)
            with _beside(notes, "who is on call"):
                self._read_on_calls(talk, self._watched(talk, notes), notes)
        read = [incident(raw, now, self._levels, self._keys_of(Part(raw).id)) for raw in found]
        self._last = tuple({one.id: one for one in read if one is not None}.values())
        skewed = clock_note(self._wire.skew.total_seconds())
        notes += filter(None, (note, _unreadable("incidents", read), skewed))
        policies = self._policies[1] if self._policies else ()
        return PagerSnapshot(self._last, self._on_calls, now, "; ".join(notes), policies)

    def one(self, talk: Talk, incident_id: str) -> tuple[PagerIncident, Part]:
        """One incident as it is now, and its parts. Raises SourceError, Rejected when there is none."""
        self.check(incident_id)
        return self.of(talk.get(f"/incidents/{incident_id}"))

    def check(self, incident_id: str) -> None:
        """Raises Rejected for what can be no id, before it becomes part of an address."""
        if not Part({"id": incident_id}).id:
            raise Rejected(f"{self._wire.where}: {incident_id!r} is no id of an incident")

    def of(self, answer: dict[str, Any]) -> tuple[PagerIncident, Part]:
        """The incident in an answer, and its parts. Raises SourceError."""
        raw = answer.get("incident")
        found = incident(raw, self._wire.clock.now(), self._levels, self._keys_of(Part(raw).id))
        if found is None:
            raise SourceError(f"{self._wire.where}: answers without the incident")
        return found, Part(raw)

    def find(self, key: str, *, watched: bool) -> PagerIncident | None:
        """The newest incident with this dedup key, on the watched services or on any."""
        params = {"incident_key": key, "date_range": "all", "sort_by": "created_at:desc"}
        with self._wire.talk() as talk:
            found, _ = talk.pages("/incidents", "incidents", params | (self._services() if watched else {}))
            now = self._wire.clock.now()
            read = [one for raw in found if (one := incident(raw, now, self._levels)) is not None and key in one.keys]
            if not read and (known := next((one for one in self._last if key in one.keys), None)):
                read = [self.one(talk, known.id)[0]]
        return max(read, key=lambda one: (one.created_at, one.number), default=None)

    def log(self, talk: Talk, incident_id: str, since: datetime | None = None) -> list[tuple[PagerLogEntry, str]]:
        """An incident's history with the ids of the agents, oldest first. PagerDuty gives it newest first."""
        self.check(incident_id)
        params = {} if since is None else {"since": since.isoformat()}
        found, _ = talk.pages(f"/incidents/{incident_id}/log_entries", "log_entries", params)
        now = self._wire.clock.now()
        read = {one[0].id: one for raw in reversed(found) if (one := log_entry(raw, now)) is not None}
        return sorted(read.values(), key=lambda one: one[0].at)

    def levels(self, talk: Talk, policy: str) -> Levels:
        """Who is on call at which levels of a policy, now."""
        found, _ = talk.pages("/oncalls", "oncalls", {"escalation_policy_ids[]": [policy]})
        return _levels(found)

    def schedules(self) -> tuple[tuple[str, str], ...]:
        """(id, name) of every schedule. Raises SourceError."""
        with self._wire.talk(refresh=True) as talk:
            found, _ = talk.pages("/schedules", "schedules")
        return tuple((part.id, part.name) for part in map(Part, found) if part.id)

    def _services(self) -> dict[str, Any]:
        return {"service_ids[]": list(self._wire.settings.services)} if self._wire.settings.services else {}

    def _watched(self, talk: Talk, notes: list[str]) -> tuple[tuple[str, str], ...]:
        """(id, name) of the policies that page for the watched services; all there are when none is named."""
        now = self._wire.clock.monotonic()
        if self._policies is not None and now - self._policies[0] < POLICIES_SECONDS:
            return self._policies[1]
        if services := self._wire.settings.services:
            answers = [talk.get(f"/services/{service}") for service in services]
            found: Sequence[Part] = [Part(answer).part("service").part("escalation_policy") for answer in answers]
        else:
            raw, note = talk.pages("/escalation_policies", "escalation_policies")
            found = [Part(one) for one in raw]
            notes += filter(None, (note,))
        policies = tuple({part.id: (part.id, part.name) for part in found if part.id}.values())
        self._policies = (now, policies)
        return policies

    def _read_on_calls(self, talk: Talk, policies: tuple[tuple[str, str], ...], notes: list[str]) -> None:
        if not policies:
            return
        ids = [policy for policy, _ in policies]
        found, note = talk.pages("/oncalls", "oncalls", {"escalation_policy_ids[]": ids, "earliest": "true"})
        self._levels = _levels(found)
        people = dict.fromkeys(person for _, person in self._levels)
        contacts = self._contacts(talk, tuple(people), notes)
        read = [on_call(raw, contacts) for raw in found]
        notes += filter(None, (note, _unreadable("on-calls", read)))
        kept = dict.fromkeys(one for one in read if one is not None)
        self._on_calls = tuple(sorted(kept, key=lambda one: (one.policy, one.level, one.person)))

    def _contacts(
        self, talk: Talk, people: tuple[str, ...], notes: list[str]
    ) -> dict[str, tuple[tuple[str, str], ...]]:
        """The contact methods of these people, those that are new or old asked for again, a few each time."""
        now = self._wire.clock.monotonic()
        due = [one for one in people if one not in self._people or now - self._people[one][0] >= PEOPLE_SECONDS]
        for person in due[:PEOPLE_PER_READ]:
            with _beside(notes, f"contacts of {person}"):
                user = Part(talk.get(f"/users/{person}", {"include[]": ["contact_methods"]})).part("user")
                methods = (contact(method) for method in user.parts("contact_methods"))
                self._people[person] = (now, tuple(dict.fromkeys(method for method in methods if method is not None)))
        if missing := sum(one not in self._people for one in people):
            notes.append(f"contacts of {missing} people on call not known yet")
        return {person: self._people[person][1] for person in people if person in self._people}

    def _keys_of(self, incident_id: str) -> tuple[str, ...]:
        return self._keys[incident_id][1] if incident_id in self._keys else ()

    def _read_keys(self, talk: Talk, found: list[Any], notes: list[str]) -> None:
        """The dedup keys of the incidents' alerts: asked for when an incident is new or has changed."""
        here = {part.id: part for part in map(Part, found) if part.id}
        self._keys = {name: known for name, known in self._keys.items() if name in here}
        states = {
            name: (part.text("updated_at"), part.text("status"), part.part("alert_counts").number("all"))
            for name, part in here.items()
        }
        due = [name for name, state in states.items() if name not in self._keys or self._keys[name][0] != state]
        if len(due) > KEYS_PER_READ:
            notes.append(f"the alerts of {len(due) - KEYS_PER_READ} incidents are read next time")
        for name in due[:KEYS_PER_READ]:
            alerts, _ = talk.pages(f"/incidents/{name}/alerts", "alerts")
            keys = (Part(alert).text("alert_key", 1_000) for alert in alerts)
            self._keys[name] = (states[name], tuple(dict.fromkeys(key for key in keys if key)))


@contextmanager
def _beside(notes: list[str], what: str) -> Iterator[None]:
    """Around what the incidents can do without: its failure becomes a note."""
    try:
        yield
    except Busy:
        raise
    except SourceError as error:
        notes.append(f"{what} not read: {error}")


def _levels(found: list[Any]) -> Levels:
    levels: Levels = {}
    for part in map(Part, found):
        policy, person, level = part.part("escalation_policy").id, part.part("user").id, part.number("escalation_level")
        if policy and person and level:
            levels.setdefault((policy, person), set()).add(level)
    return levels


def _unreadable(what: str, read: list[Any]) -> str:
    count = sum(one is None for one in read)
    return f"{count} of its {what} could not be read" if count else ""
