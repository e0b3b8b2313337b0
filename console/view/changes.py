"""The ledger of temporary changes: who altered what, until when, how it is undone, and whether anybody knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from console.model.board import Board
from console.model.change import Change, ChangeStatus
from console.view.line import Line, Tone, fit, labelled, line, span, spread
from console.view.look import Look
from console.view.times import age, count, span_of, stamp

SOON = timedelta(minutes=10)
UNKNOWN = (ChangeStatus.INTENDED, ChangeStatus.UNDOING)
"""States in which an answer is missing: nobody knows whether it is in force."""


def ordered(changes: Iterable[Change], now: datetime) -> list[Change]:
    """What nobody knows first, then what is owed by how soon it ends, then the rest, newest first."""
    far = now + timedelta(days=36500)

    def key(change: Change) -> tuple[int, float]:
        if change.owed(now):
            return (0 if change.state in UNKNOWN else 1), (change.expires_at or far).timestamp()
        return (2 if change.in_force(now) else 3), -change.made_at.timestamp()

    return sorted(changes, key=key)


def word(change: Change, now: datetime) -> tuple[str, Tone]:
    """Its state, loud where nobody knows it."""
    if change.state in UNKNOWN and change.in_force(now):
        asked = "" if change.state is ChangeStatus.INTENDED else " of undoing"
        return f" OUTCOME{asked.upper()} UNKNOWN ", Tone.ALARM
    if change.state is ChangeStatus.HANDED_OVER:
        return f"{change.handed_to} owes it", Tone.NORMAL
    if not change.in_force(now) and change.state is ChangeStatus.IN_FORCE:
        return "expired", Tone.DIM
    tone = Tone.WARNING if change.owed(now) else Tone.DIM
    return change.state.value, tone


def expiry(change: Change, now: datetime) -> Line:
    """When it ends by itself."""
    if not change.in_force(now):
        return ()
    if change.expires_at is None:
        return line(span("no end", Tone.WARNING))
    left = change.expires_at - now
    if left < SOON:
        return line(span(f"ends in {count(left)}", Tone.WARNING))
    return line(span(f"ends in {span_of(left)}", Tone.NORMAL))


def row(change: Change, board: Board, now: datetime, width: int, look: Look) -> Line:
    """One change on one line: state, kind, what, where, who, since, and its end at the right."""
    state, tone = word(change, now)
    incident = board.incident(change.incident)
    tied = f" {incident.label}" if incident is not None else ""
    mark = Tone.UNKNOWN if tone is Tone.ALARM else Tone.WARNING if change.owed(now) else Tone.DIM
    sign = span(look.marks.coming + " ", Tone.DIM) if mark is Tone.DIM else look.marks.of(mark)
    left = line(
        sign,
        span(f"{fit(change.label, 7)} ", Tone.STRONG),
        span(f"{state} ", tone),
        span(f"{change.kind} ", Tone.ACCENT),
        change.what.removeprefix(f"{change.kind} "),
        span(f" on {change.target}, {change.made_by.name}, {age(change.made_at, now, look)}{tied}", Tone.DIM),
    )
    return spread(left, expiry(change, now), width)


def details(change: Change, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """One change in full."""
    state, tone = word(change, now)
    incident = board.incident(change.incident)
    end = stamp(change.expires_at) if change.expires_at else "it does not end by itself"
    lines = [
        line(span(f"{change.label} {change.kind} ", Tone.STRONG), span(state, tone)),
        (),
        *labelled("what", change.what, width, 12),
        *labelled("target", change.target, width, 12),
        *labelled("undo", change.undo, width, 12, Tone.STRONG),
        *labelled("made", f"{stamp(change.made_at)} by {change.made_by}", width, 12),
        *labelled("ends", line(end, "  ", expiry(change, now)), width, 12),
        *labelled("incident", incident.label if incident is not None else "none", width, 12),
        *labelled("far side", change.remote or "no id", width, 12),
        *labelled("answer", change.answer or "none yet", width, 12),
    ]
    if change.handed_to:
        lines += labelled("owed by", change.handed_to, width, 12)
    if change.ended_at is not None:
        lines += labelled("ended", f"{stamp(change.ended_at)} by {change.ended_by}", width, 12)
    if tone is Tone.ALARM:
        text = (
            "The far side has not said whether it was done. Look there, then settle it with what you see; nothing is "
        )
        lines += [(), *labelled("", text + "repeated by itself.", width, 0, Tone.WARNING)]
    return lines


def owed(board: Board, incident: str, now: datetime) -> list[Change]:
    """What somebody of this incident still has to undo or to hand over."""
    return ordered((item for item in board.changes if item.incident == incident and item.owed(now)), now)


def counts(changes: Iterable[Change], now: datetime) -> Line:
    """How many are owed, and how many nobody knows."""
    due = [change for change in changes if change.owed(now)]
    unknown = sum(change.state in UNKNOWN for change in due)
    loud = span(f" {unknown} OUTCOME UNKNOWN ", Tone.ALARM) if unknown else ""
    return line(span(f"{len(due)} to undo or hand over ", Tone.WARNING if due else Tone.DIM), loud)
