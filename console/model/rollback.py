"""Rollback readiness: standing proofs, never a lamp. An unknown or expired proof never counts as a pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Proof:
    """One condition, the evidence for it in words, when it was seen and until when it counts."""

    name: str
    title: str
    state: ProofState
    evidence: str
    at: datetime | None = None
    expires_at: datetime | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a rollback is possible now. There is no duration until one was measured."""

    proofs: tuple[Proof, ...] = ()

    @property
    def can(self) -> Can:
        """NO when a proof failed; YES only when every proof is proven."""
        states = {proof.state for proof in self.proofs}
        if ProofState.FAILED in states:
            return Can.NO
        return Can.YES if states == {ProofState.PROVEN} else Can.UNVERIFIED
