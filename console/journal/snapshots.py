"""Snapshots of the state: disposable, so that opening a long record takes no replay of it.

JSON, not pickle: in a shared journal the file's other writers must not get to run code here.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import NamedTuple

import msgspec

from console.model.state import FOLD_VERSION, State
from console.ports import Head

EVERY = 1_000
"""How many events should lie between two snapshots."""


class Stored(NamedTuple):
    """A snapshot as it lies in its table."""

    seq: int
    hash: str
    fold_version: int
    digest: str
    bytes: bytes

    @property
    def anchor(self) -> Head:
        """The end of the chain when the snapshot was taken."""
        return Head(self.seq, self.hash)

    @property
    def intact(self) -> bool:
        """Whether it lies there as it was stored."""
        try:
            return self.digest == _digest(self.anchor, self.fold_version, self.bytes)
        except (TypeError, AttributeError):
            return False

    def state(self) -> State | None:
        """The state, or None when the snapshot is damaged or made by another version of the fold."""
        if self.fold_version != FOLD_VERSION or not self.intact:
            return None
        try:
            return _decoder().decode(self.bytes)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None


def store(state: State, anchor: Head) -> Stored:
    """The snapshot to keep of the state at `anchor`."""
    raw = msgspec.json.encode(state)
    return Stored(anchor.seq, anchor.hash, FOLD_VERSION, _digest(anchor, FOLD_VERSION, raw), raw)


def _digest(anchor: Head, fold_version: int, raw: bytes) -> str:
    return hashlib.sha256(f"{anchor}:{fold_version}:".encode() + raw).hexdigest()


@cache
def _decoder() -> msgspec.json.Decoder[State]:
    return msgspec.json.Decoder(State)
