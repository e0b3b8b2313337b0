"""Incidents: states with validated transitions, and the times that matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from console.model.alert import AlertRef
from console.model.people import Actor, Severity
from console.model.value import value


class IncidentState(StrEnum):
    """Where an incident stands."""

    DECLARED = "declared"
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MITIGATING = "mitigating"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


_S = IncidentState
_OPEN = (_S.DECLARED, _S.INVESTIGATING, _S.IDENTIFIED, _S.MITIGATING)
TRANSITIONS: Mapping[IncidentState, tuple[IncidentState, ...]] = {
    _S.DECLARED: (_S.INVESTIGATING, _S.IDENTIFIED, _S.MITIGATING, _S.MITIGATED, _S.RESOLVED, _S.CANCELLED),
    _S.INVESTIGATING: (_S.IDENTIFIED, _S.MITIGATING, _S.MITIGATED, _S.RESOLVED, _S.CANCELLED),
    _S.IDENTIFIED: (_S.INVESTIGATING, _S.MITIGATING, _S.MITIGATED, _S.RESOLVED, _S.CANCELLED),
    _S.MITIGATING: (_S.INVESTIGATING, _S.IDENTIFIED, _S.MITIGATED, _S.RESOLVED, _S.CANCELLED),
    _S.MITIGATED: (_S.INVESTIGATING, _S.MITIGATING, _S.RESOLVED),
    _S.RESOLVED: (_S.INVESTIGATING, _S.CLOSED),
    _S.CLOSED: (),
    _S.CANCELLED: (),
}
"""Legal moves; from mitigated and resolved back to investigating is a reopening."""

ENDED = frozenset({_S.CLOSED, _S.CANCELLED})
QUIET = ENDED | {_S.RESOLVED}
"""States in which no response clock runs."""


@value
class Incident:
    """One incident. `times` holds the first instant of each state reached, by state name."""

    id: str
    number: int
    version: int
    title: str
    severity: Severity
    state: IncidentState
    service: str
    environment: str
    declared_at: datetime
    declared_by: Actor
    mode: str
    alerts: tuple[AlertRef, ...] = ()
    impact_started_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: Actor | None = None
    acknowledge_by: datetime | None = None
    acknowledge_overdue: bool = False
    times: Mapping[str, datetime] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    notes: int = 0
    last_event_at: datetime | None = None
    unsaved: bool = False

    @property
    def label(self) -> str:
        """INC-<seq of the declaring event>, so that two consoles never collide."""
        return f"INC-{self.number}" if self.number else "INC-? (NOT SAVED)"

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"incident:{self.id}"

    @property
    def open(self) -> bool:
        """Whether it still needs somebody."""
        return self.state not in ENDED

    @property
    def commander(self) -> str:
        """The incident commander's name, empty when nobody leads."""
        return self.roles.get("incident commander", "")
