"""Silences as Alertmanager keeps them, and what one would hide."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from console.model.alert import Alert, Matcher
from console.model.pager import ActOutcome, ActResult
from console.model.value import value

KEPT = timedelta(days=1)
"""How long ended silences are told of."""
FARTHEST = timedelta(days=366)
"""How far away the end of a silence may be."""
_TOO_FAR = "more than a year away: what is never to be told belongs into the alert's rule"


class SilenceState(StrEnum):
    """Alertmanager's states. Unknown words stay unknown."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@value
class Silence:
    """One silence. `id` is Alertmanager's, empty for one that is not created yet; `cluster` names the Alertmanagers
    that share it. Times are aware UTC."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str = ""
    state: SilenceState = SilenceState.PENDING
    cluster: str = ""
    updated_at: datetime | None = None

    def hides(self, alert: Alert) -> bool:
        """Whether every matcher fits the alert's labels."""
        labels = dict(alert.labels)
        return all(matcher.matches(labels) for matcher in self.matchers)

    @property
    def text(self) -> str:
        """Its matchers in Alertmanager's syntax."""
        return "{" + ", ".join(str(matcher) for matcher in self.matchers) + "}"


def preview(matchers: Iterable[Matcher], alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The alerts that all matchers fit: the blast radius of a silence."""
    found = list(alerts)
    # What is quick to ask goes first, and leaves fewer for the expressions.
    for matcher in sorted(matchers, key=lambda item: item.op in ("=~", "!~")):
        found = fitting(matcher, found)
    return tuple(found)


def fitting(matcher: Matcher, alerts: list[Alert]) -> list[Alert]:
    """Those whose labels a matcher fits, in their order. As `Matcher.matches`, for thousands: each value is asked
    once."""
    pair, name = (matcher.name, matcher.value), matcher.name
    if matcher.value and matcher.op == "=":
        return [alert for alert in alerts if pair in alert.labels]
    if matcher.value and matcher.op == "!=":
        return [alert for alert in alerts if pair not in alert.labels]
    values = [dict(alert.labels).get(name, "") for alert in alerts]
    fits = {value: matcher.matches({name: value}) for value in set(values)}
    return [alert for alert, value in zip(alerts, values, strict=True) if fits[value]]


def refusal(silence: Silence, now: datetime) -> str:
    """Why it may not be created, in one line; empty when it may."""
    if silence.starts_at.tzinfo is None or silence.ends_at.tzinfo is None:
        return "its times need a time zone"
    if silence.ends_at <= now:
        return "its end is in the past"
    if silence.ends_at <= silence.starts_at:
        return "its end is not after its start"
    if silence.ends_at > now + FARTHEST:
        return f"its end is {_TOO_FAR}"
    if any("\ufffd" in matcher.name + matcher.value for matcher in silence.matchers):
        return "a matcher holds what could not be shown: it would not match what it seems to"
    if all(_fits_everything(matcher) for matcher in silence.matchers):
        return "its matchers fit every alert"
    return ""


def end_refusal(ends_at: datetime, now: datetime) -> str:
    """Why a silence may not get this end, in one line; empty when it may."""
    if ends_at.tzinfo is None:
        return "the new end needs a time zone"
    if ends_at > now + FARTHEST:
        return f"the new end is {_TOO_FAR}"
    return "the new end is in the past" if ends_at <= now else ""


def created(silence: Silence) -> ActResult:
    """The answer to a creation."""
    waits = ", pending" if silence.state is SilenceState.PENDING else ""
    return ActResult(ActOutcome.DONE, f"silenced until {_utc(silence.ends_at)}{waits}", ref=silence.id)


def created_before(silence: Silence) -> ActResult:
    """The same when it was there already."""
    return ActResult(ActOutcome.ALREADY, f"is silenced already until {_utc(silence.ends_at)}", ref=silence.id)


def ended(silence: Silence) -> ActResult:
    """The answer to an expiry: how the silence is now."""
    if silence.state is SilenceState.EXPIRED:
        return ActResult(ActOutcome.DONE, f"ended at {_utc(silence.ends_at)}", at=silence.ends_at, ref=silence.id)
    return ActResult(ActOutcome.LOST, f"still stands, until {_utc(silence.ends_at)}", ref=silence.id)


def ended_before(silence: Silence, outcome: ActOutcome) -> ActResult:
    """The answer to a change of one that had ended: ALREADY for an expiry, LOST for anything else."""
    text = f"had ended at {_utc(silence.ends_at)}" + ("; create it anew" if outcome is ActOutcome.LOST else "")
    return ActResult(outcome, text, at=silence.ends_at, ref=silence.id)


def extended(before: Silence, after: Silence, wanted: datetime) -> ActResult:
    """The answer to a new end: how the silence was, and how it is now."""
    if after.state is SilenceState.EXPIRED:
        return ended_before(after, ActOutcome.LOST)
    if after.ends_at != wanted:
        return ActResult(ActOutcome.LOST, f"somebody else has set its end, to {_utc(after.ends_at)}", ref=after.id)
    if before == after:
        return ActResult(ActOutcome.ALREADY, f"lasts until {_utc(wanted)} already", ref=after.id)
    renamed = ", under a new id" if after.id != before.id else ""
    return ActResult(ActOutcome.DONE, f"lasts until {_utc(wanted)}{renamed}", ref=after.id)


def _utc(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}Z"


def _fits_everything(matcher: Matcher) -> bool:
    """Whether it narrows nothing: it fits a missing label, or any name that an alert may have."""
    try:
        names = ("A", "z-9", "some name é")
        return matcher.matches({}) or all(matcher.matches({"alertname": name}) for name in names)
    except ValueError:
        return False  # an expression that cannot be read here; Alertmanager judges it
