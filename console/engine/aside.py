"""What takes longer than a key press may wait is computed aside, out of the loop's way: meanwhile whoever asks gets the
last answer, and of when it is.

An answer is of a key: of everything that it is made of. While nobody asks for another one nothing is computed, and of
what was asked for only the newest is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from console.engine import faults
from console.engine.poller import Offload
from console.model.value import value
from console.ports import Clock

T = TypeVar("T")


@value
class Answer(Generic[T]):
    """`value` is None where a fault of ours left none. `at`: what it is made of was so then, and is not any more; None:
    it is of now."""

    value: T | None
    at: datetime | None = None


@dataclass(slots=True)
class _Job:
    key: Any
    make: Callable[[], Any]
    at: datetime


@dataclass(slots=True)
class _Made:
    key: Any
    value: Any
    at: datetime
    """When somebody asked for just this last."""


class Aside:
    """The work of the task `aside`, one thing at a time. `faults` is where a fault of ours is noted for as long as it
    lasts; `changed` is called, on the loop, with each new answer."""

    def __init__(
        self, clock: Clock, offload: Offload, faults: MutableMapping[str, str], changed: Callable[[], None]
    ) -> None:
        self._clock, self._offload, self._faults, self._changed = clock, offload, faults, changed
        self._wanted: dict[str, _Job] = {}
        self._made: dict[str, _Made] = {}
        self._wake = asyncio.Event()

    def get(self, name: str, key: Any, now: datetime, make: Callable[[], T]) -> Answer[T] | None:
        """The newest answer under a name; None while there is none. `make` runs in a thread: it may use only what does
        not change. It is called where the key is another one than that of the newest answer."""
        made = self._made.get(name)
        if made is not None and made.key == key:
            made.at = now
            self._wanted.pop(name, None)  # It is again as it was.
            return Answer(made.value)
        wanted = self._wanted.pop(name, None)
        if wanted is None or wanted.key != key:
            wanted = _Job(key, make, now)
            self._wake.set()
        self._wanted[name] = wanted
        return Answer(made.value, made.at) if made is not None else None

    async def watch(self) -> None:
        """Computes for ever what is asked for."""
        while True:
            self._wake.clear()
            await self.settle()
            await self._clock.wait(self._wake, None)

    async def settle(self) -> None:
        """Computes what is asked for now, until nothing is."""
        while self._wanted:
            name = next(iter(self._wanted))
            await self._compute(name, self._wanted[name])
            self._changed()

    async def _compute(self, name: str, job: _Job) -> None:
        value, told = None, f"fault in {name}"
        try:
            value = await self._offload(job.make)
            self._faults.pop(told, None)
        except Exception as error:  # It is unknown then, and said: the rest of the Board stays.
            fault = f"{told}: {type(error).__name__}"
            if self._faults.get(told) != fault:  # once, and not with every answer
                faults.note(fault, error)
            self._faults[told] = fault
        self._made[name] = _Made(job.key, value, job.at)
        if self._wanted.get(name) is job:  # and nothing newer
            del self._wanted[name]
