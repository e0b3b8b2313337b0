"""Alerts as Alertmanager sees them, and the matchers that select them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from console.model.pattern import compiled
from console.model.text import quoted
from console.model.value import value


class AlertState(StrEnum):
    """Alertmanager's states; a resolved alert is one that has left the feed. Unknown words stay unknown."""

    ACTIVE = "active"
    SUPPRESSED = "suppressed"
    UNPROCESSED = "unprocessed"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


@value
class Alert:
    """One alert. Labels and annotations are safe text already; `group` names its Alertmanager group."""

    fingerprint: str
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    state: AlertState
    starts_at: datetime
    source: str = "alertmanager"
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    group: str = ""
    muted_by: tuple[str, ...] = ()
    """Names of the time intervals that mute it."""
    generator_url: str = ""
    """Where its expression can be looked at: http or https, or empty."""
    receivers: tuple[str, ...] = ()
    """Whom its Alertmanager notifies."""
    paged: bool | None = None
    """Whether one of the receivers pages by PagerDuty; None while the routing is not known."""
    page_keys: tuple[str, ...] = ()
    """The dedup keys under which its Alertmanager may have paged: one of them, when `paged`."""

    def label(self, name: str, default: str = "") -> str:
        """The value of a label, or `default`."""
        return next((value for key, value in self.labels if key == name), default)

    def annotation(self, name: str, default: str = "") -> str:
        """The value of an annotation, or `default`."""
        return next((value for key, value in self.annotations if key == name), default)

    @property
    def name(self) -> str:
        """The `alertname` label."""
        return self.label("alertname", "(no alertname)")

    @property
    def severity(self) -> str:
        """The `severity` label, as it is; empty when there is none."""
        return self.label("severity")


@value
class AlertRef:
    """What an incident keeps of an alert it was declared from."""

    fingerprint: str
    name: str
    summary: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    starts_at: datetime | None = None


def reference(alert: Alert) -> AlertRef:
    """The part of an alert that belongs into the record."""
    said = dict(alert.annotations)
    summary = said.get("summary") or said.get("description", "")
    return AlertRef(alert.fingerprint, alert.name, summary, alert.labels, alert.starts_at)


@value
class Matcher:
    """`name op value` in Alertmanager's syntax; a regular expression must match the whole value."""

    name: str
    op: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a label set passes. A missing label counts as empty, as in Alertmanager.

        Raises ValueError when the regular expression is none that is known here.
        """
        actual = labels.get(self.name, "")
        if self.op in ("=", "!="):
            return (actual == self.value) is (self.op == "=")
        return compiled(self.value).matches(actual) is (self.op == "=~")

    def __str__(self) -> str:
        return f"{self.name}{self.op}{quoted(self.value)}"


_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",{}]+))\s*')


def parse_matcher(text: str) -> Matcher:
    """A matcher such as `severity="critical"` or `team=~"pay.*"`, as Alertmanager reads it: a backslash escapes itself,
    a quote and n (a line break), in a regular expression too, and stands for itself before anything else.

    Raises ValueError with one line when the text is no matcher or its regular expression does not compile.
    """
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no matcher; expected name="value", with =, !=, =~ or !~')
    name, op, inner, bare = found.groups()
    value = _unescaped(bare if inner is None else inner)
    if op in ("=~", "!~"):
        try:
            compiled(value)
        except ValueError as error:
            raise ValueError(f"{text!r}: {error}") from None
    return Matcher(name, op, value)


def _unescaped(text: str) -> str:
    return re.sub(r'\\([\\"n])', lambda found: "\n" if found[1] == "n" else found[1], text)


@value
class AlertSnapshot:
    """One answer of an alert source."""

    alerts: tuple[Alert, ...] = ()
    at: datetime | None = None
    watchdog_seen: bool = False
    """Whether the always-firing alert was among them: without it, an empty feed is no evidence of calm."""
    skew_seconds: float = 0.0
    """How far the source's clock is ahead of ours."""
    note: str = ""
    """What could not be read of the answer, such as alerts in a shape that is unknown."""
    changed: frozenset[str] = field(default_factory=frozenset)
    """Fingerprints that appeared or changed since the answer before."""
