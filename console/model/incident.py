"""Incidents: states with validated transitions, and the times that matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from console.model.alert import AlertRef
from console.model.pager import PagerStatus
from console.model.people import Actor, Severity
from console.model.response import Decision, Escalation, Impact, PagerLink, Task, Update
from console.model.value import value

COMMANDER = "incident commander"
ROLES = (COMMANDER, "deputy", "scribe", "communications lead", "subject-matter expert")
"""The roles in an incident, where `people.yaml` lists none."""


class IncidentState(StrEnum):
    """Where an incident stands."""

    TRIAGE = "triage"
    """Somebody looks whether it is an incident: its severity is proposed, and nobody is told beyond the first level."""
    DECLARED = "declared"
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MITIGATING = "mitigating"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    MERGED = "merged"


_S = IncidentState
_OPEN = (_S.DECLARED, _S.INVESTIGATING, _S.IDENTIFIED, _S.MITIGATING)
TRANSITIONS: Mapping[IncidentState, tuple[IncidentState, ...]] = {
    _S.TRIAGE: (_S.DECLARED, _S.CANCELLED),
    _S.DECLARED: (_S.INVESTIGATING, _S.IDENTIFIED, _S.MITIGATING, _S.MITIGATED, _S.RESOLVED, _S.CANCELLED),
    _S.INVESTIGATING: (_S.IDENTIFIED, _S.MITIGATING, _S.MITIGATED, _S.RESOLVED, _S.CANCELLED),
    _S.IDENTIFIED: (_S.INVESTIGATING, _S.MITIGATING, _S.MITIGATED, _S.RESOLVED, _S.CANCELLED),
    _S.MITIGATING: (_S.INVESTIGATING, _S.IDENTIFIED, _S.MITIGATED, _S.RESOLVED, _S.CANCELLED),
    _S.MITIGATED: (_S.INVESTIGATING, _S.MITIGATING, _S.RESOLVED),
    _S.RESOLVED: (_S.INVESTIGATING, _S.CLOSED),
    _S.CLOSED: (),
    _S.CANCELLED: (),
    _S.MERGED: (),
}
"""Legal moves; some of them are reopenings."""

TIMES = (
    "impact_started",
    "detected",
    "declared",
    "acknowledged",
    "identified",
    "mitigated",
    "resolved",
    "closed",
)
"""The times of an incident, in the order they must have happened in."""

ENDED = frozenset({_S.CLOSED, _S.CANCELLED, _S.MERGED})
QUIET = ENDED | {_S.RESOLVED}
"""States in which no response clock runs."""


def reopens(before: IncidentState, wanted: IncidentState) -> bool:
    """Whether that move says that it is not over after all."""
    return before in (_S.MITIGATED, _S.RESOLVED) and wanted in (_S.INVESTIGATING, _S.MITIGATING)


@value
class Incident:
    """One incident. `times` holds the first instant of each state reached, and what was said of the other times."""

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
    acknowledged_via: str = ""
    """Where, when not here: "PagerDuty"."""
    acknowledge_by: datetime | None = None
    acknowledge_overdue: bool = False
    times: Mapping[str, datetime] = field(default_factory=dict)
    """By the names of `TIMES` and of the states."""
    roles: Mapping[str, str] = field(default_factory=dict)
    notes: int = 0
    last_event_at: datetime | None = None
    unsaved: bool = False
    estimated: frozenset[str] = frozenset()
    """The names in `times` that somebody estimated."""
    tasks: Mapping[str, Task] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    updates: tuple[Update, ...] = ()
    update_due: datetime | None = None
    update_overdue: bool = False
    escalations: tuple[Escalation, ...] = ()
    escalate_at: datetime | None = None
    """When the next level is told, unless somebody acknowledges; None: there is no next level, or no need."""
    pages: Mapping[str, PagerLink] = field(default_factory=dict)
    """The PagerDuty incidents that page for it, by their id."""
    impact: tuple[Impact, ...] = ()
    merged_into: str = ""
    merged_label: str = ""
    """What that one is called; empty where the record does not say."""
    merged: tuple[str, ...] = ()
    """The ids of the incidents that were merged into this one."""

    @property
    def label(self) -> str:
        """INC-<seq of the declaring event>, so that two consoles never collide."""
        return f"INC-{self.number}" if self.number else "INC-? (NOT SAVED)"

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"incident:{self.id}"

    @property
    def target(self) -> str:
        """What it is about, as `Target` says it."""
        return f"{self.service}/{self.environment}"

    @property
    def open(self) -> bool:
        """Whether it still needs somebody."""
        return self.state not in ENDED

    @property
    def level(self) -> int:
        """The highest level that was told so far; 0 for none."""
        return max((item.level for item in self.escalations), default=0)

    @property
    def paged_by(self) -> str:
        """The escalation policy of PagerDuty that owns the paging; empty when the console's own clock does."""
        return next((link.policy for link in self.pages.values() if link.pages), "")

    @property
    def open_pages(self) -> tuple[PagerLink, ...]:
        """Those that are not resolved there."""
        return tuple(link for link in self.pages.values() if link.status is not PagerStatus.RESOLVED)

    @property
    def pager_silent_since(self) -> datetime | None:
        """Since when PagerDuty, which paged for it, says nothing, so that our clock does it; None while it speaks."""
        return min((link.silent_since for link in self.pages.values() if link.silent_since is not None), default=None)

    @property
    def commander(self) -> str:
        """The incident commander's name, empty when nobody leads."""
        return self.roles.get(COMMANDER, "")
