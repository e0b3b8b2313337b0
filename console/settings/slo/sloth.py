"""Sloth, read only: `prometheus/v1`, PrometheusServiceLevel of `sloth.slok.dev/v1`, and AlertWindows.

Sloth measures over 30 d unless it was told otherwise when it ran. Plugins are programs of its own: an SLI that is one
is refused by name; those that change which rules it writes change nothing here.
"""

from __future__ import annotations

import re
from datetime import timedelta
from math import isnan

from console.model.burn import BurnRule, Urgency
from console.model.sli import Part
from console.model.slo import Alerting
from console.model.value import value
from console.model.window import Rolling
from console.settings.nodes import Fields, Node
from console.settings.problems import one_of, shown
from console.settings.slo import labels, spans
from console.settings.slo.declared import (
    OCCURRENCES,
    RATIO_TIMESLICES,
    Declared,
    Measure,
    Pairs,
    Ratio,
    Raw,
    exactly_one,
    merged,
    pairs,
    percentage,
    prose,
    where,
)
from console.settings.slo.library import Library
from console.settings.slo.queries import RANGE, counted, expression
from console.settings.tree import Kind

_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,126}[A-Za-z0-9])?")
_WINDOWED = re.compile(r"\{\{\s*\.window\s*\}\}")


@value
class _Words:
    """How one of the two kinds of file spells its keys."""

    plugins: str
    error_query: str
    total_query: str
    ratio_query: str
    page: str
    ticket: str


_FILE = _Words("slo_plugins", "error_query", "total_query", "error_ratio_query", "page_alert", "ticket_alert")
_KUBERNETES = _Words("sloPlugins", "errorQuery", "totalQuery", "errorRatioQuery", "pageAlert", "ticketAlert")


def read_file(document: Node) -> list[Declared]:
    """A file of Sloth's own."""
    fields = _known(document, _KUBERNETES, "version", "service", "labels", _FILE.plugins, "slos")
    return _slos(fields, _FILE)


def read_service_level(document: Node) -> list[Declared]:
    """A PrometheusServiceLevel."""
    fields = document.mapping("apiVersion", "kind", "metadata", "spec", "status")
    metadata = fields["metadata"].open_mapping()
    metadata["name"].text("the name of the object")
    return _slos(_known(fields["spec"], _FILE, "service", "labels", _KUBERNETES.plugins, "slos"), _KUBERNETES)


def _slos(fields: Fields, words: _Words) -> list[Declared]:
    service = _name(fields["service"], "the name of the service")
    shared = labels.taken(fields["labels"], pairs(fields["labels"]))
    _plugins(fields, words.plugins)
    found = []
    for item in fields["slos"].sequence("a list of SLOs", least=1):
        found += _slo(item, words, fields["service"], service, shared)
    return found


def _slo(item: Node, words: _Words, service_at: Node, service: str, shared: Pairs) -> list[Declared]:
    other = _KUBERNETES if words is _FILE else _FILE
    fields = _known(item, other, "name", "description", "objective", "labels", "sli", "alerting", "plugins")
    name = _name(fields["name"], "the name of the SLO")
    _plugins(fields, "plugins")
    description = prose(fields["description"])
    target = percentage(fields["objective"])
    measure, place = _sli(fields["sli"], words, other)
    alert, page, ticket = _alerting(fields["alerting"], words, other)
    own = merged(shared, labels.taken(fields["labels"], pairs(fields["labels"])))
    if measure is None:
        return []
    method = OCCURRENCES if isinstance(measure, Ratio) else RATIO_TIMESLICES
    return [
        Declared(
            name,
            name,
            service,
            target,
            measure,
            fields["name"],
            service_at,
            fields["objective"],
            where(place),
            method=method,
            seconds=300,
            description=description,
            labels=own,
            alert=alert,
            page=page,
            ticket=ticket,
        )
    ]


def _sli(node: Node, words: _Words, other: _Words) -> tuple[Measure | None, Node]:
    fields = _known(node, other, "events", "raw", "plugin")
    kind = exactly_one(fields, ("events", "raw", "plugin"))
    if kind == "plugin":
        name = fields["plugin"].open_mapping()["id"].tree.text
        found = f"the plugin {shown(name)}" if name else "a plugin"
        fields["plugin"].refuse(f"{found}, which is a program of Sloth's", "events or raw, with its query")
    elif kind == "raw":
        place = _known(fields[kind], other, words.ratio_query)[words.ratio_query]
        template = expression(_windowed(place))
        return (Raw(Part.BAD, place.expression(), template) if template else None), place
    elif kind == "events":
        inside = _known(fields[kind], other, words.error_query, words.total_query)
        errors, total = (
            counted(_windowed(inside[key]), counter=True) for key in (words.error_query, words.total_query)
        )
        place = inside[words.error_query]
        return (Ratio(Part.BAD, errors, total) if errors.template and total.template else None), place
    return None, node


def _windowed(node: Node) -> Node:
    """The query itself, refused when it has no range to fill in."""
    text = node.tree.text
    if node.tree.kind is not Kind.TEXT or not text.strip() or _WINDOWED.search(text):
        return node
    node.refuse(shown(text), f"a range over the window: {RANGE}")
    return node.nothing()


def _alerting(node: Node, words: _Words, other: _Words) -> tuple[str, Alerting, Alerting]:
    if not node.present:
        return "", Alerting(), Alerting()
    fields = _known(node, other, "name", "labels", "annotations", words.page, words.ticket)
    shared = labels.taken(fields["labels"], pairs(fields["labels"]))
    annotations = labels.noted(fields["annotations"], pairs(fields["annotations"]))
    name = fields["name"].text("the name of the alerts", default="")
    both = []
    for key in (words.page, words.ticket):
        inside = _known(fields[key], other, "disable", "labels", "annotations")
        both.append(
            Alerting(
                merged(shared, labels.taken(inside["labels"], pairs(inside["labels"]))),
                merged(annotations, labels.noted(inside["annotations"], pairs(inside["annotations"]))),
                inside["disable"].boolean(default=False),
            )
        )
    return name, both[0], both[1]


def _plugins(fields: Fields, key: str) -> None:
    if key in fields:
        fields.key(key).warn(
            f"`{key}`, which is not run", "nothing: what Sloth's plugins do to its rules is not done here"
        )


def _known(node: Node, other: _Words, *keys: str) -> Fields:
    """The values under `keys`. A key of Sloth's other kind of file, which Sloth passes over, is warned of."""
    strange = {other.plugins, other.error_query, other.total_query, other.ratio_query, other.page, other.ticket}
    passed = [key for key in node.tree.keys if key in strange and key not in keys]
    fields = node.mapping(*keys, *passed)
    for key in passed:
        fields.key(key).warn(f"`{key}`, which Sloth passes over in this kind of file", one_of(keys, key))
    return fields


def _name(node: Node, expected: str) -> str:
    name = node.text(expected)
    if name and not _NAME.fullmatch(name):
        node.refuse(shown(name), f"{expected}: letters, digits, and - _ . between them")
        return ""
    return name


def read_windows(document: Node, library: Library) -> None:
    """AlertWindows: the rules of every objective over its period that has none of its own."""
    fields = document.mapping("apiVersion", "kind", "metadata", "spec")
    spec = fields["spec"].mapping("sloPeriod", "page", "ticket")
    period = spans.prometheus(spec["sloPeriod"])
    rules = []
    for urgency in Urgency:
        speeds = spec[urgency].mapping("quick", "slow")
        for speed in ("quick", "slow"):
            rules.append(_rule(urgency, speeds[speed], period))
    if period and period in library.windows:
        spec["sloPeriod"].refuse(
            f"a second AlertWindows for {shown(spec['sloPeriod'].tree.text)}", "one for each period"
        )
    if period:
        library.windows[period] = tuple(rule for rule in rules if rule is not None)


def _rule(urgency: Urgency, node: Node, period: timedelta) -> BurnRule | None:
    fields = node.mapping("errorBudgetPercent", "shortWindow", "longWindow")
    percent = fields["errorBudgetPercent"].number("a percentage above 0, at most 100", least=1e-9, most=100.0)
    short, long = (spans.prometheus(fields[key]) for key in ("shortWindow", "longWindow"))
    if short and long and short >= long:
        fields["shortWindow"].refuse(
            shown(fields["shortWindow"].tree.text), f"less than {fields['longWindow'].tree.text}"
        )
    if timedelta(0) < short < spans.LEAST:
        short = spans.LEAST
        fields["shortWindow"].warn(shown(fields["shortWindow"].tree.text), spans.TAKEN)
    if isnan(percent) or not short or not long or not period:
        return None  # refused already
    if wrong := spans.unusable(long, short, percent, Rolling(period)):
        fields["longWindow"].refuse(shown(fields["longWindow"].tree.text), wrong)
        return None
    return BurnRule(urgency, spans.written(long), spans.written(short), percent)
