"""What `rollout.yaml` says beside phases and limits: evidence, capacities, criteria, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from console.model.absence import computed
from console.model.decision import OVERRIDE
from console.model.hours import EXAMPLE, parse_hours
from console.model.rollback import KEYS, NEEDLESS
from console.model.rollout_plan import (
    AutoRollback,
    Capacity,
    CriterionKind,
    CriterionRule,
    Domain,
    Evidence,
    RollbackPlan,
)
from console.settings.nodes import Fields, Node, unique
from console.settings.playbook.checks import read_check
from console.settings.problems import one_of, shown
from console.settings.references import References
from console.settings.slo.queries import counted, selector
from console.settings.tree import Kind

EVIDENCE = ("bad", "total", "limit", "legacy", "fast", "absent")
LEGACY = ("bad", "total")
FAST = ("above", "bad", "for", "min_samples")
CAPACITY = ("name", "title", "used", "limit", "unit", "warning", "scales")
CRITERION = ("name", "title", "kind", "domain", "required", "check", "role", "expires", "phases", "freezes")
ROLLBACK = (
    "playbook", "objective", "canary_flag", "legacy_capacity", "no_return", "compatible", "backup_age",
    "backup_within", "restore_age", "restore_every", "drill_every", "inflight", "durations", "completions", "arrivals",
    "backlog", "throughput", "drain_step", "restore_step", "not_needed",
)  # fmt: skip
READINGS = (
    "legacy_capacity", "no_return", "compatible", "backup_age", "restore_age", "inflight", "completions", "arrivals",
    "backlog", "throughput",
)  # fmt: skip
"""The expressions of a rollback, each a reading of its name."""
PAIRS = (("backup_within", "backup_age"), ("restore_every", "restore_age"))
"""A limit is of no use without what it limits."""

PERCENT = "a percentage above 0, at most 100"
SHARE = "a share above 0, at most 1"
FREEZE = "a day such as 2026-12-24, or the first and the last: 2026-12-24/2027-01-01"
MOST = 10**9
LEAST = timedelta(seconds=10)
"""The shortest countdown."""
_CHECKED = {
    CriterionKind.READING: "a check such as guardrail.p99 < 300",
    CriterionKind.BUDGET: "the least share of the budget that is left, 0 to 1",
    CriterionKind.ROLLBACK_TIME: "the least probability of a rollback within its objective, 0 to 1",
    CriterionKind.WINDOW: EXAMPLE,
    CriterionKind.HTTP: "an http or https URL",
    CriterionKind.BASELINE: "how old it may be, such as 30d",
    CriterionKind.APPROVAL: "how many people",
}
"""The kinds of criteria that have a `check`, and what it is."""
_MUST_CHECK = (CriterionKind.READING, CriterionKind.WINDOW, CriterionKind.HTTP)
_BY_ROLE = (CriterionKind.CHECKLIST, CriterionKind.APPROVAL, CriterionKind.STAFFING)


_ABSENT = {"unknown": False, "zero": True}
"""What it means that there never was a series of bad events."""


def read_evidence(node: Node, guardrail: str) -> Evidence | None:
    """The counts behind a guardrail; None where it has none."""
    if not node.present:
        return None
    fields = node.mapping(*EVIDENCE)
    legacy = fields["legacy"].mapping(*LEGACY) if fields["legacy"].present else None
    slow = Evidence(
        guardrail,
        _counts(fields["bad"]),
        _counts(fields["total"]),
        _counts(legacy["bad"]) if legacy else "",
        _counts(legacy["total"]) if legacy else "",
        fields["limit"].number(SHARE, least=1e-9, most=1.0),
        absent_is_zero=fields["absent"].choice(_ABSENT, default=False),
    )
    if slow.absent_is_zero and slow.bad and computed(slow.bad):
        why = "nothing: `bad` is computed of several series, and where one is missing nothing is known"
        fields["absent"].refuse(shown(fields["absent"].tree.text), why)
    return _with_fast(fields["fast"], slow) if fields["fast"].present else slow


def _with_fast(node: Node, slow: Evidence) -> Evidence:
    fields, limit = node.mapping(*FAST), slow.limit
    above = fields["above"].number(SHARE, least=1e-9, most=1.0)
    own = fields["bad"].present
    if not own and above < limit:
        fields["above"].refuse(shown(fields["above"].tree.text), f"at least the limit, {limit:g}")
    length = fields["for"].duration(default=timedelta(minutes=1))
    if length % timedelta(minutes=1):
        fields["for"].refuse(shown(fields["for"].tree.text), "whole minutes, as they are counted")
    return replace(
        slow,
        fast_bad=_counts(fields["bad"]) if own else "",
        fast=above,
        fast_for=length,
        fast_samples=fields["min_samples"].integer("a number of samples", least=1, most=MOST, default=30),
    )


def _counts(node: Node) -> str:
    return counted(node, counter=True).template


def read_counts(node: Node) -> str:
    """The template of what counts something over a range; empty where nothing does."""
    return _counts(node) if node.present else ""


def read_capacities(node: Node) -> tuple[Capacity, ...]:
    """What a phase can run out of."""
    places = node.sequence("a list of capacities, each with name, used and limit", required=False)
    found = tuple(_capacity(place) for place in places)
    unique([(item.name, place) for item, place in zip(found, places, strict=True)], "a name")
    return found


def _capacity(node: Node) -> Capacity:
    fields = node.mapping(*CAPACITY)
    name = fields["name"].name("the name of a capacity")
    return Capacity(
        name,
        fields["title"].text(default=name),
        fields["used"].expression(),
        fields["limit"].expression(),
        fields["unit"].text("a unit", default=""),
        fields["warning"].number(SHARE, least=1e-9, most=1.0, default=0.8),
        fields["scales"].boolean(default=True),
    )


def read_criteria(node: Node, phases: Sequence[float], references: References) -> tuple[CriterionRule, ...]:
    """What a decision asks."""
    places = node.sequence("a list of criteria, each with name and kind", required=False)
    found = tuple(_criterion(place, phases, references) for place in places)
    unique([(item.name, place) for item, place in zip(found, places, strict=True)], "a name")
    return found


def _criterion(node: Node, phases: Sequence[float], references: References) -> CriterionRule:
    fields = node.mapping(*CRITERION)
    name = fields["name"].name("the name of a criterion")
    kind = fields["kind"].choice({str(kind): kind for kind in CriterionKind})
    known = fields["kind"].tree.text == kind  # what was refused has no other mistakes
    if known and name in (CriterionKind.BEFORE, CriterionKind.SMOKE) and name != kind:
        fields["name"].refuse(
            shown(name), f"another name, or the kind {name}: so is called what the playbook of `{name}` says"
        )
    if name == OVERRIDE:
        fields["name"].refuse(
            shown(name), "another name: so is called the word of a second person against the findings"
        )
    return CriterionRule(
        name,
        fields["title"].text(default=name),
        kind,
        fields["domain"].choice({str(domain): domain for domain in Domain}, default=Domain.TECHNICAL),
        fields["required"].boolean(default=True),
        _check(fields, kind, references) if known else "",
        _role(fields, kind, references) if known else "",
        fields["expires"].duration(default=timedelta(hours=1)),
        _only(fields["phases"], phases),
        _freezes(fields, kind) if known else (),
    )


def _check(fields: Fields, kind: CriterionKind, references: References) -> str:
    node = fields["check"]
    if not node.present:
        if kind in _MUST_CHECK:
            node.refuse("nothing", _CHECKED[kind])
        return ""
    if kind not in _CHECKED:
        fields.key("check").refuse(f"`check` beside the kind {kind}", "nothing: the console knows what it looks at")
        return ""
    match kind:
        case CriterionKind.READING:
            if node.tree.kind is Kind.MAPPING:
                node.refuse("a mapping", "a check such as guardrail.p99 < 300; a query is one of `readings`")
                return ""
            read_check(node, {}, references)
        case CriterionKind.HTTP:
            return node.url()
        case CriterionKind.WINDOW:
            text = node.text(EXAMPLE)
            try:
                parse_hours(text)
            except ValueError as error:
                if text:
                    node.refuse(shown(text), str(error))
            return text
        case CriterionKind.BASELINE:
            node.duration(_CHECKED[kind])
        case CriterionKind.APPROVAL:
            node.integer(f"{_CHECKED[kind]}, 1 to 9", least=1, most=9)
        case _:
            node.number(_CHECKED[kind], least=0.0, most=1.0)
    return node.tree.text


def _role(fields: Fields, kind: CriterionKind, references: References) -> str:
    node = fields["role"]
    if not node.present:
        if kind is CriterionKind.APPROVAL:
            node.refuse("nothing", "the role that approves")
        return ""
    if kind not in _BY_ROLE:
        fields.key("role").refuse(f"`role` beside the kind {kind}", f"nothing, or {' or '.join(_BY_ROLE)}")
        return ""
    staffing = kind is CriterionKind.STAFFING
    role = node.text("an on-call role" if staffing else "a role")
    (references.on_call if staffing else references.roles).append((role, node))
    return role


def _freezes(fields: Fields, kind: CriterionKind) -> tuple[str, ...]:
    """Days, or first/last, on which nothing is promoted."""
    node = fields["freezes"]
    if node.present and kind is not CriterionKind.WINDOW:
        fields.key("freezes").refuse(f"`freezes` beside the kind {kind}", f"the kind {CriterionKind.WINDOW}")
        return ()
    found = []
    for place in node.sequence("a list of days such as 2026-12-24", least=1, required=False):
        text = place.text(FREEZE)
        first, _, last = text.partition("/")
        try:
            begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
            if text != (f"{begin}/{end}" if last else f"{begin}") or end < begin:
                raise ValueError
        except ValueError:
            if text:
                place.refuse(shown(text), FREEZE)
        found.append(text)
    return tuple(found)


def _only(node: Node, phases: Sequence[float]) -> tuple[float, ...]:
    """The phases that a criterion is for: those that are entered."""
    found = []
    for place in node.sequence("a list of percentages", least=1, required=False):
        phase = place.number(PERCENT, least=1e-6, most=100.0)
        if phase == phase and phases and phase not in phases:  # NaN was refused already
            place.refuse(shown(place.tree.text), f"a phase: {one_of([f'{item:g}' for item in phases])}")
        found.append(phase)
    return tuple(found)


def read_rollback(node: Node, flag: str, references: References) -> RollbackPlan | None:
    """The way back; None where nothing is said of it."""
    if not node.present:
        return None
    fields = node.mapping(*ROLLBACK)
    playbook = fields["playbook"].name("the name of a playbook")
    references.playbooks.append((playbook, fields["playbook"]))
    if flag and fields["canary_flag"].tree.text == flag:
        fields["canary_flag"].refuse("the flag of the rollout itself", "a flag that nothing depends on")
    for limit, age in PAIRS:
        if fields[limit].present and not fields[age].present:
            fields.key(limit).refuse(f"`{limit}` without `{age}`", f"the expression that gives its age: {age}")
    drain, restore = (_step(fields[key], playbook, references) for key in ("drain_step", "restore_step"))
    durations = selector(fields["durations"]) if fields["durations"].present else None
    if durations is not None and not durations.name.endswith("_bucket"):
        fields["durations"].refuse(shown(str(durations)), "a selector of the buckets of a histogram: NAME_bucket")
    return RollbackPlan(
        playbook,
        fields["objective"].duration(default=timedelta(minutes=20)),
        fields["canary_flag"].text("the name of a flag", default=""),
        fields["legacy_capacity"].expression(default=""),
        fields["no_return"].expression(default=""),
        fields["compatible"].expression(default=""),
        fields["backup_age"].expression(default=""),
        _optional(fields["backup_within"]),
        fields["restore_age"].expression(default=""),
        _optional(fields["restore_every"]),
        fields["drill_every"].duration(default=timedelta(days=30)),
        fields["inflight"].expression(default=""),
        str(durations) if durations is not None else "",
        fields["completions"].expression(default=""),
        fields["arrivals"].expression(default=""),
        fields["backlog"].expression(default=""),
        fields["throughput"].expression(default=""),
        drain,
        restore,
        _needless(fields),
    )


def _needless(fields: Fields) -> tuple[tuple[str, str], ...]:
    """Proofs that have nothing to prove here, each with the reason, where nothing that is configured reads them."""
    found = []
    given = fields["not_needed"].open_mapping()
    for name, place in given.items():
        if name not in NEEDLESS:
            given.key(name).refuse(f"the proof {shown(name)}, which is always needed", one_of(NEEDLESS, name))
        elif used := [key for key in KEYS.get(name, ()) if fields[key].present]:
            given.key(name).refuse(f"{shown(name)} beside `{used[0]}`, which it is read from", "one of the two")
        found.append((name, place.text("the reason why there is nothing to prove")))
    return tuple(found)


def _step(node: Node, playbook: str, references: References) -> str:
    """A step of the rollback's playbook."""
    step = node.name("the id of a step", default="")
    if step and playbook:
        references.steps.append((playbook, step, node))
    return step


def _optional(node: Node) -> timedelta | None:
    return node.duration() if node.present else None


def read_auto(node: Node, rollback: RollbackPlan | None) -> AutoRollback | None:
    """Whether the console begins a rollback by itself: `true`, or how long it counts down before. Off without a
    word."""
    if not node.present:
        return None
    if node.tree.kind is Kind.MAPPING:
        fields = node.mapping("countdown")
        countdown = fields["countdown"].duration()
        if timedelta(0) < countdown < LEAST:
            fields["countdown"].refuse(shown(fields["countdown"].tree.text), "10s or more: people must see it")
        found: AutoRollback | None = AutoRollback(countdown)
    else:
        found = AutoRollback() if node.boolean() else None
    if found is not None and rollback is None:
        node.refuse("an automatic rollback", "`rollback`, which says by which playbook")
    return found
