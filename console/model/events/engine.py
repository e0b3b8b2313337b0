"""The engine and the record itself: streams "engine" and "journal"."""

from __future__ import annotations

from dataclasses import field

from console.model.events.registry import event
from console.model.value import value


@event("engine.lease_taken")
@value
class LeaseTaken:
    holder: str
    epoch: int
    previous: str = ""


@event("engine.lease_released")
@value
class LeaseReleased:
    holder: str
    epoch: int


@event("journal.spool_merged")
@value
class SpoolMerged:
    events: int
    console: str
    skipped: tuple[str, ...] = field(default=())
    """Lines that could not be read, verbatim."""
