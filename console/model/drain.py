"""How long until what is in flight has ended, once nothing new is sent there: by what is read, and what is seen of it.

Whether it is bound by a queue or by durations (`draining`) is seen while it drains: completions that fall in proportion
to what is left, or that stay. Before that, the later one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from math import inf, isfinite, log, sqrt

from console.model.draining import ByDuration, ByQueue, Draining, Residual
from console.model.estimate import Drain
from console.model.value import value

_LEAST = 4
"""Readings of the decay below which it says nothing."""
_FALLEN = 1.5
"""By what factor what is in flight must have fallen, before the decay says which bound holds."""
_ENDED = 20
"""How many items must have ended before the durations are fitted to the decay."""
_STRETCH = 5.0
"""By no more than this factor durations are longer than the histogram says."""
_SURE = 2.0
"""Standard errors by which the slope must differ from one half, before it says which bound holds."""
_ALONE = 1.0
"""So many items in flight by arrivals alone: it never stays empty."""
_ITEMS, _RATE, _SLOWEST = 1e12, 1e9, 1e-9
"""No service has more in flight, and none ends more in a second; and less than one in thirty years is none."""
FOREVER = 1e9
"""Seconds: what takes longer than thirty years is not told."""


def plausible_count(value: float | None) -> float | None:
    """How many there are, as it was read; None where it is unknown, or no number of items can be that."""
    return value if value is not None and 0.0 <= value <= _ITEMS else None


def plausible_rate(value: float | None) -> float | None:
    """The same of what arrives or ends per second."""
    if value is None or not 0.0 <= value <= _RATE:
        return None
    return value if value >= _SLOWEST else 0.0


@value
class Seen:
    """What was in flight so many seconds after the share was set to 0 %, and how many ended per second."""

    after: float
    items: float
    completions: float | None = None


@value
class Flow:
    """What is known of what is in flight: `arrivals` per second are those that come in spite of a share of 0 %. `decay`
    is what was seen since then, oldest first; nothing before."""

    items: float
    completions: float | None = None
    arrivals: float = 0.0
    lasting: Residual | None = None
    decay: tuple[Seen, ...] = ()


def slope(decay: Sequence[Seen], arrivals: float = 0.0) -> tuple[float, float] | None:
    """How completions follow what is in flight: 1 in proportion (duration-bound), 0 not at all (queue-bound); the slope
    of their logarithms, and its standard error. None while too little has been seen."""
    points = [(log(items), log(rate)) for items, rate in _rates(decay, arrivals) if items > 0.0 and rate > 0.0]
    if len(points) < _LEAST:
        return None
    xs = [x for x, _ in points]
    if max(xs) - min(xs) < log(_FALLEN):
        return None
    middle_x, middle_y = sum(xs) / len(points), sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x in xs)
    found = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    apart = sum((y - middle_y - found * (x - middle_x)) ** 2 for x, y in points)
    return found, sqrt(apart / (len(points) - 2) / spread)


def _rates(decay: Sequence[Seen], arrivals: float) -> list[tuple[float, float]]:
    """(in flight, ended per second): as measured, or else by what is missing from reading to reading."""
    if all(seen.completions is not None for seen in decay):
        return [(seen.items, seen.completions or 0.0) for seen in decay]
    found = []
    for before, after in pairwise(decay):
        if after.after > before.after:
            rate = (before.items - after.items) / (after.after - before.after) + arrivals
            found.append(((before.items + after.items) / 2.0, rate))
    return found


def drained(flow: Flow, at: datetime | None = None) -> tuple[Drain, Draining | None]:
    """How long it takes from now; the second is None where that is not known, or never. Numbers that no service has
    are unknown."""
    items = plausible_count(flow.items)
    if items is None:
        return Drain("", flow.items, why=f"{flow.items:g} in flight cannot be", at=at), None
    if flow.arrivals and plausible_rate(flow.arrivals) is None:
        return Drain("", items, why=f"{flow.arrivals:g} arrivals per second cannot be", at=at), None
    try:
        found, draining = _drained(_plausible(flow, items), at)
    except (ArithmeticError, ValueError):
        return Drain("", items, why="how long that takes cannot be computed", at=at), None
    told = [seconds for seconds in (found.p50, found.p80, found.p95, found.most) if seconds is not None]
    if any(not isfinite(seconds) or seconds > FOREVER for seconds in told):
        return Drain(found.bound, items, never=True, why=f"it takes longer than {FOREVER:g} s", at=at), None
    return found, draining


def _plausible(flow: Flow, items: float) -> Flow:
    decay = tuple(
        Seen(seen.after, seen.items, plausible_rate(seen.completions))
        for seen in flow.decay
        if plausible_count(seen.items) is not None
    )
    return Flow(items, plausible_rate(flow.completions), plausible_rate(flow.arrivals) or 0.0, flow.lasting, decay)


def _drained(flow: Flow, at: datetime | None) -> tuple[Drain, Draining | None]:
    draining, never, why = _chosen(flow)
    if draining is None:
        return Drain("", flow.items, never=never, why=why, at=at), None
    if flow.items <= 0.0:
        return Drain(draining.bound, 0.0, 0.0, 0.0, 0.0, 0.0, why="nothing is in flight", at=at), None
    p50, p80, p95 = (draining.quantile(share) for share in (0.5, 0.8, 0.95))
    if p95 is None and isinstance(draining, ByDuration):
        lasting = draining.lasting
        why += f"; {lasting.longer:.2%} take longer than {lasting.bounds[-1]:g} s, and nobody knows how much longer"
    found = Drain(draining.bound, flow.items, p50, p80, p95, draining.most(), never, why, at)
    return found, None if p95 is None or never else draining


def _chosen(flow: Flow) -> tuple[Draining | None, bool, str]:
    """By what it is bound, whether it never ends, and why."""
    if flow.items > 0.0 and flow.completions is not None and flow.arrivals >= flow.completions:
        why = f"{flow.arrivals:g} arrive and {flow.completions:g} end per second"
        return None, True, why if flow.completions > 0.0 else "nothing ends"
    rate, over = _steady(flow)
    queue = None
    if rate is not None and rate > flow.arrivals:
        # A histogram by which most of them are worked on at once has the time in the queue in it.
        tail = flow.lasting if flow.lasting is not None and rate * flow.lasting.mean < flow.items / 2.0 else None
        queue = ByQueue(flow.items, rate, flow.arrivals, over, tail)
    if queue is not None and flow.items <= 0.0:
        return queue, False, ""
    lasting = _fitted(flow) if flow.lasting is not None else None
    stays = flow.arrivals * lasting.lasting.mean * lasting.stretch if lasting is not None else 0.0
    left = f"{flow.arrivals:g} still arrive per second: about {stays:.0f} stay in flight"
    follows = slope(flow.decay, flow.arrivals)
    if follows is not None and abs(follows[0] - 0.5) > _SURE * follows[1]:
        steep, shown = follows[0], f"slope {follows[0]:.2f} over {len(flow.decay)} readings"
        if steep >= 0.5 and lasting is not None:
            if stays >= _ALONE:
                return None, True, left
            return lasting, False, f"completions fall with what is in flight ({shown})"
        if steep < 0.5 and queue is not None:
            return queue, False, f"completions stay while what is in flight falls ({shown})"
    if stays >= _ALONE:
        return (None, True, left) if queue is None else (None, False, f"{left}, if each runs by itself")
    known = [item for item in (lasting, queue) if item is not None]
    if not known:
        return None, False, "neither how long items last nor how many end per second is known"
    if len(known) == 1:
        return known[0], False, "by " + ("durations" if known[0] is lasting else "completions") + " alone"
    return max(known, key=_middle), False, "which bound holds is not seen yet: the later one"


def _steady(flow: Flow) -> tuple[float | None, float]:
    """Completions per second, and over how many seconds they were counted: over the whole decay where there is one,
    for those of the last reading are few."""
    seen = [seen.completions for seen in flow.decay if seen.completions is not None]
    if len(seen) < _LEAST:
        return flow.completions, 0.0
    return sum(seen) / len(seen), flow.decay[-1].after - flow.decay[0].after


def _middle(draining: Draining) -> float:
    found = draining.quantile(0.5)
    return inf if found is None else found


def _fitted(flow: Flow) -> ByDuration | None:
    """Durations as they are observed since the share is 0 %: longer than the histogram's by one factor. Never shorter:
    the first items to end say little of the last ones."""
    assert flow.lasting is not None, "asked only then"
    if not flow.decay:
        return ByDuration(flow.items, flow.lasting)
    first, last = flow.decay[0], flow.decay[-1]
    plain = ByDuration(flow.items, flow.lasting, last.after)
    if first.items - last.items < _ENDED or last.items <= 0.0 or last.after <= first.after:
        return plain
    expected = flow.lasting.when(flow.lasting.at(first.after) * last.items / first.items)
    if expected is None or expected <= 0.0:
        return plain
    stretch = min(max(last.after / expected, 1.0), _STRETCH)
    return ByDuration(flow.items, flow.lasting, last.after, stretch)
