"""The response to an incident: escalation, updates, tasks, decisions, times. Stream "incident:<uuid>", too."""

from __future__ import annotations

from datetime import datetime

from console.model.alert import AlertRef
from console.model.escalation import Reach
from console.model.events.registry import event
from console.model.pager import PagerStatus
from console.model.reading import ReadingState
from console.model.value import value


@event("incident.escalated")
@value
class IncidentEscalated:
    """A level of the severity matrix was told. `people` is empty when nobody holds the role: that is loud."""

    level: int
    role: str
    people: tuple[Reach, ...]
    next_at: datetime | None = None
    """When the next level is told, unless somebody acknowledges."""
    due_at: datetime | None = None
    late_seconds: float = 0.0
    reason: str = ""
    """Why, when an operator pressed it before its time."""
    pager: str = ""
    """The escalation policy of PagerDuty that pages in our place."""
    via: str = ""
    """Where it was escalated, when not here: "PagerDuty"."""


@event("incident.page_reassigned")
@value
class PageReassigned:
    """Its open pages are assigned to these people, in place of whoever had them."""

    people: tuple[Reach, ...]
    reason: str = ""


@event("incident.update_posted")
@value
class UpdatePosted:
    """A status update by Conditions, Actions, Needs."""

    conditions: str
    actions: str
    needs: str
    next_due: datetime | None = None


@event("incident.update_overdue")
@value
class UpdateOverdue:
    due_at: datetime
    late_seconds: float = 0.0


@event("incident.time_set")
@value
class TimeSet:
    """One of the times of `model.incident.TIMES`, said or corrected by a person."""

    name: str
    at: datetime
    estimated: bool = False
    reason: str = ""


@event("incident.impact_recorded")
@value
class ImpactRecorded:
    """What it did to whom: an exact number and where it comes from."""

    what: str
    value: str
    evidence: str = ""


@value
class ReadingNote:
    """A reading as it stood at a moment of an incident."""

    name: str
    state: ReadingState
    value: float | None
    at: datetime | None
    source: str
    n: int | None = None


@event("incident.evidence_taken")
@value
class EvidenceTaken:
    """What the sources said at a turn of the incident: declared, mitigated, resolved."""

    moment: str
    readings: tuple[ReadingNote, ...]


@event("incident.task_added")
@value
class TaskAdded:
    task: str
    text: str
    owner: str = ""
    due_at: datetime | None = None
    kind: str = "task"
    """task, or an action item for after: detect, prevent, mitigate, process."""


@event("incident.task_assigned")
@value
class TaskAssigned:
    task: str
    owner: str


@event("incident.task_ended")
@value
class TaskEnded:
    task: str
    outcome: str
    """done or dropped."""
    result: str = ""


@event("incident.decision_recorded")
@value
class DecisionRecorded:
    decision: str
    choice: str
    reason: str
    options: tuple[str, ...] = ()
    objections: str = ""
    expected: str = ""
    check_at: datetime | None = None


@event("incident.decision_observed")
@value
class DecisionObserved:
    decision: str
    observed: str


@event("incident.merged", 2, reads=(1,))
@value
class IncidentMerged:
    """It is the same as another one, where the work goes on."""

    into: str
    reason: str
    label: str = ""
    """What people call the other one; empty in records of version 1."""


@event("incident.merged_in")
@value
class IncidentMergedIn:
    """The work on `source` goes on here."""

    source: str
    label: str
    alerts: tuple[AlertRef, ...] = ()


@event("incident.pager_linked")
@value
class PagerLinked:
    """The PagerDuty incident that pages for it: our own, or one that another system had opened before (`adopted`)."""

    pager_id: str
    key: str
    adopted: bool
    url: str = ""
    policy: str = ""
    level: int = 0


@event("incident.pager_changed")
@value
class PagerChanged:
    pager_id: str
    status: PagerStatus
    by: str = ""
    level: int = 0
    assigned_to: tuple[str, ...] = ()
    policy: str = ""
    """The escalation policy, where it was not known before."""


@event("incident.pager_silent")
@value
class PagerSilent:
    """PagerDuty has said nothing since then, for longer than a severity waits for an answer: nobody knows any more
    whether its pages reach anybody, and our clock tells people."""

    since: datetime
    late_seconds: float = 0.0


@event("record.corrected")
@value
class Corrected:
    """What an earlier event should have said. Both are kept and shown."""

    event_id: str
    text: str = ""
    occurred_at: datetime | None = None
    reason: str = ""
