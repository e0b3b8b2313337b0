"""The durable journal: one SQLite file that several consoles on one host may share."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from console.journal import database, files, leases, snapshots
from console.journal.codec import EMPTY, Duplicate, Row, draft, recorded, seal, time_text
from console.journal.verify import check, rows_after, verify
from console.journal.writer import Group, Writer, head_of
from console.model.events import Recorded
from console.model.state import State
from console.ports import Append, Clock, Conflict, Head, JournalUnusable, Lease, ReadOnly

TAIL = 1_000
"""How many of the last events opening verifies, where no snapshot is anchored later."""

_VERSION = "SELECT coalesce(max(version), 0) FROM events WHERE stream = ?"
_LEASE = "SELECT value FROM meta WHERE key = ?"


class SqliteJournal:
    """A journal in a SQLite file, which is made when it is missing.

    `console` names this process in every event's envelope; `mode` is live, demo or drill. `scope` is what the engine
    acts for, a target: each has a lease of its own. `group` shares the file with a group of this host; otherwise only
    its owner can read it. Opening never fails for a disk that cannot be written:
    `writable` then says why, appends raise NotSaved, and each of them tries again.

    Raises JournalUnusable, with one line, for a file that is no journal, a network file system, or an unknown group.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        console: str,
        mode: str = "live",
        scope: str = "",
        group: str | None = None,
        read_only: bool = False,
    ) -> None:
        self.path = Path(path).absolute()
        self._clock, self._console, self._mode = clock, console, mode
        self._lease = f"lease {scope}"
        self._lock = threading.Lock()
        self._reader: database.Reader | None = None
        self._seen: tuple[int, int] | None = None
        self._closed = False
        self._read_only = "the journal was opened read-only" if read_only else ""
        self._writer = Writer(self.path, group, clock, self._look)
        files.refuse_network(self.path.parent)
        try:
            if not read_only:
                self._prepare(group)
            self._check(group)
        except (sqlite3.Error, OSError) as error:
            self._writer.problem = database.why(error, self.path)
        except BaseException:
            self._close_reader()
            raise

    @property
    def writable(self) -> str:
        """Empty when appends are possible, else one line that says why not."""
        return self._read_only or self._writer.problem

    async def append(self, appends: Sequence[Append], *, fence: int | None = None) -> tuple[Recorded, ...]:
        """Appends to one or several streams, all or nothing, and returns only after fsync.

        The payloads returned are those that a replay will read. A cancelled call may still be carried out. Two appends
        to one stream follow each other, the second's `expected` too. Raises what the port says; Unrecordable for an
        event that cannot be kept faithfully, Duplicate for an id that is in the record already.
        """
        self._refuse_writing()
        return await self._writer.submit(partial(self._store, appends=appends, fence=fence))

    def read(self, after: int = 0, limit: int = 10_000) -> list[Recorded]:
        """Events with `seq > after`, in order. Raises JournalUnusable when the file cannot be read."""
        return [recorded(row) for row in self.rows(after, limit)]

    def stream(self, stream: str) -> list[Recorded]:
        """All events of a stream, in order. Raises JournalUnusable when the file cannot be read."""
        rows = self._select(f"SELECT {database.COLUMNS} FROM events WHERE stream = ? ORDER BY version", (stream,))
        return [recorded(Row._make(row)) for row in rows]

    def rows(self, after: int = 0, limit: int = 10_000) -> list[Row]:
        """Stored events with `seq > after`, in order, undecoded. Raises JournalUnusable."""
        query = f"SELECT {database.COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
        return [Row._make(row) for row in self._select(query, (after, limit))]

    def head(self) -> Head:
        """The end of the chain; seq 0 and the zero hash for an empty journal."""
        rows = self._select("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        return Head(*rows[0]) if rows else EMPTY

    async def changed(self, after: int) -> None:
        """Returns once the journal holds an event with `seq > after`, written by whichever process; within a second."""
        await self._writer.changed(after)

    def load_snapshot(self) -> tuple[int, State] | None:
        """(seq, state) of the newest snapshot that fits this program and this chain, or None."""
        stored = self._snapshot("*")
        row = self._select("SELECT hash FROM events WHERE seq = ?", (stored.seq,)) if stored else []
        if stored is None or not row or row[0][0] != stored.hash:
            return None
        state = stored.state()
        return None if state is None else (stored.seq, state)

    async def save_snapshot(self, seq: int, state: State) -> None:
        """Keeps a disposable snapshot of the state after `seq` instead of older ones. Raises what append raises."""
        self._refuse_writing()
        found = self._select("SELECT seq, hash FROM events WHERE seq = ?", (seq,))
        if not found:
            raise ValueError(f"no event {seq} to take a snapshot of")
        stored = await asyncio.to_thread(snapshots.store, state.copy(), Head(*found[0]))
        await self._writer.submit(partial(_replace_snapshot, stored=stored))

    async def renew(self, holder: str, ttl_seconds: float, *, take: bool = True) -> Lease | None:
        """Renews the holder's lease, or takes it when it is free or expired and `take` is set. The lease as it stands.

        A holder that comes late renews under its old epoch as long as nobody else took the lease. Raises ReadOnly and
        NotSaved.
        """
        self._refuse_writing()
        ttl = timedelta(seconds=ttl_seconds)
        lease = await self._writer.submit(
            lambda group: _change(group, self._lease, leases.renewed, holder, group.now, ttl, take)
        )
        return leases.shown(lease)

    async def release(self, holder: str) -> None:
        """Gives the lease back at once, when held. Raises ReadOnly and NotSaved."""
        self._refuse_writing()
        await self._writer.submit(lambda group: _change(group, self._lease, leases.released, holder, group.now))

    def lease(self) -> Lease | None:
        """The lease as it stands, expired or not; None when it was never taken or was given back."""
        return leases.shown(_stored_lease(self._select(_LEASE, (self._lease,))))

    async def close(self) -> None:
        """Finishes pending appends and lets go of the file."""
        await self._writer.close()
        with self._lock:
            self._closed = True
            self._close_reader()

    # -- writing, in the writer's thread ------------------------------------------------------------------------------

    def _refuse_writing(self) -> None:
        if self._read_only:
            raise ReadOnly(self._read_only)

    def _store(self, group: Group, *, appends: Sequence[Append], fence: int | None) -> tuple[Recorded, ...]:
        drafts = [draft(append) for append in appends]
        if fence is not None:
            stored = group.connection.execute(_LEASE, (self._lease,)).fetchall()
            leases.check_fence(_stored_lease(stored), fence, group.now)
        now, rows, events = time_text(group.now), [], []
        versions: dict[str, int] = {}
        for append, new_events in zip(appends, drafts, strict=True):
            version = versions.get(append.stream, group.versions.get(append.stream))
            if version is None:
                version = group.connection.execute(_VERSION, (append.stream,)).fetchone()[0]
            if append.expected is not None and append.expected != version:
                raise Conflict(append.stream, append.expected, version)
            for new in new_events:
                version += 1
                row = seal(new, group.head, version, now, self._console, self._mode)
                group.head = Head(row.seq, row.hash)
                rows.append(row)
                events.append(recorded(row, new.event))
            versions[append.stream] = version
        try:
            group.connection.executemany(database.INSERT, rows)
        except sqlite3.IntegrityError:
            raise Duplicate(_present(group.connection, rows)) from None
        group.versions.update(versions)
        return tuple(events)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _prepare(self, group: str | None) -> None:
        database.ensure(self.path, group)
        for needed in (self.path, self.path.parent):
            if not os.access(needed, os.W_OK):
                self._writer.problem = f"journal {self.path}: {needed} is read-only for this user"

    def _check(self, group: str | None) -> None:
        """Looks at the schema, the modes, the snapshot's anchor and the tail of the chain."""
        with self._lock:
            reader = self._open_reader()
            if reader is None:
                return
            schema = database.schema_of(reader.connection, self.path)
        if schema > database.SCHEMA:
            self._read_only = (
                f"journal {self.path} has schema {schema}, this program knows {database.SCHEMA}: "
                "opened read-only; update the program"
            )
            return
        if not self._read_only:
            files.tighten(self.path, group)  # now that it is surely ours
        if (why := self._damage()) is not None:
            self._read_only = f"journal {self.path}: {why}; opened read-only, see `oncall log verify`"

    def _damage(self) -> str | None:
        """What is wrong with the record, as far as its tail shows; None when nothing is.

        The tail begins at the newest snapshot, whose hash must be the event's: it was taken when that event was
        the last. A damaged snapshot is no evidence against the record.
        """
        last = self.head().seq
        stored = self._snapshot("seq, hash, fold_version, content, digest")
        anchor = stored.anchor if stored is not None and stored.intact else None
        first = anchor.seq if anchor else max(last - TAIL, 1)
        rows = rows_after(self, first - 1)
        start = self.rows(first - 1, 1)
        if start and start[0].seq == first and isinstance(start[0].prev_hash, str):
            if check(rows, Head(first - 1, start[0].prev_hash), anchor).ok:
                return None
        elif last == 0 and anchor is None:
            return None
        result = verify(self, anchor)
        return None if result.ok else str(result)

    def _snapshot(self, columns: str) -> snapshots.Stored | None:
        rows = self._select(f"SELECT {columns} FROM snapshot ORDER BY seq DESC LIMIT 1")
        return snapshots.Stored(*rows[0]) if rows else None

    def _select(self, query: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock:
            try:
                reader = self._open_reader()
                return reader.connection.execute(query, parameters).fetchall() if reader else []
            except (sqlite3.Error, OSError) as error:
                raise JournalUnusable(database.why(error, self.path)) from None

    def _open_reader(self) -> database.Reader | None:
        """The connection for reading. One that was opened frozen is given up as soon as somebody writes."""
        if self._closed:
            raise JournalUnusable(f"journal {self.path}: closed")
        if self._reader is not None and self._reader.frozen and self.path.with_name(self.path.name + "-wal").exists():
            self._close_reader()
        if self._reader is None:
            self._reader = database.connect_reader(self.path)
        return self._reader

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.connection.close()

    def _look(self, force: bool) -> int | None:
        """The head's seq when somebody may have committed since the last look. Called in the writer's thread."""
        try:
            with self._lock:
                reader = self._open_reader()
                if reader is None:
                    return None
                (version,) = reader.connection.execute("PRAGMA data_version").fetchone()
                seen = (id(reader), version)
                if seen == self._seen and not force:
                    return None
                self._seen = seen
                return head_of(reader.connection).seq
        except (sqlite3.Error, OSError, JournalUnusable):
            return None  # the next look may fare better


def _present(connection: sqlite3.Connection, rows: list[Row]) -> list[str]:
    """The ids that the record held before these rows (some are in the table by now), or those that occur twice."""
    query = "SELECT 1 FROM events WHERE id = ? AND seq < ?"
    known = [row.id for row in rows if connection.execute(query, (row.id, rows[0].seq)).fetchone()]
    return known or [id_ for id_, count in Counter(row.id for row in rows).items() if count > 1]


def _stored_lease(rows: list[Any]) -> Lease | None:
    if not rows:
        return None
    epoch: Any = 0
    try:
        holder, epoch, expires_at = json.loads(rows[0][0])
        return Lease(str(holder), int(epoch), datetime.fromisoformat(expires_at))
    except (TypeError, ValueError):  # Only a hand can have left it so; it counts as run out, and is written anew.
        return Lease("", epoch if isinstance(epoch, int) else 0, datetime.min.replace(tzinfo=UTC))


def _change(group: Group, key: str, change: Callable[..., Lease | None], *arguments: Any) -> Lease | None:
    before = _stored_lease(group.connection.execute(_LEASE, (key,)).fetchall())
    after = change(before, *arguments)
    if after is not None and after != before:
        stored = json.dumps([after.holder, after.epoch, time_text(after.expires_at)])
        group.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, stored))
    return after


def _replace_snapshot(group: Group, *, stored: snapshots.Stored) -> None:
    group.connection.execute("DELETE FROM snapshot")
    group.connection.execute("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?)", stored)
