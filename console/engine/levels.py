"""The service levels: the slices of every objective, what is asked for them, and the gauges that they make.

A round asks for everything at one instant: the running slice (the tail) of every SLI, and whatever else there is to
ask. The slices before it are asked for as ranges: the last ones once a minute and whenever one has ended, so that
samples that come late count, and older ones in the background (`filling`), until the objective's window is known. What
was read is kept in a `SliceStore`, so that a restart reads only what it has missed, and a window may be longer than
the server's memory.
"""

from __future__ import annotations

import hashlib
import math
import random
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console.engine import faults
from console.model.budget import Counted, bounded, gauge
from console.model.burn import windows
from console.model.forecast import Forecast, exhaustion
from console.model.promql import patched
from console.model.reading import CLOCK_SECONDS, Reading, ReadingState, missing
from console.model.sli import WINDOW, Sli
from console.model.slices import DAY, SLICE, History, Slice, Slices, Sums, day, instant, slot
from console.model.slo import Objective, SloGauge
from console.model.text import safe
from console.model.window import Calendar
from console.ports import NO_SERIES, Clock, Kept, MetricSource, Query, Series, SliceStore, SourceError

LAG = 150.0
"""Seconds after its end before a slice is read: the tail is 150 to 450 s long."""
AGAIN = timedelta(minutes=1)
"""How often the last slices are read again."""
LATE = 3
"""How many: what comes later than that counts when they are read again in the background."""
FIRST = 72
"""Slices of the first round: six hours."""
POINTS = 20_000
"""Points of one answer: what is decoded at once holds up the keys for that long."""
FORESEE_EVERY, WATCHED = 300.0, 900.0
"""Seconds between two forecasts of one objective, and how long somebody who has looked at it is taken to look."""
GROUPS = 100
"""Groups of one objective that are measured."""
BREATH = 16
"""Gauges that are made before others get a turn."""


class Track:
    """One SLI, with its slices and its tail. `asked` says when the source was last asked for the days of it, in its own
    time, and `looked` when for what was missing in a day."""

    __slots__ = (
        "asked", "begin", "doubts", "filling", "key", "looked", "most_days", "not_before", "queries", "sli", "slices",
        "tail", "why", "worst",
    )  # fmt: skip

    def __init__(self, name: str, sli: Sli, where: str) -> None:
        self.sli = sli
        self.queries = (Query(f"{name}.part", sli.part), Query(f"{name}.total", sli.total))
        text = "\0".join((where, sli.part, sli.total, sli.counts.value))
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
    """One objective, or one group of one, and the tracks that it may be measured by."""

    def __init__(self, objective: Objective, where: str) -> None:
        self.objective, self._where = objective, where
        self._name = f"slo.{objective.name}"
        self.own = Track(self._name, objective.sli, where)
        other = objective.sli.fallback
        self.fallback = Track(f"{self._name}.fallback", other, where) if other is not None else None
        self.forecast: Reading[Forecast] | None = None
        self.foreseen_at, self.looked_at = -math.inf, -math.inf
        """When its forecast was made, and when somebody last looked at it."""
        self.fault = ""
        """Why there is no gauge of it, where that is a fault of ours."""
        self.low: Track | None = None
        self.high: Track | None = None
        """The buckets next to the one that its latency would need."""

    def bracket(self, low: Sequence[str], high: Sequence[str]) -> list[Track]:
        """Measures by other buckets: those below the threshold, and those above, each as their `le` is written."""
        made: list[Track | None] = []
        for name, values in (("low", low), ("high", high)):
            bucket = self.objective.sli.bucket
            if bucket is None or not values:
                made.append(None)
                continue
            parts = (patched(f"sum(increase({bucket.selector}[{WINDOW}]))", {"le": value}) for value in values)
            sli = replace(self.objective.sli, part=" or ".join(parts), bucket=None, fallback=None)
            made.append(Track(f"{self._name}.{name}", sli, self._where))
        self.low, self.high = made
        return [track for track in made if track is not None]

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
        self._groups: dict[str, dict[tuple[str, ...], Level]] = {}
        """Of an objective with groups, by its name: the level of each group."""
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
                    found += self._groups.get(objective.name, {}).values()
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
        with self.lock:
            known = self._groups.setdefault(objective.name, {})
            wanted = {tuple(group.get(label, "") for label in objective.groups) for group in groups}
            new = sorted(wanted - known.keys())[: max(0, GROUPS - len(known))]
            if len(wanted | known.keys()) > GROUPS:
                self.note = f"{objective.name}: more than {GROUPS} groups, the others are not measured"
            made = []
            for values in new:
                child = _of_group(objective, values, {level.objective.name for level in known.values()})
                if child is not None:
                    known[values] = level = Level(child, self.where)
                    made.append(level)
            self._groups[objective.name] = dict(sorted(known.items()))
            if self.edge is not None:
                self._load(made, self.edge)

    def forget_groups(self, objective: Objective, present: Iterable[Mapping[str, str]]) -> None:
        """Drops the groups that are not present any more, and of whose slices none is left in the window."""
        with self.lock:
            still = {tuple(group.get(label, "") for label in objective.groups) for group in present}
            known = self._groups.get(objective.name, {})
            for values in [values for values in known if values not in still]:
                track = known[values].own
                newest = track.slices.newest
                if newest is not None and newest < track.begin:
                    del known[values]

    def groups(self, objective: Objective) -> list[dict[str, str]]:
        """The groups of an objective that are known."""
        with self.lock:
            return [dict(level.objective.group) for level in self._groups.get(objective.name, {}).values()]

    def discovered(self, objectives: Sequence[Objective]) -> None:
        """Measures objectives that were found on the server, in place of those found before."""
        with self.lock:
            before = self._levels
            self.objectives = tuple(objectives)
            same = (before.get(item.name) for item in objectives)
            self._levels = {
                item.name: level if level is not None and level.objective == item else Level(item, self.where)
                for item, level in zip(objectives, same, strict=True)
            }
            if self.edge is not None:
                self._load([level for level in self._levels.values() if level not in before.values()], self.edge)

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
                self.restore(level, track, edge)

    def restore(self, level: Level, track: Track, edge: int) -> None:
        """Takes over what the store has of a track."""
        track.begin = begin_of(level.objective, edge)
        if self.store is not None:
            track.restore(self.store.load(track.key, track.begin))
        track.filling = track.begin < edge - FIRST and any(
            number not in track.asked for number in range(day(track.begin), day(edge) + 1)
        )

    def _read_slices(self, tracks: Sequence[Track], edge: int, unix: float) -> None:
        """Reads the slices that have ended since the last time, and the last ones before once more."""
        most = max(LATE, min(FIRST, POINTS // (2 * len(tracks))))
        count = most if self.edge is None else min(most, max(0, edge - self.edge) + LATE)
        self.ask(tracks, edge - count, edge, unix)

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
            if objective.groups and not self._groups.get(objective.name):
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

    def foresee(self, level: Level, unix: float) -> None:
        """Makes the forecast of an objective."""
        level.foreseen_at = unix
        with self.lock:
            if self.edge is None:
                return
            track, edge = level.shown, self.edge
            first = max(begin_of(level.objective, edge), track.slices.first or edge)
            past = track.slices.between(first, edge)
        objective = level.objective
        # One seed for each objective: the next forecast tries the same futures, and differs by what has happened.
        draw = random.Random(objective.name).random
        level.forecast = exhaustion(
            past, first, objective.window, objective.budget, track.sli.counts, draw, self.source.name
        )

    def unforeseen(self, gauges: Iterable[SloGauge], unix: float) -> Level | None:
        """An objective that burns or is looked at, and has no forecast of late; None when there is none."""
        burning = {found.objective.name for found in gauges if _burns(found)}
        for level in self.levels():
            looked = unix - level.looked_at < WATCHED
            if (looked or level.objective.name in burning) and unix - level.foreseen_at >= FORESEE_EVERY:
                return level
        return None

    def history(self, name: str) -> History | None:
        """The slices of an objective's window; None when there is no objective of that name, or nothing was read."""
        level = next((item for item in self.levels() if item.objective.name == name), None)
        with self.lock:
            if level is None or self.edge is None or self.at is None:
                return None
            level.looked_at = self.at.timestamp() + self.ahead
            track, first = level.shown, _window_of(level.objective, self.edge)
            return History(first, tuple(track.slices.between(first, self.edge)), track.sli)


_UNREAD: Reading[float] = missing(ReadingState.NO_DATA, "", "not read yet")


def group_key(objective: Objective, where: str) -> str:
    """Under which key the groups of an objective are kept."""
    text = "\0".join((where, objective.name, objective.sli.total, *objective.groups))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _of_group(objective: Objective, values: tuple[str, ...], taken: set[str]) -> Objective | None:
    """The objective of one group; None when its expressions cannot be asked for one alone."""
    labels = dict(zip(objective.groups, values, strict=True))

    def of_group(sli: Sli) -> Sli:
        bucket = sli.bucket
        return replace(
            sli,
            part=patched(sli.part, labels),
            total=patched(sli.total, labels),
            bucket=replace(bucket, selector=patched(bucket.selector, labels)) if bucket is not None else None,
            fallback=of_group(sli.fallback) if sli.fallback is not None else None,
        )

    try:
        sli = of_group(objective.sli)
    except ValueError:
        return None
    shown = ", ".join(safe(item, 60) or "(none)" for item in values)
    name, number = f"{objective.name}[{shown}]", 1
    while name in taken:
        number += 1
        name = f"{objective.name}[{shown} {number}]"
    return replace(
        objective, name=name, title=f"{objective.title} {shown}", sli=sli, groups=(), group=tuple(labels.items())
    )


def begin_of(objective: Objective, edge: int) -> int:
    """The first slice that the objective's window needs, or the longest burn rate."""
    longest = max(windows(objective.rules).values())
    return min(_window_of(objective, edge), edge - int(longest.total_seconds() // SLICE))


def _window_of(objective: Objective, edge: int) -> int:
    # A new period begins when now is in it, not before.
    calendar = isinstance(objective.window, Calendar)
    begin, _ = objective.window.span(instant(edge if calendar else edge + 2))
    return min(slot(begin) - 2, edge)


def _burns(found: SloGauge) -> bool:
    """Whether its budget is spent faster than it comes back, over the last hour or the last day."""
    return any((found.burns[name].value or 0.0) > 1.0 for name in ("1h", "6h", "1d") if name in found.burns)


def _foreseen(found: SloGauge, level: Level) -> SloGauge:
    told = level.forecast
    if told is None:
        return found
    # Who has not seen everything may say that it will be spent, and not that it never will.
    whole = told.ok or (told.state is ReadingState.PARTIAL and told.value is not None and not told.value.is_never)
    return replace(found, forecast=told.value if whole else None, forecast_note=told.note)


def _failed(reading: Reading[float]) -> bool:
    """Whether there is no value for another reason than that there is no series, or no traffic."""
    return reading.value is None and reading.state is not ReadingState.NO_TRAFFIC and reading.note != NO_SERIES


def clouded(found: SloGauge, state: ReadingState, note: str) -> SloGauge:
    """A gauge whose newest part could not be read: what is known is stale, and what is not, is `state`."""

    def cloud(reading: Reading[float]) -> Reading[float]:
        if reading.value is None:
            return replace(reading, state=state, note=note) if reading.state is ReadingState.NO_DATA else reading
        return replace(reading, state=ReadingState.STALE, note=note or reading.note)

    return found.mapped(cloud)
