"""What the tests of the journal share: a clock to set, appends, and every event there can be."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from console.model import events as ev
from console.model.people import Actor
from console.ports import Append, NewEvent

START = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
ALICE = Actor("alice", "alice")


class SetClock:
    """A wall clock that moves when told."""

    def __init__(self, now: datetime = START) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return (self.instant - START).total_seconds()

    async def sleep_until(self, when: datetime) -> None:
        self.instant = max(self.instant, when)

    async def wait(self, event: asyncio.Event, until: datetime) -> bool:
        self.instant = max(self.instant, until)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


class CountedIds:
    """Identifiers in a row, the same in every run."""

    def __init__(self) -> None:
        self._counter = itertools.count(1)

    def new(self) -> str:
        return str(uuid.UUID(int=next(self._counter)))

    def jitter(self) -> float:
        return 0.5


_IDS = CountedIds()


def event(payload: Any, at: datetime = START, id_: str = "") -> NewEvent:
    return NewEvent(payload, at, id_ or _IDS.new())


def note(text: str, id_: str = "") -> NewEvent:
    return event(ev.NoteAdded(text), id_=id_)


def append(stream: str, expected: int | None, *events: NewEvent, actor: Actor = ALICE) -> Append:
    return Append(stream, expected, events, actor)


def notes(count: int, stream: str = "shift:1") -> list[Append]:
    return [append(stream, None, *(note(f"note {number}") for number in range(count)))]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_BY_TYPE = {
    str: TEXT,
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.timedeltas(timedelta(days=-400), timedelta(days=400)),
}


@lru_cache
def payloads_of(wanted: Any) -> st.SearchStrategy[Any]:
    """Values of a type, all the way down. Not by `from_type`, whose registry is shared with everybody's tests."""
    if wanted in _BY_TYPE:
        return _BY_TYPE[wanted]
    if is_dataclass(wanted):
        hints = get_type_hints(wanted)
        return st.builds(wanted, **{field.name: payloads_of(hints[field.name]) for field in fields(wanted)})
    if get_origin(wanted) is tuple:
        first, *others = get_args(wanted)
        if others == [...]:
            return st.lists(payloads_of(first), max_size=3).map(tuple)
        return st.tuples(*(payloads_of(item) for item in (first, *others)))
    if get_origin(wanted) in (UnionType, Union):
        return st.one_of([payloads_of(item) for item in get_args(wanted)])
    return st.from_type(wanted)  # enums, numbers, None


PAYLOADS = st.sampled_from(sorted(ev.KINDS)).flatmap(lambda kind: payloads_of(ev.KINDS[kind]))
"""Any event of any kind."""
