"""How long a drain takes, by what bounds it: the quantiles of when the last item has ended.

*Queue-bound*: so many workers end `completions` per second, whatever waits. What is in flight is a walk with drift
completions - arrivals and variance completions + arrivals per second, and the time until it is empty is inverse
Gaussian (Schroedinger, 1915) about items / (completions - arrivals). Those that are worked on at the end run by
themselves, one with each worker.

*Duration-bound*: each item runs by itself, as requests, workflows and sagas do. Then items / completions is no more
than the mean duration (Little's law), and the last of L items ends by t with (1 - S_r(t))^L. S_r is the survival of the
time that is left of an item met at random: S_r(t) = integral of S from t on, divided by the mean (renewal theory). Of
1200 items with a mean of 120 s, exponential, the last ends after 895 s (P50), and 99 % of them after 553 s.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import erfc, exp, expm1, log, pi, sqrt
from typing import Protocol

from console.model.value import value

QUEUE, DURATION = "queue", "duration"
MOST = 0.99
"""The share that `Drain.most` is about."""
_DOUBLINGS = 200
"""How often the highest time looked at is doubled, at most."""


@value
class Residual:
    """How much longer an item lasts that is in flight now. `alive` is the survival S of the durations at `bounds`,
    linear in between, `left` is S_r there. `beyond`: the share of S_r after the last bound, where nobody knows when."""

    bounds: tuple[float, ...]
    alive: tuple[float, ...]
    left: tuple[float, ...]
    mean: float
    beyond: float = 0.0
    longer: float = 0.0
    """The share of all durations that are above the last bound."""

    def at(self, seconds: float) -> float:
        """S_r: the share that lasts longer than so many seconds."""
        if seconds <= 0.0:
            return 1.0
        place = bisect_right(self.bounds, seconds) - 1
        if place >= len(self.bounds) - 1:
            return self.beyond
        low, high = self.bounds[place], self.bounds[place + 1]
        here, there = self.alive[place], self.alive[place + 1]
        now = here + (there - here) * (seconds - low) / (high - low)
        return self.left[place + 1] + (high - seconds) * (now + there) / 2.0 / self.mean

    def when(self, share: float) -> float | None:
        """After how many seconds no more than `share` is left; None: after the last bound."""
        if share >= 1.0:
            return 0.0
        if share < self.beyond or not self.left:
            return None
        low, high = 0, len(self.left) - 1  # `left` falls
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.left[middle] > share else (low, middle)
        begin, end = self.bounds[low], self.bounds[high]
        here, there = self.alive[low], self.alive[high]
        area = (self.left[low] - share) * self.mean  # of S from `begin` on
        slope = (there - here) / (end - begin)
        root = sqrt(max(0.0, here * here + 2.0 * slope * area))
        step = 2.0 * area / (here + root) if here + root > 0.0 else end - begin
        return min(end, begin + max(0.0, step))


def residual(les: Sequence[float], counts: Sequence[float]) -> Residual | None:
    """Of a histogram of durations: cumulative counts (or rates) at the bounds `les`, the last count being that of
    +Inf. None without events, or where all of them are above the last bound.

    What is above it goes on as it died in the last bucket (exponential) as far as the mean is concerned; when it ends
    is not said.
    """
    if not les or len(counts) != len(les) + 1 or not counts[-1] > 0.0 or not counts[-2] > 0.0:
        return None
    total, highest = counts[-1], 0.0
    alive = [1.0]
    for count in counts[:-1]:
        highest = max(highest, count)  # extrapolated counts may not fall from bucket to bucket
        alive.append(max(0.0, 1.0 - highest / total))
    bounds = [0.0, *les]
    longer = alive[-1]
    tail = longer * _lifetime(bounds, alive) if longer > 0.0 else 0.0
    areas = [
        (bounds[at + 1] - bounds[at]) * (alive[at] + alive[at + 1]) / 2.0 for at in range(len(les))
    ]  # of S in each bucket
    mean = sum(areas) + tail
    if not mean > 0.0:
        return None
    left, rest = [tail / mean], tail
    for area in reversed(areas):
        rest += area
        left.append(rest / mean)
    return Residual(tuple(bounds), tuple(alive), tuple(reversed(left)), mean, tail / mean, longer)


def _lifetime(bounds: Sequence[float], alive: Sequence[float]) -> float:
    """The mean time that is left at the last bound, by how fast they died before it."""
    for at in range(len(bounds) - 1, 0, -1):
        if alive[at - 1] > alive[at]:
            return (bounds[-1] - bounds[at - 1]) / log(alive[at - 1] / alive[at])
    return bounds[-1]


class Draining(Protocol):
    """A drain whose quantiles are known."""

    @property
    def bound(self) -> str:
        """`queue` or `duration`."""

    def quantile(self, share: float) -> float | None:
        """After how many seconds the last item has ended with such a probability; None: nobody knows."""

    def most(self) -> float | None:
        """After how many seconds `MOST` of the items have ended."""

    def after(self, seconds: float) -> float:
        """How many items are left after so many seconds, on average."""


@value
class ByDuration:
    """`items` are in flight `elapsed` seconds after the last new one came; durations are `stretch` times those of the
    histogram."""

    items: float
    lasting: Residual
    elapsed: float = 0.0
    stretch: float = 1.0

    bound = DURATION

    def quantile(self, share: float) -> float | None:
        """The time at which (1 - S_r)^L is `share`."""
        return self._when(-expm1(log(share) / max(1.0, self.items)))

    def most(self) -> float | None:
        """When one in a hundred is left."""
        return self._when(1.0 - MOST)

    def after(self, seconds: float) -> float:
        """Each lasts longer with the same chance."""
        now = self.lasting.at(self.elapsed / self.stretch)
        return self.items * self.lasting.at((self.elapsed + seconds) / self.stretch) / now if now > 0.0 else 0.0

    def _when(self, left: float) -> float | None:
        found = self.lasting.when(left * self.lasting.at(self.elapsed / self.stretch))
        return None if found is None else max(0.0, found * self.stretch - self.elapsed)


@value
class ByQueue:
    """`completions` and `arrivals` per second; more must end than arrive. They were counted `over` so many seconds, and
    are as uncertain as that makes them; 0: they are known."""

    items: float
    completions: float
    arrivals: float = 0.0
    over: float = 0.0
    lasting: Residual | None = None
    """How long one item is worked on: the last ones that are taken up end by themselves. None: not known."""

    bound = QUEUE

    @property
    def _taken(self) -> float:
        """How many are worked on at a time (Little's law)."""
        return self.completions * self.lasting.mean if self.lasting is not None else 0.0

    @property
    def seconds(self) -> float:
        """The mean: 1200 items at 10 a second, with 4 a second still arriving, take 200 s."""
        return self.items / (self.completions - self.arrivals)

    def quantile(self, share: float) -> float | None:
        """Of the inverse Gaussian."""
        drift = self.completions - self.arrivals
        # In units of the mean, whose powers may be beyond all numbers: the variance is both / drift / items there.
        spread = 1.0 / self.items
        if self.over > 0.0:
            spread += 1.0 / (drift * self.over)
        shape = drift / (self.completions + self.arrivals) / spread
        low, high = 0.0, 2.0
        for _ in range(_DOUBLINGS):
            if _inverse_gaussian(high, 1.0, shape) >= share:
                break
            low, high = high, 2.0 * high
        for _ in range(30):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if _inverse_gaussian(middle, 1.0, shape) < share else (low, middle)
        queued = 0.5 * (low + high) * self.seconds
        if self.lasting is None:
            return queued
        last = ByDuration(self._taken, self.lasting).quantile(share)
        return None if last is None else queued * (1.0 - self._taken / self.items) + last

    def most(self) -> float | None:
        """In proportion: the rate stays."""
        return MOST * self.seconds

    def after(self, seconds: float) -> float:
        """In proportion."""
        return max(0.0, self.items - (self.completions - self.arrivals) * seconds)


def _inverse_gaussian(x: float, mean: float, shape: float) -> float:
    if x <= 0.0:
        return 0.0
    root = sqrt(shape / x)
    first, power = root * (x / mean - 1.0), 2.0 * shape / mean
    z = root * (x / mean + 1.0)
    # exp(power) is beyond all numbers where the normal tail is below all: together they are neither.
    second = exp(power) * 0.5 * erfc(z / sqrt(2)) if power < 500 else exp(power - z * z / 2) / (z * sqrt(2 * pi))
    return min(1.0, 0.5 * erfc(-first / sqrt(2)) + second)
