"""Feed after feed as rows. A feed differs little from the one before: only what has changed is looked at closely."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from operator import attrgetter

from console.model.alert import Alert, AlertState
from console.model.board import AlertFeed
from console.model.care import AlertCare
from console.model.filter import FLAPPING, Filter
from console.model.folding.bundles import Bundle, Bundler, Entry, Storm, Unit
from console.model.folding.known import KEY, SLICE, Group, Known
from console.model.folding.values import Arrangement, Counts, Fold, Folded, Item, Sort

OPEN_UP_TO = 6
"""A group of so many is open until somebody closes it."""
QUICK = 4 * SLICE
"""Alerts between two pauses where C goes through them."""

_ID = attrgetter("id")


class Folder:
    """Makes rows of one feed after the other. One fold at a time."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._held: dict[int, Known] = {}
        """The same by the identity of the alert: an alert that is the same object has not changed."""
        self._marked: set[str] = set()
        """The owned, and those that arrived lately: what makes them so may end without the alert being another."""
        self._counts = [0, 0, 0, 0]
        self._arranged: tuple[str, bool] | None = None
        """How the entries are arranged: grouped by what, and the newest first. None while they are not."""
        self._groups: dict[str, Group] = {}
        self._entries: list[Entry] = []
        self._new: list[Entry] = []
        self._folds: dict[str, tuple[Bundle, Fold]] = {}

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
        """A fold with many pauses. It may be given up at any of them."""
        yield from self._look(feed, care)
        yield from self._arrange((wanted.group_by, wanted.sort is Sort.NEWEST))
        entries = yield from self._order(wanted.filter)
        storm = Storm(feed.arrivals, now)
        bundler = Bundler(wanted.filter, wanted.group_by, storm)
        units = yield from bundler.units(entries)
        if wanted.sort is Sort.NAME:
            units = sorted(units, key=_name)
        elif wanted.sort is Sort.COUNT:
            units = sorted(units, key=_size, reverse=True)
        yield
        rows = yield from self._rows(units, wanted)
        places: dict[str, int] = {}
        for first in range(0, len(rows), QUICK):
            part = rows[first : first + QUICK]
            places.update(zip(map(_ID, part), range(first, first + len(part)), strict=True))
            yield
        unowned, owned, suppressed, other = self._counts
        counts = Counts(unowned, owned, suppressed, other, len(storm.arrived))
        return Folded(rows, places, counts, bundler.passed)

    # -- what has changed ---------------------------------------------------------------------------------------------

    def _look(self, feed: AlertFeed, care: Mapping[str, AlertCare]) -> Generator[None, None, None]:
        """Brings what is known up to date. Complete after each alert, for it may be given up."""
        known, arrivals, held = self._known, feed.arrivals, self._held
        present: set[int] = set()
        changed: list[Alert] = []
        for first in range(0, len(feed.alerts), QUICK):
            part = feed.alerts[first : first + QUICK]
            present.update(map(id, part))
            changed += [alert for alert in part if id(alert) not in held]
            yield
        self._marked.update(care, arrivals)
        marked = [known[name].alert for name in self._marked & known.keys()]
        same = (alert for alert in marked if id(alert) in present)
        for number, alert in enumerate(chain(changed, same)):
            name = alert.fingerprint
            owned = name in care and care[name].acknowledges(alert)
            self._take(alert, owned, len(arrivals.get(name, ())), feed.watchdog)
            if not number % (SLICE // 10):
                yield
        for item in [held[number] for number in held.keys() - present]:
            # Gone for now, when it comes and goes: its row stays, so that it does not jump in and out.
            repeats = len(arrivals.get(item.fingerprint, ()))
            if repeats < FLAPPING:
                self._drop(item)
            elif item.alert.state is AlertState.RESOLVED:
                self._take(item.alert, False, repeats)
            else:
                self._take(replace(item.alert, state=AlertState.RESOLVED), False, repeats)
            yield
        self._marked = {name for name in (*care, *arrivals) if name in known}

    def _take(self, alert: Alert, owned: bool, repeats: int, watchdog: str = "") -> None:
        name = alert.fingerprint
        before = self._known.get(name)
        if before is not None:
            if before.alert is alert and before.owned is owned and before.repeats == repeats:
                return
            self._drop(before)
        item = Known(alert, owned, repeats)
        if item.name == watchdog:
            return
        self._known[name] = self._held[id(alert)] = item
        self._counts[item.counted] += 1
        if self._arranged is not None:
            self._enter(item, *self._arranged)

    def _drop(self, item: Known) -> None:
        del self._known[item.fingerprint], self._held[id(item.alert)]
        self._counts[item.counted] -= 1
        item.alive = False
        if item.home is not None:
            item.home.remove(item)

    # -- order --------------------------------------------------------------------------------------------------------

    def _enter(self, item: Known, group_by: str, newest: bool) -> None:
        item.key = item.keyed(newest)
        name = item.group(group_by)
        if not name:
            item.home = None
            self._new.append(item)
            return
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = Group(name)
            self._new.append(group)
        item.home = group
        group.add(item)

    def _arrange(self, wanted: tuple[str, bool]) -> Generator[None, None, None]:
        """Groups everything anew, when it is wanted in another way."""
        if self._arranged == wanted:
            return
        self._arranged = None
        self._groups, self._entries, self._new = {}, [], []
        for number, item in enumerate(self._known.values()):
            self._enter(item, *wanted)
            if not number % SLICE:
                yield
        self._arranged = wanted

    def _order(self, wanted: Filter) -> Generator[None, None, list[Entry]]:
        """All entries in their order: those of before stand in it, and the new ones are put between them."""
        entries: list[Entry] = []
        for first in range(0, len(self._entries), QUICK):
            entries += [entry for entry in self._entries[first : first + QUICK] if entry.alive]
            yield
        new = [entry for entry in self._new if entry.alive]
        for number, group in enumerate(list(self._groups.values())):
            if not group.alive:
                del self._groups[group.name]
            elif group.stale or group.judged_by is not wanted:
                yield from group.settle(wanted)
            if not number % (SLICE // 10):
                yield
        # Runs that are in order are quickly merged, and none of them takes long.
        for first in range(0, len(new), 2 * QUICK):
            entries += sorted(new[first : first + 2 * QUICK], key=KEY)
            yield
        entries.sort(key=KEY)
        self._entries, self._new = entries, []
        return entries

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _rows(self, units: Sequence[Unit], wanted: Arrangement) -> Generator[None, None, list[Item]]:
        """The rows; a fold of the same alerts is the same object as before."""
        rows: list[Item] = []
        folds: dict[str, tuple[Bundle, Fold]] = {}
        for number, unit in enumerate(units):
            if not number % SLICE:
                yield
            if isinstance(unit, Known):
                rows.append(unit.row())
                continue
            before = self._folds.get(unit.id)
            fold = before[1] if before is not None and before[0] == unit else unit.folded()
            small = len(unit.items) <= OPEN_UP_TO and unit.kind != "crowd"
            opened = unit.id in wanted.opened or (small and unit.id not in wanted.closed)
            if opened is not fold.opened:
                fold = fold._replace(opened=opened)
            folds[unit.id] = (unit, fold)
            rows.append(fold)
            if opened:
                rows += [item.row_inside() for item in unit.items]
        self._folds = folds
        return rows


def _name(unit: Unit) -> str:
    return unit.name if isinstance(unit, Known) else unit.items[0].name


def _size(unit: Unit) -> int:
    return 1 if isinstance(unit, Known) else len(unit.items)
