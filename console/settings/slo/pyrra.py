"""Pyrra, read only: ServiceLevelObjective of `pyrra.dev/v1alpha1`.

The queries are plain selectors of counters, of a histogram, of a native histogram, or of a gauge that is 0 or 1. With
`grouping` there is one objective for each combination of the labels' values.
"""

from __future__ import annotations

from console.model.promql import Selector
from console.model.sli import INNER, WINDOW, Part, Unit
from console.model.slo import Alerting
from console.model.window import Rolling
from console.settings.nodes import Fields, Node
from console.settings.problems import shown
from console.settings.slo import labels, spans
from console.settings.slo.declared import Declared, Measure, Pairs, Ratio, exactly_one, pairs, percentage, prose, where
from console.settings.slo.queries import RANGE, Counted, of_selector, selector
from console.settings.tree import Kind

ALERT = "ErrorBudgetBurn"
"""How Pyrra names its alerts."""
LABEL = "pyrra.dev/"
"""Labels of the object that begin so go on every rule, without it."""
_KINDS = ("ratio", "latency", "latencyNative", "bool_gauge")


def read_objective(document: Node) -> list[Declared]:
    """A ServiceLevelObjective."""
    fields = document.mapping("apiVersion", "kind", "metadata", "spec", "status")
    metadata = fields["metadata"].open_mapping()
    name = metadata["name"].name("the name of the objective")
    namespace = metadata["namespace"].name("a namespace", default="")
    own: Pairs = labels.taken(
        metadata["labels"],
        tuple((key.removeprefix(LABEL), value) for key, value in pairs(metadata["labels"]) if key.startswith(LABEL)),
    )
    spec = fields["spec"].mapping(
        "description", "target", "window", "indicator", "alerting", "partial_response_strategy",
        "performanceOverAccuracy", "ruleOutput",
    )  # fmt: skip
    description = prose(spec["description"])
    target = percentage(spec["target"])
    length = spans.prometheus(spec["window"])
    window = Rolling(length) if length else spans.MONTH
    alert, page, ticket = _alerting(spec["alerting"])
    measure, groups, place = _indicator(spec["indicator"])
    if measure is None:
        return []
    service = dict(own).get("service") or namespace or name
    return [
        Declared(
            name,
            name,
            service,
            target,
            measure,
            metadata["name"],
            metadata["service"],  # no key of its own: there is nothing to complain at
            spec["target"],
            where(place),
            window,
            description=description,
            labels=own,
            groups=groups,
            alert=alert,
            page=page,
            ticket=ticket,
        )
    ]


def _indicator(node: Node) -> tuple[Measure | None, tuple[str, ...], Node]:
    fields = node.mapping(*_KINDS)
    kind = exactly_one(fields, _KINDS)
    if kind == "ratio":
        inside = fields[kind].mapping("errors", "total", "grouping")
        return _ratio(Part.BAD, inside, "errors")
    if kind == "latency":
        inside = fields[kind].mapping("success", "total", "grouping")
        place = _metric(inside, "success")
        wanted = selector(place)
        if wanted is not None and not any(item.label == "le" for item in wanted.matchers):
            place.refuse(shown(place.tree.text), 'a bucket: a matcher such as le="0.3"')
            return None, (), place
        return _ratio(Part.GOOD, inside, "success")
    if kind == "latencyNative":
        inside = fields[kind].mapping("latency", "total", "grouping")
        place = _metric(inside, "total")
        wanted, seconds = selector(place), spans.prometheus(inside["latency"]).total_seconds()
        groups = _groups(inside["grouping"])
        return (_native(wanted, seconds) if wanted is not None and seconds else None), groups, place
    if kind == "bool_gauge":
        inside = fields[kind].mapping("metric", "grouping")
        wanted = selector(inside["metric"])
        groups = _groups(inside["grouping"])
        return (_gauge(wanted) if wanted is not None else None), groups, inside["metric"]
    return None, (), node


def _ratio(part: Part, fields: Fields, key: str) -> tuple[Measure | None, tuple[str, ...], Node]:
    place, total_at = _metric(fields, key), _metric(fields, "total")
    wanted, total = selector(place), selector(total_at)
    groups = _groups(fields["grouping"])
    if wanted is None or total is None:
        return None, groups, place
    if wanted == total:
        place.warn(f"the same as `total`: {shown(place.tree.text)}", f"what of it is {key}")
    return Ratio(part, of_selector(place, wanted), of_selector(total_at, total)), groups, place


def _native(total: Selector, seconds: float) -> Ratio:
    """Pyrra's: the share of a native histogram below the limit, times its count."""

    def of(window: str) -> tuple[str, str]:
        increase = f"sum(increase({total}{window}))"
        count = f"histogram_count({increase})"
        return f"histogram_fraction(0, {seconds:g}, {increase}) * {count}", count

    (fast, count), (fast_template, count_template) = of(RANGE), of(f"[{WINDOW}]")
    return Ratio(Part.GOOD, Counted(fast, fast_template), Counted(count, count_template))


def _gauge(gauge: Selector) -> Ratio:
    """`sli.of_bool_gauge`, in the words of a ratio."""

    def of(function: str) -> Counted:
        return Counted(f"sum({function}({gauge}{RANGE}))", f"sum({function}({gauge}[{INNER}]))", Unit.SAMPLES)

    return Ratio(Part.GOOD, of("sum_over_time"), of("count_over_time"))


def _metric(fields: Fields, key: str) -> Node:
    return fields[key].mapping("metric")["metric"]


def _groups(node: Node) -> tuple[str, ...]:
    if node.tree.kind in (Kind.ABSENT, Kind.EMPTY):
        return ()
    found = []
    for item in node.sequence("a list of labels"):
        name = item.text("the name of a label")
        if name and labels.group(item, name):
            found.append(name)
    return tuple(found)


def _alerting(node: Node) -> tuple[str, Alerting, Alerting]:
    if not node.present:
        return ALERT, Alerting(), Alerting()
    fields = node.mapping("disabled", "burnrates", "absent", "name", "absentName", "severities")
    off = fields["disabled"].boolean(default=False) or not fields["burnrates"].boolean(default=True)
    fields["absent"].boolean(default=True)
    fields["absentName"].text("the name of the alert of an absent metric", default="")
    severities = fields["severities"].mapping("absent", "fastBurn", "mediumBurn", "slowBurn", "longTermBurn")

    def of(key: str) -> Alerting:
        severity = severities[key].text("a severity", default="")
        return Alerting((("severity", severity),) if severity else (), (), off)

    return fields["name"].text("the name of the alerts", default=ALERT), of("fastBurn"), of("slowBurn")
