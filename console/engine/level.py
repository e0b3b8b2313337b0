"""What is measured of one objective: the tracks of its SLIs, each with its slices and its tail."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from console.model import scrapes
from console.model.burn import windows
from console.model.forecast import Forecast
from console.model.promql import patched
from console.model.reading import Reading, ReadingState, missing
from console.model.sli import WINDOW, Sli
from console.model.slices import DAY, SLICE, Slices, Sums, day, instant, slot
from console.model.slo import Objective
from console.model.window import Calendar
from console.ports import NO_SERIES, Kept, Query, Series

AGAIN = timedelta(minutes=1)
"""How often the last slices are read again."""


class Track:
    """One SLI, with its slices and its tail. `asked` says when the source was last asked for the days of it, in its own
    time, and `looked` when for what was missing in a day."""

    __slots__ = (
        "asked", "begin", "counter", "doubts", "filling", "key", "looked", "most_days", "not_before", "queries", "sli",
        "slices", "tail", "why", "worst",
    )  # fmt: skip

    def __init__(self, name: str, sli: Sli, where: str, counter: str) -> None:
        self.sli, self.counter = sli, counter
        """By the interval of which selector its ranges are widened; none where it is empty."""
        self.queries = (Query(f"{name}.part", sli.part), Query(f"{name}.total", sli.total))
        text = "\0".join((where, sli.part, sli.total, sli.counts.value, "widened" if counter else ""))
        self.key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        self.slices, self.asked, self.looked = Slices(), dict[int, float](), dict[int, float]()
        self.doubts: set[int] = set()
        """The days that may have slices of which the server warned."""
        self.tail = Sums(expected=1)
        self.worst, self.why = ReadingState.OK, ""
        """What kept its tail from being read, where something did."""
        self.begin = 0
        """The first slice that is wanted."""
        self.filling = False
        """Whether older slices were never asked for."""
        self.not_before, self.most_days = 0.0, 400
        """When, and for how many days at once, it may be asked for after it could not be answered."""

    def widen(self, scrape: float) -> None:
        """Asks for ranges that begin so many seconds earlier, from now on."""
        if scrape != self.queries[0].scrape:
            part, total = self.queries
            self.queries = (replace(part, scrape=scrape), replace(total, scrape=scrape))

    def restore(self, kept: Kept) -> None:
        """Takes over what a store has."""
        self.slices, self.asked = kept.slices, dict(kept.asked)
        self.looked = dict(kept.asked)
        first, newest = kept.slices.first, kept.slices.newest
        self.doubts = set(range(day(first), day(newest) + 1)) if first is not None and newest is not None else set()

    def hear(self, answers: Mapping[str, Reading[float]], now: datetime) -> None:
        """Takes the tail from the answers."""
        part, total = (answers.get(query.name, _UNREAD) for query in self.queries)
        self.tail, self.worst, self.why = Sums(expected=1), ReadingState.OK, ""
        for reading in (total, part):
            if _failed(reading):
                self.worst, self.why = reading.state, reading.note
                return
        if total.state is ReadingState.NO_TRAFFIC:
            self.tail = Sums(seen=1, expected=1)
        elif total.value and part.state is ReadingState.NO_TRAFFIC:  # NaN says nothing, where there is traffic
            self.worst, self.why = ReadingState.NO_DATA, f"{self.sli.counts} events are no number, with traffic"
        elif total.value is not None:
            doubtful = ReadingState.PARTIAL in (part.state, total.state)
            self.tail = Sums(part.value or 0.0, total.value, 1, int(part.known), int(doubtful), 1)
            if ReadingState.STALE in (part.state, total.state):
                self.worst, self.why = ReadingState.STALE, part.note or total.note
            for reading in (total, part):
                if reading.at is not None and now - reading.at > AGAIN:  # by a cache between us and the server
                    self.worst, self.why = ReadingState.STALE, f"the answer dates from {reading.at:%d %b %H:%M} UTC"

    def take(self, found: Mapping[str, Series], first: int) -> list[int] | None:
        """Keeps the slices of an answer whose first value is that of slice `first`: those that are new. None when it
        was not answered."""
        part, total = (found.get(query.name) for query in self.queries)
        if part is None or total is None:
            return None
        if not (part.doubtful or total.doubtful):
            return self.slices.put_series(first, total.values, part.values)
        end = first + len(total.values)
        known = self.slices.between(first, end)
        # What it warns of does not take the place of what it has said without.
        totals = [
            None if old is not None and not old.doubtful else value
            for old, value in zip(known, total.values, strict=True)
        ]
        self.doubts.update(range(day(first), day(end - 1) + 1))
        return self.slices.put_series(first, totals, part.values, doubtful=True)

    def doubted(self, begin: int, end: int) -> tuple[int, int] | None:
        """From where up to, and without, where the server warned of slices in [begin, end), with whatever lies between;
        None when it did not, or when they were read again without."""
        if not self.slices.sums(begin, end).doubtful:
            self.doubts.discard(day(begin))
            return None
        found = [item.index for item in self.slices.between(begin, end) if item is not None and item.doubtful]
        return found[0], found[-1] + 1

    def was_asked(self, begin: int, end: int, unix: float, *, gaps: bool) -> list[int]:
        """Notes that the slices from `begin` up to `end` were asked for, which are all the `gaps` of their days, or
        follow what was asked for before. The days of which that says something."""
        noted = []
        for number in range(day(begin), day(end - 1) + 1):
            first = max(begin, DAY * number)
            follows = first <= max(self.begin, DAY * number) or self.asked.get(number, 0.0) >= first * SLICE
            if gaps or follows:
                self.asked[number] = unix
                noted.append(number)
            if gaps:
                self.looked[number] = unix
        return noted

    @property
    def seen(self) -> bool:
        """Whether its total was ever seen."""
        return bool(self.tail.seen) or self.slices.newest is not None

    @property
    def one_sided(self) -> bool:
        """Whether there is traffic, and the part was never seen."""
        if self.slices.first is None or self.slices.newest is None:
            return self.tail.total > 0 and not self.tail.parts
        sums = self.slices.sums(self.slices.first, self.slices.newest + 1) + self.tail
        return sums.total > 0 and not sums.parts


class Level:
    """One objective, or one group of one, and the tracks that it may be measured by. What is sampled how often is asked
    for all groups `of` an objective at once."""

    def __init__(self, objective: Objective, where: str, of: Objective | None = None) -> None:
        self.objective, self._where = objective, where
        self._name, whole = f"slo.{objective.name}", (of or objective).sli
        self.own = Track(self._name, objective.sli, where, scrapes.counter(whole))
        other = objective.sli.fallback
        self.fallback = None
        if other is not None and whole.fallback is not None:
            self.fallback = Track(f"{self._name}.fallback", other, where, scrapes.counter(whole.fallback))
        self.forecast: Reading[Forecast] | None = None
        self.foreseen_at, self.looked_at = -math.inf, -math.inf
        """When its forecast was made, and when somebody last looked at it."""
        self.fault = ""
        """Why there is no gauge of it, where that is a fault of ours."""
        self.low: Track | None = None
        self.high: Track | None = None
        """The buckets next to the one that its latency would need."""

    def bracket(self, low: Sequence[str], high: Sequence[str]) -> tuple[Track | None, Track | None]:
        """What it would be measured by, of other buckets: of those below the threshold, and of those above, each as
        their `le` is written."""
        made: list[Track | None] = []
        for name, values in (("low", low), ("high", high)):
            bucket = self.objective.sli.bucket
            if bucket is None or not values:
                made.append(None)
                continue
            parts = (patched(f"sum(increase({bucket.selector}[{WINDOW}]))", {"le": value}) for value in values)
            sli = replace(self.objective.sli, part=" or ".join(parts), bucket=None, fallback=None)
            made.append(Track(f"{self._name}.{name}", sli, self._where, self.own.counter))
        below, above = made
        return below, above

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All of them."""
        return tuple(item for item in (self.own, self.fallback, self.low, self.high) if item is not None)

    @property
    def asked(self) -> tuple[Track, ...]:
        """Those to ask for: the fallback while the total has no sample."""
        return tuple(item for item in self.tracks if item is not self.fallback or not self.own.tail.seen)

    @property
    def wanted(self) -> tuple[Track, ...]:
        """Those whose older slices are wanted."""
        return tuple(item for item in self.tracks if item is not self.fallback or self.shown is item)

    @property
    def shown(self) -> Track:
        """The one that the gauge shows: the fallback while the total was never seen, and the fallback's was."""
        return self.fallback if self.fallback is not None and not self.own.seen and self.fallback.seen else self.own


_UNREAD: Reading[float] = missing(ReadingState.NO_DATA, "", "not read yet")


def begin_of(objective: Objective, edge: int) -> int:
    """The first slice that the objective's window needs, or the longest burn rate."""
    longest = max(windows(objective.rules).values())
    return min(window_of(objective, edge), edge - int(longest.total_seconds() // SLICE))


def window_of(objective: Objective, edge: int) -> int:
    """The first slice that the objective's window needs."""
    # A new period begins when now is in it, not before.
    calendar = isinstance(objective.window, Calendar)
    begin, _ = objective.window.span(instant(edge if calendar else edge + 2))
    return min(slot(begin) - 2, edge)


def _failed(reading: Reading[float]) -> bool:
    """Whether there is no value for another reason than that there is no series, or no traffic."""
    return reading.value is None and reading.state is not ReadingState.NO_TRAFFIC and reading.note != NO_SERIES
