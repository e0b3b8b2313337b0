"""`openslo/v1`: AlertPolicy, AlertCondition and AlertNotificationTarget, and the burn rate rules that they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from math import isnan

from console.model.burn import BurnRule, Urgency
from console.model.window import Window
from console.settings.nodes import Node
from console.settings.problems import shown
from console.settings.slo import spans
from console.settings.slo.declared import OPS, prose
from console.settings.slo.library import Condition, Library, missing
from console.settings.slo.metadata import inline, parts
from console.settings.tree import Kind

_PAGES = ("page", "critical", "error", "high", "emergency", "sev1", "sev2", "p1", "p2")
"""Severities of a condition that wake somebody up."""


def read_target(document: Node, library: Library) -> None:
    """An AlertNotificationTarget: people are told as `notify` and the routes of Alertmanager say."""
    fields, spec = parts(document)
    library.targets[library.define("AlertNotificationTarget", fields["name"])] = None
    _target(spec)


def _target(spec: Node) -> None:
    inside = spec.mapping("description", "target")
    prose(inside["description"])
    inside["target"].text("what is told, such as slack or email")


def read_condition(document: Node, library: Library) -> None:
    """An AlertCondition."""
    fields, spec = parts(document)
    library.conditions[library.define("AlertCondition", fields["name"])] = _condition(spec)


def _condition(spec: Node) -> Condition | None:
    inside = spec.mapping("description", "severity", "condition")
    prose(inside["description"])
    severity = inside["severity"].text("a severity, such as page or ticket")
    fields = inside["condition"].mapping("kind", "op", "threshold", "lookbackWindow", "alertAfter")
    fields["kind"].choice({"burnrate": True}, default=True)
    op = fields["op"].choice({op: op for op in OPS})
    threshold = fields["threshold"].number("a burn rate")
    long = _lookback(fields["lookbackWindow"])
    short = _lookback(fields["alertAfter"]) if fields["alertAfter"].present else long / 12
    over = op in ("gt", "gte")
    if not over:
        fields["op"].warn(f"{shown(op)}, which alerts while nothing burns", "gt or gte; it is left out")
    urgency = Urgency.PAGE if severity.lower() in _PAGES else Urgency.TICKET
    if over and threshold <= 0:
        fields["threshold"].refuse(shown(fields["threshold"].tree.text), "a burn rate above 0")
        return None
    if not long or not short or isnan(threshold):
        return None  # refused already
    if long < spans.LEAST:
        fields["lookbackWindow"].refuse(shown(fields["lookbackWindow"].tree.text), spans.SLICES)
        return None
    if fields["alertAfter"].present and short > long:
        expected = f"at most {fields['lookbackWindow'].tree.text}"
        fields["alertAfter"].refuse(shown(fields["alertAfter"].tree.text), expected)
        return None
    if fields["alertAfter"].present and short < spans.LEAST:
        fields["alertAfter"].warn(shown(fields["alertAfter"].tree.text), spans.TAKEN)
    return Condition(urgency, over, threshold, long, max(short, spans.LEAST))


def _lookback(node: Node) -> timedelta:
    return node.duration("a duration such as 5m, 1h or 3d")


def read_policy(document: Node, library: Library) -> None:
    """An AlertPolicy, with its conditions or references to them."""
    fields, spec = parts(document)
    library.policies[library.define("AlertPolicy", fields["name"])] = _policy(spec, library)


def _policy(spec: Node, library: Library) -> tuple[Condition, ...]:
    fields = spec.mapping(
        "description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching", "conditions", "notificationTargets"
    )
    prose(fields["description"])
    on = fields["alertWhenBreaching"].boolean(default=True)
    for name in ("alertWhenNoData", "alertWhenResolved"):
        fields[name].boolean(default=False)
    found = []
    for item in fields["conditions"].sequence("a list of one condition", least=1):
        inside = item.mapping("conditionRef", "kind", "metadata", "spec")
        if "conditionRef" in inside:
            place = inside["conditionRef"]
            name = place.name("the name of an AlertCondition")
            if name and name not in library.conditions:
                missing("AlertCondition", place, library.conditions)
            found.append(library.conditions.get(name))
        else:
            inline(inside, "AlertCondition")
            found.append(_condition(inside["spec"]))
    for item in fields["notificationTargets"].sequence("a list of targets", required=False):
        inside = item.mapping("targetRef", "kind", "metadata", "spec")
        if "targetRef" in inside:
            name = inside["targetRef"].name("the name of an AlertNotificationTarget")
            if name and name not in library.targets:
                missing("AlertNotificationTarget", inside["targetRef"], library.targets)
        else:
            inline(inside, "AlertNotificationTarget")
            _target(inside["spec"])
    return tuple(item for item in found if item is not None) if on else ()


def policies_of(node: Node, library: Library, window: Window) -> tuple[BurnRule, ...] | None:
    """The rules of an SLO's policies; None when they have none, which leaves the usual ones."""
    if node.tree.kind in (Kind.ABSENT, Kind.EMPTY):
        return None
    rules: list[BurnRule] = []
    for item in node.sequence("a list of alert policies"):
        ref = item if item.tree.kind is Kind.TEXT else None
        if ref is None:
            fields = item.mapping("alertPolicyRef", "kind", "metadata", "spec")
            if "alertPolicyRef" not in fields:
                inline(fields, "AlertPolicy")
                rules += _burning(fields["spec"], _policy(fields["spec"], library), window)
                continue
            ref = fields["alertPolicyRef"]
        name = ref.name("the name of an AlertPolicy")
        if name and name not in library.policies:
            missing("AlertPolicy", ref, library.policies)
        rules += _burning(ref, library.policies.get(name, ()), window)
    return tuple(rules) or None


def _burning(place: Node, conditions: Iterable[Condition], window: Window) -> Iterator[BurnRule]:
    """The rules of a policy for an objective over `window`; what is none of it is refused where it is used."""
    for item in conditions:
        percent = 100 * item.threshold * (item.long / spans.period(window))
        wrong = spans.unusable(item.long, item.short, percent, window) if item.over else ""
        long = spans.written(item.long)
        if wrong:
            found = f"a burn rate of {item.threshold:g} over {long}, which is {percent:.4g} % of the budget"
            place.refuse(found, wrong)
        elif item.over:
            yield BurnRule(item.urgency, long, spans.written(item.short), percent)
