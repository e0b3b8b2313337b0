"""Baselines: stream "baseline:<hash>". The counts are in a file beside the journal, told by that hash."""

from __future__ import annotations

from datetime import datetime

from console.model.events.registry import event
from console.model.value import value


@event("baseline.captured")
@value
class BaselineCaptured:
    name: str
    hash: str
    target: str
    source: str
    begin: datetime
    end: datetime
    slis: int
