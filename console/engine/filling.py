"""What the rounds leave out, read in the background: older slices, the groups of objectives, the buckets of histograms,
and where nothing is configured, the objectives that others record.

Days are read newest first, those of many objectives together, in answers of bounded size. What a server does not have
is remembered as asked for, and asked for again after a quarter of its age: a backfill is found, and a short retention
costs next to nothing. What it warned of is asked for again in the same way, after six hours at the latest. The last
six hours are read again once an hour, the last day every six: samples may have come late.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from console.engine import faults, recorded
from console.engine.foresight import foresee, unforeseen
from console.engine.level import Level, Track, begin_of
from console.engine.level_groups import group_key
from console.engine.levels import FIRST, POINTS, SCRAPES_SOON, Levels
from console.engine.poller import Offload
from console.model.promql import selectors
from console.model.slices import DAY, SLICE, day
from console.model.slo import Objective
from console.ports import Clock, Row, SourceError

MOST_POINTS = 10_000
"""Points of one series in one answer; servers give 11,000."""
BREAK = timedelta(seconds=0.2)
"""Between two questions while there are more."""
PATIENCE = 5.0
"""Seconds that one command waits for the slices that it lacks."""
IDLE = timedelta(minutes=1)
"""How often it is looked whether something is to be asked."""
TELL_EVERY = 2.0
"""Seconds between two Boards while slices come in."""
LOOK_EVERY = 300.0
"""Seconds between two looks which groups there are."""
BUCKETS_EVERY = 3600.0
"""Seconds between two looks for the buckets of a histogram."""
SOONEST = 1800.0
"""Seconds after which what is missing is asked for again, at the soonest."""
DOUBTED = 6 * 3600.0
"""Seconds after which what the server warned of is asked for again, at the latest."""
AGAIN_EVERY = ((6 * 3600.0, DAY), (3600.0, FIRST))
"""How often the last slices are read once more, and how many of them: the longer first."""
LATER = 60.0
"""Seconds after which what could not be answered is tried again."""
UNUSED = timedelta(days=60)
"""How long the slices of a definition are kept that nobody uses any more."""
MARK = "oncall_objective"


class Filling:
    """Asks one question at a time. `told` is called, on the loop, when the gauges are better than they were."""

    def __init__(self, levels: Levels, clock: Clock, offload: Offload, told: Callable[[], Awaitable[None]]) -> None:
        self._levels, self._clock, self._offload, self._told = levels, clock, offload, told
        self._event = asyncio.Event()
        self._finds = not levels.objectives
        self._looked_at = -math.inf
        self._buckets_at: dict[str, float] = {}
        self._dropped_at = -math.inf
        self._once_more_at: dict[int, float] = {}
        """When so many of the last slices were read again."""
        self._once_more: list[tuple[list[Track], int]] = []
        """Those of which they are still to be read."""
        self._better = False
        self._told_at = 0.0

    def wake(self) -> None:
        """A round was read: after the first one there is something to do."""
        if self._levels.at is not None and self._looked_at == -math.inf:
            self._event.set()

    async def watch(self) -> None:
        """Asks for ever."""
        while True:
            pause = await self._offload(self._sound)
            await self._tell(pause is IDLE)
            self._event.clear()
            await self._clock.wait(self._event, self._clock.now() + pause)

    async def finish(self, most: int) -> None:
        """Asks until nothing is missing, at most so many questions, and not after `PATIENCE` has passed."""
        until = self._clock.monotonic() + PATIENCE
        for _ in range(most):
            if await self._offload(self._sound) is not BREAK or self._clock.monotonic() >= until:
                break
        await self._tell(True)

    async def _tell(self, now: bool) -> None:
        at = self._clock.monotonic()
        if self._better and (now or at - self._told_at >= TELL_EVERY):
            self._better, self._told_at = False, at
            await self._told()

    def _sound(self) -> timedelta:
        """A step. A fault of ours is a note, and not the end of the task."""
        levels = self._levels
        try:
            pause = self.step()
        except Exception as error:
            levels.fault, self._better = self._fault("what is read in the background", error, levels.fault), True
            return IDLE
        if levels.fault:
            levels.fault, self._better = "", True
        return pause

    def _fault(self, what: str, error: Exception, known: str) -> str:
        """What to say of a fault; once for the log."""
        told = f"{what}: fault: {type(error).__name__}"
        if told != known:
            faults.note(told, error)
        return told

    def step(self) -> timedelta:
        """Asks one question, the most urgent one. How long to wait before the next. Never raises for the source."""
        levels = self._levels
        if levels.at is None or levels.edge is None:
            return IDLE
        unix = self._clock.now().timestamp() + levels.source.skew_seconds
        if levels.scrapes_due is not None and unix >= levels.scrapes_due:
            try:
                levels.look_at_scrapes(unix)
            except SourceError:
                levels.scrapes_due = unix + SCRAPES_SOON
            return BREAK
        if unix - self._looked_at >= LOOK_EVERY:
            self._looked_at = unix
            if self._finds:
                self._find()
            if any(item.groups for item in levels.objectives):
                self._look_for_groups(levels.objectives)
            return BREAK
        for level in levels.levels():
            if self._lacks_bucket(level, unix):
                self._look_for_buckets(level)
                return BREAK
        plan = self._plan(levels.edge, unix)
        if plan is None and self._late(unix):
            self._read_once_more(levels.edge, unix)
            return BREAK
        if plan is None:
            self._drop(unix)
            lacking = unforeseen(levels, unix)
            if lacking is None:
                return IDLE
            foresee(levels, lacking, unix)
            self._better = True
            return BREAK
        tracks, begin, end = plan
        try:
            failed = levels.ask(tracks, begin, end, unix, gaps=True)
        except SourceError:
            failed = list(tracks)
        for track in failed:
            track.not_before, track.most_days = unix + LATER, max(1, (day(end - 1) - day(begin) + 1) // 2)
        self._better = True
        return BREAK

    # -- slices -------------------------------------------------------------------------------------------------------

    def _plan(self, edge: int, unix: float) -> tuple[list[Track], int, int] | None:
        """Which slices of which tracks to ask for: what was never asked for first, the newest day first."""
        never: dict[int, dict[Track, tuple[int, int]]] = {}
        again: dict[int, dict[Track, tuple[int, int]]] = {}
        for level in self._levels.levels():
            begin = begin_of(level.objective, edge)
            for track in level.wanted:
                track.begin, filling = begin, False
                for number in range(day(begin), day(edge - 1) + 1):
                    with self._levels.lock:
                        first, end = max(begin, DAY * number), min(edge, DAY * (number + 1))
                        gap, looked = track.slices.gap(first, end), track.looked.get(number, 0.0)
                        after = max(SOONEST, (unix - (gap[1] if gap is not None else end) * SLICE) / 4)
                        if number in track.doubts and unix >= looked + min(after, DOUBTED):
                            doubted = track.doubted(first, end)
                            if doubted is not None:
                                gap = _both(gap, doubted)
                                after = 0.0
                    if gap is None:
                        continue
                    missed = gap[1] * SLICE
                    if track.asked.get(number, 0.0) < missed:
                        filling = True
                        if unix >= track.not_before:
                            never.setdefault(number, {})[track] = gap
                    elif unix >= max(track.not_before, looked + after):
                        again.setdefault(number, {})[track] = gap
                if track.filling != filling:
                    track.filling, self._better = filling, True
        days = never or again
        return _together(days) if days else None

    def _late(self, unix: float) -> bool:
        """Whether the last slices are to be read again: there may be samples that came late."""
        for seconds, count in AGAIN_EVERY:
            if unix - self._once_more_at.setdefault(count, unix) >= seconds:
                tracks = [track for level in self._levels.levels() for track in level.wanted]
                size = max(1, POINTS // (2 * count))
                chunks = [(tracks[at : at + size], count) for at in range(0, len(tracks), size)]
                self._once_more = [*(item for item in self._once_more if item[1] > count), *chunks]
                for _, fewer in AGAIN_EVERY:
                    if fewer <= count:
                        self._once_more_at[fewer] = unix
        return bool(self._once_more)

    def _read_once_more(self, edge: int, unix: float) -> None:
        tracks, count = self._once_more.pop(0)
        try:
            self._levels.ask(tracks, edge - count, edge, unix)
        except SourceError:
            self._once_more.clear()  # the next time
            return
        self._better = True

    def _drop(self, unix: float) -> None:
        """Forgets, once a day, what no window needs any more."""
        if unix - self._dropped_at < SLICE * DAY:
            return
        self._dropped_at = unix
        before = {}
        for level in self._levels.levels():
            for track in level.tracks:
                before[track.key] = track.begin - DAY
                with self._levels.lock:
                    track.slices.drop_before(track.begin - DAY)
        if self._levels.store is not None:
            self._levels.store.drop(before, self._clock.now() - UNUSED)

    # -- what there is ------------------------------------------------------------------------------------------------

    def _find(self) -> None:
        """Looks for objectives that others record."""
        try:
            found, note = recorded.objectives(self._levels.source.rows(recorded.QUERY))
            if found != list(self._levels.objectives):
                self._levels.discovered(found)
                self._better = True
        except SourceError:
            return
        except Exception as error:  # what others record must not keep ours from being read
            note = self._fault("objectives that others record", error, self._levels.note)
        self._levels.note = note

    def _look_for_groups(self, objectives: Sequence[Objective]) -> None:
        grouped = [item for item in objectives if item.groups]
        asked = [(item, expr) for item in grouped if (expr := _grouping(item))]
        try:
            rows = self._rows([expr for _, expr in asked])
        except SourceError:
            rows = {}
            for number, (_, expr) in enumerate(asked):  # one of them is bad
                try:
                    rows |= {number: self._rows([expr]).get(0, [])}
                except SourceError:
                    continue
        for number, (objective, _) in enumerate(asked):
            if number not in rows:
                continue
            present = [row.labels for row in rows[number]]
            if not any(row.get(label) for row in present for label in objective.groups):
                present = []  # one group of all: the labels are misspelt
            before = self._levels.groups(objective)
            self._levels.know_groups(objective, present)
            self._levels.forget_groups(objective, present)
            known = self._levels.groups(objective)
            if known != before:
                self._better = True
                if self._levels.store is not None:
                    self._levels.store.keep_groups(group_key(objective, self._levels.where), known)
        if not self._levels.grouped:
            self._levels.grouped = self._better = True

    def _rows(self, expressions: Sequence[str]) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = {number: [] for number in range(len(expressions))}
        union = " or ".join(
            f'label_replace({expr}, "{MARK}", "{number}", "", "")' for number, expr in enumerate(expressions)
        )
        for row in self._levels.source.rows(union) if union else ():
            number = row.labels.get(MARK, "")
            if number.isdecimal() and int(number) in found:
                found[int(number)].append(row)
        return found

    def _lacks_bucket(self, level: Level, unix: float) -> bool:
        name = level.objective.name
        if level.objective.sli.bucket is None or level.low or level.high:
            return False
        with self._levels.lock:
            lacks = level.own.one_sided
        if not lacks or unix - self._buckets_at.get(name, -math.inf) < BUCKETS_EVERY:
            return False
        self._buckets_at[name] = unix
        return True

    def _look_for_buckets(self, level: Level) -> None:
        """Which buckets are next to the threshold, or at it under another spelling."""
        bucket = level.objective.sli.bucket
        assert bucket is not None
        try:
            rows = self._levels.source.rows(f"group by (le) ({bucket.selector})")
        except SourceError:
            return
        at: dict[float, list[str]] = {}
        for row in rows:
            try:
                at.setdefault(float(row.labels.get("le", "")), []).append(row.labels["le"])
            except ValueError:
                continue
        below, above = [le for le in at if le < bucket.le], [le for le in at if le > bucket.le]
        if bucket.le in at:
            low, high = at[bucket.le], []
        else:
            low, high = at[max(below)] if below else [], at[min(above)] if above else []
        self._levels.bracketed(level, low, high)
        self._better = True


def _grouping(objective: Objective) -> str:
    """PromQL for the groups of an objective; empty when its total has no selector."""
    try:
        found = selectors(objective.sli.total)
    except ValueError:
        return ""
    return f"group by ({', '.join(objective.groups)}) ({found[0]})" if found else ""


def _both(one: tuple[int, int] | None, other: tuple[int, int]) -> tuple[int, int]:
    """From where up to where two gaps are."""
    return other if one is None else (min(one[0], other[0]), max(one[1], other[1]))


def _together(days: dict[int, dict[Track, tuple[int, int]]]) -> tuple[list[Track], int, int]:
    """One question: the newest day, of as many tracks as fit, and the days before it that all of them lack, too."""
    newest = max(days)
    tracks = list(days[newest])[: max(1, POINTS // (2 * DAY))]
    begin, end = (
        min(days[newest][track][0] for track in tracks),
        max(days[newest][track][1] for track in tracks),
    )
    most = min(MOST_POINTS, POINTS // (2 * len(tracks)))
    longest = min(track.most_days for track in tracks)
    older = newest - 1
    while older in days and newest - older < longest and all(track in days[older] for track in tracks):
        first = min(days[older][track][0] for track in tracks)
        if end - first > most:
            break
        begin, older = first, older - 1
    return tracks, begin, end
