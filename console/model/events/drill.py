"""Drills: stream "drill:<uuid>"."""

from __future__ import annotations

from console.model.events.registry import event
from console.model.value import value


@event("drill.started")
@value
class DrillStarted:
    scenario: str
    run: str
    speed: float = 1.0


@event("drill.finished")
@value
class DrillFinished:
    outcome: str
    minutes: float
