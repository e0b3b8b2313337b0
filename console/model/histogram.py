"""Percentiles of counts in buckets: what a histogram says of them, and what it cannot say.

Counts are cumulative and in the order of their bounds `les`; the last count is that of +Inf, which `les` leaves out.
Buckets are summed first and asked afterwards: a mean of percentiles is no percentile.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import ceil, exp, floor, lgamma, log, sqrt

from console.model.interval import Z95
from console.model.value import value

QUANTILES = (0.5, 0.9, 0.95, 0.99)
_EXACT = 5000
"""Events up to which the binomial distribution is summed; beyond it, it is as good as normal."""


@value
class Place:
    """Where a quantile lies: `value` by linear interpolation within its bucket, as `histogram_quantile` does, and the
    bucket's own bounds, which are all that is certain; `high` None: above the last bound."""

    value: float
    low: float
    high: float | None


def added(rows: Sequence[Sequence[float]]) -> list[float]:
    """Cumulative counts, summed; extrapolated counts may not fall from bucket to bucket."""
    return list(accumulate((sum(column) for column in zip(*rows, strict=True)), max))


def place(les: Sequence[float], counts: Sequence[float], quantile: float) -> Place | None:
    """Where a quantile of the summed counts lies; None without events."""
    return _at(les, counts, quantile * counts[-1]) if counts and counts[-1] > 0 else None


def needed(quantile: float, confidence: float = 0.95) -> int:
    """How many events it takes until the largest of them is an upper bound of the quantile: 299 for P99."""
    return ceil(log(1 - confidence) / log(quantile))


def between(les: Sequence[float], counts: Sequence[float], quantile: float) -> tuple[float, float | None] | None:
    """Between which bounds a quantile is (95 %, order statistics of independent events; bounds of buckets); the upper
    one is None where there are too few events for one, or no bound. None without events."""
    if not counts or counts[-1] < 1:
        return None
    low, high = ranks(int(counts[-1]), quantile)
    return _at(les, counts, low).low, _at(les, counts, high).high if high is not None else None


def ranks(n: int, quantile: float) -> tuple[int, int | None]:
    """The ranks of the events between which a quantile of their distribution is, with 95 %: 983 and 997 of 1000 for
    P99. None where even the largest is no upper bound."""
    if n > _EXACT:
        middle, reach = n * quantile, Z95 * sqrt(n * quantile * (1 - quantile))
        return max(1, floor(middle - reach)), min(n, ceil(middle + reach))
    low, high, below = 0, None, 0.0
    for k in range(n):  # below: P(at most k of n lie under the quantile)
        below += exp(
            lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(quantile) + (n - k) * log(1 - quantile)
        )
        if below <= 0.025:
            low = k + 1
        if high is None and below >= 0.975:
            high = k + 1
    if high is None and n >= needed(quantile):
        high = n
    return max(1, low), high


def _at(les: Sequence[float], counts: Sequence[float], rank: float) -> Place:
    found = next((at for at, count in enumerate(counts) if count >= rank and count > 0), len(counts) - 1)
    if found >= len(les):
        last = les[-1] if les else 0.0
        return Place(last, last, None)
    low = les[found - 1] if found else min(0.0, les[0])
    before = counts[found - 1] if found else 0.0
    inside = counts[found] - before
    share = min(1.0, max(0.0, (rank - before) / inside)) if inside > 0 else 1.0
    return Place(low + (les[found] - low) * share, low, les[found])
