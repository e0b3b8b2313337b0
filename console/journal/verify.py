"""Checks the chain: that nothing in the record was changed, removed or put in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from console.journal.codec import EMPTY, Row, hash_of
from console.model.value import value
from console.ports import Head, JournalUnusable

BATCH = 5_000


class HasRows(Protocol):
    """A journal, as far as verifying needs it."""

    def rows(self, after: int = 0, limit: int = BATCH) -> list[Row]:
        """Stored events with `seq > after`, in order."""
        ...


@value
class VerifyResult:
    """What verifying found. `head` is the last event that is proven good; `bad_seq` the first that is not, with the
    reason in `why`; None and empty when all is well."""

    head: Head
    bad_seq: int | None = None
    why: str = ""

    @property
    def ok(self) -> bool:
        """Whether the record is whole."""
        return self.bad_seq is None

    def __str__(self) -> str:
        return f"the chain is whole up to {self.head}" if self.ok else f"event {self.bad_seq}: {self.why}"


def verify(journal: HasRows, expect: Head | None = None) -> VerifyResult:
    """Reads the whole record and recomputes every hash.

    A chain alone cannot show that its end was cut off, nor that it was rewritten from some event on: `expect`, a
    `SEQ:HASH` kept elsewhere, does.
    """
    return check(rows_after(journal), expect=expect)


def check(rows: Iterable[Row], start: Head = EMPTY, expect: Head | None = None) -> VerifyResult:
    """Verifies rows that follow `start`, in order. Versions within streams are checked from the beginning only."""
    head = start
    versions: dict[str, int] = {}
    try:
        for row in rows:
            why = _wrong(row, head, versions if start == EMPTY else None)
            if not why and expect is not None and row.seq == expect.seq and row.hash != expect.hash:
                why = f"its hash is {row.hash}, expected {expect.hash}: the record was rewritten"
            if why:
                return VerifyResult(head, head.seq + 1 if "missing" in why else row.seq, why)
            head = Head(row.seq, row.hash)
    except JournalUnusable as error:
        return VerifyResult(head, head.seq + 1, str(error))
    if expect is not None and expect.seq > head.seq:
        return VerifyResult(head, head.seq + 1, f"missing: the record ends at {head.seq}, expected {expect}")
    if expect is not None and expect.seq == 0 and expect != EMPTY:
        return VerifyResult(EMPTY, 0, f"no record starts at {expect}")
    return VerifyResult(head)


def _wrong(row: Row, head: Head, versions: dict[str, int] | None) -> str:
    """One line on what is wrong with a row that should follow `head`; empty when nothing is."""
    if row.seq != head.seq + 1:
        return f"missing: the record jumps from {head.seq} to {row.seq}"
    try:
        actual = hash_of(row)
    except (TypeError, AttributeError, ValueError) as error:
        return f"it was changed: a column holds what was never written there ({type(error).__name__})"
    if row.prev_hash != head.hash:
        return f"the link to event {head.seq} is broken: it names {row.prev_hash}, and that event's hash is {head.hash}"
    if row.hash != actual:
        return f"it was changed: its content hashes to {actual}, its hash is {row.hash}"
    if versions is not None:
        version = versions[row.stream] = versions.get(row.stream, 0) + 1
        if row.version != version:
            return f"it is version {row.version} of {row.stream}, expected {version}"
    return ""


def rows_after(journal: HasRows, seq: int = 0) -> Iterator[Row]:
    """Every row that follows `seq`, a batch at a time."""
    while batch := journal.rows(seq, BATCH):
        yield from batch
        seq = batch[-1].seq
