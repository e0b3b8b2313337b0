"""What Prometheus is given: the rules of the SLOs, of the guardrails and of the health, and what to probe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.model.burn import Urgency
from console.model.slo import Objective
from console.model.window import Calendar
from console.reports.generate.guard_rules import alert, guard_alerts, silent, unmeasured_guards
from console.reports.generate.plan import (
    CRITICAL,
    WARNING,
    Made,
    Plan,
    camel,
    literal,
    number,
    selector,
    span,
)
from console.reports.generate.seal import yaml_text
from console.reports.generate.slo_rules import Rule, alerting, identity, series, slo_groups

DOWN_FOR = "5m"

_SLO_REMARKS = (
    "",
    "Names and labels are Sloth's. The slo:sli_error:ratio_rate of the period is a ratio of sums: what was bad, over",
    "all there was. Sloth's is the mean of the 5-minute ratios, in which a quiet hour weighs as much as a busy one.",
    "What was before these rules ran is not in it; `promtool tsdb create-blocks-from rules` fills it in.",
)
# In a folder of its own: every file beside it is one of rules, so that `*.yml` may name them.
TARGETS = "targets/oncall-probes.yml"
_PROBE_REMARKS = (
    "",
    "Targets for a job of the blackbox exporter (file_sd_configs). docs/monitoring.md has the job.",
)


def prometheus(plan: Plan) -> Made:
    """The files, and what cannot be said in them."""
    notes = tuple(note for objective in plan.objectives for note in _notes(objective))
    target = str(plan.environment.target)
    slos = [group for objective in plan.objectives for group in slo_groups(objective, plan)]
    guards = [{"name": "oncall-guardrails", "rules": list(guard_alerts(plan))}]
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
            TARGETS: yaml_text("prometheus", _PROBE_REMARKS, _probes(plan)),
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
        yield alert(plan, name, expr, labels, annotations, span(component.critical_after))


def _targets(plan: Plan) -> Rule:
    annotations = {
        "summary": "{{ $labels.job }} {{ $labels.instance }} cannot be scraped",
        "description": "Prometheus gets no metrics of it: what is computed from them is old, or missing.",
    }
    return alert(plan, "TargetDown", "up == 0", plan.place | {"severity": WARNING}, annotations, DOWN_FOR)


def _evidence(plan: Plan) -> Iterator[Rule]:
    """What nobody measures cannot be seen to fail."""
    for objective in plan.objectives:
        if all(alerting(objective, urgency).off for urgency in Urgency):
            continue
        expr = f"absent({series('slo:sli_error:ratio_rate5m', objective)})"
        what = f"{objective.title} of {objective.service}"
        labels = plan.place | {"severity": WARNING} | identity(objective)
        yield silent(plan, "SloUnmeasured", expr, labels, f"{what} is not measured: no alert of it can fire")
    yield from unmeasured_guards(plan)
    for component in plan.environment.components:
        expr = f"absent(probe_success{_probed(plan, component.name)})"
        labels = plan.place | {"component": component.name, "severity": WARNING}
        yield silent(plan, "ComponentUnprobed", expr, labels, f"Nobody probes {component.name}")


def _probed(plan: Plan, component: str) -> str:
    return selector({"component": component} | plan.place)


def _probes(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"targets": [component.url], "labels": {"job": plan.service, "component": component.name} | plan.place}
        for component in plan.environment.components
    ]
