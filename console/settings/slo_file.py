"""`slo/*.yaml`: OpenSLO v1 documents, several in a file or in a list.

OpenSLO leaves open how a query meets a window. Here a ratio is made of counters (`counter: true`) whose
queries are plain selectors; increase and sum are ours to add. A threshold is sampled once per slice. What
cannot be measured so is refused by name, never read as something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta

from console.model.sli import Sli, Unit, of_counters, of_threshold, sliced
from console.model.slo import Objective
from console.model.window import Rolling
from console.settings.nodes import Fields, Node
from console.settings.problems import one_of, shown
from console.settings.tree import Kind

OPS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
METHODS = ("Occurrences", "Timeslices", "RatioTimeslices")
SAMPLE = 60
"""Seconds between two samples of a threshold that is budgeted by occurrences."""
FALLBACK_SLICE = 300
"""Seconds of one slice of the fallback."""
FALLBACK = "oncall/fallback-"

_KINDS = ("SLI", "DataSource", "Service", "AlertPolicy", "AlertCondition", "AlertNotificationTarget")
_SELECTOR = r'(?:[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})?|\{(?:[^{}"]|"(?:[^"\\]|\\.)*")+\})'
_PLAIN = re.compile(_SELECTOR)
_WINDOWED = re.compile(
    rf"sum\s*\(\s*(?:increase|rate)\s*\(\s*({_SELECTOR})\s*"
    r"\[\s*(?:\{\{\s*\.window\s*\}\}|window|\$__range)\s*\]\s*\)\s*\)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """An objective, and where its name and its service stand."""

    objective: Objective
    name: Node
    service: Node


def read_slos(document: Node) -> list[Found]:
    """The objectives of one document, each with the places to complain at.

    A list of objects counts as several documents.
    """
    if document.tree.kind is Kind.LIST:
        return [found for item in document.sequence(least=1) for found in read_slos(item)]
    if not _is_slo(document):
        return []
    fields = document.mapping("apiVersion", "kind", "metadata", "spec")
    metadata = fields["metadata"].mapping("name", "displayName", "labels", "annotations")
    name = metadata["name"].name("the name of the SLO")
    title = metadata["displayName"].text(default=name)
    spec = fields["spec"].mapping(
        "description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives",
        "alertPolicies",
    )  # fmt: skip
    service = spec["service"].name("the name of a service")
    window = _window(spec["timeWindow"])
    method = spec["budgetingMethod"].choice({method: method for method in METHODS})
    indicator = _indicator(spec)
    fallback = _fallback(metadata["annotations"].open_mapping()) if metadata["annotations"].present else None
    objectives = spec["objectives"].sequence("a list of objectives", least=1)
    found: list[Found] = []
    for index, item in enumerate(objectives, 1):
        several = len(objectives) > 1
        target, sli, label = _objective(item, indicator, method)
        if sli.unit is Unit.EVENTS and fallback is not None:
            sli = replace(sli, fallback=fallback)
        objective = Objective(
            f"{name}-{index}" if several else name,
            f"{title}: {label or index}" if several else title,
            service,
            target,
            Rolling(window),
            method,
            sli,
        )
        found.append(Found(objective, metadata["name"], spec["service"]))
    return found


def _is_slo(document: Node) -> bool:
    fields = document.open_mapping()
    version, kind = fields["apiVersion"], fields["kind"]
    version.choice({"openslo/v1": True})
    if kind.tree.text in _KINDS:
        kind.refuse(f"the kind {kind.tree.text}, which is not supported yet", "SLO, with its indicator inside")
    else:
        kind.choice({"SLO": True})
    return version.tree.text == "openslo/v1" and kind.tree.text == "SLO"


def _window(node: Node) -> timedelta:
    if node.tree.kind is Kind.MAPPING:
        items: tuple[Node, ...] = (node,)
    else:
        items = node.sequence("a list with one rolling window", least=1)
    if len(items) != 1:
        if items:
            node.refuse(f"{len(items)} windows", "one")
        return timedelta(days=30)
    fields = items[0].mapping("duration", "isRolling", "calendar")
    if fields["calendar"].present or not fields["isRolling"].boolean(default=True):
        place = fields["calendar"] if fields["calendar"].present else fields["isRolling"]
        place.refuse("a calendar window, which is not supported yet", "a rolling one (isRolling: true, no calendar)")
        return timedelta(days=30)
    return fields["duration"].duration("a rolling duration such as 30d or 4w (m is minutes)")


def _indicator(spec: Fields) -> Node:
    """The spec of the indicator, inline."""
    if "indicatorRef" in spec:
        spec["indicatorRef"].refuse("a reference, which is not supported yet", "the indicator itself under `indicator`")
        return spec["indicatorRef"].nothing()
    fields = spec["indicator"].mapping("metadata", "spec")
    return fields["spec"]


def _objective(node: Node, indicator: Node, method: str) -> tuple[float, Sli, str]:
    fields = node.mapping("displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow")
    seconds, share = SAMPLE, 1.0
    if method != "Occurrences":
        seconds = _slice(fields["timeSliceWindow"])
    if method == "Timeslices":
        share = fields["timeSliceTarget"].number("a ratio above 0, at most 1", least=1e-9, most=1.0)
    kinds = indicator.mapping("description", "ratioMetric", "thresholdMetric")
    if "ratioMetric" in kinds and "thresholdMetric" in kinds:
        kinds.key("thresholdMetric").refuse("a second metric", "either ratioMetric or thresholdMetric")
    elif "ratioMetric" not in kinds and "thresholdMetric" not in kinds:
        indicator.refuse("no metric", "ratioMetric or thresholdMetric")
        return _target(fields), Sli("", ""), ""
    if "thresholdMetric" in kinds:
        if method != "Timeslices":
            seconds = SAMPLE  # the mean over equal slices is the share over all samples
        query = _query(kinds["thresholdMetric"].mapping("metricSource")["metricSource"]).expression()
        op = fields["op"].choice(OPS)
        unit = Unit.SAMPLES if method == "Occurrences" else Unit.SLICES
        sli = of_threshold(query, op, fields["value"].number(), seconds, unit)
    else:
        for extra in ("op", "value"):
            if extra in fields:
                fields.key(extra).warn(f"`{extra}` with a ratio, which is not used", "only a target")
        sli = _ratio(kinds["ratioMetric"])
        if method == "Timeslices":
            sli = sliced(sli, seconds, share)
        elif method == "RatioTimeslices":
            node.refuse("RatioTimeslices with a ratio, which is not supported yet", "Occurrences or Timeslices")
    return _target(fields), sli, fields["displayName"].text(default="")


def _slice(node: Node) -> int:
    text = node.tree.text
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text):
        return int(text) * 60  # OpenSLO: a bare number is minutes
    return int(node.duration("a slice such as 1m or 5m").total_seconds()) or SAMPLE


def _target(fields: Fields) -> float:
    percent = fields["targetPercent"]
    if percent.present and fields["target"].present:
        percent.refuse("a second target", "either target or targetPercent")
    place = percent if percent.present and not fields["target"].present else fields["target"]
    most = 100.0 if place is percent else 1.0
    target = place.number(f"a number between 0 and {most:g}")
    if target == most:
        place.refuse(shown(place.tree.text), f"less than {most:g}; zero tolerance is a guardrail of rollout.yaml")
    elif place.tree.kind is Kind.TEXT and not 0 < target < most:
        place.refuse(shown(place.tree.text), f"a number between 0 and {most:g}")
    return target / most


def _ratio(node: Node) -> Sli:
    fields = node.mapping("counter", "good", "bad", "total", "raw", "rawType")
    if "raw" in fields:
        fields.key("raw").refuse("a raw ratio, which is not supported yet", "good or bad, and total")
        return Sli("", "")
    if not fields["counter"].boolean() and fields["counter"].tree.text == "false":
        fields["counter"].refuse("'false', which is not supported yet", "true: counters that only grow")
    if ("good" in fields) == ("bad" in fields):
        found = "both good and bad" if "good" in fields else "neither good nor bad"
        node.refuse(found, "one of them")
    return of_counters(
        _selector(fields["total"]),
        good=_selector(fields["good"]) if "good" in fields else "",
        bad=_selector(fields["bad"]) if "bad" in fields else "",
    )


def _query(source: Node) -> Node:
    fields = source.mapping("metricSourceRef", "type", "spec")
    kind = fields["type"]
    if kind.text("Prometheus", default="Prometheus").lower() != "prometheus":
        kind.refuse(f"the source {shown(kind.tree.text)}, which is not supported", "Prometheus")
        return kind.nothing()
    return fields["spec"].mapping("query", "dimensions")["query"]


def _selector(node: Node) -> str:
    place = _query(node.mapping("metricSource")["metricSource"])
    query = place.expression()
    windowed = _WINDOWED.fullmatch(query)
    if windowed:
        return windowed.group(1).strip()
    if query and not _PLAIN.fullmatch(query):
        place.refuse(shown(query), 'a plain selector such as requests_total{job="x"}; sum and increase are added')
        return ""
    return query


def _fallback(annotations: Fields) -> Sli | None:
    """What to measure when the total has no series: a value, good in the slices where `op value` holds."""
    known = tuple(FALLBACK + name for name in ("query", "op", "value"))
    for key, _ in annotations.items():
        if key.startswith("oncall/") and key not in known:
            annotations.key(key).refuse("an unknown annotation", one_of(known, key))
    if not any(key in annotations for key in known):
        return None
    query, op, value = (annotations[key] for key in known)
    found = of_threshold(query.expression(), op.choice(OPS), value.number(), FALLBACK_SLICE)
    return replace(found, basis="Timeslices (no histogram)")
