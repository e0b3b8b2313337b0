"""A value with its evidence: what an outside system said, and when it said it.

Every number on the screen is a `Reading`. A reading that is less than *ok* never turns green: states propagate through
arithmetic by `combine`, and the worst one wins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from console.model.value import value

T = TypeVar("T")
U = TypeVar("U")


class ReadingState(StrEnum):
    """How much a value can be trusted. `STALE` and `PARTIAL` keep their value; the last three have none."""

    OK = "ok"
    PARTIAL = "partial"
    STALE = "stale"
    NO_TRAFFIC = "no_traffic"
    NO_DATA = "no_data"
    UNREACHABLE = "unreachable"


_ORDER = {state: rank for rank, state in enumerate(ReadingState)}


@value
class Reading(Generic[T]):
    """One dated observation.

    `at` is when the source says the value held (aware UTC), `source` names it, `n` counts the samples behind the value,
    `note` says in a few words why the state is less than ok ("covers 1 of 30 d").
    """

    state: ReadingState
    value: T | None = None
    at: datetime | None = None
    source: str = ""
    n: int | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the value may be shown as healthy when it is within its limits."""
        return self.state is ReadingState.OK and self.value is not None

    @property
    def known(self) -> bool:
        """Whether there is a value at all, be it stale or partial."""
        return self.value is not None

    def map(self, function: Callable[[T], U]) -> Reading[U]:
        """The same evidence for a value computed from this one alone."""
        value = None if self.value is None else function(self.value)
        return Reading(self.state, value, self.at, self.source, self.n, self.note)

    def aged(self, now: datetime, limit: timedelta) -> Reading[T]:
        """This reading, marked stale when it is older than `limit` at `now`; worse states are kept."""
        if self.at is None or now - self.at <= limit or _ORDER[self.state] >= _ORDER[ReadingState.STALE]:
            return self
        return replace(self, state=ReadingState.STALE)


def missing(state: ReadingState, source: str, note: str = "", at: datetime | None = None) -> Reading[Any]:
    """A reading without a value: `state` says why there is none."""
    return Reading(state, None, at, source, None, note)


CLOCK_SECONDS = 5.0
"""How far a source's clock may be off before it is said."""


def clock_note(ahead_seconds: float) -> str:
    """What to know of a source whose clock is ahead of ours by so much; empty while that does not matter."""
    if abs(ahead_seconds) < CLOCK_SECONDS:
        return ""
    return f"its clock is {abs(ahead_seconds):.0f} s {'ahead of' if ahead_seconds > 0 else 'behind'} ours"


def combine(function: Callable[..., U], *readings: Reading[Any], source: str = "") -> Reading[U]:
    """`function` of several readings: worst state, oldest instant, smallest sample count.

    Without a value in every input, or when the function divides by zero, there is no value.
    """
    worst = max(readings, key=lambda reading: _ORDER[reading.state])
    instants = [reading.at for reading in readings if reading.at is not None]
    counts = [reading.n for reading in readings if reading.n is not None]
    state, value = worst.state, None
    if all(reading.known for reading in readings):
        try:
            value = function(*(reading.value for reading in readings))
        except ZeroDivisionError:
            state = ReadingState.NO_TRAFFIC
    elif state in (ReadingState.OK, ReadingState.PARTIAL, ReadingState.STALE):
        state = ReadingState.NO_DATA
    return Reading(
        state,
        value,
        min(instants) if instants else None,
        source or worst.source,
        min(counts) if counts else None,
        worst.note,
    )
