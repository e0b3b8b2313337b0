"""Incidents: stream "incident:<uuid>". A note goes into a shift's stream, too."""

from __future__ import annotations

from datetime import datetime

from console.model.alert import AlertRef
from console.model.events.registry import event
from console.model.people import Severity
from console.model.value import value


@event("incident.opened")
@value
class IncidentOpened:
    """In triage: it is not declared yet, and may be cancelled. `incident.declared` follows in the same stream."""

    title: str
    severity: Severity
    """The proposed one."""
    service: str
    environment: str
    alerts: tuple[AlertRef, ...] = ()
    impact_started_at: datetime | None = None
    acknowledge_by: datetime | None = None


@event("incident.declared", 2, reads=(1,))
@value
class IncidentDeclared:
    title: str
    severity: Severity
    service: str
    environment: str
    alerts: tuple[AlertRef, ...] = ()
    impact_started_at: datetime | None = None
    acknowledge_by: datetime | None = None
    update_due: datetime | None = None


@event("incident.acknowledged", 2, reads=(1,))
@value
class IncidentAcknowledged:
    by: str = ""
    """Who did, when it was not the actor: a person that another system names."""
    via: str = ""
    """That system: "PagerDuty"."""


@event("incident.unacknowledged")
@value
class IncidentUnacknowledged:
    """Nobody has it any more: the response clock runs anew, and the escalation goes on."""

    reason: str
    acknowledge_by: datetime | None = None
    escalate_at: datetime | None = None
    """When the next level is told, where that is not at once."""
    via: str = ""


@event("incident.acknowledge_overdue")
@value
class AcknowledgeOverdue:
    due_at: datetime
    late_seconds: float = 0.0
    """How long after the deadline it fired, when no engine was running at the time."""


@event("incident.state_changed", 2, reads=(1,))
@value
class IncidentStateChanged:
    """The clocks are those of a reopening: they start anew with it. `acknowledge_by` is when the next level is told,
    too."""

    state: str
    reason: str = ""
    acknowledge_by: datetime | None = None
    update_due: datetime | None = None


@event("incident.severity_changed", 2, reads=(1,))
@value
class SeverityChanged:
    """`escalate_at` and `update_due` are those that hold from now on; None: there is none."""

    severity: Severity
    reason: str
    acknowledge_by: datetime | None = None
    """The response time of the new severity, where it ends sooner than the old one."""
    escalate_at: datetime | None = None
    update_due: datetime | None = None


@event("incident.alerts_linked")
@value
class AlertsLinked:
    alerts: tuple[AlertRef, ...]


@event("incident.role_assigned")
@value
class RoleAssigned:
    role: str
    person: str


@event("note.added")
@value
class NoteAdded:
    """A note in an incident's or a shift's stream; the envelope's `occurred_at` is when the thing noted happened."""

    text: str
    step: str = ""
