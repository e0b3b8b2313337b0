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

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from math import ceil, cos, exp, inf, log, pi, sqrt

from console.model.reading import Reading, ReadingState, missing
from console.model.sli import Part
from console.model.slices import DAY, SLICE, Slice, instant, slot
from console.model.value import value
from console.model.window import Rolling, Window

PATHS = 200
"""Futures. The share of all futures below what is shown as P10 is then 10 % give or take two (standard deviation)."""
BLOCKS = 9
"""Pieces of history with traffic without which there is no forecast. Of n alike and the one to come, that one lies
outside the range of all others with a chance of 2 / (n + 1): 20 % for nine. From fewer, resampling cannot give 80 %."""
RULE_OF_THREE = 3.0
"""No bad event among n says, at 95 %, that less than 3 / n are bad. When that is above the budget it says nothing."""
COVERED = 0.95
"""The share of the window's slices below which a forecast is partial; as for the budget itself (`budget.COMPLETE`)."""
LATEST = 2
"""Slices without a sample, at the end, after which it is stale (`budget.LATEST`)."""

_SIZES = (288, 144, 96, 72, 48, 24, 12, 6, 3, 1)
"""Slices of a block, all of them proper parts of a day."""
_UNITS = 24
"""Parts of a block, if it has that many slices: hours of a day."""
_WANTED = 28
"""Blocks that a window should have: four weeks have as many days."""
_MOST = 100
"""Blocks, the newest, from which futures are made."""
GAINS = (0.0, 0.1, 0.25, 0.5, 0.8)
REVERSIONS = (0.8, 0.95, 1.0)
_FLOOR = 0.25
"""Added to burn rates before their logarithm is taken, as a share of the mean: below it, quiet is quiet."""
_NEIGHBOURS = 2
"""Blocks on either side, in order of burn, of which one is drawn."""
_MOMENTS = 20
"""Past moments like now of which one is drawn, at most one of each six hours."""
_NEAR = 0.5
"""The distance to now, in logarithms, at which a moment weighs 1 / e."""
_SPANS = ((1, 1.0), (6, 1.0), (24, 0.5))
"""Units over which moments are compared, and what a difference weighs; the hour of the day weighs `_HOUR` at most."""
_ALL_SPANS = sum(weight for _, weight in _SPANS)
_HOUR = 0.5
_NOISE = 0.3
"""Of the first block's level, in logarithms (standard deviation)."""
_OUTAGE = 3.0
"""Above so many times the usual burn over 15 minutes it is an outage."""
_OUTAGE_WEIGHT = 0.5
"""What it weighs that an outage goes on as it is; a moment that was exactly like now weighs 1."""

Draw = Callable[[], float]
"""Uniform in [0, 1), such as `random.Random(seed).random`. One seed per objective keeps a forecast from shivering:
the next one tries the same futures on five minutes more of history."""


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
    events that it means nothing; partial when less than `COVERED` of the window was seen or the server warned; stale
    when the last slices were not seen. The same input and draws give the same forecast.
    """
    unseen = next((at for at, item in enumerate(slices) if item is not None), len(slices))
    slices, first = slices[unseen:], first + unseen
    past = _Past(slices, budget, counts)
    course = _Course(past, first, window)
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
        past = _Past(slices[-_MOST * size :], budget, counts)
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
    futures = _Futures(past, course, size, blocks, draw)
    return known([futures.first_passage() for _ in range(PATHS)])


def steady(
    slices: Sequence[Slice | None], first: int, window: Window, budget: float, counts: Part, burn: float
) -> timedelta | None:
    """The time until the budget is spent if from now on it burns at a constant rate, with as much traffic as there was
    on average; None when it is not spent within the window's length or the period. Zero when it is spent already.

    Half of 30 d used, all of it on the oldest day: 15 d at burn 2. All of it on the newest: 7.5 d.
    """
    past = _Past(slices, budget, counts)
    course = _Course(past, first, window)
    if course.spent:
        return timedelta()
    flow = past.allowance[-1] / past.seen[-1] if past.seen[-1] else 0.0
    if flow <= 0:
        return None
    net = (burn - 1.0 if course.forgets else burn) * flow
    found = _passage([net] * course.horizon, course.start(flow * course.horizon), course.barrier, 1)
    return None if found is None else timedelta(seconds=found * SLICE)


class _Past:
    """The history as running sums: bad events, what the budget allowed for, slices seen."""

    __slots__ = ("allowance", "bad", "budget", "seen", "size")

    def __init__(self, slices: Sequence[Slice | None], budget: float, counts: Part) -> None:
        totals = [0.0 if item is None else item.total for item in slices]
        part = [0.0 if item is None else item.part or 0.0 for item in slices]
        if counts is Part.GOOD:
            part = [total - good for total, good in zip(totals, part, strict=True)]
        bad = [max(0.0, item) for item in part]
        self.size, self.budget = len(totals), budget
        self.bad = list(accumulate(bad, initial=0.0))
        self.allowance = list(accumulate([budget * total for total in totals], initial=0.0))
        self.seen = list(accumulate((item is not None for item in slices), initial=0))

    def allowed(self, begin: int, end: int) -> float:
        """What the budget allowed for in [begin, end)."""
        return self.allowance[end] - self.allowance[begin]

    def burn(self, begin: int, end: int) -> float | None:
        """The burn rate over [begin, end); None without traffic."""
        allowed = self.allowance[end] - self.allowance[begin]
        return (self.bad[end] - self.bad[begin]) / allowed if allowed > 0 else None

    def whole(self, begin: int, end: int) -> bool:
        """Whether at least half of it was seen."""
        return 2 * (self.seen[end] - self.seen[begin]) >= end - begin


class _Course:
    """What a future has to overtake: the budget is spent as soon as what a future has spent, beginning at `start`, is
    at least `barrier[t]`, t slices from now."""

    __slots__ = ("_left", "at", "barrier", "forgets", "horizon", "inside", "length", "spent")

    def __init__(self, past: _Past, first: int, window: Window) -> None:
        edge = first + past.size
        self.at = instant(edge)
        begin, end = window.span(self.at)
        self.length = round((end - begin).total_seconds() / SLICE)
        self.forgets = isinstance(window, Rolling)
        """Whether old errors fall out."""
        self.inside = self.length if self.forgets else max(0, edge - slot(begin))
        self.horizon = self.length if self.forgets else max(0, slot(end) - edge)
        oldest = max(0, past.size - self.inside)
        net = [bad - allowed for bad, allowed in zip(past.bad, past.allowance, strict=True)]
        now = net[-1]
        self._left = net[oldest] - now
        """What is left of what the budget has allowed for so far."""
        if self.forgets:
            unknown = [self._left] * (self.inside - past.size)  # before the history, nothing that could fall out
            self.barrier = unknown + [fallen - now for fallen in net[oldest:]]
            self.spent = self._left <= 0 and past.allowed(oldest, past.size) > 0
        else:
            self.barrier = [0.0] * (self.horizon + 1)
            self.spent = False  # what is still to come, allows for more errors

    def start(self, to_come: float) -> float:
        """Where a future begins in which the budget will allow for `to_come` until the horizon."""
        return 0.0 if self.forgets else -(self._left + to_come)


@value
class _Block:
    """A piece of a future: in units of `step` slices, what is bad and what the budget allows for."""

    begin: int
    level: float
    step: int
    bad: Sequence[float]
    allowed: Sequence[float]
    spent: float
    earned: float
    most: float
    """By how much its errors can be multiplied until all events of a unit are bad."""


@value
class _Model:
    """One way in which the level of the burn rate may move, its level now, and how it erred, block by block."""

    gain: float
    reversion: float
    level: float
    errors: Sequence[float]

    def next(self, base: float, level: float, error: float) -> float:
        """The level after a block that was off by an error."""
        return base + self.reversion * (level + self.gain * error - base)


class _Futures:
    """The futures of one forecast."""

    def __init__(self, past: _Past, course: _Course, size: int, blocks: Sequence[int], draw: Draw) -> None:
        self._past, self._course, self._size, self._draw = past, course, size, draw
        self._mean = past.bad[-1] / past.allowance[-1]
        self._floor = _FLOOR * self._mean
        count = -(-course.horizon // size)
        self._edges = course.barrier + course.barrier[-1:] * (count * size - course.horizon)
        self._lows = [min(self._edges[k * size : (k + 1) * size + 1]) for k in range(count)]
        busy = [begin for begin in blocks if past.allowed(begin, begin + size) > 0]
        # Blocks shorter than a day differ by the time of the day, if there were days enough to tell.
        self._phases = DAY // size if len(busy) >= 3 * (DAY // size) else 1
        self._donors: list[list[_Block]] = [[] for _ in range(self._phases)]
        step = max(1, size // _UNITS)
        for begin in busy:
            self._donors[self._phase(begin)].append(self._cut(begin, size, step))
        self._idle = [0.0] * self._phases
        for phase, donors in enumerate(self._donors):
            times = sum(self._phase(begin) == phase for begin in blocks)
            self._idle[phase] = 1.0 - len(donors) / times if times else 1.0
        self._fit()
        for donors in self._donors:
            donors.sort(key=lambda block: block.level)
        self._keys = [[block.level for block in donors] for donors in self._donors]
        self._begin(step)

    def first_passage(self) -> float:
        """In how many slices the budget is spent in one future; infinite if not within the horizon."""
        course, path = self._course, self._path()
        to_come = 0.0
        if not course.forgets:
            path = iter(pieces := list(path))
            for at, _, block in pieces:
                rest = course.horizon - at
                whole = len(block.bad) * block.step <= rest
                to_come += block.earned if whole else self._past.allowed(block.begin, block.begin + rest)
        gone, earns, found = course.start(to_come), 1.0 if course.forgets else 0.0, None
        if gone >= self._edges[0]:
            return 0.0
        for at, factor, block in path:
            spent = factor * block.spent
            within = not at % self._size and block.step * len(block.bad) <= self._size
            if within and gone + spent < self._lows[at // self._size]:
                gone += spent - earns * block.earned
                continue  # whatever its course is, it cannot overtake
            net = [factor * bad - earns * allowed for bad, allowed in zip(block.bad, block.allowed, strict=True)]
            found = _passage(net, gone, self._edges[at :: block.step], block.step)
            if found is not None:
                return at + found if at + found <= course.horizon else inf
            gone += sum(net)
        return inf

    def _path(self) -> Iterator[tuple[int, float, _Block]]:
        """A future: when each piece begins, by how much its errors are multiplied, and the piece. Nothing happens in
        between."""
        draw, size, horizon = self._draw, self._size, self._course.horizon
        model = self._models[_pick(self._weights, draw)]
        # A resample of the errors: what is drawn from it is as unsure of their mean as the history is.
        errors = [model.errors[int(draw() * len(model.errors))] for _ in model.errors]
        level, at, count = model.level, 0, len(model.errors)
        gain, reversion, base = model.gain, model.reversion, self._base
        start = _pick(self._start_weights, draw) if self._start_weights else None
        if start == len(self._starts):
            chance = draw()
            at = min(horizon, int(self._lasted * chance / (1.0 - chance)))
            if at:
                yield 0, 1.0, self._outage(at)
        elif start is not None:
            factor, block = self._starts[start]
            factor = min(block.most, factor * exp(_NOISE * _normal(draw)))
            yield 0, factor, block
            burn = factor * block.spent / block.earned if block.earned > 0 else self._mean
            level = model.next(self._base, level, log(burn + self._floor) - self._season[0] - level)
            at = size
        while at < horizon:
            phase = at // size % self._phases
            error = errors[int(draw() * count)]
            wanted = level + error + self._season[phase]
            level = base + reversion * (level + gain * error - base)  # as `model.next`, inlined
            donors = self._donors[phase]
            if donors and (not self._idle[phase] or draw() >= self._idle[phase]):
                near = bisect_left(self._keys[phase], wanted) + int(draw() * 2 * _NEIGHBOURS) - _NEIGHBOURS
                block = donors[min(max(near, 0), len(donors) - 1)]
                factor = self._factor(block, wanted)
                gone = at % size
                yield at, factor, self._cut(block.begin + gone, size - gone, 1) if gone else block
            at += size - at % size

    def _phase(self, begin: int) -> int:
        """Which part of the day a past block has, counted from now."""
        return (begin - self._past.size) // self._size % self._phases

    def _level(self, begin: int, end: int) -> float:
        """The logarithm of a burn rate; the mean where there was no traffic."""
        burn = self._past.burn(begin, end)
        return log((self._mean if burn is None else burn) + self._floor)

    def _factor(self, block: _Block, wanted: float) -> float:
        """By how much the errors of a block are multiplied to be at a level."""
        spent = (exp(wanted) - self._floor) * block.earned
        return min(block.most, spent / block.spent) if spent > 0 and block.spent > 0 else 0.0

    def _cut(self, begin: int, size: int, step: int) -> _Block:
        """A piece of the history."""
        past, end = self._past, begin + size
        bad, allowed = (
            [late - early for early, late in pairwise(sums)]
            for sums in (past.bad[begin : end + 1 : step], past.allowance[begin : end + 1 : step])
        )
        most = min(
            (all_ / (past.budget * part) for part, all_ in zip(bad, allowed, strict=True) if part > 0), default=1
        )
        return _Block(
            begin,
            self._level(begin, end),
            step,
            bad,
            allowed,
            past.bad[end] - past.bad[begin],
            past.allowed(begin, end),
            max(1.0, most),
        )

    def _fit(self) -> None:
        """The models, and how much each is believed: by the likelihood of its errors as Laplace has it, which bursts
        trouble less than that of Gauss."""
        blocks = sorted((block for donors in self._donors for block in donors), key=lambda block: block.begin)
        self._base = sum(block.level for block in blocks) / len(blocks)
        self._season = [
            sum(block.level - self._base for block in donors) / (len(donors) + 1) if self._phases > 1 else 0.0
            for donors in self._donors
        ]
        self._models, misfits = [], []
        for gain in GAINS:
            for reversion in REVERSIONS if gain else REVERSIONS[-1:]:
                model = _Model(gain, reversion, self._base, ())
                level, errors = self._base, []
                for block in blocks:
                    error = block.level - self._season[self._phase(block.begin)] - level
                    errors.append(error)
                    level = model.next(self._base, level, error)
                self._models.append(_Model(gain, reversion, level, errors))
                misfits.append(len(errors) * log(sum(map(abs, errors)) / len(errors) + 1e-9))
        best = min(misfits)
        self._weights = list(accumulate(exp(best - misfit) for misfit in misfits))

    def _begin(self, step: int) -> None:
        """How a future may begin: like the days after moments like now, or, in an outage, with more of it."""
        past, now = self._past, self._past.size

        def levels(at: int) -> list[float]:
            return [self._level(max(0, at - units * step), at) for units, _ in _SPANS]

        size, here, found = self._size, levels(now), []
        days = past.seen[-1] >= 3 * DAY
        for cell in range(now - size, size - 1, -6 * step):
            moments = []
            for at in range(cell, max(cell - 6 * step, size - 1), -step):
                if past.whole(at - size, at) and past.whole(at, at + size) and past.allowed(at, at + size) > 0:
                    apart = [hence - level for hence, level in zip(here, levels(at), strict=True)]
                    hours = (now - at) % DAY
                    distance = sum(abs(each) * weight for each, (_, weight) in zip(apart, _SPANS, strict=True))
                    distance += _HOUR * min(hours, DAY - hours) / (DAY / 2) if days else 0.0
                    moments.append((distance, at, apart))
            if moments:
                found.append(min(moments))
        self._starts: list[tuple[float, _Block]] = []
        weights = []
        for distance, at, apart in sorted(found)[:_MOMENTS]:
            block = self._cut(at, self._size, 1)
            lift = sum(each * weight for each, (_, weight) in zip(apart, _SPANS, strict=True)) / _ALL_SPANS
            self._starts.append((self._factor(block, block.level + lift), block))
            weights.append(exp(-distance / _NEAR))
        usual = sorted(exp(block.level) - self._floor for donors in self._donors for block in donors)
        limit = _OUTAGE * max(self._mean, usual[len(usual) // 2])
        self._lasted = 0
        while self._lasted <= self._size and (past.burn(now - self._lasted - 3, now - self._lasted) or 0.0) > limit:
            self._lasted += 1
        if 0 < self._lasted <= self._size:  # for longer, it is the level
            weights.append(_OUTAGE_WEIGHT)
        self._start_weights = list(accumulate(weights)) if sum(weights) > 0 else []

    def _outage(self, slices: int) -> _Block:
        """What there was in the last half hour of an outage, for so many slices."""
        past, now, recent = self._past, self._past.size, min(self._lasted, 6)
        bad = (past.bad[now] - past.bad[now - recent]) / recent
        allowed = past.allowed(now - recent, now) / recent
        return _Block(now - recent, 0.0, 1, [bad] * slices, [allowed] * slices, bad * slices, allowed * slices, 1.0)


def _passage(net: Sequence[float], start: float, edges: Sequence[float], step: int) -> float | None:
    """When the running sum of `net`, each of a unit of `step` slices, first is at the edge or above it, in slices;
    events within a unit are taken to be even."""
    sums = list(accumulate(net, initial=start))
    for at, (gone, edge) in enumerate(zip(sums, edges, strict=False)):
        if gone >= edge:
            if not at:
                return 0.0
            short = edges[at - 1] - sums[at - 1]
            return (at - 1 + short / (short + gone - edge)) * step
    return None


def _quantiles(times: Sequence[float], course: _Course, n: int) -> Forecast:
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
    if seen < COVERED * inside:
        return ReadingState.PARTIAL, f"covers {seen * SLICE / 86_400:.3g} of {inside * SLICE / 86_400:.3g} d"
    if any(item is not None and item.doubtful for item in slices):
        return ReadingState.PARTIAL, "the server warned that its answer is not complete"
    return ReadingState.OK, ""


def _pick(weights: Sequence[float], draw: Draw) -> int:
    """An index, by running sums of weights."""
    return min(bisect_left(weights, draw() * weights[-1]), len(weights) - 1)


def _normal(draw: Draw) -> float:
    """A standard normal variate (Box, Muller 1958)."""
    return sqrt(-2.0 * log(1.0 - draw())) * cos(2.0 * pi * draw())
