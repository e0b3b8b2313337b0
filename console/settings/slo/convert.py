"""Objectives of any format as OpenSLO v1, which reads back to the same ones.

What OpenSLO cannot say (groups, alerts, their rules and labels) stands in annotations that begin with `oncall/`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import yaml

from console.model.burn import BurnRule
from console.model.sli import WINDOW, Part
from console.model.slo import Alerting, Objective
from console.model.window import Calendar, Window
from console.settings.slo.declared import OCCURRENCES, TIMESLICES, Declared, Measure, Pairs, Ratio, Raw
from console.settings.slo.metadata import OWN
from console.settings.slo.openslo import VERSION
from console.settings.slo.queries import Counted
from console.settings.slo.reader import Found
from console.settings.slo.spans import window_written

Mapping = dict[str, Any]
_OTHER = re.compile(r"[^a-z0-9-]")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def openslo(found: Iterable[Found]) -> str:
    """The documents, one for each objective."""
    documents = [document(item.declared, item.objective) for item in found]
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def document(declared: Declared, objective: Objective) -> Mapping:
    """An SLO with its indicator inside."""
    name = _slug(objective.name)
    metadata: Mapping = {"name": name}
    if objective.title != name:
        metadata["displayName"] = objective.title
    if objective.labels:
        metadata["labels"] = dict(objective.labels)
    annotations = dict(objective.annotations) | _annotations(declared, objective)
    if annotations:
        metadata["annotations"] = annotations
    spec: Mapping = {"description": objective.description} if objective.description else {}
    spec["service"] = _slug(objective.service)
    spec["indicator"] = {"metadata": {"name": name}, "spec": _indicator(declared.measure)}
    spec["timeWindow"] = [_window(objective.window)]
    spec["budgetingMethod"] = objective.method
    goal: Mapping = {}
    if declared.limit is not None:
        goal = {"op": declared.limit.op, "value": declared.limit.value}
    goal["target"] = objective.target
    if objective.method == TIMESLICES:
        goal["timeSliceTarget"] = declared.share
    if objective.method != OCCURRENCES:
        goal["timeSliceWindow"] = f"{declared.seconds}s" if declared.seconds % 60 else f"{declared.seconds // 60}m"
    spec["objectives"] = [goal]
    return {"apiVersion": VERSION, "kind": "SLO", "metadata": metadata, "spec": spec}


def _indicator(measure: Measure) -> Mapping:
    if isinstance(measure, Ratio):
        counter = measure.counted.counter and measure.total.counter
        parts = {str(measure.part): measure.counted, "total": measure.total}
        return {
            "ratioMetric": {"counter": counter} | {key: _source(_query(one, counter)) for key, one in parts.items()}
        }
    if isinstance(measure, Raw):
        raw_type = "success" if measure.counts is Part.GOOD else "failure"
        return {"ratioMetric": {"raw": _source(measure.text), "rawType": raw_type}}
    return {"thresholdMetric": _source(measure.text)}


def _query(one: Counted, counter: bool) -> str:
    """The query as it was written. A counter's beside one that is none has its range in it."""
    if one.counter and not counter and one.template.startswith("sum(increase("):
        return one.template.replace(WINDOW, "{{.window}}")
    return one.text


def _source(query: str) -> Mapping:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


def _window(window: Window) -> Mapping:
    if not isinstance(window, Calendar):
        return {"duration": window_written(window), "isRolling": True}
    calendar = {"startTime": window.start.isoformat(" "), "timeZone": window.zone}
    return {"duration": window_written(window), "isRolling": False, "calendar": calendar}


def _annotations(declared: Declared, objective: Objective) -> dict[str, str]:
    found = {
        key: value for key, value in (("name", objective.name), ("service", objective.service)) if value != _slug(value)
    }
    if declared.fallback is not None:
        limit = declared.fallback.limit
        found |= {
            "fallback-query": declared.fallback.query,
            "fallback-op": limit.op,
            "fallback-value": repr(limit.value),
        }
    if objective.groups:
        found["groups"] = ", ".join(objective.groups)
    if objective.alert:
        found["alert"] = objective.alert
    if objective.short:
        found["short"] = objective.short
    if declared.rules is not None or objective.rules != _usual(declared):
        found["burn-rules"] = "; ".join(map(_rule, objective.rules))
    for name, alerting in (("page", objective.page), ("ticket", objective.ticket)):
        found |= _alerting(name, alerting)
    return {OWN + key: value for key, value in found.items()}


def _slug(name: str) -> str:
    """A name as OpenSLO wants it (RFC 1123): what else it is, stands in an annotation."""
    return _OTHER.sub("-", name.lower())[:63].strip("-") or "slo"


def _usual(declared: Declared) -> tuple[BurnRule, ...]:
    return declared.objective({}).rules


def _rule(rule: BurnRule) -> str:
    return f"{rule.urgency} {rule.long} {rule.short} {rule.percent!r}"


def _alerting(name: str, alerting: Alerting) -> dict[str, str]:
    found = {name: "off"} if alerting.off else {}
    if alerting.labels:
        found[f"{name}-labels"] = _json(alerting.labels)
    if alerting.annotations:
        found[f"{name}-annotations"] = _json(alerting.annotations)
    return found


def _json(pairs: Pairs) -> str:
    return json.dumps(dict(pairs), ensure_ascii=False)
