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
from collections.abc import Iterator, Sequence
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


def lowest(bad: float, total: float, alpha: float) -> float:
    """The least share that `alpha` does not exclude: 0 without events."""
    return _edge(bad, total, alpha, 0.0) if total > 0 and bad > 0 else 0.0


def highest(bad: float, total: float, alpha: float) -> float:
    """The highest one: 1 without events."""
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
class Varied:
    """How stretches of so many slices differ from one another: the variance of their shares beyond what chance alone
    would do, relative to the square of the mean, and the highest share that was surely seen (two standard errors
    less)."""

    length: int
    variance: float
    highest: float


@value
class Spread:
    """How much a share differs from one stretch of time to another, by the length of the stretch, shortest first.
    `even` is that of the stretches alone within which nothing happened: of the levels that last so long, and not of
    bursts that are shorter. `usual` is the mean share, two standard errors of chance more. Empty: nobody knows."""

    all: tuple[Varied, ...] = ()
    even: tuple[Varied, ...] = ()
    usual: float = 0.0

    def over(self, slices: int, even: bool = False) -> Varied:
        """That of a stretch of so many slices, between the lengths that were measured; beyond the last one its own:
        nobody knows that it gets less. Nothing while nobody knows."""
        known = self.even if even else self.all
        if not known:
            return Varied(slices, 0.0, 0.0)
        for shorter, longer in pairwise(known):
            if shorter.length <= slices <= longer.length:
                part = (slices - shorter.length) / (longer.length - shorter.length)
                return Varied(
                    slices,
                    shorter.variance + (longer.variance - shorter.variance) * part,
                    shorter.highest + (longer.highest - shorter.highest) * part,
                )
        return known[0] if slices < known[0].length else known[-1]


def spread(tracks: Sequence[Sequence[Counts]], fewest: int = FEWEST) -> Spread:
    """Measured on the slices of one or more tracks, oldest first, each about its own mean."""
    found: list[Varied] = []
    even: list[Varied] = []
    sums = [_running(slices) for slices in tracks]
    for length in LENGTHS:
        batches = [list(_batches(running, length)) for running in sums]
        varied = _varied(length, batches, fewest)
        if varied is None:
            break
        found.append(varied)
        even.append(_varied(length, [[item for item in track if item.even] for track in batches], fewest) or varied)
    if not found:
        return Spread()
    bad, total = sum(running[-1].bad for running in sums), sum(running[-1].total for running in sums)
    return Spread(tuple(found), tuple(_lasting(even)), (bad + 2 * math.sqrt(bad)) / total)


def _lasting(even: Sequence[Varied]) -> Iterator[Varied]:
    """Of levels that last for some time, a longer one is rare, and may not have been seen: a stretch may have what was
    seen of those a third as long."""
    for item in even:
        alike = [one for one in even if item.length <= 3 * one.length and one.length <= item.length]
        yield Varied(item.length, max(one.variance for one in alike), max(one.highest for one in alike))


def is_even(slices: Sequence[Counts]) -> bool:
    """Whether nothing more than chance is seen to happen from one slice to the next; also where too little is known."""
    known = [item for item in slices if item.bad is not None and item.total is not None]
    return all(batch.even for batch in _batches(_running(known), max(1, len(known))))


def design_effect(total: float, share: float, variance: float) -> float:
    """How many events count as one, where the share of a stretch with `total` events has this relative variance beyond
    chance."""
    return 1 + total * share / (1 - share) * variance


@value
class _Sum:
    """Of some slices: bad and all events, how many of the slices are known, and the sum of bad * bad / all."""

    bad: float = 0.0
    total: float = 0.0
    slices: int = 0
    squares: float = 0.0

    @property
    def even(self) -> bool:
        """Whether the shares of the slices differ by chance alone, by their index of dispersion: it is at most two of
        its standard deviations above its mean."""
        if self.bad <= 0 or self.slices < 2:
            return True
        freed = self.slices - 1
        return (self.squares * self.total / self.bad - self.bad) <= freed + 2 * math.sqrt(2 * freed)


def _running(slices: Sequence[Counts]) -> list[_Sum]:
    """The sums up to each slice."""
    bad, total, known, squares = 0.0, 0.0, 0, 0.0
    sums = [_Sum()]
    for item in slices:
        if item.bad is not None and item.total is not None:
            one = min(item.bad, item.total)
            bad, total, known = bad + one, total + item.total, known + 1
            squares += one * one / item.total if item.total > 0 else 0.0
        sums.append(_Sum(bad, total, known, squares))
    return sums


def _batches(running: Sequence[_Sum], length: int) -> Iterator[_Sum]:
    """Batches of so many slices after one another; one without events, or with a slice that is not known, is left
    out."""
    for first, last in pairwise(running[::length]):
        if last.total > first.total and last.slices - first.slices == length:
            yield _Sum(last.bad - first.bad, last.total - first.total, length, last.squares - first.squares)


def _varied(length: int, tracks: Sequence[Sequence[_Sum]], fewest: int) -> Varied | None:
    """How the batches of each track vary about its mean; None where they are too few, or nothing was bad. With J of
    them, the variance is taken as large as it may be: by one standard error of a variance, sqrt(2 / (J - 1))."""
    squares = weights = own = highest = 0.0
    count = 0
    for batches in tracks:
        bad, total = sum(item.bad for item in batches), sum(item.total for item in batches)
        if bad <= 0:
            continue
        mean, count = bad / total, count + len(batches)
        for batch in batches:
            expected = batch.total * mean
            squares += (batch.bad - expected) ** 2
            own += expected * (1 - mean)
            weights += expected * expected
            highest = max(highest, (batch.bad - 2 * math.sqrt(batch.bad)) / batch.total)
    if count < fewest:
        return None
    most = squares * count / (count - 1) * (1 + math.sqrt(2 / (count - 1)))
    return Varied(length, max(0.0, most - own) / weights, highest)


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
