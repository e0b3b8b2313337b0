"""The service levels: the slices of every objective, what is asked for them, and the gauges that they make.

A round asks for everything at one instant: the running slice (the tail) of every SLI, and whatever else there is to
ask. The slices before it are asked for as ranges: the last ones once a minute and whenever one has ended, so that
samples that come late count, and older ones in the background (`filling`), until the objective's window is known. What
was read is kept in a `SliceStore`, so that a restart reads only what it has missed, and a window may be longer than
the server's memory. Before the first slices it is asked how far apart the samples are (`scrapes`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from console.engine import faults
from console.engine.level import AGAIN, Level, Track, begin_of, window_of
from console.engine.level_groups import Groups, group_key
from console.model import scrapes
from console.model.budget import Counted, bounded, gauge
from console.model.reading import CLOCK_SECONDS, Reading, ReadingState, missing
from console.model.slices import SLICE, History, Slice, day, instant, slot
from console.model.slo import Objective, SloGauge
from console.ports import Clock, MetricSource, Query, SliceStore, SourceError

LAG = 150.0
"""Seconds after its end before a slice is read: the tail is 150 to 450 s long."""
LATE = 3
"""How many slices are read again: what comes later than that counts when they are read again in the background."""
FIRST = 72
"""Slices of the first round: six hours."""
SCRAPES_EVERY, SCRAPES_SOON = 3600.0, 300.0
"""Seconds between two looks how far apart samples are, and after the first one: a server that has just begun knows
nothing yet."""
POINTS = 20_000
"""Points of one answer: what is decoded at once holds up the keys for that long."""
BREATH = 16
"""Gauges that are made before others get a turn."""


class Levels:
    """Reads and keeps the slices of all objectives. `where` tells the source from others. Rounds are read in one thread
    at a time; the background has another."""

    def __init__(
        self,
        source: MetricSource,
        objectives: Sequence[Objective],
        clock: Clock,
        store: SliceStore | None = None,
        where: str = "",
    ) -> None:
        self.source, self._clock, self.store, self.where = source, clock, store, where
        self.lock = threading.RLock()
        self.objectives = tuple(objectives)
        self._groups = Groups(where, self.lock)
        self._scrapes: dict[str, float] = {}
        """Every how many seconds what a selector finds is sampled, where that is known."""
        self.scrapes_due: float | None = None
        """When that is asked for the next time, in the background; None before the first round asks."""
        self._soon = True
        """Whether that is soon after the first time."""
        self._all_again = False
        """Whether the first round's slices are to be read once more: their ranges are others now."""
        self._levels = {item.name: Level(item, where) for item in objectives if not item.groups}
        self.edge: int | None = None
        """Up to which slice ranges were read; None before the first time."""
        self._range_at: datetime | None = None
        self.at: datetime | None = None
        """When the tails were read."""
        self.ahead = 0.0
        self.grouped = False
        """Whether it is known which groups there are."""
        self.note = ""
        """What to know of all gauges."""
        self.fault = ""
        """Why they are not brought up to date in the background, where that is a fault of ours."""
        self.opened = False

    # -- what is measured ---------------------------------------------------------------------------------------------

    def levels(self) -> list[Level]:
        """Every objective and every group that is known, in the order of the configuration."""
        found: list[Level] = []
        with self.lock:
            for objective in self.objectives:
                if objective.groups:
                    found += self._groups.of(objective)
                else:
                    found.append(self._levels[objective.name])
        return found

    @property
    def queries(self) -> tuple[Query, ...]:
        """Every expression that may be asked, of an objective with groups the sum over all of them."""
        whole = (Level(item, self.where) for item in self.objectives if item.groups)
        levels = (*self._levels.values(), *whole)
        return tuple(query for level in levels for track in level.tracks for query in track.queries)

    def know_groups(self, objective: Objective, groups: Iterable[Mapping[str, str]]) -> None:
        """Adds groups to an objective that has any; those that are known stay."""
        made, many = self._groups.made(objective, groups)
        if many:
            self.note = many
        if self.edge is not None:
            self._load(made, self.edge)
        self._groups.add(objective, made)

    def forget_groups(self, objective: Objective, present: Iterable[Mapping[str, str]]) -> None:
        """Drops the groups that are not present any more, and of whose slices none is left in the window."""
        self._groups.forget(objective, present)

    def groups(self, objective: Objective) -> list[dict[str, str]]:
        """The groups of an objective that are known."""
        with self.lock:
            return [dict(level.objective.group) for level in self._groups.of(objective)]

    def discovered(self, objectives: Sequence[Objective]) -> None:
        """Measures objectives that were found on the server, in place of those found before."""
        before, found = self._levels, {}
        for item in objectives:
            level = before.get(item.name)
            found[item.name] = level if level is not None and level.objective == item else Level(item, self.where)
        if self.edge is not None:
            self._load([level for level in found.values() if level not in before.values()], self.edge)
        with self.lock:
            self.objectives, self._levels = tuple(objectives), found

    def bracketed(self, level: Level, low: Sequence[str], high: Sequence[str]) -> None:
        """Measures a latency by the buckets next to the one that it would need, too."""
        below, above = level.bracket(low, high)
        if self.edge is not None:
            for track in (below, above):
                if track is not None:
                    self._restore(level, track, self.edge)
        with self.lock:
            level.low, level.high = below, above

    # -- a round ------------------------------------------------------------------------------------------------------

    def read(self, others: Sequence[Query]) -> Mapping[str, Reading[float]]:
        """One round: brings the slices and the tails up to date, and answers the other queries of the same instant.
        Raises SourceError when nothing could be read."""
        answers = self._round(others)
        if self._range_at is not None and abs(self.source.skew_seconds - self.ahead) > CLOCK_SECONDS:
            self._range_at = None  # what was asked before its clock was known may have been in its future
            answers = self._round(others)
        return answers

    def _round(self, others: Sequence[Query]) -> Mapping[str, Reading[float]]:
        now, ahead = self._clock.now(), self.source.skew_seconds
        unix = round(now.timestamp() + ahead, 3)
        edge = int((unix - LAG) // SLICE)
        if not self.opened:
            self._open(edge)
        if self.scrapes_due is None:
            self.scrapes_due = unix  # in the background, where it is not answered now
            self.look_at_scrapes(unix)
        tracks = [track for level in self.levels() for track in level.asked]
        due = self.edge != edge or self._range_at is None or not now - AGAIN < self._range_at <= now
        if tracks and due:
            self._read_slices(tracks, edge, unix)
        if due:
            self.edge, self._range_at = edge, now
        queries = [query for track in tracks for query in track.queries]
        at = datetime.fromtimestamp(unix, UTC)
        answers = self.source.read([*queries, *others], at=at, seconds=round(unix - edge * SLICE, 3))
        if answers and all(reading.state is ReadingState.UNREACHABLE for reading in answers.values()):
            # A server that refuses every expression is as blind as one that is away.
            raise SourceError(f"refuses every expression: {next(iter(answers.values())).note}")
        with self.lock:
            for track in tracks:
                track.hear(answers, now)
            self.at, self.ahead = now, ahead
        return answers

    def _open(self, edge: int) -> None:
        self.opened = True
        if self.store is not None:
            for objective in self.objectives:
                if objective.groups:
                    self.know_groups(objective, self.store.groups(group_key(objective, self.where)))
        self._load(self.levels(), edge)

    def _load(self, levels: Sequence[Level], edge: int) -> None:
        for level in levels:
            for track in level.tracks:
                self._restore(level, track, edge)

    def _restore(self, level: Level, track: Track, edge: int) -> None:
        """Takes over what the store has of a track, which nobody else knows yet: the disk is not waited for under the
        lock."""
        track.begin = begin_of(level.objective, edge)
        track.widen(self._scrapes.get(track.counter, 0.0))
        if self.store is not None:
            track.restore(self.store.load(track.key, track.begin))
        track.filling = track.begin < edge - FIRST and any(
            number not in track.asked for number in range(day(track.begin), day(edge) + 1)
        )

    def look_at_scrapes(self, unix: float) -> None:
        """Asks how far apart the samples of the objectives' counters are, all at once. What is not answered stays as it
        was known. Raises SourceError."""
        asked = scrapes.questions(sli for item in self.objectives for sli in (item.sli, item.sli.fallback))
        queries, at = [Query(name, text) for name, text in asked.items()], datetime.fromtimestamp(unix, UTC)
        found = scrapes.intervals(self.source.read(queries, at=at, seconds=SLICE)) if queries else {}
        self._all_again = self._all_again or found.items() - self._scrapes.items() != set()
        self._scrapes = {**self._scrapes, **found}
        for level in self.levels():
            for track in level.tracks:
                track.widen(self._scrapes.get(track.counter, 0.0))
        self.scrapes_due = unix + (SCRAPES_SOON if self._soon else SCRAPES_EVERY)
        self._soon = False

    def _read_slices(self, tracks: Sequence[Track], edge: int, unix: float) -> None:
        """Reads the slices that have ended since the last time, and the last ones before once more."""
        most = max(LATE, min(FIRST, POINTS // (2 * len(tracks))))
        again, self._all_again = self._all_again, False  # what is found meanwhile is for the next time
        count = most if self.edge is None or again else min(most, max(0, edge - self.edge) + LATE)
        try:
            self.ask(tracks, edge - count, edge, unix)
        except SourceError:
            self._all_again = self._all_again or again
            raise

    def ask(self, tracks: Sequence[Track], begin: int, end: int, unix: float, *, gaps: bool = False) -> list[Track]:
        """Asks for the slices from `begin` up to, and without, `end`; `gaps`: which are all that are missing of these
        days. The tracks that were not answered. Raises SourceError."""
        queries = [query for track in tracks for query in track.queries]
        found = self.source.read_range(queries, instant(begin + 1), instant(end), SLICE)
        changed: dict[str, list[Slice]] = {}
        asked: dict[str, dict[int, float]] = {}
        failed = []
        for track in tracks:
            with self.lock:
                new = track.take(found, begin)
                if new is None:
                    failed.append(track)
                    continue
                noted = track.was_asked(begin, end, unix, gaps=gaps)
                if new and self.store is not None:
                    changed[track.key] = [item for index in new if (item := track.slices.at(index)) is not None]
            if noted and (gaps or new):
                asked[track.key] = {number: track.asked[number] for number in noted}
        if self.store is not None and (changed or asked):
            self.store.keep(changed, asked)
        return failed

    # -- what it comes to ---------------------------------------------------------------------------------------------

    def gauges(self) -> tuple[SloGauge, ...]:
        """The gauges as of the last round."""
        found: list[SloGauge] = []
        for objective in self.objectives:
            if objective.groups and not self._groups.of(objective):
                note = "no series has the labels " + ", ".join(objective.groups) if self.grouped else "not read yet"
                lost: Reading[float] = missing(ReadingState.NO_DATA, self.source.name, note, self.at)
                found.append(SloGauge(objective, lost, lost, lost, basis=objective.method))
        for number, level in enumerate(self.levels(), 1):
            found.append(self._sound(level))
            if number % BREATH == 0:
                time.sleep(0)  # the screen's thread gets its turn
        return tuple(found)

    def _sound(self, level: Level) -> SloGauge:
        """The gauge of one objective; one of which nothing is known where its arithmetic fails: the others stay."""
        try:
            found = self.gauge(level)
        except Exception as error:
            note = f"fault in its arithmetic: {type(error).__name__}"
            if level.fault != note:  # once, and not with every round
                faults.note(f"objective {level.objective.name}: {note}", error)
            level.fault = note
            lost: Reading[float] = missing(ReadingState.NO_DATA, self.source.name, note, self.at)
            return SloGauge(level.objective, lost, lost, lost, basis=level.objective.method)
        level.fault = ""
        return found

    def gauge(self, level: Level) -> SloGauge:
        """The gauge of one objective."""
        track = level.shown
        found = self._of_track(level, track)
        bucket = level.objective.sli.bucket
        if track is level.own and bucket is not None and (level.low or level.high) and level.own.one_sided:
            if level.low is None or level.high is None or level.low.sli.part == level.high.sli.part:
                only = level.low or level.high
                assert only is not None
                return self._of_track(level, only)
            low, high = self._of_track(level, level.low), self._of_track(level, level.high)
            return bounded(found, low, high, bucket.le)
        return found

    def _of_track(self, level: Level, track: Track) -> SloGauge:
        now = self._clock.now()
        with self.lock:
            edge = self.edge if self.edge is not None else slot(now)
            counted = Counted(
                track.slices, edge, track.tail, self.at or now, self.source.name, self.ahead, track.filling
            )
            found = gauge(level.objective, counted, track.sli)
        found = _foreseen(found, level) if level.forecast is not None and track is level.shown else found
        return clouded(found, track.worst, track.why) if track.why else found

    def history(self, name: str) -> History | None:
        """The slices of an objective's window; None when there is no objective of that name, or nothing was read."""
        level = next((item for item in self.levels() if item.objective.name == name), None)
        with self.lock:
            if level is None or self.edge is None or self.at is None:
                return None
            level.looked_at = self.at.timestamp() + self.ahead
            track, first = level.shown, window_of(level.objective, self.edge)
            return History(first, tuple(track.slices.between(first, self.edge)), track.sli)


def clouded(found: SloGauge, state: ReadingState, note: str) -> SloGauge:
    """A gauge whose newest part could not be read: what is known is stale, and what is not, is `state`."""

    def cloud(reading: Reading[float]) -> Reading[float]:
        if reading.value is None:
            return replace(reading, state=state, note=note) if reading.state is ReadingState.NO_DATA else reading
        return replace(reading, state=ReadingState.STALE, note=note or reading.note)

    return found.mapped(cloud)


def _foreseen(found: SloGauge, level: Level) -> SloGauge:
    told = level.forecast
    if told is None:
        return found
    # Who has not seen everything may say that it will be spent, and not that it never will.
    whole = told.ok or (told.state is ReadingState.PARTIAL and told.value is not None and not told.value.is_never)
    return replace(found, forecast=told.value if whole else None, forecast_note=told.note)
