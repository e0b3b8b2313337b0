"""What `oncall baseline` needs of the world: the metric source, and the SLIs that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.bootstrap.common import Options, configuration, environment

if TYPE_CHECKING:
    from console.ports import Clock, MetricSource


def metrics_of(options: Options) -> tuple[MetricSource | None, str, Clock]:
    """The metric source of the environment (None: it has none), what it is called with its address, and the clock.
    Raises ConfigError and BadInput."""
    from console.bootstrap import outside
    from console.engine.clocks import SystemClock

    chosen, clock = environment(configuration(options), options), SystemClock()
    source = outside.sources_of(chosen, clock).metrics
    where = f"{source.name} {chosen.prometheus.url}" if source is not None and chosen.prometheus is not None else ""
    return source, where, clock
