"""Incidents: the banner, the facts, the deadlines, the timeline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from console.model.board import Board
from console.model.events import Recorded
from console.model.incident import QUIET, Incident, IncidentState
from console.model.people import Severity
from console.model.playbook import RunStatus, StepStatus
from console.view.events import StepNames, describe
from console.view.line import Line, Tone, clip, fit, join, labelled, line, span, wrap
from console.view.look import Look
from console.view.times import age, clock, count, past, stamp

APART = timedelta(seconds=60)
"""From here on, when something happened and when it was recorded are shown apart."""


class Deadline(NamedTuple):
    """Something that is due: when, what, and in which incident."""

    at: datetime
    what: str
    incident: str


def deadlines(board: Board) -> list[Deadline]:
    """All running deadlines of open incidents and their runs, the earliest first; passed ones included."""
    found = []
    for incident in board.open_incidents:
        if incident.acknowledge_by and incident.acknowledged_at is None and incident.state not in QUIET:
            found.append(Deadline(incident.acknowledge_by, f"to acknowledge {incident.label}", incident.id))
    for run in board.runs:
        if run.status is not RunStatus.RUNNING:
            continue
        for step in run.active:
            if step.deadline is not None and step.status is StepStatus.ACTIVE:
                found.append(Deadline(step.deadline, f"in {run.playbook.step(step.id).title}", run.incident))
    return sorted(found, key=lambda item: item.at)


def due(deadline: Deadline, now: datetime) -> Line:
    """`4:12 left to acknowledge INC-12`, or OVERDUE by how much. The time stands first: an edge must not cut it."""
    if deadline.at <= now:
        return line(span(f" OVERDUE by {past(now - deadline.at)} ", Tone.ALARM), f" {deadline.what}")
    left = deadline.at - now
    return line(span(f"{count(left)} left", Tone.WARNING if left < APART else Tone.STRONG), f" {deadline.what}")


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
    from console.view.line import cut, line_width

    room = width - line_width(front) - line_width(end)
    return clip(line(front, cut(incident.title, max(room, 8)), end), width)


def banner(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """The most severe open incident and what is due next; or that there is none, and what to do about alerts."""
    opened = board.open_incidents
    if not opened:
        active = len(board.feed.active)
        if not active:
            return [clip(line(span("No incident is open.", Tone.NORMAL)), width)]
        noun = "alert is" if active == 1 else "alerts are"
        text = f"No incident is open; {active} {noun} active. D declares the highlighted one."
        return [clip(line(look.marks.of(Tone.WARNING), span(text, Tone.WARNING)), width)]
    lines = [headline(opened[0], now, width, look, len(opened) - 1)]
    pieces = [due(item, now) for item in deadlines(board)[:3]]
    if not pieces and opened[0].state in (IncidentState.RESOLVED, IncidentState.MITIGATED):
        pieces = [line(span(f"{opened[0].label} is {opened[0].state}; nothing is due", Tone.DIM))]
    elif not pieces:
        pieces = [line(span("nothing is due", Tone.DIM))]
    if len(opened) > 1:
        others = ", ".join(f"{item.severity} {item.label}" for item in opened[1:4])
        pieces.append(line(span(f"also open: {others}" + (", ..." if len(opened) > 4 else ""), Tone.NORMAL)))
    lines.append(clip(line(span("  NEXT ", Tone.TITLE), join(pieces, look.marks.dot)), width))
    return lines


def facts(incident: Incident, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """State, clocks, roles and linked alerts of one incident."""
    times = [f"{state} {clock(at)}" for state, at in incident.times.items()]
    acknowledged = line(span("NOT ACKNOWLEDGED", Tone.WARNING))
    if incident.acknowledged_at is not None:
        acknowledged = line(f"{clock(incident.acknowledged_at)} by {incident.acknowledged_by}")
    elif incident.acknowledge_by is not None and incident.state not in QUIET:
        acknowledged = line(acknowledged, "  ", due(Deadline(incident.acknowledge_by, "", incident.id), now))
    roles = ", ".join(f"{role}: {person}" for role, person in incident.roles.items())
    rule = next((item for item in board.severities if item.severity is incident.severity), None)
    lines = [
        headline(incident, now, width, look),
        *labelled(
            "severity",
            f"{incident.severity} {rule.title}: {rule.definition}" if rule else incident.severity.value,
            width,
            13,
        )[:2],
        *labelled(
            "declared",
            f"{stamp(incident.declared_at)} by {incident.declared_by}, {incident.service}/{incident.environment}",
            width,
            13,
        )[:1],
        *labelled("acknowledged", acknowledged, width, 13),
        *labelled("states", ", ".join(times), width, 13)[:2],
        *labelled("roles", roles or "nobody leads: a acknowledges and takes command", width, 13)[:2],
        *labelled("alerts", _alerts(incident, board, look), width, 13),
    ]
    for run in board.runs:
        if run.incident == incident.id:
            from console.view.runs import run_line

            lines.append(clip(run_line(run, now, look), width))
    return lines


def _alerts(incident: Incident, board: Board, look: Look) -> Line:
    standing = {alert.fingerprint for alert in board.feed.alerts}
    pieces = []
    for reference in incident.alerts:
        gone = reference.fingerprint not in standing
        word = " (not in the feed now)" if gone else ""
        pieces.append(line(reference.name, span(word, Tone.DIM)))
    return join(pieces, ", ") or line(span("none linked", Tone.DIM))


def timeline_row(event: Recorded, names: StepNames, width: int, look: Look) -> Line:
    """One event: when it happened, who, what; when it was recorded, if that was much later."""
    tone, text = describe(event, names)
    apart = ""
    if abs(event.recorded_at - event.occurred_at) > APART:
        apart = f"(recorded {clock(event.recorded_at, seconds=True)}) "
    return clip(
        line(
            span(clock(event.occurred_at, seconds=True) + " ", Tone.DIM),
            span(" NOT SAVED ", Tone.ALARM) if not event.saved else "",
            span(fit(event.actor.name, 9) + " ", Tone.NORMAL),
            span(apart, Tone.DIM),
            span(text, Tone.NORMAL if tone is Tone.OK else tone),
        ),
        width,
    )


def event_details(event: Recorded, names: StepNames, width: int) -> list[Line]:
    """One event in full."""
    tone, text = describe(event, names)
    saved = f"{event.seq} in the journal" if event.saved else "NOT SAVED: it waits in the spool"
    return [
        *(line(span(part, tone)) for part in wrap(text, width)),
        (),
        *labelled("occurred", stamp(event.occurred_at), width),
        *labelled("recorded", stamp(event.recorded_at), width),
        *labelled("by", f"{event.actor}, console {event.console}, {event.mode}", width),
        *labelled("number", saved, width),
        *labelled("kind", f"{event.kind} version {event.kind_version} in {event.stream}", width),
        *labelled("hash", event.hash or "none yet", width),
    ]
