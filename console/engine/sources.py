"""A poller for each source that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from console.engine.deciding import ASKED_EVERY, CRITERIA, Endpoints, http_rules
from console.engine.metrics import MetricAnswers, MetricRounds
from console.engine.poller import Poller
from console.engine.world import World
from console.model.alert import AlertSnapshot
from console.model.board import SourceStatus
from console.model.flag import FlagState
from console.model.reading import Reading, ReadingState, clock_note, missing
from console.ports import SourceError, Watched
from console.settings.config import Config, Environment
from console.settings.outside import HttpSource

PAGER_TIMEOUT = timedelta(seconds=15)
"""PagerDuty is asked for several things, page by page."""
PAGER_FIRST_AFTER = timedelta(seconds=2)
METRICS = "prometheus"
"""The name of the poller that reads metrics."""
FLAGS = "flags"
"""The name of the poller that reads the rollout's flag."""
FLAG_PERCENT = "flag.percent"
"""The name of its reading."""
_FLAGS_EVERY, _FLAGS_TIMEOUT = timedelta(seconds=15), timedelta(seconds=5)
PLAYBOOKS = "playbooks"
"""The name of the poller that looks at the playbooks' files."""
_FILES_EVERY, _FILES_FIRST_AFTER = timedelta(seconds=15), timedelta(seconds=3)


def silences_of(cluster: str) -> str:
    """The name of the poller that reads a cluster's silences."""
    return f"silences of {cluster}"


def _well(system: Watched) -> Reading[str]:
    """Its word that it is well. Raises SourceError when it is not, in its own words."""
    said = system.read()
    if not said.ok:
        raise SourceError(said.note or f"{system.name}: {said.state}")
    return said


def rollout_flag(config: Config) -> str:
    """The flag that the rollout's plan names; empty where there is none."""
    return config.rollout.flag if config.rollout is not None else ""


def flag_percent(found: FlagState | None, status: SourceStatus) -> Reading[float]:
    """The share that the rollout's flag gives, as it was last read. What was read before its provider fell silent is
    stale."""
    if found is None:
        return missing(status.state, FLAGS, status.error or "not read yet")
    state = ReadingState.OK if status.state is ReadingState.OK else ReadingState.STALE
    return Reading(state, found.percent, found.at, FLAGS, note=status.error)


def metric_rounds(world: World, config: Config, environment: Environment) -> MetricRounds | None:
    """What is asked of the metric source; None when there is none."""
    if world.metrics is None or environment.prometheus is None:
        return None
    where = environment.prometheus.url
    return MetricRounds(
        world.metrics,
        config.objectives,
        config.rollout,
        world.clock,
        world.slices,
        where,
        world.baselines,
        str(environment.target),
    )


def pollers(
    world: World,
    config: Config,
    environment: Environment,
    changed: Callable[[], None],
    rounds: MetricRounds | None = None,
) -> Iterable[Poller]:
    """The pollers of an environment. `changed` is called after every attempt."""

    def poller(
        name: str,
        read: Callable[[], Any],
        interval: timedelta,
        timeout: timedelta,
        note: Callable[[Any], str] = lambda _: "",
    ) -> Poller:
        deadline = 4 * timeout + timedelta(seconds=1)  # two requests, each with its fallback
        return Poller(name, read, interval, deadline, world.clock, world.ids, world.offload, changed, note=note)

    if rounds is not None and environment.prometheus is not None:
        source = environment.prometheus
        yield poller(METRICS, rounds.read, source.interval, source.timeout, _of_metrics)
    for alerts, item in zip(world.alerts, environment.alertmanagers, strict=False):
        yield poller(item.source.name, alerts.read, item.source.interval, item.source.timeout, _clock)
    for silences in world.silences:
        peer = next(item.source for item in environment.alertmanagers if item.cluster == silences.cluster)
        yield poller(silences_of(silences.cluster), silences.read, peer.interval, peer.timeout)
    if world.health is not None and environment.components:
        yield poller("health", world.health.read, environment.health_interval, environment.health_timeout)
    for system in world.watched:
        grafana = environment.notify.grafana
        source = grafana.source if grafana is not None else HttpSource(system.name, "")
        yield poller(system.name, partial(_well, system), source.interval, source.timeout)
    if world.flags is not None and (flag := rollout_flag(config)):
        given = environment.flags
        interval, timeout = (given.interval, given.timeout) if given is not None else (_FLAGS_EVERY, _FLAGS_TIMEOUT)
        yield poller(FLAGS, partial(world.flags.read, flag), interval, timeout)
    if world.pager is not None and environment.notify.pagerduty is not None:
        interval = environment.notify.pagerduty.source.interval
        pager = poller(world.pager.name, world.pager.read, interval, PAGER_TIMEOUT, lambda found: found.note)
        pager.first_after = PAGER_FIRST_AFTER
        yield pager
    asked = http_rules(config.rollout)
    if world.probes is not None and asked:
        endpoints = Endpoints(world.probes, asked)
        yield poller(CRITERIA, endpoints.read, ASKED_EVERY, endpoints.within)
    if world.files is not None:
        files = poller(PLAYBOOKS, world.files.read, _FILES_EVERY, _FILES_EVERY, lambda found: "; ".join(found.problems))
        files.first_after, files.changed = _FILES_FIRST_AFTER, _when_different(files, changed)
        yield files


def _when_different(poller: Poller, changed: Callable[[], None]) -> Callable[[], None]:
    """Calls `changed` after an attempt that came to something else than the one before."""
    seen: list[object] = [None, ""]

    def look() -> None:
        if poller.value is not seen[0] or poller.error != seen[1]:
            seen[:] = poller.value, poller.error
            changed()

    return look


def _clock(found: AlertSnapshot) -> str:
    return clock_note(found.skew_seconds)


def _of_metrics(found: MetricAnswers) -> str:
    return "; ".join(filter(None, (clock_note(found.skew_seconds), found.note)))
