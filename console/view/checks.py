"""What a step looks at: whether it holds, for how long, with its value and age; and what a reading advises."""

from __future__ import annotations

from datetime import datetime
from math import isfinite

from console.model.board import Board
from console.model.playbook import PROBE, Check, Option
from console.model.reading import Reading, ReadingState
from console.view.line import Line, Span, Tone, line, span
from console.view.look import STATE_WORDS, Look
from console.view.times import age
from console.view.values import number


def named(check: Check) -> str:
    """A check in words: what is read for the step alone is told beside it, and need not be repeated."""
    if not check.watched:
        return str(check)
    held = f" for {check.hold.total_seconds():g} s" if check.hold else ""
    if check.reading.startswith(PROBE):
        return f"it answers so{held}"
    return f"value {check.op} {check.value:g}{held}"


def unverifiable(check: Check, board: Board) -> str:
    """Why nothing can be said of a check now; empty when its reading can be relied on."""
    reading = board.readings.get(check.reading)
    if reading is None:
        return "no such reading"
    if reading.value is None or reading.state is not ReadingState.OK:
        return STATE_WORDS[reading.state]
    return "" if isfinite(reading.value) else "not a number"


def held(check: Check, board: Board, now: datetime) -> bool:
    """Whether a check is seen to hold now, and has for as long as it must."""
    reading = board.readings.get(check.reading)
    if reading is None or reading.value is None or unverifiable(check, board) or not check.holds(reading.value):
        return False
    since = board.held.get(str(check))
    return not check.hold or (since is not None and now - since >= check.hold)


def check_line(check: Check, board: Board, now: datetime, look: Look) -> Line:
    """What a step asks to look at: whether it holds now, for how long already, with the value and its age."""
    reading = board.readings.get(check.reading)
    why = unverifiable(check, board)
    if why:
        seen = f" ({_seen(reading, now, look)})" if reading is not None and reading.value is not None else ""
        text = f"{named(check)}: CANNOT VERIFY, {why}"
        return line(look.marks.of(Tone.UNKNOWN), span(text, Tone.UNKNOWN), span(seen, Tone.DIM))
    assert reading is not None
    assert reading.value is not None  # `unverifiable` looked.
    yes = check.holds(reading.value)
    tone = Tone.OK if yes else Tone.WARNING
    if yes and not held(check, board, now):
        tone = Tone.ACCENT
    word = f"{named(check)}: {'yes' if yes else 'NO'}{_lasting(check, board, now) if yes else ''}"
    mark = look.marks.of(tone) if tone is not Tone.ACCENT else span(f"{look.marks.here} ", tone)
    return line(mark, span(word, tone), span(f" ({_seen(reading, now, look)})", Tone.DIM))


def _seen(reading: Reading[float], now: datetime, look: Look) -> str:
    value = number(reading.value) if reading.value is not None and isfinite(reading.value) else str(reading.value)
    return f"{value}, {age(reading.at, now, look)} old"


def _lasting(check: Check, board: Board, now: datetime) -> str:
    if not check.hold:
        return ""
    whole, since = check.hold.total_seconds(), board.held.get(str(check))
    lasted = min(whole, max(0.0, (now - since).total_seconds())) if since is not None else 0.0
    return f", held for {lasted:.0f} of {whole:g} s"


def advice(option: Option, board: Board) -> tuple[Span | None, str]:
    """What the option's reading says for or against it, as a tag and in words; nothing is ever chosen by it."""
    if option.when is None:
        return None, ""
    reading = board.readings.get(option.when.reading)
    name = "its value" if option.when.watched else option.when.reading
    if reading is None or reading.value is None or unverifiable(option.when, board):
        return None, f"no advice: {name} cannot be relied on now"
    now_is = f"{name} is {number(reading.value)}; this way fits {named(option.when)}"
    if option.when.holds(reading.value):
        return span("ADVISED ", Tone.ACCENT), now_is
    return None, f"not advised: {now_is}"
