"""The fold of what proves that a rollback is possible: the newest try of each proof counts."""

from __future__ import annotations

from dataclasses import replace

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.rules import Rules
from console.model.rollback import BY_PEOPLE, Source, StandingProof

RULES = Rules(blank=StandingProof)


@RULES.changed(ev.EffectIntended)
def _trying(proof: StandingProof, recorded: Recorded, payload: ev.EffectIntended) -> StandingProof:
    return replace(proof, trying=payload.effect, tried_at=recorded.occurred_at)


@RULES.changed(ev.EffectFinished)
def _tried(proof: StandingProof, _: Recorded, payload: ev.EffectFinished) -> StandingProof:
    return replace(proof, trying="", tried_at=None) if payload.effect == proof.trying else proof


@RULES.changed(ev.ProofRenewed)
def _renewed(proof: StandingProof, recorded: Recorded, payload: ev.ProofRenewed) -> StandingProof:
    source = _source(recorded, payload.source)
    simulated = source == Source.SIMULATED and recorded.mode == "live"
    if (simulated and payload.name not in BY_PEOPLE) or _late(proof, recorded):
        return proof  # No machine was proven by what was simulated.
    return replace(
        proof,
        at=recorded.occurred_at,
        by=recorded.actor.name,
        evidence=payload.evidence,
        source=source,
        expires_at=payload.expires_at,
        seconds=payload.seconds,
        basis=payload.basis,
        broken_at=None,
        error="",
        broken_by="",
    )


@RULES.changed(ev.ProofBroken)
def _broken(proof: StandingProof, recorded: Recorded, payload: ev.ProofBroken) -> StandingProof:
    if _late(proof, recorded):
        return proof
    source = _source(recorded, payload.source)
    return replace(proof, broken_at=recorded.occurred_at, error=payload.evidence, broken_by=source)


def _source(recorded: Recorded, source: str) -> str:
    """Whatever is tried in a demo or a drill is tried on a simulation."""
    return source if recorded.mode == "live" else Source.SIMULATED.value


def _late(proof: StandingProof, recorded: Recorded) -> bool:
    """Whether it waited in a spool until something newer was known."""
    last = max((at for at in (proof.at, proof.broken_at) if at is not None), default=recorded.occurred_at)
    return recorded.occurred_at < last
