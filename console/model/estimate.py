"""How long a rollback would take: from rollbacks and drills that were measured, and from what is in flight now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from console.model.value import value

KEPT = 50
"""How many of the newest rollbacks are kept; the record has them all."""


class Origin(StrEnum):
    """What a duration was measured on. SIMULATED: a drill; it gives human durations, and those only at real-time
    speed."""

    REAL = "real"
    SIMULATED = "simulated"


@value
class Measured:
    """One rollback that was carried out to its end. `quantile` is where it fell in what was predicted (0 to 1)."""

    run: str
    at: datetime
    seconds: float
    origin: Origin
    playbook: str
    playbook_hash: str
    steps: Mapping[str, float] = field(default_factory=dict)
    phase: float | None = None
    speed: float = 1.0
    quantile: float | None = None
    human: tuple[str, ...] = ()
    """The steps that people carried out, by the run's playbook."""
    mode: str = "live"
    """Of the record that it stands in: what a demo measured never counts for a live console."""


@value
class Prediction:
    """What was said of a rollback when it began: seconds, by quantile, and (minutes, probability)."""

    run: str
    at: datetime
    runs: int
    p50: float | None = None
    p80: float | None = None
    p95: float | None = None
    within: tuple[tuple[int, float], ...] = ()


@value
class RollbackHistory:
    """What the record says of one target's rollbacks: those that were measured, oldest first, and what was said of
    those that are not measured yet, by run."""

    target: str
    version: int = 0
    measured: tuple[Measured, ...] = ()
    predicted: Mapping[str, Prediction] = field(default_factory=dict)

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"rollback:{self.target}"


@value
class Drill:
    """A rehearsal by the record. `outcome` is empty while it is under way."""

    id: str
    scenario: str
    run: str
    at: datetime
    version: int = 0
    speed: float = 1.0
    outcome: str = ""
    ended_at: datetime | None = None


@value
class Drain:
    """How long until what is in flight has ended. `bound` is "queue" or "duration"; `most` is when 99 % have ended.
    `never`: more arrives than ends."""

    bound: str
    items: float
    p50: float | None = None
    p80: float | None = None
    p95: float | None = None
    most: float | None = None
    never: bool = False
    why: str = ""
    at: datetime | None = None
    cut_after: float | None = None
    """After how many seconds the playbook goes on in any case."""
    cut: float | None = None
    """How many items are still in flight then."""


@value
class Driver:
    """A step, and how many seconds of the whole it is expected to take; `live`: from what is in flight now."""

    step: str
    title: str
    seconds: float
    live: bool = False


@value
class Estimate:
    """Seconds, by quantile; None: unknown. `runs` count in full, `effective` by their weight. `statement` is what can
    be said without any assumption, below 3 runs. `within` are (minutes, probability)."""

    runs: int = 0
    effective: float = 0.0
    p50: float | None = None
    p80: float | None = None
    p95: float | None = None
    within: tuple[tuple[int, float], ...] = ()
    statement: str = "no rollback and no drill was measured"
    newest: datetime | None = None
    plan_changed: bool | None = None
    """Whether the playbook has changed since the newest; None while nobody knows."""
    human_only: bool = False
    """Whether nothing but drills went into it: machine times are not in it."""
    drivers: tuple[Driver, ...] = ()
    drain: Drain | None = None
    scored: int = 0
    inside: int = 0
    """Of the past predictions that could be scored, how many ended within their 80 % bound."""
    at: datetime | None = None
    """Of when it is, while one of now is being computed; None: of now."""

    @property
    def bound(self) -> float | None:
        """P95 of a whole rollback; None where it is unknown, or of people's steps alone."""
        return None if self.human_only else self.p95


@value
class Deadline:
    """The last moment to start: `at` None: unknown, or none (`why` says which). `passed`: it is over. `spent`: of a
    budget that would bound it nothing is left."""

    at: datetime | None = None
    why: str = ""
    passed: bool = False
    spent: bool = False


@value
class Remaining:
    """How much longer the rollback under way takes, in seconds."""

    run: str
    elapsed: float
    p50: float | None = None
    p80: float | None = None
    p95: float | None = None
    pace: float = 1.0
    """How long the steps so far took beside what was expected."""
    within: timedelta | None = None
    """The objective."""
    at: datetime | None = None
    """Of when it is, as `Estimate.at`."""
