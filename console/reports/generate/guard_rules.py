"""Rules of the guardrails and invariants: one alert for each level, and one where there is nothing to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf

from console.model.guard import Invariant, NoData, PhaseGuard
from console.model.rollout import RolloutPlan
from console.reports.generate.plan import CRITICAL, WARNING, Guarded, Plan, camel, guarded, literal, literals, number
from console.reports.generate.slo_rules import Rule

BREACH_FOR = "1m"
"""How long a guardrail with a warning level breaks it before somebody hears of it. One without has no time."""
SILENT_FOR = "10m"
"""How long nothing is measured before somebody hears of it."""
_LOOK = "1m"
"""How often it is looked at where a breach must be seen several times."""
_WORDS = {">=": "at or above", ">": "above", "<=": "at or below", "<": "below"}


def guard_alerts(plan: Plan) -> Iterator[Rule]:
    """An alert for each level of each of them."""
    for item in guarded(plan):
        levels = [(CRITICAL, "Critical", item.rule.critical)]
        if item.rule.warning is not None:
            levels.append((WARNING, "High", item.rule.warning))
        for severity, word, limit in levels:
            name = camel(item.rule.title) + (word if len(levels) > 1 else "")
            held = BREACH_FOR if len(levels) > 1 else ""
            labels = {**item.labels, "severity": severity}
            yield alert(plan, name, _breach(plan, item, limit), labels, _said(item, severity, limit), held)


def unmeasured_guards(plan: Plan) -> Iterator[Rule]:
    """An alert where one gives no number while there is traffic on the new path: a page where no data is a breach."""
    for item in guarded(plan):
        expr = _while(plan, item, f"absent(\n{item.rule.expr.strip()}\n)")
        severity = CRITICAL if item.guard is not None and item.guard.on_no_data is NoData.BREACH else WARNING
        what = f"The guardrail {item.rule.title} gives no number while traffic is on {item.labels['component']}"
        yield silent(plan, "GuardrailUnmeasured", expr, {**item.labels, "severity": severity}, what)


def silent(plan: Plan, name: str, expr: str, labels: Mapping[str, str], what: str) -> Rule:
    """The alert that something is not measured."""
    annotations = {"summary": literal(what), "description": "No data is not the same as no trouble."}
    return alert(plan, name, expr, labels, annotations, SILENT_FOR)


def alert(
    plan: Plan, name: str, expr: str, labels: Mapping[str, str], annotations: Mapping[str, str], held: str
) -> Rule:
    """An alert with its runbook and playbooks; `held` is how long it must hold before it fires."""
    rule: Rule = {"alert": name, "expr": expr}
    if held:
        rule["for"] = held
    hints = plan.hints({"alertname": name, **labels})
    return {**rule, "labels": literals(labels), "annotations": {**annotations, **hints}}


def _breach(plan: Plan, item: Guarded, limit: float) -> str:
    broken = f"(\n{item.rule.expr.strip()}\n) {item.rule.breach} {number(limit)}"
    guard = item.guard
    if isinstance(guard, PhaseGuard):
        if guard.of > 1:
            seen = f"count_over_time((\n{broken}\n)[{guard.of}m:{_LOOK}]) >= {guard.after}"
            broken = f"(\n{item.rule.expr.strip()}\n)\nand on ()\n{seen}"
        if guard.phases:
            return _while(plan, item, broken)
    return broken


def _while(plan: Plan, item: Guarded, expr: str) -> str:
    """The expression, while the rollout is in a phase that it is for."""
    rollout = plan.rollout
    if rollout is None or not rollout.percent_expr:
        return expr
    percent = f"(\n{rollout.percent_expr.strip()}\n)"
    phases = item.guard.phases if isinstance(item.guard, PhaseGuard) else ()
    if phases:
        there = "\nor\n".join(
            f"({percent} >= {number(low)})" + (f" < {number(high)}" if high < inf else "")
            for low, high in _ranges(rollout, phases)
        )
    else:
        there = f"{percent} > 0"
    return f"{expr}\nand on ()\n(\n{there}\n)"


def _ranges(rollout: RolloutPlan, phases: Sequence[float]) -> list[tuple[float, float]]:
    """Between which percentages the rollout is in one of the phases, as `Rollout.phase` has it; neighbours together."""
    found: list[tuple[float, float]] = []
    for low, high in pairwise([*(phase - 0.5 for phase in sorted({*rollout.phases, *phases})), inf]):
        if low + 0.5 not in phases:
            continue
        if found and found[-1][1] == low:
            low = found.pop()[0]
        found.append((low, high))
    return found


def _said(item: Guarded, severity: str, limit: float) -> Mapping[str, str]:
    rule, guard = item.rule, item.guard
    unit = f" {rule.unit}" if rule.unit else ""
    broken = literal(f"{rule.title} of the rollout is {_WORDS[rule.breach]} {number(limit)}{unit}")
    kind = "invariant" if isinstance(guard, Invariant) else "guardrail"
    said = [guard.description] if guard is not None else []
    said.append(f"The {kind} {rule.name} of {item.labels['rollout']}: {severity}.")
    if isinstance(guard, Invariant) and guard.severity:
        said.append(f"It is a {guard.severity}.")
    if isinstance(guard, PhaseGuard):
        said.append(f"A breach asks to {guard.action.replace('-', ' ')}.")
    return {
        "summary": f'{broken}: {{{{ printf "%.4g" $value }}}}{literal(unit)}',
        "description": literal(" ".join(part for part in said if part)),
    }
