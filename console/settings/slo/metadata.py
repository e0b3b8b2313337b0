"""The metadata of an OpenSLO document, and in annotations of ours what OpenSLO cannot say."""

from __future__ import annotations

from console.model.burn import BurnRule, Urgency
from console.model.duration import duration
from console.model.slo import Alerting
from console.model.window import Window
from console.settings.nodes import Fields, Node
from console.settings.problems import one_of, shown
from console.settings.slo import labels, spans
from console.settings.slo.declared import OPS, Fallback, Limit, Pairs, pairs
from console.settings.slo.queries import expression
from console.settings.tree import Kind

OWN = "oncall/"
"""What annotations of ours begin with: they say what OpenSLO cannot."""
ANNOTATIONS = (
    "fallback-query", "fallback-op", "fallback-value", "groups", "name", "service", "short", "alert", "burn-rules",
    "page", "page-labels", "page-annotations", "ticket", "ticket-labels", "ticket-annotations",
)  # fmt: skip


def parts(document: Node) -> tuple[Fields, Node]:
    """The metadata and the spec of a document."""
    fields = document.mapping("apiVersion", "kind", "metadata", "spec")
    return metadata_of(fields["metadata"]), fields["spec"]


def metadata_of(node: Node) -> Fields:
    """What a document or a part of one is called."""
    fields = node.mapping("name", "displayName", "labels", "annotations")
    for key in ("labels", "annotations"):
        pairs(fields[key], lists=key == "labels")
    return fields


def inline(fields: Fields, kind: str) -> None:
    """The head of a part that could be a document, where it stands inside of another."""
    fields["kind"].choice({kind: True}, default=True)
    metadata_of(fields["metadata"])["name"].name(f"the name of the {kind}")


def annotations_of(metadata: Fields) -> tuple[Fields, Pairs]:
    """Those of ours without what they begin with, as keys of their own, and the others."""
    place = metadata["annotations"]
    if place.tree.kind in (Kind.ABSENT, Kind.EMPTY):
        return Fields(place), ()
    every = place.open_mapping()
    others = tuple((key, value) for key, value in pairs(place) if not key.startswith(OWN))
    known = tuple(OWN + name for name in ANNOTATIONS)
    for key, _ in every.items():
        if key.startswith(OWN) and key not in known:
            every.key(key).refuse("an unknown annotation", one_of(known, key))
    return _Own(every.node), others


class _Own(Fields):
    """The annotations of ours, by what follows `oncall/`."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Node:
        return Fields(self.node)[OWN + key]

    def __contains__(self, key: str) -> bool:
        return OWN + key in self.node.tree.entries


def fallback_of(own: Fields) -> Fallback | None:
    """What is measured while the total has no series at all, if that is said."""
    names = ("fallback-query", "fallback-op", "fallback-value")
    if not any(name in own for name in names):
        return None
    query, op, value = (own[name] for name in names)
    template = expression(query, ranged=False)
    return Fallback(template, Limit(op.choice({op: op for op in OPS}), value.number()))


def groups_of(node: Node) -> tuple[str, ...]:
    """The labels by which an objective is one for each combination of their values."""
    text = node.text("names of labels, separated by commas", default="")
    names = (name.strip() for name in text.split(",") if name.strip())
    return tuple(name for name in names if labels.group(node, name))


def alerting_of(own: Fields, urgency: Urgency) -> Alerting:
    """What the alerts of an urgency carry, and whether there are any."""
    off = own[urgency].choice({"off": True, "on": False}, default=False)
    carried, said = own[f"{urgency}-labels"], own[f"{urgency}-annotations"]
    return Alerting(labels.taken(carried, _json(carried)), labels.noted(said, _json(said)), off)


def _json(node: Node) -> Pairs:
    """A mapping of texts, as JSON."""
    expected = 'a JSON object of texts, such as {"severity": "page"}'
    text = node.text(expected, default="")
    if not text:
        return ()
    import json  # rarely needed

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        node.refuse(shown(text), expected)
        return ()
    return tuple(found.items())


def rules_of(node: Node, window: Window) -> tuple[BurnRule, ...] | None:
    """`page 1h 5m 2; ticket 3d 6h 10`: urgency, long and short window, percent of the budget within the long one."""
    expected = "rules such as: page 1h 5m 2; ticket 3d 6h 10 (urgency, long, short, percent of the budget)"
    text = node.text(expected, default="")
    found = []
    for part in text.split(";") if text else ():
        try:
            urgency, long, short, percent = part.split()
            rule = BurnRule(Urgency(urgency), long, short, float(percent))
            wrong = spans.unusable(duration(long), duration(short), rule.percent, window)
        except ValueError:
            node.refuse(shown(part.strip()), expected)
            continue
        if wrong:
            node.refuse(shown(part.strip()), wrong)
        else:
            found.append(rule)
    return tuple(found) or None
