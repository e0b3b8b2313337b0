"""The two paths of the simulated service, and what its rollback takes: numbers that agree with the world's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.engine.clocks import SimulatedClock
from console.integrations.simulated import SimulatedFlags, SimulatedMetrics, World, paths
from console.model.flag import FlagOutcome
from console.ports import Query, SourceError
from console.settings.load import load, shipped

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLAN = load(shipped("config"), strict=False).rollout
MINUTE = 60.0


def world(after: float = 600.0, *, seed: int = 1) -> World:
    """The world as it is so many seconds after the start, when all of the regression is there."""
    clock = SimulatedClock(START + timedelta(seconds=after))
    return World(clock, seed, PLAN, (), (), START)


def read(here: World, *queries: Query, seconds: float = 60) -> dict[str, float | None]:
    found = SimulatedMetrics(here).read(queries, seconds=seconds)
    return {name: reading.value for name, reading in found.items()}


def evidence(here: World, guardrail: str) -> dict[str, float | None]:
    parts = ("bad", "total", "legacy_bad", "legacy_total", "fast_bad")
    return read(here, *(Query(f"evidence.{guardrail}.{part}", "x") for part in parts))


@pytest.mark.parametrize("seed", [1, 7, 23])
@pytest.mark.parametrize("guardrail", ["p99", "errors"])
def test_the_regression_is_the_new_paths_alone(seed, guardrail):
    found = {name.rpartition(".")[2]: value for name, value in evidence(world(seed=seed), guardrail).items()}
    assert found["bad"] / found["total"] > 0.05
    assert found["legacy_bad"] / found["legacy_total"] < 0.006
    assert 0 < found["fast_bad"] <= found["bad"]


@pytest.mark.parametrize("kind", ["errors", "slow", "very slow"])
def test_what_is_counted_on_both_paths_is_what_the_service_counted(kind):
    here = world()
    whole = {"errors": here.errors, "slow": here.slow_requests, "very slow": here.very_slow_requests}[kind]
    for begin, end in ((-900.0, -840.0), (-1300.0, 30.0), (30.0, 200.0), (300.0, 600.0)):
        both = [paths.requests(here, begin, end, legacy=legacy) for legacy in (False, True)]
        assert sum(both) == pytest.approx(here.requests(begin, end))
        bad = [paths.bad(here, kind, begin, end, legacy=legacy) for legacy in (False, True)]
        assert sum(bad) == pytest.approx(whole(begin, end))
        assert all(part <= total for part, total in zip(bad, both, strict=True))


def test_before_the_story_begins_both_paths_are_well():
    here = world(30.0)
    for guardrail in ("p99", "errors"):
        found = evidence(here, guardrail)
        assert found[f"evidence.{guardrail}.bad"] / found[f"evidence.{guardrail}.total"] < 0.006


def test_minutes_of_a_range_are_counted_one_by_one():
    here = world()
    queries = [Query("evidence.errors.total", "x"), Query("evidence.errors.bad", "x")]
    series = SimulatedMetrics(here).read_range(queries, START, START + timedelta(minutes=12), MINUTE)
    total = series["evidence.errors.total"].values
    assert total[10] == pytest.approx(paths.requests(here, 540, 600, legacy=False))
    assert total[11:] == (None, None), "what is to come has no value"


def test_once_the_flag_is_at_0_nothing_is_counted_on_the_new_path():
    here = world()
    here.set_percent(0.0)
    assert paths.requests(here, 650, 710, legacy=False) == 0.0
    assert paths.bad(here, "errors", 650, 710, legacy=False) == 0.0
    assert paths.bad(here, "errors", 650, 710, legacy=True) < 0.006 * here.requests(650, 710)


def test_samples_are_counted_over_the_range_that_is_asked():
    here = world()
    short, long = (
        read(here, Query("rollout.samples", f"sum(increase(elicitation_requests_total[{seconds}s]))"))
        for seconds in (60, 1200)
    )
    assert long["rollout.samples"] / short["rollout.samples"] == pytest.approx(20, rel=0.1)


def test_every_expression_of_the_example_is_answered():
    here = world()
    queries = [
        *(Query(f"capacity.{item.name}.{part}", "x") for item in PLAN.capacities for part in ("used", "limit")),
        *(Query(f"rollback.{name}", "x") for name in paths.rollback(here)),
    ]
    found = read(here, *queries)
    assert None not in found.values()
    for item in PLAN.capacities:
        assert 0 < found[f"capacity.{item.name}.used"] < found[f"capacity.{item.name}.limit"]
    assert found["rollback.backup_age"] < PLAN.rollback.backup_within.total_seconds()
    assert (found["rollback.no_return"], found["rollback.compatible"]) == (0, 1)
    assert read(here, Query("capacity.moon.used", "x"), Query("rollback.moon", "x")) == {
        "capacity.moon.used": None,
        "rollback.moon": None,
    }


def test_an_hour_after_100_percent_there_is_no_way_back():
    here = world()
    here.set_percent(100.0)
    names = ("no_return", "compatible", "legacy_capacity")
    soon, later = ({name: paths.rollback(here)[name](at) for name in names} for at in (4000.0, 4300.0))
    assert soon == {"no_return": 0, "compatible": 1, "legacy_capacity": 0.7}
    assert (later["no_return"], later["compatible"]) == (1, 0)


def test_the_revision_and_the_buckets_are_rows():
    here = world()
    source = SimulatedMetrics(here)
    (row,) = source.rows(PLAN.revision_expr)
    assert row.labels == {"revision": paths.REVISION}
    rows = source.rows(f"sum by (le) (increase({PLAN.rollback.durations}[10m]))")
    counts = [row.value for row in rows]
    assert [row.labels["le"] for row in rows][-1] == "+Inf"
    assert counts == sorted(counts)
    assert source.rows("up") == ()
    here.break_source("prometheus")
    with pytest.raises(SourceError):
        source.rows(PLAN.revision_expr)


def test_the_canary_flag_moves_no_traffic():
    here = world()
    flags = SimulatedFlags(here)
    before = here.set_to
    assert flags.set_percent(PLAN.rollback.canary_flag, 100.0, 0.0).outcome is FlagOutcome.DONE
    assert flags.read(PLAN.rollback.canary_flag).percent == 100.0
    assert (here.set_to, flags.read(PLAN.flag).percent) == (before, before)
    with pytest.raises(SourceError):
        flags.read("another")
