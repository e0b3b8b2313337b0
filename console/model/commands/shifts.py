"""What an operator wants of shifts and handoffs."""

from __future__ import annotations

from datetime import datetime

from console.model.commands.base import Command
from console.model.events import HandoffItem
from console.model.value import value


@value
class BeginShift(Command):
    pass


@value
class EndShift(Command):
    shift: str
    reason: str


@value
class AddWatchItem(Command):
    shift: str
    text: str
    until: datetime | None = None


@value
class CloseWatchItem(Command):
    shift: str
    item: str
    reason: str


@value
class OfferHandoff(Command):
    """Offers the open shift to `to`. `items` is the draft, `anchor` the `SEQ:HASH` it was made from."""

    shift: str
    to: str
    items: tuple[HandoffItem, ...]
    anchor: str
    summary: str = ""


@value
class AnswerHandoffItem(Command):
    handoff: str
    item: str
    answer: str
    read_back: str = ""


@value
class AcceptHandoff(Command):
    """Takes the shift. `shared_login` is the reason, needed when giver and receiver share one login."""

    handoff: str
    shared_login: str = ""


@value
class WithdrawHandoff(Command):
    handoff: str
    reason: str
