"""Consoles on the real world and the real record."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from console.bootstrap.common import (
    BadInput,
    Options,
    actor,
    baselines_of,
    configuration,
    console_name,
    environment,
    journal_path,
    no_place,
    open_journal,
    slices_of,
    spool_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from console.engine.console import Console
    from console.journal.spool import FileSpool
    from console.journal.sqlite import SqliteJournal
    from console.ports import Clock
    from console.settings.config import Config


def live(options: Options, *, sources: bool = True, read_only: bool = False) -> Console:
    """The console on the configured environment, not started. Without `sources` it knows the record alone.

    Raises ConfigError, BadInput and JournalUnusable.
    """
    return _build(options, sources, read_only, watched=True)[0]


def live_with_clock(options: Options) -> tuple[Console, Clock]:
    """The same, with the clock that a screen counts by."""
    from console.engine.clocks import SystemClock

    return live(options), SystemClock()


def _build(options: Options, sources: bool, read_only: bool, *, watched: bool) -> tuple[Console, FileSpool]:
    from console.bootstrap import outside
    from console.engine.clocks import SystemClock, SystemIds
    from console.engine.console import Console
    from console.engine.world import World

    config = configuration(options)
    chosen = environment(config, options)
    who, name = actor(options.operator, config.people), console_name()
    clock, ids = SystemClock(), SystemIds()
    journal = open_journal(options, config, clock, scope=str(chosen.target), read_only=read_only)
    spool = spool_of(journal.path, name, clock, ids, who.login, read_only=options.read_only)
    read_only = read_only or options.read_only
    outlets = outside.outlets_of(chosen, clock)
    found = outside.sources_of(chosen, clock) if sources else outside.Sources()
    slices = slices_of(journal.path, config, clock, read_only=read_only) if sources else None
    world = World(
        clock,
        ids,
        journal,
        spool,
        slices=slices,
        baselines=baselines_of(journal.path, config) if sources else None,
        metrics=found.metrics,
        alerts=found.alerts,
        health=found.health,
        flags=outside.flags_of(config, chosen, clock),
        silences=found.silences,
        pager=outlets.pager if sources else None,
        channels=outlets.channels,
        specs=outlets.specs,
        runbooks=outside.runbooks_of(config, clock),
        probes=outside.probes_of(clock) if sources else None,
        programs=outside.programs_of(config, clock),
        files=outside.playbook_files_of(config) if sources else None,
        watched=found.watched if watched else (),
    )
    return Console(world, config, chosen, who, console=name, read_only=read_only), spool


@contextlib.asynccontextmanager
async def opened(
    options: Options, *, sources: bool = False, read_only: bool = False, watched: bool = False
) -> AsyncIterator[Console]:
    """A console that has read the record and takes no lease; with `sources`, it can `ask` them too; `watched`: also
    those that no decision needs. Raises BadInput where a record is to be read alone and there can be none: one that is
    not there yet is empty, and an empty list would read as calm where the place is wrong. What waits beside it to be
    saved can be read."""
    console, spool = _build(options, sources, read_only, watched=watched)
    try:
        if read_only and not spool.pending():
            _refuse_nowhere(journal_path(options, console.settings))
        await console.open()
        yield console
    finally:
        await console.stop()
        spool.close()


def _refuse_nowhere(path: Path) -> None:
    if not path.exists() and (why := no_place(path)):
        raise BadInput(f"{path}: found no journal there, and there can be none: {why}; name another with --journal")


@contextlib.asynccontextmanager
async def journal_for_reading(options: Options) -> AsyncIterator[SqliteJournal]:
    """The journal, read-only. A configuration that is missing or wrong does not keep anybody from the record.

    Raises JournalUnusable, and BadInput where there is no journal.
    """
    from console.engine.clocks import SystemClock
    from console.settings.problems import ConfigError

    config: Config | None = None
    if not options.journal:
        with contextlib.suppress(ConfigError):
            config = configuration(options)
    path = journal_path(options, config)
    if not path.exists():
        raise BadInput(f"{path}: found no journal there; name one with --journal")
    journal = open_journal(options, config, SystemClock(), read_only=True)
    try:
        yield journal
    finally:
        await journal.close()
