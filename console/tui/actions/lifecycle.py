"""Actions on where an incident stands: its state, severity, roles, who is told, who has it, merging."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.incident import ROLES, TRANSITIONS, Incident, IncidentState, reopens
from console.model.people import Severity
from console.tui.actions.general import show_run
from console.tui.actions.severities import severities
from console.tui.actions.submit import ask, carry_out, unlisted
from console.tui.dialogs.form import Choice, Item, Question, Text
from console.tui.dialogs.pick import Entry, Picker
from console.view import escalation
from console.view.changes import owed
from console.view.incidents import list_row
from console.view.line import Line, Tone, fit, line, span
from console.view.runs import run_line

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

_PURPOSE = {
    IncidentState.INVESTIGATING: "The cause is being looked for.",
    IncidentState.IDENTIFIED: "The cause is known.",
    IncidentState.MITIGATING: "Something is being done about the impact.",
    IncidentState.MITIGATED: "Users are no longer affected; the cause may remain.",
    IncidentState.RESOLVED: "The cause is gone; no clock runs any more.",
    IncidentState.CLOSED: "Everything is done, and every temporary change is undone or handed over.",
    IncidentState.CANCELLED: "It was no incident. Needs a reason.",
}

_DECLARED = {IncidentState.DECLARED: "It is one: the clocks of its severity start now."}
"""Offered in triage only, so that the others keep their numbers."""

_FINAL = (IncidentState.CLOSED, IncidentState.CANCELLED)


def _state(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    possible = TRANSITIONS[incident.state]
    entries = []
    purposes = {**_DECLARED, **_PURPOSE} if incident.state is IncidentState.TRIAGE else _PURPOSE
    for number, (state, purpose) in enumerate(purposes.items(), start=1):
        refusal = "" if state in possible else _refusal(incident, state)
        again = "  REOPENS it; needs a reason" if reopens(incident.state, state) and not refusal else ""
        row = line(
            span(f"{number} ", Tone.ACCENT),
            span(fit(state.value, 14), Tone.DIM if refusal else Tone.STRONG),
            span(purpose, Tone.DIM),
            span(again, Tone.WARNING),
        )
        entries.append(Entry(state.value, row, state.value, purpose, refusal))

    def picked(state: str | None) -> None:
        if state is not None:
            _change_state(app, incident, IncidentState(state))

    app.push_screen(Picker(f"{incident.label} is {incident.state}. It becomes:", entries), picked)


def _refusal(incident: Incident, state: IncidentState) -> str:
    """Why it cannot become that, and what goes before."""
    head = f"{incident.label} is {incident.state}"
    if state is incident.state:
        return f"{head} already"
    possible = TRANSITIONS[incident.state]
    if not possible:
        return f"{head}: nothing follows; D declares another"
    if state is IncidentState.CLOSED:
        return f"{head}: resolve it first"
    return f"{head}: what follows is {', '.join(possible)}"


def _change_state(app: ConsoleApp, incident: Incident, state: IncidentState) -> None:
    what = f"{incident.label} {state.value}"
    if state in _FINAL:
        if not _blocked(app, incident, state):
            _end(app, incident, state, what)
    elif reopens(incident.state, state):
        question = Question(
            f"Reopen {incident.label}: {state.value}",
            f"{incident.label} is {state.value} again",
            lambda answers: cmd.ChangeState(incident.id, state.value, answers["reason"]),
            (line(span("Its clocks start anew.", Tone.DIM)),),
            (Text("reason", "Why"),),
        )
        ask(app, question, what)
    else:
        carry_out(app, cmd.ChangeState(incident.id, state.value), what)


def _end(app: ConsoleApp, incident: Incident, state: IncidentState, what: str) -> None:
    """Asked once: from there nothing leads back."""
    named = f"{incident.label} {incident.title} on {incident.target}"
    cancelled = state is IncidentState.CANCELLED
    reason = Text("reason", "Why it was no incident") if cancelled else Text("reason", "Anything to add")
    question = Question(
        f"{incident.label}: {state.value}",
        f"{incident.label} is {state.value}",
        lambda answers: cmd.ChangeState(incident.id, state.value, answers["reason"]),
        (line(span(named, Tone.STRONG)), line(span(f"{state.value.upper()} is final.", Tone.WARNING))),
        (reason,),
        careful=True,
    )
    ask(app, question, what)


def _blocked(app: ConsoleApp, incident: Incident, state: IncidentState) -> bool:
    """Says what stands against an end, and offers to go there. False: nothing does."""
    board, now, look = app.seen
    entries = [
        Entry(
            f"run:{run.id}", line(run_line(run, now, look)), run.label, "Enter opens the checklist: finish or abort it."
        )
        for run in board.runs
        if run.incident == incident.id and run.ended_at is None
    ]
    if state is IncidentState.CLOSED:
        for change in owed(board, incident.id, now):
            row = line(span(f"{change.label} ", Tone.STRONG), span(f"{change.state} ", Tone.WARNING), change.what)
            entries.append(Entry(f"change:{change.id}", row, change.label, f"To undo: {change.undo}. Or hand it over."))
    if not entries:
        return False

    def picked(chosen: str | None) -> None:
        kind, _, name = (chosen or "").partition(":")
        if kind == "run":
            show_run(app, name)
        elif kind == "change":
            from console.tui.actions.changes import show_changes

            show_changes(app, name)

    facts: list[Line] = [line(span("These stand against it. Enter goes there; esc leaves it as it is.", Tone.WARNING))]
    app.push_screen(Picker(f"{incident.label} cannot be {state.value} yet", entries, facts=facts), picked)
    return True


def _severity(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    worse = Severity(f"SEV{max(1, incident.severity.rank - 1)}")
    question = Question(
        f"Severity of {incident.label}, now {incident.severity}",
        "Change the severity",
        lambda answers: cmd.ChangeSeverity(incident.id, Severity(answers["severity"]), answers["reason"]),
        (line(span("In doubt the more severe one: it can be lowered later.", Tone.DIM)),),
        (severities(at.board, worse), Text("reason", "Why")),
    )
    ask(app, question, f"Severity of {incident.label} changed")


def _role(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    roles = tuple(
        Item(role, line(fit(role, 24), span(incident.roles.get(role, "nobody"), Tone.DIM)), role) for role in ROLES
    )
    known = ", ".join(person.name for person in at.board.people)

    def preview(answers: Mapping[str, str], _: int) -> list[Line]:
        before = incident.roles.get(answers["role"], "")
        after = answers["person"].strip() or "?"
        text = f"{answers['role']}: {f'{before} hands over to {after}' if before else after}, from now on."
        return [line(span(text, Tone.ACCENT)), *unlisted(at.board, after)]

    question = Question(
        f"Roles of {incident.label}",
        "Hand over the role",
        lambda answers: cmd.AssignRole(incident.id, answers["role"], answers["person"]),
        (),
        (Choice("role", "Role", roles), Text("person", f"To whom: {known}", at.board.actor.name, known)),
        preview=preview,
    )
    ask(app, question, f"Role of {incident.label}")


def _escalate(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    board, now, _ = app.seen
    level = incident.level
    by_pager = escalation.paged(incident)
    whom = by_pager or escalation.named(escalation.next_role(incident, board), board)
    facts = [
        line(span(f"{incident.label} {incident.title} on {incident.target}", Tone.STRONG)),
        line(span(f"level {level + 1} is told: " if not by_pager else "the next level there: ", Tone.DIM), whom),
        line(span("until now: ", Tone.DIM), escalation.levels(incident, board, now)),
    ]
    question = Question(
        f"Escalate {incident.label}",
        f"Tell level {level + 1} now",
        lambda answers: cmd.Escalate(incident.id, level, answers["reason"]),
        tuple(facts),
        (Text("reason", "Why, or what is needed"),),
        careful=True,
        returns=True,
    )
    ask(app, question, f"{incident.label} escalated")


def _reassign(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    able = [person.name for person in at.board.people if person.pagerduty]
    known = ", ".join(able) or "nobody in people.yaml has a PagerDuty user id"
    pages = [
        line(
            span(f"{page.pager_id} {page.status} ", Tone.STRONG),
            f"assigned to {', '.join(page.assigned_to)}" if page.assigned_to else "assigned to nobody that is known",
        )
        for page in incident.open_pages
    ]

    def preview(answers: Mapping[str, str], _: int) -> list[Line]:
        wanted = _people(answers)
        strangers = [name for name in wanted if name not in able]
        if strangers:
            return [line(span(f"{', '.join(strangers)}: no PagerDuty user id in people.yaml.", Tone.WARNING))]
        return [line(span(f"PagerDuty pages {', '.join(wanted) or '?'}, and nobody else.", Tone.ACCENT))]

    question = Question(
        f"Reassign the page of {incident.label}",
        f"Reassign on {incident.target}",
        lambda answers: cmd.ReassignPage(incident.id, _people(answers), answers["reason"]),
        (line(span(f"{incident.label} {incident.title}", Tone.STRONG)), *pages),
        (Text("people", f"To whom, with commas between: {known}", "", known), Text("reason", "Why")),
        careful=True,
        preview=preview,
    )
    ask(app, question, f"The page of {incident.label} reassigned")


def _people(answers: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in answers["people"].replace(",", " ").split() if name)


def _give_back(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    facts = (
        line(span(f"{incident.label} {incident.title} on {incident.target}", Tone.STRONG)),
        line(f"{incident.acknowledged_by} has it now. Nobody will: its clock starts anew, the next level is told."),
    )
    question = Question(
        f"Give {incident.label} back",
        "Nobody has it",
        lambda answers: cmd.UnacknowledgeIncident(incident.id, answers["reason"]),
        facts,
        (Text("reason", "Why"),),
        careful=True,
    )
    ask(app, question, f"{incident.label} given back")


def _merge(app: ConsoleApp, at: Situation) -> None:
    incident = at.the_incident
    if incident is None:
        return
    board, now, look = app.seen
    entries = [
        Entry(item.id, list_row(item, board, now, app.size.width - 8, look), item.label, "The work goes on there.")
        for item in board.open_incidents
        if item.id != incident.id
    ]

    def picked(chosen: str | None) -> None:
        into = board.incident(chosen) if chosen else None
        if into is None:
            return
        facts = (
            line(span(f"{incident.label} {incident.title}", Tone.STRONG)),
            line("ends, and goes on in ", span(f"{into.label} {into.title}", Tone.STRONG)),
            line(span(f"on {into.target}: alerts, open tasks and changes go there.", Tone.DIM)),
        )
        question = Question(
            f"Merge {incident.label} into {into.label}",
            f"Merge into {into.label}",
            lambda answers: cmd.MergeIncident(incident.id, into.id, answers["reason"]),
            facts,
            (Text("reason", "Why they are the same"),),
            careful=True,
        )
        ask(app, question, f"{incident.label} merged into {into.label}")

    app.push_screen(Picker(f"{incident.label} is the same as:", entries), picked)


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "state": _state,
    "severity": _severity,
    "role": _role,
    "escalate": _escalate,
    "unacknowledge": _give_back,
    "reassign": _reassign,
    "merge": _merge,
}
