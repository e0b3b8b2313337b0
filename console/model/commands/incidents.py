"""What an operator wants of incidents."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.alert import AlertRef
from console.model.commands.base import Command
from console.model.people import Severity
from console.model.value import value


@value
class DeclareIncident(Command):
    """`triage`: only opens it, to be declared or cancelled by `ChangeState`."""

    title: str
    severity: Severity
    alerts: tuple[AlertRef, ...] = ()
    impact_started_at: datetime | None = None
    triage: bool = False


@value
class AcknowledgeIncident(Command):
    """`by` and `via` name the person and the system when it was acknowledged elsewhere: in PagerDuty."""

    incident: str
    by: str = ""
    via: str = ""


@value
class UnacknowledgeIncident(Command):
    incident: str
    reason: str
    via: str = ""


@value
class Escalate(Command):
    """Tells the next level now. `as_of_level` is the level that was on the screen: two presses are one escalation."""

    incident: str
    as_of_level: int
    reason: str = ""


@value
class ChangeState(Command):
    """Moves an incident to a state of `model.incident.IncidentState`; going back to investigating needs a reason."""

    incident: str
    state: str
    reason: str = ""


@value
class ChangeSeverity(Command):
    incident: str
    severity: Severity
    reason: str


@value
class LinkAlerts(Command):
    incident: str
    alerts: tuple[AlertRef, ...]


@value
class AssignRole(Command):
    incident: str
    role: str
    person: str


@value
class AddNote(Command):
    """A note on an incident or a shift (`subject` is its id); `occurred_at` is when the thing noted happened."""

    subject: str
    text: str
    occurred_at: datetime | None = None
    step: str = ""


@value
class MergeIncident(Command):
    """`incident` is the same as `into`: its alerts, tasks and changes go there, and it ends."""

    incident: str
    into: str
    reason: str


@value
class PostUpdate(Command):
    """A status update by Conditions, Actions, Needs. `next_in` None: the severity's own cadence."""

    incident: str
    conditions: str
    actions: str
    needs: str
    next_in: timedelta | None = None


@value
class SetTime(Command):
    """Says or corrects one of `model.incident.TIMES`; their order is kept."""

    incident: str
    name: str
    at: datetime
    estimated: bool = False
    reason: str = ""


@value
class RecordImpact(Command):
    incident: str
    what: str
    value: str
    evidence: str = ""


@value
class AddTask(Command):
    incident: str
    text: str
    owner: str = ""
    due_at: datetime | None = None
    kind: str = "task"


@value
class AssignTask(Command):
    incident: str
    task: str
    owner: str


@value
class EndTask(Command):
    """`outcome` is done or dropped; dropping needs a `result` that says why."""

    incident: str
    task: str
    outcome: str = "done"
    result: str = ""


@value
class RecordDecision(Command):
    incident: str
    choice: str
    reason: str
    options: tuple[str, ...] = ()
    objections: str = ""
    expected: str = ""
    check_at: datetime | None = None


@value
class ObserveDecision(Command):
    incident: str
    decision: str
    observed: str


@value
class Correct(Command):
    """What the event `event_id` of an incident should have said."""

    incident: str
    event_id: str
    text: str = ""
    occurred_at: datetime | None = None
    reason: str = ""
