"""`oncall/v1` Guardrail and Invariant: what no objective says. Their keys are here; `schema` publishes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from console.model import promql
from console.model.guard import Action, Invariant, Limit, NoData, PhaseGuard
from console.model.rollout import GuardrailRule
from console.model.sli import Part
from console.model.slices import SLICE
from console.model.value import value
from console.settings.nodes import Fields, Node
from console.settings.problems import one_of, shown
from console.settings.slo import labels
from console.settings.slo.declared import OPS, Ratio, exactly_one, prose, where
from console.settings.slo.library import Library
from console.settings.slo.queries import expression, selector
from console.settings.tree import Kind

VERSION = "oncall/v1"
GUARDRAIL, INVARIANT = "Guardrail", "Invariant"
TOP = ("apiVersion", "kind", "metadata", "spec")
METADATA = ("name", "title")
GUARDRAIL_SPEC = (
    "description", "appliesTo", "query", "samples", "sliRef", "selectorPatch", "window", "must", "minSamples",
    "onNoData", "onBreach",
)  # fmt: skip
MUST = ("op", "value", "unit")
APPLIES = ("rollout", "phases")
ON_BREACH = ("after", "of", "action")
INVARIANT_SPEC = ("description", "counter", "since", "must", "onNoData", "onBreach")
INVARIANT_MUST = ("op", "value")
INVARIANT_BREACH = ("severity",)
NO_DATA: Mapping[str, tuple[str, ...]] = {GUARDRAIL: ("inconclusive", "breach"), INVARIANT: ("unknown", "breach")}
"""What no data may mean: never that all is well."""
SINCE = "rollout-start"
SEVERITIES = tuple(f"sev{number}" for number in range(1, 6))
MOST = 100
"""Evaluations that a breach may need."""


@value
class Guard:
    """One of the two, and the place of its name; `rollout` is that of the rollout it applies to."""

    item: PhaseGuard | Invariant
    name: Node
    rollout: Node

    @property
    def rule(self) -> GuardrailRule:
        """How it is shown."""
        return self.item.rule


def read_guardrail(document: Node, library: Library) -> Guard:
    """A Guardrail."""
    name_at, name, title, place = _head(document, GUARDRAIL)
    spec = place.mapping(*GUARDRAIL_SPEC)
    applies = spec["appliesTo"].mapping(*APPLIES)
    window = spec["window"].duration()
    if timedelta(0) < window < timedelta(minutes=1):
        spec["window"].refuse(shown(spec["window"].tree.text), "1m or more")
    query, samples, at = _measured(spec, library)
    least = spec["minSamples"].integer("a number of samples", least=0, most=10**9, default=0)
    if least and not samples and at.tree.kind is Kind.TEXT:
        spec["minSamples"].refuse("a number of samples that nothing counts", "`samples`, a query that counts them")
    must = spec["must"].mapping(*MUST)
    limit = Limit(must["op"].choice(OPS), must["value"].number(), must["unit"].text("a unit", default=""))
    on_breach = spec["onBreach"].mapping(*ON_BREACH)
    of = on_breach["of"].integer(f"a number of evaluations, at most {MOST}", least=1, most=MOST, default=1)
    after = on_breach["after"].integer(f"a number of evaluations, at most {of}", least=1, most=of, default=1)
    guard = PhaseGuard(
        name,
        title,
        query,
        window,
        limit,
        samples,
        least,
        _no_data(spec, GUARDRAIL),
        after,
        of,
        on_breach["action"].choice({str(action): action for action in Action}, default=Action.RECOMMEND_ROLLBACK),
        applies["rollout"].name("the name of a rollout", default=""),
        _phases(applies["phases"]),
        prose(spec["description"]),
        where(at),
    )
    return Guard(guard, name_at, applies["rollout"])


def _measured(spec: Fields, library: Library) -> tuple[str, str, Node]:
    """The templates of the value and of its samples, and where they stand."""
    which = exactly_one(spec, ("query", "sliRef"))
    if which == "query":
        if "selectorPatch" in spec:
            spec.key("selectorPatch").refuse("`selectorPatch` beside `query`", "the labels in the query, or sliRef")
        samples = expression(spec["samples"]) if spec["samples"].present else ""
        return expression(spec["query"]), samples, spec["query"]
    if which != "sliRef":
        return "", "", spec["query"].nothing()
    place = spec["sliRef"]
    if "samples" in spec:
        spec.key("samples").refuse("`samples` beside `sliRef`", "nothing: they are the total of the SLI")
    name = place.text("the name of an SLI, or of an SLO")
    indicator = library.indicators.get(name)
    measure = indicator.measure if indicator else library.measures.get(name)
    if not isinstance(measure, Ratio):
        known = tuple({**library.indicators, **library.measures})
        if name and (indicator is not None or name in library.measures):
            place.refuse(f"{shown(name)}, which is no ratio of counts", "an SLI with good or bad, and total")
        elif name:
            place.refuse(f"the unknown SLI {shown(name)}", one_of(known, name) if known else "one that a file defines")
        return "", "", place.nothing()
    patch = _patch(spec["selectorPatch"])
    try:
        part, total = (promql.patched(item.template, patch) for item in (measure.counted, measure.total))
    except ValueError:  # the SLI itself was refused for it
        return "", "", place.nothing()
    good = measure.part is Part.GOOD
    ratio = f"1 - ({part}) / ({total})" if good else f"(({part}) or ({total}) * 0) / ({total})"
    return ratio, total, place


def _patch(node: Node) -> dict[str, str]:
    if not node.present:
        return {}
    found = {}
    for key, place in node.open_mapping().items():
        if not labels.valid(key):
            place.refuse(f"the label {shown(key)}", "letters, digits and underscores")
            continue
        found[key] = place.exact("the value of a label", empty=True)
    return found


def read_invariant(document: Node) -> Guard:
    """An Invariant."""
    name_at, name, title, place = _head(document, INVARIANT)
    spec = place.mapping(*INVARIANT_SPEC)
    counter = selector(spec["counter"])
    since = None if spec["since"].tree.text == SINCE else spec["since"].duration(f"{SINCE}, or a duration such as 1d")
    if since is not None and timedelta(0) < since < timedelta(seconds=SLICE):
        spec["since"].refuse(shown(spec["since"].tree.text), "5m or more")
    must = spec["must"].mapping(*INVARIANT_MUST)
    must["op"].choice({"eq": True})
    if must["value"].number("0") not in (0.0,) and must["value"].tree.kind is Kind.TEXT:
        must["value"].refuse(shown(must["value"].tree.text), "0; another limit is a Guardrail")
    breach = spec["onBreach"].mapping(*INVARIANT_BREACH)
    invariant = Invariant(
        name,
        title,
        str(counter) if counter else "",
        since,
        _no_data(spec, INVARIANT),
        breach["severity"].choice({severity: severity.upper() for severity in SEVERITIES}, default=""),
        prose(spec["description"]),
        where(spec["counter"]),
    )
    return Guard(invariant, name_at, place.nothing())


def _head(document: Node, kind: str) -> tuple[Node, str, str, Node]:
    """The place of the name, the name, the title, and the spec."""
    fields = document.mapping(*TOP)
    metadata = fields["metadata"].mapping(*METADATA)
    name = metadata["name"].name(f"the name of the {kind}")
    return metadata["name"], name, metadata["title"].text(default=name), fields["spec"]


def _no_data(spec: Fields, kind: str) -> NoData:
    words = NO_DATA[kind]
    return spec["onNoData"].choice(
        {words[0]: NoData.INCONCLUSIVE, words[1]: NoData.BREACH}, default=NoData.INCONCLUSIVE
    )


def _phases(node: Node) -> tuple[float, ...]:
    items = node.sequence("a list of percentages", least=1, required=False)
    return tuple(item.number("a percentage above 0, at most 100", least=1e-6, most=100.0) for item in items)
