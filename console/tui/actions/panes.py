"""The panes of the incident screen: turning to one, and what enter does on the row of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.tui.actions.changes import open_change, open_delivery
from console.tui.actions.general import show_run
from console.tui.actions.response import set_time
from console.tui.actions.submit import ask, carry_out
from console.tui.dialogs.form import Question, Text
from console.tui.dialogs.pick import Entry, Picker
from console.tui.dialogs.text import Reader
from console.view import escalation, incident_panels, timeline
from console.view.line import EMPTY, Line, Tone, fold, labelled, line, span
from console.view.times import stamp

if TYPE_CHECKING:
    from console.model.response import Decision, PagerLink, Task
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation


def _turn(pane: str, app: ConsoleApp, _: Situation) -> None:
    from console.tui.screens.incident import IncidentScreen

    if isinstance(app.screen, IncidentScreen):
        app.screen.turn(pane)


def _read(app: ConsoleApp, title: str, *facts: tuple[str, str]) -> None:
    def lines(width: int) -> list[Line]:
        return [row for name, text in facts if text for row in labelled(name, text, width, 12)]

    app.push_screen(Reader(title, lines))


# -- what enter does, by the kind of the row --------------------------------------------------------------------------


def _open(app: ConsoleApp, at: Situation) -> None:
    kind, _, name = at.entry.partition(":")
    opener = _OPENERS.get(kind)
    if opener is not None:
        opener(app, at, name)


def _event(app: ConsoleApp, at: Situation, name: str) -> None:
    from console.tui.screens.incident import IncidentScreen

    if not isinstance(app.screen, IncidentScreen):
        return
    event, names = app.screen.event(name)
    if event is not None:
        app.push_screen(Reader("Event", lambda width: timeline.details(event, names, width)))


def _task(app: ConsoleApp, at: Situation, name: str) -> None:
    incident = at.the_incident
    task = incident.tasks.get(name) if incident is not None else None
    if incident is None or task is None:
        return
    if not task.open or at.board.read_only:
        _read_task(app, task)
        return
    me = at.board.actor.name
    mine = f"{me} has it already" if task.owner == me else ""
    entries = [
        Entry("done", line(span("Done", Tone.STRONG)), "Done", "It is done, now."),
        Entry("mine", line(span("Take it", Tone.STRONG)), "Take it", f"{me} does it.", mine),
        Entry("assign", line(span("Give it to somebody", Tone.STRONG)), "Assign", "Another owner."),
        Entry("dropped", line(span("Drop it", Tone.STRONG)), "Drop it", "Needs a reason."),
    ]
    facts = [line(span(f"{task.id} ", Tone.ACCENT), task.text, span(f"  {task.owner or 'nobody has it'}", Tone.DIM))]

    def picked(chosen: str | None) -> None:
        if chosen == "done":
            carry_out(app, cmd.EndTask(incident.id, task.id), f"{task.id} done")
        elif chosen == "mine":
            carry_out(app, cmd.AssignTask(incident.id, task.id, me), f"{task.id}: {me} has it")
        elif chosen == "assign":
            known = ", ".join(person.name for person in at.board.people)
            question = Question(
                f"{task.id} of {incident.label}",
                "Give it to them",
                lambda answers: cmd.AssignTask(incident.id, task.id, answers["owner"]),
                (line(task.text),),
                (Text("owner", f"Who: {known}"),),
            )
            ask(app, question, f"{task.id} assigned")
        elif chosen == "dropped":
            question = Question(
                f"{task.id} of {incident.label}",
                "Drop it",
                lambda answers: cmd.EndTask(incident.id, task.id, "dropped", answers["result"]),
                (line(task.text),),
                (Text("result", "Why it is not done"),),
            )
            ask(app, question, f"{task.id} dropped")

    app.push_screen(Picker(f"{task.id} of {incident.label}", entries, facts=facts), picked)


def _read_task(app: ConsoleApp, task: Task) -> None:
    _read(
        app, f"Task {task.id}", ("task", task.text), ("owner", task.owner or "nobody"), ("kind", task.kind),
        ("added", f"{stamp(task.added_at)} by {task.added_by}"), ("due", stamp(task.due_at) if task.due_at else ""),
        ("outcome", task.outcome), ("result", task.result),
    )  # fmt: skip


def _decision(app: ConsoleApp, at: Situation, name: str) -> None:
    incident = at.the_incident
    decision = incident.decisions.get(name) if incident is not None else None
    if incident is None or decision is None:
        return
    if decision.observed_at is not None or at.board.read_only:
        _read_decision(app, decision)
        return
    question = Question(
        f"{decision.id} of {incident.label}: what came of it",
        "Record what came of it",
        lambda answers: cmd.ObserveDecision(incident.id, decision.id, answers["observed"]),
        (
            line(span("decided  ", Tone.DIM), span(decision.choice, Tone.STRONG)),
            line(span("because  ", Tone.DIM), decision.reason),
            line(span("expected ", Tone.DIM), decision.expected or "nothing was written down"),
        ),
        (Text("observed", "What you observe now"),),
    )
    ask(app, question, f"{decision.id} observed")


def _read_decision(app: ConsoleApp, decision: Decision) -> None:
    _read(
        app, f"Decision {decision.id}", ("decided", decision.choice), ("because", decision.reason),
        ("options", "; ".join(decision.options)), ("objections", decision.objections),
        ("expected", decision.expected), ("by", f"{stamp(decision.at)} by {decision.by}"),
        ("check at", stamp(decision.check_at) if decision.check_at else ""), ("came out", decision.observed),
    )  # fmt: skip


def _time(app: ConsoleApp, at: Situation, name: str) -> None:
    if at.board.read_only:
        app.say("Times: this console is read-only", bad=True)
    elif at.the_incident is not None:
        set_time(app, at.the_incident, name)


def _alert(app: ConsoleApp, at: Situation, name: str) -> None:
    if any(item.fingerprint == name for item in at.board.feed.alerts):
        app.perform("alert", at)
        return
    incident = at.the_incident
    kept = next((item for item in incident.alerts if item.fingerprint == name), None) if incident is not None else None
    if kept is not None:
        _read(app, kept.name, ("summary", kept.summary), *kept.labels, ("", "It is not in the feed now."))


def _update(app: ConsoleApp, at: Situation, name: str) -> None:
    incident = at.the_incident
    if incident is not None and int(name) < len(incident.updates):
        update = incident.updates[int(name)]
        _read(
            app, "Status update", ("sent", f"{stamp(update.at)} by {update.by}"), ("conditions", update.conditions),
            ("actions", update.actions), ("needs", update.needs),
            ("next due", stamp(update.next_due) if update.next_due else ""),
        )  # fmt: skip


def _page(app: ConsoleApp, at: Situation, name: str) -> None:
    incident = at.the_incident
    link = incident.pages.get(name) if incident is not None else None
    if link is not None:
        app.spawn(_page_log(app, link))


async def _page_log(app: ConsoleApp, link: PagerLink) -> None:
    app.say(f"PagerDuty is asked for the history of {link.pager_id}.")
    found = await app.engine.lookups.page_log(link.pager_id)

    def lines(width: int) -> list[Line]:
        head = labelled("page", f"{link.pager_id} {link.status} {link.url}", width, 10)
        if found.error:
            return [*head, *labelled("history", found.error, width, 10, Tone.WARNING)]
        rows = [
            row
            for item in found.log
            for row in labelled(f"{item.at:%H:%M:%S}Z", f"{item.kind} {item.by} {item.text}", width, 10)
        ]
        return [*head, EMPTY, *(rows or [line(span("PagerDuty has no history of it.", Tone.DIM))])]

    app.push_screen(Reader("PagerDuty's history", lines))


def _run(app: ConsoleApp, _: Situation, name: str) -> None:
    show_run(app, name.partition(":")[0])


def _contact(app: ConsoleApp, at: Situation, name: str) -> None:
    rows = list(escalation.rota(at.board))
    if int(name) < len(rows):
        role, reach = rows[int(name)]
        ways = [(way, address) for way, address in reach.ways] if reach is not None else []
        _read(app, reach.person if reach is not None else role, ("role", role), *ways)


_OPENERS: Mapping[str, Callable[[ConsoleApp, Situation, str], None]] = {
    "event": _event,
    "task": _task,
    "decision": _decision,
    "time": _time,
    "alert": _alert,
    "update": _update,
    "page": _page,
    "run": _run,
    "reach": _contact,
    "change": lambda app, at, _: open_change(app, at),
    "delivery": lambda app, at, _: open_delivery(app, at),
}


def _contacts(app: ConsoleApp, at: Situation) -> None:
    """Whom to call, from any screen and without an incident."""
    board, now, look = app.seen
    rows = [escalation.contact(role, reach) for role, reach in escalation.rota(board)]
    head = [escalation.where_from(board, now, look), EMPTY]
    app.push_screen(Reader("Who to call", lambda width: [*head, *(part for row in rows for part in fold(row, width))]))


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "row": _open,
    "contacts": _contacts,
    "pane": partial(_turn, ""),
    **{f"pane-{title}": partial(_turn, key) for key, title in incident_panels.PANES.items()},
}
