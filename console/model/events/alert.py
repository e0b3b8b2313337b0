"""What people say about alerts: stream "alert:<fingerprint>". Notes go there, too."""

from __future__ import annotations

from console.model.alert import AlertRef
from console.model.care import Verdict
from console.model.events.registry import event
from console.model.value import value


@event("alert.acknowledged")
@value
class AlertAcknowledged:
    alert: AlertRef
    """Its `starts_at` is the firing that has an owner now; the next firing has none."""
    by: str = ""
    via: str = ""


@event("alert.unacknowledged")
@value
class AlertUnacknowledged:
    reason: str
    via: str = ""


@event("alert.judged")
@value
class AlertJudged:
    name: str
    verdict: Verdict
    note: str = ""
