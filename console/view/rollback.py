"""Can we roll back right now, and how do we know? Nothing here is invented: what was not proven says so."""

from __future__ import annotations

from datetime import datetime

from console.model.rollback import Can, Proof, ProofState, Readiness
from console.view.line import Line, Tone, clip, fit, flow, line, span
from console.view.look import Look
from console.view.times import age

TIME_UNKNOWN = "TIME unknown: no rollback measured yet"
_CAN = {Can.YES: ("YES", Tone.OK), Can.NO: ("NO", Tone.CRITICAL), Can.UNVERIFIED: ("UNVERIFIED", Tone.UNKNOWN)}
_TONES = {
    ProofState.PROVEN: Tone.OK,
    ProofState.FAILED: Tone.CRITICAL,
    ProofState.EXPIRED: Tone.UNKNOWN,
    ProofState.UNKNOWN: Tone.UNKNOWN,
}


def verdict(readiness: Readiness, width: int, look: Look) -> Line:
    """CAN ROLL BACK, in one word, with how much of it is proven."""
    word, tone = _CAN[readiness.can]
    proven = sum(1 for proof in readiness.proofs if proof.state is ProofState.PROVEN)
    total = len(readiness.proofs)
    return clip(
        line(
            look.marks.of(tone),
            span("CAN ROLL BACK: ", Tone.STRONG),
            span(word, tone),
            span(f" ({proven}/{total} proven) ", Tone.NORMAL),
            span(TIME_UNKNOWN, Tone.UNKNOWN),
        ),
        width,
    )


def proof_row(proof: Proof, now: datetime, width: int, look: Look) -> Line:
    """One proof on one line, with its evidence and age."""
    tone = _TONES[proof.state]
    seen = f" ({age(proof.at, now, look)} ago)" if proof.at is not None else ""
    word = proof.state.value if proof.state is ProofState.PROVEN else proof.state.value.upper()
    return clip(
        line(
            look.marks.of(tone),
            span(fit(word, 8) + " ", tone),
            span(fit(proof.title, 33) + " ", Tone.NORMAL),
            span(proof.evidence + seen, Tone.DIM),
        ),
        width,
    )


def brief(readiness: Readiness, now: datetime, width: int, look: Look) -> list[Line]:
    """The proofs side by side: each proven, failed or expired one with its age, the unknown ones by name."""
    pieces = []
    for proof in readiness.proofs:
        if proof.state is ProofState.UNKNOWN:
            continue
        tone = _TONES[proof.state]
        word = "" if proof.state is ProofState.PROVEN else f" {proof.state.value.upper()}"
        seen = span(f" {age(proof.at, now, look)}", Tone.DIM)
        pieces.append(line(look.marks.of(tone), span(proof.title + word, Tone.NORMAL if not word else tone), seen))
    unknown = [proof.name for proof in readiness.proofs if proof.state is ProofState.UNKNOWN]
    if unknown:
        pieces.append(line(look.marks.of(Tone.UNKNOWN), span("unknown: " + ", ".join(unknown), Tone.UNKNOWN)))
    return flow(pieces, width)


def lines(readiness: Readiness, now: datetime, width: int, look: Look, *, roomy: bool) -> list[Line]:
    """The verdict and the proofs: one line each where there is room."""
    head = verdict(readiness, width, look)
    if roomy:
        return [head, *(proof_row(proof, now, width, look) for proof in readiness.proofs)]
    return [head, *brief(readiness, now, width, look)]
