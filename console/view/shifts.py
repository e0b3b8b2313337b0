"""The shift: who is on, what must be watched, what is being handed over."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from console.model.board import Board
from console.model.shift import Handoff, WatchItem
from console.view.line import Line, Tone, clip, fit, labelled, line, span
from console.view.look import Look
from console.view.times import age, clock, stamp

KIND = 10
"""Cells of the column that names an item's kind."""


class Entry(NamedTuple):
    """A row of the shift's screen: `kind` is watch or item; `id` is unique among both."""

    kind: str
    id: str
    ref: str
    row: Line
    text: str


def summary(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """Who is on shift, and the handoffs that wait for an answer."""
    shift = board.shift
    if shift is None:
        lines = [
            line(
                look.marks.of(Tone.WARNING),
                span("Nobody is on shift. b begins one as ", Tone.WARNING),
                str(board.actor),
            )
        ]
    else:
        mine = " (you)" if shift.operator == board.actor.name else ""
        lines = [
            line(
                span(f"{shift.operator}{mine} ", Tone.STRONG),
                f"on shift since {stamp(shift.began_at)}, {age(shift.began_at, now, look)}",
            )
        ]
        for at, who, text in shift.notes[-3:]:
            lines.append(clip(line(span(f"{clock(at)} {who} ", Tone.DIM), text), width))
    for handoff in board.handoffs:
        if handoff.open:
            lines += offer(handoff, board, width)
    return [clip(item, width) for item in lines]


def offer(handoff: Handoff, board: Board, width: int) -> list[Line]:
    """One open handoff: from whom to whom, how much of it is answered, and what to do next."""
    left = len(handoff.pending)
    mine = handoff.to == board.actor.name
    next_step = f"{left} of {len(handoff.items)} items wait for {handoff.to}"
    if not left:
        next_step = (
            "every item is accepted: t takes the shift"
            if mine
            else f"every item is accepted: {handoff.to} takes the shift"
        )
    at = clock(handoff.offered_at)
    head = line(span(f"{handoff.label} ", Tone.ACCENT), f"offered by {handoff.offered_by} to {handoff.to} at {at}")
    then = line(span(f"  {next_step}", Tone.STRONG))
    body = labelled("summary", handoff.summary, width)[:3] if handoff.summary else []
    return [head, then, *body]


def entries(board: Board, now: datetime, width: int, look: Look) -> list[Entry]:
    """Items of the open handoffs, then the open watch items."""
    found = []
    for handoff in board.handoffs:
        for item in handoff.items if handoff.open else ():
            answer = handoff.answers.get(item.id)
            word, tone = (
                ("waits", Tone.WARNING)
                if answer is None
                else (answer.answer, Tone.OK if answer.answer == "accepted" else Tone.CRITICAL)
            )
            mark = look.marks.of(tone) if answer is not None else span(look.marks.here + " ", Tone.WARNING)
            said = f" [{answer.read_back}]" if answer is not None and answer.read_back else ""
            actions = f"; {item.actions}" if item.actions else ""
            row = line(
                mark,
                span(fit(word, 10), tone),
                span(fit(item.kind, KIND), Tone.DIM),
                item.text,
                span(actions + said, Tone.DIM),
            )
            found.append(Entry("item", f"{handoff.id}/{item.id}", handoff.id, clip(row, width), item.text))
    if board.shift is not None:
        found += [
            Entry("watch", item.id, item.id, clip(watch_row(item, now, look), width), item.text)
            for item in board.shift.open_watch
        ]
    return found


def watch_row(item: WatchItem, now: datetime, look: Look) -> Line:
    """One watch item."""
    until = f"until {clock(item.until)}" if item.until else "open end"
    over = item.until is not None and item.until < now
    mark = look.marks.of(Tone.WARNING) if over else span(look.marks.coming + " ", Tone.DIM)
    return line(
        mark,
        span(fit(item.id, 10), Tone.NORMAL),
        span(fit("watch", KIND), Tone.DIM),
        item.text,
        span(
            f"  {until}{' PASSED' if over else ''}, added {age(item.added_at, now, look)} ago by {item.by.name}",
            Tone.DIM,
        ),
    )
