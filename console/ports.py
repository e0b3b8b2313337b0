"""What the engine needs of the world. Integrations, journals and the drill's simulated world implement these."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from console.model.alert import AlertSnapshot
from console.model.board import HealthSnapshot
from console.model.events import Recorded
from console.model.people import Actor
from console.model.reading import Reading
from console.model.value import value


class Clock(Protocol):
    """The only way to the time."""

    def now(self) -> datetime:
        """The wall clock, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for durations inside the process."""
        ...

    async def sleep_until(self, when: datetime) -> None:
        """Waits until the wall clock reads `when`; a stepped clock is noticed within a second."""
        ...

    async def wait(self, event: asyncio.Event, until: datetime) -> bool:
        """Waits for `event` or the instant, whichever comes first; True when it was the event."""
        ...


class Ids(Protocol):
    """The only source of identifiers and jitter."""

    def new(self) -> str:
        """A fresh uuid, as text."""
        ...

    def jitter(self) -> float:
        """A number in [0, 1)."""
        ...


class SourceError(Exception):
    """A source could not answer. The message is one safe line without secrets: what failed, and what to do."""


class Refused(Exception):
    """The record did not take an append, for a reason that is no fault of the disk."""


class Conflict(Refused):
    """The stream has moved on: somebody else appended first. `actual` is its present version."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"{stream} is at version {actual}, not {expected}: somebody else was first")
        self.stream, self.expected, self.actual = stream, expected, actual


class LeaseLost(Refused):
    """The engine that wanted to act no longer holds the lease."""


class ReadOnly(Refused):
    """The journal was opened for reading: `--read-only`, or a journal newer than the program."""


class JournalUnusable(Exception):
    """The journal cannot be opened or read. The message is one line: what is wrong, and what to do."""


class NotSaved(Exception):
    """The journal could not write (disk full, folder read-only, fsync failed). The message is one line."""


@value
class NewEvent:
    """An event on its way into the record."""

    payload: Any
    occurred_at: datetime
    id: str
    causation: str = ""


@value
class Append:
    """Events for one stream. `expected` is the stream's version they were decided on (0: the stream is new);
    None appends whatever the version is."""

    stream: str
    expected: int | None
    events: tuple[NewEvent, ...]
    actor: Actor


@value
class Head:
    """Where the chain ends. Printed as `SEQ:HASH`."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@value
class Lease:
    """Who runs the engine. `epoch` grows with every change of holder and fences late writes."""

    holder: str
    epoch: int
    expires_at: datetime


class Journal(Protocol):
    """The durable record. Its plain methods may be called from any thread, the awaited ones from the loop."""

    @property
    def writable(self) -> str:
        """Empty when appends are possible, else one line that says why not."""
        ...

    async def append(self, appends: Sequence[Append], *, fence: int | None = None) -> tuple[Recorded, ...]:
        """Appends to one or several streams, all or nothing, and returns only after fsync.

        Raises Conflict when a stream is not at its expected version, LeaseLost when `fence` is not the present epoch
        of an unexpired lease, ReadOnly, or NotSaved when the disk failed; nothing is kept in any of these cases.
        """
        ...

    def read(self, after: int = 0, limit: int = 10_000) -> list[Recorded]:
        """Events with `seq > after`, in order."""
        ...

    def stream(self, stream: str) -> list[Recorded]:
        """All events of a stream, in order."""
        ...

    def head(self) -> Head:
        """The end of the chain; seq 0 and the zero hash for an empty journal."""
        ...

    async def changed(self, after: int) -> None:
        """Returns once the journal holds an event with `seq > after`, written by whichever process; within a second."""
        ...

    def load_snapshot(self) -> tuple[int, Any] | None:
        """(seq, state) of the newest snapshot that fits this program and this chain, or None."""
        ...

    async def save_snapshot(self, seq: int, state: Any) -> None:
        """Keeps a disposable snapshot of the state after `seq`."""
        ...

    async def renew(self, holder: str, ttl_seconds: float, *, take: bool = True) -> Lease | None:
        """Renews the lease, or takes it when it is free or expired and `take` is set. Answers how it stands."""
        ...

    async def release(self, holder: str) -> None:
        """Gives the lease back at once, when held."""
        ...

    def lease(self) -> Lease | None:
        """The lease as it stands, expired or not."""
        ...

    async def close(self) -> None:
        """Finishes pending appends and lets go of the file."""
        ...


class Spool(Protocol):
    """Where events wait while the journal cannot be written."""

    def put(self, append: Append) -> None:
        """Keeps one append, fsynced where the disk allows. Never raises for a full or read-only disk: it tries the
        next folder, and memory last. `where` says what it came to."""
        ...

    @property
    def where(self) -> str:
        """The file in use, or "memory only"; empty while nothing was put."""
        ...

    def pending(self) -> list[Append]:
        """What waits, oldest first."""
        ...

    def look(self) -> None:
        """Takes over what processes that are gone have left."""
        ...

    async def merge(self, journal: Journal) -> int:
        """Appends what waits to the journal, each event exactly once even across a crash, and forgets it. The number
        of events merged. Raises NotSaved while the journal still cannot be written."""
        ...


@value
class Query:
    """One expression with a name; the answer must be a single number."""

    name: str
    expr: str


@value
class Series:
    """Values on a regular grid, oldest first; None where there was no sample."""

    values: tuple[float | None, ...]
    start: datetime
    step_seconds: float


class MetricSource(Protocol):
    """Answers expressions. Called in a worker thread."""

    name: str

    def read(self, queries: Sequence[Query]) -> Mapping[str, Reading[float]]:
        """A reading for every query, by name; a bad expression blanks only its own. Raises SourceError when nothing
        could be read."""
        ...

    def read_range(
        self, queries: Sequence[Query], start: datetime, end: datetime, step_seconds: float
    ) -> Mapping[str, Series]:
        """A series for every query that has one, by name. Raises SourceError."""
        ...


class AlertSource(Protocol):
    """The alerts that stand now. Called in a worker thread."""

    name: str

    def read(self) -> AlertSnapshot:
        """Every alert, silenced and inhibited ones too. Raises SourceError."""
        ...


class HealthSource(Protocol):
    """The components' own word on their health. Called in a worker thread."""

    name: str

    def read(self) -> HealthSnapshot:
        """One reading for every component; an endpoint that does not answer is a reading too, no exception."""
        ...


class Flags(Protocol):
    """Sets the share of traffic. Absent (None) in live mode for now: there the step is done by hand."""

    name: str

    def set_percent(self, flag: str, percent: float) -> str:
        """Sets and says in one line what the far side answered. Raises SourceError."""
        ...
