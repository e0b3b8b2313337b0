"""The engine and the record itself: streams "engine" and "journal"."""

from __future__ import annotations

from dataclasses import field

from console.model.events.registry import event
from console.model.value import value


@event("engine.lease_taken", 2, reads=(1,))
@value
class LeaseTaken:
    holder: str
    epoch: int
    previous: str = ""
    target: str = ""
    """What the engine acts for; empty for one that acted for all, as earlier ones did."""


@event("engine.lease_released", 2, reads=(1,))
@value
class LeaseReleased:
    holder: str
    epoch: int
    target: str = ""


@event("journal.spool_merged")
@value
class SpoolMerged:
    events: int
    console: str
    skipped: tuple[str, ...] = field(default=())
    """Lines that could not be read, verbatim."""
