"""The mathematics of the simulated world: noise without state, the day's traffic, and curves with known integrals.

Times are seconds since the world's start as floats. Nothing here remembers anything, so every question about any
instant has one answer, whoever asks and in whatever order.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from functools import lru_cache

from console.model.value import value

DAY_SECONDS = 86_400.0


def digest(text: str, size: int) -> bytes:
    """Bytes that belong to this text, for ids."""
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


@lru_cache(maxsize=4_096)
def noise(seed: int, name: str, slot: int) -> float:
    """A number in [0, 1) that belongs to this seed, name and slot of time."""
    return int.from_bytes(digest(f"{seed}\0{name}\0{slot}", 6), "big") / 2.0**48


def diurnal(unix_seconds: float, *, swing: float = 0.45, peak_hour: float = 14.0) -> float:
    """Traffic at an hour of the day (UTC) as a factor around 1, highest at `peak_hour`."""
    return 1.0 + swing * math.cos(math.tau * (unix_seconds / DAY_SECONDS - peak_hour / 24.0))


@value
class Piece:
    """From `start` on, a value that goes from `first` to `target`: linearly at `rate` per second (a rise), or as
    exp(-t / `tau` seconds) (a fall, and a rise without a rate)."""

    start: float
    first: float
    target: float
    rate: float
    tau: float

    @property
    def _linear(self) -> bool:
        return self.rate > 0.0 and self.target > self.first

    def value(self, at: float) -> float:
        """The value at an instant not before `start`."""
        after = at - self.start
        if self._linear:
            return min(self.target, self.first + self.rate * after)
        return self.target + (self.first - self.target) * math.exp(-after / self.tau)

    def integral(self, begin: float, end: float) -> float:
        """The integral over [begin, end], neither before `start`, in value-seconds."""
        if self._linear:
            full = self.start + (self.target - self.first) / self.rate
            middle = min(max(full, begin), end)
            ramp = (self.value(begin) + self.value(middle)) / 2.0 * (middle - begin)
            return ramp + self.target * (end - middle)
        decayed = math.exp(-(begin - self.start) / self.tau) - math.exp(-(end - self.start) / self.tau)
        return self.target * (end - begin) + (self.first - self.target) * self.tau * decayed

    def crosses(self, level: float) -> float | None:
        """When the value reaches `level` on its way to the target; None when it does not."""
        low, high = sorted((self.first, self.target))
        if not low < level < high:
            return None
        if self._linear:
            return self.start + (level - self.first) / self.rate
        return self.start + self.tau * math.log((self.first - self.target) / (level - self.target))


@value
class Curve:
    """A value that follows steps: 0 at first, and at each step it sets out for a new target."""

    pieces: tuple[Piece, ...]

    @classmethod
    def following(cls, steps: Iterable[tuple[float, float]], *, tau: float, rate: float = 0.0) -> Curve:
        """The curve after (instant, target) steps in order.

        It falls with time constant `tau` seconds, and rises by `rate` per second, or like it falls when `rate` is 0.
        """
        pieces: list[Piece] = []
        for at, target in steps:
            first = pieces[-1].value(at) if pieces else 0.0
            pieces.append(Piece(at, first, target, rate, tau))
        return cls(tuple(pieces))

    def value(self, at: float) -> float:
        """The value at an instant."""
        return next((piece.value(at) for piece in reversed(self.pieces) if at >= piece.start), 0.0)

    def integral(self, begin: float, end: float) -> float:
        """The integral over [begin, end] in value-seconds."""
        total = 0.0
        for piece, stop in self._spans():
            left, right = max(begin, piece.start), min(end, stop)
            if left < right:
                total += piece.integral(left, right)
        return total

    def above(self, level: float) -> list[tuple[float, float]]:
        """The intervals in which the value is above `level`, which is above 0; the last may end at infinity."""
        found: list[tuple[float, float]] = []
        since: float | None = None
        for piece, stop in self._spans():
            crossing = piece.crosses(level)
            if crossing is None or crossing >= stop:
                continue
            if piece.target > level:
                since = crossing
            elif since is not None:
                found.append((since, crossing))
                since = None
        if since is not None:
            found.append((since, math.inf))
        return found

    def _spans(self) -> Iterable[tuple[Piece, float]]:
        stops = [*(piece.start for piece in self.pieces[1:]), math.inf]
        return zip(self.pieces, stops, strict=False)
