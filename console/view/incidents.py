"""Incidents: what is due, the banner of every screen, the list."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from console.model.board import Board
from console.model.incident import QUIET, Incident, IncidentState
from console.model.people import Severity
from console.model.run import RunStatus, StepStatus
from console.view.deliveries import not_sent
from console.view.escalation import next_role
from console.view.line import Line, Tone, clip, cut, fit, join, line, line_width, span, spread
from console.view.look import Look
from console.view.times import age, count, past

APART = timedelta(seconds=60)
"""From here on, when something happened and when it was recorded are shown apart; a countdown warns below it."""
MORE_ROOM = 16
"""Cells from which on a title says something."""


class Deadline(NamedTuple):
    """Something that is due: when, what, in which incident, and in a word for where there is little room."""

    at: datetime
    what: str
    incident: str
    brief: str


def deadlines(board: Board) -> list[Deadline]:
    """All running deadlines of open incidents and their runs, the earliest first; passed ones included."""
    found = [item for incident in board.open_incidents for item in of_incident(incident, board)]
    for run in board.runs:
        if run.status is not RunStatus.RUNNING or run.held_at is not None:
            continue  # on hold no clock of a run runs
        for step in run.active:
            if step.deadline is not None and step.status is StepStatus.ACTIVE:
                title = run.playbook.step(step.id).title
                found.append(Deadline(step.deadline, f"in {title}", run.incident, cut(title, 24)))
    return sorted(found, key=lambda item: item.at)


def of_incident(incident: Incident, board: Board) -> list[Deadline]:
    """The deadlines of an open incident itself: to acknowledge, to tell the next level, to update, to do, to check."""
    label, found = incident.label, []
    answer = incident.acknowledge_by if incident.acknowledged_at is None else None
    loud = incident.state not in QUIET
    if answer and loud:
        found.append(Deadline(answer, f"to acknowledge {label}", incident.id, "acknowledge"))
    if incident.escalate_at and incident.escalate_at != answer and loud:
        role = next_role(incident, board)
        found.append(Deadline(incident.escalate_at, f"to tell {role} of {label}", incident.id, f"tell {role}"))
    if incident.update_due and loud:
        found.append(Deadline(incident.update_due, f"to update {label}", incident.id, "update"))
    for task in incident.tasks.values():
        if task.open and task.due_at is not None:
            found.append(Deadline(task.due_at, f"to do {task.id} of {label}", incident.id, f"task {task.id}"))
    for decision in incident.decisions.values():
        if decision.check_at is not None and decision.observed_at is None:
            what = f"to check {decision.id} of {label}"
            found.append(Deadline(decision.check_at, what, incident.id, f"check {decision.id}"))
    return found


def due(deadline: Deadline, now: datetime) -> Line:
    """`4:12 left to acknowledge INC-12`, or OVERDUE by how much. The time stands first: an edge must not cut it."""
    if deadline.at <= now:
        return line(span(f" OVERDUE by {past(now - deadline.at)} ", Tone.ALARM), f" {deadline.what}")
    left = deadline.at - now
    return line(span(f"{count(left)} left", Tone.WARNING if left < APART else Tone.STRONG), f" {deadline.what}")


def briefly(deadline: Deadline, now: datetime) -> Line:
    """`update OVERDUE by 4:12`, for where there is little room."""
    if deadline.at <= now:
        return line(span(f" {deadline.brief} OVERDUE by {past(now - deadline.at)} ", Tone.ALARM))
    left = deadline.at - now
    return line(span(f"{deadline.brief} in {count(left)}", Tone.WARNING if left < APART else Tone.STRONG))


def merged_into(incident: Incident, board: Board) -> str:
    """What the incident that it goes on in is called; empty where it is not merged."""
    if not incident.merged_into:
        return ""
    into = board.incident(incident.merged_into)
    return incident.merged_label or (into.label if into is not None else incident.merged_into)


def begun(incident: Incident) -> str:
    """How it began, as far as it is: nobody has declared what is in triage, or was never more."""
    return "declared" if "declared" in incident.times else "opened"


def severity_tone(severity: Severity) -> Tone:
    """SEV1 and SEV2 are critical, SEV3 is a warning."""
    return Tone.CRITICAL if severity.rank <= 2 else Tone.WARNING if severity.rank == 3 else Tone.NORMAL


def _loud(incident: Incident) -> Tone:
    calm = incident.state in QUIET or incident.state is IncidentState.MITIGATED
    return Tone.NORMAL if calm else severity_tone(incident.severity)


def headline(incident: Incident, now: datetime, width: int, look: Look, others: int = 0) -> Line:
    """One incident on one line, with how many `others` are open: that must not be cut off."""
    tone = _loud(incident)
    unsaved = span(" NOT SAVED ", Tone.ALARM) if incident.unsaved else ""
    lead = span(f"IC {incident.commander}" if incident.commander else "NOBODY LEADS", Tone.NORMAL)
    end = line(
        span(look.marks.dot, Tone.DIM), lead, span(f"{look.marks.dot}{age(incident.declared_at, now, look)}", Tone.DIM)
    )
    mark = look.marks.of(tone) if tone is not Tone.NORMAL else span(look.marks.coming + " ", Tone.DIM)
    front = line(mark, span(f"{incident.severity} {incident.label} ", tone), unsaved)
    front = line(front, span(incident.state.value.upper(), Tone.STRONG), " ")
    if others:
        front = line(front, span(f"+{others} OPEN ", Tone.CRITICAL))
    room = width - line_width(front) - line_width(end)
    return clip(line(front, cut(incident.title, max(room, 8)), end), width)


def banner(board: Board, now: datetime, width: int, look: Look, active: int | None = None) -> list[Line]:
    """The most severe open incident and what is due next; or that there is none, and what to do about alerts.
    `active` is how many are, where somebody has counted already."""
    opened = board.open_incidents
    if not opened:
        active = len(board.feed.active) if active is None else active
        if not active:
            return [clip(line(span("No incident is open.", Tone.NORMAL)), width)]
        noun = "alert is" if active == 1 else "alerts are"
        text = f"No incident is open; {active} {noun} active. D declares the highlighted one."
        return [clip(line(look.marks.of(Tone.WARNING), span(text, Tone.WARNING)), width)]
    lines = [headline(opened[0], now, width, look, len(opened) - 1)]
    pieces = [due(item, now) for item in deadlines(board)[: 3 if len(opened) == 1 else 2]]
    if not pieces and opened[0].state in (IncidentState.RESOLVED, IncidentState.MITIGATED):
        pieces = [line(span(f"{opened[0].label} is {opened[0].state}; nothing is due", Tone.DIM))]
    elif not pieces:
        pieces = [line(span("nothing is due", Tone.DIM))]
    if len(opened) > 1:
        others = ", ".join(f"{item.severity} {item.label}" for item in opened[1:4])
        pieces.append(line(span(f"also open: {others}" + (", ..." if len(opened) > 4 else ""), Tone.NORMAL)))
    lines.append(clip(line(span("  NEXT ", Tone.TITLE), join([unsent(board, now), *pieces], look.marks.dot)), width))
    return lines


def unsent(board: Board, now: datetime) -> Line:
    """How many messages are NOT SENT; empty when none is."""
    count_of = len(not_sent(board, now))
    return line(span(f" {count_of} NOT SENT ", Tone.ALARM)) if count_of else ()


def strap(board: Board, now: datetime, width: int, look: Look) -> Line:
    """The banner of the screens that are not the Overview: the worst open incident and what is due, in one line.

    What must not be cut stands first; the title has what is left.
    """
    opened = board.open_incidents
    missing = unsent(board, now)
    if not opened:
        return clip(line(missing, "7 opens the outbox"), width) if missing else ()
    worst = opened[0]
    tone = _loud(worst)
    mark = look.marks.of(tone) if tone is not Tone.NORMAL else span(look.marks.coming + " ", Tone.DIM)
    coming = [item for item in deadlines(board) if item.incident == worst.id][:1]
    held = [run for run in board.runs if run.incident == worst.id and run.held_at is not None and run.ended_at is None]
    pieces = [
        line(
            mark,
            span(f"{worst.severity} {worst.label} ", tone),
            span(" NOT SAVED ", Tone.ALARM) if worst.unsaved else "",
            span(worst.state.value.upper(), Tone.STRONG),
        ),
        line(span(f"IC {worst.commander}", Tone.NORMAL))
        if worst.commander
        else line(span("NOBODY LEADS", Tone.WARNING)),
        *(line(span(f"{run.label} ON HOLD", Tone.WARNING)) for run in held[:1]),
        *(briefly(item, now) for item in coming),
        line(span(f"+{len(opened) - 1} OPEN", Tone.CRITICAL)) if len(opened) > 1 else (),
        missing,
    ]
    front = join(pieces, look.marks.dot)
    room = width - line_width(front) - 3
    return clip(line(front, span(f"  {cut(worst.title, room)}", Tone.DIM)) if room >= MORE_ROOM else front, width)


def listed(board: Board) -> list[Incident]:
    """All incidents of the Board: the open ones first, the worst before the others, then the ended, newest first."""
    ended = [item for item in board.incidents if not item.open]
    return [*board.open_incidents, *sorted(ended, key=lambda item: item.declared_at, reverse=True)]


def list_row(incident: Incident, board: Board, now: datetime, width: int, look: Look) -> Line:
    """One incident of the list: severity, label, state, who leads, its title, what is due, its age."""
    tone = _loud(incident)
    mark = look.marks.of(tone) if tone is not Tone.NORMAL else span(look.marks.coming + " ", Tone.DIM)
    due_next = min(of_incident(incident, board), default=None) if incident.open else None
    led = fit(incident.commander, 8) if incident.commander else "nobody  "
    left = line(
        mark,
        span(f"{incident.severity} ", tone),
        span(f"{fit(incident.label, 8)} ", Tone.STRONG if incident.open else Tone.NORMAL),
        span(f"{fit(incident.state.value, 13)} ", Tone.STRONG if incident.open else Tone.DIM),
        span(f"{led} ", Tone.NORMAL if incident.commander or not incident.open else Tone.WARNING),
        span(" NOT SAVED ", Tone.ALARM) if incident.unsaved else "",
        span(f"into {into}: " if (into := merged_into(incident, board)) else "", Tone.NORMAL),
        span(incident.title, Tone.NORMAL if incident.open else Tone.DIM),
    )
    due_first: Line = ()
    if due_next is not None and width >= 100:
        due_first = briefly(due_next, now)
    elif due_next is not None and due_next.at <= now:
        due_first = line(span(" OVERDUE ", Tone.ALARM))
    end = join([due_first, line(span(age(incident.declared_at, now, look), Tone.DIM))])
    return spread(left, end, width)
