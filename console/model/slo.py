"""Service level objectives: from bad and total counts to budget and burn rate.

e(w) is the error ratio over a window w, B = 1 - objective the budget, b(w) = e(w) / B the burn rate (SRE workbook,
ch. 5). A ratio is always bad over total of the same window, never a mean of ratios.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from console.model.reading import Reading, ReadingState, combine, missing
from console.model.value import value

WINDOWS: Mapping[str, timedelta] = {"1h": timedelta(hours=1), "1d": timedelta(days=1)}
"""The windows read from the server. Longer ones are *partial* until slices are cached: no raw range above one day."""

LONGEST = "1d"
PAGE_BURN = 14.4
"""Burn rate over one hour that spends 2 % of a 30 d budget (SRE workbook, table 5-8)."""
TICKET_BURN = 1.0


class SliKind(StrEnum):
    """RATIO: counters of good or bad over total. THRESHOLD: a sampled value that is good or bad per time slice."""

    RATIO = "ratio"
    THRESHOLD = "threshold"


@value
class Sli:
    """What is counted. For RATIO either `good` or `bad` is a counter selector, and `total`; for THRESHOLD `query` is a
    value that must satisfy `op value` in each slice of `slice_seconds`. `fallback` is used when the total of a RATIO
    has no series at all."""

    kind: SliKind
    good: str = ""
    bad: str = ""
    total: str = ""
    query: str = ""
    op: str = "<"
    value: float = 0.0
    slice_seconds: int = 300
    fallback: Sli | None = None


@value
class Objective:
    """One SLO. `target` is a ratio in (0, 1); `method` is the budgeting method's OpenSLO name."""

    name: str
    title: str
    service: str
    target: float
    window: timedelta
    method: str
    sli: Sli
    unit: str = "%"

    @property
    def budget(self) -> float:
        """B = 1 - target."""
        return 1.0 - self.target


@value
class SloGauge:
    """An objective with what is known of it. `ratio` is the good share over the longest window read; `budget_left` the
    share of the error budget left (below 0 when overspent); `burn` the burn rate over one hour; `trend` the good share
    of recent slices, oldest first, None where there was no evidence."""

    objective: Objective
    ratio: Reading[float]
    budget_left: Reading[float]
    burn: Reading[float]
    trend: tuple[float | None, ...] = ()
    basis: str = ""
    """How the SLI was measured: occurrences, slices, or the fallback's name."""


def expressions(sli: Sli, window: str) -> tuple[str, str]:
    """PromQL for (bad, total) over a window such as "1h"."""
    if sli.kind is SliKind.RATIO:
        total = f"sum(increase({sli.total}[{window}]))"
        if sli.bad:
            # A counter of errors that was never created means no errors, as long as the total has samples.
            return f"(sum(increase({sli.bad}[{window}])) or {total} * 0)", total
        return f"({total} - sum(increase({sli.good}[{window}])))", total
    step = f"{sli.slice_seconds}s"
    total = f"count_over_time(({sli.query})[{window}:{step}])"
    good = f"sum_over_time((({sli.query}) {sli.op} bool {sli.value:g})[{window}:{step}])"
    return f"({total} - {good})", total


def trend_expression(sli: Sli, step_seconds: int) -> str:
    """PromQL for the good share per slice, for a range query."""
    if sli.kind is SliKind.RATIO:
        bad, total = expressions(sli, f"{step_seconds}s")
        return f"1 - {bad} / {total}"
    return f"({sli.query}) {sli.op} bool {sli.value:g}"


def gauge(
    objective: Objective,
    counts: Mapping[str, tuple[Reading[float], Reading[float]]],
    trend: tuple[float | None, ...] = (),
    basis: str = "",
) -> SloGauge:
    """The gauge from (bad, total) readings per window of `WINDOWS`.

    The budget of a window longer than `LONGEST` is what the longest window read has spent of it: bad share x
    LONGEST / window (SRE workbook: budget consumed by w is b(w) x w / W), *partial*, with its coverage in the note.
    """
    errors = {window: combine(_ratio, bad, total) for window, (bad, total) in counts.items()}
    absent: Reading[float] = missing(ReadingState.NO_DATA, "")
    longest, hour = errors.get(LONGEST, absent), errors.get("1h", absent)
    share = min(1.0, WINDOWS[LONGEST] / objective.window)
    left = longest.map(lambda e: 1.0 - e / objective.budget * share)
    if share < 1.0 and left.state is ReadingState.OK:
        days = objective.window.total_seconds() / 86400
        left = Reading(ReadingState.PARTIAL, left.value, left.at, left.source, left.n, f"covers 1 of {days:g} d")
    return SloGauge(
        objective,
        longest.map(lambda e: 1.0 - e),
        left,
        hour.map(lambda e: e / objective.budget),
        trend,
        basis or objective.method,
    )


def _ratio(bad: float, total: float) -> float:
    # Extrapolation by increase() may leave a good count a hair above its total.
    return max(bad, 0.0) / total
