"""What the engine is given."""

from __future__ import annotations

from dataclasses import dataclass

from console.engine.offload import in_thread
from console.engine.poller import Offload
from console.ports import AlertSource, Clock, Flags, HealthSource, Ids, Journal, MetricSource, Spool


@dataclass(frozen=True, slots=True)
class World:
    """Everything the engine needs from outside, chosen by `bootstrap`. None: there is no such source."""

    clock: Clock
    ids: Ids
    journal: Journal
    spool: Spool
    metrics: MetricSource | None = None
    alerts: AlertSource | None = None
    health: HealthSource | None = None
    flags: Flags | None = None
    offload: Offload = in_thread
