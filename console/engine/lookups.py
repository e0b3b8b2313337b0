"""What is asked only when somebody looks: an alert's last day, its runbook, a page's own history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from console.engine.levels import Levels
from console.engine.world import World
from console.model.alert import Alert
from console.model.flag import FlagState
from console.model.pager import PagerLogEntry
from console.model.slices import History
from console.model.text import safe
from console.model.value import value
from console.ports import Query, SourceError

T = TypeVar("T")

DAY = timedelta(days=1)
STEP = timedelta(minutes=5)
DEADLINE = timedelta(seconds=20)


@value
class Firing:
    """One time span in which an alert fired, as Prometheus sampled it every `STEP`. `until` is the last sample seen."""

    since: datetime
    until: datetime


@value
class Found:
    """An answer, or in one line why there is none."""

    text: str = ""
    firings: tuple[Firing, ...] = ()
    log: tuple[PagerLogEntry, ...] = ()
    error: str = ""
    source: str = ""
    at: datetime | None = None


@value
class FlagLook:
    """A flag as its provider tells it, and what the credentials allow on it; or, in one line, why it does not."""

    state: FlagState | None = None
    scope: str = ""
    error: str = ""


class Lookups:
    """Answers on demand; nothing here raises."""

    def __init__(self, world: World, levels: Levels | None = None) -> None:
        self._world, self._levels = world, levels

    async def history(self, alert: Alert) -> Found:
        """When the alert fired during the last day, from Prometheus' own `ALERTS` series."""
        metrics = self._world.metrics
        if metrics is None:
            return Found(error="no metric source is configured")
        now = self._world.clock.now()
        query = Query("history", firing_expression(alert))

        def ask() -> Found:
            series = metrics.read_range([query], now - DAY, now, STEP.total_seconds()).get("history")
            if series is None:
                return Found(error=f"{metrics.name} does not answer when it fired", source=metrics.name)
            return Found(firings=spans_of(series.values, series.start, STEP), source=metrics.name, at=now)

        return await self._ask(ask, _failed)

    async def runbook(self, alert: Alert) -> Found:
        """The runbook as Markdown: what `runbook_url` leads to, else the local file of the alert's name."""
        runbooks = self._world.runbooks
        if runbooks is None:
            return Found(error="runbooks are not read here")
        url = alert.annotation("runbook_url")
        name = alert.name

        def ask() -> Found:
            text, source = runbooks.read(name, url)
            return Found(text=text, source=source, at=self._world.clock.now())

        return await self._ask(ask, _failed)

    async def page_log(self, pager_id: str) -> Found:
        """A PagerDuty incident's own history."""
        pager = self._world.pager
        if pager is None:
            return Found(error="no PagerDuty is configured")
        return await self._ask(
            lambda: Found(log=pager.log(pager_id), source=pager.name, at=self._world.clock.now()), _failed
        )

    async def flag(self, name: str) -> FlagLook:
        """A flag as it is now. Nothing is changed."""
        flags = self._world.flags
        if flags is None:
            return FlagLook(error="nothing here can read flags: flags in console.yaml says who can")

        def ask() -> FlagLook:
            state = flags.read(name)
            try:
                return FlagLook(state, safe(flags.scope(name), 300))
            except SourceError as error:
                return FlagLook(state, safe(f"its permissions cannot be read: {error}", 300))

        return await self._ask(ask, lambda error: FlagLook(error=error))

    async def levels(self, name: str) -> History | None:
        """The slices of an objective's window; None when there is no objective of that name, or nothing was read."""
        levels = self._levels
        if levels is None:
            return None
        found: History | None = await self._world.offload(lambda: levels.history(name))
        return found

    async def _ask(self, ask: Callable[[], T], failed: Callable[[str], T]) -> T:
        import asyncio

        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                found: T = await self._world.offload(ask)
                return found
        except SourceError as error:
            return failed(safe(str(error), 300))
        except TimeoutError:
            return failed(f"no answer within {DEADLINE.seconds} s")
        except Exception as error:  # A fault of ours must not end the console that was only looking.
            return failed(f"fault while looking it up: {type(error).__name__}")


def _failed(error: str) -> Found:
    return Found(error=error)


def firing_expression(alert: Alert) -> str:
    """Selects the alert's own series among Prometheus' `ALERTS`.

    By its name and its rule's labels: external labels are in Alertmanager's word for it, and not in the series, so
    every other label may also be absent.
    """
    name = _quoted(alert.name)
    others = [
        f"{label}=~{_quoted(_literal(text) + '|')}"
        for label, text in alert.labels
        if label != "alertname" and label.isidentifier() and label.isascii()
    ]
    matchers = ", ".join([f"alertname={name}", 'alertstate="firing"', *others])
    return f"max(ALERTS{{{matchers}}})"


def _literal(text: str) -> str:
    return "".join(f"\\{char}" if char in r"\.+*?()|[]{}^$" else char for char in text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def spans_of(values: tuple[float | None, ...], start: datetime, step: timedelta) -> tuple[Firing, ...]:
    """The spans without a gap between samples that are there and not zero, oldest first."""
    spans: list[Firing] = []
    open_since: datetime | None = None
    for index, sample in enumerate((*values, None)):
        at = start + index * step
        if sample and open_since is None:
            open_since = at
        elif not sample and open_since is not None:
            spans.append(Firing(open_since, at - step))
            open_since = None
    return tuple(spans)
