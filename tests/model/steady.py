"""The study's own question (section 2.2): when a budget is spent that burns at a constant rate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from console.model.course import Course, Past, passage
from console.model.sli import Part
from console.model.slices import SLICE, Slice
from console.model.window import Window


def steady(
    slices: Sequence[Slice | None], first: int, window: Window, budget: float, counts: Part, burn: float
) -> timedelta | None:
    """The time until the budget is spent if from now on it burns at a constant rate, with as much traffic as there was
    on average; None when it is not spent within the window's length or the period. Zero when it is spent already.

    Half of 30 d used, all of it on the oldest day: 15 d at burn 2. All of it on the newest: 7.5 d.
    """
    past = Past(slices, budget, counts)
    course = Course(past, first, window)
    if course.spent:
        return timedelta()
    flow = past.allowance[-1] / past.seen[-1] if past.seen[-1] else 0.0
    if flow <= 0:
        return None
    net = (burn - 1.0 if course.forgets else burn) * flow
    found = passage([net] * course.horizon, course.start(flow * course.horizon), course.barrier, 1)
    return None if found is None else timedelta(seconds=found * SLICE)
