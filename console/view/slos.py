"""SLO gauges: value against objective, what is left of the error budget, burn rate, trend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.model.board import Board
from console.model.reading import Reading, ReadingState
from console.model.slo import PAGE_BURN, TICKET_BURN, SloGauge
from console.view.line import Line, Tone, clip, fit, line, line_width, span
from console.view.look import STATE_WORDS, Look, Marks
from console.view.times import age
from console.view.values import number, share, shown, why


def verdict(gauge: SloGauge) -> tuple[Tone, str]:
    """How an objective stands, in a tone and a word. OK needs an ok value and an ok burn rate."""
    burn, left, ratio = gauge.burn.value, gauge.budget_left.value, gauge.ratio
    if left is not None and left <= 0:
        return Tone.CRITICAL, "SPENT"
    if burn is not None and burn >= PAGE_BURN:
        return Tone.CRITICAL, "FAST BURN"
    if burn is not None and burn > TICKET_BURN:
        return Tone.WARNING, "BURNING"
    if ratio.value is not None and ratio.value < gauge.objective.target:
        return Tone.WARNING, "BELOW"
    worst = ratio if not ratio.ok else gauge.burn
    if not worst.ok:
        return Tone.UNKNOWN, STATE_WORDS[worst.state].upper()
    return Tone.OK, "ok"


def sparkline(trend: Sequence[float | None], cells: int, marks: Marks, target: float) -> str:
    """The newest `cells` slices. The foot is twice the error budget below 1; a gap is `·`."""
    low = min(0.999999, 1 - 2 * (1 - target))
    steps = len(marks.spark) - 1
    drawn = ""
    for value in list(trend)[-cells:] if cells > 0 else []:
        if value is None:
            drawn += marks.coming
        else:
            drawn += marks.spark[round(min(max((value - low) / (1 - low), 0.0), 1.0) * steps)]
    return drawn


def _cell(reading: Reading[float], text: str, tone: Tone, width: int) -> Line:
    if reading.value is None:
        word = STATE_WORDS[reading.state]
        return line(span(fit(word if len(word) < width else "?", width), Tone.UNKNOWN))
    if not reading.ok and tone in (Tone.OK, Tone.NORMAL):
        tone = Tone.DIM
    return line(span(fit(text, width), tone))


def row(gauge: SloGauge, now: datetime, width: int, look: Look) -> Line:
    """One gauge on one line of about 80 cells; the sparkline takes what is left."""
    tone, word = verdict(gauge)
    target = gauge.objective.target
    value = "" if gauge.ratio.value is None else f"{share(gauge.ratio.value)} "
    sign = look.marks.below if gauge.ratio.value is not None and gauge.ratio.value < target else look.marks.at_least
    left, burn = gauge.budget_left, gauge.burn
    left_tone = Tone.CRITICAL if (left.value or 0) < 0 else Tone.NORMAL
    budget = "" if left.value is None else f"{number(left.value * 100, 0)} %"
    rate = "" if burn.value is None else f"{number(burn.value, 1)}{look.marks.times}"
    value_cell = _cell(gauge.ratio, f"{value}{sign} {share(target)}", Tone.NORMAL, 19)
    if gauge.ratio.value is None:
        value_cell = line(span(fit("no value", 19), Tone.UNKNOWN))
    body = line(
        look.marks.of(tone),
        span(fit(gauge.objective.title, 16 if width < 92 else 21) + " ", Tone.STRONG),
        span(fit(word, 12), tone),
        value_cell,
        span("budget ", Tone.DIM),
        _cell(left, budget, left_tone, 6),
        span("burn ", Tone.DIM),
        _cell(burn, rate, tone if tone is not Tone.OK else Tone.NORMAL, 6),
    )
    note = _note(gauge, now, look)
    room = width - line_width(body) - 1
    spark = sparkline(gauge.trend, min(room, 24), look.marks, target)
    if note and room - len(spark) > len(note) + 2:
        return clip(line(body, span(spark + " ", Tone.DIM), span(note, Tone.UNKNOWN)), width)
    return clip(line(body, span(spark, Tone.DIM)), width)


def _note(gauge: SloGauge, now: datetime, look: Look) -> str:
    """Why the value is less than ok, in a few words."""
    return "" if gauge.ratio.ok else gauge.ratio.note or why(gauge.ratio, now, look)


def coverage(board: Board) -> str:
    """Why the budgets are less than ok, where it is the same for all: `budget covers 1 of 30 d`."""
    notes = {gauge.budget_left.note for gauge in board.slos if gauge.budget_left.state is ReadingState.PARTIAL}
    return f"budget {notes.pop()}" if len(notes) == 1 else ""


def gauges(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """All gauges, without a heading."""
    if not board.slos:
        return [line(span("No SLO is configured: add one under slo/ in the configuration.", Tone.UNKNOWN))]
    return [row(gauge, now, width, look) for gauge in board.slos]


def source_of(board: Board) -> tuple[str, ReadingState]:
    """Where the gauges come from, and the worst state among them."""
    readings = [gauge.ratio for gauge in board.slos]
    names = sorted({reading.source for reading in readings if reading.source})
    states = [reading.state for reading in readings] or [ReadingState.NO_DATA]
    return ", ".join(names) or "no source", max(states, key=list(ReadingState).index)


def sentence(gauge: SloGauge, now: datetime, look: Look) -> str:
    """One gauge as a sentence, for plain output."""
    _, word = verdict(gauge)
    parts = [f"{gauge.objective.title}: {word}"]
    for name, reading, write in (
        ("value", gauge.ratio, share),
        ("budget left", gauge.budget_left, lambda value: f"{number(value * 100, 0)} %"),
        ("burn rate", gauge.burn, lambda value: f"{number(value, 1)}x"),
    ):
        text = "".join(piece.text for piece in shown(reading, write, now, look))
        note = f" ({reading.note})" if reading.note and not reading.ok else ""
        parts.append(f"{name} {text}{note}")
    seen = f"read {age(gauge.ratio.at, now, look)} ago" if gauge.ratio.at else "never read"
    return ", ".join([parts[0], f"objective {share(gauge.objective.target)}", *parts[1:], seen])
