"""Who holds the roles of the rota now, and how they are reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from console.model.escalation import OnCallRole, Reach, Team, reach_of
from console.model.pager import OnCall
from console.model.people import Person


def rota(
    roles: Iterable[OnCallRole], people: Sequence[Person], on_calls: Sequence[OnCall]
) -> Mapping[str, tuple[Reach, ...]]:
    """By role. PagerDuty's schedule goes before the names in `people.yaml`; those stand in while it says nothing."""
    known = {person.name: person for person in people}
    by_pager_id = {person.pagerduty: person for person in people if person.pagerduty}
    found = {}
    for role in roles:
        scheduled = [entry for entry in on_calls if role.schedule and entry.schedule_id == role.schedule]
        reaches = [_scheduled(entry, by_pager_id) for entry in scheduled]
        found[role.name] = tuple(reaches) or reach(role.people, known)
    return found


def reach(names: Iterable[str], known: Mapping[str, Person]) -> tuple[Reach, ...]:
    """These people by name, with the ways that `people.yaml` gives."""
    return tuple(reach_of(known[name]) for name in names if name in known)


def everybody(people: Sequence[Person]) -> tuple[Reach, ...]:
    """All people, with the ways that `people.yaml` gives."""
    return tuple(map(reach_of, people))


def teams(wanted: Iterable[Team], people: Sequence[Person]) -> tuple[tuple[Team, tuple[Reach, ...]], ...]:
    """Each team with its people."""
    known = {person.name: person for person in people}
    return tuple((team, reach(team.people, known)) for team in wanted)


def _scheduled(entry: OnCall, by_pager_id: Mapping[str, Person]) -> Reach:
    person = by_pager_id.get(entry.person_id)
    if person is None:
        return Reach(entry.person, entry.contacts, entry.person_id)
    return Reach(person.name, person.contacts or entry.contacts, entry.person_id)
