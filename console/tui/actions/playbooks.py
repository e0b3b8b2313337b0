"""The playbooks that fit an incident, and the start of one, with what it has to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.binding import asked, fit
from console.model.playbook import LoadedPlaybook, Variable, VariableType
from console.tui.actions.general import show_run
from console.tui.actions.submit import ask, carry_out
from console.tui.dialogs.form import Choice, Item, Question, Text, Unfit
from console.tui.dialogs.pick import Entry, Picker
from console.view.line import Line, Tone, labelled, line, span
from console.view.line import fit as fitted
from console.view.offers import Offer, rank
from console.view.runs import objective

if TYPE_CHECKING:
    from console.engine.outcome import Done
    from console.model.board import Board
    from console.model.incident import Incident
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

NONE = "-"
"""The entry that starts nothing; no playbook may be called so."""


def offer(app: ConsoleApp, incident_id: str, *, declared: bool = False) -> None:
    """The playbooks for an incident, best first. Just after it was `declared` nothing is the first answer: enter was
    pressed there, and may be pressed once too often. So it is where they have yet to be read: enter is not to start
    what comes under it."""
    board, _, _ = app.seen
    incident = board.incident(incident_id)
    if incident is None:
        app.say("That incident is not on the board yet; p offers its playbooks.", bad=True)
        return
    none_first = declared or not board.playbooks_read
    said = "best first. Enter starts the highlighted one; esc starts none."
    facts = [line(span(f"For {incident.label} {incident.severity}: {said}", Tone.DIM))]
    offered: dict[str, LoadedPlaybook] = {}

    def entries(board: Board) -> list[Entry]:
        offers = rank(board.playbooks, incident.alerts, incident.severity)
        offered.update((item.loaded.playbook.name, item.loaded) for item in offers)
        return _entries(app, board, incident, offers, none_first=none_first)

    def picked(name: str | None) -> None:
        if name in offered:
            _start(app, incident, offered[name])

    async def read(picker: Picker) -> None:
        await app.engine.read_playbooks()
        now = app.engine.board
        picker.fill(entries(now), "" if now.playbooks else "no playbook is loaded")

    picker = Picker(
        "Start a playbook?", entries(board), facts=facts, coming="" if board.playbooks_read else "reading playbooks ..."
    )
    app.push_screen(picker, picked)
    if not board.playbooks_read:
        app.spawn(read(picker))


def _entries(
    app: ConsoleApp, board: Board, incident: Incident, offers: Sequence[Offer], *, none_first: bool
) -> list[Entry]:
    _, _, look = app.seen
    running = {run.playbook.name for run in board.runs if run.incident == incident.id and run.ended_at is None}
    entries = [_entry(item, running, look.marks.ok, look.marks.coming) for item in offers]
    if none_first:
        row = line(span(f"{look.marks.here} ", Tone.ACCENT), span("No playbook now", Tone.STRONG))
        entries.insert(0, Entry(NONE, row, "No playbook now", "p offers them again, at any time."))
    return entries


def _entry(item: Offer, running: set[str], yes: str, no: str) -> Entry:
    playbook = item.loaded.playbook
    goal = f" Takes {objective(*playbook.objective)}." if playbook.objective else ""
    row = line(
        span(f"{yes if item.fits else no} ", Tone.OK if item.fits else Tone.DIM),
        span(fitted(playbook.title, 30) + " ", Tone.STRONG),
        span(fitted(f"{len(playbook.steps)} steps", 9) + " ", Tone.DIM),
        span(item.why, Tone.ACCENT if item.fits else Tone.DIM),
    )
    refusal = "it is running already in this incident" if playbook.name in running else ""
    reviewed = f"Reviewed {playbook.reviewed} by {playbook.owner}."
    detail = f"{item.why[:1].upper()}{item.why[1:]}. {playbook.summary}{goal} {reviewed}"
    return Entry(playbook.name, row, playbook.title, detail, refusal)


def _start(app: ConsoleApp, incident: Incident, loaded: LoadedPlaybook) -> None:
    """Starts it at once where nothing has to be asked."""
    playbook = loaded.playbook
    wanted = asked(playbook, incident, app.engine.settings.variables)
    done = f"{playbook.title} started"

    def shown(outcome: Done) -> None:
        show_run(app, outcome.subject)

    if not wanted:
        carry_out(app, cmd.StartRun(incident.id, loaded), done, shown)
        return
    facts: list[Line] = labelled("", playbook.summary, max(20, min(app.size.width, 110) - 5), 0, Tone.DIM)[:2]
    facts.append(line(span("for ", Tone.DIM), span(f"{incident.label} {incident.title}", Tone.STRONG)))

    def build(answers: Mapping[str, str]) -> cmd.Command:
        values = []
        for variable, _ in wanted:
            try:
                values.append((variable.name, fit(variable, answers[variable.name])))
            except ValueError as error:
                raise Unfit(variable.name, str(error)) from None
        return cmd.StartRun(incident.id, loaded, tuple(values))

    question = Question(
        f"Start {playbook.title}: what it has to be told",
        f"Start on {incident.target}",
        build,
        tuple(facts),
        tuple(_field(variable, proposed) for variable, proposed in wanted),
        preview=partial(_misfits, tuple(variable for variable, _ in wanted)),
    )
    ask(app, question, done, shown)


def _field(variable: Variable, proposed: str) -> Text | Choice:
    label = variable.ask or variable.name.replace("_", " ")
    choices = ("true", "false") if variable.type is VariableType.BOOLEAN else variable.choices
    if choices:
        items = tuple(Item(name, line(name), name) for name in choices)
        return Choice(variable.name, f"{label} ({variable.type})", items, proposed or choices[0])
    return Text(variable.name, f"{label} ({variable.type})", proposed, variable.pattern)


def _misfits(variables: tuple[Variable, ...], answers: Mapping[str, str], _: int) -> list[Line]:
    """What is wrong with what is typed so far; what is still empty is not wrong yet."""
    found: list[Line] = []
    for variable in variables:
        if answers[variable.name].strip():
            try:
                fit(variable, answers[variable.name])
            except ValueError as error:
                found.append(line(span(str(error), Tone.WARNING)))
    return found


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "playbooks": lambda app, at: offer(app, at.incident),
}
