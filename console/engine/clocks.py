"""Clocks and identifiers: the real ones, and simulated ones whose runs repeat to the byte."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

TICK_SECONDS = 1.0
"""How often waiting tasks, all together, look whether the wall clock was stepped."""

STEP_SECONDS = 0.5
"""A wall clock that moved this much against the monotonic one was stepped, or the machine slept."""

_BACK = timedelta(seconds=STEP_SECONDS)
_LONGEST_TIMER_SECONDS = 86_400.0
_CALM_PASSES = 3
"""Turns of the loop that a set event needs at most to reach the task that waits for it."""


class _RealTimeClock:
    """What clocks with real timers share: waiting for an instant, an event, or both."""

    def __init__(self) -> None:
        self._alarms: set[asyncio.Future[None]] = set()

    def now(self) -> datetime:
        """The clock's time, aware UTC."""
        raise NotImplementedError

    async def sleep_until(self, when: datetime) -> None:
        """Waits until the clock reads `when`, at once when that has passed, or until it was set back."""
        await self._wait(None, when)

    async def wait(self, event: asyncio.Event, until: datetime | None) -> bool:
        """Waits for an event or an instant (None: for the event alone). Whether it was the event.

        The event is not cleared. When both hold already, it was the event. A clock that was set back ends the wait for
        an instant: whoever counted a span from before would otherwise wait for all that the clock lost.
        """
        return await self._wait(event, until)

    def _real_seconds(self, until: datetime) -> float:
        return (until - self.now()).total_seconds()

    def _waiting(self) -> None:
        """Called when a task begins to wait."""

    async def _wait(self, event: asyncio.Event | None, until: datetime | None) -> bool:
        if event is not None and event.is_set():
            return True
        loop = asyncio.get_running_loop()
        watcher = None if event is None else loop.create_task(event.wait())
        latest = self.now()
        try:
            while watcher is None or not watcher.done():
                if until is not None and self.now() < latest - _BACK:
                    return False
                latest = self.now()
                left = _LONGEST_TIMER_SECONDS if until is None else self._real_seconds(until)
                if left <= 0.0:
                    await asyncio.sleep(0)
                    return False
                alarm = loop.create_future()
                timer = loop.call_later(min(left, _LONGEST_TIMER_SECONDS), _ring, alarm)
                if watcher is not None:
                    watcher.add_done_callback(partial(_ring, alarm))
                self._alarms.add(alarm)
                self._waiting()
                try:
                    await alarm
                finally:
                    timer.cancel()
                    self._alarms.discard(alarm)
            return True
        finally:
            if watcher is not None:
                watcher.cancel()


class SystemClock(_RealTimeClock):
    """The machine's clock.

    While tasks wait, one timer looks once a second, for all of them, whether the wall clock was stepped
    (set by hand, or a laptop that woke up); if so they look at the time again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._offset = self._wall_offset()
        self._ticking: asyncio.AbstractEventLoop | None = None

    def now(self) -> datetime:
        """The wall clock, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def _wall_offset(self) -> float:
        return self.now().timestamp() - self.monotonic()

    def _waiting(self) -> None:
        loop = asyncio.get_running_loop()
        if self._ticking is not loop:
            self._ticking = loop
            loop.call_later(TICK_SECONDS, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        offset = self._wall_offset()
        if abs(offset - self._offset) > STEP_SECONDS:
            self._offset = offset
            for alarm in tuple(self._alarms):
                _ring(alarm)
        if self._alarms:
            loop.call_later(TICK_SECONDS, self._tick, loop)
        else:
            self._ticking = None


@dataclass(eq=False, slots=True)
class _Waiter:
    """A task that waits in a driven clock, for an instant or an event."""

    until: datetime | None
    event: asyncio.Event | None
    alarm: asyncio.Future[None]
    task: str
    number: int

    @property
    def idle(self) -> bool:
        """Whether nothing but time will move it."""
        return not self.alarm.done() and (self.event is None or not self.event.is_set())


class SimulatedClock(_RealTimeClock):
    """A clock that starts where it is told, in one of two ways.

    Paced (`speed` given): simulated seconds pass `speed` times as fast as real ones, for the live demo.
    Driven (no `speed`): time stands still but in `run`, which advances it from one waiting task to the next.
    """

    def __init__(self, start: datetime, speed: float | None = None) -> None:
        super().__init__()
        if speed is not None and not speed > 0.0:
            raise ValueError(f"the speed of a clock must be above 0, not {speed}")
        self._start = self._now = start.astimezone(UTC)
        self._speed = speed
        self._started = time.monotonic()
        self._waiters: set[_Waiter] = set()
        self._arrivals = 0

    def now(self) -> datetime:
        """The simulated time, aware UTC."""
        if self._speed is None:
            return self._now
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Simulated seconds since the clock was made."""
        if self._speed is None:
            return (self._now - self._start).total_seconds()
        return (time.monotonic() - self._started) * self._speed

    def _real_seconds(self, until: datetime) -> float:
        return (until - self.now()).total_seconds() / (self._speed or 1.0)

    async def run(self, until: datetime, engine_tasks: Callable[[], int], *, patience_seconds: float = 60.0) -> None:
        """Drives time to `until`, from one waiting task to the next.

        Advances only while `engine_tasks()` tasks wait in this clock, and wakes one at a time: the earliest;
        of one instant by task name, then in order of arrival. The next wakes when all wait again: no two
        tasks race, and runs repeat to the byte.

        Every task that waits in the clock must be counted by `engine_tasks`. Tasks at work elsewhere, such as
        in a thread, are given real time. Raises RuntimeError when they need more than `patience_seconds`.
        """
        if self._speed is not None:
            raise RuntimeError("a paced clock runs by itself")
        while True:
            await self._all_wait(engine_tasks, patience_seconds)
            due = [waiter for waiter in self._waiters if waiter.until is not None and waiter.until <= until]
            if not due:
                break
            first = min(due, key=lambda waiter: (waiter.until, waiter.task, waiter.number))
            assert first.until is not None
            self._now = max(self._now, first.until.astimezone(UTC))
            self._waiters.discard(first)
            _ring(first.alarm)
        self._now = max(self._now, until.astimezone(UTC))

    def leap(self, until: datetime) -> None:
        """Time passes as on a machine that is asleep: whoever waits is woken late, by the next `run`."""
        self._now = max(self._now, until.astimezone(UTC))

    async def _all_wait(self, engine_tasks: Callable[[], int], patience_seconds: float) -> None:
        calm = turns = 0
        give_up = time.monotonic() + patience_seconds
        while calm < (_CALM_PASSES if any(waiter.event for waiter in self._waiters) else 1):
            await asyncio.sleep(0 if turns < 50 else 0.0005)
            turns += 1
            idle = sum(waiter.idle for waiter in self._waiters)
            calm = calm + 1 if idle >= engine_tasks() else 0
            if not calm and time.monotonic() > give_up:
                names = ", ".join(sorted(waiter.task or "unnamed" for waiter in self._waiters))
                raise RuntimeError(
                    f"simulated time stands still at {self._now:%H:%M:%S}: "
                    f"{idle} of {engine_tasks()} tasks wait in the clock ({names})"
                )

    async def _wait(self, event: asyncio.Event | None, until: datetime | None) -> bool:
        if self._speed is not None:
            return await super()._wait(event, until)
        if event is not None and event.is_set():
            return True
        if until is not None and until <= self._now:
            await asyncio.sleep(0)
            return False
        loop = asyncio.get_running_loop()
        self._arrivals += 1
        waiter = _Waiter(until, event, loop.create_future(), task_name(), self._arrivals)
        watcher = None if event is None else loop.create_task(event.wait())
        if watcher is not None:
            watcher.add_done_callback(partial(_ring, waiter.alarm))
        self._waiters.add(waiter)
        try:
            await waiter.alarm
            return watcher is not None and watcher.done()
        finally:
            self._waiters.discard(waiter)
            if watcher is not None:
                watcher.cancel()


class SystemIds:
    """Random identifiers and jitter."""

    def new(self) -> str:
        """A fresh uuid4, as text."""
        return str(uuid.uuid4())

    def jitter(self) -> float:
        """A number in [0, 1)."""
        return random.random()


class SeededIds:
    """Identifiers and jitter that repeat.

    Every named task draws from a sequence of its own, so that what one task draws does not depend on how
    tasks interleave; unnamed tasks and threads share one.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn: Counter[tuple[str, str]] = Counter()

    def new(self) -> str:
        """The next id, in the shape of a uuid4."""
        return str(uuid.UUID(bytes=self._draw("id")[:16], version=4))

    def jitter(self) -> float:
        """The next number in [0, 1)."""
        return int.from_bytes(self._draw("jitter")[:6], "big") / 2.0**48

    def _draw(self, kind: str) -> bytes:
        key = (kind, task_name())
        self._drawn[key] += 1
        return hashlib.sha256(repr((self._seed, *key, self._drawn[key])).encode()).digest()


def task_name() -> str:
    """The name that was given to the running asyncio task; empty when it has none, and outside of tasks."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return ""
    name = "" if task is None else task.get_name()
    return "" if _DEFAULT_NAME.fullmatch(name) else name


_DEFAULT_NAME = re.compile(r"Task-\d+")


def _ring(alarm: asyncio.Future[None], _: object = None) -> None:
    if not alarm.done():
        alarm.set_result(None)
