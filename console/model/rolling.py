"""Where a rollout stands by the record: a fold over the events of its stream, "rollout:<service>/<environment>"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from console.model.decision import Attestation
from console.model.people import Actor
from console.model.rollout import SeenPhase
from console.model.value import value


class RolloutState(StrEnum):
    """DECIDING is no event: the bake of a BAKING rollout is over, and its samples are there. PROMOTED: all phases are
    behind it. ABORTED: given up where it was, without a rollback."""

    PENDING = "pending"
    RAMPING = "ramping"
    BAKING = "baking"
    DECIDING = "deciding"
    PROMOTED = "promoted"
    HELD = "held"
    ROLLING_BACK = "rolling back"
    ROLLED_BACK = "rolled back"
    ABORTED = "aborted"


class Purpose(StrEnum):
    """Why the share is set."""

    PROMOTE = "promote"
    SET = "set"
    ROLLBACK = "rollback"


@value
class FlagWrite:
    """The share of traffic that was asked for. `outcome` is empty while nobody knows; then done, refused or unknown.
    `observed` is what was read back afterwards."""

    effect: str
    flag: str
    percent: float
    before: float
    purpose: Purpose
    at: datetime
    by: Actor
    reason: str = ""
    decision: str = ""
    outcome: str = ""
    answer: str = ""
    observed: float | None = None
    ended_at: datetime | None = None


@value
class Stay:
    """A phase that was entered, and until when it lasted."""

    percent: float
    revision: str
    entered_at: datetime
    by: Actor
    measured: float | None = None
    left_at: datetime | None = None


@value
class Breach:
    """A guardrail that was breached, until it recovered."""

    guardrail: str
    since: datetime
    why: str
    fast: bool = False


@value
class Countdown:
    """A rollback that starts by itself at `at`."""

    at: datetime
    why: str


@value
class RolloutRecord:
    """One target's rollout. `percent` is the share as it was last read back; None before anybody has. `bake_since` is
    when the bake that counts began: a new revision begins another. `safe` is the last share whose bake ended without a
    breach: the last safe point."""

    target: str
    version: int = 0
    seen: SeenPhase | None = None
    plan: str = ""
    plan_hash: str = ""
    revision: str = ""
    state: RolloutState = RolloutState.PENDING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    percent: float | None = None
    write: FlagWrite | None = None
    bake_since: datetime | None = None
    stays: tuple[Stay, ...] = ()
    held_by: Actor | None = None
    held_reason: str = ""
    breaches: Mapping[str, Breach] = field(default_factory=dict)
    disagrees_since: datetime | None = None
    countdown: Countdown | None = None
    cancelled_at: datetime | None = None
    """When a countdown was cancelled: there is none again for the breaches that stood then."""
    run: str = ""
    """The rollback's run."""
    reason: str = ""
    """Why it is rolled back, was held or given up."""
    safe: float = 0.0
    begun_by: Actor | None = None
    """The author of the rollout: somebody else approves its phases."""
    attestations: tuple[Attestation, ...] = ()
    """What people said of the criteria: of each person, the last word on a criterion and a phase."""

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"rollout:{self.target}"

    @property
    def stay(self) -> Stay | None:
        """The phase that it is in."""
        return self.stays[-1] if self.stays and self.stays[-1].left_at is None else None

    @property
    def open_write(self) -> FlagWrite | None:
        """A write whose outcome nobody knows."""
        return self.write if self.write is not None and self.write.outcome in ("", "unknown") else None
