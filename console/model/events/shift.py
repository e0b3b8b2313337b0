"""Shifts: stream "shift:<uuid>"; handoffs: stream "handoff:<uuid>"."""

from __future__ import annotations

from datetime import datetime

from console.model.events.registry import event
from console.model.value import value


@event("shift.began")
@value
class ShiftBegan:
    operator: str
    previous: str = ""


@event("shift.ended")
@value
class ShiftEnded:
    reason: str = ""
    next_shift: str = ""


@event("shift.watch_added")
@value
class WatchItemAdded:
    item: str
    text: str
    until: datetime | None = None


@event("shift.watch_closed")
@value
class WatchItemClosed:
    item: str
    reason: str


@value
class HandoffItem:
    """One thing handed over. `kind` is incident, run, temporary (a change that somebody owes), watch, note, or change
    (what was resolved); `ref` is the id it stands for."""

    id: str
    kind: str
    ref: str
    text: str
    actions: str = ""
    """Who does what next, until when."""


@event("handoff.offered")
@value
class HandoffOffered:
    shift: str
    to: str
    items: tuple[HandoffItem, ...]
    anchor: str
    """`SEQ:HASH` of the record that the draft was made from."""
    summary: str = ""


@event("handoff.item_answered")
@value
class HandoffItemAnswered:
    item: str
    answer: str
    """accepted or questioned."""
    read_back: str = ""


@event("handoff.accepted")
@value
class HandoffAccepted:
    shared_login: str = ""
    """Why two names of one login were let through, when they were."""


@event("handoff.withdrawn")
@value
class HandoffWithdrawn:
    reason: str
