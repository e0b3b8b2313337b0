"""Dashboards for Grafana: performance, security, the rollout, the health. Each is imported as it is, and asks for the
Prometheus that it reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from console.model.burn import Urgency
from console.model.slo import Objective
from console.model.text import quoted
from console.model.window import Rolling
from console.reports.generate.plan import SECURITY, Made, Plan, guarded, number, selector, span
from console.reports.generate.seal import json_text
from console.reports.generate.slo_rules import series, windows

SCHEMA = 39
"""Grafana 10.4's; later ones bring it up to theirs."""
UID_LONGEST = 40
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_GRAFANA = {"type": "grafana", "uid": "-- Grafana --"}
_GREEN, _ORANGE, _RED = "green", "orange", "red"
_WIDTH = 24

Panel = dict[str, Any]
Steps = list[tuple[float | None, str]]


def dashboards(plan: Plan) -> Made:
    """The four of them."""
    pages: dict[str, tuple[str, Callable[[Plan], Iterator[Panel]]]] = {
        "performance": ("Service levels, their budgets, and what they are made of.", _performance),
        "security": ("Security violations, and the alerts of whoever looks after them.", _security),
        "rollout": ("How much traffic is on the new path, and whether its guardrails hold.", _rollout),
        "health": ("Which parts are up, and whether alerting works.", _health),
    }
    return Made(
        {
            f"oncall-{name}.json": json_text("grafana", _dashboard(plan, name, about, build(plan)))
            for name, (about, build) in pages.items()
        }
    )


def _dashboard(plan: Plan, name: str, about: str, panels: Iterable[Panel]) -> Mapping[str, Any]:
    target = plan.environment.target
    return {
        "uid": _uid(plan, name),
        "title": f"{target}: {name}",
        "description": about,
        "tags": ["oncall", target.service, target.environment],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "utc",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "templating": {"list": [_variable()]},
        "annotations": {"list": list(_annotations(plan))},
        "links": [
            {
                "type": "dashboards",
                "title": str(target),
                "tags": ["oncall", target.service, target.environment],
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "panels": _placed(panels),
    }


def _uid(plan: Plan, name: str) -> str:
    uid = f"oncall-{plan.service}-{plan.environment.target.environment}-{name}"
    if len(uid) <= UID_LONGEST:
        return uid
    return f"oncall-{hashlib.sha256(uid.encode()).hexdigest()[:12]}-{name}"


def _variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Prometheus",
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "options": [],
        "current": {},
    }


def _annotations(plan: Plan) -> Iterator[dict[str, Any]]:
    """Incidents, phases and decisions, as the console writes them to Grafana."""
    yield {
        "name": "Annotations & Alerts",
        "type": "dashboard",
        "builtIn": 1,
        "datasource": _GRAFANA,
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
    }
    grafana = plan.environment.notify.grafana
    if grafana is not None and grafana.tags:
        yield {
            "name": "On-call console",
            "datasource": _GRAFANA,
            "enable": True,
            "hide": False,
            "iconColor": _ORANGE,
            "target": {"type": "tags", "tags": list(grafana.tags), "limit": 200, "matchAny": False},
        }


def _performance(plan: Plan) -> Iterator[Panel]:
    for objective in plan.objectives:
        yield _row(f"{objective.title} ({number(100 * objective.target)} % of {objective.window.name})")
        yield from _budget(objective)
        fires = [number(rule.factor(objective.period)) for rule in objective.rules if rule.urgency is Urgency.PAGE]
        limits = " or ".join(fires)
        yield _graph(
            "Burn rate",
            {
                span(
                    window
                ): f"{series(f'slo:sli_error:ratio_rate{span(window)}', objective)} / {number(objective.budget)}"
                for window in windows(objective)
            },
            about="How many times faster than the budget allows." + f" It pages above {limits}." * bool(fires),
            steps=[(None, _GREEN), (1.0, _ORANGE)],
            width=10,
        )
        yield _graph(
            "Bad share, 5 minutes",
            {"bad": series("slo:sli_error:ratio_rate5m", objective)},
            unit="percentunit",
            steps=[(None, _GREEN), (objective.budget, _ORANGE)],
            width=8,
        )
    yield from _limits(plan, security=False)


def _budget(objective: Objective) -> Iterator[Panel]:
    if isinstance(objective.window, Rolling):
        yield _stat(
            "Budget left",
            series("slo:period_error_budget_remaining:ratio", objective),
            unit="percentunit",
            steps=[(None, _RED), (0.0, _ORANGE), (0.25, _GREEN)],
            width=3,
        )
    else:
        yield _stat(
            f"Bad share, {span(objective.period)}",
            series(f"slo:sli_error:ratio_rate{span(objective.period)}", objective),
            unit="percentunit",
            steps=[(None, _GREEN), (objective.budget, _RED)],
            width=3,
            about=f"The budget of the {objective.window.name} is in the console: PromQL has no calendar.",
        )
    yield _stat(
        "Burn rate, 1 h",
        f"{series('slo:sli_error:ratio_rate1h', objective)} / {number(objective.budget)}",
        steps=[(None, _GREEN), (1.0, _ORANGE)],
        width=3,
    )


def _security(plan: Plan) -> Iterator[Panel]:
    yield from _limits(plan, security=True)
    yield _alerts(plan, "Alerts of security", {"team": SECURITY})


def _rollout(plan: Plan) -> Iterator[Panel]:
    rollout = plan.rollout
    if rollout is not None:
        yield _row(f"{rollout.name}: from {rollout.legacy_path} to {rollout.new_path}")
        if rollout.percent_expr:
            phases = ", ".join(number(phase) for phase in rollout.phases)
            yield _stat(
                "Traffic on the new path", rollout.percent_expr, unit="percent", steps=[(None, "blue")], width=4
            )
            yield _graph(
                "Traffic on the new path",
                {"percent": rollout.percent_expr},
                unit="percent",
                steps=[(None, "blue")],
                width=14,
                about=f"Phases: {phases} %.",
            )
        if rollout.since_expr:
            bake = rollout.bake.total_seconds()
            yield _stat(
                "In this phase for",
                f"time() - ({rollout.since_expr.strip()})",
                unit="s",
                steps=[(None, _ORANGE), (bake, _GREEN)],
                width=6,
                about=f"A phase bakes for {number(bake / 60)} min.",
            )
        yield from _limits(plan, security=False)
        yield from _limits(plan, security=True)
        if rollout.readings:
            yield _row("Further readings")
        for name, expr in rollout.readings:
            yield _graph(name, {name: expr}, width=8)
        yield _alerts(plan, "Alerts of the rollout", {"rollout": rollout.name})
    for objective in plan.objectives:
        yield from _budget(objective)


def _health(plan: Plan) -> Iterator[Panel]:
    yield _row("Components")
    for component in plan.environment.components:
        found = selector({"component": component.name} | plan.place)
        yield _stat(
            component.name,
            f"max(probe_success{found})",
            steps=[(None, _RED), (1.0, _GREEN)],
            width=4,
            words=("DOWN", "up"),
        )
    yield _graph(
        "Probes",
        {"{{component}}": f"max by (component) (probe_success{selector(plan.place)})"},
        steps=[(None, _RED), (1.0, _GREEN)],
    )
    yield _graph(
        "How long a probe takes",
        {"{{component}}": f"max by (component) (probe_duration_seconds{selector(plan.place)})"},
        unit="s",
    )
    yield _row("Is anybody looking")
    watchdog = f'count(ALERTS{{alertname={quoted(plan.environment.watchdog)}, alertstate="firing"}})'
    yield _stat(
        plan.environment.watchdog, watchdog, steps=[(None, _RED), (1.0, _GREEN)], width=4, words=("none", "fires")
    )
    yield _stat("Targets down", "count(up == 0) or vector(0)", steps=[(None, _GREEN), (1.0, _ORANGE)], width=4)
    yield _graph("Targets down, by job", {"{{job}}": "count by (job) (up == 0)"}, width=8)
    yield _graph(
        "SLOs that are not measured",
        {"{{sloth_slo}}": 'count by (sloth_slo) (ALERTS{alertname="SloUnmeasured"})'},
        width=8,
    )
    yield _alerts(plan, "All alerts", {})


def _limits(plan: Plan, *, security: bool) -> Iterator[Panel]:
    """The guardrails: those of security, or the others."""
    for item in guarded(plan):
        rule = item.rule
        if item.security is security:
            steps: Steps = [(None, _GREEN), (rule.critical, _RED)]
            if rule.breach.startswith("<"):
                steps = [(None, _RED), (rule.critical, _GREEN)]
            elif rule.warning is not None:
                steps.insert(1, (rule.warning, _ORANGE))
            unit = {"ms": "ms", "s": "s", "%": "percent"}.get(rule.unit, "short")
            yield _graph(
                rule.title, {rule.title: rule.expr}, unit=unit, steps=steps, about=f"In {rule.unit}." * bool(rule.unit)
            )


def _alerts(plan: Plan, title: str, labels: Mapping[str, str]) -> Panel:
    found = selector({"alertstate": "firing", **labels})
    expr = f"count by (alertname, severity) (ALERTS{found})"
    return _panel("timeseries", title, {"{{severity}} {{alertname}}": expr}, _WIDTH, 7, bars=True)


def _row(title: str) -> Panel:
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "size": (_WIDTH, 1)}


def _graph(
    title: str,
    expressions: Mapping[str, str],
    *,
    unit: str = "short",
    steps: Steps | None = None,
    width: int = 12,
    about: str = "",
) -> Panel:
    return _panel("timeseries", title, expressions, width, 7, unit=unit, steps=steps, about=about)


def _stat(
    title: str,
    expression: str,
    *,
    steps: Steps,
    width: int,
    unit: str = "short",
    about: str = "",
    words: tuple[str, str] | None = None,
) -> Panel:
    """One number; with `words`, one of them for 0 and one for everything above."""
    return _panel("stat", title, {"": expression}, width, 7, unit=unit, steps=steps, about=about, words=words)


def _panel(
    kind: str,
    title: str,
    expressions: Mapping[str, str],
    width: int,
    height: int,
    *,
    unit: str = "short",
    steps: Steps | None = None,
    about: str = "",
    words: tuple[str, str] | None = None,
    bars: bool = False,
) -> Panel:
    instant = kind == "stat"
    defaults: dict[str, Any] = {
        "unit": unit,
        # Where there is no number, it says so: nothing that is missing looks well.
        "noValue": "NO DATA",
        "color": {"mode": "thresholds" if instant else "palette-classic"},
        "thresholds": {
            "mode": "absolute",
            "steps": [{"color": color, "value": value} for value, color in steps or [(None, _GREEN)]],
        },
        "mappings": [_mapping(words)] if words else [],
    }
    if not instant:
        line = "line" if steps and len(steps) > 1 else "off"
        style = {"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}} if bars else {}
        defaults["custom"] = {"spanNulls": False, "thresholdsStyle": {"mode": line}} | style
    options = (
        {
            "colorMode": "background",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
        if instant
        else {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    )
    return {
        "type": kind,
        "title": title,
        "description": about,
        "datasource": _SOURCE,
        "size": (width, height),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": [
            {
                "refId": _reference(index),
                "datasource": _SOURCE,
                "expr": expr.strip(),
                "legendFormat": legend,
                "instant": instant,
                "range": not instant,
            }
            for index, (legend, expr) in enumerate(expressions.items())
        ],
    }


def _mapping(words: tuple[str, str]) -> dict[str, Any]:
    return {
        "type": "value",
        "options": {str(index): {"text": word, "index": index} for index, word in enumerate(words)},
    }


def _reference(index: int) -> str:
    return chr(ord("A") + index)


def _placed(panels: Iterable[Panel]) -> list[Panel]:
    """The panels from left to right, with their places and numbers."""
    placed: list[Panel] = []
    x = y = tallest = 0
    for number_, panel in enumerate(panels, 1):
        width, height = panel.pop("size")
        if x + width > _WIDTH or panel["type"] == "row":
            x, y, tallest = 0, y + tallest, 0
        placed.append({"id": number_, **panel, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
        x, tallest = x + width, max(tallest, height)
    return placed
