"""What a rollout's plan asks of the metric source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from console.engine.clocks import SimulatedClock
from console.engine.metrics import MetricRounds
from console.engine.plan_queries import check_queries, count_queries, round_queries
from console.model.guard import LOOKBACK
from console.model.reading import Reading, ReadingState
from console.model.rollout_plan import Capacity, Evidence, RollbackPlan
from console.ports import Query
from tests.engine.bench import PLAN, START

ROLLBACK = RollbackPlan("back", inflight="sum(flying)", durations="seconds_bucket", no_return="passed", backup_age=" ")
FULL = replace(
    PLAN,
    samples_expr="sum(increase(new_total[$window]))",
    revision_expr="build_info",
    revision_label="revision",
    capacities=(Capacity("pool", "Pool", "used", "limit"), Capacity("memory", "Memory", "bytes", "")),
    rollback=ROLLBACK,
    evidence=(Evidence("errors", "bad[$window]", "all[$window]", legacy_total="old[$window]"),),
)


def by_name(queries: Sequence[Query]) -> Mapping[str, str]:
    return {query.name: query.expr for query in queries}


def test_every_expression_has_its_name_and_an_empty_one_is_not_asked() -> None:
    asked = by_name(round_queries(FULL, LOOKBACK, None))
    assert asked == {
        "guardrail.p99": "p99",
        "rollout.percent": "percent",
        "rollout.since": "since",
        "capacity.pool.used": "used",
        "capacity.pool.limit": "limit",
        "capacity.memory.used": "bytes",
        "rollback.inflight": "sum(flying)",
        "rollback.no_return": "passed",
    }
    assert round_queries(None, LOOKBACK, None) == []


def test_the_counts_stay_templates() -> None:
    assert by_name(count_queries(FULL)) == {
        "evidence.errors.bad": "bad[$window]",
        "evidence.errors.total": "all[$window]",
        "evidence.errors.legacy_total": "old[$window]",
    }


def test_the_check_asks_everything() -> None:
    asked = by_name(check_queries(FULL, LOOKBACK))
    assert asked["rollout.samples"] == "sum(increase(new_total[60s]))"
    assert asked["rollout.revision"] == "count(build_info)"
    assert asked["rollback.durations"] == "count(seconds_bucket)"
    assert "evidence.errors.bad" in asked
    assert check_queries(None, LOOKBACK) == []


class Listens:
    name, skew_seconds = "prometheus", 0.0

    def __init__(self) -> None:
        self.asked: Mapping[str, str] = {}

    def read(self, queries: Sequence[Query], **_: object) -> Mapping[str, Reading[float]]:
        self.asked = by_name(queries)
        return {query.name: Reading(ReadingState.OK, 1.0, START, "prometheus") for query in queries}


def test_the_samples_are_counted_since_the_bake_began_and_not_before() -> None:
    clock, source = SimulatedClock(START), Listens()
    rounds = MetricRounds(source, [], FULL, clock)  # type: ignore[arg-type]
    assert "rollout.samples" not in rounds.read().readings, "nothing bakes: nothing is counted"
    seen = []
    for since in (0, 59, 61, 3599, -30):
        rounds.bake_since = START - timedelta(seconds=since)
        rounds.read()
        seen.append(source.asked["rollout.samples"].split("[")[1].split("]")[0])
    assert seen == ["60s", "60s", "60s", "3540s", "60s"]
    rounds.bake_since = None
    rounds.read()
    assert "rollout.samples" not in source.asked
