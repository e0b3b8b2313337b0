"""The rollback's clocks: how much longer the one under way takes, and when the next one must begin at the latest.

*Remaining*: the steps that are left, as long as they took in past runs, times the pace of this one: what its steps took
so far beside what was expected, to the power k / (k + 2) after k steps (few steps say little). It is told anew after
each step, and while a step takes longer than ever by what is left of one that has lasted so long.

*Deadline*: the end of what may be waited for, less P95. P95 and not P80: of those who begin at the last moment one in
twenty is late, not one in five, and to begin early costs little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import exp, inf, log, sqrt
from operator import add

from console.model.estimate import Deadline, Estimate, Remaining
from console.model.measuring import human_steps, step_seconds
from console.model.past import Past, worth_runs
from console.model.predict import DRAWS, Draw, Live, LogT, at, fitted, live_draws
from console.model.rollout import Guardrail, Level
from console.model.run import Run
from console.model.slo import SloGauge
from console.model.student import quantile
from console.model.value import value
from console.model.verdict import Judged, Verdict

_SHRINK = 2.0
"""So many steps of which nothing is known weigh against those that were seen."""
_MOST = 4.0
"""The pace is between a quarter and four times."""
_LEAST_SPREAD = 0.1
"""Of a step's logarithm, where all past ones took the same."""
_NAMED = 3
"""So many of what is not known are named."""


# -- under way --------------------------------------------------------------------------------------------------------


@value
class _Under:
    """Where a run stands: the steps that are over, the one under way with the seconds it has taken, and those to
    come."""

    took: Mapping[str, float]
    over: tuple[str, ...]
    current: str
    ahead: frozenset[str]


def remaining(
    run: Run,
    now: datetime,
    runs: Sequence[Past],
    *,
    live: Live = Live(),  # noqa: B008
    objective: timedelta | None = None,
    draw: Draw,
) -> Remaining:
    """How much longer `run` takes. `runs` are the past ones without the steps of `live`."""
    elapsed = max(0.0, (now - run.started_at).total_seconds())
    under = _stands(run, now)
    modelled = live.steps()
    pace = _pace(under, runs, modelled)
    bare = Remaining(run.id, elapsed, pace=pace, within=objective)
    left = {under.current, *under.ahead} - {""}
    people = human_steps(run.playbook)
    known = all(item.whole for item in runs) or all(step in people for step in left - modelled)
    seen = {step for item in runs for step in item.steps}
    waited = {step.id for step in run.playbook.steps if not step.parallel}
    if not runs or not known or not (left & waited) - modelled <= seen:
        return bare
    if not left - modelled:
        fit = None
        rest: Sequence[float] = (0.0,) * DRAWS
    else:
        times = [_left(item, under, pace, modelled, runs) for item in runs]
        fit = fitted(times, [item.weight for item in runs], worth_runs(runs, frozenset(left - modelled)))
        if fit is None:
            return bare
        rest = ()
    added = live_draws(_ahead(live, under), runs, draw)
    if added is None and fit is not None:
        p50, p80, p95 = (fit.quantile(share) for share in (0.5, 0.8, 0.95))
    else:
        rest = fit.draws(draw, DRAWS) if fit is not None else rest
        drawn = sorted(map(add, rest, added or (0.0,) * DRAWS))
        p50, p80, p95 = (at(drawn, share) for share in (0.5, 0.8, 0.95))
    return Remaining(run.id, elapsed, p50, p80, p95, pace, objective)


def _stands(run: Run, now: datetime) -> _Under:
    current = run.current.id if run.current is not None else ""
    over = tuple(step.id for step in run.playbook.steps if run.steps[step.id].over)
    ahead = frozenset(step.id for step in run.playbook.steps if step.id not in over and step.id != current)
    return _Under(step_seconds(run, now), over, current, ahead)


def _pace(under: _Under, runs: Sequence[Past], modelled: frozenset[str]) -> float:
    """Of what is over and is not modelled live; of the step under way once it takes longer than expected."""
    took = expected = 0.0
    count = 0
    for step in (*under.over, under.current):
        usual, taken = _usual(step, runs), under.took.get(step, 0.0)
        late = step != under.current or taken > usual
        if step and step not in modelled and usual > 0.0 and late:
            took, expected, count = took + taken, expected + usual, count + 1
    if took <= 0.0 or expected <= 0.0:
        return 1.0
    raw = min(max(took / expected, 1.0 / _MOST), _MOST)
    return exp(log(raw) * count / (count + _SHRINK))


def _usual(step: str, runs: Sequence[Past]) -> float:
    whole = sum(item.weight for item in runs)
    return sum(item.weight * item.steps.get(step, 0.0) for item in runs) / whole if whole > 0.0 else 0.0


def _left(item: Past, under: _Under, pace: float, modelled: frozenset[str], runs: Sequence[Past]) -> float:
    """What was left of a past run at this place, at the pace of this one."""
    ahead = sum(item.steps.get(step, 0.0) for step in under.ahead - modelled)
    here = 0.0
    if under.current and under.current not in modelled:
        taken = under.took.get(under.current, 0.0)
        here = pace * item.steps.get(under.current, 0.0) - taken
        if here <= 0.0:
            here = _lasting(under.current, taken, pace, runs)
    return pace * ahead + here


def _lasting(step: str, taken: float, pace: float, runs: Sequence[Past]) -> float:
    """What is left (the median) of a step that has lasted longer than in a past run."""
    times = [(pace * item.steps[step], item.weight) for item in runs if item.steps.get(step, 0.0) > 0.0]
    fit = fitted([seconds for seconds, _ in times], [weight for _, weight in times])
    if fit is None or taken <= 0.0:
        return 0.0
    shape = LogT(fit.middle, sqrt(fit.spread**2 + _LEAST_SPREAD**2), fit.effective)
    half = (1.0 + shape.within(taken)) / 2.0
    if half >= 1.0 - 1e-9:
        return taken
    return max(0.0, exp(shape.middle + shape.scale * quantile(half, shape.effective - 1.0)) - taken)


def _ahead(live: Live, under: _Under) -> Live:
    """What is modelled live and not over; of a drain under way, what is left until it is cut."""
    over = set(under.over)
    cut = live.cut
    if cut is not None and live.drain_step == under.current:
        cut = max(0.0, cut - under.took.get(under.current, 0.0))
    return Live(
        live.drain_step if live.drain_step not in over else "",
        live.drain,
        live.draining,
        cut,
        live.restore_step if live.restore_step not in over else "",
        live.restore,
    )


# -- the point of no return -------------------------------------------------------------------------------------------


@value
class Limit:
    """A moment after which a rollback that ends is too late, and what is lost then."""

    at: datetime
    lost: str


def objective_limit(since: datetime | None, objective: timedelta | None) -> tuple[Limit, ...]:
    """The objective runs from the breach; without one it bounds nothing."""
    if since is None or objective is None:
        return ()
    minutes = objective.total_seconds() / 60.0
    return (Limit(since + objective, f"the objective of {minutes:g} min after the breach at {since:%H:%M:%S}Z"),)


def budget_limits(gauges: Iterable[SloGauge]) -> tuple[Limit, ...]:
    """When the budgets that burn will be spent: in one of ten futures of the forecast, or at the rate of the last hour
    where there is none. What is spent already bounds nothing any more: `spent` names it."""
    found = []
    for gauge in gauges:
        burn, left = gauge.burn.value, gauge.budget_left.value
        if burn is None or not 1.0 < burn < inf or left is None or not 0.0 < left <= 1.0 or gauge.burn.at is None:
            continue
        spent = gauge.burn.at + left * gauge.objective.period / burn
        if gauge.forecast is not None and gauge.forecast.p10 is not None:
            spent = gauge.forecast.at + gauge.forecast.p10
        found.append(Limit(spent, f"the budget of {gauge.objective.name}"))
    return tuple(found)


def spent(gauges: Iterable[SloGauge]) -> tuple[str, ...]:
    """The objectives whose budget is spent, by name."""
    return tuple(
        gauge.objective.name
        for gauge in gauges
        if gauge.budget_left.ok and gauge.budget_left.value is not None and gauge.budget_left.value <= 0.0
    )


def doubted(
    gauges: Iterable[SloGauge], guardrails: Iterable[Guardrail] = (), judged: Iterable[Judged] = ()
) -> tuple[str, ...]:
    """What is not known to be well, by name: objectives without a burn rate or a budget that can be relied on, and
    guardrails of this phase that neither their evidence nor, without any, their level shows to be kept."""
    found = [gauge.objective.name for gauge in gauges if not (gauge.burn.ok and gauge.budget_left.ok)]
    verdicts = {item.guardrail: item.verdict is Verdict.PASS for item in judged}
    for item in guardrails:
        if item.level is not Level.NOT_IN_PHASE:
            verdicts.setdefault(item.rule.name, item.level in (Level.OK, Level.WARNING))
    return (*found, *(name for name, kept in verdicts.items() if not kept))


def deadline(
    found: Estimate,
    now: datetime,
    limits: Sequence[Limit],
    *,
    no_return: float | None = None,
    under_way: bool = False,
    gone: Sequence[str] = (),
    unknown: Sequence[str] = (),
) -> Deadline:
    """When a rollback must begin at the latest. `no_return` is above 0 once the point of no return is passed; `gone`
    are budgets that are spent, and `unknown` is what may bound it, and is not known. `why` reads after "start by
    14:32:10, or"."""
    if no_return is not None and no_return > 0.0:
        return Deadline(None, "the point of no return is passed", passed=True)
    if under_way:
        return Deadline(None, "a rollback is under way")
    if not limits and (gone or unknown):
        words = [f"the budget of {', '.join(gone)} is spent already"] if gone else []
        if unknown:
            more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
            words.append(f"whether {', '.join(unknown[:_NAMED])}{more} hold is not known")
        return Deadline(None, "; ".join(words) if gone else f"unknown: {words[0]}", spent=bool(gone))
    if not limits:
        return Deadline(None, "nothing bounds it: no guardrail is breached, and no budget runs out")
    bound = found.bound
    if bound is None:
        return Deadline(None, f"unknown: nobody knows how long it takes ({found.statement})")
    first = min(limits, key=lambda limit: limit.at)
    latest = first.at - timedelta(seconds=min(bound, 1e9))
    return Deadline(latest, f"{first.lost} cannot be met (P95 {bound / 60.0:.1f} min)", passed=latest <= now)
