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


UNDER_WAY = frozenset({RolloutState.PENDING, RolloutState.RAMPING, RolloutState.BAKING, RolloutState.HELD})
"""States of a rollout that was begun and is neither at its end nor on its way back."""

SAME_SHARE = 0.05
"""Shares that are closer than this many percent are one setting of the flag."""


def same_share(one: float, other: float) -> bool:
    """Whether two shares are one setting of the flag."""
    return abs(one - other) < SAME_SHARE


def compared(percent: float, before: float) -> float | None:
    """What the flag must give for it to be written: the share that the intent was about. None: anything. The way to 0 %
    waits for nothing; every other write is compared, for one that lowers what is known raises what is not."""
    return None if percent == 0 else before


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
    break_glass: str = ""

    @property
    def open(self) -> bool:
        """Whether nobody knows what came of it."""
        return self.outcome in ("", "unknown")


@value
class Stay:
    """A phase that was entered, and until when it lasted. `baked`: when the next share was asked for its bake was over,
    and no guardrail was breached since it began."""

    percent: float
    revision: str
    entered_at: datetime
    by: Actor
    measured: float | None = None
    left_at: datetime | None = None
    baked: bool = False


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
    """The newest one."""
    doubtful: tuple[FlagWrite, ...] = ()
    """Earlier ones whose outcome nobody knows; one after them that was read back ends the doubt."""
    bake_since: datetime | None = None
    stays: tuple[Stay, ...] = ()
    held_by: Actor | None = None
    held_reason: str = ""
    held_at: datetime | None = None
    breaches: Mapping[str, Breach] = field(default_factory=dict)
    breached_at: datetime | None = None
    """When a guardrail was last breached in the phase that it is in."""
    disagrees_since: datetime | None = None
    countdown: Countdown | None = None
    cancelled_at: datetime | None = None
    """When a countdown was cancelled: there is none again for the breaches that stood then."""
    run: str = ""
    """The rollback's run."""
    rollback_since: datetime | None = None
    automatic: bool = False
    """Whether the console began the rollback by itself."""
    reason: str = ""
    """Why it is rolled back, was held or given up."""
    safe: float = 0.0
    unsaved: bool = False
    """True when an event of it waits in the spool."""
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
        """A write whose outcome nobody knows, the newest one."""
        if self.write is not None and self.write.open:
            return self.write
        return self.doubtful[-1] if self.doubtful else None

    @property
    def under_way(self) -> bool:
        """Whether it was begun, and is neither at its end nor on its way back."""
        return self.started_at is not None and self.state in UNDER_WAY
