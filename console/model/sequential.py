"""Confidence sequences: bounds on a share of events that hold however often they are looked at.

The evidence against a share p0 is the mixture likelihood ratio of `bad` among `total` events (Robbins 1970; Howard,
Ramdas, McAuliffe, Sekhon 2021), in closed form

    M(p0) = B(a + bad, b + total - bad) / B(a, b) / (p0^bad (1 - p0)^(total - bad))

with a Beta(a, b) prior whose mean is p0. While the running mean of the events' own chances is p0, M is at most a
martingale that begins with 1, whatever the chances do from one minute to the next (log(1 - p + p e^x) is concave in p).
By Ville's inequality it ever reaches 1/alpha with a chance of alpha at most, over all looks together.

That is about the share of *this* stretch of time. What it says of the service is less, because errors come in bursts
and rates wander: there the events are weighed as fewer, `total / deff`, with the design effect of as long a stretch as
was looked at. It is measured by batch means (Schmeiser 1982), with what chance alone would do subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from console.model.value import value
from console.model.verdict import Counts

LENGTHS = (1, 2, 3, 5, 8, 12, 18, 30, 60, 120)
"""How many slices a batch has, for which the spread is measured."""
FEWEST = 8
"""Batches of a length without which it is not measured."""
_HALVINGS = 24


def log_evidence(bad: float, total: float, share: float) -> float:
    """The logarithm of M against a share between 0 and 1: 0 for no events; counts need not be whole."""
    if not 0 < share < 1:
        raise ValueError(f"a share of {share}")
    a, b = _prior(share)
    return (
        _log_beta(a + bad, b + total - bad)
        - _log_beta(a, b)
        - bad * math.log(share)
        - (total - bad) * math.log1p(-share)
    )


def bounds(bad: float, total: float, alpha: float) -> tuple[float, float]:
    """The shares that `alpha` does not exclude: 0 to 1 without events."""
    return lowest(bad, total, alpha), highest(bad, total, alpha)


def lowest(bad: float, total: float, alpha: float) -> float:
    """The lower one of the bounds."""
    return _edge(bad, total, alpha, 0.0) if total > 0 and bad > 0 else 0.0


def highest(bad: float, total: float, alpha: float) -> float:
    """The upper one of the bounds."""
    return _edge(bad, total, alpha, 1.0) if total > 0 and bad < total else 1.0


def above(bad: float, total: float, share: float, alpha: float) -> bool:
    """Whether it is shown that the share is above this one."""
    return bad > share * total and log_evidence(bad, total, share) >= math.log(1 / alpha)


def below(bad: float, total: float, share: float, alpha: float) -> bool:
    """Whether it is shown that the share is below this one."""
    return bad < share * total and log_evidence(bad, total, share) >= math.log(1 / alpha)


def chance(bad: float, total: float, share: float) -> float:
    """At most how probable it is to see so many bad events or more by chance where each is bad with a chance of
    `share` (Chernoff 1952): 5 of 30 at 1 % at most 6e-5, in truth 1e-5."""
    if not total > 0 or bad <= share * total:
        return 1.0
    seen = min(bad / total, 1.0)
    rest = (1 - seen) * math.log((1 - seen) / (1 - share)) if seen < 1 else 0.0
    return math.exp(-total * (seen * math.log(seen / share) + rest))


@value
class Spread:
    """How much a share differs from one stretch of time to another, beyond what chance alone would do: its variance,
    relative to the square of its mean, and the highest share that was surely seen (two standard errors less), by the
    length of the stretch in slices. Empty: nobody knows."""

    lengths: tuple[int, ...] = ()
    variances: tuple[float, ...] = ()
    highest: tuple[float, ...] = ()

    def over(self, slices: int) -> float:
        """The variance of a stretch of so many slices; 0 while nobody knows."""
        return self._between(self.variances, slices)

    def most(self, slices: int) -> float:
        """The highest share of a stretch of so many slices; 0 while nobody knows."""
        return self._between(self.highest, slices)

    def _between(self, values: Sequence[float], slices: int) -> float:
        """Between the lengths that were measured; beyond the last one its own: nobody knows that it gets less."""
        if not self.lengths:
            return 0.0
        if slices <= self.lengths[0]:
            return values[0]
        for (shorter, more), (longer, less) in pairwise(zip(self.lengths, values, strict=True)):
            if slices <= longer:
                return more + (less - more) * (slices - shorter) / (longer - shorter)
        return values[-1]


def spread(tracks: Sequence[Sequence[Counts]], fewest: int = FEWEST) -> Spread:
    """Measured on the slices of one or more tracks, oldest first, each about its own mean. With J batches, the variance
    is taken as large as it may be: by one standard error of a variance, sqrt(2 / (J - 1))."""
    lengths, variances, largest = [], [], []
    sums = [_running(slices) for slices in tracks]
    means = [running[-1][0] / running[-1][1] if running[-1][1] > 0 else 0.0 for running in sums]
    for length in LENGTHS:
        squares = weights = own = most = 0.0
        count = 0
        for running, mean in zip(sums, means, strict=True):
            for before, after in pairwise(running[::length]):
                bad, total = after[0] - before[0], after[1] - before[1]
                if total <= 0 or after[2] - before[2] < length:
                    continue
                expected = total * mean
                squares += (bad - expected) ** 2
                own += expected * (1 - mean)
                weights += expected * expected
                count += 1
                most = max(most, (bad - 2 * math.sqrt(bad)) / total)
        if count < fewest or not weights > 0:
            break
        lengths.append(length)
        variances.append(max(0.0, squares * count / (count - 1) * (1 + math.sqrt(2 / (count - 1))) - own) / weights)
        largest.append(most)
    return Spread(tuple(lengths), tuple(variances), tuple(largest))


def design_effect(total: float, share: float, variance: float) -> float:
    """How many events count as one, where the share of a stretch with `total` events has this relative variance beyond
    chance."""
    return 1 + total * share / (1 - share) * variance


def _running(slices: Sequence[Counts]) -> list[tuple[float, float, int]]:
    """Bad and all events up to each slice, and how many of the slices are known: a batch without one is left out."""
    bad, total, known = 0.0, 0.0, 0
    sums = [(bad, total, known)]
    for item in slices:
        if item.bad is not None and item.total is not None:
            bad, total, known = bad + min(item.bad, item.total), total + item.total, known + 1
        sums.append((bad, total, known))
    return sums


def _prior(share: float) -> tuple[float, float]:
    """As wide as a prior with this mean is whose smaller part weighs one event."""
    least = min(share, 1 - share)
    return share / least, (1 - share) / least


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _edge(bad: float, total: float, alpha: float, end: float) -> float:
    """The last share between what was seen and `end` that is not excluded."""
    least, inside, outside = math.log(1 / alpha), min(max(bad / total, 0.0), 1.0), end
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if 0 < middle < 1 and log_evidence(bad, total, middle) >= least:
            outside = middle
        else:
            inside = middle
    return outside
