"""A poller for each source that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from console.engine.metrics import MetricRounds
from console.engine.poller import Poller
from console.engine.world import World
from console.settings.config import Config, Environment


def pollers(world: World, config: Config, environment: Environment, changed: Callable[[], None]) -> Iterable[Poller]:
    """The pollers of an environment. `changed` is called after every attempt."""

    def poller(name: str, read: Callable[[], Any], interval: timedelta, timeout: timedelta) -> Poller:
        deadline = 4 * timeout + timedelta(seconds=1)  # two requests, each with its fallback
        return Poller(name, read, interval, deadline, world.clock, world.ids, world.offload, changed)

    if world.metrics is not None and environment.prometheus is not None:
        source = environment.prometheus
        rounds = MetricRounds(world.metrics, config.objectives, config.rollout, world.clock)
        yield poller("prometheus", rounds.read, source.interval, source.timeout)
    if world.alerts is not None and environment.alertmanagers:
        source = environment.alertmanagers[0].source
        yield poller("alertmanager", world.alerts.read, source.interval, source.timeout)
    if world.health is not None and environment.components:
        yield poller("health", world.health.read, environment.health_interval, environment.health_timeout)
