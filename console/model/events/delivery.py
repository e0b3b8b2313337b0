"""The outbox: stream "delivery:<uuid>"; and what proved a channel: stream "channel:<name>"."""

from __future__ import annotations

from console.model.events.registry import event
from console.model.message import Act, Message
from console.model.value import value


@event("delivery.queued")
@value
class DeliveryQueued:
    channel: str
    act: Act
    message: Message
    ref: str = ""
    args: tuple[tuple[str, str], ...] = ()
    subject_stream: str = ""
    """The stream of the event that it tells of."""


@event("delivery.failing")
@value
class DeliveryFailing:
    """The first attempt that failed: NOT SENT, and tried again."""

    error: str


@event("delivery.sent")
@value
class DeliverySent:
    receipt: str
    attempts: int = 1
    ref: str = ""
    """The far side's id of what was made."""


@event("delivery.failed")
@value
class DeliveryFailed:
    """Given up: somebody has to do it by hand."""

    error: str
    attempts: int = 1


@event("channel.proven")
@value
class ChannelProven:
    evidence: str


@event("channel.test_failed")
@value
class ChannelTestFailed:
    error: str
