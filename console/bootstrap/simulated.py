"""Consoles on a world that exists only in the program. No real integration is imported here: an effect on the outside
world is impossible because the objects that could cause it do not exist."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from console.engine.clocks import SimulatedClock
    from console.engine.console import Console
    from console.integrations.simulated import World as SimulatedWorld
    from console.journal.sqlite import SqliteJournal
    from console.model.board import Board
    from console.model.people import Actor
    from console.ports import Journal, Spool
    from console.settings.config import Config

DEMO_START = datetime(2025, 11, 3, 14, 0, tzinfo=UTC)
"""When headless demos begin. A live one begins now."""


@dataclass(frozen=True, slots=True)
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

    config = configuration(options) if options.config else load(shipped("config"))
    chosen = environment(config, options)
    simulated = replace(chosen, target=Target(chosen.target.service, "demo", production=False))
    return replace(config, environments=(simulated,), journal=None, journal_group="")


def _simulated(
    config: Config, kind: Demo, clock: SimulatedClock, journal: Journal, spool: Spool, who: Actor, name: str
) -> tuple[Console, SimulatedWorld]:
    from console.engine.clocks import SeededIds
    from console.engine.console import Console, World
    from console.engine.offload import in_place
    from console.integrations import simulated

    chosen = config.environments[0]
    if config.rollout is None:
        raise BadInput(f"{config.folder}: the demo needs a rollout.yaml")
    lighthouse = simulated.World(
        clock, kind.seed, config.rollout, config.objectives, chosen.components, clock.now(), target=chosen.target
    )
    for source in kind.broken:
        try:
            lighthouse.break_source(source)
        except ValueError as error:
            raise BadInput(f"--break {error}") from None
    world = World(
        clock,
        SeededIds(kind.seed),
        journal,
        spool,
        metrics=simulated.SimulatedMetrics(lighthouse),
        alerts=simulated.SimulatedAlerts(lighthouse, chosen.watchdog),
        health=simulated.SimulatedHealth(lighthouse),
        flags=simulated.SimulatedFlags(lighthouse),
        **({"offload": in_place} if kind.speed is None else {}),
    )
    return Console(world, config, chosen, who, console=name, mode=kind.mode), lighthouse


def headless(options: Options, kind: Demo, *, operator: str = "demo") -> tuple[Console, SimulatedClock, Journal]:
    """A demo in driven time: everything about it, its operator too, is the same on every machine."""
    from console.engine.clocks import SeededIds, SimulatedClock
    from console.journal.memory import MemoryJournal
    from console.journal.spool import FileSpool
    from console.model.people import Actor

    clock = SimulatedClock(DEMO_START)
    journal = MemoryJournal(clock, console="demo", mode=kind.mode)
    who = Actor(options.operator or operator, options.operator or operator)
    spool = FileSpool([], clock, SeededIds(kind.seed), who, console="demo", journal="memory")
    console, _ = _simulated(demo_config(options), replace(kind, speed=None), clock, journal, spool, who, "demo")
    return console, clock, journal


async def play(console: Console, clock: SimulatedClock, for_: timedelta) -> Board:
    """Starts a headless console, lets the time pass, and stops it. The Board at the end."""
    await console.start()
    try:
        await clock.run(clock.now() + for_, lambda: console.clock_tasks)
        return console.board
    finally:
        await console.stop()


@contextlib.contextmanager
def demo_folder() -> Iterator[Path]:
    """A private folder for a demo's journal, gone when the demo is over."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="oncall-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def demo(options: Options, kind: Demo, folder: Path) -> tuple[Console, SqliteJournal]:
    """The live demo: simulated time paced by the real one, a real journal in a temporary `folder`."""
    from console.engine.clocks import SeededIds, SimulatedClock
    from console.journal.sqlite import SqliteJournal

    config, name = demo_config(options), console_name()
    clock = SimulatedClock(datetime.now(UTC), kind.speed or 1.0)
    journal = SqliteJournal(folder / JOURNAL, clock, console=name, mode=kind.mode)
    who = actor(options.operator, config.people)
    console, _ = _simulated(
        config,
        kind,
        clock,
        journal,
        spool_of(journal.path, name, clock, SeededIds(kind.seed), who.login, private=True),
        who,
        name,
    )
    return console, journal
