"""What the console tells the outside, and how far each telling got: the outbox.

A delivery is queued in the same append as the event that caused it, so that nothing is lost between them; the engine
that holds the lease carries it out, at least once, with the delivery's id as idempotency key where the far side knows
one.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from console.model.people import Severity
from console.model.value import value


class Topic(StrEnum):
    """What a message is about; every channel subscribes to some of them."""

    ALERTS = "alerts"
    SECURITY = "security"
    PERFORMANCE = "performance"
    INCIDENTS = "incidents"


class Act(StrEnum):
    """What a delivery does at its channel. `post` tells people something; the others change PagerDuty or Grafana."""

    POST = "post"
    PAGE = "page"
    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    ESCALATE = "escalate"
    REASSIGN = "reassign"
    RESPOND = "respond"
    NOTE = "note"
    STATUS_UPDATE = "status_update"
    CHANGE = "change"
    ANNOTATE = "annotate"


PAGER_ACTS = (
    Act.TRIGGER,
    Act.ACKNOWLEDGE,
    Act.RESOLVE,
    Act.ESCALATE,
    Act.REASSIGN,
    Act.RESPOND,
    Act.NOTE,
    Act.STATUS_UPDATE,
    Act.CHANGE,
)
"""What PagerDuty does."""


@value
class Message:
    """What is said, in parts that every channel lays out in its own way. All texts are safe and without secrets.

    `subject` is the incident's id or the alert's fingerprint, `label` what people call it (INC-12); `facts` are
    (name, value) pairs, `links` (title, address) pairs; `mode` is live, demo or drill, and anything but live is said in
    the message.
    """

    kind: str
    title: str
    at: datetime
    subject: str = ""
    label: str = ""
    severity: Severity | None = None
    target: str = ""
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    by: str = ""
    mode: str = "live"
    test: bool = False
    """Sent by `check --send-test`: labelled as such everywhere."""


class DeliveryState(StrEnum):
    """Queued: not tried yet. Failing: tried, and tried again later. Failed: given up, somebody must do it by hand."""

    QUEUED = "queued"
    FAILING = "failing"
    SENT = "sent"
    FAILED = "failed"


@value
class Delivery:
    """One message for one channel. `id` is its idempotency key. `ref` names the far side's object that the act is for
    (a dedup key, a PagerDuty incident id); `args` are further (name, value) pairs of the act, such as the level that
    an escalation was decided on."""

    id: str
    channel: str
    act: Act
    message: Message
    queued_at: datetime
    ref: str = ""
    args: tuple[tuple[str, str], ...] = ()
    subject_stream: str = ""
    state: DeliveryState = DeliveryState.QUEUED
    error: str = ""
    attempts: int = 0
    receipt: str = ""
    ended_at: datetime | None = None
    version: int = 0

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"delivery:{self.id}"

    @property
    def open(self) -> bool:
        """Whether it still has to be carried out."""
        return self.state in (DeliveryState.QUEUED, DeliveryState.FAILING)

    def arg(self, name: str, default: str = "") -> str:
        """One of `args`."""
        return next((value for key, value in self.args if key == name), default)


@value
class ChannelSpec:
    """What the rules need to know of a configured channel: its name, what it can do, and what it wants to hear."""

    name: str
    acts: tuple[Act, ...]
    topics: tuple[Topic, ...] = ()
    least: Severity = Severity.SEV5
    """The least severe incident it is told of."""

    @property
    def kind(self) -> str:
        """What kind of channel it is: `slack` of `slack.alerts`."""
        return self.name.partition(".")[0]


@value
class ChannelProof:
    """When a channel was last proven with a test that was read back or accepted, and by whom."""

    channel: str
    version: int = 0
    proven_at: datetime | None = None
    by: str = ""
    evidence: str = ""
    failed_at: datetime | None = None
    error: str = ""

    @property
    def standing(self) -> str:
        """`proven`; `failed`, when the last test was; `unproven`, when there was none."""
        if self.failed_at is not None:
            return "failed"
        return "unproven" if self.proven_at is None else "proven"
