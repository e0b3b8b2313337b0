"""Readings in words: a value with its evidence, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from console.model.reading import Reading, ReadingState
from console.model.rollout import Level
from console.view.line import Line, Tone, cut, line, span
from console.view.look import STATE_WORDS, Look, state_tone
from console.view.times import age

LEVEL_TONES = {
    Level.OK: Tone.OK,
    Level.WARNING: Tone.WARNING,
    Level.CRITICAL: Tone.CRITICAL,
    Level.UNKNOWN: Tone.UNKNOWN,
    Level.NOT_IN_PHASE: Tone.DIM,
}


_LONG = 1e12
"""From here on a number is not written out."""


def number(value: float, digits: int = 2) -> str:
    """A number with at most `digits` decimals, fewer from 10 on, and no trailing zeros; of what is too long for a line,
    three digits and its power of ten."""
    if abs(value) >= _LONG:
        return f"{value:.3g}"
    digits = min(digits, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else digits)
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(value: float, digits: int = 2) -> str:
    """A ratio in percent, with all its decimals: the last one decides. Never rounded up to 100 %."""
    percent = value * 100
    if abs(percent) >= _LONG:
        return f"{percent:.3g} %"
    text = f"{percent:.{digits}f}"
    if float(text) >= 100 > percent:
        text = f"{100 - 10**-digits:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def why(reading: Reading[Any], now: datetime, look: Look) -> str:
    """What is wrong with a reading in a few words: `STALE, 4 min old`, `no data`. Empty when it is ok."""
    if reading.state is ReadingState.OK:
        return ""
    word = STATE_WORDS[reading.state]
    if reading.state is ReadingState.STALE and reading.at is not None:
        return f"{word}, {age(reading.at, now, look)} old"
    return word


def shown(
    reading: Reading[float], write: Callable[[float], str], now: datetime, look: Look, tone: Tone = Tone.NORMAL
) -> Line:
    """The value, in `tone` only while the reading is ok; dim with its state behind it otherwise."""
    if reading.value is None:
        return line(span(why(reading, now, look) or "no data", Tone.UNKNOWN))
    if reading.ok:
        return line(span(write(reading.value), tone))
    quiet = tone if tone in (Tone.CRITICAL, Tone.WARNING) else Tone.DIM
    return line(span(write(reading.value), quiet), span(f" {why(reading, now, look)}", Tone.UNKNOWN))


def evidence(name: str, state: ReadingState, at: datetime | None, now: datetime, look: Look) -> Line:
    """Source, state and age, for the heading of a panel."""
    tone = state_tone(state)
    text = f"{name} {STATE_WORDS[state]} {age(at, now, look)}"
    return line(look.marks.of(tone), span(text, Tone.DIM if tone is Tone.OK else tone))


def filtered(text: str, shown: int, count: int, width: int = 24) -> Line:
    """That a list shows not all of its rows, and how to see them all; empty where it has no filter."""
    if not text:
        return ()
    return line(span(f"filter {cut(text, width)}: {shown} of {count}; esc clears", Tone.WARNING))


def heading(title: str, end: Line, width: int, look: Look) -> Line:
    """The first line of a panel: its title, a rule, and its evidence at the right."""
    from console.view.line import clip, line_width

    head = line(span(f"{title} ", Tone.TITLE))
    gap = width - line_width(head) - line_width(end) - 1
    if gap < 1:
        return clip((*head, *end), width)
    return (
        (*head, span(look.marks.rule * gap + " ", Tone.DIM), *end)
        if end
        else (
            *head,
            span(look.marks.rule * (gap + 1), Tone.DIM),
        )
    )
