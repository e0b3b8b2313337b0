"""Where slices are kept: a file of SQLite beside the journal, or memory. A cache: what is lost is read again."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from console.journal import files
from console.model.slices import DAY, Slice, Slices, day
from console.ports import Clock, JournalUnusable, Kept

T = TypeVar("T")

FILE = "slices.db"
SCHEMA = 1
BUSY_SECONDS = 3.0

_TABLES = """
CREATE TABLE IF NOT EXISTS keys (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, used REAL NOT NULL);
CREATE TABLE IF NOT EXISTS days (
  key INTEGER NOT NULL,
  day INTEGER NOT NULL,
  asked REAL,
  slices BLOB,
  PRIMARY KEY (key, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS groups (key TEXT PRIMARY KEY, found TEXT NOT NULL) WITHOUT ROWID;
"""


class MemorySlices:
    """A `SliceStore` that forgets everything when the program ends: for demos, drills, and where there is no disk."""

    def __init__(self, note: str = "") -> None:
        self.note = note
        self._lock = threading.Lock()
        self._slices: dict[str, Slices] = {}
        self._asked: dict[str, dict[int, float]] = {}
        self._groups: dict[str, tuple[Mapping[str, str], ...]] = {}

    def load(self, key: str, since: int) -> Kept:
        """What is kept under a key of the days from that of slice `since` on."""
        with self._lock:
            found, known = Slices(), self._slices.get(key, Slices())
            if known.first is not None and known.newest is not None:
                begin = max(known.first, DAY * day(since))
                if begin <= known.newest:
                    found.load(begin, known.dump(begin, known.newest + 1))
            asked = {index: at for index, at in self._asked.get(key, {}).items() if index >= day(since)}
            return Kept(found, asked)

    def keep(self, rows: Mapping[str, Sequence[Slice]], asked: Mapping[str, Mapping[int, float]] | None = None) -> None:
        """Keeps slices and when which days were asked for."""
        with self._lock:
            for key, slices in rows.items():
                self._slices.setdefault(key, Slices()).put(slices)
            for key, days in (asked or {}).items():
                self._asked.setdefault(key, {}).update(days)

    def groups(self, key: str) -> tuple[Mapping[str, str], ...]:
        """The groups that are known under a key."""
        with self._lock:
            return self._groups.get(key, ())

    def keep_groups(self, key: str, groups: Sequence[Mapping[str, str]]) -> None:
        """Keeps the groups of a key."""
        with self._lock:
            self._groups[key] = tuple(dict(group) for group in groups)

    def drop(self, before: Mapping[str, int], unused_since: datetime) -> None:
        """Forgets old days."""
        with self._lock:
            for key, index in before.items():
                if key in self._slices:
                    self._slices[key].drop_before(DAY * day(index))
                known = self._asked.get(key, {})
                self._asked[key] = {number: at for number, at in known.items() if number >= day(index)}

    def close(self) -> None:
        """Nothing to let go of."""


class SqliteSlices:
    """A `SliceStore` in a file: a row for each day of each SLI. A damaged file is set aside and made anew; where none
    can be written (a full disk, a folder that is read-only), it is memory from then on, and `note` says why."""

    def __init__(self, path: Path, clock: Clock, *, group: str | None = None, read_only: bool = False) -> None:
        self.path, self._clock, self._group, self._read_only = path, clock, group, read_only
        self.note = ""
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._memory = MemorySlices()
        self._opened = False

    def load(self, key: str, since: int) -> Kept:
        """What is kept under a key of the days from that of slice `since` on."""
        kept = self._do(lambda connection: self._load(connection, key, since))
        return kept if kept is not None else self._memory.load(key, since)

    def keep(self, rows: Mapping[str, Sequence[Slice]], asked: Mapping[str, Mapping[int, float]] | None = None) -> None:
        """Keeps slices and when which days were asked for, all or nothing."""
        if self._read_only or self._do(lambda connection: self._keep(connection, rows, asked or {})) is None:
            self._memory.keep(rows, asked)

    def groups(self, key: str) -> tuple[Mapping[str, str], ...]:
        """The groups that are known under a key."""

        def read(connection: sqlite3.Connection) -> tuple[Mapping[str, str], ...]:
            row = connection.execute("SELECT found FROM groups WHERE key = ?", (key,)).fetchone()
            return tuple(json.loads(row[0])) if row is not None else ()

        return self._do(read) or self._memory.groups(key)

    def keep_groups(self, key: str, groups: Sequence[Mapping[str, str]]) -> None:
        """Keeps the groups of a key."""
        text = json.dumps([dict(group) for group in groups])

        def write(connection: sqlite3.Connection) -> bool:
            with _transaction(connection):
                connection.execute("INSERT OR REPLACE INTO groups VALUES (?, ?)", (key, text))
            return True

        if self._read_only or self._do(write) is None:
            self._memory.keep_groups(key, groups)

    def drop(self, before: Mapping[str, int], unused_since: datetime) -> None:
        """Forgets old days, and keys that nobody uses."""
        limit = unused_since.timestamp()

        def write(connection: sqlite3.Connection) -> bool:
            with _transaction(connection):
                for key, index in before.items():
                    number = self._key(connection, key)
                    connection.execute("DELETE FROM days WHERE key = ? AND day < ?", (number, day(index)))
                unused = "SELECT id FROM keys WHERE used < ?"
                connection.execute(f"DELETE FROM days WHERE key IN ({unused})", (limit,))
                connection.execute("DELETE FROM keys WHERE used < ?", (limit,))
            return True

        if not self._read_only:
            self._do(write)
        self._memory.drop(before, unused_since)

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.close()
            self._connection, self._opened = None, True

    def _load(self, connection: sqlite3.Connection, key: str, since: int) -> Kept:
        found, asked = Slices(), dict[int, float]()
        query = "SELECT day, asked, slices FROM days WHERE key = (SELECT id FROM keys WHERE key = ?) AND day >= ?"
        for number, at, data in connection.execute(f"{query} ORDER BY day", (key, day(since))):
            if data is not None:
                try:
                    found.load(DAY * number, data)
                except (ValueError, TypeError):
                    continue  # not what was written: asked for again
            if at is not None:
                asked[int(number)] = float(at)
        if not self._read_only:
            with _transaction(connection):
                connection.execute("UPDATE keys SET used = ? WHERE key = ?", (self._clock.now().timestamp(), key))
        return Kept(found, asked)

    def _keep(
        self,
        connection: sqlite3.Connection,
        rows: Mapping[str, Sequence[Slice]],
        asked: Mapping[str, Mapping[int, float]],
    ) -> bool:
        with _transaction(connection):
            for key in {**rows, **asked}:
                number = self._key(connection, key)
                by_day: dict[int, list[Slice]] = {at: [] for at in asked.get(key, {})}
                for item in rows.get(key, ()):
                    by_day.setdefault(day(item.index), []).append(item)
                for at, new in by_day.items():
                    self._keep_day(connection, number, at, new, asked.get(key, {}).get(at))
        return True

    def _keep_day(
        self, connection: sqlite3.Connection, key: int, number: int, new: Sequence[Slice], asked: float | None
    ) -> None:
        where = "key = ? AND day = ?"
        row = connection.execute(f"SELECT asked, slices FROM days WHERE {where}", (key, number)).fetchone()
        known, data = row if row is not None else (None, None)
        if new:  # another console may have added to the day meanwhile
            whole = Slices()
            if data is not None:
                with contextlib.suppress(ValueError, TypeError):
                    whole.load(DAY * number, data)
            whole.put(new)
            data = whole.dump(DAY * number, DAY * (number + 1))
        at = max((value for value in (known, asked) if value is not None), default=None)
        connection.execute("INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?)", (key, number, at, data))

    def _key(self, connection: sqlite3.Connection, key: str) -> int:
        now = self._clock.now().timestamp()
        used = "ON CONFLICT (key) DO UPDATE SET used = excluded.used"
        connection.execute(f"INSERT INTO keys (key, used) VALUES (?, ?) {used}", (key, now))
        return int(connection.execute("SELECT id FROM keys WHERE key = ?", (key,)).fetchone()[0])

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """The answer; None when there is no file to work on."""
        with self._lock:
            for attempt in (1, 2):
                try:
                    if not self._opened:
                        self._connection = self._open()
                        self._opened = True  # one that is busy now is opened the next time
                    return work(self._connection) if self._connection is not None else None
                except sqlite3.DatabaseError as error:
                    damaged = not isinstance(error, sqlite3.OperationalError)
                    if attempt == 1 and damaged and not self._read_only and self._set_aside():
                        continue
                    if _is_busy(error):
                        return None  # this time
                    self._give_up(str(error))
                except (OSError, JournalUnusable) as error:
                    self._give_up(str(error))
            return None

    def _open(self) -> sqlite3.Connection | None:
        if self._read_only:
            if not self.path.exists():
                return None
            return sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        files.refuse_network(self.path.parent)
        files.make_folder(self.path.parent, self._group)
        with contextlib.suppress(FileExistsError):
            files.create(self.path, self._group)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, SCHEMA):
                raise sqlite3.DatabaseError(f"it is of version {version}")
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> bool:
        """Moves a damaged file out of the way."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection, self._opened = None, False
        try:
            for suffix in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self.path}{suffix}")
            os.replace(self.path, f"{self.path}.damaged")
        except OSError:
            return False
        return True

    def _give_up(self, why: str) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection, self._opened = None, True
        self.note = f"slices of service levels are kept in memory only: {self.path}: {why}"


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
