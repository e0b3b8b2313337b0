"""What is known against the next phase before anybody sends it: the findings, the share, the way back."""

from __future__ import annotations

from datetime import datetime

from console.model.board import Board
from console.model.progress import Progress
from console.view import decision, rollback
from console.view.line import EMPTY, Line, Tone, clip, line, span
from console.view.look import Look
from console.view.rollout_words import ANSWERS, percent

ROWS = 3
"""Criteria that hold it up, of which a form has a row each."""


def doubts(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """GO, HOLD or NO-GO by the evidence with what holds it up; a share that is another one than is set; whether there
    is a way back. The rules look again: what is said here is what was on the screen."""
    progress = board.progress
    if progress is None:
        return []
    found = [
        *_answer(progress, now, width, look),
        apart(progress, look),
        rollback.verdict(board.readiness, now, width, look),
    ]
    return [clip(item, width) for item in found if item]


def _answer(progress: Progress, now: datetime, width: int, look: Look) -> list[Line]:
    proposal = progress.proposal
    if proposal is None:
        why = progress.unjudged or "no criterion was looked at"
        return [line(span(f"{look.marks.unknown} Nothing is known of the evidence: {why}.", Tone.UNKNOWN))]
    word, tone = ANSWERS[proposal.answer]
    head = line(look.marks.of(tone), span(f"{decision.step(proposal)}: ", Tone.STRONG), span(word, tone))
    told = line(head, f"  {decision.counted(proposal)}")
    held = [item for item in decision.ordered(proposal) if item in proposal.holding]
    rows = [decision.row(item, now, width, look) for item in held[:ROWS]]
    more = line(span(f"  V shows {len(held) - ROWS} more", Tone.UNKNOWN)) if len(held) > ROWS else EMPTY
    return [told, *rows, more]


def apart(progress: Progress, look: Look) -> Line:
    """That the traffic does not go where it is set to, or that nobody knows; empty where it does, and where that is
    said above everything else already."""
    record, seen = progress.record, progress.share
    if record.disagrees_since is not None or record.percent is None:
        return EMPTY
    if seen.value is None or not seen.ok:
        word = "UNKNOWN" if seen.value is None else f"{seen.value:.1f} %, {seen.state.replace('_', ' ')}"
        return line(
            look.marks.of(Tone.UNKNOWN), span(f"The measured share is {word}", Tone.UNKNOWN), f": {seen.source}"
        )
    if progress.plan.agrees(record.percent, seen.value):
        return EMPTY
    points = abs(seen.value - record.percent)
    return line(
        look.marks.of(Tone.WARNING),
        span(f"The traffic DISAGREES by {points:.1f} points", Tone.WARNING),
        f": set {percent(record.percent)}, measured {seen.value:.1f} %",
    )
