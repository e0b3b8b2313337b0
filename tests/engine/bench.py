"""Consoles of one process on one journal in simulated time, and the fake outside they look at."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from console.engine.clocks import SeededIds, SimulatedClock
from console.engine.console import Console
from console.engine.offload import in_place
from console.engine.world import World
from console.journal.memory import MemoryJournal
from console.journal.spool import FileSpool
from console.model.alert import Alert, AlertSnapshot
from console.model.board import Target
from console.model.events import Recorded
from console.model.flag import FlagAnswer, FlagChange, FlagOutcome, FlagState
from console.model.people import Actor, Severity, SeverityRule
from console.model.reading import Reading, ReadingState
from console.model.rollout import GuardrailRule, RolloutPlan
from console.model.sli import of_counters
from console.model.slo import Objective
from console.model.window import Rolling
from console.ports import Append, Query, Row, Series, SourceError, Uncertain
from console.settings.config import Config, Environment, HttpSource
from console.settings.library import Library
from console.settings.outside import Alertmanager
from tests.model.life import ENGINE, LATENCY, ROLLBACK

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Metrics:
    """Answers every query with 1 until it is told to fail."""

    name = "prometheus"
    skew_seconds = 0.0

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock, self.error, self.asked = clock, "", 0

    def read(self, queries: Sequence[Query], **_: object) -> Mapping[str, Reading[float]]:
        self.asked += 1
        if self.error:
            raise SourceError(self.error)
        return {query.name: Reading(ReadingState.OK, 1.0, self.clock.now(), "prometheus") for query in queries}

    def read_range(self, *_: object) -> Mapping[str, Series]:
        return {}

    def rows(self, _: str) -> tuple[Row, ...]:
        return ()


class Alerts:
    """An Alertmanager without alerts at first, with or without its watchdog."""

    name = "alertmanager"

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock, self.watchdog, self.fault, self.note = clock, True, "", ""
        self.firing: tuple[Alert, ...] = ()

    def read(self) -> AlertSnapshot:
        if self.fault:
            raise KeyError(self.fault)
        return AlertSnapshot(self.firing, self.clock.now(), self.watchdog, note=self.note)


class Flags:
    """A provider in memory: remembers what was set, and fails as it is told."""

    name = "test flags"

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock, self.percent = clock, 0.0
        self.set: list[tuple[str, float]] = []
        self.error = ""
        self.lost = ""
        """Why nobody knows what came of a write."""
        self.ineffective = False
        """Whether a write is accepted and changes nothing."""

    def read(self, flag: str) -> FlagState:
        if self.error:
            raise SourceError(self.error)
        return FlagState(flag, self.percent, self.percent > 0, self.clock.now())

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        if self.error:
            raise SourceError(self.error)
        before = self.percent
        if expected is not None and expected != before:
            return FlagAnswer(FlagOutcome.LOST, f"it is at {before:g} %, not {expected:g} %", before, before)
        self.set.append((flag, percent))
        if self.lost:
            raise Uncertain(self.lost)
        if self.ineffective:
            return FlagAnswer(FlagOutcome.INEFFECTIVE, f"200 OK, and it gives {before:g} %", before, before, 0.0)
        self.percent = percent
        return FlagAnswer(FlagOutcome.DONE, "200 OK", before, percent, 0.0)

    def history(self, _: str) -> tuple[FlagChange, ...]:
        return ()

    def scope(self, _: str) -> str:
        return "read and write"


SLI = of_counters("requests_total", bad="errors_total")
PLAN = RolloutPlan(
    "r", "elicitation", "wait-for-messages", (5, 25, 50, 75, 100), timedelta(minutes=30), "percent", "since",
    "elicitation", (GuardrailRule("p99", "P99", "p99", 300, 500, "ms"),),
)  # fmt: skip
ENVIRONMENT = Environment(
    Target("lighthouse", "production"),
    HttpSource("prometheus", "http://x"),
    (Alertmanager(HttpSource("alertmanager", "http://x")),),
)
CONFIG = Config(
    Path(),
    (ENVIRONMENT,),
    (),
    (SeverityRule(Severity.SEV1, "Down", "Nothing works", timedelta(minutes=5)),),
    PLAN,
    (Objective("errors", "Errors", "lighthouse", 0.999, Rolling(timedelta(days=30)), "Occurrences", SLI),),
    Library.of(ROLLBACK, LATENCY),
)


class SharedJournal(MemoryJournal):
    """One journal for several consoles of this process: closing one of them leaves it open."""

    async def close(self) -> None:
        pass


class OfConsole:
    """The shared journal as one console writes it: its name stands on its events, and says who holds a step."""

    def __init__(self, shared: SharedJournal, name: str) -> None:
        self._shared, self._name = shared, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shared, name)

    async def append(self, appends: Sequence[Append], *, fence: int | None = None) -> tuple[Recorded, ...]:
        self._shared.console = self._name  # nothing comes between this and the write
        return await self._shared.append(appends, fence=fence)


class Bench:
    """Consoles on one journal in simulated time."""

    def __init__(self, folder: Path, clock: SimulatedClock | None = None) -> None:
        self.clock = clock or SimulatedClock(START)
        self.ids = SeededIds(7)
        self.folder = folder
        self.journal = SharedJournal(self.clock, console="bench")
        self.metrics, self.alerts, self.flags = Metrics(self.clock), Alerts(self.clock), Flags(self.clock)
        self.config, self.environment = CONFIG, ENVIRONMENT
        self.outside: dict[str, Any] = {}
        """What else a console's world has: channels, a pager, silences."""
        self.consoles: list[Console] = []
        self._numbers = itertools.count(1)

    async def console(
        self, name: str = "alice", *, read_only: bool = False, flags: bool = False, start: bool = True
    ) -> Console:
        spool = FileSpool(
            [self.folder / f"{name}{next(self._numbers)}"],
            clock=self.clock,
            ids=self.ids,
            actor=ENGINE,
            console="bench",
            journal="bench",
        )
        world = World(
            self.clock, self.ids, OfConsole(self.journal, name), spool, self.metrics, (self.alerts,),
            flags=self.flags if flags else None, **{"offload": in_place, **self.outside},
        )  # fmt: skip
        console = Console(world, self.config, self.environment, Actor(name, name), console=name, read_only=read_only)
        await (console.start() if start else console.open())
        self.consoles.append(console)
        return console

    async def run(self, seconds: float) -> None:
        tasks = lambda: sum(console.clock_tasks for console in self.consoles)  # noqa: E731
        await self.clock.run(self.clock.now() + seconds * SECOND, tasks, patience_seconds=60)

    async def kill(self, console: Console) -> None:
        """Ends a console as a crash does: nothing is given back."""
        self.consoles.remove(console)
        tasks = [*console._tasks, *console._jobs._waited]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        console._world.spool.close()  # A dead process holds no lock.

    def kinds(self, wanted: str) -> list[str]:
        return [event.stream for event in self.journal.read() if event.kind == wanted]
