"""Rollback readiness: standing proofs, never a lamp. An unknown or expired proof never counts as a pass."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from console.model.estimate import Deadline, Estimate, Remaining
from console.model.reading import Reading, ReadingState
from console.model.value import value


class ProofState(StrEnum):
    """What is known of one condition for a rollback."""

    PROVEN = "proven"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Can(StrEnum):
    """The verdict: `UNVERIFIED` whenever a proof is unknown or expired and none has failed."""

    YES = "yes"
    NO = "no"
    UNVERIFIED = "unverified"


@value
class Proof:
    """One condition, the evidence for it in words, when it was seen and until when it counts."""

    name: str
    title: str
    state: ProofState
    evidence: str
    at: datetime | None = None
    expires_at: datetime | None = None
    source: str = ""


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
        """NO when a proof failed; YES only when every proof is proven."""
        states = {proof.state for proof in self.proofs}
        if ProofState.FAILED in states:
            return Can.NO
        return Can.YES if states == {ProofState.PROVEN} else Can.UNVERIFIED


PROOF_LIFE = timedelta(minutes=2)
"""How long a proof by a read-only probe counts."""

_NOT_YET = (
    ("kill-switch", "kill switch readable and proven", "not read by this version"),
    ("data", "event store and schema compatible", "not read by this version"),
    ("backup", "backup within its objectives", "not read by this version"),
    ("drill", "drill within its objectives", "not read by this version"),
    ("people", "two people reachable", "not read by this version"),
)


def assess(legacy: Reading[bool] | None, percent: Reading[float] | None, now: datetime) -> Readiness:
    """The proofs that can be read now: the `legacy` path is healthy, the measured share of traffic (`percent`) is
    readable; None where nothing of the kind is configured. What cannot be read is unknown, and says why."""
    share = None if percent is None else percent.map(lambda value: value >= 0)
    read = [
        _probe("legacy", "legacy path healthy", legacy, "no legacy component is configured", now),
        _probe("share", "traffic share readable", share, "no rollout metric is configured", now),
    ]
    unknown = [Proof(name, title, ProofState.UNKNOWN, why) for name, title, why in _NOT_YET]
    return Readiness((*read, *unknown))


def _probe(name: str, title: str, reading: Reading[bool] | None, absent: str, now: datetime) -> Proof:
    if reading is None or reading.value is None or reading.at is None:
        why = absent if reading is None else reading.note or reading.state.replace("_", " ")
        return Proof(name, title, ProofState.UNKNOWN, why, source=reading.source if reading else "")
    expires = reading.at + PROOF_LIFE
    evidence = reading.note or ("yes" if reading.value else "no")
    if reading.state not in (ReadingState.OK, ReadingState.STALE):
        return Proof(name, title, ProofState.UNKNOWN, evidence, reading.at, expires, reading.source)
    seen = ProofState.PROVEN if reading.value else ProofState.FAILED
    state = ProofState.EXPIRED if expires <= now else seen
    return Proof(name, title, state, evidence, reading.at, expires, reading.source)
