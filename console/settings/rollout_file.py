"""`rollout.yaml`: the declared plan, the expressions that tell where it is, and its guardrails."""

from __future__ import annotations

from console.model.rollout import GuardrailRule, RolloutPlan
from console.settings.nodes import Node, header, unique
from console.settings.problems import shown


def read_rollout(node: Node) -> RolloutPlan:
    """Reads the whole file."""
    fields = node.mapping(
        "apiVersion", "kind", "name", "new_path", "legacy_path", "flag",
        "phases", "bake", "percent", "phase_started", "guardrails", "readings",
    )  # fmt: skip
    header(fields, "Rollout")
    guardrails = fields["guardrails"].sequence("a list of guardrails", required=False)
    rules = tuple(_guardrail(item) for item in guardrails)
    unique([(rule.name, item) for rule, item in zip(rules, guardrails, strict=True)], "a name")
    return RolloutPlan(
        fields["name"].name(),
        fields["new_path"].name("the name of the new path"),
        fields["legacy_path"].name("the name of the legacy path"),
        _phases(fields["phases"]),
        fields["bake"].duration(),
        fields["percent"].expression(),
        fields["phase_started"].expression(default=""),
        fields["flag"].text("the name of a flag", default=""),
        rules,
        _readings(fields["readings"]),
    )


def _readings(node: Node) -> tuple[tuple[str, str], ...]:
    places = node.sequence("a list of readings, each with name and expr", required=False)
    read = []
    for place in places:
        fields = place.mapping("name", "expr")
        read.append((fields["name"].name("the name of a reading"), fields["expr"].expression()))
    unique([(name, place) for (name, _), place in zip(read, places, strict=True)], "a name")
    return tuple(read)


def _phases(node: Node) -> tuple[float, ...]:
    phases: list[float] = []
    for place in node.sequence("a list of percentages", least=1):
        phase = place.number("a percentage above 0, at most 100", least=1e-6, most=100.0)
        if phases and phase <= phases[-1]:
            place.refuse(shown(place.tree.text), f"more than the phase before, {phases[-1]:g}")
        phases.append(phase)
    return tuple(phases)


def _guardrail(node: Node) -> GuardrailRule:
    fields = node.mapping("name", "title", "expr", "warning", "critical", "unit")
    name = fields["name"].name("the name of a guardrail")
    warning = fields["warning"].number() if fields["warning"].present else None
    critical = fields["critical"].number()
    if warning is not None and fields["critical"].present and warning >= critical:
        fields["warning"].refuse(shown(fields["warning"].tree.text), f"less than critical, {critical:g}")
    return GuardrailRule(
        name,
        fields["title"].text(default=name),
        fields["expr"].expression(),
        warning,
        critical,
        fields["unit"].text("a unit", default=""),
    )
