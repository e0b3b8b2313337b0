"""What is declared of a rollout beside its phases: what each phase needs, the evidence that its guardrails are judged
by, what a rollback takes, and what a decision asks. Expressions give one number each; an empty one leaves it unknown.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from console.model.value import value


@value
class Stage:
    """One phase: `percent` of the traffic on the new path, for at least `bake` and at least `min_samples` requests on
    it. `needs` are (name of a capacity, how much of it this phase takes)."""

    percent: float
    bake: timedelta
    min_samples: int = 0
    needs: tuple[tuple[str, float], ...] = ()


@value
class Evidence:
    """The counts that a guardrail is judged by, as templates over a range: bad and all events on the new path and, side
    by side in the same slices, on the legacy path (empty: there is none to compare with).

    The slow rule: the share of bad events must stay below `limit` (0 to 1). The fast rule: a share above `fast` over
    `fast_for`, with at least `fast_samples`, is a breach at once; None: there is no fast rule."""

    guardrail: str
    bad: str
    total: str
    legacy_bad: str = ""
    legacy_total: str = ""
    limit: float = 0.01
    fast_bad: str = ""
    """What the fast rule counts, where that is something else: slower than 500 ms, while `bad` is slower than 300."""
    fast: float | None = None
    fast_for: timedelta = timedelta(minutes=1)
    fast_samples: int = 30
    absent_is_zero: bool = False
    """The plan says that bad events without a series are none (`model/absence.py`)."""


@value
class Capacity:
    """Something that a phase can run out of: `used` of `limit` (expressions) in `unit`. At `warning` of the limit (0 to
    1) it is a warning. `scales`: what is used grows with the share of traffic on the new path."""

    name: str
    title: str
    used: str
    limit: str
    unit: str = ""
    warning: float = 0.8
    scales: bool = True


class CriterionKind(StrEnum):
    """What a criterion looks at. READING: a check on any named reading. The others look at what the console knows.

    BEFORE and SMOKE: the run of the playbook that the plan names for it, asked also where no criterion says so."""

    READING = "reading"
    BUDGET = "budget"
    GUARDRAILS = "guardrails"
    BAKE = "bake"
    READINESS = "readiness"
    ROLLBACK_TIME = "rollback_time"
    CAPACITY = "capacity"
    ALERTS = "alerts"
    BASELINE = "baseline"
    WINDOW = "window"
    STAFFING = "staffing"
    CHECKLIST = "checklist"
    APPROVAL = "approval"
    HTTP = "http"
    BEFORE = "before"
    SMOKE = "smoke"


class Domain(StrEnum):
    """Whose question a criterion is."""

    TECHNICAL = "technical"
    OPERATIONAL = "operational"
    BUSINESS = "business"


@value
class CriterionRule:
    """One criterion of a decision. `check` is a check on readings (READING: `guardrail.p99 < 300`), a share (BUDGET:
    the least budget left, ROLLBACK_TIME: the least P(at most 20 min)), a URL (HTTP), hours such as `Mon-Fri 08:00-17:00
    Europe/Berlin` (WINDOW), an age such as `30d` (BASELINE), how many people (APPROVAL). `role` attests or approves, or
    is the on-call role that must be held (STAFFING). A finding counts for `expires`. `phases`: the phases that would be
    entered; empty: all."""

    name: str
    title: str
    kind: CriterionKind
    domain: Domain = Domain.TECHNICAL
    required: bool = True
    check: str = ""
    role: str = ""
    expires: timedelta = timedelta(hours=1)
    phases: tuple[float, ...] = ()
    freezes: tuple[str, ...] = ()
    """Of a WINDOW: days in its time zone on which nothing is promoted, such as `2026-12-24` or
    `2026-12-24/2027-01-01`, both ends among them."""

    @property
    def reading(self) -> str:
        """The name of the reading that one over HTTP looks at."""
        return f"http.{self.name}"


@value
class RollbackPlan:
    """What is known of a rollback before it is needed. Ages are in seconds, `no_return` is above 0 once the point of no
    return is passed, `compatible` is above 0 while old code can read what new code writes."""

    playbook: str
    objective: timedelta = timedelta(minutes=20)
    canary_flag: str = ""
    """A flag that nothing depends on: toggling it proves the write path."""
    legacy_capacity: str = ""
    """The share of its need at 100 % of the traffic that the legacy path has, 1.0 and above is enough."""
    no_return: str = ""
    compatible: str = ""
    backup_age: str = ""
    backup_within: timedelta | None = None
    """The recovery point objective."""
    restore_age: str = ""
    restore_every: timedelta | None = None
    drill_every: timedelta = timedelta(days=30)
    inflight: str = ""
    durations: str = ""
    """The histogram of how long what is in flight takes: a selector of its buckets, in seconds."""
    completions: str = ""
    """How many end per second."""
    arrivals: str = ""
    """How many still arrive per second once the flag is at 0 %."""
    backlog: str = ""
    throughput: str = ""
    """What is to be restored, and how much of it a second restores."""
    drain_step: str = ""
    restore_step: str = ""
    """The steps of the playbook whose time is estimated from these."""
    not_needed: tuple[tuple[str, str], ...] = ()
    """(proof, reason): what has nothing to prove here, such as a backup where nothing is stored. Only those of
    `rollback.NEEDLESS`, and only where nothing is configured that reads them."""


@value
class AutoRollback:
    """The console starts the rollback by itself, `countdown` after a breach that lasts, unless somebody cancels."""

    countdown: timedelta = timedelta(seconds=60)


@value
class Risk:
    """One line of the risk register. `signal` is a check on readings that holds while the risk shows itself."""

    id: str
    title: str
    severity: str
    probability: str
    mitigation: str
    owner: str = ""
    signal: str = ""
    playbook: str = ""
