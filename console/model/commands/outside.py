"""What an operator wants of alerts, silences, other temporary changes and other systems, and what was seen there."""

from __future__ import annotations

from datetime import datetime

from console.model.alert import AlertRef
from console.model.care import Verdict
from console.model.change import ChangeKind, ChangeStatus
from console.model.commands.base import Command
from console.model.pager import OnCall, PagerIncident
from console.model.silence import Silence
from console.model.value import value


@value
class AcknowledgeAlerts(Command):
    """Takes these firings. Those that somebody has already are left alone; all taken already is a refusal."""

    alerts: tuple[AlertRef, ...]
    by: str = ""
    via: str = ""


@value
class UnacknowledgeAlert(Command):
    fingerprint: str
    reason: str
    via: str = ""


@value
class JudgeAlert(Command):
    alert: AlertRef
    verdict: Verdict
    note: str = ""


@value
class CreateSilence(Command):
    """`silence` has no id yet; its `cluster` names the Alertmanagers that shall keep it."""

    silence: Silence
    incident: str = ""


@value
class ExtendSilence(Command):
    """`silence` is as it was on the screen; also one that somebody else made."""

    silence: Silence
    ends_at: datetime


@value
class ExpireSilence(Command):
    silence: Silence
    reason: str = ""


@value
class RecordChange(Command):
    """A temporary change that somebody made by hand, elsewhere."""

    kind: ChangeKind
    target: str
    what: str
    undo: str
    incident: str = ""
    expires_at: datetime | None = None


@value
class SettleChange(Command):
    """How a change stands, as a person saw it: `undone`, or still `in force`, after an outcome that nobody knew."""

    change: str
    state: ChangeStatus
    observed: str


@value
class HandOverChange(Command):
    """Somebody else, or a ticket, owes the undoing from now on."""

    change: str
    to: str
    reason: str


@value
class RetryDelivery(Command):
    """Queues anew what was given up."""

    delivery: str


@value
class LinkPager(Command):
    """The engine saw the PagerDuty incident that pages for an incident, or that it changed."""

    incident: str
    page: PagerIncident
    adopted: bool


@value
class ReassignPage(Command):
    """PagerDuty shall page these people, by their names in `people.yaml`, in place of whoever has it."""

    incident: str
    people: tuple[str, ...]
    reason: str = ""


@value
class ObserveOnCall(Command):
    """The engine saw somebody else on call."""

    on_calls: tuple[OnCall, ...]


@value
class ObservePhase(Command):
    """The engine saw another share of traffic on the new path."""

    percent: float
    source: str


@value
class RecordProof(Command):
    """How a test of a channel ended. `error` is empty when `evidence` proves it."""

    channel: str
    evidence: str
    error: str = ""


@value
class RecordBaseline(Command):
    """A baseline was captured, and is on the disk."""

    name: str
    hash: str
    target: str
    source: str
    begin: datetime
    end: datetime
    slis: int
