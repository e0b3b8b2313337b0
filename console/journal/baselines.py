"""Baselines as files: a folder beside the journal, one file for each, private, written whole or not at all.

A file is lines of JSON: the head, a line for each SLI with what the gauges need, a line for each SLI with its slices,
and the SHA-256 of all before it. Not SQLite: it is written once and never changed, a reader of the first lines need not
read the rest, and it can be copied, compared and kept with what was decided by it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec

from console.journal import files

if TYPE_CHECKING:
    from console.model.baseline import Baseline, Detail  # imported with the first baseline that there is

T = TypeVar("T")

FOLDER = "baselines"
FORMAT, VERSION = "oncall-baseline", 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a baseline may be called."""
_SUFFIX = ".jsonl"
_LINE = 64_000_000
"""Bytes of the longest line that is read."""
_ABANDONED = 86_400.0
"""Seconds after which a file that was never finished is removed."""


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Made when the first baseline is read: every console has the folder, few have one in it."""
    return msgspec.json.Decoder(kind)


class BadBaseline(Exception):
    """A baseline that cannot be used, or not be kept. The message is one line."""


class BaselineFiles:
    """Implements `ports.Baselines`."""

    def __init__(self, folder: Path, group: str | None = None) -> None:
        self.folder, self._group = folder, group
        self._seen: tuple[object, ...] = ()
        self._newest: dict[str, Baseline] = {}

    def names(self) -> list[str]:
        """The baselines that there are, by name."""
        with contextlib.suppress(OSError):
            found = (path.name.removesuffix(_SUFFIX) for path in self.folder.glob(f"*{_SUFFIX}"))
            return sorted(name for name in found if NAME.fullmatch(name))
        return []

    def newest(self, environment: str) -> Baseline | None:
        """The one of an environment that was captured last, without its slices. The files are read when one was added
        or removed; one that cannot be read is passed over. Never raises."""
        stands = tuple(sorted(self._stands()))
        if stands != self._seen:
            self._seen, self._newest = stands, {}
            for name in self.names():
                with contextlib.suppress(BadBaseline):
                    item = self.summary(name)
                    known = self._newest.get(item.environment)
                    if known is None or item.captured_at > known.captured_at:
                        self._newest[item.environment] = item
        return self._newest.get(environment)

    def summary(self, name: str) -> Baseline:
        """A baseline without its slices; its hash is not checked. Raises BadBaseline."""
        with self._open(name) as file:
            return _head(self._lines(file, name), name)[0]

    def read(self, name: str) -> tuple[Baseline, tuple[Detail, ...]]:
        """A baseline with its slices, its hash checked. Raises BadBaseline."""
        from console.model.baseline import Detail

        digest = hashlib.sha256()
        with self._open(name) as file:
            plain = self._lines(file, name)

            def hashed() -> Iterator[bytes]:
                for line in plain:
                    digest.update(line)
                    yield line

            source = hashed()
            baseline, count = _head(source, name)
            try:
                details = tuple(_decoder(Detail).decode(next(source)) for _ in range(count))
                last = json.loads(next(plain))
            except (StopIteration, ValueError, msgspec.MsgspecError) as error:
                raise BadBaseline(f"{self._path(name)}: is damaged ({type(error).__name__})") from None
        found = digest.hexdigest()
        if not isinstance(last, dict) or last.get("sha256") != found:
            raise BadBaseline(f"{self._path(name)}: was changed since it was captured: its hash is another")
        return replace(baseline, hash=found), details

    def keep(self, baseline: Baseline, details: Sequence[Detail]) -> str:
        """Keeps a baseline, fsynced, under its name: its hash. Raises BadBaseline, also when the name is taken."""
        path = self._path(baseline.name)
        waiting = path.with_name(f".{baseline.name}.{os.getpid()}.part")
        try:
            files.make_folder(path.parent, self._group)
            self._sweep()
            with contextlib.suppress(FileNotFoundError):
                waiting.unlink()
            files.create(waiting, self._group)
            try:
                with waiting.open("wb") as file:
                    digest = _write(file, baseline, details)
                    os.fsync(file.fileno())
                os.link(waiting, path)  # as a rename would, but never over another one
            finally:
                waiting.unlink()
            files.sync_folder(path.parent)
        except FileExistsError:
            raise BadBaseline(f"there is a baseline {baseline.name} already: {path}") from None
        except OSError as error:
            raise BadBaseline(f"{path}: cannot be written ({error.strerror})") from None
        return digest

    def taken(self, name: str) -> bool:
        """Whether there is one of that name. Raises BadBaseline when none can have it."""
        return self._path(name).exists()

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise BadBaseline(f"{name[:80]!r} is no name: expected letters, digits, `.`, `_` and `-`, 64 at most")
        return self.folder / f"{name}{_SUFFIX}"

    def _open(self, name: str) -> IO[bytes]:
        path = self._path(name)
        try:
            return path.open("rb")
        except OSError as error:
            raise BadBaseline(f"{path}: cannot be read ({error.strerror})") from None

    def _lines(self, file: IO[bytes], name: str) -> Iterator[bytes]:
        try:
            while line := file.readline(_LINE):
                yield line
        except OSError as error:
            raise BadBaseline(f"{self._path(name)}: cannot be read ({error.strerror})") from None

    def _stands(self) -> Iterator[tuple[str, int, int]]:
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX):
                    seen = entry.stat()
                    yield entry.name, seen.st_mtime_ns, seen.st_size

    def _sweep(self) -> None:
        for path in self.folder.glob(".*.part"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()


def _head(lines: Iterator[bytes], name: str) -> tuple[Baseline, int]:
    from console.model.baseline import Baseline, Measured

    try:
        first = json.loads(next(lines))
        if not isinstance(first, dict) or first.get("format") != FORMAT:
            raise BadBaseline(f"{name}: is no baseline")
        if first.get("version") != VERSION:
            raise BadBaseline(f"{name}: is of version {first.get('version')!r}, this program reads {VERSION}")
        count = int(first["slis"])
        head = msgspec.convert(first["head"], Baseline)
        return replace(head, measured=tuple(_decoder(Measured).decode(next(lines)) for _ in range(count))), count
    except (StopIteration, ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        raise BadBaseline(f"{name}: is damaged ({type(error).__name__})") from None


def _write(file: IO[bytes], baseline: Baseline, details: Sequence[Detail]) -> str:
    digest = hashlib.sha256()

    def put(item: Any) -> None:
        line = msgspec.json.encode(item) + b"\n"
        digest.update(line)
        file.write(line)

    head = {"head": replace(baseline, measured=(), hash="")}
    put({"format": FORMAT, "version": VERSION, "slis": len(baseline.measured), **head})
    for measured in baseline.measured:
        put(measured)
    for detail in details:
        put(detail)
    file.write(msgspec.json.encode({"sha256": digest.hexdigest()}) + b"\n")
    return digest.hexdigest()
