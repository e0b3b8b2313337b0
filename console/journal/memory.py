"""The journal of the headless demo and of tests: the same contract and the same hashes, and nothing outlives it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from console.journal import leases
from console.journal.codec import EMPTY, Duplicate, Row, draft, recorded, seal, time_text
from console.model.events import Recorded
from console.model.state import State
from console.ports import Append, Clock, Conflict, Head, Lease, NotSaved


class MemoryJournal:
    """A journal in memory. It has no threads and never waits, so that runs repeat to the byte.

    Setting `problem` to a line makes every write raise NotSaved with it, as a full disk would.
    """

    def __init__(self, clock: Clock, *, console: str, mode: str = "live") -> None:
        self.problem = ""
        self.console = console
        """Who writes: in each event's envelope."""
        self._clock, self._mode = clock, mode
        self._rows: list[Row] = []
        self._events: list[Recorded] = []
        self._streams: dict[str, list[Recorded]] = {}
        self._ids: set[str] = set()
        self._lease: Lease | None = None
        self._snapshot: tuple[int, State] | None = None
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def writable(self) -> str:
        """Empty when appends are possible, else one line that says why not."""
        return self.problem

    async def append(self, appends: Sequence[Append], *, fence: int | None = None) -> tuple[Recorded, ...]:
        """Appends to one or several streams, all or nothing.

        Raises what the port says; Unrecordable for an event that cannot be kept faithfully, Duplicate for an id that is
        in the record already.
        """
        drafts = [draft(append) for append in appends]
        self._refuse_writing()
        now, head, rows, events = self._clock.now(), self.head(), list[Row](), list[Recorded]()
        if fence is not None:
            leases.check_fence(self._lease, fence, now)
        versions: dict[str, int] = {}
        for append, new_events in zip(appends, drafts, strict=True):
            version = versions.get(append.stream, len(self._streams.get(append.stream, ())))
            if append.expected is not None and append.expected != version:
                raise Conflict(append.stream, append.expected, version)
            for new in new_events:
                version += 1
                row = seal(new, head, version, time_text(now), self.console, self._mode)
                head = Head(row.seq, row.hash)
                rows.append(row)
                events.append(recorded(row, new.event))
            versions[append.stream] = version
        ids = Counter(row.id for row in rows)
        if known := [id_ for id_ in ids if id_ in self._ids] or [id_ for id_, count in ids.items() if count > 1]:
            raise Duplicate(known)
        self._keep(rows, events)
        return tuple(events)

    def read(self, after: int = 0, limit: int = 10_000) -> list[Recorded]:
        """Events with `seq > after`, in order."""
        return self._events[after : after + limit]

    def stream(self, stream: str) -> list[Recorded]:
        """All events of a stream, in order."""
        return list(self._streams.get(stream, ()))

    def rows(self, after: int = 0, limit: int = 10_000) -> list[Row]:
        """The same as a journal in a file would store them, for `verify`."""
        return self._rows[after : after + limit]

    def head(self) -> Head:
        """The end of the chain; seq 0 and the zero hash for an empty journal."""
        return Head(self._rows[-1].seq, self._rows[-1].hash) if self._rows else EMPTY

    async def changed(self, after: int) -> None:
        """Returns once the journal holds an event with `seq > after`."""
        if len(self._rows) > after:
            return
        waiter = (after, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            await waiter[1]
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def load_snapshot(self) -> tuple[int, State] | None:
        """(seq, state) of the newest snapshot, or None."""
        if self._snapshot is None:
            return None
        seq, state = self._snapshot
        return seq, state.copy()

    async def save_snapshot(self, seq: int, state: State) -> None:
        """Keeps a disposable snapshot of the state after `seq`."""
        self._refuse_writing()
        if not 0 < seq <= len(self._rows):
            raise ValueError(f"no event {seq} to take a snapshot of")
        self._snapshot = (seq, state.copy())

    async def renew(self, holder: str, ttl_seconds: float, *, take: bool = True) -> Lease | None:
        """Renews the holder's lease, or takes it when it is free or expired and `take` is set."""
        self._refuse_writing()
        ttl = timedelta(seconds=ttl_seconds)
        self._lease = leases.renewed(self._lease, holder, self._clock.now(), ttl, take)
        return self.lease()

    async def release(self, holder: str) -> None:
        """Gives the lease back at once, when held."""
        self._refuse_writing()
        self._lease = leases.released(self._lease, holder, self._clock.now())

    def lease(self) -> Lease | None:
        """The lease as it stands, expired or not; None when it was never taken or was given back."""
        return leases.shown(self._lease)

    async def close(self) -> None:
        """Later writes raise NotSaved."""
        self.problem = "the journal is closed"

    def _refuse_writing(self) -> None:
        if self.problem:
            raise NotSaved(self.problem)

    def _keep(self, rows: list[Row], events: list[Recorded]) -> None:
        self._rows += rows
        self._events += events
        for event in events:
            self._ids.add(event.id)
            self._streams.setdefault(event.stream, []).append(event)
        waiting, self._waiters = self._waiters, []
        for after, future in waiting:
            if len(self._rows) <= after:
                self._waiters.append((after, future))
            elif not future.done():
                future.set_result(None)
