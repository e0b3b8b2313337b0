"""What is looked up while somebody looks: an alert's last day, its runbook, its page's own history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.engine.lookups import Found
    from console.model.alert import Alert
    from console.tui.app import ConsoleApp

FRESH = timedelta(minutes=2)
"""How long an answer is good for."""
KEPT = 50
"""Alerts of which answers are kept."""
REST = 0.4
"""Seconds for which a cursor has to stay before anybody is asked."""


@dataclass(slots=True)
class Looked:
    """The answers about one firing; None while they are under way, absent where nothing is to be asked."""

    at: datetime
    answers: dict[str, Found | None] = field(default_factory=dict)


class LookedUp:
    """Asks once for each firing, and again when the answer is old. `ready` is called with every answer."""

    def __init__(self, app: ConsoleApp, ready: Callable[[], None]) -> None:
        self._app, self._ready = app, ready
        self._found: dict[tuple[str, datetime], Looked] = {}
        self._resting: asyncio.TimerHandle | None = None

    def of(self, alert: Alert) -> dict[str, Found | None]:
        """What is known of it so far."""
        found = self._found.get((alert.fingerprint, alert.starts_at))
        return found.answers if found is not None else {}

    def want(self, alert: Alert, page: str) -> None:
        """Asks now. `page` is the id of its PagerDuty incident, if it has one."""
        key, now = (alert.fingerprint, alert.starts_at), self._app.now
        known = self._found.get(key)
        if known is not None and now - known.at < FRESH:
            return
        while len(self._found) >= KEPT:
            del self._found[next(iter(self._found))]
        self._found[key] = looked = Looked(now, dict(known.answers) if known is not None else {})
        lookups = self._app.engine.lookups
        self._ask(looked, "history", lookups.history(alert))
        self._ask(looked, "runbook", lookups.runbook(alert))
        if page:
            self._ask(looked, "page", lookups.page_log(page))

    def soon(self, alert: Alert, page: str) -> None:
        """Asks once the cursor has rested on it: whoever passes by asks nothing."""
        if self._resting is not None:
            self._resting.cancel()
        loop = asyncio.get_running_loop()
        self._resting = loop.call_later(REST, lambda: self.want(alert, page) if self._app.is_running else None)

    def stop(self) -> None:
        """Asks no more."""
        if self._resting is not None:
            self._resting.cancel()

    def _ask(self, looked: Looked, name: str, question: Awaitable[Found]) -> None:
        looked.answers.setdefault(name, None)

        async def ask() -> None:
            looked.answers[name] = await question
            self._ready()

        self._app.spawn(ask())
