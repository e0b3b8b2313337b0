"""What a rollout's plan asks of the metric source, each expression under its name on the Board."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from console.model.rollout import RolloutPlan
from console.model.rollout_plan import Evidence
from console.model.sli import filled
from console.ports import Query

MINUTE = timedelta(minutes=1)
_ROLLBACK = (
    "legacy_capacity",
    "no_return",
    "compatible",
    "backup_age",
    "restore_age",
    "inflight",
    "completions",
    "arrivals",
    "backlog",
    "throughput",
)
"""The expressions of `RollbackPlan`: one number each, as `rollback.<name>`."""
_COUNTS = ("bad", "total", "legacy_bad", "legacy_total", "fast_bad")
"""The templates of `Evidence`, as `evidence.<guardrail>.<name>`."""


def whole_minutes(bake: timedelta) -> timedelta:
    """How far back the samples of a bake are counted: whole minutes, so that what was before it does not count and the
    expression is a new one once a minute; at least one."""
    return max(bake // MINUTE * MINUTE, MINUTE)


def round_queries(plan: RolloutPlan | None, length: timedelta, bake: timedelta | None) -> list[Query]:
    """What each round asks. `length`: over how much the guardrails are read whose range follows the rollout; `bake`:
    how long the phase has baked, None while none does."""
    if plan is None:
        return []
    queries = [Query(f"guardrail.{rule.name}", rule.over(length).expr) for rule in plan.guardrails]
    queries += [Query(f"guardrail.{rule.name}.samples", rule.samples) for rule in plan.guardrails if rule.samples]
    queries += covering(plan, length)
    queries += [Query(f"reading.{name}", expr) for name, expr in plan.readings]
    queries += _named({"rollout.percent": plan.percent_expr, "rollout.since": plan.since_expr})
    if plan.samples_expr and bake is not None:
        queries.append(Query("rollout.samples", filled(plan.samples_expr, whole_minutes(bake).total_seconds())))
    for item in plan.capacities:
        queries += _named({f"capacity.{item.name}.used": item.used, f"capacity.{item.name}.limit": item.limit})
    if plan.rollback is not None:
        queries += _named({f"rollback.{name}": getattr(plan.rollback, name) for name in _ROLLBACK})
    return queries


def covering(plan: RolloutPlan, length: timedelta) -> list[Query]:
    """How much of their range the guardrails cover, as `guardrail.<name>.covered`: 0 to 1."""
    found = ((rule.name, rule.over(length).covering) for rule in plan.guardrails)
    return [Query(f"guardrail.{name}.covered", expr) for name, expr in found if expr]


def count_queries(plan: RolloutPlan) -> list[Query]:
    """The templates that the guardrails are judged by, read a minute at a time."""
    return [query for item in plan.evidence for query in _named(counts(item))]


def counts(item: Evidence) -> Mapping[str, str]:
    """The templates of one guardrail by their names; an empty one is not asked."""
    return {f"evidence.{item.guardrail}.{name}": getattr(item, name) for name in _COUNTS}


def check_queries(plan: RolloutPlan | None, length: timedelta) -> list[Query]:
    """Every expression of the plan, for `oncall check`. Of those that give several series, how many they give."""
    if plan is None:
        return []
    own = {query.name for query in covering(plan, length)}  # what nobody wrote has no line of its own
    asked = (query for query in round_queries(plan, length, MINUTE) if query.name not in own)
    queries = [*asked, *count_queries(plan)]
    several = {"rollout.revision": plan.revision_expr}
    if plan.rollback is not None:
        several["rollback.durations"] = plan.rollback.durations
    return queries + [Query(name, f"count({expr})") for name, expr in several.items() if expr.strip()]


def _named(expressions: Mapping[str, str]) -> list[Query]:
    return [Query(name, expr) for name, expr in expressions.items() if expr.strip()]
