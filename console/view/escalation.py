"""Who is told when nobody acknowledges, who was, and whom to call when nothing else works."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from console.model.board import Board
from console.model.escalation import Reach, reach_of
from console.model.incident import QUIET, Incident, IncidentState
from console.model.message import Act, DeliveryState
from console.model.people import ESCALATION
from console.model.reading import ReadingState
from console.model.response import Escalation
from console.view.line import Line, Tone, fit, join, line, span
from console.view.look import STATE_WORDS, Look
from console.view.response_events import reached
from console.view.times import age, clock, count, past

NOBODY = "NOBODY ON CALL"

_TELLING = ("incident.escalated", "incident.declared", "incident.opened")
_TELLS = (Act.POST, Act.PAGE, Act.TRIGGER, Act.ESCALATE, Act.RESPOND)
_OUT = (
    ((DeliveryState.FAILING, DeliveryState.FAILED), " NOT SENT ", Tone.ALARM),
    ((DeliveryState.QUEUED,), "queued", Tone.WARNING),
    ((DeliveryState.SENT,), "sent", Tone.OK),
)


def ladder(incident: Incident, board: Board) -> tuple[str, ...]:
    """The roles that are told, level by level."""
    rule = next((item for item in board.severities if item.severity is incident.severity), None)
    return (rule.escalation if rule is not None else ()) or ESCALATION


def next_role(incident: Incident, board: Board) -> str:
    """The role that the next level tells; the last one again after the last level."""
    roles = ladder(incident, board)
    return roles[min(incident.level + 1, len(roles)) - 1]


def holders(role: str, board: Board) -> tuple[Reach, ...]:
    """Who holds a role of the rota now."""
    return next((people for name, people in board.on_call if name == role), ())


def named(role: str, board: Board) -> Line:
    """A role with whoever holds it: `secondary (bob)`, or loudly that nobody does."""
    people = [item.person for item in holders(role, board) if item.ways]
    if people:
        return line(span(role, Tone.STRONG), f" ({', '.join(people)})")
    return line(span(role, Tone.STRONG), " ", span(f" {NOBODY} ", Tone.ALARM))


def paged(incident: Incident) -> Line:
    """What PagerDuty does in the console's place; empty when it does nothing."""
    links = [link for link in incident.pages.values() if link.pages]
    if not links:
        return ()
    link = links[0]
    whom = f": {', '.join(link.assigned_to)}" if link.assigned_to else ""
    return line("PagerDuty pages by policy ", span(link.policy, Tone.STRONG), f", level {link.level or '?'}{whom}")


def coming(incident: Incident, board: Board, now: datetime) -> Line:
    """Who is told next, and when; why nobody is, otherwise."""
    by_pager = paged(incident)
    if by_pager and incident.acknowledged_at is None:
        return line(by_pager, span("  e escalates there", Tone.DIM))
    if incident.state in QUIET:
        return line(span(f"nobody is told any more: {incident.state}", Tone.DIM))
    if incident.acknowledged_at is not None:
        return line(span("nobody further, it is acknowledged", Tone.DIM))
    unheard = incident.pager_silent_since
    head = line(span(f" PAGERDUTY SILENT since {clock(unheard)} ", Tone.ALARM), " ") if unheard is not None else ()
    if incident.state is IncidentState.TRIAGE:
        return line(span("nobody further while it is in triage: s declares it, e tells more people", Tone.DIM))
    if incident.escalate_at is None:
        return line(head, span("nobody further by itself: e tells more people", Tone.WARNING))
    when = incident.escalate_at
    late = when <= now
    left = span(f" due {past(now - when)} ago ", Tone.ALARM) if late else span(f"in {count(when - now)}", Tone.WARNING)
    return line(head, "next ", named(next_role(incident, board), board), " ", left)


def told(level: Escalation) -> Line:
    """One level in a few words: when, and whom it names."""
    head = line(f"level {level.level} ", span(f"{level.role} " if level.role else "", Tone.STRONG))
    at = span(f"{clock(level.at)} ", Tone.DIM)
    if level.pager:
        names = ", ".join(item.person for item in level.people) or "somebody"
        return line(head, at, f"PagerDuty pages {names} by policy {level.pager}")
    if level.nobody:
        return line(head, at, span(f" {NOBODY} ", Tone.ALARM), reached(level.people))
    return line(head, at, ", ".join(item.person if item.ways else reached((item,)) for item in level.people))


def went_out(level: Escalation, incident: Incident, board: Board) -> Line:
    """What was sent for a level: that somebody has an address does not mean that anybody was told."""
    here = incident.target == str(board.target)
    if level.pager:
        return ()
    if here and not board.channels:
        return line(span(" NO CHANNEL: CALL THEM ", Tone.ALARM))
    mine = [
        item
        for item in board.deliveries
        if item.message.subject == incident.id and item.queued_at == level.at
        and item.message.kind in _TELLING and item.act in _TELLS
    ]  # fmt: skip
    if not mine:
        return line(span("no message is known", Tone.UNKNOWN)) if here else ()
    pieces = []
    for states, word, tone in _OUT:
        channels = ", ".join(dict.fromkeys(item.channel for item in mine if item.state in states))
        if channels:
            pieces.append(line(span(word, tone), f" {channels}"))
    return join(pieces, ", ")


def levels(incident: Incident, board: Board, now: datetime) -> Line:
    """The line of the essentials: what comes, and the level told last."""
    pieces = [coming(incident, board, now)]
    if incident.escalations:
        last = incident.escalations[-1]
        silent = [item for item in incident.escalations if item.nobody]
        shown = silent[-1] if silent else last
        pieces.append(line(told(shown), " ", went_out(shown, incident, board)))
    return join(pieces, "; ")


def reasons(level: Escalation) -> Line:
    """Why a level was told when it was: pressed by somebody, or late."""
    by = "" if level.by in ("", "engine") else f" by {level.by}"
    late = f" {past_of(level.late_seconds)} late" if level.late_seconds >= 1 else ""
    why = f": {level.reason}" if level.reason else ""
    return line(span(f"{by}{late}{why}", Tone.DIM))


def past_of(seconds: float) -> str:
    """A length in seconds, as `m:ss`."""
    return past(timedelta(seconds=seconds))


def rota(board: Board) -> Iterator[tuple[str, Reach | None]]:
    """(role, who holds it), a role without a holder with None; then everybody else who can be reached."""
    seen = set()
    for role, people in board.on_call:
        for item in people or (None,):
            yield role, item
            seen.add(item.person if item is not None else "")
    for person in board.people:
        if person.name not in seen:
            yield "", reach_of(person)


def contact(role: str, reach: Reach | None) -> Line:
    """One row of whom to call: role, name, every way there is."""
    head = span(f"{fit(role or 'others', 12)} ", Tone.STRONG if role else Tone.DIM)
    if reach is None:
        return line(head, span(f" {NOBODY} ", Tone.ALARM))
    ways = join([line(span(f"{way} ", Tone.DIM), address) for way, address in reach.ways])
    return line(head, f"{fit(reach.person, 14)} ", ways or span(" NO WAY TO REACH ", Tone.ALARM))


def where_from(board: Board, now: datetime, look: Look) -> Line:
    """Where the names come from, and how old PagerDuty's last answer is."""
    asked = next((item for item in board.sources if item.name.startswith("pagerduty")), None)
    if asked is None:
        return line(span("names and addresses: people.yaml", Tone.DIM))
    if asked.at is None:
        kept = (
            "people.yaml's names" if board.on_call_at is None else f"as recorded {age(board.on_call_at, now, look)} ago"
        )
        return line(span(f"PagerDuty has not answered this console yet: {kept}", Tone.WARNING))
    text = f"PagerDuty answered {age(asked.at, now, look)} ago"
    if asked.state is ReadingState.OK:
        return line(span(text, Tone.DIM))
    return line(span(f"{text}, now {STATE_WORDS[asked.state]}: these names are that old", Tone.WARNING))
