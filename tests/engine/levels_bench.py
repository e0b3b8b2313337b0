"""A metric source whose history is a table of slices, and the service levels that are read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from console.engine.clocks import SimulatedClock
from console.engine.filling import BREAK, Filling
from console.engine.metrics import MetricAnswers, MetricRounds
from console.engine.offload import in_place
from console.model import scrapes
from console.model.reading import Reading, ReadingState, missing
from console.model.sli import Sli, of_counters
from console.model.slices import SLICE
from console.model.slo import Objective, SloGauge
from console.model.window import Rolling, Window
from console.ports import NO_SERIES, Query, Row, Series, SliceStore, SourceError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONTH = 30 * 288

Pair = tuple[float | None, float] | None
"""The part and the total of a slice; None where the server has nothing."""


@dataclass
class History:
    """Answers templates, by their text, from `counts`: (part or total) text -> slice -> value. Counts requests."""

    clock: SimulatedClock
    counts: dict[str, dict[int, float]] = field(default_factory=dict)
    retention: int = 10**9
    """Slices that it remembers."""
    late: int = 0
    """The newest slices that it does not have yet."""
    broken: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    scrapes: dict[str, float] = field(default_factory=dict)
    """Every how many seconds what a selector finds is sampled."""
    widened: dict[str, float] = field(default_factory=dict)
    """By which interval each expression was widened when it was last asked."""
    asked: list[tuple[str, float, int, int]] = field(default_factory=list)
    """Each request: its kind, its end, how many expressions, how many points of each."""
    name: str = "history"
    skew_seconds: float = 0.0
    skew: float = 0.0
    """How far its clock is ahead; it is known after the first answer."""

    @property
    def _now(self) -> float:
        return self.clock.now().timestamp() + self.skew

    def _request(self, kind: str, at: float, count: int, points: int) -> None:
        self.asked.append((kind, at, count, points))
        if self.broken:
            raise SourceError(self.broken)
        assert points <= 11_000

    def _sum(self, text: str, begin: float, end: float) -> float | None:
        """What was counted in the whole slices within (begin, end]."""
        oldest = int(self._now // SLICE) - self.retention
        newest = int(self._now // SLICE) - self.late
        found = [
            count
            for index, count in self.counts.get(text, {}).items()
            if begin <= index * SLICE and (index + 1) * SLICE <= min(end, self._now) and oldest <= index < newest
        ]
        return sum(found) if found else None

    def read(
        self, queries: Sequence[Query], *, at: datetime | None = None, seconds: float = 300
    ) -> Mapping[str, Reading[float]]:
        end = self._now if at is None else at.timestamp()
        self._request("instant", end, len(queries), 1)
        self.skew_seconds = self.skew
        self.widened |= {query.expr: query.scrape for query in queries}
        return {query.name: self._reading(query.expr, end - seconds, end) for query in queries}

    def _reading(self, text: str, begin: float, end: float) -> Reading[float]:
        if text in self.faults:
            return missing(ReadingState.NO_DATA, self.name, self.faults[text])
        for selector, apart in self.scrapes.items():
            if text == scrapes.question(selector):
                return Reading(ReadingState.OK, apart, self.clock.now(), self.name)
        value = self._sum(text, begin, end)
        if value is None:
            return missing(ReadingState.NO_DATA, self.name, NO_SERIES)
        if value != value:
            return missing(ReadingState.NO_TRAFFIC, self.name, "not a number")
        state = ReadingState.PARTIAL if text in self.warned else ReadingState.OK
        return Reading(state, value, self.clock.now(), self.name)

    def read_range(
        self, queries: Sequence[Query], start: datetime, end: datetime, step_seconds: float
    ) -> Mapping[str, Series]:
        first, points = start.timestamp(), int((end - start).total_seconds() / step_seconds) + 1
        assert first % SLICE == 0
        assert step_seconds == SLICE
        self._request("range", end.timestamp(), len(queries), points)
        oldest = int(self._now // SLICE) - self.retention
        newest = int(self._now // SLICE) - self.late
        self.widened |= {query.expr: query.scrape for query in queries}
        found = {}
        for query in queries:
            if query.expr in self.faults:
                continue
            known = self.counts.get(query.expr, {})
            indexes = range(int(first // SLICE) - 1, int(first // SLICE) - 1 + points)
            values = tuple(known.get(index) if oldest <= index < newest else None for index in indexes)
            found[query.name] = Series(values, start, step_seconds, query.expr in self.warned)
        return found

    def rows(self, expr: str) -> tuple[Row, ...]:
        self._request("rows", self._now, 1, 1)
        return tuple(row for text, rows in self.tables.items() if text in expr for row in rows)

    def put(self, sli: Sli, first: int, pairs: Sequence[Pair]) -> None:
        """What was counted in the slices from `first` on."""
        for index, pair in enumerate(pairs, first):
            for text, value in zip((sli.part, sli.total), pair or (None, None), strict=True):
                known = self.counts.setdefault(text, {})
                known.pop(index, None)
                if value is not None:
                    known[index] = value


class Keeper:
    """Rounds and the background, on one history; `restart` begins anew with what the store has."""

    def __init__(self, history: History, objectives: Sequence[Objective], store: SliceStore | None = None) -> None:
        self.history, self.objectives, self.store = history, list(objectives), store
        self.restart()

    def restart(self) -> None:
        self.rounds = MetricRounds(self.history, self.objectives, None, self.history.clock, self.store, "here")
        self.filling = Filling(self.rounds.levels, self.history.clock, in_place, self._told)
        self.answers = MetricAnswers()

    async def _told(self) -> None:
        self.answers = self.rounds.again(self.answers)

    def round(self) -> SloGauge:
        self.answers = self.rounds.read()
        return self.answers.gauges[0]

    async def fill(self, most: int = 10_000) -> SloGauge:
        await self.filling.finish(most)
        self.answers = self.rounds.again(self.answers)
        return self.answers.gauges[0]

    def requests(self, kind: str = "") -> int:
        """How many there were since it was last asked."""
        found = [item for item in self.history.asked if kind in item[0]]
        self.history.asked.clear()
        return len(found)

    def pass_(self, **span: float) -> None:
        self.history.clock.leap(self.history.clock.now() + timedelta(**span))


def sli(number: int = 0, **more: str) -> Sli:
    return of_counters(f'all_total{{n="{number}"}}', **(more or {"bad": f'bad_total{{n="{number}"}}'}))


def objective(number: int = 0, target: float = 0.999, window: Window | None = None, **more: object) -> Objective:
    kind = more.pop("sli", None) or sli(number)
    window = window or Rolling(timedelta(days=30))
    return Objective(f"o{number}", f"O{number}", "s", target, window, "Occurrences", kind, **more)


def bench(store: SliceStore | None = None, count: int = 1, pairs: Sequence[Pair] = (), now: datetime = NOW) -> Keeper:
    """So many objectives, each with the same last slices; the newest of them ends now."""
    clock = SimulatedClock(now)
    history = History(clock)
    objectives = [objective(number) for number in range(count)]
    for item in objectives:
        history.put(item.sli, int(now.timestamp() // SLICE) - len(pairs), pairs)
    return Keeper(history, objectives, store)


__all__ = ["BREAK", "MONTH", "NOW", "History", "Keeper", "Pair", "bench", "objective", "sli"]
