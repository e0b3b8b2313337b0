"""`rollout.yaml`: the declared plan, the expressions that tell where it is, its guardrails, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from console.model.rollout import REACHED, GuardrailRule, RolloutPlan
from console.model.rollout_plan import Capacity, Evidence, Stage
from console.settings.nodes import Node, header, unique
from console.settings.problems import one_of, shown
from console.settings.references import References
from console.settings.rollout_parts import (
    MOST,
    PERCENT,
    READINGS,
    read_auto,
    read_capacities,
    read_counts,
    read_criteria,
    read_evidence,
    read_rollback,
)
from console.settings.slo import labels
from console.settings.tree import Kind

TOP = (
    "apiVersion", "kind", "name", "new_path", "legacy_path", "flag", "phases", "bake", "percent", "phase_started",
    "samples", "share", "revision", "guardrails", "readings", "capacity", "criteria", "rollback", "auto_rollback",
    "before", "smoke",
)  # fmt: skip
STAGE = ("percent", "bake", "min_samples", "needs")


KINDS = ("rollout", "reading", "capacity", "rollback", "flag")
"""What stands before the first dot of a reading that comes from this file, guardrails aside."""


def rollout_readings(plan: RolloutPlan) -> dict[str, tuple[str, ...]]:
    """The names of the readings that a plan makes, by kind: playbooks and criteria may look at them."""
    rollout = ["rollout.percent", *(["rollout.samples"] if plan.samples_expr else [])]
    back = plan.rollback
    given = [key for key in READINGS if back is not None and getattr(back, key)]
    return {
        "rollout": tuple(rollout),
        "reading": tuple(f"reading.{name}" for name, _ in plan.readings),
        "capacity": tuple(f"capacity.{item.name}.{part}" for item in plan.capacities for part in ("used", "limit")),
        "rollback": tuple(f"rollback.{key}" for key in given),
        "flag": ("flag.percent",) if plan.flag else (),
    }


def read_rollout(node: Node, references: References, digest: str = "") -> RolloutPlan:
    """Reads the whole file; `digest` is the plan's hash."""
    fields = node.mapping(*TOP)
    header(fields, "Rollout")
    bake = fields["bake"].duration()
    capacities = read_capacities(fields["capacity"])
    stages = _stages(fields["phases"], bake, capacities)
    if not fields["samples"].present and any(stage.min_samples for stage in stages):
        fields["phases"].refuse("`min_samples` that nothing counts", "`samples`, which counts requests on the new path")
    phases = tuple(stage.percent for stage in stages)
    guardrails = fields["guardrails"].sequence("a list of guardrails", required=False)
    rules = tuple(_guardrail(item) for item in guardrails)
    unique([(rule.name, item) for (rule, _), item in zip(rules, guardrails, strict=True)], "a name")
    share = fields["share"].mapping("points", "for") if fields["share"].present else None
    revision = fields["revision"].mapping("expr", "label") if fields["revision"].present else None
    label = revision["label"].text("the name of a label") if revision else ""
    if revision and label and not labels.valid(label):
        revision["label"].refuse(shown(label), "the name of a label: letters, digits and underscores")
    flag = fields["flag"].text("the name of a flag", default="")
    rollback = read_rollback(fields["rollback"], flag, references)
    return RolloutPlan(
        fields["name"].name(),
        fields["new_path"].name("the name of the new path"),
        fields["legacy_path"].name("the name of the legacy path"),
        phases,
        bake,
        fields["percent"].expression(),
        fields["phase_started"].expression(default=""),
        flag,
        tuple(rule for rule, _ in rules),
        _readings(fields["readings"]),
        stages=stages,
        samples_expr=read_counts(fields["samples"]),
        share_points=share["points"].number("points above 0", least=1e-6, most=100.0, default=3.0) if share else 3.0,
        share_for=share["for"].duration(default=_SHARE_FOR) if share else _SHARE_FOR,
        revision_expr=revision["expr"].expression() if revision else "",
        revision_label=label,
        evidence=tuple(evidence for _, evidence in rules if evidence is not None),
        capacities=capacities,
        criteria=read_criteria(fields["criteria"], phases if _rising(phases) else (), references),
        rollback=rollback,
        auto=read_auto(fields["auto_rollback"], rollback),
        before=_playbook(fields["before"], references),
        smoke=_playbook(fields["smoke"], references),
        hash=digest,
    )


_SHARE_FOR = timedelta(minutes=2)


def _playbook(node: Node, references: References) -> str:
    name = node.name("the name of a playbook", default="")
    references.playbooks.append((name, node))
    return name


def _readings(node: Node) -> tuple[tuple[str, str], ...]:
    places = node.sequence("a list of readings, each with name and expr", required=False)
    read = []
    for place in places:
        fields = place.mapping("name", "expr")
        read.append((fields["name"].name("the name of a reading"), fields["expr"].expression()))
    unique([(name, place) for (name, _), place in zip(read, places, strict=True)], "a name")
    return tuple(read)


def _stages(node: Node, bake: timedelta, capacities: Sequence[Capacity]) -> tuple[Stage, ...]:
    """The phases, each a percentage or a mapping."""
    stages: list[Stage] = []
    for place in node.sequence("a list of percentages", least=1):
        stage, at = _stage(place, bake, capacities)
        if stages and stage.percent <= stages[-1].percent:
            at.refuse(shown(at.tree.text), f"more than the phase before, {stages[-1].percent:g}")
        elif stage.percent < (stages[-1].percent if stages else 0.0) + 2 * REACHED:
            at.refuse(shown(at.tree.text), "a point or more above the phase before, or 0: traffic does not tell less")
        stages.append(stage)
    return tuple(stages)


def _rising(phases: Sequence[float]) -> bool:
    """Whether no phase was refused."""
    return all(before < after for before, after in pairwise((0.0, *phases)))


def _stage(node: Node, bake: timedelta, capacities: Sequence[Capacity]) -> tuple[Stage, Node]:
    """A phase, and the place of its percentage."""
    if node.tree.kind is not Kind.MAPPING:
        return Stage(node.number(PERCENT, least=1e-6, most=100.0), bake), node
    fields = node.mapping(*STAGE)
    needs = []
    for key, place in fields["needs"].open_mapping().items():
        names = [item.name for item in capacities]
        if key not in names and all(names):
            fields["needs"].open_mapping().key(key).refuse(
                f"the unknown capacity {shown(key)}",
                one_of(names, key) if names else "one of `capacity`: none is defined",
            )
        needs.append((key, place.number("how much of it the phase takes", least=0.0)))
    stage = Stage(
        fields["percent"].number(PERCENT, least=1e-6, most=100.0),
        fields["bake"].duration(default=bake),
        fields["min_samples"].integer("a number of requests", least=0, most=MOST, default=0),
        tuple(needs),
    )
    return stage, fields["percent"]


def _guardrail(node: Node) -> tuple[GuardrailRule, Evidence | None]:
    fields = node.mapping("name", "title", "expr", "warning", "critical", "unit", "evidence")
    name = fields["name"].name("the name of a guardrail")
    warning = fields["warning"].number() if fields["warning"].present else None
    critical = fields["critical"].number()
    if warning is not None and fields["critical"].present and warning >= critical:
        fields["warning"].refuse(shown(fields["warning"].tree.text), f"less than critical, {critical:g}")
    rule = GuardrailRule(
        name,
        fields["title"].text(default=name),
        fields["expr"].expression(),
        warning,
        critical,
        fields["unit"].text("a unit", default=""),
    )
    return rule, read_evidence(fields["evidence"], name)
