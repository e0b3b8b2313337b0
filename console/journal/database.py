"""The SQLite side of the journal: its tables, its connections, and what its errors mean."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from pathlib import Path
from typing import NamedTuple

from console.journal import files
from console.journal.codec import Row
from console.ports import JournalUnusable

SCHEMA = 1
"""The version of the tables. A journal with a higher one opens read-only."""

BUSY_SECONDS = 3.0
"""How long a write waits for another console's before it counts as not saved."""

COLUMNS = ", ".join(Row._fields)

INSERT = f"INSERT INTO events ({COLUMNS}) VALUES ({', '.join('?' * len(Row._fields))})"

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  version INTEGER NOT NULL,
  kind TEXT NOT NULL,
  kind_version INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  occurred_at TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  actor TEXT NOT NULL,
  login TEXT NOT NULL,
  console TEXT NOT NULL,
  causation TEXT NOT NULL,
  mode TEXT NOT NULL,
  payload BLOB NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (stream, version)
);
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TABLE snapshot (
  seq INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  fold_version INTEGER NOT NULL,
  content TEXT NOT NULL,
  digest TEXT NOT NULL,
  bytes BLOB NOT NULL
);
"""


class Reader(NamedTuple):
    """A connection for reading; a frozen one does not see later commits."""

    connection: sqlite3.Connection
    frozen: bool


def ensure(path: Path, group: str | None) -> None:
    """Makes sure that there is a journal at `path`, private from its first byte.

    A new one is built aside and then linked into place, so that another console that starts now sees no journal or a
    whole one. Raises OSError and sqlite3.Error where the disk does not allow it, JournalUnusable for a wrong group.
    """
    files.make_folder(path.parent, group)
    try:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):
            raise JournalUnusable(f"{path} is no regular file; name another file with --journal")
        if seen.st_size:
            return
        _clear(path)
    except FileNotFoundError:
        pass
    new = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    files.create(new, group)
    try:
        connection = connect(new)
        try:
            connection.executescript(f"BEGIN; {_TABLES}; INSERT INTO meta VALUES ('schema', '{SCHEMA}'); COMMIT")
        finally:
            connection.close()
        with contextlib.suppress(FileExistsError):  # another console was faster
            os.link(new, path)
        files.sync_folder(path.parent)
    finally:
        for leftover in (new, new.with_name(new.name + "-wal"), new.with_name(new.name + "-shm")):
            leftover.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """Removes an empty file, such as mktemp leaves: no journal yet. One that another console has put there in between
    comes back."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    os.rename(path, aside)
    if aside.stat().st_size:
        try:
            os.link(aside, path)
        except FileExistsError:
            raise JournalUnusable(f"two consoles began {path} at once; what one of them wrote is in {aside}") from None
    aside.unlink()


def connect(path: Path) -> sqlite3.Connection:
    """A connection for writing. A commit on it returns after fsync. Raises sqlite3.Error."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: down to the platter
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> Reader | None:
    """A connection for reading, or None while there is no journal. It sees what every console commits.

    On a read-only file system, a journal that was closed in order is read as it lies. Raises sqlite3.Error,
    and JournalUnusable for a file that is no database.
    """
    if _size(path) == 0:
        return None
    uri = path.absolute().as_uri()
    try:
        return Reader(_probe(_connect(f"{uri}?mode=rw")), frozen=False)
    except sqlite3.DatabaseError as error:
        if _name(error) == "SQLITE_NOTADB":
            raise _no_journal(path) from None
        if is_locked(error) or _size(path.with_name(path.name + "-wal")):
            raise
        # SQLite wants a -shm file even for reading; without a log there is nothing in it that we would miss
        return Reader(_probe(_connect(f"{uri}?mode=ro&immutable=1")), frozen=True)


def schema_of(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the tables. Raises JournalUnusable for a database that is no journal."""
    try:
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        return int(row[0])
    except (sqlite3.DatabaseError, TypeError, ValueError) as error:
        if isinstance(error, sqlite3.OperationalError) and "no such" not in str(error):
            raise
        raise _no_journal(path) from None


def _no_journal(path: Path) -> JournalUnusable:
    return JournalUnusable(f"{path} is not a journal of this program; name another file with --journal")


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another console is in the way, and nothing is wrong with the disk."""
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def why(error: sqlite3.Error | OSError, path: Path) -> str:
    """One line on what keeps the journal from being written."""
    if isinstance(error, OSError):
        reason = _ERRNO.get(error.errno or 0, (error.strerror or str(error)).lower())
    else:
        name = _name(error)
        text = str(error).splitlines()[0] if str(error) else name
        if name.startswith("SQLITE_CANTOPEN") and not os.access(path.parent, os.W_OK):
            name = "SQLITE_READONLY"  # the log beside the file is what cannot be opened
        reason = next((words for prefix, words in _REASONS if name.startswith(prefix)), text)
    return f"journal {path}: {reason}"


_REASONS = (
    ("SQLITE_FULL", "the disk is full"),
    ("SQLITE_READONLY", "the file or its folder is read-only"),
    ("SQLITE_IOERR_FSYNC", "the disk refused to make it durable (fsync failed)"),
    ("SQLITE_IOERR_DIR_FSYNC", "the disk refused to make it durable (fsync failed)"),
    ("SQLITE_IOERR_WRITE", "the disk refused a write (input/output error, or a file size limit)"),
    ("SQLITE_IOERR", "input/output error"),
    ("SQLITE_CANTOPEN", "the file cannot be opened"),
    ("SQLITE_PERM", "access denied"),
    ("SQLITE_BUSY", f"another program has held it locked for {BUSY_SECONDS:g} s"),
    ("SQLITE_LOCKED", f"another program has held it locked for {BUSY_SECONDS:g} s"),
    ("SQLITE_CORRUPT", "the file is damaged; see `oncall log verify`"),
    ("SQLITE_NOTADB", "the file is damaged; see `oncall log verify`"),
)

_ERRNO = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "access denied",
    errno.EPERM: "access denied",
    errno.EIO: "input/output error",
    errno.EFBIG: "the file size limit is reached",
}


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", None) or ""


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")  # a shared file must not run functions of its own choice
    except BaseException:
        connection.close()
        raise
    return connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _probe(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Opening is lazy: the first read says whether it works."""
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
