"""Confidence intervals by block bootstrap: numpy and scipy, so only the worker process imports this.

Slices follow one another and repeat by the day: intervals that take them for independent are too narrow by far (for the
rates of `benchmarks/baseline.py`, Wilson's 95 % hold the truth in about a quarter of the runs). So whole days are drawn
with replacement, from any slice on, the end being followed by the beginning (Politis and Romano, 1992).

Seven blocks have less spread than what they are drawn from, and tails that are too light: the quantiles of the
resamples are taken further out, as far as Student's distribution is from the normal one (Hesterberg 2015, "expanded
percentile").
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from scipy import stats

from console.model.histogram import QUANTILES, needed
from console.model.interval import wilson

DAY, BATCH = 288, 36
RESAMPLES = 4000
SEED = 20_260
FEW = 10
"""Errors below which resamples miss what is rare: the interval is then no narrower than Wilson's."""

Array = Any


def blocks(count: int) -> tuple[int, str]:
    """The length of a block in slices, and what the method is called: days, of less than three of them three hours."""
    if count >= 3 * DAY:
        return DAY, "circular day-block bootstrap"
    return min(BATCH, max(1, count)), "circular 3-hour-block bootstrap"


def starts(count: int, block: int, resamples: int, seed: int) -> Array:
    """Where the blocks of each resample begin."""
    drawn = np.random.default_rng(seed).integers(0, count, (resamples, max(1, round(count / block))))
    return drawn


def resampled(rows: Array, begins: Array, block: int) -> Array:
    """The sums of each resample: of rows (slices x columns), blocks x columns are added."""
    around = np.concatenate([rows, rows[:block]])
    above = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(around, axis=0)])
    ahead = above[block:] - above[:-block]
    found = np.zeros((begins.shape[0], rows.shape[1]))
    for column in begins.T:
        found += ahead[column]
    return found


def tail(count: int, *, expanded: bool = True) -> float:
    """The share of the resamples that is left out at each end, for 95 % of so many blocks."""
    if not expanded or count < 2:
        return 0.025
    return float(stats.norm.cdf(-sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1)))


def ratio(
    bad: Array, total: Array, *, resamples: int = RESAMPLES, seed: int = SEED, expanded: bool = True, block: int = 0
) -> dict[str, Any] | None:
    """The ratio of sums with its interval; None without events."""
    events, errors = float(total.sum()), float(bad.sum())
    if events <= 0:
        return None
    length, method = blocks(len(total))
    length = block or length
    begins = starts(len(total), length, resamples, seed)
    found = resampled(np.stack([bad, total], axis=1), begins, length)
    found = found[found[:, 1] > 0]
    left = tail(begins.shape[1], expanded=expanded)
    low, high = np.quantile(found[:, 0] / found[:, 1], [left, 1 - left])
    if errors < FEW:
        least, most = wilson(errors, events)
        low, high = min(low, least), max(high, most)
        method += f", no narrower than Wilson's: {errors:.3g} errors"
    share = min(max(errors / events, 0.0), 1.0)
    return _estimate(share, max(0.0, float(low)), min(1.0, float(high)), round(events), method)


def quantile(
    les: Sequence[float], rows: Array, wanted: float, *, resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, Any] | None:
    """A percentile of the summed buckets with its interval, and the bounds of the buckets that this lies in; below
    `needed` events a lower end only. None without events."""
    whole = np.maximum.accumulate(rows.sum(axis=0))
    if whole[-1] < 1:
        return None
    length, method = blocks(len(rows))
    begins = starts(len(rows), length, resamples, seed)
    found = np.maximum.accumulate(resampled(rows, begins, length), axis=1)
    found = found[found[:, -1] > 0]
    left = tail(begins.shape[1])
    edges = np.array([min(0.0, les[0]), *les, np.inf])
    value = float(_values(edges, whole[None, :], wanted)[0])
    ends = np.quantile(_values(edges, found, wanted), [left, 1 - left], method="nearest")
    value, first, last = (float(f"{item:.9g}") for item in (value, *ends))  # sums of floats are a hair off
    low, high = min(first, value), max(last, value)
    below = float(edges[max(0, int(np.searchsorted(edges, low, side="right")) - 1)])
    if low == les[-1] and low == value:
        below = low
    above = float(edges[min(len(edges) - 1, int(np.searchsorted(edges, high, side="left")))])
    beyond = bool((found[:, -1] * wanted > found[:, -2]).mean() > left) if len(les) else True
    n = int(whole[-1])
    if n < needed(wanted):
        return {**_estimate(value, low, None, n, method), "bounds": [below, None], "at_least": True}
    if beyond or np.isinf(above):  # above the last bound: nobody knows how far
        return {**_estimate(value, low, None, n, method), "bounds": [below, None], "at_least": True}
    return {**_estimate(value, low, high, n, method), "bounds": [below, above]}


def _values(edges: Array, counts: Array, wanted: float) -> Array:
    """The quantile of each row of cumulative counts, as `model.histogram.place` has it."""
    rank = wanted * counts[:, -1:]
    at = np.argmax((counts >= rank) & (counts > 0), axis=1)
    row = np.arange(len(counts))
    before = np.where(at > 0, counts[row, np.maximum(at - 1, 0)], 0.0)
    inside = counts[row, at] - before
    share = np.where(inside > 0, (rank[:, 0] - before) / np.where(inside > 0, inside, 1.0), 1.0)
    low, high = edges[at], edges[at + 1]
    beyond = np.isinf(high)
    return np.where(beyond, low, low + (np.where(beyond, low, high) - low) * np.clip(share, 0.0, 1.0))


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """All estimates of one SLI: `bad`, `total`, `peak` (1 for a slice of a peak hour), `les` and `buckets`."""
    bad = np.array([value or 0.0 for value in job["bad"]])
    total = np.array([value or 0.0 for value in job["total"]])
    peak = np.array(job["peak"], dtype=bool)
    les = [float(le) for le in job["les"]]
    empty = [0.0] * (len(les) + 1)
    rows = np.array([row or empty for row in job["buckets"]]) if les else None
    ratios, quantiles = {}, []
    for load, mask in (("all", np.ones_like(peak)), ("peak", peak), ("off-peak", ~peak)):
        found = ratio(bad * mask, total * mask)
        if found is not None:
            ratios[load] = found
        for wanted in QUANTILES if rows is not None and len(rows) else ():
            estimate = quantile(les, rows * mask[:, None], wanted)
            if estimate is not None:
                quantiles.append({"load": load, "quantile": wanted, "estimate": estimate})
    return {"ratios": ratios, "quantiles": quantiles}


def _estimate(value: float, low: float, high: float | None, n: int, method: str) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n, "method": method}
