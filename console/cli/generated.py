"""Generated files on the disk: what stands there, and writing all of them or none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """How a file stands to what is generated."""

    MISSING = "missing"
    CURRENT = "current"
    OUTDATED = "out of date"
    EDITED = "edited by hand, or not ours"


class Edited(Exception):
    """Files that somebody edited would be overwritten."""


def inspect(folder: Path, files: Mapping[str, str]) -> dict[str, State]:
    """How each file stands."""
    return {name: _state(folder / name, text) for name, text in files.items()}


def write(folder: Path, files: Mapping[str, str], states: Mapping[str, State], *, force: bool) -> None:
    """Writes what is not up to date: all of it or, on any error, nothing.

    Raises Edited, naming the files, unless `force`, and OSError.
    """
    edited = [str(folder / name) for name, state in states.items() if state is State.EDITED]
    if edited and not force:
        raise Edited("\n".join(f"{name}: {State.EDITED}; --force overwrites it" for name in edited))
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    stale = {folder / name: text.encode() for name, text in files.items() if states[name] is not State.CURRENT}
    before = {path: path.read_bytes() if path.exists() else None for path in stale}
    beside: dict[Path, Path] = {}
    replaced: list[Path] = []
    try:
        for path, data in stale.items():
            beside[path] = _written(path, data)
        for path, other in beside.items():
            os.replace(other, path)
            replaced.append(path)
    except BaseException:
        for path in replaced:
            _restore(path, before[path])
        raise
    finally:
        for other in beside.values():
            other.unlink(missing_ok=True)


def _state(path: Path, text: str) -> State:
    from console.reports.generate.seal import is_sealed

    if not os.path.lexists(path):
        return State.MISSING
    try:
        found = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        if found == text.encode():
            return State.CURRENT
        return State.OUTDATED if is_sealed(found.decode()) else State.EDITED
    except (OSError, UnicodeDecodeError):
        return State.EDITED


def _written(path: Path, data: bytes) -> Path:
    """A new file beside the other, with these bytes, on the disk."""
    other = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(other, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        other.unlink(missing_ok=True)
        raise
    return other


def _restore(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        os.replace(_written(path, data), path)
