"""Who is told when nobody acknowledges: the levels of the severity matrix, and the teams that labels name."""

from __future__ import annotations

from console.model.alert import Matcher
from console.model.people import Person
from console.model.value import value


@value
class OnCallRole:
    """A role of the rota, such as primary, secondary or lead, and who holds it: people of `people.yaml` by name, or
    whoever PagerDuty's schedule says."""

    name: str
    people: tuple[str, ...] = ()
    schedule: str = ""
    """The id of a PagerDuty schedule; its answer goes before `people`, who stand in when it is unknown."""


@value
class Team:
    """A team that is told from the first level on when an incident's alerts carry its labels."""

    name: str
    matchers: tuple[Matcher, ...]
    people: tuple[str, ...]


@value
class Reach:
    """One person, and how they are reached: (channel, address) pairs; empty: there is no way that is known."""

    person: str
    ways: tuple[tuple[str, str], ...] = ()
    person_id: str = ""
    """The PagerDuty user id."""


def reach_of(person: Person) -> Reach:
    """Somebody of `people.yaml`, by the ways it gives."""
    return Reach(person.name, person.contacts, person.pagerduty)
