"""Events as bytes, and the chain that binds them. Every journal shares this, so equal input gives equal hashes.

The layout, so that a stranger can check a journal without this program:

* **Payload**: one JSON object in UTF-8 with the fields of the event's class. It is stored verbatim and never
  re-encoded. Instants are `YYYY-MM-DDTHH:MM:SS.ffffffZ` (UTC, always 6 fraction digits), durations ISO 8601 (`PT90S`).
  Numbers are finite.
* **Header**: one JSON object in UTF-8, keys sorted, no white space, only the escapes that JSON demands: `actor`,
  `causation`, `console`, `id`, `kind`, `kind_version`, `login`, `mode`, `occurred_at`, `recorded_at`, `seq`, `stream`,
  `version`. It is not stored; it is rebuilt from the columns of those names.
* **Hash**: `sha256(prev_hash + header + payload)`, with `prev_hash` as its 64 lower-case hex digits in ASCII and
  nothing in between; written as 64 lower-case hex digits. The first event's `prev_hash` is 64 zeros.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, lru_cache
from math import isfinite
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from console.model.events import KINDS, Recorded, Unknown, kind_of
from console.model.people import Actor
from console.ports import Append, Head, JournalUnusable, Refused

ZERO_HASH = "0" * 64
EMPTY = Head(0, ZERO_HASH)
"""The head of a journal without events."""


class Unrecordable(Refused):
    """An event that the record cannot keep faithfully: a non-finite number, a time without a zone, no known kind."""


class Duplicate(Refused):
    """Events with these ids are in the record already."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"already in the record: {', '.join(ids)}")
        self.ids = frozenset(ids)


class Row(NamedTuple):
    """An event as stored, column by column; times are text."""

    seq: int
    stream: str
    version: int
    kind: str
    kind_version: int
    id: str
    occurred_at: str
    recorded_at: str
    actor: str
    login: str
    console: str
    causation: str
    mode: str
    payload: bytes
    prev_hash: str
    hash: str


class Draft(NamedTuple):
    """An event ready to be stored, but for its place in the record. `event` is the payload as a replay will see it."""

    stream: str
    kind: str
    kind_version: int
    id: str
    occurred_at: str
    actor: Actor
    causation: str
    payload: bytes
    event: Any


def time_text(when: datetime) -> str:
    """An instant in UTC with 6 fraction digits. Raises Unrecordable for a time without a zone."""
    if when.tzinfo is not UTC:
        if when.utcoffset() is None:
            raise Unrecordable(f"the time {when.isoformat()} has no zone; expected an aware instant")
        when = when.astimezone(UTC)
    return when.isoformat(timespec="microseconds")[:-6] + "Z"


def encode(payload: object) -> bytes:
    """The bytes of an event's payload. Raises Unrecordable for what would not survive the round trip."""
    try:
        kind, version = kind_of(payload)
    except KeyError:
        raise Unrecordable(f"{type(payload).__name__} is no event of this program") from None
    return _encode(payload, kind, version)[0]


def decode(kind: str, kind_version: int, raw: bytes) -> Any:
    """The payload of stored bytes: `events.Unknown` for a kind that this program does not know, or whose bytes do not
    have the shape of their kind."""
    try:
        found = _decoder(kind, kind_version).decode(raw)
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError):
        return Unknown(raw.decode(errors="backslashreplace"))
    # A time without a zone is no instant: whatever compares it would stop. Where none looks so, none is.
    naive = _NAIVE.search(raw) is not None and not _aware(found)
    return Unknown(raw.decode(errors="backslashreplace")) if naive else found


_NAIVE = re.compile(rb'"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?"')


def _aware(value: Any) -> bool:
    """Whether every time in it has a zone."""
    if isinstance(value, datetime):
        return value.tzinfo is not None
    if isinstance(value, tuple):
        return all(map(_aware, value))
    kind: Any = type(value)
    return all(_aware(getattr(value, name)) for name in _dated(kind))


@cache
def _dated(kind: Any) -> tuple[str, ...]:
    """The fields of a value that may hold a time, however deep."""
    if not is_dataclass(kind):
        return ()
    return tuple(name for name, hint in get_type_hints(kind).items() if _holds_time(hint))


def _holds_time(hint: Any) -> bool:
    if hint is datetime or ((parts := get_args(hint)) and any(map(_holds_time, parts))):
        return True
    return bool(_dated(hint))


def draft(append: Append) -> list[Draft]:
    """The events of an append, encoded. Raises Unrecordable, with one line."""
    drafts = []
    for new in append.events:
        try:
            kind, version = kind_of(new.payload)
        except KeyError:
            raise Unrecordable(f"{type(new.payload).__name__} is no event of this program") from None
        words = (append.stream, new.id, append.actor.name, append.actor.login, new.causation)
        try:
            "".join(words).encode()
        except UnicodeEncodeError:
            raise Unrecordable(f"{kind}: the text of its envelope is not valid Unicode") from None
        payload, event = _encode(new.payload, kind, version)
        when = time_text(new.occurred_at)
        drafts.append(Draft(append.stream, kind, version, new.id, when, append.actor, new.causation, payload, event))
    return drafts


def seal(new: Draft, head: Head, version: int, recorded_at: str, console: str, mode: str) -> Row:
    """Gives a draft its place after `head`, and its hash."""
    row = (
        head.seq + 1,
        new.stream,
        version,
        new.kind,
        new.kind_version,
        new.id,
        new.occurred_at,
        recorded_at,
        new.actor.name,
        new.actor.login,
        console,
        new.causation,
        mode,
    )
    return Row(*row, new.payload, head.hash, _hash(head.hash, _header(*row), new.payload))


def hash_of(row: Row) -> str:
    """The hash that belongs to a row's content, whatever its own says."""
    return _hash(row.prev_hash, header(row), row.payload)


def header(row: Row) -> bytes:
    """The header of a row as it is hashed."""
    return _header(*row[:13])


def _hash(prev_hash: str, head: bytes, payload: bytes) -> str:
    return hashlib.sha256(prev_hash.encode() + head + payload).hexdigest()


def _header(
    seq: int,
    stream: str,
    version: int,
    kind: str,
    kind_version: int,
    id_: str,
    occurred_at: str,
    recorded_at: str,
    actor: str,
    login: str,
    console: str,
    causation: str,
    mode: str,
) -> bytes:
    return _HEADER.encode(
        {
            "actor": actor,
            "causation": causation,
            "console": console,
            "id": id_,
            "kind": kind,
            "kind_version": kind_version,
            "login": login,
            "mode": mode,
            "occurred_at": occurred_at,
            "recorded_at": recorded_at,
            "seq": seq,
            "stream": stream,
            "version": version,
        }
    )


def recorded(row: Row, event: Any = None) -> Recorded:
    """A row as the rest of the program sees it. `event` is its payload where that is decoded already.

    Raises JournalUnusable for a row that only somebody's hand can have left so.
    """
    try:
        occurred_at, recorded_at = datetime.fromisoformat(row.occurred_at), datetime.fromisoformat(row.recorded_at)
    except (TypeError, ValueError):
        raise JournalUnusable(
            f"event {row.seq} was changed: its times cannot be read; see `oncall log verify`"
        ) from None
    if type(row.payload) is not bytes:  # SQLite's own shell, say, leaves text
        raise JournalUnusable(f"event {row.seq} was changed: its payload is no bytes any more; see `oncall log verify`")
    return Recorded(
        seq=row.seq,
        stream=row.stream,
        version=row.version,
        kind=row.kind,
        kind_version=row.kind_version,
        id=row.id,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        actor=_actor(row.actor, row.login),
        console=row.console,
        causation=row.causation,
        mode=row.mode,
        payload=decode(row.kind, row.kind_version, row.payload) if event is None else event,
        prev_hash=row.prev_hash,
        hash=row.hash,
    )


def plain(value: Any) -> Any:
    """A value in terms that JSON has, times with 6 fraction digits. Raises Unrecordable for a non-finite number, a time
    without a zone, or a type the record does not know."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None or kind is timedelta:
        return value
    if kind is float:
        if not isfinite(value):
            raise Unrecordable(f"the number {value} is not finite")
        return value
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in _names(kind)}  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, frozenset | set):
        return sorted(plain(item) for item in value)
    raise Unrecordable(f"a {kind.__name__} cannot be recorded")


_HEADER = msgspec.json.Encoder()  # the keys are written in order
_PAYLOAD = msgspec.json.Encoder()


def _encode(payload: object, kind: str, version: int) -> tuple[bytes, Any]:
    """The bytes and what they read back as: what cannot be read back must not become the record."""
    try:
        raw = _PAYLOAD.encode(plain(payload))
        return raw, _decoder(kind, version).decode(raw)
    except Unrecordable as error:
        raise Unrecordable(f"{kind}: {error}") from None
    except UnicodeEncodeError:
        raise Unrecordable(f"{kind}: its text is not valid Unicode") from None
    except msgspec.MsgspecError as error:
        raise Unrecordable(f"{kind}: {error}") from None


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _decoder(kind: str, kind_version: int) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(KINDS[kind, kind_version])


@lru_cache(maxsize=1024)
def _actor(name: str, login: str) -> Actor:
    return Actor(name, login)
