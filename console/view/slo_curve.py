"""What is drawn over time of an objective: its good share, and what was left of its budget.

The budget is that of the present window: whole at its begin, and as the gauge says at its end. What was not seen is a
gap, and no line is drawn over it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from console.model.sli import Part
from console.model.slices import SLICE, History, Slice, instant
from console.model.slo import Objective
from console.model.window import Calendar
from console.view.line import Line, Tone, fit, line, span
from console.view.look import Look
from console.view.values import number, share


class Zoom(NamedTuple):
    """How much of the time is shown; None: the objective's window."""

    name: str
    length: timedelta | None


ZOOMS = (
    Zoom("1 h", timedelta(hours=1)),
    Zoom("6 h", timedelta(hours=6)),
    Zoom("1 d", timedelta(days=1)),
    Zoom("3 d", timedelta(days=3)),
    Zoom("window", None),
)


class Piece(NamedTuple):
    """One bucket of time: the good share in it, None where nothing was seen or nothing happened, and the share of the
    budget that was left at its begin and at its end, None where that was not seen."""

    begin: datetime
    end: datetime
    good: float | None
    before: float | None
    after: float | None


class Curve(NamedTuple):
    """What is drawn from `start` to `end`, in buckets of the same length."""

    start: datetime
    end: datetime
    target: float
    pieces: tuple[Piece, ...]
    unseen: int
    """Slices of the span that were not seen."""


def span_shown(objective: Objective, now: datetime, zoom: Zoom) -> tuple[datetime, datetime]:
    """From when to when, at `now`: never more than the window so far."""
    begin, _ = objective.window.span(now)
    start = begin if zoom.length is None else max(begin, now - zoom.length)
    return min(start, now - timedelta(seconds=SLICE)), now


def bad_of(item: Slice, counts: Part) -> float | None:
    """How much of a slice was bad; None where it cannot be said."""
    if item.part is None:
        return None if counts is Part.GOOD and item.total > 0 else 0.0
    return max(0.0, item.part if counts is Part.BAD else item.total - item.part)


def curve(objective: Objective, history: History, now: datetime, zoom: Zoom, columns: int) -> Curve:
    """Two buckets for each column at most, and none shorter than a slice."""
    start, end = span_shown(objective, now, zoom)
    begin, finish = objective.window.span(now)
    slices = history.slices
    total = sum(item.total for item in slices if item is not None)
    if isinstance(objective.window, Calendar) and now > begin:
        total *= (finish - begin) / (now - begin)  # as much traffic to come as there was, as the gauge has it
    allowed = total * objective.budget
    first = max(0, int((start - instant(history.first)).total_seconds() // SLICE))
    size = max(1, -(-(len(slices) - first) // max(2 * columns, 1)))
    spent, pieces, unseen = 0.0, [], 0
    for item in slices[:first]:
        spent += (bad_of(item, history.counts) or 0.0) if item is not None else 0.0
    for place in range(first, len(slices), size):
        several = slices[place : place + size]
        seen = [item for item in several if item is not None]
        unseen += len(several) - len(seen)
        bads = [bad for item in seen if (bad := bad_of(item, history.counts)) is not None]
        before = spent
        spent += sum(bads)
        whole = 2 * len(bads) >= len(several)
        events = sum(item.total for item in seen)
        pieces.append(
            Piece(
                instant(history.first + place),
                instant(history.first + place + len(several)),
                1.0 - sum(bads) / events if events > 0 and whole else None,
                1.0 - before / allowed if allowed > 0 and whole else None,
                1.0 - spent / allowed if allowed > 0 and whole else None,
            )
        )
    return Curve(start, end, objective.target, tuple(pieces), unseen)


def lowest(found: Curve) -> float:
    """Where the axis of the good share begins: the budget below the objective is in sight always."""
    seen = [piece.good for piece in found.pieces if piece.good is not None]
    low = min([*seen, found.target - (1.0 - found.target)])
    return max(0.0, low - 0.05 * (1.0 - low))


def scale(found: Curve, zoom: Zoom) -> tuple[float, float]:
    """From where to where the axis of the budget goes: over the window from nothing to all of it, over less time what
    is seen, and never less than five percent of the budget."""
    seen = [share for piece in found.pieces for share in (piece.before, piece.after) if share is not None]
    low, high = min(seen, default=0.0), max(seen, default=1.0)
    if zoom.length is None or not seen:
        return min(0.0, low), 1.0
    room = max(0.05, 1.1 * (high - low)) - (high - low)
    return low - room / 2, min(1.0, high + room / 2)


def _bars(
    values: list[tuple[datetime, float | None]], low: float, high: float, found: Curve, columns: int, look: Look
) -> str:
    placed: dict[int, float] = {}
    for at, value in values:
        if value is not None and found.start <= at <= found.end:
            place = min(int((at - found.start) / (found.end - found.start) * columns), columns - 1)
            placed[place] = min(value, placed.get(place, value))
    steps = len(look.marks.spark) - 1
    drawn, last = "", None
    width = (found.pieces[0].end - found.pieces[0].begin) / (found.end - found.start) * columns if found.pieces else 1
    for place in range(columns):
        if place in placed:
            last = place
        shown = placed.get(place)
        if shown is None and last is not None and place - last < width:
            shown = placed[last]  # a bucket wider than a column
        share_up = 0.0 if shown is None else min(max((shown - low) / ((high - low) or 1.0), 0.0), 1.0)
        drawn += look.marks.coming if shown is None else look.marks.spark[round(share_up * steps)]
    return drawn


def sparklines(found: Curve, zoom: Zoom, columns: int, look: Look, label: int) -> list[Line]:
    """Both curves in a line each, the worst of each column, for a terminal that draws no finer; a gap is a dot."""
    (bottom, top), low = scale(found, zoom), lowest(found)
    left = _bars([(piece.begin, piece.after) for piece in found.pieces], bottom, top, found, columns, look)
    good = _bars([(piece.begin, piece.good) for piece in found.pieces], low, 1.0, found, columns, look)
    return [
        line(span(f"budget left, from {number(bottom * 100, 1)} to {number(top * 100, 1)} %", Tone.DIM)),
        line(span(fit("budget", label), Tone.DIM), span(left, Tone.ACCENT)),
        line(span(f"good share, from {share(low)} to 100 %, objective {share(found.target)}", Tone.DIM)),
        line(span(fit("SLI", label), Tone.DIM), span(good, Tone.NORMAL)),
    ]
