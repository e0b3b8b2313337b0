"""Consoles on a world that exists only in the program. No real integration is imported here: an effect on the outside
world is impossible because the objects that could cause it do not exist."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.bootstrap import drill
from console.bootstrap.common import (
    JOURNAL,
    BadInput,
    Options,
    actor,
    configuration,
    console_name,
    environment,
    spool_of,
)
from console.model.value import value

if TYPE_CHECKING:
    from console.engine.clocks import SeededIds, SimulatedClock
    from console.engine.console import Console
    from console.journal.memory import MemoryJournal
    from console.journal.sqlite import SqliteJournal
    from console.model.board import Board
    from console.model.people import Actor
    from console.ports import Spool
    from console.settings.config import Config

DEMO_START = datetime(2025, 11, 3, 14, 0, tzinfo=UTC)
"""When headless demos begin. A live one begins now."""

SICK_SINCE = timedelta(minutes=3)
"""How long ago the simulated service began its day when a drill begins: it is slow already, and alerts stand."""

LONGEST_DRILL = timedelta(hours=2)


@value
class Demo:
    """What kind of demo. `speed` is None for driven time; `broken` names sources that do not answer."""

    seed: int = 1
    speed: float | None = 1.0
    broken: tuple[str, ...] = ()
    drill: bool = False

    @property
    def mode(self) -> str:
        """What its events are marked with."""
        return "drill" if self.drill else "demo"


def demo_config(options: Options) -> Config:
    """The example that ships, or the folder that was named, with one environment: the simulated one."""
    from console.model.board import Target
    from console.settings.load import load, shipped

    config = configuration(options) if options.config else load(shipped("config"), strict=False)
    chosen = environment(config, options)
    simulated = replace(chosen, target=Target(chosen.target.service, "demo", production=False))
    return replace(config, environments=(simulated,), journal=None, journal_group="")


@value
class Simulation:
    """A console on a simulated world, with the parts of it that drive or read it."""

    console: Console
    clock: SimulatedClock
    journal: SqliteJournal | MemoryJournal
    ids: SeededIds
    kind: Demo


def _simulated(
    config: Config,
    kind: Demo,
    clock: SimulatedClock,
    journal: SqliteJournal | MemoryJournal,
    ids: SeededIds,
    spool: Spool,
    who: Actor,
    name: str,
) -> Simulation:
    from console.bootstrap.history import DemoConsole
    from console.engine.console import Console
    from console.engine.offload import in_place, in_thread
    from console.engine.world import World
    from console.integrations import simulated
    from console.model.message import PAGER_ACTS, ChannelSpec, Topic

    chosen = config.environments[0]
    if config.rollout is None:
        raise BadInput(f"{config.folder}: the demo needs a rollout.yaml")
    begun = clock.now() - (SICK_SINCE if kind.drill else timedelta(0))
    lighthouse = simulated.World(
        clock, kind.seed, config.rollout, config.objectives, chosen.components, begun, target=chosen.target
    )
    for source in kind.broken:
        try:
            lighthouse.break_source(source)
        except ValueError as error:
            raise BadInput(f"--break {error}") from None
    channels = (
        simulated.SimulatedChannel("pagerduty", clock, PAGER_ACTS),
        simulated.SimulatedChannel("slack.incidents", clock),
    )
    world = World(
        clock,
        ids,
        journal,
        spool,
        metrics=simulated.SimulatedMetrics(lighthouse),
        alerts=(simulated.SimulatedAlerts(lighthouse, chosen.watchdog),),
        health=simulated.SimulatedHealth(lighthouse),
        flags=simulated.SimulatedFlags(lighthouse),
        probes=simulated.SimulatedProbes(lighthouse),
        programs=simulated.SimulatedPrograms(lighthouse),
        silences=tuple(simulated.SimulatedSilences(lighthouse, item.cluster) for item in chosen.alertmanagers[:1]),
        channels=channels,
        specs=tuple(ChannelSpec(channel.name, channel.acts, tuple(Topic)) for channel in channels),
        offload=in_place if kind.speed is None else in_thread,
    )
    if kind.drill:
        return Simulation(Console(world, config, chosen, who, console=name, mode=kind.mode), clock, journal, ids, kind)
    console = DemoConsole(world, config, chosen, who, console=name, mode=kind.mode)
    console.world, console.journal, console.ids = lighthouse, journal, ids
    return Simulation(console, clock, journal, ids, kind)


def headless(options: Options, kind: Demo, *, operator: str = "demo") -> Simulation:
    """A demo in driven time: everything about it, its operator too, is the same on every machine."""
    from console.engine.clocks import SeededIds, SimulatedClock
    from console.journal.memory import MemoryJournal
    from console.journal.spool import FileSpool
    from console.model.people import Actor

    kind = replace(kind, speed=None)
    clock, ids = SimulatedClock(DEMO_START), SeededIds(kind.seed)
    journal = MemoryJournal(clock, console="demo", mode=kind.mode)
    who = Actor(options.operator or operator, options.operator or operator)
    spool = FileSpool([], clock, ids, who, console="demo", journal="memory")
    return _simulated(demo_config(options), kind, clock, journal, ids, spool, who, "demo")


async def play(simulation: Simulation, for_: timedelta) -> Board:
    """Starts a headless console, lets the time pass, and stops it. The Board at the end."""
    console, clock = simulation.console, simulation.clock
    await console.start()
    try:
        await clock.run(clock.now() + for_, lambda: console.clock_tasks)
        return console.board
    finally:
        await console.stop()


async def play_drill(
    simulation: Simulation, scenario: str, takes: Mapping[str, timedelta] | None = None
) -> dict[str, Any]:
    """Rehearses a drill without a screen, by a scripted operator. Its report."""
    import asyncio

    console, clock, journal, ids = simulation.console, simulation.clock, simulation.journal, simulation.ids
    await console.open()
    await console.ask()
    begun = await drill.begin(console, journal, clock, ids, scenario)
    await console.start()
    try:
        operator = asyncio.create_task(drill.rehearse(console, clock, begun, takes), name="operator")
        limit = clock.now() + LONGEST_DRILL
        while not operator.done() and clock.now() < limit:
            step = clock.now() + timedelta(minutes=1)
            await clock.run(step, lambda: console.clock_tasks + (not operator.done()))
        if operator.done():
            operator.result()
        operator.cancel()
        return await drill.finish(console, journal, clock, ids, begun)
    finally:
        await console.stop()


@contextlib.contextmanager
def demo_folder() -> Iterator[Path]:
    """A private folder for a demo's journal, gone when the demo is over, also by a signal."""
    import shutil
    import tempfile

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    folder = Path(tempfile.mkdtemp(prefix="oncall-demo-"))
    try:
        yield folder
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        shutil.rmtree(folder, ignore_errors=True)


def demo(options: Options, kind: Demo, folder: Path, clock: SimulatedClock | None = None) -> Simulation:
    """The live demo: simulated time paced by the real one, a real journal in a temporary `folder`. With the `clock` of
    an earlier one in the same folder, it goes on from there."""
    from console.engine.clocks import SeededIds, SimulatedClock
    from console.journal.sqlite import SqliteJournal

    config, name = demo_config(options), console_name()
    again = clock is not None
    clock = clock or SimulatedClock(datetime.now(UTC), kind.speed or 1.0)
    ids = SeededIds(kind.seed + (1 << 32 if again else 0))
    journal = SqliteJournal(folder / JOURNAL, clock, console=name, mode=kind.mode)
    who = actor(options.operator, config.people)
    spool = spool_of(journal.path, name, clock, ids, who.login, private=True)
    return _simulated(config, kind, clock, journal, ids, spool, who, name)
