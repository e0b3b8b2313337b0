"""How an objective stands: budget, burn rates and remaining as sums over slices.

A window of w seconds that ends now is the running slice (the tail, from `edge` to now) and the slices before it that
round(w - tail) holds; at a slice's end that is exactly w, in between its far end is off by at most half a slice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from console.model.burn import WINDOWS, burn_alerts, windows
from console.model.interval import wilson
from console.model.reading import Reading, ReadingState, missing
from console.model.sli import Part, Sli
from console.model.slices import COMPLETE, LATEST, SLICE, Slices, Sums, instant, slot
from console.model.slo import Objective, SloGauge
from console.model.value import value
from console.model.window import Calendar

SLACK = 0.1
"""The share of what the budget allows for, by which parts may be above their totals, or below zero, and still be what
extrapolation makes of counters."""
_WIDEST = 0.1
"""No budget allows for more slack than one of this size."""
TREND = 36
"""Slices of the trend: three hours."""
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


@value
class Counted:
    """The slices of one SLI, and the running one: `tail` is what was counted from the slice `edge` on to `at`, as
    `source` said; expected 1, seen 0 when nothing was. Slices lie in the source's own time, which is `ahead` seconds
    ahead of `at`. `filling`: older slices are still being read."""

    slices: Slices
    edge: int
    tail: Sums
    at: datetime
    source: str = ""
    ahead: float = 0.0
    filling: bool = False

    def last(self, seconds: float) -> Sums:
        """The sums of the window of so many seconds that ends now."""
        return self.since(self.edge - max(0, round((seconds - self._tail_seconds) / SLICE)))

    def since(self, begin: int) -> Sums:
        """The sums from a slice on."""
        found, part, total = self.slices.sums(begin, self.edge) + self.tail, self.tail.part, self.tail.total
        if 0.0 <= part <= total:
            return found
        return replace(found, above=found.above + max(0.0, part - total), below=found.below + max(0.0, -part))

    @property
    def _tail_seconds(self) -> float:
        return self.at.timestamp() + self.ahead - self.edge * SLICE

    @property
    def newest(self) -> int | None:
        """The newest slice with a sample."""
        return self.edge if self.tail.seen else self.slices.newest


def errors(sums: Sums, sli: Sli) -> float:
    """How much of it was bad. A slice with more good events than events has no errors, and no fewer than none: it does
    not make up for an outage in another."""
    return max(0.0, sums.part + sums.below if sli.counts is Part.BAD else sums.total - sums.part + sums.above)


def ratio(sums: Sums, sli: Sli, counted: Counted, ever: Sums, budget: float) -> Reading[float]:
    """The error ratio of some sums, with its evidence; `ever` are the sums of the whole window."""
    at, source = counted.at, counted.source
    if not sums.seen:
        return missing(ReadingState.NO_DATA, source, "no sample of the total", at)
    if sums.total <= 0:
        return missing(ReadingState.NO_TRAFFIC, source, "nothing was counted", at)
    if sli.counts is Part.GOOD and not ever.parts:
        return missing(ReadingState.NO_DATA, source, "no good event was ever counted: check its selector", at)
    bad = errors(sums, sli) / sums.total
    state, note = ReadingState.OK, ""
    if sums.coverage < COMPLETE:
        state, note = ReadingState.PARTIAL, f"covers {_of(sums)}" + (", still being read" if counted.filling else "")
    elif sums.doubtful:
        state, note = ReadingState.PARTIAL, "the server warned that its answer is not complete"
    elif impossible := _impossible(sums, sli, budget) or _impossible(ever, sli, budget):
        state, note = ReadingState.PARTIAL, impossible
    elif sli.counts is Part.BAD and not ever.parts:
        state, note = ReadingState.PARTIAL, "no bad event was ever counted: none, or a typo in its selector"
    elif sli.counts is Part.BAD and not ever.part and ever.parts < ever.seen:
        state, note = ReadingState.PARTIAL, "the count of bad events is new: what it began with is not known"
    newest = counted.newest
    if newest is None or newest < counted.edge - LATEST:
        seen = "" if newest is None else f" since {instant(newest + 1):%d %b %H:%M} UTC"
        state, note = ReadingState.STALE, f"no sample{seen}"
    return Reading(state, bad, at, source, round(sums.total), note)


def _blind(share: Reading[float], whole: Sums, counted: Counted, period: float, budget: float) -> Reading[float]:
    """The error ratio of the whole window: in what was not seen of it, without the running slice, there may have been
    more errors than are left of the budget, of a period of so many slices. What is spent already, is spent anyway."""
    unseen = whole.expected - counted.tail.expected - whole.seen + counted.tail.seen
    if not share.ok or share.value is None or not 0.0 < (budget - share.value) * period < unseen:
        return share
    return replace(share, state=ReadingState.PARTIAL, note=f"{_time(unseen)} unseen, more than is left of the budget")


def gauge(objective: Objective, counted: Counted, sli: Sli | None = None) -> SloGauge:
    """The gauge, measured by `sli`: the objective's own, or its fallback."""
    sli, budget = sli or objective.sli, objective.budget
    begin, end = objective.window.span(counted.at)
    if begin > counted.at:
        return _not_begun(objective, counted, sli, begin)
    whole = counted.last((end - begin).total_seconds())
    if isinstance(objective.window, Calendar):
        whole = counted.since(min(slot(begin), counted.edge))
    share = ratio(whole, sli, counted, whole, budget)
    share = _blind(share, whole, counted, (end - begin).total_seconds() / SLICE, budget)
    burns = {
        name: ratio(counted.last(length.total_seconds()), sli, counted, whole, budget).map(lambda e: e / budget)
        for name, length in windows(objective.rules).items()
    }
    to_date = share.map(lambda e: 1.0 - e / budget)
    left = to_date
    if isinstance(objective.window, Calendar):
        gone = min(1.0, max(0.0, (counted.at - begin) / (end - begin)))
        left = share.map(lambda e: 1.0 - e / budget * gone)
    return SloGauge(
        objective,
        share.map(lambda e: 1.0 - e),
        left,
        burns["1h"],
        trend(counted, sli),
        sli.basis or objective.method,
        burns,
        burn_alerts(objective.rules, end - begin, burns),
        to_date if isinstance(objective.window, Calendar) else None,
        _interval(counted.last(WINDOWS["1h"].total_seconds()), sli, burns["1h"], budget),
        coverage=whole.coverage,
    )


def _not_begun(objective: Objective, counted: Counted, sli: Sli, begin: datetime) -> SloGauge:
    """The gauge before its first period."""
    note = f"the period begins on {begin:%Y-%m-%d %H:%M} UTC"
    none: Reading[float] = missing(ReadingState.NO_DATA, counted.source, note, counted.at)
    burns = dict.fromkeys(windows(objective.rules), none)
    alerts = burn_alerts(objective.rules, objective.period, burns)
    basis = sli.basis or objective.method
    return SloGauge(objective, none, none, none, (), basis, burns, alerts, none)


def bounded(own: SloGauge, low: SloGauge, high: SloGauge, threshold: float) -> SloGauge:
    """The gauge of a latency without a bucket at its threshold: from the buckets next to it the good share is only
    known to lie in between, and the lower end is what is shown."""
    if low.ratio.value is None:
        return own
    most = high.ratio.value if high.ratio.value is not None else 1.0
    note = f"no bucket at {threshold:g}: the truth is between the buckets next to it"

    def unsure(reading: Reading[float]) -> Reading[float]:
        worse = reading.state in (ReadingState.OK, ReadingState.PARTIAL)
        return replace(reading, state=ReadingState.PARTIAL, note=note) if worse else reading

    return replace(low.mapped(unsure), bounds=(low.ratio.value, most))


def trend(counted: Counted, sli: Sli, slices: int = TREND) -> tuple[float | None, ...]:
    """The good share of the last slices, oldest first."""
    what = ("trend", counted.edge, sli.counts, slices)
    return counted.slices.remembered(what, lambda: _trend(counted, sli, slices))


def _trend(counted: Counted, sli: Sli, slices: int) -> tuple[float | None, ...]:
    found: list[float | None] = []
    for item in counted.slices.between(counted.edge - slices, counted.edge):
        if item is None or item.total <= 0 or (item.part is None and sli.counts is Part.GOOD):
            found.append(None)
        else:
            found.append(1.0 - errors(Sums(item.part or 0.0, item.total), sli) / item.total)
    return tuple(found)


def _interval(hour: Sums, sli: Sli, burn: Reading[float], budget: float) -> tuple[float, float] | None:
    """Where less than one error fits in the budget of the hour's traffic, one error more or less is all there is."""
    if burn.value is None or hour.total * budget >= 1.0:
        return None
    low, high = wilson(errors(hour, sli), hour.total)
    return low / budget, high / budget


def _impossible(sums: Sums, sli: Sli, budget: float) -> str:
    """What cannot be, beyond what extrapolation makes of counters: then the selectors do not belong together."""
    beyond = sums.above if sli.counts is Part.GOOD else sums.below
    if beyond <= SLACK * min(budget, _WIDEST) * max(sums.total, 0.0) + 1.0:
        return ""
    if sli.counts is Part.GOOD:
        return "more good events than events: check its selectors"
    return "less than no bad events: check its selectors"


def _of(sums: Sums) -> str:
    """`15.2 of 30 d`, `22 of 24 h`, `25 of 60 min`."""
    size, unit = _unit(sums.expected)
    return f"{sums.seen * SLICE / size:.3g} of {sums.expected * SLICE / size:.3g} {unit}"


def _time(slices: int) -> str:
    """`35 h`, `5 min`."""
    size, unit = _unit(slices)
    return f"{slices * SLICE / size:.3g} {unit}"


def _unit(slices: int) -> tuple[int, str]:
    return next(((size, unit) for size, unit in _UNITS if slices * SLICE >= 2 * size), _UNITS[-1])
