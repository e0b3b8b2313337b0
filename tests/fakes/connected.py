"""Consoles on real servers and on `Outside`: how tests start them, and wait for what they see."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from console.bootstrap import live
from console.bootstrap.common import Options
from console.bootstrap.real import opened
from console.engine.console import Console
from console.engine.outcome import Done
from console.model.alert import Alert, AlertRef, reference
from console.model.commands import Command, DeclareIncident
from console.model.incident import Incident
from console.model.people import Severity
from tests.fakes.outside import Outside
from tests.fakes.pagerduty import EVENTS_KEY
from tests.servers import Alertmanager, Exporter, Prometheus, wait_until

T = TypeVar("T")
WATCHDOG = {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}}
PATIENCE = 60.0
"""Seconds. A wait ends with what it is for: this only says when it is given up, also on a busy machine."""


def routing(pagerduty: str) -> dict[str, Any]:
    """An Alertmanager's configuration that pages by PagerDuty what says `page="yes"`."""
    quick = {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h"}
    pager = {"routing_key": EVENTS_KEY, "url": f"{pagerduty}/v2/enqueue"}
    return {
        "route": {
            "receiver": "nobody",
            "group_by": ["alertname"],
            **quick,
            "routes": [{"matchers": ['page="yes"'], "receiver": "pager"}],
        },
        "receivers": [{"name": "nobody"}, {"name": "pager", "pagerduty_configs": [pager]}],
    }


class World(Outside):
    """With a real Prometheus whose alerts fire as a test wants, and a real Alertmanager that pages by PagerDuty."""

    def __init__(self, folder: Path, alerts: dict[str, bool]) -> None:
        """`alerts`: by name, whether Alertmanager pages for them."""
        super().__init__(folder)
        self._alerts, self._firing = alerts, set[str]()

    def __enter__(self) -> World:
        super().__enter__()
        self.exporter = self._running.enter_context(Exporter())
        self._measure()
        self.alertmanager = self._running.enter_context(
            Alertmanager(self.folder / "alertmanager", config=routing(self.pagerduty.url))
        )
        rules = [
            {
                "alert": name,
                "expr": f'max(wanted{{wanted="{name}"}}) == 1',
                "labels": {"severity": "critical", "team": "lighthouse", "page": "yes" if paged else "no"},
                "annotations": {"summary": f"{name} is {{{{ $value }}}}"},
            }
            for name, paged in self._alerts.items()
        ]
        self.prometheus = self._running.enter_context(
            Prometheus(
                self.folder / "prometheus",
                rules=[WATCHDOG, *rules],
                scrape_targets={"lighthouse": self.exporter.address},
                alertmanagers=[self.alertmanager.address],
            )
        )
        self.configure(self.prometheus.url, [self.alertmanager.url])
        return self

    def fire(self, *names: str) -> None:
        """These fire, too."""
        self._firing |= {*names}
        self._measure()

    def calm(self, *names: str) -> None:
        """These are over."""
        self._firing -= {*names}
        self._measure()

    def _measure(self) -> None:
        lines = [f'wanted{{wanted="{name}"}} {int(name in self._firing)}' for name in self._alerts]
        self.exporter.set("\n".join(lines))

    def wait_until_settled(self) -> None:
        """Until the always-firing alert has come all the way."""
        wait_until(lambda: self.alertmanager.alerts(), PATIENCE, what="the watchdog in Alertmanager")


@contextmanager
def secrets_of(outside: Outside) -> Iterator[pytest.MonkeyPatch]:
    """Its variables in this process's environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, text in outside.secrets.items():
            patch.setenv(name, text)
        yield patch


@asynccontextmanager
async def running(outside: Outside, journal: Path, who: str = "alice", **options: Any) -> AsyncIterator[Console]:
    """A console on the configuration, with the record at `journal`; each has a name of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("console.bootstrap.real.console_name", lambda: f"{who}@tests:1")
        console = live(Options(str(outside.config), str(journal), who), **options)
    await console.start()
    try:
        yield console
    finally:
        await console.stop()


async def until(console: Console, holds: Callable[[], T], what: str, timeout: float = PATIENCE) -> T:
    """The first truthy value, asked with every Board of the console."""
    changed = asyncio.Event()
    unsubscribe = console.subscribe(lambda _: changed.set())
    try:
        async with asyncio.timeout(timeout):
            while not (found := holds()):
                changed.clear()
                await changed.wait()
        return found
    except TimeoutError:
        deliveries = [(d.channel, d.act, d.state, d.error) for d in console.board.deliveries if d.state != "sent"]
        raise AssertionError(f"{what} did not come; {console.board.sources}; not sent: {deliveries}") from None
    finally:
        unsubscribe()


async def elsewhere(holds: Callable[[], T], what: str, timeout: float = PATIENCE) -> T:
    """The first truthy value of what no Board tells of, while the loop goes on."""
    return await asyncio.to_thread(wait_until, holds, timeout, 0.02, what)


async def do(console: Console, command: Command) -> Done:
    """Carries out a command that must be done, and saved."""
    outcome = await console.submit(command)
    assert isinstance(outcome, Done), outcome
    assert not outcome.unsaved
    return outcome


async def declare(console: Console, title: str, *alerts: Alert, severity: Severity = Severity.SEV1) -> str:
    """The id of a new incident."""
    refs: tuple[AlertRef, ...] = tuple(reference(alert) for alert in alerts)
    return (await do(console, DeclareIncident(title, severity, refs))).subject


def alert(console: Console, name: str) -> Alert | None:
    """An alert of the feed by its name."""
    return next((item for item in console.board.feed.alerts if item.name == name), None)


def incident(console: Console, found: str) -> Incident:
    """An incident of the record."""
    return console.state.incidents[found]


def told(console: Console) -> list[tuple[str, str, str]]:
    """(channel, act, state) of every delivery."""
    return [(item.channel, str(item.act), str(item.state)) for item in console.state.deliveries.values()]


def waiting(console: Console) -> list[tuple[str, str, str]]:
    """Of those, what is not carried out yet."""
    return [item for item in told(console) if item[2] in ("queued", "failing")]


def opened_only(outside: Outside, journal: Path, who: str = "alice") -> AbstractAsyncContextManager[Console]:
    """A console that records and carries out nothing: what it queues waits for an engine."""
    return opened(Options(str(outside.config), str(journal), who))


def payloads(journal: Path, kind: str) -> list[dict[str, Any]]:
    """What the record holds of a kind, read past the console's own code."""
    connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        rows = connection.execute("SELECT payload FROM events WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
    finally:
        connection.close()
    return [json.loads(row[0]) for row in rows]
