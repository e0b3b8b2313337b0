"""One suite over what asks health endpoints: what the engine relies on, be it real or simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SimulatedClock, SystemClock
from console.integrations.probe import HttpProbes
from console.integrations.simulated import SimulatedProbes, World
from console.model.playbook import Probe
from console.model.reading import ReadingState
from console.ports import Clock, Probes
from console.settings.load import load
from tests.integrations.fault_server import FaultServer, answer

CONFIG = load(Path(__file__).parents[2] / "config")


@dataclass
class Case:
    """What asks, one endpoint that is well, and how to make it ill or silent."""

    probes: Probes
    probe: Probe
    clock: Clock
    ill: Callable[[], object]
    silent: Callable[[], object]


@pytest.fixture(params=["real", "simulated"])
def case(request) -> Iterator[Case]:
    if request.param == "real":
        server, clock = FaultServer(), SystemClock()
        server.behave = answer(200, "ready")
        probe = Probe(f"{server.url}/bridge/health", timeout=timedelta(seconds=20))

        def ill() -> None:
            server.behave = answer(503)

        def silent() -> None:
            server.behave = lambda connection: None

        yield Case(HttpProbes(clock), probe, clock, ill, silent)
        server.close()
        return
    environment = CONFIG.environments[0]
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert CONFIG.rollout is not None
    driven = SimulatedClock(start)
    world = World(
        driven, 1, CONFIG.rollout, CONFIG.objectives, environment.components, start, target=environment.target
    )
    name = environment.components[0].name
    yield Case(
        SimulatedProbes(world),
        Probe(f"http://{name}.example/health"),
        driven,
        lambda: world.break_source(name),
        lambda: world.break_source("health"),
    )


def test_well_ill_and_silent(case: Case) -> None:
    before = case.clock.now()
    reading = case.probes.read(case.probe)
    assert (reading.state, reading.value) == (ReadingState.OK, 1.0)
    assert reading.source
    assert reading.at is not None
    assert before <= reading.at <= case.clock.now()
    assert case.probes.read(replace(case.probe, method="HEAD")).value == 1.0
    case.ill()
    assert (case.probes.read(case.probe).state, case.probes.read(case.probe).value) == (ReadingState.OK, 0.0)
    assert case.probes.read(replace(case.probe, status=(503,))).value == 1.0
    case.silent()
    lost = case.probes.read(case.probe)
    assert (lost.state, lost.value) == (ReadingState.UNREACHABLE, None)
    assert lost.note
    assert "\n" not in lost.note


@pytest.mark.parametrize("url", ["", "ftp://x/y", "http://[::1", "file:///etc/passwd"])
def test_what_cannot_be_asked_raises_nothing(case: Case, url: str) -> None:
    reading = case.probes.read(replace(case.probe, url=url))
    assert (reading.state, reading.value) == (ReadingState.UNREACHABLE, None)


def test_only_what_changes_nothing_is_asked(case: Case) -> None:
    assert case.probes.read(replace(case.probe, method="POST")).state is ReadingState.UNREACHABLE
