"""One suite over every source: what the engine relies on, be the world real or simulated."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.engine.clocks import SimulatedClock, SystemClock
from console.integrations.alertmanager import Alertmanager
from console.integrations.health import HealthEndpoints
from console.integrations.prometheus import Prometheus
from console.integrations.simulated import SimulatedAlerts, SimulatedHealth, SimulatedMetrics, World
from console.ports import Clock, Query, SourceError
from console.settings.config import Component, HttpSource
from console.settings.load import load

CONFIG = load(Path(__file__).parents[2] / "config")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TIMEOUT = timedelta(seconds=20)


KNOWN = Query("rollout.percent", "vector(25)")
"""Simulated metrics go by the name, the real ones by the expression."""


@dataclass
class Case:
    """A source that works, and the way to break it for good."""

    source: Any
    clock: Clock
    break_it: Callable[[], object]
    query: Query = KNOWN


def simulated_world() -> World:
    clock, target = SimulatedClock(START), CONFIG.environments[0].target
    components = CONFIG.environments[0].components
    return World(clock, 1, CONFIG.rollout, CONFIG.objectives, components, START, target=target)


REAL = pytest.param("real", marks=pytest.mark.integration)


@pytest.fixture(params=[REAL, "simulated"])
def metrics(request) -> Case:
    if request.param == "simulated":
        world = simulated_world()
        return Case(SimulatedMetrics(world), world.clock, lambda: world.break_source("prometheus"))
    server, clock = request.getfixturevalue("prometheus"), SystemClock()
    return Case(Prometheus(HttpSource("prometheus", server.url, timeout=TIMEOUT), clock), clock, server.stop)


@pytest.fixture(params=[REAL, "simulated"])
def alerts(request) -> Case:
    if request.param == "simulated":
        world = simulated_world()
        return Case(SimulatedAlerts(world, "Watchdog"), world.clock, lambda: world.break_source("alertmanager"))
    server, clock = request.getfixturevalue("alertmanager"), SystemClock()
    server.post_alerts([{"labels": {"alertname": name}} for name in ("Watchdog", "Slow")])
    source = Alertmanager(HttpSource("alertmanager", server.url, timeout=TIMEOUT), "Watchdog", clock)
    return Case(source, clock, server.stop)


@pytest.fixture(params=["real", "simulated"])
def health(request) -> Case:
    if request.param == "simulated":
        world = simulated_world()
        return Case(SimulatedHealth(world), world.clock, lambda: world.break_source(world.components[0].name))
    exporter, clock = request.getfixturevalue("exporter"), SystemClock()
    for path in ("/a", "/b"):
        exporter.serve(path)
    source = HealthEndpoints([Component(path, exporter.url + path) for path in ("/a", "/b")], TIMEOUT, clock)
    return Case(source, clock, lambda: exporter.serve("/a", status=503))


def assert_one_line(error):
    text = str(error)
    assert text
    assert text.isprintable()
    assert len(text) < 700


def test_every_query_gets_a_dated_reading_and_a_bad_one_blanks_its_own(metrics):
    before = metrics.clock.now()
    found = metrics.source.read([Query("nonsense", "1 +"), metrics.query])
    assert set(found) == {"nonsense", metrics.query.name}
    good, bad = found[metrics.query.name], found["nonsense"]
    assert good.ok
    assert good.value == 25
    assert good.source == metrics.source.name
    assert before - timedelta(seconds=5) <= good.at <= metrics.clock.now()
    assert (bad.ok, bad.value) == (False, None)
    assert bad.note


def test_nothing_asked_nothing_answered(metrics):
    assert metrics.source.read([]) == {}


def test_a_series_lies_on_the_grid_that_was_asked_for(metrics):
    end = metrics.clock.now().replace(microsecond=0)
    start = end - timedelta(minutes=10)
    found = metrics.source.read_range([metrics.query, Query("nonsense", "1 +")], start, end, 60)
    assert found["rollout.percent"].values[-1] == 25
    assert all(set(series.values) == {None} for name, series in found.items() if name == "nonsense")
    for series in found.values():
        assert (series.start, series.step_seconds, len(series.values)) == (start, 60, 11)


def test_metrics_that_cannot_be_read_are_an_error_of_one_line(metrics):
    metrics.break_it()
    for read in (
        lambda: metrics.source.read([metrics.query]),
        lambda: metrics.source.read_range([metrics.query], START, START + timedelta(minutes=1), 60),
    ):
        with pytest.raises(SourceError) as caught:
            read()
        assert_one_line(caught.value)


def test_alerts_have_an_identity_and_a_beginning(alerts):
    found = alerts.source.read()
    assert found.watchdog_seen
    fingerprints = [alert.fingerprint for alert in found.alerts]
    assert all(fingerprints)
    assert len(set(fingerprints)) == len(fingerprints)
    assert found.changed == set(fingerprints)
    assert found.at <= alerts.clock.now()
    for alert in found.alerts:
        assert alert.starts_at.utcoffset() == timedelta(0)
        assert alert.starts_at <= found.at
        assert alert.name
        assert alert.labels == tuple(sorted(alert.labels))


def test_what_has_not_changed_is_not_said_to(alerts):
    first, second = alerts.source.read(), alerts.source.read()
    assert second.changed == frozenset()
    assert second.alerts == first.alerts


def test_alerts_that_cannot_be_read_are_an_error_and_not_calm(alerts):
    alerts.break_it()
    with pytest.raises(SourceError) as caught:
        alerts.source.read()
    assert_one_line(caught.value)


def test_every_component_is_up_or_down_and_no_exception(health):
    found = health.source.read()
    assert {up.value for up in found.components.values()} == {True}
    health.break_it()
    found = health.source.read()
    down = [up for up in found.components.values() if not up.value]
    assert len(down) == 1
    assert down[0].value is False
    assert down[0].note
    for up in found.components.values():
        assert up.source == health.source.name
        assert up.at <= found.at <= health.clock.now()
