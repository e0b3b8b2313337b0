"""What is known of rollbacks: how long they took and what was said of them before, in stream
"rollback:<service>/<environment>"; what proves that one is possible, in stream "proof:<service>/<environment>/<name>".
"""

from __future__ import annotations

from datetime import datetime

from console.model.events.registry import event
from console.model.value import value


@event("rollback.predicted")
@value
class RollbackPredicted:
    """What was said when it began: seconds, by quantile; the probabilities of at most 15 and 20 minutes. Scored when it
    has ended."""

    run: str
    runs: int
    p50: float | None = None
    p80: float | None = None
    p95: float | None = None
    within_15: float | None = None
    within_20: float | None = None


@event("rollback.measured")
@value
class RollbackMeasured:
    """A rollback or a drill of one that was carried out to its end. `source` is real, canary or simulated; `speed` of a
    drill is 1 in real time. `steps` are (step, seconds): how long the whole waited for it. `quantile` is where its
    length fell in what was predicted (0 to 1); None where nothing was. `human` are the steps that people carried
    out."""

    run: str
    seconds: float
    source: str
    playbook: str
    playbook_hash: str
    steps: tuple[tuple[str, float], ...]
    phase: float | None = None
    speed: float = 1.0
    quantile: float | None = None
    human: tuple[str, ...] = ()


@event("proof.renewed")
@value
class ProofRenewed:
    """Something was tried and worked. `source` is real, canary or simulated."""

    name: str
    evidence: str
    source: str
    expires_at: datetime | None = None
    seconds: float | None = None
    """How long it took."""
    basis: str = ""
    """What it was proven of, in words: of another provider, flag or rota it says nothing. Empty: of any."""


@event("proof.broken")
@value
class ProofBroken:
    """It was tried and did not work."""

    name: str
    evidence: str
    source: str
