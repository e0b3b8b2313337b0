"""The kinds of events there are, and the envelope around each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from console.model.people import Actor
from console.model.value import value

E = TypeVar("E")

KINDS: dict[tuple[str, int], type[Any]] = {}
"""(kind, kind_version) to the class that holds its payload."""

_NAMES: dict[type[Any], tuple[str, int]] = {}


def event(kind: str, version: int = 1, *, reads: tuple[int, ...] = ()) -> Callable[[type[E]], type[E]]:
    """Registers a payload class under its kind. `reads` are older versions that it can hold, too: those it has only
    added fields with defaults to."""

    def register(cls: type[E]) -> type[E]:
        for readable in (*reads, version):
            KINDS[kind, readable] = cls
        _NAMES[cls] = (kind, version)
        return cls

    return register


def kind_of(payload: object) -> tuple[str, int]:
    """The (kind, kind_version) of a payload. Raises KeyError for a class that is no event."""
    return _NAMES[type(payload)]


@value
class Unknown:
    """The payload of an event whose kind this program does not know: kept raw and shown as such."""

    raw: str


@value
class Recorded:
    """An event as the journal keeps it. `hash` covers `prev_hash`, the header and the payload's bytes.

    `mode` is live, demo or drill. `version` counts within `stream` from 1; `seq` counts over the journal from 1.
    """

    seq: int
    stream: str
    version: int
    kind: str
    kind_version: int
    id: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    console: str
    causation: str
    mode: str
    payload: Any
    prev_hash: str = ""
    hash: str = ""

    @property
    def saved(self) -> bool:
        """False for an event that exists only in the spool: the journal could not be written."""
        return self.seq > 0
