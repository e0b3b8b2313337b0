"""Runs under way: what their steps wait for is read, and what has come to its end is closed.

Every console reads, for its own screen and its operator's commands; the one that holds the lease closes. Nothing is
done while no run is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from console.engine.context import Moments
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
from console.ports import Conflict, LeaseLost, NotSaved, Query, Refused, SourceError

EVERY = timedelta(seconds=5)
"""How often what steps wait for is read."""
DEADLINE = timedelta(seconds=10)
"""How long one round of reading may take."""
GAP = timedelta(seconds=20)
"""Between two looks further apart than this nobody can say that a check held without interruption."""
_IDLE = timedelta(minutes=1)
_ROUNDS = 20
"""How often it is settled anew because others appended first, or because more can be closed now."""


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
        self._changed, self._settled = changed, settled
        self._wake = asyncio.Event()
        self._readings: dict[str, Reading[float]] = {}
        self._held: dict[str, datetime] = {}
        self._read_at: datetime | None = None
        self._looked_at: datetime | None = None

    @property
    def held(self) -> Mapping[str, datetime]:
        """Since when the checks of the steps under way hold without interruption, by their text."""
        return dict(self._held)

    def readings(self, now: datetime) -> Mapping[str, Reading[float]]:
        """What was read for the steps under way, by name; stale when it is long since it was read."""
        if self._read_at is None or timedelta(0) <= now - self._read_at <= GAP:
            return dict(self._readings)
        stale = ReadingState.STALE
        return {name: replace(item, state=stale) if item.ok else item for name, item in self._readings.items()}

    def wake(self) -> None:
        """Something was read or happened: a step may have come to its end. Without a run it sleeps on."""
        if self._looked_at is not None or self._under_way():
            self._wake.set()

    async def watch(self) -> None:
        """Looks at the steps under way every few seconds, and whenever something has happened."""
        clock = self._world.clock
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

    async def look(self, *, anew: bool = False) -> bool:
        """Reads what is due, and closes what has come to its end. Whether all of it is in the record. With `anew`,
        everything that steps wait for is read now."""
        if not self._under_way():
            self._forget()
            return True
        wanted = self._wanted()
        if not wanted:
            self._forget()
        else:
            read = await self._read(wanted.values(), anew=anew)
            if self._hold(wanted) or read:
                self._changed()
        return await self.settle()

    async def settle(self) -> bool:
        """Closes, while this console holds the lease, what has come to its end. Whether all of it is in the record."""
        for _ in range(_ROUNDS):
            if self._lease.fence is None or not self._under_way():
                return True
            closing = settle(self._record.state, self._moments.context(self._actor))
            if not closing:
                return True
            for batches in closing:
                try:
                    await self._record.append(self._record.appends(batches, self._actor), fence=self._lease.fence)
                except Conflict:
                    if not await self._record.caught_up():
                        return False
                except (NotSaved, LeaseLost, Refused):
                    return False
            self._wake.set()  # the steps that follow have checks of their own
            self._settled()
        return False

    def _under_way(self) -> bool:
        return any(run.status is RunStatus.RUNNING for run in self._record.state.runs.values())

    def _wanted(self) -> dict[str, tuple[Check, Probe | None]]:
        """What the steps under way wait for, by the text of the check."""
        found = watched(self._record.state, self._moments.target)
        return {str(check): (check, step.probe) for _, step, check in found}

    def _forget(self) -> None:
        if self._looked_at is not None:
            self._readings, self._held, self._read_at, self._looked_at = {}, {}, None, None
            self._changed()

    async def _read(self, wanted: Iterable[tuple[Check, Probe | None]], *, anew: bool) -> bool:
        """Reads what is read for the steps alone, where that is due. Whether anything was."""
        now = self._world.clock.now()
        own = {check.reading: (check, probe) for check, probe in wanted if check.watched}
        self._readings = {name: item for name, item in self._readings.items() if name in own}
        due = self._read_at is None or not timedelta(0) <= now - self._read_at < EVERY
        asked = own if due or anew else {name: item for name, item in own.items() if name not in self._readings}
        if due:
            self._read_at = now
        if not asked:
            return False
        queries = [Query(name, check.expr) for name, (check, _) in asked.items() if name.startswith(QUERY)]
        # Each by itself: what is read of one does not wait for another that hangs, but the round waits for all.
        answers = await asyncio.gather(
            self._queried(queries),
            *(self._probed(name, probe) for name, (_, probe) in asked.items() if not name.startswith(QUERY)),
        )
        for answer in answers:
            self._readings |= answer
        self._read_at = self._world.clock.now() if due else self._read_at
        return True

    async def _queried(self, queries: list[Query]) -> dict[str, Reading[float]]:
        metrics = self._world.metrics
        if not queries:
            return {}
        if metrics is None:
            return self._none(queries, "prometheus", "no metric source is configured")
        source = metrics
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                answers: Mapping[str, Reading[float]] = await self._world.offload(lambda: source.read(queries))
        except SourceError as error:
            return self._none(queries, source.name, safe(str(error), 300))
        except TimeoutError:
            return self._none(queries, source.name, f"no answer within {DEADLINE.seconds} s")
        except Exception as error:  # A fault of ours must blank a step's reading, not end the watch over all of them.
            return self._none(queries, source.name, f"fault in {source.name}: {type(error).__name__}")
        silent = missing(ReadingState.NO_DATA, source.name, "no answer", self._world.clock.now())
        return {query.name: answers.get(query.name, silent) for query in queries}

    def _none(self, queries: Iterable[Query], source: str, why: str) -> dict[str, Reading[float]]:
        lost = missing(ReadingState.UNREACHABLE, source, why, self._world.clock.now())
        return {query.name: lost for query in queries}

    async def _probed(self, name: str, probe: Probe | None) -> dict[str, Reading[float]]:
        asked = self._world.probes
        if asked is None or probe is None:
            return {
                name: missing(ReadingState.UNREACHABLE, "probe", "nothing here can ask it", self._world.clock.now())
            }
        probes, wanted = asked, probe
        why = ""
        try:
            async with asyncio.timeout(max(DEADLINE, probe.timeout).total_seconds()):
                answer: Reading[float] = await self._world.offload(lambda: probes.read(wanted))
                return {name: answer}
        except TimeoutError:
            why = f"no answer within {max(DEADLINE, probe.timeout).total_seconds():g} s"
        except Exception as error:  # As with queries.
            why = f"fault in the probe: {type(error).__name__}"
        return {name: missing(ReadingState.UNREACHABLE, "probe", why, self._world.clock.now())}

    def _hold(self, wanted: Mapping[str, tuple[Check, Probe | None]]) -> bool:
        """Notes which checks hold now, and since when. Whether that is different."""
        now, before = self._world.clock.now(), self._held
        if self._looked_at is None or not timedelta(0) <= now - self._looked_at <= GAP:
            before = {}  # nobody has looked, or the clock was set
        self._looked_at = now
        readings = self._board().readings
        # `verdict` says no of whatever is less than a fresh, finite value: unknown interrupts as much as wrong.
        holding = [text for text, (check, _) in wanted.items() if verdict(check, readings.get(check.reading))[0]]
        held = {text: before.get(text, now) for text in holding}
        changed, self._held = held != self._held, held
        return changed
