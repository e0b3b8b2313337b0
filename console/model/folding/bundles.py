"""What stands on one row: a single alert, a group, or a crowd of single ones that would flood the screen."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from console.model.filter import Filter
from console.model.folding.known import KEY, SLICE, Group, Known
from console.model.folding.values import BY_GROUP, FLAT, STORM, Fold

CROWD = 20
"""So many single rows of one name become one row."""
STORM_SPAN = timedelta(minutes=1)

Entry = Known | Group
"""An alert that stands alone, or a group."""


class Storm:
    """What has just arrived. `arrivals`: when an alert arrived lately, by its fingerprint."""

    def __init__(self, arrivals: Mapping[str, Sequence[datetime]], now: datetime) -> None:
        since = now - STORM_SPAN
        self.arrived = {name for name, times in arrivals.items() if times and times[-1] > since}
        self.rages = len(self.arrived) >= STORM

    def rate(self, items: Sequence[Known]) -> int:
        """Arrivals of the last minute, when they are a storm; else 0."""
        if not self.rages:
            return 0
        count = sum(1 for item in items if item.fingerprint in self.arrived)
        return count if count >= STORM else 0


class Bundle(NamedTuple):
    """Alerts behind one fold, in their order."""

    items: Sequence[Known]
    kind: str
    id: str
    title: str
    rate: int

    def folded(self) -> Fold:
        """The fold, closed."""
        counts = [0, 0, 0, 0]
        for item in self.items:
            counts[item.counted] += 1
        name = self.items[0].name if len({item.name for item in self.items}) == 1 else ""
        alerts = tuple([item.alert for item in self.items])
        return Fold(self.id, self.kind, name, self.title, alerts, counts[0], counts[1], counts[2], self.rate, False)


Unit = Known | Bundle
"""A row of its own, or a fold."""


class Bundler:
    """Bundles the entries of a feed. `passed` is how many alerts passed the filter, once `units` has ended."""

    def __init__(self, wanted: Filter, group_by: str, storm: Storm) -> None:
        self._wanted, self._flat, self._storm = wanted, group_by == FLAT, storm
        self._kind = "group" if group_by == BY_GROUP else "label"
        self.passed = 0

    def units(self, entries: Sequence[Entry]) -> Generator[None, None, Sequence[Unit]]:
        """Groups as they are; of the single alerts, those of one name together where they are many, or came in a
        storm."""
        passing = yield from self._passing(entries)
        if self._flat and not self._storm.rages:
            return [entry for entry in passing if isinstance(entry, Known)]  # there are no groups
        crowds, several = yield from self._crowds(passing)
        mixed = {item.fingerprint for item in several}
        found: list[Unit] = []
        shown: set[str] = set()
        for number, entry in enumerate(passing):
            if not number % SLICE:
                yield
            if isinstance(entry, Group):
                rate = self._storm.rate(entry.passed)
                found.append(Bundle(entry.passed, self._kind, f"{self._kind}:{entry.name}", entry.name, rate))
            elif crowds and entry.name in crowds and self._may_crowd(entry):
                if entry.name not in shown:
                    shown.add(entry.name)
                    crowd = crowds[entry.name]
                    found.append(Bundle(crowd, "crowd", f"crowd:{entry.name}", "", self._storm.rate(crowd)))
            elif entry.fingerprint in mixed:
                if "" not in shown:
                    shown.add("")
                    found.append(Bundle(several, "crowd", "crowd:", "many names", len(several)))
            else:
                found.append(entry)
        return found

    def _passing(self, entries: Sequence[Entry]) -> Generator[None, None, list[Entry]]:
        """What is left of the entries by the filter; a group of which one alert is left is that alert."""
        wanted = self._wanted if self._wanted else None
        found: list[Entry] = []
        for number, entry in enumerate(entries):
            if not number % SLICE:
                yield
            if isinstance(entry, Group):
                if entry.passed:
                    found.append(entry if len(entry.passed) > 1 else entry.passed[0])
                    self.passed += len(entry.passed)
            elif wanted is None or entry.passes(wanted):
                found.append(entry)
                self.passed += 1
        return found

    def _may_crowd(self, item: Known) -> bool:
        """What was there before the storm stays as it is where nothing is to be grouped."""
        return not self._flat or item.fingerprint in self._storm.arrived

    def _crowds(self, entries: Sequence[Entry]) -> Generator[None, None, tuple[dict[str, list[Known]], list[Known]]]:
        """Single alerts that stand together, by their name; and those of many names that came in a storm."""
        by_name: dict[str, list[Known]] = {}
        for number, entry in enumerate(entries):
            if not number % SLICE:
                yield
            if isinstance(entry, Known) and self._may_crowd(entry):
                by_name.setdefault(entry.name, []).append(entry)
        crowds = {name: items for name, items in by_name.items() if len(items) >= CROWD}
        several: list[Known] = []
        if self._storm.rages:
            arrived = self._storm.arrived
            few = (items for name, items in by_name.items() if name not in crowds)
            several = sorted((item for items in few for item in items if item.fingerprint in arrived), key=KEY)
        return crowds, several if len(several) >= STORM else []
