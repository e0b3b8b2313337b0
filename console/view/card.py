"""One incident on one screen of plain text: where it stands, who was told, what is due, what is owed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from console.model.board import Board
from console.model.change import Change
from console.model.incident import QUIET, TIMES, Incident
from console.model.message import Delivery, DeliveryState
from console.model.response import Task
from console.model.run import Run
from console.view import changes as changes_view
from console.view import escalation, incidents
from console.view.deliveries import pointless
from console.view.deliveries import word as delivery_word
from console.view.line import words
from console.view.response_events import act_word
from console.view.times import past, stamp


def card(incident: Incident, board: Board, changes: Sequence[Change], messages: Sequence[Delivery]) -> list[str]:
    """The incident in lines; `changes` and `messages` are its own."""
    now = board.at
    lead = f"IC {incident.commander}" if incident.commander else "NOBODY LEADS"
    unsaved = "  NOT SAVED" if incident.unsaved else ""
    return [
        f"{incident.label}  {incident.severity}  {incident.state.value.upper()}  {lead}  {incident.title}{unsaved}",
        *_section("Where", [f"{incident.target}, {incidents.begun(incident)} by {incident.declared_by}"]),
        *_section("Response", [_response(incident)]),
        *_section("Times", _times(incident)),
        *_section("Due", (_due(item, now) for item in incidents.of_incident(incident, board)) if incident.open else ()),
        *_section("Roles", [", ".join(f"{role}: {who}" for role, who in incident.roles.items()) or "nobody leads"]),
        *_section("Alerts", [", ".join(dict.fromkeys(item.name for item in incident.alerts))]),
        *_section("Impact", (f"{item.what}: {item.value} {item.evidence}".rstrip() for item in incident.impact)),
        *_section("Told", _told(incident, board, now)),
        *_section("Pages", _pages(incident)),
        *_section("Update", _update(incident)),
        *_section("Tasks", (task_line(item, now) for item in incident.tasks.values())),
        *_section("Decisions", _decisions(incident)),
        *_section("Runs", (f"{run.label} {run.playbook.title}: {run.status}" for run in _runs(incident, board))),
        *_section("Changes", (change_line(item, now) for item in changes_view.ordered(changes, now))),
        *_section("Messages", _messages(messages)),
        *_section("Merged", [_merged(incident, board)]),
    ]


def _section(title: str, rows: Iterable[str]) -> Iterator[str]:
    """A title beside its first row; nothing where there is none."""
    for number, row in enumerate(row for row in rows if row):
        yield f"{title if number == 0 else '':10} {row}"


def _response(incident: Incident) -> str:
    late = ", too late" if incident.acknowledge_overdue else ""
    if incident.acknowledged_at is None:
        return f"NOT ACKNOWLEDGED{late}"
    via = f" in {incident.acknowledged_via}" if incident.acknowledged_via else ""
    return f"acknowledged {stamp(incident.acknowledged_at)} by {incident.acknowledged_by}{via}{late}"


def _times(incident: Incident) -> Iterator[str]:
    for name in TIMES:
        if name in incident.times:
            guess = "  (estimated)" if name in incident.estimated else ""
            yield f"{name.replace('_', ' '):15} {stamp(incident.times[name])}{guess}"


def _due(deadline: incidents.Deadline, now: datetime) -> str:
    return words(incidents.due(deadline, now)).strip()


def _told(incident: Incident, board: Board, now: datetime) -> Iterator[str]:
    for level in incident.escalations:
        sent = words(escalation.went_out(level, incident, board)).strip()
        yield f"{words(escalation.told(level))}{f': {sent}' if sent else ''}{words(escalation.reasons(level))}"
    if incident.escalate_at is not None and incident.acknowledged_at is None and incident.state not in QUIET:
        late = f" (due {past(now - incident.escalate_at)} ago)" if incident.escalate_at <= now else ""
        yield f"level {incident.level + 1} is told at {stamp(incident.escalate_at)}{late}"


def _pages(incident: Incident) -> Iterator[str]:
    for page in incident.pages.values():
        by, policy = (f" by {page.by}" if page.by else ""), (f", policy {page.policy}" if page.policy else "")
        to = f", assigned to {', '.join(page.assigned_to)}" if page.assigned_to else ""
        silent = f", SILENT since {stamp(page.silent_since)}" if page.silent_since else ""
        yield f"PagerDuty {page.pager_id} {page.status}{by}{policy}{to}{silent} {page.url}".rstrip()


def _update(incident: Incident) -> Iterator[str]:
    for update in incident.updates[-1:]:
        parts = (("conditions", update.conditions), ("actions", update.actions), ("needs", update.needs))
        yield f"{stamp(update.at)} by {update.by}"
        yield from (f"{name}: {text}" for name, text in parts if text)


def task_line(task: Task, now: datetime) -> str:
    """One task in one line."""
    kind = "" if task.kind == "task" else f" [{task.kind}]"
    due = ""
    if task.open and task.due_at is not None:
        due = f"  OVERDUE since {stamp(task.due_at)}" if task.due_at <= now else f"  due {stamp(task.due_at)}"
    ended = f"  {task.outcome}{f': {task.result}' if task.result else ''}" if task.outcome else ""
    return f"{task.id}{kind}  {task.owner or 'nobody has it'}  {task.text}{due}{ended}"


def _decisions(incident: Incident) -> Iterator[str]:
    for item in incident.decisions.values():
        outcome = f"  came out: {item.observed}" if item.observed else ""
        check = f"  to be checked {stamp(item.check_at)}" if item.check_at and not item.observed else ""
        yield f"{item.id}  {item.by.name}: {item.choice}: {item.reason}{check}{outcome}"


def _runs(incident: Incident, board: Board) -> Iterator[Run]:
    return (run for run in board.runs if run.incident == incident.id)


def change_line(change: Change, now: datetime) -> str:
    """One temporary change in one line, with what is to be done about it."""
    state = changes_view.word(change, now)[0].strip()
    end = words(changes_view.expiry(change, now))
    undo = f"; undo: {change.undo}" if change.owed(now) else ""
    what = change.what.removeprefix(f"{change.kind} ")
    return f"{change.label}  {state}  {change.kind}  {what}  on {change.target}{f', {end}' if end else ''}{undo}"


def message_line(item: Delivery) -> str:
    """One message in one line: how far it got, where it goes, and why it did not."""
    state = delivery_word(item)[0].strip()
    why = item.error or item.receipt
    return f"{state}: {item.channel}, {act_word(item.act)}: {item.message.title}" + (f": {why}" if why else "")


def _messages(messages: Sequence[Delivery]) -> Iterator[str]:
    """What is not sent, each; of the others how many."""
    sent = sum(item.state is DeliveryState.SENT for item in messages)
    yield from (message_line(item) for item in messages if item.state is not DeliveryState.SENT and not pointless(item))
    if sent:
        yield f"{sent} sent"


def _merged(incident: Incident, board: Board) -> str:
    into = incidents.merged_into(incident, board)
    return f"goes on in {into}" if into else ""
