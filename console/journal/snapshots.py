"""Snapshots of the state: disposable, so that opening a long record takes no replay of it.

JSON, not pickle: in a shared journal the file's other writers must not get to run code here. A playbook that many runs
were started from is kept once.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any, NamedTuple, get_type_hints

import msgspec

from console.model.playbook import Playbook
from console.model.run import Run
from console.model.state import FOLD_VERSION, State
from console.ports import Head

_RUN = {field.name for field in fields(Run)}


class Stored(NamedTuple):
    """A snapshot as it lies in its table. `content` is the hash of `bytes`, `digest` that of all the rest: the anchor
    can be trusted without reading the bytes."""

    seq: int
    hash: str
    fold_version: int
    content: str
    digest: str
    bytes: bytes = b""

    @property
    def anchor(self) -> Head:
        """The end of the chain when the snapshot was taken."""
        return Head(self.seq, self.hash)

    @property
    def intact(self) -> bool:
        """Whether all but the bytes lies there as it was stored."""
        return self.digest == _digest(self.anchor, self.fold_version, self.content)

    def state(self) -> State | None:
        """The state, or None when the snapshot is damaged or made by another version of the fold."""
        if self.fold_version != FOLD_VERSION or not self.intact or not isinstance(self.bytes, bytes):
            return None
        if hashlib.sha256(self.bytes).hexdigest() != self.content:
            return None
        try:
            return _decode(self.bytes)
        except (msgspec.MsgspecError, UnicodeDecodeError, IndexError):
            return None


def store(state: State, anchor: Head) -> Stored:
    """The snapshot to keep of the state at `anchor`."""
    playbooks: dict[Playbook, int] = {}
    runs = {}
    for run_id, run in state.runs.items():
        number = playbooks.setdefault(run.playbook, len(playbooks))
        runs[run_id] = {name: getattr(run, name) for name in _RUN} | {"playbook": number}
    rest = replace(state, runs={})
    raw = msgspec.json.encode({"playbooks": list(playbooks), "runs": runs, "rest": rest})
    content = hashlib.sha256(raw).hexdigest()
    return Stored(anchor.seq, anchor.hash, FOLD_VERSION, content, _digest(anchor, FOLD_VERSION, content), raw)


def _decode(raw: bytes) -> State:
    with _no_collection():
        stored = _decoder().decode(raw)
        state: State = stored.rest
        for run_id, run in stored.runs.items():
            values = {name: getattr(run, name) for name in _RUN} | {"playbook": stored.playbooks[run.playbook]}
            state.runs[run_id] = Run(**values)
    return state


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    hints = get_type_hints(Run) | {"playbook": int}
    run = msgspec.defstruct("StoredRun", [(name, hints[name]) for name in sorted(_RUN)])
    kept = [("playbooks", list[Playbook]), ("runs", dict[str, run]), ("rest", State)]  # type: ignore[valid-type]
    return msgspec.json.Decoder(msgspec.defstruct("StoredState", kept))


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Hundreds of thousands of new objects, none of them garbage: collecting would double the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _digest(anchor: Head, fold_version: int, content: str) -> str:
    return hashlib.sha256(f"{anchor}:{fold_version}:{content}".encode()).hexdigest()
