"""Actions on incidents and alerts: declare, acknowledge, note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from console.engine.outcome import Done
from console.model import commands as cmd
from console.model.alert import reference
from console.model.people import Severity
from console.tui.actions.general import show_incident
from console.tui.actions.playbooks import offer
from console.tui.actions.severities import severities
from console.tui.actions.submit import ask, carry_out
from console.tui.dialogs.form import Choice, Item, Question, Text, offered
from console.tui.dialogs.pick import Entry, Picker
from console.view.alerts import named
from console.view.line import Line, Tone, line, span
from console.view.times import instant

if TYPE_CHECKING:
    from console.model.alert import Alert
    from console.model.board import Board
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation


_TRIAGE = "The severity is proposed. The first level is told, nobody further; s declares or cancels it."


def alert_of(board: Board, fingerprint: str) -> Alert | None:
    """The alert with this fingerprint, while it is in the feed."""
    return next((alert for alert in board.feed.alerts if alert.fingerprint == fingerprint), None)


def _suggested(alert: Alert | None) -> Severity:
    """A first proposal only: an alert's severity label is not an incident's severity."""
    if alert is None:
        return Severity.SEV3
    return Severity.SEV2 if alert.severity.lower() in ("critical", "page") else Severity.SEV3


def _declare(app: ConsoleApp, at: Situation, *, triage: bool = False) -> None:
    meant = at.item.alerts if at.item is not None else ()
    alert = alert_of(at.board, at.alert) if at.alert else next(iter(meant), None)
    alerts = tuple(map(reference, meant)) or ((reference(alert),) if alert is not None else ())
    title = (alert.annotation("summary").strip() or named(alert)) if alert is not None else ""
    first = (
        f"{named(alert)}, active since {alert.starts_at:%H:%M:%S}Z"
        if alert is not None
        else "none; the incident stands alone"
    )
    if len(alerts) > 1:
        first = f"{len(alerts)} alerts of the fold, first {first}"
    open_now = ", ".join(item.label for item in at.board.open_incidents)
    facts: list[Line] = [line(span("linked alert  ", Tone.DIM), first)]
    if open_now:
        facts.append(line(span(f"open already  {open_now}: l links an alert to it", Tone.WARNING)))
    if triage:
        facts.append(line(span(_TRIAGE, Tone.DIM)))
    began = alert.starts_at if alert is not None else None
    question = Question(
        "Open an incident in triage" if triage else "Declare an incident",
        f"Open on {at.board.target}" if triage else f"Declare on {at.board.target}",
        lambda answers: cmd.DeclareIncident(
            answers["title"], Severity(answers["severity"]), alerts, began, triage=triage
        ),
        tuple(facts),
        (
            offered("title", "Title: what people notice", title[:200]),
            severities(at.board, _suggested(alert)),
        ),
    )

    def declared(outcome: Done) -> None:
        show_incident(app, outcome.subject)
        offer(app, outcome.subject, declared=True)

    ask(app, question, "Incident opened in triage" if triage else "Incident declared", declared)


def _acknowledge(app: ConsoleApp, at: Situation) -> None:
    waiting = [item for item in at.board.open_incidents if item.acknowledged_at is None]
    if at.scope == "overview" and len(waiting) > 1:
        entries = [
            Entry(item.id, line(span(f"{item.severity} {item.label} ", Tone.STRONG), item.title), item.label)
            for item in waiting
        ]
        app.push_screen(Picker("Acknowledge which?", entries), lambda chosen: _take(app, chosen) if chosen else None)
        return
    _take(app, at.incident)


def _take(app: ConsoleApp, incident_id: str) -> None:
    board, _, _ = app.seen
    incident = board.incident(incident_id)
    label = incident.label if incident is not None else incident_id
    carry_out(app, cmd.AcknowledgeIncident(incident_id), f"{label} acknowledged")


def _note(app: ConsoleApp, at: Situation) -> None:
    incident, shift = at.the_incident, at.board.shift
    items = []
    if incident is not None:
        items.append(Item(incident.id, line(f"{incident.label} {incident.title}"), incident.label))
    if shift is not None:
        items.append(Item(shift.id, line(f"the shift of {shift.operator}"), "shift"))
    if at.scope == "shift":
        items.reverse()
    step = at.step if at.scope == "run" else ""
    question = Question(
        "Note",
        "Save the note",
        lambda answers: cmd.AddNote(answers["on"], answers["text"], instant(answers["at"], app.now), step),
        (),
        (
            Text("text", "What happened, was seen, was said"),
            Text("at", "When (UTC); empty means now", "", "14:32 or -5m"),
            Choice("on", "On", tuple(items), items[0].id),
        ),
    )
    ask(app, question, "Note")


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "declare": _declare,
    "triage": partial(_declare, triage=True),
    "acknowledge": _acknowledge,
    "note": _note,
}
