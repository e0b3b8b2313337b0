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


@event("engine.clock_stepped")
@value
class ClockStepped:
    """The wall clock moved by so much more than time passed: it was set, or the machine slept. Lengths that span it are
    off by that; deadlines are instants, and stand."""

    seconds: float


@event("journal.spool_merged")
@value
class SpoolMerged:
    events: int
    console: str
    skipped: tuple[str, ...] = field(default=())
    """Lines that could not be read, verbatim."""
