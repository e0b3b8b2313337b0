"""What happened: every event of the record, and the envelope around it.

Events are the only truth about incidents, runs, shifts and drills. A kind never changes its meaning; a changed
shape gets a higher `kind_version`, and the codec keeps reading the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import Any, TypeVar

from console.model.alert import AlertRef
from console.model.people import Actor, Severity
from console.model.playbook import Playbook
from console.model.value import value

E = TypeVar("E")

KINDS: dict[tuple[str, int], type[Any]] = {}
"""(kind, kind_version) to the class that holds its payload."""

_NAMES: dict[type[Any], tuple[str, int]] = {}


def event(kind: str, version: int = 1) -> Callable[[type[E]], type[E]]:
    """Registers a payload class under its kind."""

    def register(cls: type[E]) -> type[E]:
        KINDS[kind, version] = cls
        _NAMES[cls] = (kind, version)
        return cls

    return register


def kind_of(payload: object) -> tuple[str, int]:
    """The (kind, kind_version) of a payload. Raises KeyError for a class that is no event."""
    return _NAMES[type(payload)]


@value
class Unknown:
    """The payload of an event whose kind this program does not know: kept raw and shown as such."""

    raw: str


@value
class Recorded:
    """An event as the journal keeps it. `hash` covers `prev_hash`, the header and the payload's bytes.

    `mode` is live, demo or drill. `version` counts within `stream` from 1; `seq` counts over the journal from 1.
    """

    seq: int
    stream: str
    version: int
    kind: str
    kind_version: int
    id: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    console: str
    causation: str
    mode: str
    payload: Any
    prev_hash: str = ""
    hash: str = ""

    @property
    def saved(self) -> bool:
        """False for an event that exists only in the spool: the journal could not be written."""
        return self.seq > 0


# -- incidents: stream "incident:<uuid>" ------------------------------------------------------------------------------


@event("incident.declared")
@value
class IncidentDeclared:
    title: str
    severity: Severity
    service: str
    environment: str
    alerts: tuple[AlertRef, ...] = ()
    impact_started_at: datetime | None = None
    acknowledge_by: datetime | None = None


@event("incident.acknowledged")
@value
class IncidentAcknowledged:
    pass


@event("incident.acknowledge_overdue")
@value
class AcknowledgeOverdue:
    due_at: datetime
    late_seconds: float = 0.0
    """How long after the deadline it fired, when no engine was running at the time."""


@event("incident.state_changed")
@value
class IncidentStateChanged:
    state: str
    reason: str = ""


@event("incident.severity_changed")
@value
class SeverityChanged:
    severity: Severity
    reason: str
    acknowledge_by: datetime | None = None
    """The response time of the new severity, where it ends sooner than the old one."""


@event("incident.alerts_linked")
@value
class AlertsLinked:
    alerts: tuple[AlertRef, ...]


@event("incident.role_assigned")
@value
class RoleAssigned:
    role: str
    person: str


@event("note.added")
@value
class NoteAdded:
    """A note in an incident's or a shift's stream; the envelope's `occurred_at` is when the thing noted happened."""

    text: str
    step: str = ""


# -- playbook runs: stream "run:<uuid>" -------------------------------------------------------------------------------


@event("run.started")
@value
class RunStarted:
    """The whole playbook is kept, so that a replay never depends on a file that may have changed."""

    incident: str
    playbook: Playbook
    playbook_hash: str
    target: str


@event("run.step_started")
@value
class StepStarted:
    step: str
    owner: str
    deadline: datetime | None
    attempt: int = 1


@event("run.step_completed")
@value
class StepCompleted:
    step: str
    observed: str
    option: str = ""
    """The branch taken, for a decision."""
    confirmed: str = ""
    """What was typed, for an irreversible step."""
    evidence: str = ""
    """The reading that closed the step, in words, with its source and time."""
    override: str = ""
    """Why a human closed the step although its reading did not show the effect."""


@event("run.step_failed")
@value
class StepFailed:
    step: str
    reason: str


@event("run.step_skipped")
@value
class StepSkipped:
    step: str
    reason: str


@event("run.step_expired")
@value
class StepExpired:
    """A wait that was ended by decision, with what it leaves behind."""

    step: str
    observed: str
    reason: str


@event("run.step_overdue")
@value
class StepOverdue:
    step: str
    due_at: datetime
    attempt: int = 1
    late_seconds: float = 0.0


@event("run.finished")
@value
class RunFinished:
    outcome: str
    """completed, aborted, or continued (another playbook took over)."""
    reason: str = ""
    next_run: str = ""


@event("effect.intended")
@value
class EffectIntended:
    """Written before the outside world is touched. Without its `EffectFinished`, the outcome is unknown."""

    effect: str
    kind: str
    target: str
    detail: str
    step: str = ""


@event("effect.finished")
@value
class EffectFinished:
    effect: str
    outcome: str
    """done, refused, or unknown."""
    detail: str = ""


# -- shifts: stream "shift:<uuid>"; handoffs: stream "handoff:<uuid>" ------------------------------------------------


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
    """One thing handed over. `kind` is incident, run, watch, note or change; `ref` is the id it stands for."""

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


# -- the engine and the record itself ---------------------------------------------------------------------------------


@event("engine.lease_taken")
@value
class LeaseTaken:
    holder: str
    epoch: int
    previous: str = ""


@event("engine.lease_released")
@value
class LeaseReleased:
    holder: str
    epoch: int


@event("journal.spool_merged")
@value
class SpoolMerged:
    events: int
    console: str
    skipped: tuple[str, ...] = field(default=())
    """Lines that could not be read, verbatim."""


# -- drills: stream "drill:<uuid>" ------------------------------------------------------------------------------------


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
