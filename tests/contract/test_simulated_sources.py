"""What the engine may rely on from every source, held against the simulated ones with the shipped configuration."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SimulatedClock
from console.engine.metrics import MetricRounds, rollout
from console.integrations.simulated import (
    SimulatedAlerts,
    SimulatedFlags,
    SimulatedHealth,
    SimulatedMetrics,
    World,
)
from console.model.alert import parse_matcher
from console.model.playbook import StepKind
from console.model.reading import ReadingState
from console.model.rollout import Level
from console.ports import AlertSource, Flags, HealthSource, MetricSource, Query, SourceError
from console.settings.load import load

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CONFIG = load(Path(__file__).parents[2] / "config")
ENVIRONMENT = CONFIG.environments[0]


class Clock(SimulatedClock):
    def pass_(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def world(clock) -> World:
    assert CONFIG.rollout is not None
    return World(clock, 1, CONFIG.rollout, CONFIG.objectives, ENVIRONMENT.components, START, target=ENVIRONMENT.target)


def test_they_are_what_the_ports_ask_for(world):
    metrics: MetricSource = SimulatedMetrics(world)
    alerts: AlertSource = SimulatedAlerts(world, ENVIRONMENT.watchdog)
    health: HealthSource = SimulatedHealth(world)
    flags: Flags = SimulatedFlags(world)
    assert all(source.name.startswith("simulated ") for source in (metrics, alerts, health, flags))


def test_every_question_of_the_engine_has_an_answer(world, clock):
    rounds = MetricRounds(SimulatedMetrics(world), CONFIG.objectives, CONFIG.rollout, clock)
    answers = rounds.read()
    assert answers.readings
    for name, reading in answers.readings.items():
        assert (reading.state, reading.at) == (ReadingState.OK, clock.now()), name
        assert reading.source.startswith("simulated")
    for found in answers.gauges:
        assert None not in found.trend
        assert found.burn.ok
        assert all(found.burns[window].ok for window in ("5m", "30m", "1h", "2h", "6h"))
        assert found.ratio.state is found.budget_left.state is ReadingState.PARTIAL
        assert found.budget_left.note.startswith("covers 0.25")
    assert rollout(answers, CONFIG.rollout).level is Level.OK


def test_the_guardrail_trips_and_heals_by_the_playbook_s_own_flag(world, clock):
    rounds = MetricRounds(SimulatedMetrics(world), CONFIG.objectives, CONFIG.rollout, clock)
    clock.pass_(120)
    assert rollout(rounds.read(), CONFIG.rollout).level is Level.CRITICAL
    steps = [step for loaded in CONFIG.playbooks for step in loaded.playbook.steps if step.kind is StepKind.FLAG]
    assert steps
    SimulatedFlags(world).set_percent(steps[0].flag, steps[0].percent)
    clock.pass_(90)
    assert rollout(rounds.read(), CONFIG.rollout).level is Level.OK


def test_an_unknown_name_blanks_only_its_own(world):
    answers = SimulatedMetrics(world).read([Query("nonsense", "1 +"), Query("rollout.percent", "x")])
    assert list(answers) == ["nonsense", "rollout.percent"]
    assert not answers["nonsense"].known
    assert answers["rollout.percent"].ok


def test_a_series_lies_on_the_grid_that_was_asked_for(world):
    start, end = START - timedelta(minutes=10), START
    series = SimulatedMetrics(world).read_range([Query("p99", ""), Query("nonsense", "")], start, end, 60)
    assert set(series["nonsense"].values) == {None}
    assert (series["p99"].start, series["p99"].step_seconds, len(series["p99"].values)) == (start, 60, 11)


def test_an_alert_of_the_story_finds_its_playbook(world, clock):
    clock.pass_(150)
    alerts = SimulatedAlerts(world, ENVIRONMENT.watchdog).read().alerts
    matched = {
        loaded.playbook.name
        for loaded in CONFIG.playbooks
        for alert in alerts
        if loaded.playbook.match
        and all(parse_matcher(text).matches(dict(alert.labels)) for text in loaded.playbook.match)
    }
    assert "p99-latency-high" in matched


def test_alerts_carry_identity_and_the_watchdog(world, clock):
    clock.pass_(300)
    snapshot = SimulatedAlerts(world, ENVIRONMENT.watchdog).read()
    assert snapshot.watchdog_seen
    assert snapshot.at == clock.now()
    assert len({alert.fingerprint for alert in snapshot.alerts}) == len(snapshot.alerts)
    assert all(alert.starts_at.utcoffset() == timedelta(0) for alert in snapshot.alerts)


def test_health_speaks_of_every_component(world):
    snapshot = SimulatedHealth(world).read()
    assert set(snapshot.components) == {item.name for item in ENVIRONMENT.components}


def test_a_broken_source_raises_one_safe_line(world):
    world.break_source("alertmanager")
    with pytest.raises(SourceError) as caught:
        SimulatedAlerts(world).read()
    assert "\n" not in str(caught.value)


def test_a_playbooks_own_query_is_answered_where_the_configuration_has_the_expression(world):
    metrics, plan = SimulatedMetrics(world), CONFIG.rollout
    assert plan is not None
    rule = plan.guardrails[0]
    named = metrics.read([Query(f"guardrail.{rule.name}", rule.expr), Query("rollout.percent", plan.percent_expr)])
    own = [Query(f"query: {expr}", expr) for expr in (f"  {rule.expr} ", plan.percent_expr, "vector(0)")]
    answers = list(metrics.read(own).values())
    assert [answer.value for answer in answers[:2]] == [reading.value for reading in named.values()]
    assert answers[2].state is ReadingState.NO_DATA
