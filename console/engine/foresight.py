"""Forecasts of the objectives that burn, or that somebody looks at: one at a time, in the background."""

from __future__ import annotations

import random

from console.engine.level import Level, begin_of
from console.engine.levels import Levels
from console.model.forecast import exhaustion
from console.model.slo import SloGauge

FORESEE_EVERY, WATCHED = 300.0, 900.0
"""Seconds between two forecasts of one objective, and how long somebody who has looked at it is taken to look."""


def unforeseen(levels: Levels, unix: float) -> Level | None:
    """An objective that burns or is looked at, and has no forecast of late; None when there is none."""
    burning = {found.objective.name for found in levels.gauges() if _burns(found)}
    for level in levels.levels():
        looked = unix - level.looked_at < WATCHED
        if (looked or level.objective.name in burning) and unix - level.foreseen_at >= FORESEE_EVERY:
            return level
    return None


def foresee(levels: Levels, level: Level, unix: float) -> None:
    """Makes the forecast of an objective."""
    level.foreseen_at = unix
    with levels.lock:
        if levels.edge is None:
            return
        track, edge = level.shown, levels.edge
        first = max(begin_of(level.objective, edge), track.slices.first or edge)
        past = track.slices.between(first, edge)
    objective = level.objective
    # One seed for each objective: the next forecast tries the same futures, and differs by what has happened.
    draw = random.Random(objective.name).random
    source = levels.source.name
    level.forecast = exhaustion(past, first, objective.window, objective.budget, track.sli.counts, draw, source)


def _burns(found: SloGauge) -> bool:
    """Whether its budget is spent faster than it comes back, over the last hour or the last day."""
    return any((found.burns[name].value or 0.0) > 1.0 for name in ("1h", "6h", "1d") if name in found.burns)
