"""Whether what is bad in a bake is the new path's doing, and not what the service does now and then by itself.

It is, where it lasts, and either holds. The new path is worse than the legacy one in the same slices: what happens to
both counts for nothing. Or it is more than the service ever does by itself, as the day before shows it: more than such
a stretch varies by about that day's mean, and all such stretches of the day. Where the legacy path is worse than it
was, it is compared with that. It lasts where the share is above the limit without the worst fifth of the bake, too.

What a path varies by counts as a design effect: fewer events. The bound of the first is one over all looks; that of the
second is one of a single look (Chernoff), as if the looks at a path that wanders were `LOOKS` that differ. The
benchmark counts what both come to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from console.model.bake import Course, Slice, Sum, clean, known, summed
from console.model.sequential import FEWEST, above, chance, design_effect, is_even, spread
from console.model.value import value
from console.model.verdict import Counts

UNKNOWN_SPREAD = 0.05
"""The relative variance of a share from one bake to another, at least, where nobody has measured it."""
APART = 0.25
"""The part of what a path varies by that is at least its own, whatever was seen: a bake is short for what wanders."""
LASTS = 0.2
"""The part of a bake, at most `SHORT`, that is left out to show that something lasts, and is no burst."""
SHORT = 20 * 60
"""Seconds before which what wanders is not told from what is worse: in a short time everything has been seen."""
EVENTS = 2.0
"""The design effect above which it is the wandering that is looked at, more than the chance of events."""
LOOKS = 4
"""As how many looks those of a bake count, of a path that wanders."""


@value
class Shown:
    """What the slices of a bake show. `even`: nothing more than chance is seen to happen on the new path. `own`: the
    part of what a path varies by that it does not share with the other one, None where that cannot be seen. `rest`: the
    new path without its worst run of slices. `varies`: what the bake itself shows of its variance, where nobody has
    measured it before."""

    new: Sum
    legacy: Sum
    slices: int
    even: bool
    still: bool
    own: float | None
    rest: Sum
    varies: float

    def then(self, more: Sum, legacy: Sum) -> Shown:
        """What it would be with so much more, of which nothing else is known."""
        return replace(
            self,
            new=self.new.plus(more.bad, more.total, more.slices),
            legacy=self.legacy.plus(legacy.bad, legacy.total, legacy.slices),
            slices=self.slices + more.slices,
            rest=self.rest.plus(more.bad, more.total, more.slices),
        )


def shown(slices: Sequence[Slice], course: Course) -> Shown:
    """Looks at a bake."""
    own, beside = [item.new for item in slices], [item.legacy for item in slices]
    pairs = [(new, legacy) for new, legacy in zip(own, beside, strict=True) if known(new) and known(legacy)]
    new, legacy = [item for item, _ in pairs], [item for _, item in pairs]
    still = is_even(new) and is_even(legacy)
    return Shown(
        summed(own),
        summed(beside),
        len(slices),
        is_even(own),
        still,
        None if still else _not_shared(new, legacy),
        _without_the_worst(own, int(SHORT / course.seconds)),
        0.0 if course.before.all else spread([own]).over(len(slices)).variance,
    )


def breaks(limit: float, bake: Shown, course: Course) -> bool:
    """Whether the share is beyond the limit, beyond chance, and it is the new path's doing."""
    if not is_above(limit, bake, course) or (bake.rest.share or 0.0) <= limit:
        return False
    return _unheard_of(limit, bake, course) or _worse(bake, course)


def is_above(limit: float, bake: Shown, course: Course) -> bool:
    """Whether the share was above the limit in this bake, beyond chance, over all looks."""
    return above(bake.new.bad, bake.new.total, limit, course.alpha)


def varies(bake: Shown, slices: int, course: Course, even: bool = False) -> float:
    """The relative variance of the share of so many slices, beyond chance."""
    if course.before.all:
        return course.before.over(slices, even).variance
    return max(UNKNOWN_SPREAD, bake.varies)


def _worse(bake: Shown, course: Course) -> bool:
    """Whether the new path is worse than the legacy one in the same slices."""
    new, legacy = bake.new, bake.legacy
    both = new.bad + legacy.bad
    if not (both > 0 and legacy.total > 0):
        return False
    # Of the bad events of both paths, so many are the new one's; so many would be if both were alike.
    alike = new.total / (new.total + legacy.total)
    if not above(new.bad, both, alike, course.alpha):
        return False
    whole = course.before.over(bake.slices, bake.still).variance if course.before.all else UNKNOWN_SPREAD
    apart = (2.0 if bake.own is None else bake.own) * whole
    deff = 1 + both * alike * (1 - alike) * apart
    return not _too_short(bake, deff, course) and above(new.bad / deff, both / deff, alike, course.alpha)


def _unheard_of(limit: float, bake: Shown, course: Course) -> bool:
    """Whether it is beyond what the service does by itself. Where nobody knows, what the bake itself has shown must
    do, and the limit stands for what is usual."""
    new, legacy = bake.new, bake.legacy
    if above(legacy.bad, legacy.total, limit, course.alpha):
        return False
    variance = varies(bake, new.slices, course, bake.even)
    most = course.before.over(new.slices, bake.even).highest
    # A legacy path that is worse than usual by more than it varies by shows that something happens to both.
    beside = (legacy.share or 0.0) / (1 + math.sqrt(variance))
    usual = max(course.before.usual if course.before.all else limit, beside)
    if not usual < 1 or (bake.rest.share or 0.0) <= most:
        return False
    deff = design_effect(new.total, usual, variance)
    if _too_short(bake, deff, course):
        return False
    return chance(new.bad / deff, new.total / deff, usual) <= course.alpha / LOOKS


def _too_short(bake: Shown, deff: float, course: Course) -> bool:
    return bake.new.slices * course.seconds < SHORT and deff > EVENTS


def _not_shared(new: Sequence[Counts], legacy: Sequence[Counts]) -> float | None:
    """The part of what a path varies by that is its own, beyond chance: 2 where each varies by itself, and never
    nothing. Of what the legacy path varies by from slice to slice, a part is not shared by the new one; as large a part
    is not shared over the whole stretch."""
    seen = _excess(legacy, [item.total or 0.0 for item in legacy], -1.0)
    if len(new) < FEWEST or not seen > 0:
        return None
    bad = [(one.bad or 0.0) + (other.bad or 0.0) for one, other in zip(new, legacy, strict=True)]
    return min(max(APART, _excess(new, bad, 1.0) / seen), 2.0)


def _excess(items: Sequence[Counts], weights: Sequence[float], errors: float) -> float:
    """The relative variance of the bad events, of which each slice should have its part by weight, beyond chance: by so
    many standard errors more."""
    whole, bad, freed = sum(weights), sum(item.bad or 0.0 for item in items), len(items) - 1
    if not (whole > 0 and bad > 0 and freed > 0):
        return 0.0
    part = bad / whole
    expected = [weight * part for weight in weights]
    own = sum(expected) * max(0.0, 1 - part)
    squares = sum(((item.bad or 0.0) - mean) ** 2 for item, mean in zip(items, expected, strict=True))
    off = 1 + errors * math.sqrt(2 / freed)
    return (squares * len(items) / freed * off - own) / sum((mean * max(0.0, 1 - part)) ** 2 for mean in expected)


def _without_the_worst(items: Sequence[Counts], longest: int) -> Sum:
    """The slices without that run of them, a fifth of all and at most so many, in which most was bad; all of fewer than
    five."""
    counts = list(clean(items))
    run = min(int(LASTS * len(counts)), longest)
    found = summed(items)
    if not run:
        return found
    bad = worst = sum(one for one, _ in counts[:run])
    first = 0
    for at in range(run, len(counts)):
        bad += counts[at][0] - counts[at - run][0]
        if bad > worst:
            worst, first = bad, at - run + 1
    return found.plus(-worst, -sum(total for _, total in counts[first : first + run]), -run)
