"""How often a nominal 95 % interval of a baseline's error ratio holds the truth, and how long the statistics take.

The traces are nothing that the intervals assume: error rates wander from slice to slice (AR(1), phi 0.9, logarithmic,
over-dispersed), traffic follows the day, and errors are binomial. 150 weeks of each; the seeds are fixed.
"""

from __future__ import annotations

import sys
import time
from statistics import median

import numpy as np
from scipy.signal import lfilter

from console.model.baseline import by_deff, design_effect
from console.model.interval import wilson
from console.reports.baseline import stats

WEEK, RUNS, PHI, RATE = 2016, 150, 0.9, 0.005
SPREAD = 0.6
"""Standard deviation of the logarithm of the rate."""


def trace(seed, phi=PHI, spread=SPREAD, slices=WEEK):
    """Bad and all events of each slice; the truth is RATE."""
    chance = np.random.default_rng(seed)
    noise = chance.normal(0.0, spread * np.sqrt(1 - phi * phi), slices)
    noise[0] /= np.sqrt(1 - phi * phi)
    wander = lfilter([1.0], [1.0, -phi], noise)
    rate = np.minimum(1.0, RATE * np.exp(wander - spread * spread / 2))
    traffic = 2000 * (1 + 0.6 * np.sin(2 * np.pi * np.arange(slices) / stats.DAY))
    total = chance.poisson(traffic)
    return chance.binomial(total, rate).astype(float), total.astype(float)


def _bounds(found):
    return found["low"], found["high"]


METHODS = {
    "Wilson on pooled counts": lambda bad, total, seed: wilson(bad.sum(), total.sum()),
    "bootstrap of single slices": lambda bad, total, seed: _bounds(
        stats.ratio(bad, total, resamples=1000, seed=seed, expanded=False, block=1)
    ),
    "block bootstrap, 1 h": lambda bad, total, seed: _bounds(
        stats.ratio(bad, total, resamples=1000, seed=seed, expanded=False, block=12)
    ),
    "block bootstrap, 3 h": lambda bad, total, seed: _bounds(
        stats.ratio(bad, total, resamples=1000, seed=seed, expanded=False, block=36)
    ),
    "block bootstrap, 1 d": lambda bad, total, seed: _bounds(
        stats.ratio(bad, total, resamples=2000, seed=seed, expanded=False)
    ),
    "block bootstrap, 1 d, expanded (used)": lambda bad, total, seed: _bounds(stats.ratio(bad, total, seed=seed)),
    "Wilson, n / deff (used without scipy)": lambda bad, total, seed: _of(
        by_deff(bad.sum(), total.sum(), design_effect(bad.tolist(), total.tolist()))
    ),
}


def _of(found):
    return found.low, found.high


def coverage(method, runs=RUNS):
    """The share of the runs whose interval holds the truth, and the median width over the rate."""
    held, widths = 0, []
    for seed in range(runs):
        bad, total = trace(seed)
        low, high = METHODS[method](bad, total, seed)
        held += low <= RATE <= high
        widths.append((high - low) / RATE)
    return held / runs, median(widths)


def main():
    effects = [design_effect(*(part.tolist() for part in trace(seed))) for seed in range(20)]
    print(f"AR(1) phi {PHI}, {RUNS} weeks, median design effect {median(effects):.0f}")
    print(f"{'method':<40} coverage of 95 %   width / rate")
    for method in METHODS:
        held, width = coverage(method)
        print(f"{method:<40} {held:>15.2f}   {width:>12.2f}")
    bad, total = trace(0)
    rows = np.multiply.outer(total, [0.3, 0.6, 0.9, 0.95, 0.99, 0.997, 0.999, 1.0])
    job = {"bad": bad.tolist(), "total": total.tolist(), "peak": [False] * WEEK, "buckets": rows.tolist()}
    job["les"] = [0.05, 0.1, 0.25, 0.3, 0.5, 1.0, 2.5]
    began = time.process_time()
    stats.answer(job)
    print(f"all estimates of one SLI with 8 buckets: {time.process_time() - began:.2f} s CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
