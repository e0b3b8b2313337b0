"""What PagerDuty says: its incidents, who is on call, and how an act on it ended."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from console.model.value import value


class PagerStatus(StrEnum):
    """PagerDuty's states of an incident. Unknown words stay unknown."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


@value
class PagerIncident:
    """One PagerDuty incident. `keys` are the dedup keys of its alerts, its own incident key among them."""

    id: str
    number: int
    title: str
    status: PagerStatus
    urgency: str
    service: str
    created_at: datetime
    keys: tuple[str, ...] = ()
    url: str = ""
    priority: str = ""
    escalation_policy: str = ""
    """The policy's name; empty when none pages for it."""
    escalation_policy_id: str = ""
    level: int = 0
    """The escalation level that is assigned now, from 1; 0 when PagerDuty does not say."""
    assigned_to: tuple[str, ...] = ()
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    changed_at: datetime | None = None
    changed_by: str = ""

    @property
    def open(self) -> bool:
        """Whether it still needs somebody."""
        return self.status is not PagerStatus.RESOLVED


@value
class OnCall:
    """Who is on call at one level of an escalation policy, and until when (None: without an end)."""

    policy: str
    level: int
    person: str
    person_id: str = ""
    schedule: str = ""
    until: datetime | None = None
    contacts: tuple[tuple[str, str], ...] = ()
    """(kind, address) pairs."""
    schedule_id: str = ""


@value
class KnownOnCalls:
    """Who is on call for a target as PagerDuty last said it: for when it says nothing."""

    target: str
    version: int = 0
    at: datetime | None = None
    on_calls: tuple[OnCall, ...] = ()


@value
class PagerLogEntry:
    """One line of a PagerDuty incident's own history; `kind` is its type without `_log_entry`."""

    id: str
    kind: str
    at: datetime
    by: str
    text: str = ""


@value
class PagerSnapshot:
    """One answer of PagerDuty: all open incidents (every page read), and who is on call."""

    incidents: tuple[PagerIncident, ...] = ()
    on_calls: tuple[OnCall, ...] = ()
    at: datetime | None = None
    note: str = ""
    """What could not be read of it."""
    policies: tuple[tuple[str, str], ...] = field(default=())
    """(id, name) of the escalation policies of the watched services."""


class ActOutcome(StrEnum):
    """How an act on a remote object ended."""

    DONE = "done"
    ALREADY = "already"
    """It was so before; `by` and `at` say who did it."""
    LOST = "lost"
    """Somebody else changed it first, in a way that forbids the act (resolved, escalated): nothing was done, or what
    was done has been taken back. `text` says who won."""


@value
class ActResult:
    """What the far side says after an act, re-read and not assumed."""

    outcome: ActOutcome
    text: str
    by: str = ""
    at: datetime | None = None
    ref: str = ""
    """The far side's id of what was made, such as a note, an annotation or a silence."""
