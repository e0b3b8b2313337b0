"""Consoles on the real world and the real record."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from console.bootstrap.common import (
    BadInput,
    Options,
    actor,
    configuration,
    console_name,
    environment,
    journal_path,
    open_journal,
    spool_of,
)

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.journal.spool import FileSpool
    from console.journal.sqlite import SqliteJournal
    from console.ports import AlertSource, Clock, HealthSource, MetricSource
    from console.settings.config import Config, Environment, HttpSource, SecretRef


def live(options: Options, *, sources: bool = True, read_only: bool = False) -> Console:
    """The console on the configured environment, not started. Without `sources` it knows the record alone.

    Raises ConfigError, BadInput and JournalUnusable.
    """
    return _build(options, sources, read_only)[0]


def live_with_clock(options: Options) -> tuple[Console, Clock]:
    """The same, with the clock that a screen counts by."""
    from console.engine.clocks import SystemClock

    return live(options), SystemClock()


def _build(options: Options, sources: bool, read_only: bool) -> tuple[Console, FileSpool]:
    from console.engine.clocks import SystemClock, SystemIds
    from console.engine.console import Console
    from console.engine.world import World

    config = configuration(options)
    chosen = environment(config, options)
    who, name = actor(options.operator, config.people), console_name()
    clock, ids = SystemClock(), SystemIds()
    journal = open_journal(options, config, clock, read_only=read_only)
    spool = spool_of(journal.path, name, clock, ids, who.login, read_only=options.read_only)
    read_only = read_only or options.read_only
    metrics, alerts, health = sources_of(chosen, clock) if sources else (None, None, None)
    world = World(clock, ids, journal, spool, metrics=metrics, alerts=alerts, health=health)
    return Console(world, config, chosen, who, console=name, read_only=read_only), spool


def sources_of(
    chosen: Environment, clock: Clock
) -> tuple[MetricSource | None, AlertSource | None, HealthSource | None]:
    """The real sources of an environment; None where none is configured. Nothing is asked yet."""
    metrics: MetricSource | None = None
    alerts: AlertSource | None = None
    health: HealthSource | None = None
    if chosen.prometheus is not None:
        from console.integrations.prometheus import Prometheus

        metrics = Prometheus(chosen.prometheus, clock, _token(chosen.prometheus))
    if chosen.alertmanagers:
        from console.integrations.alertmanager import Alertmanager

        server = chosen.alertmanagers[0].source
        alerts = Alertmanager(server, chosen.watchdog, clock, _token(server))
    if chosen.components:
        from console.integrations.health import HealthEndpoints

        health = HealthEndpoints(chosen.components, chosen.health_timeout, clock)
    return metrics, alerts, health


def _token(source: HttpSource) -> Callable[[], str] | None:
    """Resolves the token anew before each request, so that a rotated one is taken up; nothing keeps it."""
    if source.token is None:
        return None
    ref: SecretRef = source.token

    def token() -> str:
        from console.settings.secrets import resolve

        return resolve(ref, os.environ).reveal()

    return token


@contextlib.asynccontextmanager
async def opened(options: Options, *, sources: bool = False, read_only: bool = False) -> AsyncIterator[Console]:
    """A console that has read the record and takes no lease; with `sources`, it can `ask` them too."""
    console, spool = _build(options, sources, read_only)
    try:
        await console.open()
        yield console
    finally:
        await console.stop()
        spool.close()


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
