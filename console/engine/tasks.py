"""The engine's tasks: each does its work for ever, and a fault in one is shown, not fatal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import timedelta
from typing import Any

from console.engine import faults
from console.ports import Clock, JournalUnusable

Work = Callable[[], Coroutine[Any, Any, None]]

PATIENCE = timedelta(seconds=5)
"""How long to wait before something is tried again that could not be done."""


class Tasks:
    """Runs named tasks and keeps their faults. `changed` is called with every new fault."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        self._clock, self._changed = clock, changed
        self._running: list[asyncio.Task[None]] = []
        self.faults: dict[str, str] = {}
        """What is wrong with a task, by its name, while it lasts."""

    def __iter__(self) -> Iterator[asyncio.Task[None]]:
        return iter(self._running)

    def start(self, work: Mapping[str, Work]) -> None:
        """Starts more tasks, in this order. Named, so that simulated time can wake them in an order that repeats."""
        self._running += [asyncio.create_task(self._guarded(name, item), name=name) for name, item in work.items()]

    async def stop(self) -> None:
        """Ends them all."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running = []

    def recovered(self, name: str) -> bool:
        """Says that a task works. Whether it had a fault until now."""
        return bool(self.faults.pop(name, ""))

    async def _guarded(self, name: str, work: Work) -> None:
        """Does a task's work for ever. A fault is shown on every screen while it lasts, and the work begins anew: an
        engine that stopped escalating in silence would be worse than one that never ran."""
        while True:
            try:
                await work()
            except JournalUnusable as error:
                self.faults[name] = str(error)
            except Exception as error:
                fault = f"fault in the engine's task {name!r}: {type(error).__name__}"
                if self.faults.get(name) != fault:
                    faults.note(fault, error)
                self.faults[name] = fault
            self._changed()
            await self._clock.sleep_until(self._clock.now() + PATIENCE)
