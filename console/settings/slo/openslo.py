"""`openslo/v1`: SLO, SLI, DataSource, Service (`policies` has the kinds about alerts).

The profile: a source without a type is Prometheus; names are RFC 1123; what an SLO refers to may stand in any file. An
SLI of another backend is read as a document, and an SLO that would have to be measured by it is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from console.model.burn import Urgency
from console.model.sli import Part
from console.model.value import value
from console.model.window import Rolling, Window
from console.settings.nodes import Fields, Node
from console.settings.problems import one_of, shown
from console.settings.slo import labels, spans
from console.settings.slo.declared import (
    METHODS,
    OCCURRENCES,
    OPS,
    TIMESLICES,
    Declared,
    Limit,
    Ratio,
    Raw,
    Threshold,
    exactly_one,
    pairs,
    percentage,
    prose,
    ratio,
    where,
)
from console.settings.slo.library import Indicator, Library, missing
from console.settings.slo.metadata import (
    alerting_of,
    annotations_of,
    fallback_of,
    groups_of,
    metadata_of,
    parts,
    rules_of,
)
from console.settings.slo.policies import policies_of, read_condition, read_policy, read_target
from console.settings.slo.queries import counted, expression
from console.settings.tree import Kind

VERSION = "openslo/v1"
COMPATIBLE = ("prometheus", "amazonprometheus", "thanos", "mimir", "cortex", "victoriametrics", "any")
"""Sources that answer PromQL; `Any` is what OpenSLO's own examples write."""
SOURCES = (
    "Prometheus", "AmazonPrometheus", "Thanos", "Mimir", "Cortex", "VictoriaMetrics", "Any", "AppDynamics",
    "AzureMonitor", "BigQuery", "CloudWatch", "Datadog", "Dynatrace", "Elasticsearch", "Generic",
    "GoogleCloudMonitoring", "GrafanaLoki", "Graphite", "Honeycomb", "InfluxDB", "Instana", "Lightstep", "LogicMonitor",
    "NewRelic", "OpenTSDB", "Pingdom", "Redshift", "Splunk", "SplunkObservability", "SumoLogic", "ThousandEyes",
)  # fmt: skip


def read_source(document: Node, library: Library) -> None:
    """A DataSource. Its connection is not ours to use: the console asks the environment's own server."""
    fields, spec = parts(document)
    name = library.define("DataSource", fields["name"])
    inside = spec.mapping("description", "type", "connectionDetails")
    prose(inside["description"])
    library.sources[name] = _type(inside["type"])


def read_service(document: Node, library: Library) -> None:
    """A Service: its name is all that is used."""
    fields, spec = parts(document)
    library.define("Service", fields["name"], again=True)
    if spec.present:
        prose(spec.mapping("description")["description"])


def read_indicator(document: Node, library: Library) -> None:
    """An SLI."""
    fields, spec = parts(document)
    library.indicators[library.define("SLI", fields["name"])] = indicator(spec, library)


def indicator(spec: Node, library: Library) -> Indicator:
    """How something is measured, by the spec of an SLI."""
    kinds = spec.mapping("description", "ratioMetric", "thresholdMetric")
    description = prose(kinds["description"])
    kind = exactly_one(kinds, ("ratioMetric", "thresholdMetric"))
    if kind == "thresholdMetric":
        source = _query(kinds[kind], library)
        if (query := source.query) is None:
            return Indicator(None, "", source.at, source.backend, description)
        found = Threshold(query.expression(), expression(query))
        return Indicator(found if found.template else None, where(query), query, "", description)
    if kind == "ratioMetric":
        return _ratio(kinds[kind], library, description)
    return Indicator(None, "", spec, "", description)


def _ratio(node: Node, library: Library, description: str) -> Indicator:
    fields = node.mapping("counter", "good", "bad", "total", "raw", "rawType")
    counter = fields["counter"].boolean() if fields["counter"].present else None
    if "raw" in fields:
        for other in ("good", "bad", "total"):
            if other in fields:
                fields.key(other).refuse(f"`{other}` beside `raw`", "one of them")
        counts = fields["rawType"].choice({"success": Part.GOOD, "failure": Part.BAD})
        source = _query(fields["raw"], library)
        if (query := source.query) is None:
            return Indicator(None, "", source.at, source.backend, description)
        template = expression(query)
        measure = Raw(counts, query.expression(), template) if template else None
        return Indicator(measure, where(query), query, "", description)
    if "rawType" in fields:
        fields.key("rawType").refuse("`rawType` without `raw`", "good or bad, and total; or raw")
    part = exactly_one(fields, ("good", "bad"))
    own, whole = _query(fields[part or "good"], library), _query(fields["total"], library)
    query, total = own.query, whole.query
    if not part or query is None or total is None:
        foreign = own if own.backend else whole
        return Indicator(None, "", foreign.at, foreign.backend, description)
    found = Ratio(Part(part), counted(query, counter=counter), counted(total, counter=counter))
    if found.counted.text and found.counted.text == found.total.text:
        query.warn(f"the same as `total`: {shown(found.total.text)}", f"what of it is {part}")
    usable = found.counted.template and found.total.template
    return Indicator(found if usable else None, where(query), query, "", description)


@value
class _Source:
    """Where a query stands that Prometheus answers; else the `backend` that it is for, if it is known, and what names
    that."""

    query: Node | None
    at: Node
    backend: str = ""


def _query(metric: Node, library: Library) -> _Source:
    inside = metric.mapping("metricSource")["metricSource"]
    fields = inside.mapping("metricSourceRef", "type", "spec")
    if not inside.present:
        inside.refuse("nothing", "a source with its query")
    if fields.node.tree.kind is not Kind.MAPPING:
        return _Source(None, metric)
    ref = fields["metricSourceRef"]
    source = ref.name("the name of a DataSource", default="")
    kind = _type(fields["type"]) if fields["type"].present else library.sources.get(source, "Prometheus")
    if source and source not in library.sources and not fields["type"].present:
        missing("DataSource", ref, library.sources)
    elif source in library.sources and library.sources[source].lower() != kind.lower():
        fields["type"].warn(f"{shown(kind)} of a source of type {shown(library.sources[source])}", "its own type")
    place = fields["type"] if fields["type"].present else ref
    spec = fields["spec"].open_mapping()
    if not spec.node.tree.entries:
        if fields["spec"].tree.kind in (Kind.ABSENT, Kind.MAPPING):
            fields["spec"].refuse("nothing" if not fields["spec"].present else "an empty mapping", "a query")
        return _Source(None, metric)
    if kind.lower() not in COMPATIBLE:
        return _Source(None, place, kind)
    if kind.lower() == "any":
        fields["type"].warn("'Any', which is no source", "Prometheus, which it is taken for")
    return _Source(spec["query"], place)


def _type(node: Node) -> str:
    kind = node.text("the type of a source, such as Prometheus")
    if kind and kind.lower() not in {known.lower() for known in SOURCES}:
        node.warn(f"the unknown type {shown(kind)}", one_of(SOURCES, kind) if _near(kind) else "a known one")
    return kind


def _near(kind: str) -> bool:
    return one_of(SOURCES, kind).startswith("'")


def read_slo(document: Node, library: Library) -> list[Declared]:
    """An SLO: one or several objectives."""
    metadata, place = parts(document)
    name = metadata["name"].name("the name of the SLO")
    own, annotations = annotations_of(metadata)
    title = metadata["displayName"].text(default=name)
    name = own["name"].text("a name", default=name)
    own_labels = labels.taken(metadata["labels"], pairs(metadata["labels"], lists=True))
    spec = place.mapping(
        "description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives",
        "alertPolicies",
    )  # fmt: skip
    description = prose(spec["description"])
    service = own["service"].text("the name of a service", default=spec["service"].name("the name of a service"))
    window = _window(spec["timeWindow"])
    method = spec["budgetingMethod"].choice({method: method for method in METHODS})
    rules = rules_of(own["burn-rules"], window) or policies_of(spec["alertPolicies"], library, window)
    fallback, groups = fallback_of(own), groups_of(own["groups"])
    alert = own["alert"].text("the name of the alerts", default="")
    short = own["short"].text("its name within its service", default="")
    page, ticket = (alerting_of(own, urgency) for urgency in Urgency)
    objectives = spec["objectives"].sequence("a list of objectives", least=1)
    composite = any("indicator" in item.tree.entries or "indicatorRef" in item.tree.entries for item in objectives)
    shared = None if composite else _indicator(spec, library)
    if composite:
        for key in ("indicator", "indicatorRef"):
            if key in spec:
                spec.key(key).refuse(f"`{key}` beside objectives that have their own", "one of them")
    found = []
    for index, item in enumerate(objectives, 1):
        fields = item.mapping(
            "displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow", "indicator",
            "indicatorRef", "compositeWeight",
        )  # fmt: skip
        measured = _indicator(fields, library) if composite else shared
        if "compositeWeight" in fields:
            fields["compositeWeight"].number("a weight above 0", least=1e-9)
            fields.key("compositeWeight").warn("`compositeWeight`, which is not used", "each objective is on its own")
        target_at, target = _goal(fields)
        seconds, share = _slices(fields, method)
        limit = _limit(fields, measured)
        label = fields["displayName"].text(default="")
        if measured is None or measured.measure is None:
            continue
        if isinstance(measured.measure, Raw) and method == OCCURRENCES:
            measured.at.warn(
                "a ratio without its counts", "RatioTimeslices, which it is: every 5 minutes weigh the same"
            )
        several = len(objectives) > 1
        found.append(
            Declared(
                f"{name}-{index}" if several else name,
                f"{title}: {label or index}" if several else title,
                service,
                target,
                measured.measure,
                metadata["name"],
                spec["service"],
                target_at,
                measured.where,
                window,
                method,
                seconds,
                share,
                limit,
                fallback,
                description or measured.description,
                own_labels,
                annotations,
                groups,
                rules,
                alert,
                page,
                ticket,
                short,
            )
        )
    return found


def _indicator(fields: Fields, library: Library) -> Indicator | None:
    """The one that an SLO has inside or refers to; None when that is refused."""
    which = exactly_one(fields, ("indicator", "indicatorRef"))
    if which == "indicatorRef":
        place = fields[which]
        name = place.name("the name of an SLI")
        found = library.indicators.get(name)
        if found is None and name:
            known = tuple(library.indicators)
            place.refuse(f"the unknown SLI {shown(name)}", one_of(known, name) if known else "one that a file defines")
        elif found is not None and found.measure is None and not found.backend:
            place.refuse(f"the SLI {shown(name)}, in which something is wrong itself", "one that can be read")
    elif which == "indicator":
        inside = fields[which].mapping("metadata", "spec")
        name, place = "", fields[which]
        if inside["metadata"].present:
            name = metadata_of(inside["metadata"])["name"].name("the name of the SLI", default="")
        found = indicator(inside["spec"], library)
        if name:
            library.indicators.setdefault(name, found)
    else:
        return None
    if found is not None and found.backend:
        place = found.at if which == "indicator" else place
        place.refuse(f"an indicator of {shown(found.backend)}, which nothing measures here", "one of Prometheus")
    return found


def _goal(fields: Fields) -> tuple[Node, float]:
    """Where the target stands, and what it is."""
    percent, plain = fields["targetPercent"], fields["target"]
    if percent.present and plain.present:
        percent.refuse("a second target", "either target or targetPercent")
    if percent.present and not plain.present:
        return percent, percentage(percent)
    return plain, ratio(plain)


def _slices(fields: Fields, method: str) -> tuple[int, float]:
    """How long a time slice is, in seconds, and its share of good that makes it good."""
    if method == OCCURRENCES:
        return 60, 1.0
    seconds = spans.slice_of(fields["timeSliceWindow"])
    if method != TIMESLICES:
        return seconds, 1.0
    return seconds, fields["timeSliceTarget"].number("a ratio above 0, at most 1", least=1e-9, most=1.0)


def _limit(fields: Fields, measured: Indicator | None) -> Limit | None:
    if measured is not None and isinstance(measured.measure, Threshold):
        return Limit(fields["op"].choice({op: op for op in OPS}), fields["value"].number())
    if measured is not None and isinstance(measured.measure, Ratio | Raw):
        for extra in ("op", "value"):
            if extra in fields:
                fields.key(extra).warn(f"`{extra}` with a ratio, which is not used", "only a target")
    return None


def _window(node: Node) -> Window:
    if not node.present:
        node.warn("nothing", "one time window; it is taken as 30d that roll")
        return spans.MONTH
    items = (node,) if node.tree.kind is Kind.MAPPING else node.sequence("a list with one time window", least=1)
    if len(items) != 1:
        if items:
            node.refuse(f"{len(items)} windows", "one")
        return spans.MONTH
    fields = items[0].mapping("duration", "isRolling", "calendar")
    return window_of(fields, fields["duration"])


def window_of(fields: Fields, length: Node, unit: Callable[[Node, datetime, str], Window] = spans.calendar) -> Window:
    """A window that rolls, or one of the calendar, by `isRolling` and `calendar`."""
    fixed = fields["calendar"].present
    rolls = fields["isRolling"].boolean(default=not fixed)
    if not fixed and not rolls:
        fields["isRolling"].refuse("a window that neither rolls nor has a calendar", "calendar: {startTime, timeZone}")
    elif fixed and rolls:
        fields.key("calendar").refuse("`calendar` in a window that rolls", "isRolling: false, or no calendar")
    elif fixed:
        inside = fields["calendar"].mapping("startTime", "timeZone")
        return unit(length, spans.start_of(inside["startTime"]), spans.zone_of(inside["timeZone"]))
    return Rolling(spans.rolling(length))


READERS: Mapping[str, Callable[[Node, Library], object]] = {
    "DataSource": read_source,
    "Service": read_service,
    "AlertNotificationTarget": read_target,
    "AlertCondition": read_condition,
    "AlertPolicy": read_policy,
    "SLI": read_indicator,
}
"""What defines something for an SLO, in the order in which one refers to another."""
