"""`openslo/v1alpha`: SLO and Service, read only. The queries stand in the objectives, or one threshold in the SLO."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.sli import Part
from console.model.window import Calendar, Rolling, Window
from console.settings.nodes import Node
from console.settings.problems import shown
from console.settings.slo import spans
from console.settings.slo.declared import (
    METHODS,
    OPS,
    TIMESLICES,
    Declared,
    Limit,
    Measure,
    Ratio,
    Threshold,
    exactly_one,
    prose,
    ratio,
    where,
)
from console.settings.slo.library import Library
from console.settings.slo.openslo import COMPATIBLE, window_of
from console.settings.slo.queries import counted, expression
from console.settings.tree import Kind

_UNITS = {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}
_SOURCES = (*COMPATIBLE, "sloth")
"""`sloth` is what Sloth's own documents name a query by."""


def read_service(document: Node, library: Library) -> None:
    """A Service: its name is all that is used."""
    fields = document.mapping("apiVersion", "kind", "metadata", "spec")
    library.define("Service", fields["metadata"].mapping("name", "displayName")["name"], again=True)
    if fields["spec"].present:
        prose(fields["spec"].mapping("description")["description"])


def read_slo(document: Node) -> list[Declared]:
    """An SLO: one or several objectives."""
    fields = document.mapping("apiVersion", "kind", "metadata", "spec")
    metadata = fields["metadata"].mapping("name", "displayName")
    name = metadata["name"].name("the name of the SLO")
    title = metadata["displayName"].text(default=name)
    spec = fields["spec"].mapping("description", "service", "indicator", "timeWindows", "budgetingMethod", "objectives")
    description = prose(spec["description"])
    service = spec["service"].name("the name of a service")
    window = _window(spec["timeWindows"])
    method = spec["budgetingMethod"].choice({method: method for method in METHODS[:2]})
    shared = _threshold(spec["indicator"]) if spec["indicator"].present else None
    objectives = spec["objectives"].sequence("a list of objectives", least=1)
    found = []
    for index, item in enumerate(objectives, 1):
        inside = item.mapping(
            "displayName", "op", "value", "target", "timeSliceTarget", "timeSliceWindow", "ratioMetrics"
        )
        limit, measured, place = None, shared, spec["indicator"]
        if inside["ratioMetrics"].present:
            if spec["indicator"].present:
                inside.key("ratioMetrics").refuse("`ratioMetrics` beside the SLO's `indicator`", "one of them")
            measured, place = _ratio(inside["ratioMetrics"])
        elif not spec["indicator"].present:
            item.refuse("neither ratioMetrics nor the SLO's indicator", "one of them")
        else:
            limit = Limit(inside["op"].choice({op: op for op in OPS}), inside["value"].number())
            place = spec["indicator"].mapping("thresholdMetric")["thresholdMetric"]
        target = ratio(inside["target"])
        seconds, share = 60, 1.0
        if method == TIMESLICES:
            if inside["timeSliceWindow"].present:
                seconds = spans.slice_of(inside["timeSliceWindow"])
            share = inside["timeSliceTarget"].number("a ratio above 0, at most 1", least=1e-9, most=1.0)
        label = inside["displayName"].text(default="")
        if measured is None:
            continue
        several = len(objectives) > 1
        found.append(
            Declared(
                f"{name}-{index}" if several else name,
                f"{title}: {label or index}" if several else title,
                service,
                target,
                measured,
                metadata["name"],
                spec["service"],
                inside["target"],
                where(place),
                window,
                method,
                seconds,
                share,
                limit,
                description=description,
            )
        )
    return found


def _threshold(node: Node) -> Measure | None:
    place = node.mapping("thresholdMetric")["thresholdMetric"]
    query = _query(place)
    if query is None:
        return None
    template = expression(query)
    return Threshold(query.expression(), template) if template else None


def _ratio(node: Node) -> tuple[Measure | None, Node]:
    fields = node.mapping("good", "bad", "total", "incremental", "counter")
    counter = None
    for key in ("counter", "incremental"):
        if key in fields:
            counter = fields[key].boolean()
    part = exactly_one(fields, ("good", "bad"))
    query, total = _query(fields[part or "good"]), _query(fields["total"])
    if not part or query is None or total is None:
        return None, node
    found = Ratio(Part(part), counted(query, counter=counter), counted(total, counter=counter))
    return (found if found.counted.template and found.total.template else None), query


def _query(metric: Node) -> Node | None:
    """The place of a query that Prometheus answers."""
    if metric.tree.kind is not Kind.MAPPING:
        metric.mapping()
        if not metric.present:
            metric.refuse("nothing", "source, queryType and query")
        return None
    fields = metric.mapping("source", "queryType", "query", "metadata")
    source = fields["source"].text("the source, such as prometheus")
    fields["queryType"].text("the kind of query, such as promql", default="promql")
    if source.lower() not in _SOURCES:
        if source:
            fields["source"].refuse(
                f"an indicator of {shown(source)}, which nothing measures here", "one of Prometheus"
            )
        return None
    return fields["query"]


def _window(node: Node) -> Window:
    if node.tree.kind in (Kind.ABSENT, Kind.EMPTY):
        node.warn("nothing", "one time window; it is taken as 30d that roll")
        return spans.MONTH
    items = node.sequence("a list with one time window", least=1)
    if len(items) != 1:
        if items:
            node.refuse(f"{len(items)} windows", "one")
        return spans.MONTH
    fields = items[0].mapping("count", "unit", "isRolling", "calendar")
    count = fields["count"].integer("a whole number of units", least=1, most=3660)
    unit = fields["unit"].text("a unit, such as Day or Month").lower()
    if unit not in _UNITS:
        if unit:
            fields["unit"].refuse(shown(fields["unit"].tree.text), "Minute, Hour, Day, Week, Month, Quarter or Year")
        return spans.MONTH
    sign = _UNITS[unit]
    if count * spans.DAYS[sign] > 3660:
        fields["count"].refuse(f"{count} of {unit}", "at most ten years")
        return spans.MONTH
    if fields["calendar"].present:
        return window_of(fields, fields["count"], lambda _, start, zone: _calendar(count, sign, start, zone))
    fields["isRolling"].boolean(default=True)  # Sloth's own documents leave it out, and mean it
    length = timedelta(days=count * spans.DAYS[sign])
    if length < timedelta(minutes=5):
        fields["count"].refuse(f"{count} of {unit}", "5 minutes or more: slices have 5 minutes")
        return spans.MONTH
    if sign in "MQY":
        fields["unit"].warn(f"{count} {unit} that rolls", f"{length.days} days, which is what it is taken for")
    return Rolling(length)


def _calendar(count: int, unit: str, start: datetime, zone: str) -> Window:
    return Calendar(count, unit, start, zone)
