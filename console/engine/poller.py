"""One task per source: asks on schedule, keeps the last answer, backs off while there is none.

A source is asked in a thread with a deadline of its own, so that one that hangs delays neither the others nor the keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from console.engine import faults
from console.model.board import SourceStatus
from console.model.reading import ReadingState
from console.model.text import safe
from console.ports import Clock, Ids, Rejected, SourceError

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a blocking function out of the loop's way (in a thread; in simulated time, in place)."""

LONGEST_BACKOFF = timedelta(seconds=60)
BUSY_SHARE = 0.1
"""At most this share of the time is spent asking one source: an answer that took long is asked for less often. Never so
late that the one before would be stale by then: a source that is slow is seen."""


@dataclass(slots=True)
class Poller:
    """Polls `read` and keeps its newest answer in `value`; `changed` is called after every attempt."""

    name: str
    read: Callable[[], Any]
    interval: timedelta
    deadline: timedelta
    clock: Clock
    ids: Ids
    offload: Offload
    changed: Callable[[], None]
    first_after: timedelta = timedelta(0)
    """How long the first question waits: for a source whose library is slow to load, until the screen stands."""
    note: Callable[[Any], str] = lambda _: ""
    """What to know of an answer that came."""
    prepare: Callable[[Any], None] = lambda _: None
    """What else to do with an answer, in its thread."""
    value: Any = None
    at: datetime | None = None
    error: str = ""
    rejected: bool = False
    failures: int = 0
    next_try_at: datetime | None = None
    _asking: bool = False
    _kick: asyncio.Event = field(default_factory=asyncio.Event)

    def refresh(self) -> None:
        """Asks now, also while backing off."""
        self._kick.set()

    async def run(self) -> None:
        """Asks for ever."""
        if self.first_after:
            await self.clock.wait(self._kick, self.clock.now() + self.first_after)
        while True:
            self._kick.clear()
            took = await self.ask()
            pause = self._pause(took)
            self.next_try_at = self.clock.now() + pause
            self.changed()
            await self.clock.wait(self._kick, self.next_try_at)

    async def ask(self) -> timedelta:
        """Asks once, within the deadline, and keeps the answer or the error. How long it took."""
        began = self.clock.monotonic()
        if self._asking:
            self._failed("the request before has not ended yet")
            return timedelta(0)
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):  # wait_for may swallow a cancellation in 3.11
                self.value = await self.offload(self._read)
            self.at, self.error, self.rejected, self.failures = self.clock.now(), "", False, 0
        except SourceError as error:
            self._failed(str(error), rejected=isinstance(error, Rejected))
        except TimeoutError:
            self._failed(f"no answer within {self.deadline.total_seconds():g} s")
        except Exception as error:  # A fault of ours must blank one source, not end the console.
            fault = f"fault in the {self.name} source: {type(error).__name__}"
            if self.error != fault:  # Once, and not with every attempt.
                faults.note(fault, error)
            self._failed(fault)
        return timedelta(seconds=self.clock.monotonic() - began)

    def _read(self) -> Any:
        # A thread that outlives its deadline must not meet the next one in the same source.
        self._asking = True
        try:
            answer = self.read()
            self.prepare(answer)
            return answer
        finally:
            self._asking = False

    def _failed(self, reason: str, *, rejected: bool = False) -> None:
        self.error, self.rejected = safe(reason, 300), rejected
        self.failures += 1

    def _pause(self, took: timedelta) -> timedelta:
        if self.failures:
            # Not by how long it took: one time-out would make it ten times as long until we see again.
            pause = max(self.interval, min(LONGEST_BACKOFF, self.interval * float(2 ** min(self.failures - 1, 6))))
        else:
            # The next one may take as long again, and the pause be 5 % longer.
            pause = max(self.interval, min(took / BUSY_SHARE, self._fresh - 2 * took))
        return pause * (0.95 + 0.1 * self.ids.jitter())

    @property
    def _fresh(self) -> timedelta:
        """How old an answer may be before it is stale."""
        return 3 * self.interval + self.deadline

    def status(self, now: datetime) -> SourceStatus:
        """How the source stands: unreachable after a failure, stale when its answer has outlived three intervals."""
        if self.error:
            state = ReadingState.UNREACHABLE
        elif self.at is None:
            state = ReadingState.NO_DATA
        elif now - self.at > self._fresh:
            state = ReadingState.STALE
        else:
            state = ReadingState.OK
        note = self.note(self.value) if self.at is not None and not self.error else ""
        return SourceStatus(self.name, state, self.at, self.error, self.next_try_at, self.interval, note, self.rejected)
