"""What the record holds of one proof of rollback readiness, as data."""

from __future__ import annotations

from typing import Any

from console.model.rollback import StandingProof
from console.reports.values import instant, number


def standing_data(proof: StandingProof) -> dict[str, Any]:
    """When it was renewed and how, until when that counts and of what; whether it has been broken since."""
    return {
        "name": proof.id.rpartition("/")[2],
        "at": instant(proof.at),
        "by": proof.by,
        "evidence": proof.evidence,
        "source": proof.source,
        "expires_at": instant(proof.expires_at),
        "seconds": None if proof.seconds is None else number(proof.seconds),
        "basis": proof.basis,
        "broken_at": instant(proof.broken_at),
        "error": proof.error,
        "outcome_unknown_since": instant(proof.tried_at),
    }
