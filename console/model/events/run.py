"""Playbook runs: stream "run:<uuid>"."""

from __future__ import annotations

from datetime import datetime

from console.model.events.registry import event
from console.model.playbook import Playbook
from console.model.value import value


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
