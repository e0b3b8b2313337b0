"""The running console: sources, record, deadlines, lease and commands, joined into one Board.

Everything here happens on one event loop; sources and the journal do their waiting in threads. Screens subscribe to
Boards and submit commands, and need nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from console.engine import board as assemble
from console.engine.lease import RENEW_SECONDS, LeaseKeeper
from console.engine.metrics import MetricRounds
from console.engine.offload import in_thread
from console.engine.outcome import Denied, Done, Outcome, Unsaved
from console.engine.poller import Offload, Poller
from console.engine.record import Record
from console.model import commands as cmd
from console.model import events as ev
from console.model.board import Board, Health, SourceStatus
from console.model.decide import Context, Refusal, decide, fire_deadlines, next_deadline
from console.model.events import Recorded
from console.model.people import Actor
from console.model.reading import Reading, ReadingState
from console.model.rollout import Rollout
from console.model.slo import SloGauge
from console.model.state import State
from console.ports import (
    AlertSource,
    Append,
    Clock,
    Conflict,
    Flags,
    HealthSource,
    Ids,
    Journal,
    JournalUnusable,
    LeaseLost,
    MetricSource,
    NewEvent,
    NotSaved,
    Refused,
    SourceError,
    Spool,
)
from console.settings.config import Config, Environment

_RETRIES = 20
"""How often a command is decided anew because others appended first."""

_PATIENCE = timedelta(seconds=5)
"""How long to wait before the journal is tried again after it could not be written."""

_IDLE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class World:
    """Everything the engine needs from outside, chosen by `bootstrap`. None: there is no such source."""

    clock: Clock
    ids: Ids
    journal: Journal
    spool: Spool
    metrics: MetricSource | None = None
    alerts: AlertSource | None = None
    health: HealthSource | None = None
    flags: Flags | None = None
    offload: Offload = in_thread


class Console:
    """Implements `engine.api.Engine`."""

    def __init__(
        self,
        world: World,
        config: Config,
        environment: Environment,
        actor: Actor,
        *,
        console: str,
        mode: str = "live",
        read_only: bool = False,
    ) -> None:
        self._world, self._config, self._environment = world, config, environment
        self._actor, self._mode, self._read_only = actor, mode, read_only
        self._record = Record(world.journal, world.spool, world.clock, world.ids, console, mode, world.offload)
        engine = Actor("engine", actor.login)
        self._engine_actor = engine
        self._lease = LeaseKeeper(self._record, world.clock, world.ids, console, engine)
        self._listeners: list[Callable[[Board], None]] = []
        self._health: dict[str, Health] = {}
        self._pollers = {poller.name: poller for poller in self._make_pollers()}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._faults: dict[str, str] = {}
        self._failed: tuple[cmd.Command, list[Append]] | None = None
        self._number = 0
        self._board = self._build()

    # -- for front ends -----------------------------------------------------------------------------------------------

    @property
    def board(self) -> Board:
        """The newest Board."""
        return self._board

    @property
    def settings(self) -> Config:
        """The configuration it runs on."""
        return self._config

    def subscribe(self, listener: Callable[[Board], None]) -> Callable[[], None]:
        """Calls `listener` on the event loop with every new Board; the answer unsubscribes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def refresh(self) -> None:
        """Asks every source now, also those that are backing off."""
        for poller in self._pollers.values():
            poller.refresh()

    async def timeline(self, *streams: str) -> list[Recorded]:
        """The events of some streams in the order they were recorded, spooled ones last."""
        return await self._record.timeline(streams)

    @property
    def state(self) -> State:
        """The fold of the whole record, to look at; the Board shows the part that matters now."""
        return self._record.state

    async def open(self) -> None:
        """Reads the record and nothing more: for one command, without sources, deadlines or lease."""
        await self._record.load()
        self._lease.look()
        self._publish()

    async def ask(self) -> None:
        """Asks every source once, each within its own deadline. For an opened console; a started one asks by itself."""
        await asyncio.gather(*(poller.ask() for poller in self._pollers.values()))
        self._publish()

    async def start(self) -> None:
        """Reads the record and starts the sources, the deadlines and the lease."""
        await self._record.load()
        if not self._read_only:
            await self._lease.renew()
        else:
            self._lease.look()
        self._publish()
        work: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            f"poll {poller.name}": poller.run for poller in self._pollers.values()
        }
        work |= {"lease": self._keep_lease, "record": self._follow_record}
        if not self._read_only:
            work["deadlines"] = self._watch_deadlines
        # Named, so that simulated time can wake them in an order that repeats.
        self._tasks = [asyncio.create_task(self._guarded(name, item), name=name) for name, item in work.items()]

    async def stop(self) -> None:
        """Stops everything, gives the lease back, and closes the journal."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._lease.release()
        await self._world.journal.close()

    @property
    def clock_tasks(self) -> int:
        """How many running tasks wait in the clock whenever they have nothing to do: all but the one that follows the
        journal. Simulated time advances only when that many wait."""
        return sum(1 for task in self._tasks if not task.done()) - (1 if self._tasks else 0)

    # -- commands -----------------------------------------------------------------------------------------------------

    async def submit(self, command: cmd.Command, *, unsaved: bool = False) -> Outcome:
        """Decides and records one command of this console's operator. `Done` means fsynced."""
        if self._read_only:
            return Denied("this console is read-only")
        outcome = await self._decide_and_append(command, unsaved)
        if isinstance(outcome, Done) and isinstance(command, cmd.SetFlag):
            outcome = await self._set_flag(command, outcome, unsaved)
        self._changed()
        return outcome

    async def _decide_and_append(self, command: cmd.Command, unsaved: bool) -> Outcome:
        may_proceed = isinstance(command, cmd.ROLLBACK_SAFE)
        for _ in range(_RETRIES):
            # A write that failed may turn up after all, when the journal is recovered. So the same command, given
            # again, writes the same events by the same ids: they can be in the record once, and not twice.
            failed, self._failed = self._failed, None
            if failed is not None and failed[0] == command:
                appends = failed[1]
            else:
                try:
                    batches = decide(self._record.state, command, self._context())
                except Refusal as refusal:
                    return Denied(str(refusal))
                appends = self._record.appends(batches, self._actor)
            try:
                return Done(await self._record.append(appends))
            except Conflict as conflict:
                if not await self._caught_up():
                    return Denied(f"{conflict}; {self._record.fault}")
            except Refused as refused:
                return Denied(str(refused))
            except NotSaved as error:
                if not (unsaved and may_proceed):
                    self._failed = (command, appends)
                    return Unsaved(str(error), may_proceed)
                # What happened, happened, whatever else was written meanwhile: no expected version.
                aside = [replace(append, expected=None) for append in appends]
                return Done(self._record.put_aside(aside), unsaved=self._world.spool.where)
        return Denied("other consoles kept changing the same thing; try again")

    async def _caught_up(self) -> bool:
        try:
            await self._record.catch_up()
        except JournalUnusable as error:
            self._record.fault = str(error)
        return not self._record.fault

    def _context(self) -> Context:
        return Context(
            now=self._world.clock.now(),
            actor=self._actor,
            target=self._environment.target,
            fresh=self._world.ids.new,
            severities=self._config.severities,
            playbooks={loaded.playbook.name: loaded for loaded in self._config.playbooks},
            readings=self._build().readings,
            flags=self._world.flags.name if self._world.flags is not None else "",
        )

    async def _set_flag(self, command: cmd.SetFlag, intended: Done, unsaved: bool) -> Outcome:
        flags = self._world.flags
        intent: ev.EffectIntended = intended.events[0].payload
        run = self._record.state.runs[command.run]
        percent = run.playbook.step(command.step).percent
        assert flags is not None  # decide() refuses a flag step that nothing here can set.
        try:
            answer = await self._world.offload(lambda: flags.set_percent(intent.target, percent))
            finished = ev.EffectFinished(intent.effect, "done", answer)
        except SourceError as error:
            finished = ev.EffectFinished(intent.effect, "refused", str(error))
        event = NewEvent(finished, self._world.clock.now(), self._world.ids.new(), intended.events[0].id)
        append = Append(run.stream, None, (event,), self._actor)
        try:
            recorded = await self._record.append([append])
        except (NotSaved, Refused):
            # The change has been made: its outcome must not be lost, whatever was confirmed before.
            recorded = self._record.put_aside([append])
            unsaved = True
        self.refresh()
        if finished.outcome == "refused":
            return Denied(f"{intent.target} was not set: {finished.detail}")
        return Done((*intended.events, *recorded), unsaved=self._world.spool.where if unsaved else "")

    # -- tasks --------------------------------------------------------------------------------------------------------

    async def _guarded(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does a task's work for ever. A fault is shown on every screen while it lasts, and the work begins anew: an
        engine that stopped escalating in silence would be worse than one that never ran."""
        clock = self._world.clock
        while True:
            try:
                await work()
            except JournalUnusable as error:
                self._faults[name] = str(error)
            except Exception as error:
                self._faults[name] = f"fault in the engine's task {name!r}: {type(error).__name__}"
            self._publish()
            await clock.sleep_until(clock.now() + _PATIENCE)

    def _make_pollers(self) -> Iterable[Poller]:
        world, environment = self._world, self._environment

        def poller(name: str, read: Callable[[], Any], interval: timedelta, timeout: timedelta) -> Poller:
            deadline = 4 * timeout + timedelta(seconds=1)  # two requests, each with its fallback
            return Poller(name, read, interval, deadline, world.clock, world.ids, world.offload, self._changed)

        if world.metrics is not None and environment.prometheus is not None:
            source = environment.prometheus
            rounds = MetricRounds(world.metrics, self._config.objectives, self._config.rollout, world.clock)
            yield poller("prometheus", rounds.read, source.interval, source.timeout)
        if world.alerts is not None and environment.alertmanager is not None:
            source = environment.alertmanager
            yield poller("alertmanager", world.alerts.read, source.interval, source.timeout)
        if world.health is not None and environment.components:
            yield poller("health", world.health.read, environment.health_interval, environment.health_timeout)

    async def _keep_lease(self) -> None:
        clock = self._world.clock
        while True:
            await clock.sleep_until(clock.now() + timedelta(seconds=RENEW_SECONDS))
            if self._read_only:
                changed = self._lease.look()
            else:
                changed = await self._lease.renew()
                changed = await self._retry_spool() or changed
                # A process that was stopped and goes on holds its lease again, and is late.
                due = next_deadline(self._record.state)
                if due is not None and due <= clock.now():
                    self._wake.set()
            if self._faults.pop("lease", "") or changed:
                self._changed()

    async def _retry_spool(self) -> bool:
        try:
            await self._world.offload(self._world.spool.look)
            return await self._record.merge()
        except (NotSaved, Refused):
            return False

    async def _follow_record(self) -> None:
        while True:
            changed = await self._record.catch_up()
            if self._faults.pop("record", "") or changed:
                self._changed()
            await self._world.journal.changed(self._record.state.seq)

    async def _watch_deadlines(self) -> None:
        clock = self._world.clock
        while True:
            self._wake.clear()
            if self._faults.pop("deadlines", ""):
                self._publish()
            now = clock.now()
            due = next_deadline(self._record.state)
            if due is None or self._lease.fence is None:
                until = now + _IDLE
            elif due > now:
                until = min(due, now + _IDLE)
            else:
                until = now if await self._fire_deadlines() else now + _PATIENCE
            await clock.wait(self._wake, until)

    async def _fire_deadlines(self) -> bool:
        """Whether all of them are in the record now."""
        saved = True
        for batch in fire_deadlines(self._record.state, self._world.clock.now()):
            appends = self._record.appends([batch], self._engine_actor)
            try:
                await self._record.append(appends, fence=self._lease.fence)
            except Conflict:
                saved = await self._caught_up() and saved
            except (NotSaved, LeaseLost, Refused):
                saved = False
        self._publish()
        return saved

    # -- the Board ----------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self._wake.set()
        self._publish()

    def _publish(self) -> None:
        self._number += 1
        self._board = self._build()
        for listener in list(self._listeners):
            listener(self._board)

    def _build(self) -> Board:
        now = self._world.clock.now()
        status = {name: poller.status(now) for name, poller in self._pollers.items()}
        record, environment, config = self._record, self._environment, self._config
        slos, rollout, readings = self._metric_panels(status.get("prometheus"))
        health = self._health_rows(status.get("health"))
        alerts = self._pollers.get("alertmanager")
        feed = assemble.alert_feed(alerts.value if alerts else None, status.get("alertmanager"), environment.watchdog)
        incidents = assemble.shown_incidents(record.state, environment.target)
        readings |= {f"health.{row.component}": row.up.map(float) for row in health}
        return Board(
            number=self._number,
            at=now,
            mode=self._mode,
            target=environment.target,
            actor=self._actor,
            read_only=self._read_only,
            sources=tuple(status.values()),
            slos=slos,
            rollout=rollout,
            readiness=assemble.readiness(health, rollout, now),
            feed=feed,
            health=health,
            incidents=incidents,
            runs=assemble.shown_runs(record.state, incidents),
            shift=record.state.shift,
            handoffs=tuple(handoff for handoff in record.state.handoffs.values() if handoff.open),
            lease=self._lease.view(),
            head=record.head,
            not_saved=record.not_saved or (record.journal.writable if not self._read_only else ""),
            fault="; ".join(filter(None, (record.fault, *self._faults.values()))),
            spooled=self._world.spool.where if record.unsaved else "",
            flags=self._world.flags.name if self._world.flags is not None else "",
            people=config.people,
            environments=tuple(item.target for item in config.environments),
            severities=config.severities,
            playbooks=config.playbooks,
            readings=readings,
        )

    def _metric_panels(
        self, status: SourceStatus | None
    ) -> tuple[tuple[SloGauge, ...], Rollout | None, dict[str, Reading[float]]]:
        poller = self._pollers.get("prometheus")
        absent = SourceStatus("prometheus", ReadingState.UNREACHABLE, error="no metric source is configured")
        answers = poller.value if poller else None
        now = self._world.clock.now()
        return assemble.metric_panels(answers, status or absent, self._config.objectives, self._config.rollout, now)

    def _health_rows(self, status: SourceStatus | None) -> tuple[Health, ...]:
        poller = self._pollers.get("health")
        snapshot = poller.value if poller else None
        now = self._world.clock.now()
        rows = assemble.health_rows(snapshot, self._health, self._environment.components, status, now)
        self._health = {row.component: row for row in rows}
        return rows
