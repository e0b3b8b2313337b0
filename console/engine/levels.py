"""The service levels: the slices of every objective, what is asked for them, and the gauges that they make.

A round asks for everything at one instant: the running slice (the tail) of every SLI, and whatever else there is to ask.
The slices before it are asked for as ranges: the last ones once a minute and whenever one has ended, so that samples
that come late count, and older ones in the background, newest first, until the objective's window is known. What
was read is kept in a `SliceStore`, so that a restart reads only what it has missed, and a window may be longer than
the server's memory.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console.model.budget import Counted, gauge
from console.model.reading import Reading, ReadingState, missing
from console.model.sli import Sli
from console.model.slices import SLICE, Slice, Slices, Sums, instant, slot
from console.model.slo import Objective, SloGauge
from console.ports import NO_SERIES, Clock, Kept, MetricSource, Query, Series, SliceStore, SourceError

LAG = 150.0
"""Seconds after its end before a slice is read: the tail is 150 to 450 s long."""
AGAIN = timedelta(minutes=1)
"""How often the last slices are read again."""
LATE = 3
"""How many: what comes later than that is found in the background."""
FIRST = 72
"""Slices of the first round: six hours."""
POINTS = 20_000
"""Points of one answer: what is decoded at once holds up the keys for that long."""


class Track:
    """One SLI, with its slices and its tail. `asked` says when the source was last asked for the days of it."""

    __slots__ = ("asked", "key", "queries", "sli", "slices", "tail", "why", "worst")

    def __init__(self, name: str, sli: Sli, where: str) -> None:
        self.sli = sli
        self.queries = (Query(f"{name}.part", sli.part), Query(f"{name}.total", sli.total))
        text = "\0".join((where, sli.part, sli.total, sli.counts.value))
        self.key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        self.slices, self.asked = Slices(), dict[int, float]()
        self.tail = Sums(expected=1)
        self.worst, self.why = ReadingState.OK, ""
        """What kept its tail from being read, where something did."""

    def restore(self, kept: Kept) -> None:
        """Takes over what a store has."""
        self.slices, self.asked = kept.slices, dict(kept.asked)

    def hear(self, answers: Mapping[str, Reading[float]]) -> None:
        """Takes the tail from the answers."""
        part, total = (answers.get(query.name, _UNREAD) for query in self.queries)
        self.tail, self.worst, self.why = Sums(expected=1), ReadingState.OK, ""
        for reading in (total, part):
            if _failed(reading):
                self.worst, self.why = reading.state, reading.note
                return
        if total.state is ReadingState.NO_TRAFFIC:
            self.tail = Sums(seen=1, expected=1)
        elif total.value is not None:
            doubtful = ReadingState.PARTIAL in (part.state, total.state)
            self.tail = Sums(part.value or 0.0, total.value, 1, int(part.known), int(doubtful), 1)
            if ReadingState.STALE in (part.state, total.state):
                self.worst, self.why = ReadingState.STALE, part.note or total.note

    def take(self, found: Mapping[str, Series], first: int) -> list[Slice] | None:
        """Keeps the slices of an answer whose first value is that of slice `first`: those that are new. None when it
        was not answered."""
        part, total = (found.get(query.name) for query in self.queries)
        if part is None or total is None:
            return None
        doubtful, taken = part.doubtful or total.doubtful, []
        for index, (count, share) in enumerate(zip(total.values, part.values, strict=True), first):
            if count is None:
                continue
            if count != count:  # NaN: no traffic
                taken.append(Slice(index, 0.0, None, doubtful))
            else:
                taken.append(Slice(index, count, share if share is not None and share == share else None, doubtful))
        return self.slices.put(taken)

    @property
    def seen(self) -> bool:
        """Whether its total was ever seen."""
        return bool(self.tail.seen) or self.slices.newest is not None


class Level:
    """One objective and the tracks that it may be measured by."""

    def __init__(self, objective: Objective, where: str) -> None:
        self.objective = objective
        name = f"slo.{objective.name}"
        self.own = Track(name, objective.sli, where)
        other = objective.sli.fallback
        self.fallback = Track(f"{name}.fallback", other, where) if other is not None else None

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All of them."""
        return (self.own,) if self.fallback is None else (self.own, self.fallback)

    @property
    def asked(self) -> tuple[Track, ...]:
        """Those to ask for: the fallback while the total has no sample."""
        return (self.own,) if self.own.tail.seen else self.tracks

    @property
    def shown(self) -> Track:
        """The one that the gauge shows: the fallback while the total was never seen, and the fallback's was."""
        return self.fallback if self.fallback is not None and not self.own.seen and self.fallback.seen else self.own


class Levels:
    """Reads and keeps the slices of all objectives. `where` tells the source from others. Rounds are read in one thread
    at a time."""

    def __init__(
        self,
        source: MetricSource,
        objectives: Sequence[Objective],
        clock: Clock,
        store: SliceStore | None = None,
        where: str = "",
    ) -> None:
        self._source, self._clock, self._store = source, clock, store
        self.levels = [Level(objective, where) for objective in objectives]
        self._lock = threading.RLock()
        self._loaded = False
        self._edge: int | None = None
        """Up to which slice ranges were read; None before the first time."""
        self._range_at: datetime | None = None
        self.at: datetime | None = None
        """When the tails were read."""
        self._ahead = 0.0

    @property
    def queries(self) -> tuple[Query, ...]:
        """Every expression that may be asked."""
        return tuple(query for level in self.levels for track in level.tracks for query in track.queries)

    def read(self, others: Sequence[Query]) -> Mapping[str, Reading[float]]:
        """One round: brings the slices and the tails up to date, and answers the other queries of the same instant.
        Raises SourceError when nothing could be read."""
        now, ahead = self._clock.now(), self._source.skew_seconds
        unix = round(now.timestamp() + ahead, 3)
        edge = int((unix - LAG) // SLICE)
        self._load(edge)
        tracks = [track for level in self.levels for track in level.asked]
        if tracks and (
            self._edge is None or self._edge != edge or self._range_at is None or now - self._range_at >= AGAIN
        ):
            self._read_slices(tracks, edge, unix)
            self._edge, self._range_at = edge, now
        queries = [query for track in tracks for query in track.queries]
        at = datetime.fromtimestamp(unix, UTC)
        answers = self._source.read([*queries, *others], at=at, seconds=round(unix - edge * SLICE, 3))
        if answers and all(reading.state is ReadingState.UNREACHABLE for reading in answers.values()):
            # A server that refuses every expression is as blind as one that is away.
            raise SourceError(f"refuses every expression: {next(iter(answers.values())).note}")
        with self._lock:
            for track in tracks:
                track.hear(answers)
            self.at, self._ahead = now, ahead
        return answers

    def gauges(self) -> tuple[SloGauge, ...]:
        """The gauges as of the last round."""
        return tuple(self._gauge(level) for level in self.levels)

    def _gauge(self, level: Level) -> SloGauge:
        track = level.shown
        if self.at is None or self._edge is None:
            return gauge(level.objective, Counted(track.slices, slot(self._clock.now()), Sums(), self._clock.now()))
        with self._lock:
            counted = Counted(track.slices, self._edge, track.tail, self.at, self._source.name, self._ahead)
            found = gauge(level.objective, counted, track.sli)
        return clouded(found, track.worst, track.why) if track.why else found

    def _load(self, edge: int) -> None:
        if self._loaded:
            return
        self._loaded = True
        if self._store is not None:
            for level in self.levels:
                begin = self._begin(level, edge)
                for track in level.tracks:
                    track.restore(self._store.load(track.key, begin))

    def _begin(self, level: Level, edge: int) -> int:
        """The first slice that the objective's window needs."""
        begin, end = level.objective.window.span(instant(edge + 1))
        return slot(begin) - 1 if begin < end else edge

    def _read_slices(self, tracks: Sequence[Track], edge: int, unix: float) -> None:
        """Reads the slices that have ended since the last time, and the last ones before once more."""
        most = max(LATE, min(FIRST, POINTS // (2 * len(tracks))))
        count = most if self._edge is None else min(most, max(0, edge - self._edge) + LATE)
        self._ask(tracks, edge - count, edge, unix)

    def _ask(self, tracks: Sequence[Track], begin: int, end: int, unix: float) -> list[Track]:
        """Asks for the slices from `begin` up to, and without, `end`. The tracks that were not answered."""
        queries = [query for track in tracks for query in track.queries]
        found = self._source.read_range(queries, instant(begin + 1), instant(end), SLICE)
        changed: dict[str, list[Slice]] = {}
        failed = []
        for track in tracks:
            with self._lock:
                new = track.take(found, begin)
            if new is None:
                failed.append(track)
            elif new:
                changed[track.key] = new
        if self._store is not None and changed:
            self._store.keep(changed)
        return failed


_UNREAD: Reading[float] = missing(ReadingState.NO_DATA, "", "not read yet")


def _failed(reading: Reading[float]) -> bool:
    """Whether there is no value for another reason than that there is no series, or no traffic."""
    return reading.value is None and reading.state is not ReadingState.NO_TRAFFIC and reading.note != NO_SERIES


def clouded(found: SloGauge, state: ReadingState, note: str) -> SloGauge:
    """A gauge whose newest part could not be read: what is known is stale, and what is not, is `state`."""

    def cloud(reading: Reading[float]) -> Reading[float]:
        if reading.value is None:
            return replace(reading, state=state, note=note) if reading.state is ReadingState.NO_DATA else reading
        return replace(reading, state=ReadingState.STALE, note=note or reading.note)

    return replace(
        found,
        ratio=cloud(found.ratio),
        budget_left=cloud(found.budget_left),
        burn=cloud(found.burn),
        burns={name: cloud(reading) for name, reading in found.burns.items()},
        alerts=tuple(replace(item, long=cloud(item.long), short=cloud(item.short)) for item in found.alerts),
        to_date=cloud(found.to_date) if found.to_date is not None else None,
    )
