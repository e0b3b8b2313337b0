"""Whether a rollback is possible now, as data: every proof in full, how long it would take, until when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console.model.estimate import Deadline, Estimate, Remaining
from console.model.rollback import Proof, Readiness, StandingProof
from console.reports.snapshot import instant, number

Json = dict[str, Any]


def readiness_data(readiness: Readiness, now: datetime) -> Json:
    """As it stands at `now`: what has expired since it was read is expired."""
    return {
        "can": readiness.can_at(now).value,
        "proofs": [proof_data(proof, now) for proof in readiness.proofs],
        "estimate": _estimate(readiness.estimate),
        "deadline": _deadline(readiness.deadline),
        "remaining": _remaining(readiness.remaining),
    }


def proof_data(proof: Proof, now: datetime) -> Json:
    """One proof."""
    return {
        "name": proof.name,
        "title": proof.title,
        "state": proof.state_at(now).value,
        "evidence": proof.evidence,
        "at": instant(proof.at),
        "expires_at": instant(proof.expires_at),
        "source": str(proof.source),
        "value": None if proof.value is None else number(proof.value),
        "unit": proof.unit,
    }


def standing_data(proof: StandingProof) -> Json:
    """What the record holds of one proof."""
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


def _estimate(estimate: Estimate) -> Json:
    return {
        "seconds": {"p50": estimate.p50, "p80": estimate.p80, "p95": estimate.p95},
        "within_minutes": {str(minutes): chance for minutes, chance in estimate.within},
        "runs": estimate.runs,
        "statement": estimate.statement,
        "newest": instant(estimate.newest),
        "plan_changed": estimate.plan_changed,
        "people_only": estimate.human_only,
    }


def _deadline(deadline: Deadline) -> Json:
    return {"at": instant(deadline.at), "why": deadline.why, "passed": deadline.passed}


def _remaining(remaining: Remaining | None) -> Json | None:
    if remaining is None:
        return None
    return {
        "run": remaining.run,
        "elapsed_seconds": remaining.elapsed,
        "seconds": {"p50": remaining.p50, "p80": remaining.p80, "p95": remaining.p95},
        "pace": remaining.pace,
    }
