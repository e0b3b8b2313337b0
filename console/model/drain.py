"""How long until what is in flight has ended, once nothing new is sent there.

*Queue-bound*: so many workers end `completions` per second, whatever waits. What is in flight is a walk with drift
completions - arrivals and variance completions + arrivals per second, and the time until it is empty is inverse
Gaussian (Schroedinger, 1915) about items / (completions - arrivals). Those that are worked on at the end run by
themselves, one with each worker.

*Duration-bound*: each item runs by itself, as requests, workflows and sagas do. Then items / completions is no more
than the mean duration (Little's law), and the last of L items ends by t with (1 - S_r(t))^L. S_r is the survival of the
time that is left of an item met at random: S_r(t) = integral of S from t on, divided by the mean (renewal theory). Of
1200 items with a mean of 120 s, exponential, the last ends after 895 s (P50), and 99 % of them after 553 s.

Which of the two holds is seen while it drains: completions that fall in proportion to what is left, or that stay.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from math import erfc, exp, expm1, inf, isfinite, log, pi, sqrt
from typing import Protocol

from console.model.estimate import Drain
from console.model.value import value

QUEUE, DURATION = "queue", "duration"
MOST = 0.99
"""The share that `Drain.most` is about."""
_LEAST = 4
"""Readings of the decay below which it says nothing."""
_FALLEN = 1.5
"""By what factor what is in flight must have fallen, before the decay says which bound holds."""
_ENDED = 20
"""How many items must have ended before the durations are fitted to the decay."""
_STRETCH = 5.0
"""By no more than this factor durations are longer than the histogram says."""
_SURE = 2.0
"""Standard errors by which the slope must differ from one half, before it says which bound holds."""
_ALONE = 1.0
"""So many items in flight by arrivals alone: it never stays empty."""
_ITEMS, _RATE, _SLOWEST = 1e12, 1e9, 1e-9
"""No service has more in flight, and none ends more in a second; and less than one in thirty years is none."""
FOREVER = 1e9
"""Seconds: what takes longer than thirty years is not told."""
_DOUBLINGS = 200
"""How often the highest time looked at is doubled, at most."""


def plausible_count(value: float | None) -> float | None:
    """How many there are, as it was read; None where it is unknown, or no number of items can be that."""
    return value if value is not None and 0.0 <= value <= _ITEMS else None


def plausible_rate(value: float | None) -> float | None:
    """The same of what arrives or ends per second."""
    if value is None or not 0.0 <= value <= _RATE:
        return None
    return value if value >= _SLOWEST else 0.0


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


# -- which one it is --------------------------------------------------------------------------------------------------


@value
class Seen:
    """What was in flight so many seconds after the share was set to 0 %, and how many ended per second."""

    after: float
    items: float
    completions: float | None = None


@value
class Flow:
    """What is known of what is in flight: `arrivals` per second are those that come in spite of a share of 0 %. `decay`
    is what was seen since then, oldest first; nothing before."""

    items: float
    completions: float | None = None
    arrivals: float = 0.0
    lasting: Residual | None = None
    decay: tuple[Seen, ...] = ()


def slope(decay: Sequence[Seen], arrivals: float = 0.0) -> tuple[float, float] | None:
    """How completions follow what is in flight: 1 in proportion (duration-bound), 0 not at all (queue-bound); the slope
    of their logarithms, and its standard error. None while too little has been seen."""
    points = [(log(items), log(rate)) for items, rate in _rates(decay, arrivals) if items > 0.0 and rate > 0.0]
    if len(points) < _LEAST:
        return None
    xs = [x for x, _ in points]
    if max(xs) - min(xs) < log(_FALLEN):
        return None
    middle_x, middle_y = sum(xs) / len(points), sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x in xs)
    found = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    apart = sum((y - middle_y - found * (x - middle_x)) ** 2 for x, y in points)
    return found, sqrt(apart / (len(points) - 2) / spread)


def _rates(decay: Sequence[Seen], arrivals: float) -> list[tuple[float, float]]:
    """(in flight, ended per second): as measured, or else by what is missing from reading to reading."""
    if all(seen.completions is not None for seen in decay):
        return [(seen.items, seen.completions or 0.0) for seen in decay]
    found = []
    for before, after in pairwise(decay):
        if after.after > before.after:
            rate = (before.items - after.items) / (after.after - before.after) + arrivals
            found.append(((before.items + after.items) / 2.0, rate))
    return found


def drained(flow: Flow, at: datetime | None = None) -> tuple[Drain, Draining | None]:
    """How long it takes from now; the second is None where that is not known, or never. Numbers that no service has
    are unknown."""
    items = plausible_count(flow.items)
    if items is None:
        return Drain("", flow.items, why=f"{flow.items:g} in flight cannot be", at=at), None
    if flow.arrivals and plausible_rate(flow.arrivals) is None:
        return Drain("", items, why=f"{flow.arrivals:g} arrivals per second cannot be", at=at), None
    try:
        found, draining = _drained(_plausible(flow, items), at)
    except (ArithmeticError, ValueError):
        return Drain("", items, why="how long that takes cannot be computed", at=at), None
    told = [seconds for seconds in (found.p50, found.p80, found.p95, found.most) if seconds is not None]
    if any(not isfinite(seconds) or seconds > FOREVER for seconds in told):
        return Drain(found.bound, items, never=True, why=f"it takes longer than {FOREVER:g} s", at=at), None
    return found, draining


def _plausible(flow: Flow, items: float) -> Flow:
    decay = tuple(
        Seen(seen.after, seen.items, plausible_rate(seen.completions))
        for seen in flow.decay
        if plausible_count(seen.items) is not None
    )
    return Flow(items, plausible_rate(flow.completions), plausible_rate(flow.arrivals) or 0.0, flow.lasting, decay)


def _drained(flow: Flow, at: datetime | None) -> tuple[Drain, Draining | None]:
    draining, never, why = _chosen(flow)
    if draining is None:
        return Drain("", flow.items, never=never, why=why, at=at), None
    if flow.items <= 0.0:
        return Drain(draining.bound, 0.0, 0.0, 0.0, 0.0, 0.0, why="nothing is in flight", at=at), None
    p50, p80, p95 = (draining.quantile(share) for share in (0.5, 0.8, 0.95))
    if p95 is None and isinstance(draining, ByDuration):
        lasting = draining.lasting
        why += f"; {lasting.longer:.2%} take longer than {lasting.bounds[-1]:g} s, and nobody knows how much longer"
    found = Drain(draining.bound, flow.items, p50, p80, p95, draining.most(), never, why, at)
    return found, None if p95 is None or never else draining


def _chosen(flow: Flow) -> tuple[Draining | None, bool, str]:
    """By what it is bound, whether it never ends, and why."""
    if flow.items > 0.0 and flow.completions is not None and flow.arrivals >= flow.completions:
        why = f"{flow.arrivals:g} arrive and {flow.completions:g} end per second"
        return None, True, why if flow.completions > 0.0 else "nothing ends"
    rate, over = _steady(flow)
    queue = None
    if rate is not None and rate > flow.arrivals:
        # A histogram by which most of them are worked on at once has the time in the queue in it.
        tail = flow.lasting if flow.lasting is not None and rate * flow.lasting.mean < flow.items / 2.0 else None
        queue = ByQueue(flow.items, rate, flow.arrivals, over, tail)
    if queue is not None and flow.items <= 0.0:
        return queue, False, ""
    lasting = _fitted(flow) if flow.lasting is not None else None
    stays = flow.arrivals * lasting.lasting.mean * lasting.stretch if lasting is not None else 0.0
    left = f"{flow.arrivals:g} still arrive per second: about {stays:.0f} stay in flight"
    follows = slope(flow.decay, flow.arrivals)
    if follows is not None and abs(follows[0] - 0.5) > _SURE * follows[1]:
        steep, shown = follows[0], f"slope {follows[0]:.2f} over {len(flow.decay)} readings"
        if steep >= 0.5 and lasting is not None:
            if stays >= _ALONE:
                return None, True, left
            return lasting, False, f"completions fall with what is in flight ({shown})"
        if steep < 0.5 and queue is not None:
            return queue, False, f"completions stay while what is in flight falls ({shown})"
    if stays >= _ALONE:
        return (None, True, left) if queue is None else (None, False, f"{left}, if each runs by itself")
    known = [item for item in (lasting, queue) if item is not None]
    if not known:
        return None, False, "neither how long items last nor how many end per second is known"
    if len(known) == 1:
        return known[0], False, "by " + ("durations" if known[0] is lasting else "completions") + " alone"
    return max(known, key=_middle), False, "which bound holds is not seen yet: the later one"


def _steady(flow: Flow) -> tuple[float | None, float]:
    """Completions per second, and over how many seconds they were counted: over the whole decay where there is one,
    for those of the last reading are few."""
    seen = [seen.completions for seen in flow.decay if seen.completions is not None]
    if len(seen) < _LEAST:
        return flow.completions, 0.0
    return sum(seen) / len(seen), flow.decay[-1].after - flow.decay[0].after


def _middle(draining: Draining) -> float:
    found = draining.quantile(0.5)
    return inf if found is None else found


def _fitted(flow: Flow) -> ByDuration | None:
    """Durations as they are observed since the share is 0 %: longer than the histogram's by one factor. Never shorter:
    the first items to end say little of the last ones."""
    assert flow.lasting is not None, "asked only then"
    if not flow.decay:
        return ByDuration(flow.items, flow.lasting)
    first, last = flow.decay[0], flow.decay[-1]
    plain = ByDuration(flow.items, flow.lasting, last.after)
    if first.items - last.items < _ENDED or last.items <= 0.0 or last.after <= first.after:
        return plain
    expected = flow.lasting.when(flow.lasting.at(first.after) * last.items / first.items)
    if expected is None or expected <= 0.0:
        return plain
    stretch = min(max(last.after / expected, 1.0), _STRETCH)
    return ByDuration(flow.items, flow.lasting, last.after, stretch)
