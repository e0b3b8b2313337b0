"""Counts of bad and all events per slice of five minutes: what every budget and burn rate is a sum of.

A ratio is always the sum of the bad over the sum of all, never a mean of ratios: the same traffic gives 0.000435 by
sums and 0.0417 by a mean of five-minute ratios (a factor of 96) when an hour of failures has little traffic.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from math import isfinite, isinf
from operator import gt
from typing import Any, TypeVar

from console.model.sli import Part, Sli
from console.model.value import value

T = TypeVar("T")

SLICE = 300
"""Seconds of a slice. Slices lie on multiples of it in unix time; slice s spans (s * SLICE, (s + 1) * SLICE]."""

DAY = 288
"""Slices of a day (of unix time): what is kept, and asked for again, together."""

COMPLETE = 0.95
"""The share of a window's slices that must have been seen for its sums to be whole."""
LATEST = 2
"""Slices without a sample, at the end, after which what was counted before is stale."""

_ROUNDING = 1e-9
"""The share of a total by which a sum of the same numbers, in another order, may be above it."""
_TOTAL, _PART, _DOUBT = 1, 2, 4
_PARTS = (_TOTAL | _PART, _TOTAL | _PART | _DOUBT)
_DOUBTS = (_TOTAL | _DOUBT, _TOTAL | _PART | _DOUBT)


def slot(at: datetime) -> int:
    """The slice that an instant lies in."""
    return int(at.timestamp() // SLICE)


def day(index: int) -> int:
    """The day that a slice lies in; its slices are those from `DAY * day` on."""
    return index // DAY


def instant(index: int) -> datetime:
    """Where a slice begins."""
    return datetime.fromtimestamp(index * SLICE, UTC)


@value
class Sums:
    """What was counted in some slices. `part` is the counted part (bad or good events, as the SLI has it) and `total`
    all events; `seen` says in how many of the `expected` slices the total had samples, `parts` in how many of those the
    part had one, too, and `doubtful` in how many the server itself warned about its answer. `above` is by how much the
    part was above the total, and `below` by how much below zero, in the slices where it was: none of them makes up for
    what was bad in another."""

    part: float = 0.0
    total: float = 0.0
    seen: int = 0
    parts: int = 0
    doubtful: int = 0
    expected: int = 0
    above: float = 0.0
    below: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.part + other.part,
            self.total + other.total,
            self.seen + other.seen,
            self.parts + other.parts,
            self.doubtful + other.doubtful,
            self.expected + other.expected,
            self.above + other.above,
            self.below + other.below,
        )

    @property
    def coverage(self) -> float:
        """The share of the slices that was seen, 0 to 1."""
        return self.seen / self.expected if self.expected else 0.0


@value
class Slice:
    """One slice as it was read. `part` is None where it had no sample though the total had one."""

    index: int
    total: float
    part: float | None
    doubtful: bool = False


class Slices:
    """The slices of one SLI. Not thread-safe. Sums are remembered until a slice changes."""

    __slots__ = ("_first", "_marks", "_memo", "_odd", "_other", "_parts", "_totals")

    def __init__(self, slices: Iterable[Slice] = ()) -> None:
        self._first = 0
        self._parts, self._totals, self._marks = array("d"), array("d"), bytearray()
        self._odd: set[int] = set()
        """The slices whose part is above their total, or below zero: few, if any."""
        self._memo: dict[tuple[int, int], Sums] = {}
        self._other: dict[tuple[Hashable, ...], Any] = {}
        self.put(slices)

    @property
    def first(self) -> int | None:
        """The oldest slice that is kept; None when there is none."""
        return self._first if self._marks else None

    @property
    def newest(self) -> int | None:
        """The newest slice in which the total had a sample; None when there is none."""
        found = len(self._marks.rstrip(b"\0"))
        return self._first + found - 1 if found else None

    def put(self, slices: Iterable[Slice]) -> list[Slice]:
        """Keeps slices, each in place of what was known of it. The answer are those that are new or different."""
        rows = list(slices)
        if rows:
            self._room(min(item.index for item in rows))
            self._room(max(item.index for item in rows))
        changed, first = [], self._first
        marks, totals, parts = self._marks, self._totals, self._parts
        for item in rows:
            mark = _TOTAL | (0 if item.part is None else _PART) | (_DOUBT if item.doubtful else 0)
            at, part = item.index - first, item.part or 0.0
            if marks[at] != mark or totals[at] != item.total or parts[at] != part:
                marks[at], totals[at], parts[at] = mark, item.total, part
                self._note(item.index, part, item.total)
                changed.append(item)
        if changed:
            self._forget()
        return changed

    def put_series(
        self, first: int, totals: Sequence[float | None], shares: Sequence[float | None], *, doubtful: bool = False
    ) -> list[int]:
        """Keeps what was read of the slices from `first` on: None where there was no sample, NaN where it was no
        number, because there was no traffic. With traffic, a part that is no number is not known, and neither is the
        slice. The answer are the slices that are new or different."""
        if not totals:
            return []
        self._room(first)
        self._room(first + len(totals) - 1)
        changed, offset = [], first - self._first
        marks, sums, parts = self._marks, self._totals, self._parts
        full = _TOTAL | _PART | (_DOUBT if doubtful else 0)
        for at, (total, part) in enumerate(zip(totals, shares, strict=True), offset):
            if total is None or isinf(total):
                continue
            mark = full
            if total != total:
                total, part, mark = 0.0, 0.0, full & ~_PART
            elif part is None or (not total and not isfinite(part)):
                part, mark = 0.0, full & ~_PART
            elif not isfinite(part):
                continue
            if marks[at] != mark or sums[at] != total or parts[at] != part:
                marks[at], sums[at], parts[at] = mark, total, part
                self._note(at + self._first, part, total)
                changed.append(at + self._first)
        if changed:
            self._forget()
        return changed

    def drop_before(self, index: int) -> None:
        """Forgets the slices before one."""
        count = min(max(0, index - self._first), len(self._marks))
        del self._marks[:count], self._totals[:count], self._parts[:count]
        self._first += count
        self._odd = {index for index in self._odd if index >= self._first}
        self._forget()

    def dump(self, begin: int, end: int) -> bytes:
        """The slices from `begin` up to, and without, `end`, for `load`."""
        marks, totals, parts = bytearray(end - begin), array("d", bytes(8 * (end - begin))), array("d")
        low, high = max(begin, self._first), min(end, self._first + len(self._marks))
        parts.frombytes(bytes(8 * (end - begin)))
        if low < high:
            here, there = slice(low - begin, high - begin), slice(low - self._first, high - self._first)
            marks[here], totals[here], parts[here] = self._marks[there], self._totals[there], self._parts[there]
        return bytes(marks) + totals.tobytes() + parts.tobytes()

    def load(self, begin: int, data: bytes) -> None:
        """Takes over what `dump` gave, from `begin` on, in place of what was known there. Raises ValueError when it is
        nothing of the kind."""
        count, rest = divmod(len(data), 17)
        if rest or not count or max(data[:count]) > (_TOTAL | _PART | _DOUBT):
            raise ValueError("no slices")
        self._room(begin)
        at = self._room(begin + count - 1) - count + 1
        here = slice(at, at + count)
        self._marks[here] = data[:count]
        self._totals[here] = array("d", data[count : 9 * count])
        self._parts[here] = array("d", data[9 * count :])
        parts, totals = self._parts[here], self._totals[here]
        if self._odd or min(parts) < 0.0 or any(map(gt, parts, totals)):
            for index, part, total in zip(range(begin, begin + count), parts, totals, strict=True):
                self._note(index, part, total)
        self._forget()

    def sums(self, begin: int, end: int) -> Sums:
        """The sums over the slices from `begin` up to, and without, `end`."""
        found = self._memo.get((begin, end))
        if found is None:
            low = min(max(begin - self._first, 0), len(self._marks))
            high = max(low, min(end - self._first, len(self._marks)))
            marks = self._marks[low:high]
            odd = [index - self._first for index in self._odd if begin <= index < end]
            found = self._memo[begin, end] = Sums(
                sum(self._parts[low:high]),
                sum(self._totals[low:high]),
                len(marks) - marks.count(0),
                sum(map(marks.count, _PARTS)),
                sum(map(marks.count, _DOUBTS)),
                max(0, end - begin),
                sum(max(0.0, self._parts[at] - self._totals[at]) for at in odd),
                sum(max(0.0, -self._parts[at]) for at in odd),
            )
        return found

    def remembered(self, what: tuple[Hashable, ...], compute: Callable[[], T]) -> T:
        """What `compute` gives, until a slice changes."""
        if what not in self._other:
            self._other[what] = compute()
        found: T = self._other[what]
        return found

    def gap(self, begin: int, end: int) -> tuple[int, int] | None:
        """From where up to, and without, where slices in [begin, end) are missing, with whatever lies between; None
        when none is."""
        if begin >= end:
            return None
        last = self._first + len(self._marks)
        if not self._marks or end <= self._first or begin >= last:
            return begin, end
        low = self._marks.find(0, max(begin - self._first, 0), min(end - self._first, len(self._marks)))
        high = self._marks.rfind(0, max(begin - self._first, 0), min(end - self._first, len(self._marks)))
        if begin < self._first:
            first = begin
        elif low >= 0:
            first = self._first + low
        elif end > last:
            first = last
        else:
            return None
        if end > last:
            return first, end
        return first, self._first + high + 1 if high >= 0 else self._first

    def between(self, begin: int, end: int) -> Sequence[Slice | None]:
        """The slices from `begin` up to, and without, `end`; None for one that was not seen."""
        return [self._at(index - self._first) for index in range(begin, end)]

    def at(self, index: int) -> Slice | None:
        """One slice; None when it was not seen."""
        return self._at(index - self._first)

    def _note(self, index: int, part: float, total: float) -> None:
        if part < 0.0 or part - total > _ROUNDING * total:
            self._odd.add(index)
        elif self._odd:
            self._odd.discard(index)

    def _forget(self) -> None:
        self._memo.clear()
        self._other.clear()

    def _at(self, at: int) -> Slice | None:
        if not 0 <= at < len(self._marks) or not self._marks[at]:
            return None
        mark = self._marks[at]
        part = self._parts[at] if mark & _PART else None
        return Slice(self._first + at, self._totals[at], part, bool(mark & _DOUBT))

    def _room(self, index: int) -> int:
        """The place of a slice; what lies between it and the others is not seen yet."""
        if not self._marks:
            self._first = index
        before = self._first - index
        if before > 0:
            zeros = array("d", bytes(8 * before))
            self._parts, self._totals = zeros + self._parts, zeros + self._totals
            self._marks = bytearray(before) + self._marks
            self._first = index
        after = index - self._first + 1 - len(self._marks)
        if after > 0:
            self._parts.frombytes(bytes(8 * after))
            self._totals.frombytes(bytes(8 * after))
            self._marks.extend(bytes(after))
        return index - self._first


@value
class History:
    """The slices of an objective's window from `first` on, None for one that was not seen, and by which SLI they were
    measured."""

    first: int
    slices: tuple[Slice | None, ...]
    sli: Sli

    @property
    def counts(self) -> Part:
        """Which part of the total was counted."""
        return self.sli.counts
