"""What a baseline suggests, never without what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from console.model.baseline import Estimate, Load, Measured
from console.model.comparison import ENOUGH, SHARE, middle_of
from console.model.value import value

TARGETS = (0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99995, 0.99999)
"""Objectives as people set them."""
SPARE = 0.5
"""The share of a stricter objective's budget that the baseline may have spent."""


class Kind(StrEnum):
    """What a piece of advice is about."""

    OBJECTIVE_STRICTER = "objective_stricter"
    OBJECTIVE_LOOSER = "objective_looser"
    OBJECTIVE_FITS = "objective_fits"
    OBJECTIVE_UNSURE = "objective_unsure"
    ERROR_LIMIT = "error_limit"
    LATENCY_LIMIT = "latency_limit"
    LATENCY_UNSURE = "latency_unsure"


@value
class Advice:
    """One piece of advice. `suggested` is a target, an error ratio or a latency; None where the evidence does not carry
    one. `evidence` is what it rests on."""

    kind: Kind
    suggested: float | None
    evidence: Estimate
    quantile: float = 0.0


def advise(measured: Measured) -> Iterator[Advice]:
    """What the baseline of one SLI suggests: an objective, and limits for guardrails."""
    whole = measured.ratios.get(Load.ALL)
    if whole is not None and whole.low is not None and whole.high is not None:
        yield _objective(measured.target, whole, whole.low, whole.high)
    shares = sorted(hour.bad / hour.total for hour in measured.hours if hour.total > 0)
    if len(shares) >= ENOUGH:
        low, high = middle_of(shares)
        method = f"{100 * SHARE:g} % of {len(shares)} hours were at most that"
        n = round(sum(hour.total for hour in measured.hours))
        yield Advice(Kind.ERROR_LIMIT, high, Estimate(high, low, high, n, method))
    for item in measured.quantiles:
        if item.load is not Load.ALL or item.quantile != 0.99:
            continue
        found = item.estimate
        above = found.bounds[1] if found.bounds is not None else None
        kind = Kind.LATENCY_UNSURE if above is None or found.high is None else Kind.LATENCY_LIMIT
        yield Advice(kind, above if kind is Kind.LATENCY_LIMIT else None, found, item.quantile)


def _objective(target: float, found: Estimate, low: float, high: float) -> Advice:
    budget = 1.0 - target
    if low > budget:
        kept = [item for item in TARGETS if high <= 1.0 - item]
        return Advice(Kind.OBJECTIVE_LOOSER, max(kept, default=None), found)
    if high > budget:
        return Advice(Kind.OBJECTIVE_UNSURE, None, found)
    stricter = [item for item in TARGETS if item > target + 1e-12 and high <= SPARE * (1.0 - item)]
    if stricter:
        return Advice(Kind.OBJECTIVE_STRICTER, max(stricter), found)
    return Advice(Kind.OBJECTIVE_FITS, target, found)
