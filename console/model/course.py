"""The history of a budget, and what a future has to overtake: how errors fall out of a window, and when it is spent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from console.model.sli import Part
from console.model.slices import SLICE, Slice, instant, slot
from console.model.window import Rolling, Window


class Past:
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


class Course:
    """What a future has to overtake: the budget is spent as soon as what a future has spent, beginning at `start`, is
    at least `barrier[t]`, t slices from now."""

    __slots__ = ("_left", "at", "barrier", "forgets", "horizon", "inside", "length", "spent")

    def __init__(self, past: Past, first: int, window: Window) -> None:
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


def passage(net: Sequence[float], start: float, edges: Sequence[float], step: int) -> float | None:
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
