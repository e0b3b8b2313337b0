"""What happened: every event of the record, and the envelope around it.

Events are the only truth about incidents, runs, shifts and drills. A kind never changes its meaning; a changed
shape gets a higher `kind_version`, and the codec keeps reading the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from console.model.alert import AlertRef
from console.model.people import Actor, Severity
from console.model.playbook import Playbook

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


@dataclass(frozen=True, slots=True)
class Unknown:
    """The payload of an event whose kind this program does not know: kept raw and shown as such."""

    raw: str


@dataclass(frozen=True, slots=True)
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
@dataclass(frozen=True, slots=True)
class IncidentDeclared:
    title: str
    severity: Severity
    service: str
    environment: str
    alerts: tuple[AlertRef, ...] = ()
    impact_started_at: datetime | None = None
    acknowledge_by: datetime | None = None


@event("incident.acknowledged")
@dataclass(frozen=True, slots=True)
class IncidentAcknowledged:
    pass


@event("incident.acknowledge_overdue")
@dataclass(frozen=True, slots=True)
class AcknowledgeOverdue:
    due_at: datetime
    late_seconds: float = 0.0
    """How long after the deadline it fired, when no engine was running at the time."""


@event("incident.state_changed")
@dataclass(frozen=True, slots=True)
class IncidentStateChanged:
    state: str
    reason: str = ""


@event("incident.severity_changed")
@dataclass(frozen=True, slots=True)
class SeverityChanged:
    severity: Severity
    reason: str


@event("incident.alerts_linked")
@dataclass(frozen=True, slots=True)
class AlertsLinked:
    alerts: tuple[AlertRef, ...]


@event("incident.role_assigned")
@dataclass(frozen=True, slots=True)
class RoleAssigned:
    role: str
    person: str


@event("note.added")
@dataclass(frozen=True, slots=True)
class NoteAdded:
    """A note in an incident's or a shift's stream; the envelope's `occurred_at` is when the thing noted happened."""

    text: str
    step: str = ""


# -- playbook runs: stream "run:<uuid>" -------------------------------------------------------------------------------


@event("run.started")
@dataclass(frozen=True, slots=True)
class RunStarted:
    """The whole playbook is kept, so that a replay never depends on a file that may have changed."""

    incident: str
    playbook: Playbook
    playbook_hash: str
    target: str


@event("run.step_started")
@dataclass(frozen=True, slots=True)
class StepStarted:
    step: str
    owner: str
    deadline: datetime | None
    attempt: int = 1


@event("run.step_completed")
@dataclass(frozen=True, slots=True)
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
@dataclass(frozen=True, slots=True)
class StepFailed:
    step: str
    reason: str


@event("run.step_skipped")
@dataclass(frozen=True, slots=True)
class StepSkipped:
    step: str
    reason: str


@event("run.step_expired")
@dataclass(frozen=True, slots=True)
class StepExpired:
    """A wait that was ended by decision, with what it leaves behind."""

    step: str
    observed: str
    reason: str


@event("run.step_overdue")
@dataclass(frozen=True, slots=True)
class StepOverdue:
    step: str
    due_at: datetime
    attempt: int = 1
    late_seconds: float = 0.0


@event("run.finished")
@dataclass(frozen=True, slots=True)
class RunFinished:
    outcome: str
    """completed, aborted, or continued (another playbook took over)."""
    reason: str = ""
    next_run: str = ""


@event("effect.intended")
@dataclass(frozen=True, slots=True)
class EffectIntended:
    """Written before the outside world is touched. Without its `EffectFinished`, the outcome is unknown."""

    effect: str
    kind: str
    target: str
    detail: str
    step: str = ""


@event("effect.finished")
@dataclass(frozen=True, slots=True)
class EffectFinished:
    effect: str
    outcome: str
    """done, refused, or unknown."""
    detail: str = ""


# -- shifts: stream "shift:<uuid>"; handoffs: stream "handoff:<uuid>" ------------------------------------------------


@event("shift.began")
@dataclass(frozen=True, slots=True)
class ShiftBegan:
    operator: str
    previous: str = ""


@event("shift.ended")
@dataclass(frozen=True, slots=True)
class ShiftEnded:
    reason: str = ""
    next_shift: str = ""


@event("shift.watch_added")
@dataclass(frozen=True, slots=True)
class WatchItemAdded:
    item: str
    text: str
    until: datetime | None = None


@event("shift.watch_closed")
@dataclass(frozen=True, slots=True)
class WatchItemClosed:
    item: str
    reason: str


@dataclass(frozen=True, slots=True)
class HandoffItem:
    """One thing handed over. `kind` is incident, run, watch, note or change; `ref` is the id it stands for."""

    id: str
    kind: str
    ref: str
    text: str
    actions: str = ""
    """Who does what next, until when."""


@event("handoff.offered")
@dataclass(frozen=True, slots=True)
class HandoffOffered:
    shift: str
    to: str
    items: tuple[HandoffItem, ...]
    anchor: str
    """`SEQ:HASH` of the record that the draft was made from."""
    summary: str = ""


@event("handoff.item_answered")
@dataclass(frozen=True, slots=True)
class HandoffItemAnswered:
    item: str
    answer: str
    """accepted or questioned."""
    read_back: str = ""


@event("handoff.accepted")
@dataclass(frozen=True, slots=True)
class HandoffAccepted:
    shared_login: str = ""
    """Why two names of one login were let through, when they were."""


@event("handoff.withdrawn")
@dataclass(frozen=True, slots=True)
class HandoffWithdrawn:
    reason: str


# -- the engine and the record itself ---------------------------------------------------------------------------------


@event("engine.lease_taken")
@dataclass(frozen=True, slots=True)
class LeaseTaken:
    holder: str
    epoch: int
    previous: str = ""


@event("engine.lease_released")
@dataclass(frozen=True, slots=True)
class LeaseReleased:
    holder: str
    epoch: int


@event("journal.spool_merged")
@dataclass(frozen=True, slots=True)
class SpoolMerged:
    events: int
    console: str
    skipped: tuple[str, ...] = field(default=())
    """Lines that could not be read, verbatim."""


# -- drills: stream "drill:<uuid>" ------------------------------------------------------------------------------------


@event("drill.started")
@dataclass(frozen=True, slots=True)
class DrillStarted:
    scenario: str
    run: str
    speed: float = 1.0


@event("drill.finished")
@dataclass(frozen=True, slots=True)
class DrillFinished:
    outcome: str
    minutes: float
