"""The Overview's panels put together: a stack of headed panels for one column."""

from __future__ import annotations

from datetime import datetime

from console.model.board import Board
from console.view import rollback, rollout, slos, sources
from console.view.incidents import deadlines
from console.view.line import Line, Tone, first_fit, line, span
from console.view.look import Look
from console.view.rollout_words import counts_down, urgent
from console.view.step_card import card
from console.view.times import age
from console.view.values import evidence, heading


def panels(board: Board, now: datetime, width: int, look: Look, *, roomy: bool, most: int = 1_000) -> list[Line]:
    """SLOs, rollout and rollback readiness, one under the other. `roomy` gives each proof a line of its own; of more
    than `most` SLOs, those that burn most are shown."""
    name, state = slos.source_of(board)
    at = min((gauge.ratio.at for gauge in board.slos if gauge.ratio.at), default=None)
    read = evidence(name, state, at, now, look)
    covered = slos.coverage(board)
    opens, covers = line(span("9 opens  ", Tone.DIM)), line(span(f"{covered}  " if covered else "", Tone.UNKNOWN))
    read = first_fit(width - 6, line(opens, covers, read), line(covers, read), read)
    lines = [heading("SLO", read, width, look), *slos.gauges(board, now, width, look, most)]
    if roomy:
        lines.append(())
    end: Line = ()
    plan = ""
    if board.rollout is not None:
        percent = board.rollout.percent
        plan = f" {board.rollout.plan.name}"
        read = evidence(percent.source or "no source", percent.state, percent.at, now, look)
        opens = line(span("0 opens  ", Tone.DIM))
        end = first_fit(width - 10 - len(plan), line(opens, read), read)
    lines += [heading(f"ROLLOUT{plan}", end, width, look), *rollout.lines(board, now, width, look, roomy=roomy)]
    if roomy:
        lines.append(())
    lines += [
        heading("ROLLBACK", line(span("B opens", Tone.DIM)), width, look),
        *rollback.lines(board.readiness, now, width, look, roomy=roomy),
    ]
    return lines


def side(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """Sources and components, what is due, what is watched: the column for wide screens."""
    lines = [heading("SOURCES", (), width, look), *sources.lines(board, now, width, look, roomy=True), ()]
    if board.shift is not None and board.shift.open_watch:
        lines.append(heading("WATCH", (), width, look))
        for item in board.shift.open_watch[:6]:
            lines.append(
                line(span(f"{item.id} ", Tone.DIM), item.text, span(f" {age(item.added_at, now, look)}", Tone.DIM))
            )
    return lines


def present_step(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """The step that holds up the newest running playbook, large; nothing when none runs."""
    running = [run for run in board.runs if run.ended_at is None and run.current is not None]
    if not running or running[-1].current is None:
        return []
    run, step = running[-1], running[-1].playbook.step(running[-1].current.id)
    end = line(span("3 opens the checklist", Tone.DIM))
    return [
        (),
        heading(f"{run.label} {run.playbook.title.upper()}", end, width, look),
        *card(run, step, board, now, width, look, 14),
    ]


def urgent_rows(board: Board, now: datetime, *, roomy: bool) -> int:
    """Rows that the rollout takes at most beyond those that it always has."""
    return 0 if urgent(board, now) is None else 2 if roomy else 1


def counting(board: Board, now: datetime) -> bool:
    """Whether something on the screen counts in seconds, so that it must be drawn anew every second."""
    runs = any(run.ended_at is None for run in board.runs)
    return bool(deadlines(board)) or runs or counts_down(board, now)
