"""When a budget will be spent, if the near future is like the near past.

**What is asked.** Over a rolling window of length W, the first t at which bad(now + t - W, now + t] is at least
B * total(now + t - W, now + t]: what was spent long ago falls out, so when the budget was spent matters as much as how
fast it is being spent. A period of the calendar forgets nothing and ends: the first t at which the bad events since its
begin are at least B times all events until its end. Gaps count nothing, as in the gauge.

**How it is answered.** `PATHS` futures are put together from pieces of the history (a block bootstrap: Kuensch 1989),
and the first passage is looked for in each; its quantiles are the answer. A piece is a day, or for short windows a
proper part of one, taken at the same hours of the day, so that bursts within it and the daily period stay whole.

* *Level.* Each future day's burn rate is drawn first, in logarithms: exponential smoothing with reversion to the mean,
  its one-step errors drawn with replacement (Hyndman, Koehler, Ord, Snyder: Forecasting with Exponential Smoothing,
  2008, ch. 6; Rodriguez, Ruiz: Journal of Time Series Analysis 30, 2009). A past day with about that burn rate then
  lends its traffic and its errors, scaled to it. How fast the level moves is not known either: each future draws it
  from `GAINS` x `REVERSIONS`, weighed by how well each foretold the history; and it draws its errors from a resample of
  the errors, which doubles the spread of the mean as an estimated mean demands.
* *Start.* The first day goes on from now: it follows what came after the moments of the past that were most like
  now in burn over an hour, six hours and a day, and in the hour of the day (nearest neighbours: Lall, Sharma: Water
  Resources Research 32, 1996), lifted to where the burn is now, with noise so that few neighbours do not make few
  answers (smoothed bootstrap: Silverman, Young: Biometrika 74, 1987).
* *Outage.* What burns far above everything usual may be like nothing before. It then goes on, in some futures, for a
  time D with P(D > t) = d / (d + t) when it has lasted for d (Lindy's law; Gott: Nature 363, 1993).

Steps of traffic, weekdays and a trend that goes on are not modelled: the first two are in the day that is drawn, the
last is within the spread of the level. `python -m benchmarks.forecast` prints how often the truth was inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil, inf

from console.model.course import Course, Past
from console.model.futures import Draw, Futures
from console.model.reading import Reading, ReadingState, missing
from console.model.sli import Part
from console.model.slices import COMPLETE, LATEST, SLICE, Slice
from console.model.value import value
from console.model.window import Window

PATHS = 200
"""Futures. The share of all futures below what is shown as P10 is then 10 % give or take two (standard deviation)."""
BLOCKS = 9
"""Pieces of history with traffic without which there is no forecast. Of n alike and the one to come, that one lies
outside the range of all others with a chance of 2 / (n + 1): 20 % for nine. From fewer, resampling cannot give 80 %."""
RULE_OF_THREE = 3.0
"""No bad event among n says, at 95 %, that less than 3 / n are bad. When that is above the budget it says nothing."""

_SIZES = (288, 144, 96, 72, 48, 24, 12, 6, 3, 1)
"""Slices of a block, all of them proper parts of a day."""
_WANTED = 28
"""Blocks that a window should have: four weeks have as many days."""
_MOST = 100
"""Blocks, the newest, from which futures are made."""


@value
class Forecast:
    """Time to exhaustion of a budget, from `at` on. `p10`, `p50` and `p90` are quantiles over resampled futures, None
    for "not within the horizon"; `never` is the share of futures in which it is not spent within it."""

    at: datetime
    horizon: timedelta
    p10: timedelta | None
    p50: timedelta | None
    p90: timedelta | None
    never: float
    n: int
    """Slices that were resampled."""

    @property
    def is_never(self) -> bool:
        """Whether "never" is the answer: more than nine futures in ten end with budget left."""
        return self.never > 0.9


def exhaustion(
    slices: Sequence[Slice | None],
    first: int,
    window: Window,
    budget: float,
    counts: Part,
    draw: Draw,
    source: str = "",
) -> Reading[Forecast]:
    """The forecast at the end of `slices`, which begin with slice `first` and may go back further than the window;
    `budget` is B = 1 - target.

    Without a value and with the reason as its note when there is too little to resample, or no bad event and so few
    events that it means nothing; partial when less than `COMPLETE` of the window was seen or the server warned; stale
    when the last slices were not seen. The same input and draws give the same forecast.
    """
    unseen = next((at for at, item in enumerate(slices) if item is not None), len(slices))
    slices, first = slices[unseen:], first + unseen
    past = Past(slices, budget, counts)
    course = Course(past, first, window)
    at, seen = course.at, past.seen[-1]
    if window.span(at)[0] > at:
        return missing(ReadingState.NO_DATA, source, "the period has not begun", at)
    if not seen:
        return missing(ReadingState.NO_DATA, source, "no sample of the total", at)
    if past.allowed(max(0, past.size - course.inside) if course.forgets else 0, past.size) <= 0:
        return missing(ReadingState.NO_TRAFFIC, source, "nothing was counted", at)
    state, note = _evidence(slices[max(0, past.size - course.inside) :], course.inside)

    def known(times: Sequence[float]) -> Reading[Forecast]:
        return Reading(state, _quantiles(times, course, seen), at, source, seen, note)

    if course.spent:
        return known([0.0])
    if not course.horizon:
        return known([inf])
    size = next((size for size in _SIZES if course.length >= size * _WANTED), 1)
    if past.size > _MOST * size:
        past = Past(slices[-_MOST * size :], budget, counts)
        seen = past.seen[-1]
    blocks = [begin for begin in range(past.size % size, past.size, size) if past.whole(begin, begin + size)]
    busy = sum(past.allowed(begin, begin + size) > 0 for begin in blocks)
    if busy < BLOCKS:
        lacking = f"{busy} blocks of {size * SLICE / 3600:.3g} h with traffic, {BLOCKS} are needed"
        return missing(ReadingState.NO_DATA, source, lacking, at)
    if not past.bad[-1]:
        events, need = past.allowance[-1] / budget, RULE_OF_THREE / budget
        if events < need:
            few = f"no bad event among {events:.0f}: too few to tell, {need:.0f} are needed"
            return missing(ReadingState.NO_DATA, source, few, at)
        return known([inf])
    futures = Futures(past, course, size, blocks, draw)
    return known([futures.first_passage() for _ in range(PATHS)])


def _quantiles(times: Sequence[float], course: Course, n: int) -> Forecast:
    ordered = sorted(times)

    def quantile(share: float) -> timedelta | None:
        slices = ordered[max(0, ceil(share * len(ordered) - 1e-9) - 1)]
        return None if slices == inf else timedelta(seconds=slices * SLICE)

    horizon = timedelta(seconds=course.horizon * SLICE)
    never = sum(time == inf for time in times) / len(times)
    return Forecast(course.at, horizon, quantile(0.1), quantile(0.5), quantile(0.9), never, n)


def _evidence(slices: Sequence[Slice | None], inside: int) -> tuple[ReadingState, str]:
    """How much the slices of the window are worth, of which there should be `inside`."""
    seen = sum(item is not None for item in slices)
    if all(item is None for item in slices[-LATEST - 1 :]):
        return ReadingState.STALE, "no recent sample"
    if seen < COMPLETE * inside:
        return ReadingState.PARTIAL, f"covers {seen * SLICE / 86_400:.3g} of {inside * SLICE / 86_400:.3g} d"
    if any(item is not None and item.doubtful for item in slices):
        return ReadingState.PARTIAL, "the server warned that its answer is not complete"
    return ReadingState.OK, ""
