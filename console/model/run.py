"""A playbook being carried out: a fold over the events of its stream.

The playbook it was started from is part of the first event, so the file may change or vanish without the run noticing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from console.model.people import Actor
from console.model.playbook import Playbook, Step
from console.model.value import value


class StepStatus(StrEnum):
    """Where a step of a run stands."""

    PENDING = "pending"
    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    PASSED_OVER = "passed over"
    """A branch led around it."""


SETTLED = frozenset({StepStatus.DONE, StepStatus.SKIPPED, StepStatus.EXPIRED, StepStatus.PASSED_OVER})

MAX_ATTEMPTS = 9
"""How often one step may be started in a run, so that a loop ends."""

HELD = timedelta(minutes=5)
"""How long a console holds a step without renewing it."""


@value
class StepRun:
    """One step of a run, with its evidence. `started_at`, `ended_at` are instants; `deadline` is absolute."""

    id: str
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    owner: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline: datetime | None = None
    overdue_fired: bool = False
    observed: str = ""
    reason: str = ""
    option: str = ""
    evidence: str = ""
    override: str = ""
    by: Actor | None = None
    output: str = ""
    """What a program wrote: bounded, safe, without secrets."""
    digest: str = ""
    """`sha256:...` of everything it wrote."""
    links: tuple[str, ...] = ()
    retry_at: datetime | None = None
    """When a failed step is tried again by itself."""
    asked_by: Actor | None = None
    """Who asked the console to carry it out; further tries do not ask again."""
    holder: str = ""
    """The console that holds the step, until `held_until`; empty when nobody does."""
    held_by: Actor | None = None
    held_until: datetime | None = None
    confirmed_by: Actor | None = None
    """The second person who read the target back, in this attempt."""
    earlier: tuple[StepRun, ...] = ()
    """What came of it before, when it was started anew, and what came too late to count; oldest first."""
    tries: int = 0
    """How often it was tried since somebody asked for it."""
    left: bool = False
    """It has failed, and the run went on without it."""
    confirmed_on: str = ""
    """The console of the second person."""
    break_glass: str = ""
    """Why one person did what needs two, or what is another role's."""

    @property
    def open(self) -> bool:
        """Whether it is under way, or has failed and waits for a person."""
        return self.status is StepStatus.ACTIVE or (self.status is StepStatus.FAILED and not self.left)

    @property
    def over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.status in SETTLED or self.left

    def held_elsewhere(self, console: str, now: datetime) -> bool:
        """Whether another console holds it now."""
        return bool(self.holder) and self.holder != console and self.held_until is not None and now < self.held_until

    def overdue_by(self, now: datetime) -> timedelta | None:
        """How far past its deadline the step is or ended; None when in time or without a timebox."""
        end = self.ended_at or now
        if self.deadline is None or self.started_at is None or end <= self.deadline:
            return None
        return end - self.deadline


class RunStatus(StrEnum):
    """RUNNING until it ends; CONTINUED when another playbook took over."""

    RUNNING = "running"
    COMPLETED = "completed"
    ABORTED = "aborted"
    CONTINUED = "continued"


@value
class Effect:
    """A change to the outside world that was intended. `outcome` is empty while it is not known."""

    id: str
    kind: str
    target: str
    detail: str
    step: str
    outcome: str = ""
    answer: str = ""
    attempt: int = 1
    """The attempt of the step that it belongs to."""
    output: str = ""
    digest: str = ""
    ended_at: datetime | None = None


@value
class Run:
    """A playbook being carried out in an incident."""

    id: str
    number: int
    """The seq of its first event; shown as RUN-<number>."""
    version: int
    incident: str
    playbook: Playbook
    playbook_hash: str
    target: str
    started_at: datetime
    mode: str
    steps: Mapping[str, StepRun] = field(default_factory=dict)
    status: RunStatus = RunStatus.RUNNING
    ended_at: datetime | None = None
    reason: str = ""
    next_run: str = ""
    effects: tuple[Effect, ...] = ()
    unsaved: bool = False
    """True when an event of it waits in the spool."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What its variables were bound to; the playbook above has them filled in."""
    untrusted: str = ""
    """Why its programs may not run, as its file stood when it was started."""
    parent: str = ""
    """The run whose step `parent_step` called it."""
    parent_step: str = ""
    held_at: datetime | None = None
    """Since when it is on hold, and why; nothing is done and no clock runs meanwhile."""
    held_reason: str = ""
    started_by: Actor | None = None
    unreached: tuple[str, ...] = ()
    """The steps that were still to come when it ended: they are again, when it is resumed."""

    @property
    def label(self) -> str:
        """RUN-<seq>, or RUN-? while it is not saved."""
        return f"RUN-{self.number}" if self.number else "RUN-? (NOT SAVED)"

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"run:{self.id}"

    @property
    def active(self) -> tuple[StepRun, ...]:
        """Steps under way or failed and waiting for a person, in playbook order."""
        steps = self.steps
        return tuple(item for step in self.playbook.steps if (item := steps[step.id]).open)

    @property
    def current(self) -> StepRun | None:
        """The step that holds up the run: the last active one that is not parallel, else the first active."""
        active = self.active
        blocking = [item for item in active if not self.playbook.step(item.id).parallel]
        return blocking[0] if blocking else active[0] if active else None

    @property
    def undoing(self) -> tuple[tuple[Step, StepRun], ...]:
        """What was done and can be taken back by its `undo`, newest first: what may have been done counts."""
        tried = {effect.step for effect in self.effects if effect.outcome != "refused"}
        found = [
            (step, self.steps[step.id])
            for step in self.playbook.steps
            if step.undo and (step.id in tried or self.steps[step.id].status is StepStatus.DONE)
        ]
        return tuple(sorted(found, key=lambda item: item[1].ended_at or item[1].started_at or self.started_at)[::-1])

    def effects_of(self, step_id: str, attempt: int = 0) -> tuple[Effect, ...]:
        """What was intended for a step, in one attempt or (0) in all, oldest first."""
        return tuple(item for item in self.effects if item.step == step_id and attempt in (0, item.attempt))

    def confirmation(self, step: Step) -> str:
        """What must be typed for an irreversible step."""
        return step.confirm.replace("{target}", self.target)


@value
class Job:
    """A program under way: what it wrote last, safe and without secrets."""

    run: str
    step: str
    argv: tuple[str, ...]
    started_at: datetime
    tail: tuple[str, ...] = ()


@value
class Trust:
    """Somebody's word that the programs of one version of a playbook's file may run."""

    hash: str
    name: str
    by: Actor
    at: datetime
    reason: str
    version: int = 0
