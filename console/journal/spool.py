"""Where events wait on disk while the journal cannot be written.

One JSON line for each append, in a file of this process alone, locked for as long as the process lives. A file whose
lock is free belonged to a process that is gone: its lines are taken over. Merging relies on the journal refusing an
event id twice, so that a crash between the append and the removal of the file repeats nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import msgspec

from console.journal import files
from console.journal.codec import Duplicate, decode, draft, time_text
from console.model.events import SpoolMerged, Unknown
from console.model.people import Actor
from console.ports import Append, Clock, Ids, Journal, JournalUnusable, NewEvent

MEMORY = "memory only"


class _Event(msgspec.Struct):
    kind: str
    kind_version: int
    id: str
    occurred_at: str
    causation: str
    payload: msgspec.Raw


class _Line(msgspec.Struct):
    put_at: str
    number: int
    console: str
    stream: str
    actor: Actor
    events: list[_Event]


_LINE = msgspec.json.Decoder(_Line)


@dataclass(slots=True, eq=False)
class _File:
    """A spool file that this process holds the lock of."""

    path: Path
    handle: int
    size: int = 0
    unreadable: list[str] = field(default_factory=list)

    def write(self, line: bytes) -> None:
        """Adds a line, durably. Raises OSError, and the file is as before."""
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self.handle, rest) :]
            os.fsync(self.handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self.handle, self.size)
            raise
        self.size += len(line)

    def remove(self) -> None:
        """Forgets the file. Where the disk does not allow that, its lines are found to be merged at the next start."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(self.handle)


@dataclass(slots=True, eq=False)
class _Waiting:
    append: Append
    console: str
    age: tuple[str, int]
    """Sorts what one process put by its order, and what several put by its time."""
    line: bytes
    file: _File | None = None


class FileSpool:
    """A spool in the first of `folders` that can be written, and in memory where none can.

    `journal` names the journal that the events are meant for, so that a drill's never get into another's record.
    `console` names this process, `actor` whoever is noted as having merged.
    """

    def __init__(
        self, folders: Sequence[Path], clock: Clock, ids: Ids, actor: Actor, *, console: str, journal: str
    ) -> None:
        self._folders, self._clock, self._ids, self._actor, self._console = folders, clock, ids, actor, console
        self._prefix = f"spool-{hashlib.sha256(journal.encode(errors='surrogateescape')).hexdigest()[:12]}-"
        self._waiting: list[_Waiting] = []
        self._files: list[_File] = []
        self._current: _File | None = None
        self._count = 0
        self._changing = threading.Lock()
        """`look` reads in a thread while the loop puts and merges: what it found is taken over as a whole."""
        self.look()

    def put(self, append: Append) -> None:
        """Keeps one append, fsynced where the disk allows. Raises Unrecordable for what no journal would take."""
        self._count += 1
        age = (time_text(self._clock.now()), self._count)
        added = _Waiting(append, self._console, age, _line(append, self._console, age))
        with self._changing:
            self._waiting.append(added)
            for waiting in [waiting for waiting in self._waiting if waiting.file is None]:
                waiting.file = self._write(waiting.line)
                if waiting.file is None:
                    break  # the order of the lines is the order of the events

    @property
    def where(self) -> str:
        """The file in use, or "memory only" when that is so for any of the events; empty while nothing waits."""
        if any(waiting.file is None for waiting in self._waiting):
            return MEMORY
        last = self._waiting[-1].file if self._waiting else None
        return "" if last is None else str(last.path)

    def pending(self) -> list[Append]:
        """What waits, oldest first; that of processes that are gone before our own."""
        return [waiting.append for waiting in self._waiting]

    def look(self) -> None:
        """Takes over what processes that are gone have left."""
        for folder in self._folders:
            self._take_over(folder)

    def others(self) -> list[Append]:
        """What stands in the files of others, locked or not, as far as it can be read. A line that is being written,
        or that nobody knows, is passed over."""
        ours, found = {file.path for file in self._files}, list[tuple[tuple[str, int], Append]]()
        for folder in self._folders:
            with contextlib.suppress(OSError):
                for path in sorted(folder.iterdir()):
                    if path.name.startswith(self._prefix) and path not in ours:
                        found += _lines_of(path)
        return [append for _, append in sorted(found, key=lambda item: item[0])]

    async def merge(self, journal: Journal) -> int:
        """Appends what waits to the journal in one transaction, each event exactly once even across a crash, then
        forgets it. The number of events merged. Raises NotSaved while the journal still cannot be written, ReadOnly."""
        with self._changing:
            batch, held, current = list(self._waiting), list(self._files), self._current
        unreadable = tuple(line for file in held for line in file.unreadable)
        if not batch and not unreadable:
            return 0
        self._current = None  # what is put while we wait goes to a file of its own
        merged = {waiting.append.events[0].id: waiting for waiting in batch if waiting.append.events}
        try:
            while merged or unreadable:
                try:
                    await journal.append(
                        [*_appends(list(merged.values())), self._note(list(merged.values()), unreadable)]
                    )
                    break
                except Duplicate as known:
                    left = {key: waiting for key, waiting in merged.items() if not _has(waiting.append, known.ids)}
                    if len(left) == len(merged):
                        raise
                    merged = left
        except BaseException:
            if self._current is None:
                self._current = current
            raise
        with self._changing:
            self._waiting = [waiting for waiting in self._waiting if waiting not in batch]
            self._files = [file for file in self._files if file not in held]
        for file in held:
            file.remove()
        return sum(len(waiting.append.events) for waiting in merged.values())

    def close(self) -> None:
        """Lets go of the files, and leaves them to the next start."""
        for file in self._files:
            os.close(file.handle)
        self._files, self._current = [], None

    def _note(self, merged: Sequence[_Waiting], unreadable: tuple[str, ...]) -> Append:
        consoles = ", ".join(dict.fromkeys(waiting.console for waiting in merged)) or self._console
        events = sum(len(waiting.append.events) for waiting in merged)
        payload = SpoolMerged(events, consoles, unreadable)
        return Append("journal", None, (NewEvent(payload, self._clock.now(), self._ids.new()),), self._actor)

    def _write(self, line: bytes) -> _File | None:
        """The file that the line went to; None when no folder takes it."""
        if self._current is not None:
            with contextlib.suppress(OSError):
                self._current.write(line)
                return self._current
            self._current = None
        for folder in self._folders:
            with contextlib.suppress(OSError, JournalUnusable):
                self._current = self._create(folder, line)
                self._files.append(self._current)
                return self._current
        return None

    def _create(self, folder: Path, line: bytes) -> _File:
        files.make_folder(folder)
        path = folder / f"{self._prefix}{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        file = _File(path, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(handle, 0o600)
            file.write(line)
            files.sync_folder(folder)
        except OSError:
            file.remove()
            raise
        return file

    def _take_over(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            for path in sorted(folder.iterdir()):
                if path.name.startswith(self._prefix):
                    with contextlib.suppress(OSError):
                        self._read(path)

    def _read(self, path: Path) -> None:
        """Takes over a file that nobody holds; only our own, private ones: others could put words into our mouth."""
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            seen, named = os.fstat(handle), path.stat()
            if not _private(seen) or (seen.st_dev, seen.st_ino) != (named.st_dev, named.st_ino):
                raise PermissionError(path)  # or somebody merged it between our open and our lock
            content = path.read_bytes()
        except OSError:
            os.close(handle)
            raise
        file = _File(path, handle, len(content))
        if not content:
            return file.remove()
        found = []
        for line in content.splitlines(keepends=True):
            try:
                found.append(_read_line(line, file))
            except (ValueError, TypeError):
                file.unreadable.append(line.rstrip(b"\n").decode(errors="backslashreplace"))
        with self._changing:
            self._files.append(file)
            self._waiting = sorted((*self._waiting, *found), key=lambda waiting: waiting.age)
        return None


def _private(seen: os.stat_result) -> bool:
    """Whether a file is one of ours, that nobody else may write or read."""
    return stat.S_ISREG(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o077


def _lines_of(path: Path) -> list[tuple[tuple[str, int], Append]]:
    """The appends of a file that somebody else holds, each with its age."""
    found = []
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            lines = file.read().splitlines(keepends=True) if _private(os.fstat(handle)) else []
        for line in lines:
            with contextlib.suppress(ValueError, TypeError):
                append, _, age = _append_of(line)
                found.append((age, append))
    return found


def _appends(waiting: Sequence[_Waiting]) -> list[Append]:
    return [replace(item.append, expected=None) for item in waiting]


def _has(append: Append, ids: frozenset[str]) -> bool:
    return any(event.id in ids for event in append.events)


def _line(append: Append, console: str, age: tuple[str, int]) -> bytes:
    events = [
        _Event(new.kind, new.kind_version, new.id, new.occurred_at, new.causation, msgspec.Raw(new.payload))
        for new in draft(append)
    ]
    return msgspec.json.encode(_Line(*age, console, append.stream, append.actor, events)) + b"\n"


def _read_line(raw: bytes, file: _File) -> _Waiting:
    """Raises what `_append_of` raises."""
    append, console, age = _append_of(raw)
    return _Waiting(append, console, age, raw, file)


def _append_of(raw: bytes) -> tuple[Append, str, tuple[str, int]]:
    """The append of a line, the console that put it, and its age. Raises ValueError or TypeError for one that was cut
    off, or holds what this program does not know."""
    line, events = _LINE.decode(raw), []
    for event in line.events:
        payload = decode(event.kind, event.kind_version, bytes(event.payload))
        if isinstance(payload, Unknown):
            raise ValueError(f"unknown event {event.kind}")
        events.append(NewEvent(payload, datetime.fromisoformat(event.occurred_at), event.id, event.causation))
    return Append(line.stream, None, tuple(events), line.actor), line.console, (line.put_at, line.number)
