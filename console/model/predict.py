"""How long the next rollback takes, by those that were measured (`past`).

The logarithms of whole durations are Student's t about their mean: bound = exp(m + t(q, n - 1) s sqrt(1 + 1/n)). Steps
are not resampled one by one: the same people and the same load are behind all of them, and sums of independent steps
come out too narrow. n is the effective number of runs. Below three there is only what holds without any assumption: the
longest of n bounds the next one with n / (n + 1).

What can be modelled from what is in flight now (the drain, the restore) is taken out of the past runs and added anew,
by Monte Carlo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import cos, exp, log, pi, sqrt
from operator import add

from console.model.draining import Draining
from console.model.estimate import Drain, Driver, Estimate, Measured, Origin
from console.model.past import LEAST_SECONDS, Past, counts, kish, median, own, past, visible, worth_runs
from console.model.student import below, quantile
from console.model.value import value

LEAST = 3
"""Runs below which nothing is assumed of their distribution."""
LEAST_EFFECTIVE = 2.0
"""The same, by weight: below one degree of freedom the distribution has no mean, and its bounds say nothing."""
SCORED = 12
"""How many past predictions the calibration is about."""
BAND = 0.8
MINUTES = (15, 20)
DRAWS = 2000
_GRID = 50
"""Quantiles of the drain that are drawn from, as often as one another."""
_FAR = 1e6

Draw = Callable[[], float]
"""Uniform in [0, 1)."""


@value
class Live:
    """The steps whose time is told by what is in flight now; an empty name: none is. `cut`: the playbook goes on after
    so many seconds of the drain. `restore` is the backlog over the throughput, in seconds."""

    drain_step: str = ""
    drain: Drain | None = None
    draining: Draining | None = None
    cut: float | None = None
    restore_step: str = ""
    restore: float | None = None

    def steps(self) -> frozenset[str]:
        """Those that are modelled now."""
        drained = self.drain_step if self.drain is not None and self._drain_known(self.drain) else ""
        restored = self.restore_step if self.restore is not None else ""
        return frozenset(filter(None, (drained, restored)))

    def _drain_known(self, drain: Drain) -> bool:
        return self.draining is not None or drain.items <= 0.0 or (drain.never and self.cut is not None)


@value
class LogT:
    """The distribution of the next duration."""

    middle: float
    spread: float
    effective: float

    @property
    def scale(self) -> float:
        """Of the next one about the mean, whose own uncertainty is in it."""
        return self.spread * sqrt(1.0 + 1.0 / self.effective)

    def quantile(self, share: float) -> float:
        """In seconds."""
        return _exp(self.middle + self.scale * quantile(share, self.effective - 1.0))

    def within(self, seconds: float) -> float:
        """The probability that it takes at most so long."""
        if seconds <= 0.0:
            return 0.0
        apart = log(seconds) - self.middle
        if self.scale <= 0.0:
            return 1.0 if apart >= 0.0 else 0.0
        return below(apart / self.scale, self.effective - 1.0)

    def draws(self, draw: Draw, count: int) -> list[float]:
        """So many durations (Bailey: Mathematics of Computation 62, 1994)."""
        freedom, scale, middle = self.effective - 1.0, self.scale, self.middle
        found = []
        for _ in range(count):
            apart = sqrt(freedom * ((1.0 - draw()) ** (-2.0 / freedom) - 1.0))
            found.append(_exp(middle + scale * min(apart, _FAR) * cos(2.0 * pi * draw())))
        return found


def _exp(power: float) -> float:
    return exp(min(power, 700.0))


def fitted(seconds: Sequence[float], weights: Sequence[float], known: float | None = None) -> LogT | None:
    """Log-t on durations; None below `LEAST` of them, or below `LEAST_EFFECTIVE` by weight. `known`: they are worth so
    many, and not all that they are."""
    if len(seconds) < LEAST:
        return None
    whole = sum(weights)
    effective = kish(weights) if known is None else known
    if effective < LEAST_EFFECTIVE:
        return None
    logs = [log(max(item, LEAST_SECONDS)) for item in seconds]
    middle = sum(weight * item for weight, item in zip(weights, logs, strict=True)) / whole
    square = sum(weight * (item - middle) ** 2 for weight, item in zip(weights, logs, strict=True)) / whole
    return LogT(middle, sqrt(square * effective / (effective - 1.0)), effective)


def worth(live: Live, measured: Iterable[Measured]) -> Live:
    """Without the restore, where it is shorter than it has been so far: a person's work is in that step, too."""
    times = sorted(run.steps[live.restore_step] for run in measured if own(run, live.restore_step))
    if live.restore is None or not times or live.restore > median(times):
        return live
    return replace(live, restore=None)


# -- the estimate -----------------------------------------------------------------------------------------------------


def estimate(
    measured: Sequence[Measured],
    now: datetime,
    playbook_hash: str = "",
    *,
    mode: str = "live",
    live: Live = Live(),  # noqa: B008
    machine: Mapping[str, float] | None = None,
    titles: Mapping[str, str] | None = None,
    draw: Draw,
) -> Estimate:
    """How long a rollback that begins now would take. `measured` are runs of the playbook with that hash or an older
    one; `titles` are those of its steps. `draw` is such as `random.Random(seed).random`."""
    seen = [run for run in measured if visible(run, mode)]
    runs = past(seen, now, live.steps(), machine)
    found = _scored(seen, Estimate(len(runs), drain=live.drain))
    if not runs:
        return replace(found, statement=_nothing(seen))
    newest = max(runs, key=lambda item: item.run.at).run
    whole = all(item.whole for item in runs)
    weights, known = [item.weight for item in runs], worth_runs(runs)
    found = replace(
        found,
        effective=known,
        newest=newest.at,
        plan_changed=newest.playbook_hash != playbook_hash if playbook_hash else None,
        human_only=not whole,
        statement=_statement(seen, now, machine),
        drivers=_drivers(runs, live, titles or {}),
    )
    if live.drain is not None and live.drain.never and live.cut is None:
        return replace(found, statement=f"{found.statement}; the drain never ends: {live.drain.why}")
    fit = fitted([item.seconds for item in runs], weights, known)
    if fit is None:
        return found
    return _filled(found, fit, runs, live if whole else Live(), draw)


def _filled(found: Estimate, fit: LogT, runs: Sequence[Past], live: Live, draw: Draw) -> Estimate:
    """With its quantiles. Of people's steps alone no probability of the whole is said."""
    added = live_draws(live, runs, draw)
    if added is None:
        p50, p80, p95 = (fit.quantile(share) for share in (0.5, 0.8, 0.95))
        within = tuple((minutes, fit.within(60.0 * minutes)) for minutes in MINUTES)
    else:
        drawn = sorted(map(add, fit.draws(draw, DRAWS), added))
        p50, p80, p95 = (at(drawn, share) for share in (0.5, 0.8, 0.95))
        within = tuple((minutes, _share(drawn, 60.0 * minutes)) for minutes in MINUTES)
    return replace(found, p50=p50, p80=p80, p95=p95, within=() if found.human_only else within)


def live_draws(live: Live, runs: Sequence[Past], draw: Draw) -> list[float] | None:
    """`DRAWS` durations of the steps that are modelled live; None: none is. The restore spreads as it did in past
    runs."""
    steps = live.steps()
    if not steps:
        return None
    drawn = [0.0] * DRAWS
    if live.drain_step in steps:
        drawn = _drain_draws(live)
    if live.restore_step in steps and live.restore is not None:
        spread = restore_spread(runs, live.restore_step)
        if spread is not None:
            shape = LogT(log(max(live.restore, LEAST_SECONDS)), spread.spread, spread.effective)
            drawn = [one + other for one, other in zip(drawn, shape.draws(draw, DRAWS), strict=True)]
        else:
            drawn = [one + live.restore for one in drawn]
    return drawn


def restore_spread(runs: Sequence[Past], step: str) -> LogT | None:
    """How the restores of past runs spread; None where too few were measured."""
    times = [(item.run.steps[step], item.weight) for item in runs if own(item.run, step) and item.run.steps[step] > 0.0]
    return fitted([seconds for seconds, _ in times], [weight for _, weight in times])


def _drain_draws(live: Live) -> list[float]:
    """Every quantile of the grid as often as the others: what they are added to is in random order."""
    if live.draining is None:
        grid = [live.cut or 0.0 if live.drain is not None and live.drain.never else 0.0]
    else:
        grid = [live.draining.quantile((at + 0.5) / _GRID) or 0.0 for at in range(_GRID)]
    if live.cut is not None:
        grid = [min(seconds, live.cut) for seconds in grid]
    return grid * (DRAWS // len(grid))


def at(ordered: Sequence[float], share: float) -> float:
    """A quantile of what was drawn."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _share(ordered: Sequence[float], limit: float) -> float:
    return sum(1 for item in ordered if item <= limit) / len(ordered)


def _drivers(runs: Sequence[Past], live: Live, titles: Mapping[str, str]) -> tuple[Driver, ...]:
    """Each step with what it takes on average, the longest first."""
    whole = sum(item.weight for item in runs)
    found: dict[str, float] = {}
    for item in runs:
        for step, seconds in item.steps.items():
            found[step] = found.get(step, 0.0) + item.weight * seconds / whole
    modelled = live.steps()
    now: dict[str, float] = {}
    if live.drain_step in modelled and live.drain is not None:
        drain = live.drain.p50 if live.drain.p50 is not None else live.cut or 0.0
        now[live.drain_step] = drain if live.cut is None else min(drain, live.cut)
    if live.restore_step in modelled and live.restore is not None:
        now[live.restore_step] = live.restore
    drivers = [
        Driver(step, titles.get(step, step), seconds, step in now)
        for step, seconds in {**found, **now}.items()
        if seconds > 0.0
    ]
    return tuple(sorted(drivers, key=lambda item: -item.seconds))


# -- in words ---------------------------------------------------------------------------------------------------------


def _nothing(seen: Sequence[Measured]) -> str:
    if not seen:
        return Estimate().statement
    return f"no rollback was measured; {_drills(len(seen))} not count: {_why_not(seen)}"


def _why_not(seen: Sequence[Measured]) -> str:
    fast = sum(1 for run in seen if not counts(run))
    return "not at real-time speed" if fast else "no step of people in it"


def _drills(count: int) -> str:
    return "1 drill does" if count == 1 else f"{count} drills do"


def _statement(seen: Sequence[Measured], now: datetime, machine: Mapping[str, float] | None) -> str:
    """What holds without any assumption, and what kind of runs it is about."""
    runs = past(seen, now, machine=machine)
    longest, count = max(item.seconds for item in runs) / 60.0, len(runs)
    drills = sum(1 for item in runs if item.run.origin is Origin.SIMULATED)
    # With a borrowed machine time a drill is no other draw of the whole: the real ones alone are as many as they are.
    known = count - drills if any(item.borrowed for item in runs) else count
    parts = [f"{'the only one' if count == 1 else f'longest of {count}'}: {longest:.1f} min"]
    if known:
        parts.append(f"that bounds the next one with {100.0 * known / (known + 1):.0f} %")
    if not all(item.whole for item in runs):
        parts.append("people's steps of drills alone: no machine time was ever measured")
    elif drills:
        parts.append(f"{drills} of them drills, with machine times as measured elsewhere")
    if fast := sum(1 for run in seen if not counts(run)):
        parts.append(f"{_drills(fast)} not count: not at real-time speed")
    return "; ".join(parts)


def _scored(seen: Sequence[Measured], found: Estimate) -> Estimate:
    scores = [run.quantile for run in seen if run.quantile is not None][-SCORED:]
    return replace(found, scored=len(scores), inside=sum(1 for score in scores if score <= BAND))
