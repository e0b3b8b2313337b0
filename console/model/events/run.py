"""Playbook runs: stream "run:<uuid>"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from console.model.events.registry import event
from console.model.playbook import Playbook
from console.model.value import value


@event("run.started", 2, reads=(1,))
@value
class RunStarted:
    """The whole playbook is kept, its variables filled in, so that a replay never depends on a file that may have
    changed. `parent` and `parent_step` name the run that called it."""

    incident: str
    playbook: Playbook
    playbook_hash: str
    target: str
    variables: Mapping[str, str] = field(default_factory=dict)
    untrusted: str = ""
    parent: str = ""
    parent_step: str = ""


@event("run.step_started", 2, reads=(1,))
@value
class StepStarted:
    step: str
    owner: str
    deadline: datetime | None
    attempt: int = 1
    again: bool = False
    """Tried again by itself: whoever asked for it is not asked anew."""
    back: bool = False
    """The flow went back to it: what follows it is to be done again."""


@event("run.step_taken")
@value
class StepTaken:
    """The console that records it holds the step until then. `reason` is why it was taken from somebody else."""

    step: str
    until: datetime
    reason: str = ""


@event("run.step_asked")
@value
class StepAsked:
    """A person asked the console to carry the step out. `confirmed` is what was typed, `break_glass` why one person did
    what needs two."""

    step: str
    attempt: int
    confirmed: str = ""
    break_glass: str = ""


@event("run.step_confirmed")
@value
class StepConfirmed:
    """A second person has read the target back."""

    step: str
    attempt: int
    read_back: str


@event("run.step_completed", 2, reads=(1,))
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
    break_glass: str = ""
    """Why one person did what needs two, or what is another role's."""
    output: str = ""
    digest: str = ""
    links: tuple[str, ...] = ()
    attempt: int = 0
    """The attempt that it ends; 0, as in older records: the one under way."""


@event("run.step_failed", 2, reads=(1,))
@value
class StepFailed:
    step: str
    reason: str
    retry_at: datetime | None = None
    """When it is tried again by itself."""
    output: str = ""
    digest: str = ""
    attempt: int = 0
    """As in `StepCompleted`; one more than was started: it cannot be started any more."""
    left: bool = False
    """The run goes on without it."""


@event("run.step_skipped", 3, reads=(1, 2))
@value
class StepSkipped:
    step: str
    reason: str
    attempt: int = 0
    break_glass: str = ""
    """Why one person passes over what another one, or a role, had to decide."""


@event("run.step_expired", 2, reads=(1,))
@value
class StepExpired:
    """A wait that was ended by decision, or a step whose time was over, with what it leaves behind."""

    step: str
    observed: str
    reason: str
    attempt: int = 0


@event("run.step_overdue")
@value
class StepOverdue:
    step: str
    due_at: datetime
    attempt: int = 1
    late_seconds: float = 0.0


@event("run.held")
@value
class RunHeld:
    """On hold: nothing is done and no clock runs. By a person, or by the engine when a step's holder is gone."""

    reason: str
    step: str = ""


@event("run.resumed")
@value
class RunResumed:
    """Goes on where it was held or aborted. Steps under way get the time back that was left to them."""

    reason: str


@event("playbook.trusted")
@value
class PlaybookTrusted:
    """Somebody has read this very file and lets its programs run, whoever may write it. Stream "trust:<hash>"."""

    name: str
    hash: str
    file: str
    reason: str


@event("run.finished")
@value
class RunFinished:
    outcome: str
    """completed, aborted, or continued (another playbook took over)."""
    reason: str = ""
    next_run: str = ""
