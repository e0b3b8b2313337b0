"""What people say about an alert: who has taken it, and whether it was worth waking somebody.

An acknowledgement is not a silence. It belongs to one firing of the alert (fingerprint and start) and ends with it; the
verdict and the notes stay with the fingerprint.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from console.model.alert import Alert
from console.model.people import Actor
from console.model.value import value


class Verdict(StrEnum):
    """Why an alert should not have come, or not like this."""

    FALSE_POSITIVE = "false positive"
    NOT_ACTIONABLE = "not actionable"
    POOR_DETAILS = "poor details"


@value
class AlertCare:
    """What the record says about one fingerprint."""

    fingerprint: str
    name: str = ""
    version: int = 0
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    via: str = ""
    """Where it was acknowledged, when not here: "PagerDuty"."""
    firing: datetime | None = None
    """The start of the firing that was acknowledged."""
    verdict: Verdict | None = None
    verdict_by: Actor | None = None
    verdict_at: datetime | None = None
    verdict_note: str = ""
    notes: tuple[tuple[datetime, str, str], ...] = ()
    """(when, who, text), oldest first."""
    given_back_at: datetime | None = None
    """When its owner gave it back last."""

    def has(self, firing: datetime | None) -> bool:
        """Whether the firing that began then has an owner."""
        return self.acknowledged_at is not None and self.firing == firing

    def acknowledges(self, alert: Alert) -> bool:
        """Whether this firing of the alert has an owner."""
        return self.has(alert.starts_at)

    def may_be_taken(self, alert: Alert, acknowledged_at: datetime | None) -> bool:
        """Whether an acknowledgement elsewhere, of that instant, makes somebody the owner: not when the firing has one,
        nor when it was given back since, for PagerDuty knows no giving back and goes on saying acknowledged."""
        if self.acknowledges(alert):
            return False
        since = self.given_back_at
        if since is None or alert.starts_at > since:
            return True
        return acknowledged_at is not None and acknowledged_at > since

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"alert:{self.fingerprint}"
