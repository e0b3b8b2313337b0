"""How an action hands a command to the engine, and says what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.engine.outcome import Denied, Done
from console.tui.dialogs.form import Form, Question
from console.view.line import Line, Tone, line, span

if TYPE_CHECKING:
    from console.model.board import Board
    from console.model.commands import Command
    from console.tui.app import ConsoleApp

Then = Callable[[Done], None]


def carry_out(app: ConsoleApp, command: Command, what: str, then: Then | None = None) -> None:
    """Submits without asking. Says what was saved, or why not; what could not be saved is asked about."""

    async def work() -> None:
        outcome = await app.submit(command)
        if isinstance(outcome, Done):
            _say_done(app, what, outcome)
            if then is not None:
                then(outcome)
        elif isinstance(outcome, Denied):
            app.say(f"Not done: {outcome.reason}", bad=True)
        else:
            app.push_screen(Form(Question(what, "Try again", lambda _: command, unsaved=outcome), app.drafts))

    app.spawn(work())


def ask(app: ConsoleApp, question: Question, what: str, then: Then | None = None) -> None:
    """Opens a form; once it is saved, says so and goes on."""

    def closed(outcome: Done | None) -> None:
        if outcome is not None:
            _say_done(app, what, outcome)
            if then is not None:
                then(outcome)

    app.push_screen(Form(question, app.drafts), closed)


def unlisted(board: Board, name: str) -> list[Line]:
    """A warning where a name is of nobody in people.yaml: somebody else, or a slip of the fingers."""
    name = name.strip()
    if not name or name in (board.actor.name, *(person.name for person in board.people)):
        return []
    return [line(span(f"{name} is not in people.yaml: nothing can be sent to that name.", Tone.WARNING))]


def _say_done(app: ConsoleApp, what: str, outcome: Done) -> None:
    """Says that something is saved, or where it waits instead."""
    if outcome.unsaved:
        app.say(f"{what}: NOT SAVED in the journal; it waits in {outcome.unsaved}", bad=True, alarm=True)
    else:
        app.say(f"{what}: saved")
