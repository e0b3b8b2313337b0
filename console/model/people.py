"""Who acts, and what a severity asks of them."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from console.model.value import value


class Severity(StrEnum):
    """Incident severity, most severe first. Not PagerDuty's priority, not the alert's severity label."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"
    SEV5 = "SEV5"

    @property
    def rank(self) -> int:
        """1 for the most severe."""
        return int(self.value[3])


@value
class Actor:
    """The person or engine behind an event: the name they go by and the login the operating system knows."""

    name: str
    login: str

    @property
    def self_declared(self) -> bool:
        """Whether the name was claimed rather than given by the login."""
        return self.name != self.login

    def __str__(self) -> str:
        return f"{self.name} (self-declared by {self.login})" if self.self_declared else self.name


def are_two_people(one: Actor, other: Actor) -> bool:
    """Whether two actors are surely different people: two names from one login never count as two."""
    return one.name != other.name and one.login != other.login


@value
class Person:
    """One entry of `people.yaml`."""

    name: str
    login: str
    full_name: str = ""
    roles: tuple[str, ...] = ()
    pagerduty: str = ""
    contacts: tuple[tuple[str, str], ...] = ()
    """(channel, address) pairs, shown when everything else is down."""


ESCALATION = ("primary", "secondary", "lead")
"""Who is told, where `severity.yaml` says nothing."""


@value
class SeverityRule:
    """One row of the severity matrix."""

    severity: Severity
    title: str
    definition: str
    acknowledge_within: timedelta
    update_every: timedelta | None = None
    escalation: tuple[str, ...] = ESCALATION
    """The roles of the rota that are told, one after the other, until somebody acknowledges."""
