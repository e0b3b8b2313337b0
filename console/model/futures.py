"""Futures that are put together from pieces of the history (`forecast` says how, and why so)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from math import cos, exp, inf, log, pi, sqrt

from console.model.course import Course, Past, passage
from console.model.slices import DAY
from console.model.value import value

_UNITS = 24
"""Parts of a block, if it has that many slices: hours of a day."""
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


class Futures:
    """The futures of one forecast."""

    def __init__(self, past: Past, course: Course, size: int, blocks: Sequence[int], draw: Draw) -> None:
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
            found = passage(net, gone, self._edges[at :: block.step], block.step)
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


def _pick(weights: Sequence[float], draw: Draw) -> int:
    """An index, by running sums of weights."""
    return min(bisect_left(weights, draw() * weights[-1]), len(weights) - 1)


def _normal(draw: Draw) -> float:
    """A standard normal variate (Box, Muller 1958)."""
    return sqrt(-2.0 * log(1.0 - draw())) * cos(2.0 * pi * draw())
