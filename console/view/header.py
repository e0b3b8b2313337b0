"""The line at the top of every screen, and the bars under it that must not be overlooked."""

from __future__ import annotations

from datetime import datetime

from console.model.board import Board
from console.view.line import Line, Tone, clip, first_fit, join, line, line_width, span
from console.view.look import STATE_WORDS, Look
from console.view.times import age, clock, count, local


def tags(board: Board) -> Line:
    """The mode in words, for every screen: LIVE is said quietly, DEMO, DRILL and READ-ONLY are not."""
    mode = board.mode.upper()
    shown = span(mode, Tone.DIM) if mode == "LIVE" else span(f" {mode} ", Tone.TAG)
    return line(shown, " ", span(" READ-ONLY ", Tone.TAG), " ") if board.read_only else line(shown, " ")


def lease(board: Board, look: Look, *, short: bool = False) -> Line:
    """Who escalates: this console, another one, or nobody."""
    if not board.lease.holder:
        return line(look.marks.of(Tone.CRITICAL), span("ESCALATION NOT RUNNING", Tone.ALARM))
    if board.lease.mine:
        return line(span("engine: here" if not short else "engine here", Tone.NORMAL))
    return line(span(f"engine: {board.lease.holder}" if not short else "engine elsewhere", Tone.NORMAL))


def _shift(board: Board, now: datetime, look: Look, *, short: bool = False) -> Line:
    if board.shift is None:
        return line(span("nobody on shift", Tone.WARNING))
    since = "" if short else f" {age(board.shift.began_at, now, look)}"
    return line(f"{board.shift.operator} on shift{since}" if not short else f"shift {board.shift.operator}")


def header(board: Board, now: datetime, width: int, look: Look) -> Line:
    """Mode, target, who escalates, who is on shift, the time in UTC and beside it the reader's own."""
    front = line(tags(board), span(str(board.target), Tone.STRONG))
    utc = line(span(clock(now), Tone.STRONG))
    here = local(now, look.zone)
    both = line(utc, span(f" {here}", Tone.DIM)) if here else utc
    dot = look.marks.dot
    who = f"as {board.actor.name}"
    choices = [
        (join([front, lease(board, look), _shift(board, now, look), line(span(who, Tone.DIM))], dot), both),
        (join([front, lease(board, look), _shift(board, now, look)], dot), both),
        (join([front, lease(board, look, short=True), _shift(board, now, look, short=True)], dot), both),
        (join([front, lease(board, look, short=True), _shift(board, now, look, short=True)], dot), utc),
        (join([front, lease(board, look, short=True)], dot), utc),
    ]
    for left, end in choices:
        gap = width - line_width(left) - line_width(end)
        if gap >= 2:
            return line(left, " " * gap, end)
    return clip(choices[-1][0], width)


def bars(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """What is wrong with the console itself, most dangerous first; nothing when all is well."""
    found: list[Line] = []
    if board.fault:
        found.append(line(span(f" CONSOLE FAULT: {board.fault} ", Tone.ALARM)))
    if board.not_saved:
        found.append(line(span(f" NOT SAVED: {board.not_saved} ", Tone.ALARM)))
    if board.spooled:
        found.append(line(span(f" NOT SAVED in the journal yet: events wait in {board.spooled} ", Tone.ALARM)))
    blind = blind_spots(board, now, width, look)
    return [clip(item, width) for item in (*found, *([blind] if blind else []))]


def blind_spots(board: Board, now: datetime, width: int, look: Look) -> Line:
    """The sources whose silence means nothing, with how long; empty when there are none."""
    if not board.blind_spots:
        return ()
    head = line(look.marks.of(Tone.WARNING), span("BLIND: ", Tone.WARNING))
    full, brief = [], []
    for source in board.blind_spots:
        word = f"{source.name} {STATE_WORDS[source.state]}"
        seen = f" {age(source.at, now, look)}" if source.at is not None else ", never seen"
        again = ""
        if look.seconds and source.next_try_at is not None and source.next_try_at > now:
            again = f", next try in {count(source.next_try_at - now)}"
        error = f" ({source.error}{again})" if source.error else ""
        full.append(line(span(word + seen + error, Tone.WARNING)))
        brief.append(line(span(word + seen, Tone.WARNING)))
    return first_fit(width, line(head, join(full)), line(head, join(brief, look.marks.dot)))
