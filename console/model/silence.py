"""Silences as Alertmanager keeps them, and what one would hide."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from console.model.alert import Alert, Matcher
from console.model.value import value


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
    wanted = tuple(matchers)
    found = []
    for alert in alerts:
        labels = dict(alert.labels)
        if all(matcher.matches(labels) for matcher in wanted):
            found.append(alert)
    return tuple(found)


def refusal(silence: Silence, now: datetime) -> str:
    """Why it may not be created, in one line; empty when it may."""
    if silence.starts_at.tzinfo is None or silence.ends_at.tzinfo is None:
        return "its times need a time zone"
    if silence.ends_at <= now:
        return "its end is in the past"
    if silence.ends_at <= silence.starts_at:
        return "its end is not after its start"
    if any("\ufffd" in matcher.name + matcher.value for matcher in silence.matchers):
        return "a matcher holds what could not be shown: it would not match what it seems to"
    if all(_fits_everything(matcher) for matcher in silence.matchers):
        return "its matchers fit every alert"
    return ""


def _fits_everything(matcher: Matcher) -> bool:
    """Whether it narrows nothing: it fits a missing label, or any name that an alert may have."""
    try:
        names = ("A", "z-9", "some name é")
        return matcher.matches({}) or all(matcher.matches({"alertname": name}) for name in names)
    except re.error:
        return False  # not Python's; Alertmanager judges it
