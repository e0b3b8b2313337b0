"""Sources and components: what we hear, from whom, and how long ago."""

from __future__ import annotations

from datetime import datetime

from console.model.board import Board, Health, SourceStatus
from console.model.reading import ReadingState
from console.view.line import Line, Tone, clip, cut, fit, flow, line, span
from console.view.look import STATE_WORDS, Look, state_tone
from console.view.times import age, count, span_of
from console.view.values import why

_NOTE = 40
"""Columns of a note where there is little room."""


def source_row(source: SourceStatus, now: datetime, width: int, look: Look) -> Line:
    """One source on one line: state, age, error, next try."""
    tone = state_tone(source.state)
    said = _reason(source) or source.note
    rest = f" {said}" if said else ""
    if source.blind and look.seconds and source.next_try_at is not None and source.next_try_at > now:
        rest += f"; next try in {count(source.next_try_at - now)}"
    return clip(
        line(
            look.marks.of(tone),
            span(fit(source.name, 13) + " ", Tone.NORMAL),
            span(fit(STATE_WORDS[source.state], 11) + " ", Tone.DIM if tone is Tone.OK else tone),
            span(fit(age(source.at, now, look), 8), Tone.DIM),
            span(rest, Tone.WARNING),
        ),
        width,
    )


def _reason(source: SourceStatus) -> str:
    """What is wrong, without the source's own name and address before it: there is no room for what is known."""
    name, known, reason = source.error.partition("): ")
    return reason if known and name.startswith(f"{source.name} (") else source.error


def health_word(health: Health, now: datetime, look: Look) -> tuple[Tone, str]:
    """How a component stands, in a tone and a word. Up is OK only while it was just read."""
    if health.up.value is None:
        return Tone.UNKNOWN, why(health.up, now, look) or "unknown"
    if health.up.value is False:
        down = health.down_for(now)
        length = f" {span_of(down, seconds=look.seconds)}" if down is not None else ""
        return (Tone.CRITICAL if health.critical(now) else Tone.WARNING), f"DOWN{length}"
    if not health.up.ok:
        return Tone.UNKNOWN, f"up, {why(health.up, now, look)}"
    return Tone.OK, "up"


def health_row(health: Health, now: datetime, width: int, look: Look) -> Line:
    """One component on one line."""
    tone, word = health_word(health, now, look)
    legacy = span("  legacy path", Tone.DIM) if health.legacy else ""
    note = span(f"  {health.up.note}", Tone.DIM) if health.up.note and health.up.value is not True else ""
    name = span(fit(health.component, 19) + " ", Tone.NORMAL)
    return clip(line(look.marks.of(tone), name, span(word, tone), note, legacy), width)


def brief(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """All sources and components side by side, worst kept in words."""
    pieces = []
    for source in board.sources:
        tone = state_tone(source.state)
        word = age(source.at, now, look)
        if source.state is not ReadingState.OK:
            word = f"{STATE_WORDS[source.state]} {word}"
        elif source.note:
            tone, word = Tone.WARNING, f"{word}, {cut(source.note, _NOTE)}"
        pieces.append(line(look.marks.of(tone), source.name, span(f" {word}", Tone.DIM if tone is Tone.OK else tone)))
    components = []
    for health in board.health:
        tone, word = health_word(health, now, look)
        components.append(line(look.marks.of(tone), health.component, span(f" {word}", tone)))
    return [*flow(pieces, width), *flow(components, width)]


def lines(board: Board, now: datetime, width: int, look: Look, *, roomy: bool) -> list[Line]:
    """Sources, then components, without a heading."""
    if not board.sources:
        return [line(span("No source is configured: nothing here can be relied on.", Tone.WARNING))]
    if not roomy:
        return brief(board, now, width, look)
    return [
        *(source_row(source, now, width, look) for source in board.sources),
        *(health_row(health, now, width, look) for health in board.health),
    ]
