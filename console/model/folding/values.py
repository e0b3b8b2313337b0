"""What a folded feed is made of, and how it is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from console.model.alert import Alert
from console.model.filter import Filter
from console.model.value import value

BY_GROUP = "@group"
"""Grouped as Alertmanager groups them."""
FLAT = ""
"""Not grouped."""
STORM = 20
"""So many arrivals within `STORM_SPAN` are a storm."""

SEVERITIES = {"page": 0, "critical": 0, "error": 1, "warning": 2, "info": 3, "none": 4}
"""How bad the usual severity labels are, worst first; one that we do not know counts as a warning."""


def rank_of(alert: Alert) -> int:
    """How bad an alert is by its severity label, 0 for the worst."""
    return SEVERITIES.get(alert.severity.lower(), 2)


def label_names(alerts: Sequence[Alert]) -> tuple[str, ...]:
    """The names of labels that alerts can be grouped by, the most common first; some of the alerts are looked at."""
    found: dict[str, int] = {}
    for name, _ in chain.from_iterable(alert.labels for alert in alerts[:: max(1, len(alerts) // 500)]):
        found[name] = found.get(name, 0) + 1
    return tuple(sorted(found, key=lambda name: (-found[name], name)))[:50]


class Sort(StrEnum):
    """What comes first. Before all: what nobody has, then what somebody has, then what is suppressed."""

    SEVERITY = "severity"
    NEWEST = "newest"
    NAME = "name"
    COUNT = "count"


@value
class Arrangement:
    """How the feed is wanted. `opened` and `closed` are the folds that somebody opened or closed, by id."""

    filter: Filter = field(default_factory=Filter)
    sort: Sort = Sort.SEVERITY
    group_by: str = BY_GROUP
    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def toggled(self, fold: Fold) -> Arrangement:
        """With a fold opened, or closed."""
        if fold.opened:
            return replace(self, opened=self.opened - {fold.id}, closed=self.closed | {fold.id})
        return replace(self, opened=self.opened | {fold.id}, closed=self.closed - {fold.id})


class Row(NamedTuple):
    """One alert. `inside`: below the fold that it belongs to."""

    id: str
    alert: Alert
    owned: bool
    repeats: int
    inside: bool

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.alert.name

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alert alone."""
        return (self.alert,)


class Fold(NamedTuple):
    """Several alerts on one row, in their order. `rate` is arrivals per minute; 0 where it is no storm."""

    id: str
    kind: str
    """`group`, `label` or `crowd`."""
    name: str
    title: str
    """The group's labels; empty when the name says it all."""
    alerts: tuple[Alert, ...]
    unowned: int
    owned: int
    suppressed: int
    rate: int
    opened: bool


Item = Row | Fold


@value
class Counts:
    """How the whole feed stands, whatever the filter."""

    unowned: int = 0
    owned: int = 0
    suppressed: int = 0
    other: int = 0
    """Neither active nor suppressed, as far as is known; and what comes and goes and is gone now."""
    recent: int = 0
    """Arrivals within the last minute."""

    @property
    def active(self) -> int:
        """Neither silenced nor inhibited."""
        return self.unowned + self.owned

    @property
    def storm(self) -> bool:
        """Whether more arrives than anybody can read."""
        return self.recent >= STORM


@value
class Folded:
    """Rows to show. `places` gives the index of a row by its id; `passed` is how many alerts passed the filter."""

    rows: Sequence[Item] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    passed: int = 0
