"""Silences as Alertmanager keeps them, and what one would hide."""

from __future__ import annotations

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
