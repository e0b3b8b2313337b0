"""Who may ask PagerDuty now: acts go before refreshes, and refreshes keep still when PagerDuty asks for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from console.integrations.http.acts import BUSY_SECONDS, LONGEST_BUSY_SECONDS
from console.ports import Busy, Clock

PATIENCE_SECONDS = 30.0
"""How long a refresh waits for the acts before it: longer than any act takes, so that one that hangs starves nobody."""
HEAD_START_SECONDS = 1.0
"""How much later than the acts the refreshes begin again after a 429."""


class Gate:
    """One for each PagerDuty. One console's acts follow each other: the second sees what the first did."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = threading.Condition()
        self._acting = threading.Lock()
        self._acts = 0
        self._quiet_until = float("-inf")

    @contextmanager
    def act(self) -> Iterator[None]:
        """The turn of one act, from its first request to its last."""
        with self._turn:
            self._acts += 1
        try:
            with self._acting:
                yield
        finally:
            with self._turn:
                self._acts -= 1
                self._turn.notify_all()

    def refresh(self, source: str) -> None:
        """The turn of one request of a refresh: waits while acts are under way. Raises Busy after a 429."""
        with self._turn:
            self._turn.wait_for(lambda: not self._acts, PATIENCE_SECONDS)
            left = self._quiet_until - self._clock.monotonic()
        if left > 0:
            raise Busy(f"{source}: not asked: it asked us to slow down, for another {left:.0f} s", left)

    def slow_down(self, seconds: float) -> None:
        """Keeps refreshes quiet for `seconds`, and a little more, so that the acts that wait as well are first."""
        with self._turn:
            self._quiet_until = max(self._quiet_until, self._clock.monotonic() + seconds + HEAD_START_SECONDS)


def asked_to_wait(headers: Mapping[str, str], now: datetime) -> float:
    """The seconds that a 429 asks for, in Retry-After or in PagerDuty's own ratelimit-reset."""
    for text in (headers.get("retry-after", ""), headers.get("ratelimit-reset", "")):
        seconds = _seconds(text.strip(), now)
        if seconds is not None:
            return min(max(seconds, 1.0), LONGEST_BUSY_SECONDS)
    return BUSY_SECONDS


def _seconds(text: str, now: datetime) -> float | None:
    if text.isascii() and text.replace(".", "", 1).isdecimal():
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        return (parsedate_to_datetime(text) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
