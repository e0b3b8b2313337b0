"""A look at Alertmanagers by their addresses: no configuration, no journal, nothing that could change anything."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from console.bootstrap.common import BadInput, login

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.settings.outside import Alertmanager as Settings


@contextlib.asynccontextmanager
async def looking_at(urls: Sequence[str]) -> AsyncIterator[Console]:
    """A read-only console on these Alertmanagers, one cluster of peers. Raises BadInput."""
    console = _console(urls)
    try:
        await console.open()
        yield console
    finally:
        await console.stop()


def _console(urls: Sequence[str]) -> Console:
    from console.engine.clocks import SystemClock, SystemIds
    from console.engine.console import Console
    from console.engine.world import World
    from console.integrations.alertmanager import Alertmanager, AlertmanagerSilences
    from console.integrations.http import Http
    from console.journal.memory import MemoryJournal
    from console.journal.spool import FileSpool
    from console.model.board import Target
    from console.model.people import Actor
    from console.settings.config import Config, Environment

    asked = _settings(urls)
    target = Target("alertmanager", ", ".join(urlsplit(item.source.url).netloc for item in asked))
    environment = Environment(target, alertmanagers=asked)
    config = Config(Path(), (environment,), (), (), None, ())
    clock, ids, who = SystemClock(), SystemIds(), Actor(login(), login())
    peers = [Http(item.source, clock) for item in asked]
    world = World(
        clock,
        ids,
        MemoryJournal(clock, console="look"),
        FileSpool([], clock, ids, who, console="look", journal="memory"),
        alerts=tuple(Alertmanager(item.source, environment.watchdog, clock) for item in asked),
        silences=(AlertmanagerSilences(asked[0].cluster, peers),),
    )
    return Console(world, config, environment, who, console="look", read_only=True)


def _settings(urls: Sequence[str]) -> tuple[Settings, ...]:
    from console.settings.outside import Alertmanager, HttpSource

    found = []
    for number, url in enumerate(urls, 1):
        name = f"alertmanager {number}" if len(urls) > 1 else "alertmanager"
        found.append(Alertmanager(HttpSource(name, _checked(url))))
    return tuple(found)


def _checked(url: str) -> str:
    """Raises BadInput; an address that may hold a password is not repeated."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        secret = "@" in parts.netloc or bool(parts.query)
    except ValueError:
        valid, secret = False, True
    if not valid or secret or not url.isascii() or not url.isprintable() or " " in url:
        found = "one with credentials or a query (not shown)" if secret else url
        raise BadInput(f"--alertmanager: found {found}, expected an http or https URL such as http://localhost:9093")
    return url.rstrip("/")
