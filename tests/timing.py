"""Figures that are claims, measured on a machine that may be busy with something else: the quickest of some tries
counts. A fault of ours is late each time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

TRIES = 5


def in_time(limit: float, ask: Callable[[], T], before: Callable[[], object] = lambda: None) -> T:
    """What `ask` gives, which takes less than `limit` seconds. Who was late is asked anew, after `before`."""
    took: list[float] = []
    while True:
        before()
        began = time.monotonic()
        found = ask()
        took.append(time.monotonic() - began)
        if took[-1] < limit:
            return found
        assert len(took) < TRIES, f"not within {limit} s, but after {took}"


async def soon(limit: float, ask: Callable[[], Awaitable[float]]) -> float:
    """The seconds that `ask` has measured, which are less than `limit`."""
    took: list[float] = []
    while True:
        took.append(await ask())
        if took[-1] < limit:
            return took[-1]
        assert len(took) < TRIES, f"not within {limit} s, but after {took}"
