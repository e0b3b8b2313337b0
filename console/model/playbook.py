"""Playbooks and their runs: who does what, when, in what order, and how long it may take.

A run is a fold over the events of its stream. The playbook it was started from is part of the first event, so the file
may change or vanish without the run noticing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from console.model.people import Actor, Severity
from console.model.value import value


class StepKind(StrEnum):
    """MANUAL: a person acts and says what they saw. DECISION: a person chooses a branch. FLAG: sets a share of traffic,
    by the console where it can, else by hand. WAIT: ends when a reading says so, or is ended by decision."""

    MANUAL = "manual"
    DECISION = "decision"
    FLAG = "flag"
    WAIT = "wait"


@value
class Check:
    """A named reading and what it should show: `reading op value`, such as `rollout.percent <= 0`."""

    reading: str
    op: str
    value: float

    def holds(self, actual: float) -> bool:
        """Whether an observed value satisfies the check."""
        return _COMPARE[self.op](actual, self.value)

    def __str__(self) -> str:
        return f"{self.reading} {self.op} {self.value:g}"


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
}
OPS = tuple(_COMPARE)


@value
class Option:
    """One way out of a decision. `goto` names a step, `playbook` another playbook; neither means the next step.
    `when` is the reading that speaks for this option: shown as advice, never taken by itself."""

    id: str
    label: str
    goto: str = ""
    playbook: str = ""
    when: Check | None = None


@value
class Step:
    """One line of the checklist: a challenge and its expected response."""

    id: str
    title: str
    challenge: str
    response: str
    kind: StepKind = StepKind.MANUAL
    owner: str = "incident commander"
    timebox: timedelta | None = None
    parallel: bool = False
    """The next step starts together with this one: it is never waited for."""
    look_at: tuple[Check, ...] = ()
    """Readings to look at before acting. They warn and never block."""
    verify: Check | None = None
    """The observed value on which the step closes; a human may override it with a reason."""
    confirm: str = ""
    """For an irreversible step: the word to type; `{target}` stands for service/environment."""
    flag: str = ""
    percent: float = 0.0
    options: tuple[Option, ...] = ()

    @property
    def irreversible(self) -> bool:
        """Whether there is no way back after this step."""
        return bool(self.confirm)


@value
class Playbook:
    """A checklist for a kind of trouble. `match` holds alert matchers in Alertmanager's syntax; every one must hold.
    `objective` is the time the whole should take (at least, at most)."""

    name: str
    title: str
    severities: tuple[Severity, ...]
    owner: str
    reviewed: str
    steps: tuple[Step, ...]
    match: tuple[str, ...] = ()
    summary: str = ""
    objective: tuple[timedelta, timedelta] | None = None

    def step(self, step_id: str) -> Step:
        """The step with this id. Raises KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def after(self, step_id: str) -> Step | None:
        """The step that follows in order, or None at the end."""
        index = [step.id for step in self.steps].index(step_id) + 1
        return self.steps[index] if index < len(self.steps) else None


@value
class LoadedPlaybook:
    """A playbook as read from a file: its hash pins runs to what was read."""

    playbook: Playbook
    hash: str
    file: str


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
        return tuple(
            self.steps[step.id]
            for step in self.playbook.steps
            if self.steps[step.id].status in (StepStatus.ACTIVE, StepStatus.FAILED)
        )

    @property
    def current(self) -> StepRun | None:
        """The step that holds up the run: the last active one that is not parallel, else the first active."""
        active = self.active
        blocking = [item for item in active if not self.playbook.step(item.id).parallel]
        return blocking[0] if blocking else active[0] if active else None

    def confirmation(self, step: Step) -> str:
        """What must be typed for an irreversible step."""
        return step.confirm.replace("{target}", self.target)
