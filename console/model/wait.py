"""How much longer the present traffic must go on until a guardrail is conclusive, and how sure that is.

What comes is not the share that was seen: that one is uncertain by chance, what follows has a chance of its own, and
both stretches vary as such stretches did the day before. The events of the next minutes are taken as gamma distributed
with that variance (quantiles by Wilson and Hilferty 1931). So many minutes are told after which it is a breach with all
but the fewest of what may come, or passes with all but the most: `SURE` of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from console.model.bake import Course, Slice, Sum, summed
from console.model.doing import Shown, breaks, varies
from console.model.sequential import below
from console.model.value import value

SURE = 0.8
"""How probable it is that what is told is enough."""
FARTHEST = 24 * 3600
"""Seconds after which it is not worth while to wait."""
RECENT = 10
"""Slices that tell the present traffic."""
_FEW = -NormalDist().inv_cdf(SURE)


@value
class Passes:
    """What a pass wants: the chance of a false one, and the part of the slices that may be unknown. `worst`: the sum in
    which those are bad."""

    false: float
    missing: float
    worst: Sum


def needed(
    limit: float, slices: Sequence[Slice], bake: Shown, course: Course, passes: Passes, as_it_is: bool = False
) -> int | None:
    """How many slices more; None: no end can be told. `as_it_is`: if the share stays what it was, which nobody
    knows."""
    recent = summed([item.new for item in slices[-RECENT:]])
    share = bake.new.share
    if share is None or not recent.slices or not recent.total > 0:
        return None
    pace = recent.total / recent.slices
    beside = bake.legacy.total / max(1, bake.legacy.slices)
    unknown = len(slices) - bake.new.slices

    def conclusive(count: int) -> bool:
        total = pace * count
        least, most = (share * total,) * 2 if as_it_is else ahead(bake, total, count, course)
        fine = passes.worst.plus(most, total, count)
        few = unknown <= passes.missing * (len(slices) + count)
        if few and below(fine.bad, fine.total, limit, passes.false):
            return True
        other = (bake.legacy.share or 0.0) * beside * count
        more = Sum(least, total, count)
        return breaks(limit, bake.then(more, Sum(other, beside * count, count)), course)

    low, high = 0, 1
    longest = int(FARTHEST / course.seconds)
    while not conclusive(high):
        if high >= longest:
            return None
        low, high = high, min(2 * high, longest)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if conclusive(middle) else (middle, high)
    return high


def ahead(bake: Shown, total: float, slices: int, course: Course) -> tuple[float, float]:
    """Of so many events to come in so many slices, at least and at most how many are bad: each is so with `SURE`. Half
    an event more than was seen, as Jeffreys' prior has it: none that was bad does not show that none will be."""
    seen = bake.new.bad + 0.5
    mean = min(1.0, seen / bake.new.total) * total
    differ = varies(bake, bake.new.slices, course, bake.even) + varies(bake, slices, course, bake.even)
    relative = 1 / mean + 1 / seen + differ
    middle, width = 1 - relative / 9, math.sqrt(relative) / 3
    least, most = (mean * max(0.0, middle + errors * width) ** 3 for errors in (_FEW, -_FEW))
    return min(least, total), min(most, total)
