"""Rules of the SLOs, with the names and labels that Sloth gives its own, so that what reads those reads these.

One thing is different: the error ratio over the whole period is a ratio of sums. Sloth takes the mean of the 5-minute
ratios, in which a quiet hour weighs as much as a busy one. So what happened in 5 minutes is recorded too, bad and all
(`slo:sli_error:count5m`, `slo:sli_total:count5m`), and the period is one sum over the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from console.model.burn import WINDOWS, BurnRule, Urgency
from console.model.duration import duration
from console.model.sli import Part, Sli, Unit, error_ratio, filled
from console.model.slo import Alerting, Objective
from console.model.window import Rolling
from console.reports.generate.grouping import grouped
from console.reports.generate.plan import (
    CRITICAL,
    WARNING,
    Plan,
    camel,
    literal,
    literals,
    number,
    selector,
    span,
    template,
)
from console.settings.slo.labels import label_name

Rule = dict[str, Any]

SLOW = "1m"
"""How often the sums over days are computed: they are dear, and a minute is nothing to them."""
RECORDED = "5m"
"""The windows whose counts are recorded. They overlap, all alike: a ratio of their sums does not see it."""
REMEMBERED = "1d"
"""For how long series of good events are remembered; it begins anew with each 5 minutes that were counted."""
FALLBACK = "fallback"
SEVERITY = {Urgency.PAGE: CRITICAL, Urgency.TICKET: WARNING}


def slo_groups(objective: Objective, plan: Plan) -> Iterator[dict[str, Any]]:
    """The rule groups of one objective."""
    if objective.groups:
        objective = replace(objective, sli=grouped(objective.sli, _by(objective)))
    name = identity(objective)["sloth_id"]
    short = [window for window in windows(objective) if window < timedelta(days=1)]
    long = [window for window in windows(objective) if window >= timedelta(days=1)]
    yield {"name": f"oncall-slo-sli-{name}", "rules": [_ratio(objective, window) for window in short]}
    yield {
        "name": f"oncall-slo-period-{name}",
        "interval": SLOW,
        "rules": [
            *(_ratio(objective, window) for window in long),
            *(_counts(objective, objective.sli)),
            *(_counts(objective, objective.sli.fallback) if objective.sli.fallback else ()),
            *([_period(objective)] if objective.period not in windows(objective) else []),
        ],
    }
    yield {"name": f"oncall-slo-meta-{name}", "rules": list(_meta(objective, plan))}
    alerts = [rule for urgency in Urgency for rule in _alert(objective, urgency, plan)]
    if alerts:
        yield {"name": f"oncall-slo-alerts-{name}", "rules": alerts}


def identity(objective: Objective) -> dict[str, str]:
    """Sloth's labels of an SLO."""
    name = objective.short or objective.name
    return {"sloth_id": objective.id, "sloth_service": objective.service, "sloth_slo": name}


def windows(objective: Objective) -> list[timedelta]:
    """The windows whose error ratio is recorded, but for the period's, shortest first."""
    used = {duration(window) for rule in objective.rules for window in (rule.short, rule.long)}
    return sorted(used | set(WINDOWS.values()))


def alert_name(objective: Objective) -> str:
    """The name of its alerts."""
    return objective.alert or f"{camel(objective.service, objective.short or objective.name)}BudgetBurn"


def alerting(objective: Objective, urgency: Urgency) -> Alerting:
    """What the alerts of an urgency carry."""
    return objective.page if urgency is Urgency.PAGE else objective.ticket


def series(name: str, objective: Objective, **more: str) -> str:
    """A recorded series of an SLO."""
    return name + selector(identity(objective) | more)


def _labels(objective: Objective) -> dict[str, str]:
    own = {label_name(name): text for name, text in objective.labels}
    return own | identity(objective)


def _ratio(objective: Objective, window: timedelta) -> Rule:
    """By the SLI, or by its fallback where the total has no series at all."""
    name, length, sli = span(window), f"{round(window.total_seconds())}s", objective.sli
    expr = error_ratio(_whole(objective, sli), length)
    if sli.fallback is not None:
        fallback = error_ratio(_whole(objective, sli.fallback), length)
        total = filled(sli.total, window.total_seconds())
        expr = f"(\n{expr}\n)\nor\n(\n{fallback}\n)\nunless on ({_by(objective)})\n(\n{total}\n)"
    return _record(f"slo:sli_error:ratio_rate{name}", expr, _labels(objective) | {"sloth_window": name})


def _whole(objective: Objective, sli: Sli) -> Sli:
    """The SLI, with no good events where there are events and none of the good ones' series. A restart in the middle of
    an outage leaves it so, and that must not look like no data; a selector that never found anything does."""
    if sli.counts is Part.BAD:
        return sli
    none = f"({sli.total}) * 0"
    if sli.unit is Unit.EVENTS:
        seen = f"present_over_time({_count_of('sli_total', objective, _basis(objective, sli))}[{REMEMBERED}])"
        none = f"({none}\nand on ({_by(objective)}) {seen})"
    return replace(sli, part=f"({sli.part})\nor {none}")


def _counts(objective: Objective, sli: Sli) -> Iterator[Rule]:
    """What happened within 5 minutes: the bad, then all of it, where the bad is known. NaN is no count: one sample of
    it would make every sum of the period NaN."""
    seconds, basis = duration(RECORDED).total_seconds(), _basis(objective, sli)
    part, total = filled(_whole(objective, sli).part, seconds), filled(sli.total, seconds)
    bad = f"({total})\n-\n({part})" if sli.counts is Part.GOOD else f"({part})\nor\n({total}) * 0"
    labels = _labels(objective) | ({"oncall_basis": basis} if basis else {})
    yield _record(f"slo:sli_error:count{RECORDED}", f"clamp_min(\n{bad}\n, 0) >= 0", labels)
    known = _count_of("sli_error", objective, basis)
    yield _record(f"slo:sli_total:count{RECORDED}", f"({total}) >= 0\nand on ({_by(objective)})\n{known}", labels)


def _period(objective: Objective) -> Rule:
    """The sum of the bad over the sum of all. The own sums and the fallback's count different things: never both."""
    name = span(objective.period)
    expr = _sums(objective, name, "")
    if objective.sli.fallback is not None:
        expr = f"(\n{expr}\n)\nor ignoring (oncall_basis)\n(\n{_sums(objective, name, FALLBACK)}\n)"
    return _record(f"slo:sli_error:ratio_rate{name}", expr, _labels(objective) | {"sloth_window": name})


def _sums(objective: Objective, window: str, basis: str) -> str:
    bad, total = (_count_of(part, objective, basis) for part in ("sli_error", "sli_total"))
    return f"sum_over_time({bad}[{window}])\n/\nsum_over_time({total}[{window}])"


def _count_of(part: str, objective: Objective, basis: str) -> str:
    return series(f"slo:{part}:count{RECORDED}", objective, oncall_basis=basis)


def _basis(objective: Objective, sli: Sli) -> str:
    """The label of the counts: the fallback's have one."""
    return FALLBACK if sli is objective.sli.fallback else ""


def _by(objective: Objective) -> str:
    return ", ".join(objective.groups)


def _meta(objective: Objective, plan: Plan) -> Iterator[Rule]:
    labels = _labels(objective)
    on = "/ on (sloth_id, sloth_slo, sloth_service) group_left ()"
    budget = series("slo:error_budget:ratio", objective)
    current = series("slo:sli_error:ratio_rate5m", objective)
    yield _record("slo:objective:ratio", f"vector({number(objective.target)})", labels)
    yield _record("slo:error_budget:ratio", f"vector({number(objective.budget)})", labels)
    yield _record("slo:time_period:days", f"vector({number(objective.period / timedelta(days=1))})", labels)
    yield _record("slo:current_burn_rate:ratio", f"{current}\n{on}\n{budget}", labels)
    if isinstance(objective.window, Rolling):
        period = series(f"slo:sli_error:ratio_rate{span(objective.period)}", objective)
        burn = series("slo:period_burn_rate:ratio", objective)
        yield _record("slo:period_burn_rate:ratio", f"{period}\n{on}\n{budget}", labels)
        yield _record("slo:period_error_budget_remaining:ratio", f"1 - {burn}", labels)
    info = {
        "sloth_mode": "oncall-generate",
        "sloth_objective": number(100 * objective.target),
        "sloth_spec": "oncall/v1",
        "sloth_version": plan.version,
    }
    yield _record("sloth_slo_info", "vector(1)", labels | info)


def _alert(objective: Objective, urgency: Urgency, plan: Plan) -> Iterator[Rule]:
    rules = [rule for rule in objective.rules if rule.urgency is urgency]
    said = alerting(objective, urgency)
    if said.off or not rules:
        return
    own = {label_name(name): text for name, text in said.labels}
    annotations = {label_name(name): template(text) for name, text in said.annotations}
    severity = {"severity": SEVERITY[urgency], "sloth_severity": urgency.value}
    labels = plan.place | severity | own | identity(objective)
    inherited = _labels(objective) | {"alertname": alert_name(objective)} | labels
    yield {
        "alert": alert_name(objective),
        "expr": "\nor\n".join(_burns(objective, rule) for rule in rules),
        "labels": literals(labels),
        "annotations": _said(objective, urgency, rules) | plan.hints(inherited) | annotations,
    }


def _burns(objective: Objective, rule: BurnRule) -> str:
    limit = f"({number(rule.factor(objective.period))} * {number(objective.budget)})"
    ratios = (
        series(f"slo:sli_error:ratio_rate{span(duration(window))}", objective) for window in (rule.short, rule.long)
    )
    short, long = (f"max without (sloth_window) ({ratio} > {limit})" for ratio in ratios)
    return f"(\n  {short}\n  and\n  {long}\n)"


def _said(objective: Objective, urgency: Urgency, rules: Sequence[BurnRule]) -> dict[str, str]:
    limits = " or ".join(
        f"{number(round(rule.factor(objective.period), 3))} times over {rule.long} and {rule.short}" for rule in rules
    )
    what = f"{objective.title} of {objective.service}"
    which = "".join(f", {name} {{{{ $labels.{name} }}}}" for name in map(label_name, objective.groups))
    budget = f"{number(100 * objective.budget)} % of {objective.window.name}"
    return {
        "title": f"({urgency}) {{{{ $labels.sloth_service }}}} {{{{ $labels.sloth_slo }}}} SLO error budget burn rate "
        "is too fast.",
        "summary": f"{literal(what)}{which}: {{{{ $value | humanizePercentage }}}} are bad, the budget burns too fast",
        "description": literal(
            f"{objective.description} The budget is {budget}. This fires while it burns faster than {limits}.".strip()
        ),
    }


def _record(name: str, expr: str, labels: Mapping[str, str]) -> Rule:
    return {"record": name, "expr": expr, "labels": dict(labels)}
