"""What Prometheus is given: the rules of the SLOs, of the guardrails and of the health, and what to probe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.model.burn import Urgency
from console.model.slo import Objective
from console.model.window import Calendar
from console.reports.generate.plan import (
    CRITICAL,
    WARNING,
    Made,
    Plan,
    camel,
    guardrails,
    literal,
    number,
    selector,
    span,
)
from console.reports.generate.seal import yaml_text
from console.reports.generate.slo_rules import Rule, alerting, identity, series, slo_groups

BREACH_FOR = "1m"
"""How long a guardrail with a warning level is above it before somebody hears of it. One without has no time."""
SILENT_FOR = "10m"
"""How long nothing is measured before somebody hears of it."""
DOWN_FOR = "5m"

_SLO_REMARKS = (
    "",
    "Names and labels are Sloth's. The slo:sli_error:ratio_rate of the period is a ratio of sums: what was bad, over",
    "all there was. Sloth's is the mean of the 5-minute ratios, in which a quiet hour weighs as much as a busy one.",
    "What was before these rules ran is not in it; `promtool tsdb create-blocks-from rules` fills it in.",
)
_PROBE_REMARKS = (
    "",
    "Targets for a job of the blackbox exporter (file_sd_configs). docs/monitoring.md has the job.",
)


def prometheus(plan: Plan) -> Made:
    """The files, and what cannot be said in them."""
    notes = tuple(note for objective in plan.objectives for note in _notes(objective))
    target = str(plan.environment.target)
    slos = [group for objective in plan.objectives for group in slo_groups(objective, plan)]
    guards = [{"name": "oncall-guardrails", "rules": list(_guardrails(plan))}]
    health = [
        {"name": "oncall-watchdog", "rules": [_watchdog(plan)]},
        {"name": "oncall-health", "rules": [*_components(plan), _targets(plan)]},
        {"name": "oncall-evidence", "rules": list(_evidence(plan))},
    ]

    def rules(groups: list[dict[str, Any]], *remarks: str) -> str:
        about = ("", f"For {target}.", *remarks)
        return yaml_text("prometheus", about, {"groups": [group for group in groups if group["rules"]]})

    said = ("", *(f"NOTE {note}" for note in notes)) if notes else ()
    return Made(
        {
            "oncall-slo.rules.yml": rules(slos, *_SLO_REMARKS, *said),
            "oncall-guardrails.rules.yml": rules(guards),
            "oncall-health.rules.yml": rules(health),
            "oncall-probes.yml": yaml_text("prometheus", _PROBE_REMARKS, _probes(plan)),
        },
        notes,
    )


def _notes(objective: Objective) -> Iterator[str]:
    if isinstance(objective.window, Calendar):
        yield (
            f"{objective.name}: PromQL knows no {objective.window.name}, so that its remaining budget is not recorded;"
            f" the ratio of the last {span(objective.period)} is, and the console computes the rest"
        )
    for rule in objective.rules:
        if not alerting(objective, rule.urgency).off and not rule.can_fire(objective.target, objective.period):
            yield (
                f"{objective.name}: its {rule.urgency} over {rule.long} can never fire: everything that fails is"
                f" {number(1 / objective.budget)} times the budget, its limit {number(rule.factor(objective.period))}"
            )


def _guardrails(plan: Plan) -> Iterator[Rule]:
    for rule, labels in guardrails(plan):
        unit = f" {rule.unit}" if rule.unit else ""
        levels = [(CRITICAL, "Critical", rule.critical)]
        if rule.warning is not None:
            levels.append((WARNING, "High", rule.warning))
        for severity, word, limit in levels:
            name = camel(rule.title) + (word if len(levels) > 1 else "")
            reached = literal(f"{rule.title} of the rollout is at or above {number(limit)}{unit}")
            annotations = {
                "summary": f'{reached}: {{{{ printf "%.4g" $value }}}}{literal(unit)}',
                "description": literal(f"The guardrail {rule.name} of {labels['rollout']}: {severity}."),
            }
            yield _alert(
                plan,
                name,
                f"(\n{rule.expr.strip()}\n) >= {number(limit)}",
                labels | {"severity": severity},
                annotations,
                BREACH_FOR if len(levels) > 1 else "",
            )


def _watchdog(plan: Plan) -> Rule:
    annotations = {
        "summary": "Always fires: alerting works end to end",
        "description": "The console and a dead man's switch look for it. While it is missing, no alert is no evidence.",
    }
    labels = plan.place | {"severity": "none"}
    return {
        "alert": plan.environment.watchdog,
        "expr": "vector(1)",
        "labels": labels,
        "annotations": annotations,
    }


def _components(plan: Plan) -> Iterator[Rule]:
    for component in plan.environment.components:
        labels = plan.place | {"component": component.name, "severity": CRITICAL}
        legacy = " A rollback needs it." if component.legacy else ""
        annotations = {
            "summary": literal(f"{component.name} of {plan.environment.target} is down"),
            "description": literal(f"Its health endpoint fails.{legacy}"),
        }
        expr = f"max(probe_success{_probed(plan, component.name)}) == 0"
        name = f"{camel(component.name)}Down"
        yield _alert(plan, name, expr, labels, annotations, span(component.critical_after))


def _targets(plan: Plan) -> Rule:
    annotations = {
        "summary": "{{ $labels.job }} {{ $labels.instance }} cannot be scraped",
        "description": "Prometheus gets no metrics of it: what is computed from them is old, or missing.",
    }
    return _alert(plan, "TargetDown", "up == 0", plan.place | {"severity": WARNING}, annotations, DOWN_FOR)


def _evidence(plan: Plan) -> Iterator[Rule]:
    """What nobody measures cannot be seen to fail."""
    for objective in plan.objectives:
        if all(alerting(objective, urgency).off for urgency in Urgency):
            continue
        expr = f"absent({series('slo:sli_error:ratio_rate5m', objective)})"
        what = f"{objective.title} of {objective.service}"
        labels = plan.place | {"severity": WARNING} | identity(objective)
        yield _silent(plan, "SloUnmeasured", expr, labels, f"{what} is not measured: no alert of it can fire")
    for rule, labels in guardrails(plan):
        assert plan.rollout is not None
        expr = f"absent(\n{rule.expr.strip()}\n)"
        if plan.rollout.percent_expr:
            expr = f"{expr}\nand on ()\n(\n{plan.rollout.percent_expr.strip()}\n) > 0"
        what = f"The guardrail {rule.title} gives no number while traffic is on {labels['component']}"
        yield _silent(plan, "GuardrailUnmeasured", expr, labels | {"severity": WARNING}, what)
    for component in plan.environment.components:
        expr = f"absent(probe_success{_probed(plan, component.name)})"
        labels = plan.place | {"component": component.name, "severity": WARNING}
        yield _silent(plan, "ComponentUnprobed", expr, labels, f"Nobody probes {component.name}")


def _silent(plan: Plan, name: str, expr: str, labels: Mapping[str, str], what: str) -> Rule:
    annotations = {"summary": literal(what), "description": "No data is not the same as no trouble."}
    return _alert(plan, name, expr, labels, annotations, SILENT_FOR)


def _alert(
    plan: Plan, name: str, expr: str, labels: Mapping[str, str], annotations: Mapping[str, str], held: str
) -> Rule:
    rule: Rule = {"alert": name, "expr": expr}
    if held:
        rule["for"] = held
    hints = plan.hints({"alertname": name, **labels})
    return {**rule, "labels": dict(labels), "annotations": {**annotations, **hints}}


def _probed(plan: Plan, component: str) -> str:
    return selector({"component": component} | plan.place)


def _probes(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"targets": [component.url], "labels": {"job": plan.service, "component": component.name} | plan.place}
        for component in plan.environment.components
    ]
