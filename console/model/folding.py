"""The alert feed as rows: grouped, filtered, ordered, and folded where it would flood the screen.

A storm (many arrivals of one kind) is one row with a count and a rate; what comes and goes is one row with a count,
also while it is gone. Every row has an id that stays, so that a cursor can stay with it.

A feed of 50,000 takes a while: `Folder.steps` pauses often, so that whoever runs it can give way or give up. What is
known of an alert is kept for as long as the alert is the same object, as it is from refresh to refresh.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from console.model.alert import Alert, AlertState
from console.model.board import AlertFeed
from console.model.care import AlertCare
from console.model.filter import FLAPPING, Filter, Seen, text_of
from console.model.value import value

BY_GROUP = "@group"
"""Grouped as Alertmanager groups them."""
FLAT = ""
"""Not grouped."""
OPEN_UP_TO = 6
"""A group of so many is open until somebody closes it."""
CROWD = 20
"""So many single rows of one name become one row."""
STORM = 20
"""So many arrivals within `STORM_SPAN` are a storm."""
STORM_SPAN = timedelta(minutes=1)
SLICE = 250
"""Alerts looked at between two pauses."""

SEVERITIES = {"page": 0, "critical": 0, "error": 1, "warning": 2, "info": 3, "none": 4}
"""How bad the usual severity labels are, worst first; one that we do not know counts as a warning."""


def rank_of(alert: Alert) -> int:
    """How bad an alert is by its severity label, 0 for the worst."""
    return SEVERITIES.get(alert.severity.lower(), 2)


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
    labels: tuple[str, ...] = ()
    """The names of labels that it can be grouped by, the most common first."""


class _Known:
    """What is known of one alert. Another one takes its place when anything of it changes."""

    __slots__ = (
        "alert",
        "bad",
        "begun",
        "counted",
        "fingerprint",
        "group",
        "inside",
        "judged_by",
        "key",
        "name",
        "outside",
        "owned",
        "passed",
        "repeats",
        "text",
    )

    def __init__(self, alert: Alert, owned: bool, repeats: int) -> None:
        self.alert, self.fingerprint = alert, alert.fingerprint
        self.name, self.group = alert.name, alert.group
        self.begun, self.bad = alert.starts_at.timestamp(), rank_of(alert)
        self.owned, self.repeats = owned, repeats
        self.text: str | None = None
        self.passed = True
        self.judged_by: Filter | None = None
        self.inside: Row | None = None
        self.outside: Row | None = None
        state, active = alert.state, 1 if owned else 0
        self.counted = active if state is AlertState.ACTIVE else 2 if state is AlertState.SUPPRESSED else 3
        self.key = 0.0

    def keyed(self, sort: Sort) -> float:
        """Its place in the order, as one number: sorting by one is many times quicker than by several."""
        quiet = self.alert.state in (AlertState.SUPPRESSED, AlertState.RESOLVED)
        kind = 2 if quiet else 1 if self.owned else 0
        return (kind * 8 + (0 if sort is Sort.NEWEST else self.bad)) * _FAR - self.begun

    def passes(self, wanted: Filter) -> bool:
        if self.judged_by is not wanted:
            if self.text is None and wanted.reads_text:
                self.text = text_of(self.alert)
            seen = Seen(self.alert, dict(self.alert.labels), self.text or "", self.owned, self.repeats)
            self.passed, self.judged_by = wanted.passes(seen), wanted
        return self.passed

    def row(self) -> Row:
        """Its row, outside of any fold."""
        if self.outside is None:
            self.outside = Row(self.fingerprint, self.alert, self.owned, self.repeats, False)
        return self.outside

    def row_inside(self) -> Row:
        """Its row below a fold."""
        if self.inside is None:
            self.inside = Row(self.fingerprint, self.alert, self.owned, self.repeats, True)
        return self.inside


_FAR = 1e11
"""More seconds than any instant has: what comes before the instant is counted in it."""
_KEY = attrgetter("key")


class Folder:
    """Makes rows of one feed after the other. One fold at a time."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._ordered: list[_Known] = []
        self._sort: Sort | None = None
        self._folds: dict[str, tuple[_Bundle, Fold]] = {}

    def fold(self, feed: AlertFeed, care: Mapping[str, AlertCare], wanted: Arrangement, now: datetime) -> Folded:
        """All at once."""
        steps = self.steps(feed, care, wanted, now)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                found: Folded = end.value
                return found

    def steps(
        self, feed: AlertFeed, care: Mapping[str, AlertCare], wanted: Arrangement, now: datetime
    ) -> Generator[None, None, Folded]:
        """A fold with pauses. It may be given up at any of them."""
        counts = [0, 0, 0, 0]
        known, new = yield from self._look(feed, care, counts)
        ordered = yield from self._order(known, new, wanted.sort)
        storm = _Storm(feed, now)
        if wanted.group_by == FLAT and wanted.sort in (Sort.SEVERITY, Sort.NEWEST) and not storm.rages:
            rows, passed = yield from _flat(ordered, wanted.filter)
        else:
            rows, passed = yield from self._in_groups(ordered, wanted, storm)
        places: dict[str, int] = {}
        for number, row in enumerate(rows):
            places[row.id] = number
            if number % (4 * SLICE) == 0:
                yield
        unowned, owned, suppressed, other = counts
        told = Counts(unowned, owned, suppressed, other, len(storm.arrived))
        return Folded(rows, places, told, passed, _labels(ordered))

    def _in_groups(
        self, ordered: Sequence[_Known], wanted: Arrangement, storm: _Storm
    ) -> Generator[None, None, tuple[list[Item], int]]:
        groups, passed = yield from _grouped(ordered, wanted)
        bundles = yield from _crowded(groups, wanted, storm)
        if wanted.sort is Sort.NAME:
            bundles.sort(key=lambda bundle: bundle.items[0].name)
        elif wanted.sort is Sort.COUNT:
            bundles.sort(key=lambda bundle: -len(bundle.items))
        yield
        return (yield from self._rows(bundles, wanted)), passed

    def _look(
        self, feed: AlertFeed, care: Mapping[str, AlertCare], counts: list[int]
    ) -> Generator[None, None, tuple[dict[str, _Known], list[_Known]]]:
        """Every alert with what is known of it, and those among them of which nothing was; without the always-firing
        one."""
        before, arrivals, watchdog = self._known, feed.arrivals, feed.watchdog
        known: dict[str, _Known] = {}
        new: list[_Known] = []
        for number, alert in enumerate(feed.alerts):
            if not number % SLICE:
                yield
            fingerprint = alert.fingerprint
            owned = fingerprint in care and care[fingerprint].acknowledges(alert)
            repeats = len(arrivals[fingerprint]) if fingerprint in arrivals else 0
            item = before.get(fingerprint)
            if item is None or item.alert is not alert or owned is not item.owned or repeats != item.repeats:
                item = _Known(alert, owned, repeats)
                if item.name == watchdog:
                    continue
                new.append(item)
            known[fingerprint] = item
            counts[item.counted] += 1
        for fingerprint, times in arrivals.items():
            if len(times) >= FLAPPING and fingerprint not in known and (last := before.get(fingerprint)):
                # Gone for now: its row stays, so that it does not jump in and out.
                item = last
                if last.alert.state is not AlertState.RESOLVED or last.repeats != len(times):
                    item = _Known(replace(last.alert, state=AlertState.RESOLVED), False, len(times))
                    new.append(item)
                known[fingerprint] = item
                counts[item.counted] += 1
        return known, new

    def _order(self, known: dict[str, _Known], new: list[_Known], sort: Sort) -> Generator[None, None, list[_Known]]:
        """All of them in their order: those of before stand in it, and the new ones are put between them."""
        if sort is not self._sort:
            ordered, new = list[_Known](), list(known.values())
        else:
            ordered = []
            for number, item in enumerate(self._ordered):
                if known.get(item.fingerprint) is item:
                    ordered.append(item)
                if not number % SLICE:
                    yield
        few = len(new) * 50 < len(ordered)
        for number, item in enumerate(new):
            item.key = item.keyed(sort)
            if few:
                insort(ordered, item, key=_KEY)
            if not number % (SLICE // 10 if few else SLICE):
                yield
        if not few:
            # Runs that are in order are quickly merged, and none of them takes long.
            for first in range(0, len(new), 8 * SLICE):
                ordered += sorted(new[first : first + 8 * SLICE], key=_KEY)
                yield
            ordered.sort(key=_KEY)
        self._known, self._ordered, self._sort = known, ordered, sort
        return ordered

    def _rows(self, bundles: Sequence[_Bundle], wanted: Arrangement) -> Generator[None, None, list[Item]]:
        """The rows; a fold of the same alerts is the same object as before."""
        rows: list[Item] = []
        folds: dict[str, tuple[_Bundle, Fold]] = {}
        for number, bundle in enumerate(bundles):
            if not number % SLICE:
                yield
            if bundle.fold is None:
                rows.append(bundle.items[0].row())
                continue
            fold_id = bundle.fold[1]
            before = self._folds.get(fold_id)
            fold = before[1] if before is not None and before[0] == bundle else bundle.folded()
            small = len(bundle.items) <= OPEN_UP_TO and fold.kind != "crowd"
            opened = fold_id in wanted.opened or (small and fold_id not in wanted.closed)
            if opened is not fold.opened:
                fold = fold._replace(opened=opened)
            folds[fold_id] = (bundle, fold)
            rows.append(fold)
            if opened:
                rows += [item.row_inside() for item in bundle.items]
        self._folds = folds
        return rows


class _Storm:
    """What has just arrived."""

    def __init__(self, feed: AlertFeed, now: datetime) -> None:
        since = now - STORM_SPAN
        self.arrived = {name for name, times in feed.arrivals.items() if times and times[-1] > since}
        self.rages = len(self.arrived) >= STORM

    def rate(self, items: Iterable[_Known]) -> int:
        """Arrivals of the last minute, when they are a storm; else 0."""
        if not self.rages:
            return 0
        count = sum(1 for item in items if item.fingerprint in self.arrived)
        return count if count >= STORM else 0


class _Bundle(NamedTuple):
    """Alerts on one row, or a fold and its rows; in their order. `fold`: (kind, id, title); None for a single row."""

    items: Sequence[_Known]
    fold: tuple[str, str, str] | None = None
    rate: int = 0

    def folded(self) -> Fold:
        """The fold, closed."""
        assert self.fold is not None
        kind, fold_id, title = self.fold
        counts = [0, 0, 0, 0]
        for item in self.items:
            counts[item.counted] += 1
        name = self.items[0].name if len({item.name for item in self.items}) == 1 else ""
        alerts = tuple([item.alert for item in self.items])
        return Fold(fold_id, kind, name, title, alerts, counts[0], counts[1], counts[2], self.rate, False)


def _flat(ordered: Sequence[_Known], wanted: Filter) -> Generator[None, None, tuple[list[Item], int]]:
    """One row for each alert that passes the filter, and how many those are."""
    rows: list[Item] = []
    for number, item in enumerate(ordered):
        if not number % SLICE:
            yield
        if not wanted or item.passes(wanted):
            rows.append(item.row())
    return rows, len(rows)


def _grouped(
    ordered: Sequence[_Known], wanted: Arrangement
) -> Generator[None, None, tuple[dict[str, list[_Known]], int]]:
    """What passes the filter, by its group, each in the order of its first; and how many that are. An alert without a
    group has one of its own, under its fingerprint."""
    by, judge = wanted.group_by, wanted.filter if wanted.filter else None
    groups: dict[str, list[_Known]] = {}
    passed = 0
    for number, item in enumerate(ordered):
        if not number % SLICE:
            yield
        if judge is not None and not item.passes(judge):
            continue
        passed += 1
        if by == BY_GROUP:
            name = item.group
        elif by == FLAT:
            name = ""
        else:
            name = f'{by}="{item.alert.label(by)}"'
        if not name:
            groups[item.fingerprint] = [item]
        elif name in groups:
            groups[name].append(item)
        else:
            groups[name] = [item]
    return groups, passed


def _crowded(
    groups: dict[str, list[_Known]], wanted: Arrangement, storm: _Storm
) -> Generator[None, None, list[_Bundle]]:
    """Groups as they are; of the single alerts, those of one name together where they are many, or came in a storm."""
    kind = "group" if wanted.group_by == BY_GROUP else "label"
    flat, arrived = wanted.group_by == FLAT, storm.arrived
    crowds: dict[str, list[_Known]] = {}
    if storm.rages or not flat:
        for number, items in enumerate(groups.values()):
            # What was there before the storm stays as it is where nothing is to be grouped.
            if len(items) == 1 and (not flat or items[0].fingerprint in arrived):
                crowds.setdefault(items[0].name, []).append(items[0])
            if not number % SLICE:
                yield
    crowds = {name: items for name, items in crowds.items() if len(items) >= CROWD}
    several: list[_Known] = []
    if storm.rages:
        several = [
            items[0]
            for items in groups.values()
            if len(items) == 1 and items[0].fingerprint in arrived and items[0].name not in crowds
        ]
        yield
    mixed = {item.fingerprint for item in several} if len(several) >= STORM else frozenset[str]()
    bundles: list[_Bundle] = []
    shown: set[str] = set()
    for number, (name, items) in enumerate(groups.items()):
        if not number % SLICE:
            yield
        first = items[0]
        if len(items) > 1:
            bundles.append(_Bundle(items, (kind, f"{kind}:{name}", name), storm.rate(items)))
        elif first.name in crowds and (not flat or first.fingerprint in arrived):
            if first.name not in shown:
                shown.add(first.name)
                crowd = crowds[first.name]
                bundles.append(_Bundle(crowd, ("crowd", f"crowd:{first.name}", ""), storm.rate(crowd)))
        elif first.fingerprint in mixed:
            if "" not in shown:
                shown.add("")
                bundles.append(_Bundle(several, ("crowd", "crowd:", "many names"), len(several)))
        else:
            bundles.append(_Bundle(items))
    return bundles


def _labels(items: Sequence[_Known]) -> tuple[str, ...]:
    """The names of the labels of some alerts, the most common first."""
    found: dict[str, int] = {}
    for name, _ in chain.from_iterable(item.alert.labels for item in items[:: max(1, len(items) // 500)]):
        found[name] = found.get(name, 0) + 1
    return tuple(sorted(found, key=lambda name: (-found[name], name)))[:50]
