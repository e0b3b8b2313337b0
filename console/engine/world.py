"""What the engine is given."""

from __future__ import annotations

from console.engine.offload import in_thread
from console.engine.poller import Offload
from console.model.message import ChannelSpec
from console.model.value import value
from console.ports import (
    AlertSource,
    Baselines,
    Channel,
    Clock,
    Flags,
    HealthSource,
    Ids,
    Journal,
    MetricSource,
    Pager,
    PlaybookFiles,
    Probes,
    Programs,
    Runbooks,
    Silences,
    SliceStore,
    Spool,
    Watched,
)


@value
class World:
    """Everything the engine needs from outside, chosen by `bootstrap`. None: there is no such source."""

    clock: Clock
    ids: Ids
    journal: Journal
    spool: Spool
    metrics: MetricSource | None = None
    alerts: tuple[AlertSource, ...] = ()
    """One for each Alertmanager of the environment, in its order; none when sources are not wanted."""
    health: HealthSource | None = None
    flags: Flags | None = None
    silences: tuple[Silences, ...] = ()
    """One for each cluster."""
    pager: Pager | None = None
    channels: tuple[Channel, ...] = ()
    specs: tuple[ChannelSpec, ...] = ()
    """What each channel can do and wants to hear, by its name."""
    runbooks: Runbooks | None = None
    watched: tuple[Watched, ...] = ()
    """What else is asked for its health: Grafana."""
    probes: Probes | None = None
    programs: Programs | None = None
    """None: command steps are done by hand."""
    files: PlaybookFiles | None = None
    slices: SliceStore | None = None
    """None: nothing is kept over a restart."""
    baselines: Baselines | None = None
    """None: the present is compared with nothing."""
    offload: Offload = in_thread
