"""Where slices are kept: a file of SQLite beside the journal, or memory. A cache: what is lost is read again."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from console.model.slices import DAY, Slice, Slices, day
from console.ports import Kept


class MemorySlices:
    """A `SliceStore` that forgets everything when the program ends: for demos, drills, and where there is no disk."""

    def __init__(self, note: str = "") -> None:
        self.note = note
        self._lock = threading.Lock()
        self._slices: dict[str, Slices] = {}
        self._asked: dict[str, dict[int, float]] = {}
        self._groups: dict[str, tuple[Mapping[str, str], ...]] = {}

    def load(self, key: str, since: int) -> Kept:
        """What is kept under a key of the days from that of slice `since` on."""
        with self._lock:
            found, known = Slices(), self._slices.get(key, Slices())
            if known.first is not None and known.newest is not None:
                begin = max(known.first, DAY * day(since))
                if begin <= known.newest:
                    found.load(begin, known.dump(begin, known.newest + 1))
            asked = {index: at for index, at in self._asked.get(key, {}).items() if index >= day(since)}
            return Kept(found, asked)

    def keep(self, rows: Mapping[str, Sequence[Slice]], asked: Mapping[str, Mapping[int, float]] | None = None) -> None:
        """Keeps slices and when which days were asked for."""
        with self._lock:
            for key, slices in rows.items():
                self._slices.setdefault(key, Slices()).put(slices)
            for key, days in (asked or {}).items():
                self._asked.setdefault(key, {}).update(days)

    def groups(self, key: str) -> tuple[Mapping[str, str], ...]:
        """The groups that are known under a key."""
        with self._lock:
            return self._groups.get(key, ())

    def keep_groups(self, key: str, groups: Sequence[Mapping[str, str]]) -> None:
        """Keeps the groups of a key."""
        with self._lock:
            self._groups[key] = tuple(dict(group) for group in groups)

    def drop(self, before: Mapping[str, int], unused_since: datetime) -> None:
        """Forgets old days."""
        with self._lock:
            for key, index in before.items():
                if key in self._slices:
                    self._slices[key].drop_before(DAY * day(index))
                known = self._asked.get(key, {})
                self._asked[key] = {number: at for number, at in known.items() if number >= day(index)}

    def close(self) -> None:
        """Nothing to let go of."""
