"""Rollback readiness: standing proofs, never a lamp. An unknown or expired proof never counts as a pass."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from console.model.estimate import Deadline, Estimate, Remaining
from console.model.value import value


class ProofState(StrEnum):
    """What is known of one condition for a rollback. NOT_NEEDED: the plan says, with a reason, that there is nothing to
    prove."""

    PROVEN = "proven"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    NOT_NEEDED = "not needed"


class Can(StrEnum):
    """The verdict: `UNVERIFIED` whenever a proof is unknown or expired and none has failed."""

    YES = "yes"
    NO = "no"
    UNVERIFIED = "unverified"


class Source(StrEnum):
    """What a proof is from: a reading; a real rollback; a canary flag that was toggled; a drill or a demo; what people
    said."""

    PROBE = "probe"
    REAL = "real"
    CANARY = "canary"
    SIMULATED = "simulated"
    PEOPLE = "people"


TITLES = {
    "kill-switch": "kill switch readable",
    "write-path": "kill switch can be written",
    "legacy": "legacy path healthy",
    "legacy-capacity": "legacy path has capacity",
    "share": "traffic share readable",
    "drain": "what is in flight drains",
    "data": "event store and schema compatible",
    "no-return": "point of no return not passed",
    "backup": "backup within its objective",
    "restore": "restore practised in time",
    "drill": "rollback practised in time",
    "people": "two people reachable",
}
"""Every proof, in the order in which they are shown."""

NEEDLESS = (
    "kill-switch", "write-path", "legacy-capacity", "share", "drain", "data", "no-return", "backup", "restore",
)  # fmt: skip
"""The proofs that a plan may declare not needed: there may be no flag, nothing stored, nothing in flight. A legacy path
that is well, practice and people are needed for every rollback."""

KEYS = {
    "legacy-capacity": ("legacy_capacity",),
    "drain": ("inflight",),
    "data": ("compatible",),
    "no-return": ("no_return",),
    "backup": ("backup_age", "backup_within"),
    "restore": ("restore_age", "restore_every"),
}
"""The keys of `rollback` in rollout.yaml without which a proof cannot be read."""

BY_PEOPLE = ("drill", "people")
"""The proofs that a simulated drill may renew: who practised there, practised. No machine was proven by it."""

PROOF_LIFE = timedelta(minutes=2)
"""How long a proof by a read-only probe counts."""
WRITE_LIFE = timedelta(days=14)
"""How long a write that was read back proves the write path."""
PEOPLE_LIFE = timedelta(hours=12)
"""How long it counts that people said they are reachable: a shift."""


@value
class Proof:
    """One condition, the evidence for it in words, when it was seen and until when it counts. `value` is what was
    measured, in `unit`."""

    name: str
    title: str
    state: ProofState
    evidence: str
    at: datetime | None = None
    expires_at: datetime | None = None
    source: str = ""
    value: float | None = None
    unit: str = ""

    def state_at(self, now: datetime) -> ProofState:
        """As it stands at another instant, when nothing was read meanwhile."""
        over = self.expires_at is not None and self.expires_at <= now
        return ProofState.EXPIRED if self.state is ProofState.PROVEN and over else self.state


@value
class Readiness:
    """Whether a rollback is possible now, how long it would take, and until when it may begin. There is no duration
    until one was measured."""

    proofs: tuple[Proof, ...] = ()
    estimate: Estimate = Estimate()
    deadline: Deadline = Deadline()
    """When it must have begun at the latest."""
    remaining: Remaining | None = None
    """Of the rollback under way."""

    @property
    def can(self) -> Can:
        """NO when a proof failed; YES only when every proof that is needed is proven."""
        return _can({proof.state for proof in self.proofs})

    def can_at(self, now: datetime) -> Can:
        """The same at another instant, when nothing was read meanwhile: proofs expire."""
        return _can({proof.state_at(now) for proof in self.proofs})


def unproven(why: str) -> Readiness:
    """Nothing is known of it."""
    proofs = tuple(Proof(name, title, ProofState.UNKNOWN, why) for name, title in TITLES.items())
    return Readiness(proofs, Estimate(statement=why), Deadline(None, f"unknown: {why}"))


def _can(states: set[ProofState]) -> Can:
    states -= {ProofState.NOT_NEEDED}
    if ProofState.FAILED in states:
        return Can.NO
    return Can.YES if states == {ProofState.PROVEN} else Can.UNVERIFIED


@value
class StandingProof:
    """What is in the record of one proof: when it was last renewed, how, and until when that counts; whether it has
    been broken since. `basis` is what it was proven of: of another one it says nothing."""

    id: str
    """`<service>/<environment>/<name>`."""
    version: int = 0
    at: datetime | None = None
    by: str = ""
    evidence: str = ""
    source: str = ""
    expires_at: datetime | None = None
    seconds: float | None = None
    basis: str = ""
    broken_at: datetime | None = None
    error: str = ""
    broken_by: str = ""
    """The source of what broke it."""
    trying: str = ""
    """The id of the effect that tries it; its outcome is not in the record."""
    tried_at: datetime | None = None

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"proof:{self.id}"


def write_basis(provider: str, flag: str, canary: str) -> str:
    """What the write path is proven of."""
    return f"{provider}: {flag or 'no flag'}, canary {canary or 'none'}"
