"""Runs under way: what their steps wait for is read, and what has come to its end is closed.

Every console reads, for its own screen and its operator's commands; the one that holds the lease closes. Each check is
read by itself: one that hangs delays neither the others nor what has come to its end. Nothing is done while no run is
under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from console.engine.context import Moments
from console.engine.fenced import Fenced, Written
from console.engine.lease import LeaseKeeper
from console.engine.record import Record
from console.engine.tasks import PATIENCE, Tasks
from console.engine.world import World
from console.model.board import Board
from console.model.decide import settle, watched
from console.model.decide.runs.seeing import verdict
from console.model.people import Actor
from console.model.playbook import QUERY, Check, Probe
from console.model.reading import Reading, ReadingState, missing
from console.model.run import RunStatus
from console.model.text import safe
from console.ports import Query, SourceError

EVERY = timedelta(seconds=5)
"""How often what steps wait for is read."""
DEADLINE = timedelta(seconds=10)
"""How long a query may take, and a probe that does not say."""
LONGEST = timedelta(seconds=30)
"""How long any probe may take, whatever it says."""
GAP = timedelta(seconds=20)
"""Between two looks further apart than this nobody can say that a check held without interruption."""
_IDLE = timedelta(minutes=1)
_ROUNDS = 20
"""How often it is settled anew because others appended first, or because more can be closed now."""


@dataclass(slots=True)
class _Read:
    """One thing that is read for steps alone."""

    reading: Reading[float] | None = None
    at: datetime | None = None
    """When it was read last."""
    whole: bool = True
    """Whether it was read often enough for what holds now to have held since it was read before."""
    task: asyncio.Task[None] | None = None
    """It is being read."""
    busy: bool = False
    """Its thread has not come back, whatever became of who waited for it."""


class Watching:
    """The work of the task `runs`. `board` makes a Board of this moment; `changed` is called when there is something
    new to show, `settled` when something was closed."""

    def __init__(
        self,
        world: World,
        record: Record,
        lease: LeaseKeeper,
        moments: Moments,
        actor: Actor,
        tasks: Tasks,
        board: Callable[[], Board],
        changed: Callable[[], None],
        settled: Callable[[], None],
    ) -> None:
        self._world, self._record, self._lease, self._moments = world, record, lease, moments
        self._actor, self._tasks, self._board = actor, tasks, board
        self._fenced = Fenced(record, lease, moments, actor)
        self._changed, self._settled = changed, settled
        self._wake = asyncio.Event()
        self._reads: dict[str, _Read] = {}
        self._news = False
        self._held: dict[str, datetime] = {}
        self._read_at: datetime | None = None
        """When a round of reading was begun last."""
        self._looked_at: datetime | None = None

    @property
    def held(self) -> Mapping[str, datetime]:
        """Since when the checks of the steps under way hold without interruption, by their text."""
        return dict(self._held)

    def readings(self, now: datetime) -> Mapping[str, Reading[float]]:
        """What was read for the steps under way, by name; stale when it is long since it was read."""
        found: dict[str, Reading[float]] = {}
        for name, read in self._reads.items():
            if read.reading is not None and read.at is not None:
                old = read.reading.ok and not timedelta(0) <= now - read.at <= GAP
                found[name] = replace(read.reading, state=ReadingState.STALE) if old else read.reading
        return found

    def wake(self) -> None:
        """Something was read or happened: a step may have come to its end. Without a run it sleeps on."""
        if self._looked_at is not None or self._under_way():
            self._wake.set()

    async def watch(self) -> None:
        """Looks at the steps under way every few seconds, and whenever something has happened."""
        clock = self._world.clock
        try:
            while True:
                self._wake.clear()
                if self._tasks.recovered("runs"):
                    self._changed()
                saved = await self.look()
                now = clock.now()
                if not saved:
                    until = now + PATIENCE
                elif self._read_at is not None:
                    until = max(min(self._read_at + EVERY, now + EVERY), now)
                else:
                    until = now + _IDLE
                await clock.wait(self._wake, until)
        finally:
            self._leave(self._reads.values())

    async def look(self, *, anew: bool = False) -> bool:
        """Begins to read what is due, and closes what has come to its end. Whether all of it is in the record. With
        `anew`, everything that steps wait for is read now, and waited for."""
        if not self._under_way():
            self._forget()
            return True
        wanted = self._wanted()
        if not wanted:
            self._forget()
        else:
            self._read(wanted.values(), anew=anew)
            if anew:
                await self._all_read()
            board = self._board()
            if self._hold(wanted, board.readings) | self._is_new():
                self._changed()
            return await self._settle(replace(board, held=self.held))
        return await self._settle()

    async def _settle(self, board: Board | None = None) -> bool:
        """Closes, while this console holds the lease, what has come to its end, on a Board of this moment. Whether all
        of it is in the record."""
        for _ in range(_ROUNDS):
            if not self._under_way():
                return True
            if self._lease.fence is None:
                return True
            closing = settle(self._record.state, self._moments.context(self._actor, board or self._board()))
            if not closing:
                return True
            for batches in closing:
                written = await self._fenced.write(batches)
                if written is Written.NO_LEASE:
                    return True
                if written is Written.FAILED:
                    return False
            self._wake.set()  # the steps that follow have checks of their own
            self._settled()
            board = None
        return False

    def _under_way(self) -> bool:
        return any(run.status is RunStatus.RUNNING for run in self._record.state.runs.values())

    def _wanted(self) -> dict[str, tuple[Check, Probe | None]]:
        """What the steps under way wait for, by the text of the check."""
        found = watched(self._record.state, self._moments.target)
        return {str(check): (check, step.probe) for _, step, check in found}

    def _forget(self) -> None:
        if self._looked_at is not None:
            self._leave(self._reads.values())
            self._reads, self._held, self._read_at, self._looked_at = {}, {}, None, None
            self._changed()

    def _leave(self, reads: Iterable[_Read]) -> None:
        for read in reads:
            if read.task is not None:
                read.task.cancel()

    def _is_new(self) -> bool:
        """Whether something was read since this was asked last."""
        news, self._news = self._news, False
        return news

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, wanted: Iterable[tuple[Check, Probe | None]], *, anew: bool) -> None:
        """Begins to read what is read for the steps alone, where that is due and it is not being read already."""
        now = self._world.clock.now()
        own = {check.reading: (check, probe) for check, probe in wanted if check.watched}
        self._leave(read for name, read in self._reads.items() if name not in own)
        self._reads = {name: self._reads.get(name) or _Read() for name in own}
        due = self._read_at is None or not timedelta(0) <= now - self._read_at < EVERY
        if due:
            self._read_at = now
        for name, (check, probe) in own.items():
            read = self._reads[name]
            if (due or anew or read.at is None) and read.task is None:
                read.task = asyncio.create_task(self._ask(read, check, probe), name=f"read {name}")

    async def _all_read(self) -> None:
        while tasks := [read.task for read in self._reads.values() if read.task is not None]:
            await asyncio.wait(tasks)

    async def _ask(self, read: _Read, check: Check, probe: Probe | None) -> None:
        """Reads one check, and notes when."""
        try:
            query = check.reading.startswith(QUERY)
            read.reading = await (self._queried(read, check) if query else self._probed(read, probe))
            now = self._world.clock.now()
            read.whole = read.whole and (read.at is None or timedelta(0) <= now - read.at <= GAP)
            read.at, self._news = now, True
        finally:
            read.task = None
        self._wake.set()

    async def _queried(self, read: _Read, check: Check) -> Reading[float]:
        name, source = check.reading, self._world.metrics
        if source is None:
            return self._lost("prometheus", "no metric source is configured")
        metrics, query = source, Query(name, check.expr)
        try:
            answers: Mapping[str, Reading[float]] = await self._within(read, DEADLINE, lambda: metrics.read([query]))
            found = answers.get(name)
        except SourceError as error:
            return self._lost(metrics.name, safe(str(error), 300))
        except TimeoutError:
            return self._lost(metrics.name, f"no answer within {DEADLINE.seconds} s")
        except Exception as error:  # A fault of ours must blank a step's reading, not end the watch over all of them.
            return self._lost(metrics.name, f"fault in {metrics.name}: {type(error).__name__}")
        silent = missing(ReadingState.NO_DATA, metrics.name, "no answer", self._world.clock.now())
        return silent if found is None else found

    async def _probed(self, read: _Read, probe: Probe | None) -> Reading[float]:
        asked = self._world.probes
        if asked is None or probe is None:
            return self._lost("probe", "nothing here can ask it")
        probes, wanted = asked, probe
        within = min(max(DEADLINE, probe.timeout), LONGEST)
        try:
            answer: Reading[float] = await self._within(read, within, lambda: probes.read(wanted))
            return answer
        except TimeoutError:
            return self._lost("probe", f"no answer within {within.total_seconds():g} s")
        except Exception as error:  # As with queries.
            return self._lost("probe", f"fault in the probe: {type(error).__name__}")

    async def _within(self, read: _Read, limit: timedelta, ask: Callable[[], Any]) -> Any:
        """The answer, within a time. A thread that outlives it is let end before the next: they must not pile up."""
        if read.busy:
            raise TimeoutError

        def work() -> Any:
            read.busy = True
            try:
                return ask()
            finally:
                read.busy = False

        async with asyncio.timeout(limit.total_seconds()):
            return await self._world.offload(work)

    def _lost(self, source: str, why: str) -> Reading[float]:
        return missing(ReadingState.UNREACHABLE, source, why, self._world.clock.now())

    def _hold(self, wanted: Mapping[str, tuple[Check, Probe | None]], readings: Mapping[str, Reading[float]]) -> bool:
        """Notes which checks hold now, by what is read, and since when. Whether that is different."""
        now, before = self._world.clock.now(), self._held
        if self._looked_at is None or not timedelta(0) <= now - self._looked_at <= GAP:
            before = {}  # nobody has looked, or the clock was set
        self._looked_at = now
        for text, (check, _) in wanted.items():
            read = self._reads.get(check.reading) if check.watched else None
            if read is not None and not read.whole:
                before = {other: since for other, since in before.items() if other != text}
        for read in self._reads.values():
            read.whole = True
        # `verdict` says no of whatever is less than a fresh, finite value: unknown interrupts as much as wrong.
        holding = [text for text, (check, _) in wanted.items() if verdict(check, readings.get(check.reading))[0]]
        held = {text: before.get(text, now) for text in holding}
        changed, self._held = held != self._held, held
        return changed
