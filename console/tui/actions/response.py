"""Actions on the response to an incident: updates, tasks, decisions, times, impact, corrections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.response import TASK_KINDS
from console.model.incident import QUIET, TIMES, Incident
from console.tui.actions.submit import ask, unlisted
from console.tui.dialogs.form import Choice, Item, Question, Text
from console.view.events import describe
from console.view.line import Line, Tone, line, span
from console.view.preview import preview
from console.view.times import ahead, clock, instant, stamp, timebox

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

WHEN = "14:32 (UTC) or -5m"


def _update(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    last = incident.updates[-1] if incident.updates else None
    rule = next((item for item in at.board.severities if item.severity is incident.severity), None)
    cadence = rule.update_every if rule is not None and incident.state not in QUIET else None
    hint = f"{timebox(cadence)} by {incident.severity}" if cadence else "none is asked for"

    def due(answers: Mapping[str, str]) -> cmd.PostUpdate:
        when = ahead(answers["next"], app.now)
        parts = (answers["conditions"], answers["actions"], answers["needs"])
        return cmd.PostUpdate(incident.id, *parts, when - app.now if when is not None else None)

    def shown(answers: Mapping[str, str], width: int) -> list[Line]:
        command = due(answers)
        wait = command.next_in or cadence
        board, now, _ = app.seen
        payload = ev.UpdatePosted(
            command.conditions, command.actions, command.needs, now + wait if wait is not None else None
        )
        return preview(incident, payload, board, now, width)

    question = Question(
        f"Status update of {incident.label}",
        "Send the update",
        due,
        (),
        (
            Text("conditions", "Conditions: what is the case, in numbers", last.conditions if last else ""),
            Text("actions", "Actions: what is being done, by whom", last.actions if last else ""),
            Text("needs", "Needs: what is missing, from whom", last.needs if last else ""),
            Text("next", "Next update in; empty: as the severity says", "", hint),
        ),
        preview=shown,
    )
    ask(app, question, f"Update of {incident.label}")


def _task(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    meaning = {"task": "of the response, now", "detect": "would see it sooner", "prevent": "would have prevented it",
               "mitigate": "would make it smaller", "process": "would make the response better"}  # fmt: skip
    kinds = TASK_KINDS if incident.open else TASK_KINDS[1:]
    items = tuple(
        Item(kind, line(span(f"{kind:10}", Tone.STRONG), span(meaning.get(kind, ""), Tone.DIM)), kind) for kind in kinds
    )
    known = ", ".join(person.name for person in at.board.people)
    question = Question(
        f"Task in {incident.label}",
        "Add the task",
        lambda answers: cmd.AddTask(
            incident.id, answers["text"], answers["owner"], ahead(answers["due"], app.now), answers["kind"]
        ),
        (),
        (
            Text("text", "What has to be done"),
            Text("owner", f"Who: {known}", "", "nobody yet"),
            Text("due", "Due", "", "20m or 14:32 (UTC)"),
            Choice("kind", "Kind: a task, or an action item for afterwards", items, items[0].id),
        ),
        preview=lambda answers, _: unlisted(at.board, answers["owner"]),
    )
    ask(app, question, f"Task in {incident.label}")


def _decision(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    question = Question(
        f"Decision in {incident.label}",
        "Record the decision",
        lambda answers: cmd.RecordDecision(
            incident.id,
            answers["choice"],
            answers["reason"],
            tuple(answers["options"].split(";")),
            answers["objections"],
            answers["expected"],
            ahead(answers["check"], app.now),
        ),
        (),
        (
            Text("choice", "Decided"),
            Text("reason", "Because: the reason"),
            Text("options", "Options that were weighed, with ; between them"),
            Text("objections", "Strong objections", "", "none"),
            Text("expected", "Expected to come of it"),
            Text("check", "Check in", "10m", "10m or 14:32 (UTC)"),
        ),
    )
    ask(app, question, f"Decision in {incident.label}")


def set_time(app: ConsoleApp, incident: Incident, chosen: str = "impact_started") -> None:
    """Asks for one of the incident's times; `chosen` is highlighted."""
    items = []
    for name in TIMES:
        at = incident.times.get(name)
        known = f"{stamp(at)}{' estimated' if name in incident.estimated else ''}" if at else "not known"
        items.append(Item(name, line(span(f"{name.replace('_', ' '):16}", Tone.STRONG), span(known, Tone.DIM)), name))
    yes = (Item("no", line("measured, or seen"), "no"), Item("yes", line("estimated"), "yes"))

    def build(answers: Mapping[str, str]) -> cmd.Command:
        when = instant(answers["at"], app.now) or app.now
        return cmd.SetTime(incident.id, answers["name"], when, answers["estimated"] == "yes", answers["reason"])

    question = Question(
        f"Times of {incident.label}",
        "Set the time",
        build,
        (),
        (
            Choice("name", "Which", tuple(items), chosen),
            Text("at", "When (UTC); empty means now", "", WHEN),
            Choice("estimated", "How it is known", yes, "no"),
            Text("reason", "Why, where another time stands already"),
        ),
    )
    ask(app, question, f"Time of {incident.label}")


def _times(app: ConsoleApp, at: Situation) -> None:
    kind, _, name = at.entry.partition(":")
    if at.the_incident is not None:
        set_time(app, at.the_incident, name if kind == "time" else "impact_started")


def _impact(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    question = Question(
        f"Impact of {incident.label}",
        "Record the number",
        lambda answers: cmd.RecordImpact(incident.id, answers["what"], answers["value"], answers["evidence"]),
        (),
        (
            Text("what", "What it counts", "", "such as: requests that failed"),
            Text("value", "The number", "", "such as: 2.4 % over 12 min, 5,310 requests"),
            Text("evidence", "Where it comes from", "", "a query, a link, a name"),
        ),
    )
    ask(app, question, f"Impact of {incident.label}")


def _correct(app: ConsoleApp, at: Situation) -> None:
    from console.tui.screens.incident import IncidentScreen

    incident, screen = at.the_incident, app.screen
    if incident is None or not isinstance(screen, IncidentScreen):
        return
    event, names = screen.event(at.event)
    if event is None:
        app.say("That line is no longer there.", bad=True)
        return
    if event.stream != incident.stream:
        app.say(f"Correct: that line is of the playbook's own record; + writes a note on {incident.label}", bad=True)
        return
    _, text = describe(event, names)
    question = Question(
        f"Correct a line of {incident.label}",
        "Record the correction",
        lambda answers: cmd.Correct(
            incident.id, event.id, answers["text"], instant(answers["at"], app.now), answers["reason"]
        ),
        (
            line(span(f"{clock(event.occurred_at, seconds=True)} {event.actor.name}: ", Tone.DIM), text),
            line(span("Both stay in the record, one beside the other.", Tone.DIM)),
        ),
        (
            Text("text", "What it should have said"),
            Text("at", "When it really happened (UTC); empty: as recorded", "", WHEN),
            Text("reason", "Why"),
        ),
    )
    ask(app, question, "Correction")


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "update": _update,
    "task": _task,
    "decision": _decision,
    "times": _times,
    "impact": _impact,
    "correct": _correct,
}
