"""What must hold before the next phase: each criterion is a pass, a fail or unknown, with its evidence and an expiry.

Unknown is never a pass, and neither is evidence that has expired or that nobody can date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import isfinite

from console.model.criteria import carried, measured, people, standing
from console.model.criteria.facts import Cover, Facts, Said
from console.model.decision import UNKNOWN
from console.model.events.decision import Finding
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import CriterionKind, CriterionRule, Domain
from console.model.text import safe

__all__ = ["DEFAULTS", "Cover", "Facts", "Said", "asked", "findings", "rules_of"]

LONGEST = 2000
"""Characters of a finding's evidence."""

_rule = partial(CriterionRule, domain=Domain.TECHNICAL)

DEFAULTS: tuple[CriterionRule, ...] = (
    _rule("guardrails", "Guardrails of this phase", CriterionKind.GUARDRAILS),
    _rule("bake", "Bake and its requests", CriterionKind.BAKE),
    _rule("readiness", "Rollback possible now", CriterionKind.READINESS),
    _rule("budget", "Error budget", CriterionKind.BUDGET),
    _rule("alerts", "No alert pages", CriterionKind.ALERTS, domain=Domain.OPERATIONAL),
    _rule("rollback-time", "Rollback within its objective", CriterionKind.ROLLBACK_TIME, required=False),
    _rule("baseline", "Baseline to compare with", CriterionKind.BASELINE, required=False),
)
"""What is asked where the plan names no criteria; the capacity, too, where it names capacities."""
_CAPACITY = _rule("capacity", "Capacity of the next phase", CriterionKind.CAPACITY)
_DAY = timedelta(days=1)
_BEFORE = _rule("before", "Checks before the first phase", CriterionKind.BEFORE, expires=_DAY)
_SMOKE = _rule("smoke", "Smoke checks of this phase", CriterionKind.SMOKE, expires=_DAY)

_BY_KIND: Mapping[CriterionKind, Callable[[CriterionRule, Facts, datetime], Said]] = {
    CriterionKind.READING: measured.reading,
    CriterionKind.BUDGET: measured.budget,
    CriterionKind.GUARDRAILS: measured.guardrails,
    CriterionKind.BAKE: standing.bake,
    CriterionKind.READINESS: standing.readiness,
    CriterionKind.ROLLBACK_TIME: standing.rollback_time,
    CriterionKind.CAPACITY: measured.capacity,
    CriterionKind.ALERTS: standing.alerts,
    CriterionKind.BASELINE: measured.baseline,
    CriterionKind.WINDOW: people.window,
    CriterionKind.STAFFING: people.staffing,
    CriterionKind.CHECKLIST: people.checklist,
    CriterionKind.APPROVAL: people.approval,
    CriterionKind.HTTP: measured.http,
    CriterionKind.BEFORE: carried.before,
    CriterionKind.SMOKE: carried.smoke,
}


def rules_of(plan: RolloutPlan) -> tuple[CriterionRule, ...]:
    """The plan's criteria, else the default ones; and whether the playbooks of `before` and `smoke` were carried out,
    where the plan names them and no criterion of its own asks for it."""
    rules = plan.criteria or ((*DEFAULTS, _CAPACITY) if plan.capacities else DEFAULTS)
    named = {rule.kind for rule in rules}
    checks = [rule for rule, name in ((_BEFORE, plan.before), (_SMOKE, plan.smoke)) if name and rule.kind not in named]
    return (*rules, *checks)


def asked(rules: Sequence[CriterionRule], from_percent: float, to_percent: float) -> tuple[CriterionRule, ...]:
    """Those that are asked of a step. While nothing is on the new path there is nothing that its guardrails and smoke
    checks could look at; later, the checks before the first phase are behind it. At the end of a rollout (100 to 100)
    no more capacity is taken; all else is asked, approvals too."""
    if from_percent <= 0:
        not_asked = {CriterionKind.GUARDRAILS, CriterionKind.SMOKE}
    else:
        not_asked = {CriterionKind.BEFORE} | ({CriterionKind.CAPACITY} if to_percent <= from_percent else set())
    return tuple(
        rule
        for rule in rules
        if rule.kind not in not_asked and (not rule.phases or any(abs(to_percent - item) < 0.5 for item in rule.phases))
    )


def findings(rules: Sequence[CriterionRule], facts: Facts, now: datetime) -> tuple[Finding, ...]:
    """What each criterion says of this step now."""
    return tuple(_found(rule, facts, now) for rule in asked(rules, facts.from_percent, facts.to_percent))


def _found(rule: CriterionRule, facts: Facts, now: datetime) -> Finding:
    said = _BY_KIND[rule.kind](rule, facts, now)
    outcome, evidence, at = said.outcome, said.evidence, said.at
    ends = [item for item in (at + rule.expires if at is not None else None, said.until) if item is not None]
    expires = min(ends, default=None)
    if outcome != UNKNOWN and at is None:
        outcome, evidence = UNKNOWN, f"{evidence}; when that was, nobody knows"
    elif outcome != UNKNOWN and expires is not None and expires <= now:
        outcome, evidence = UNKNOWN, f"expired at {expires:%Y-%m-%d %H:%M:%S}Z: {evidence}"
    return Finding(
        rule.name,
        rule.title,
        rule.kind.value,
        rule.domain.value,
        rule.required,
        outcome,
        safe(evidence, LONGEST),
        said.value if said.value is not None and isfinite(said.value) else None,  # a record holds no other number
        said.query,
        said.source,
        at,
        expires,
    )
