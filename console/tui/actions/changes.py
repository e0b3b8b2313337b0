"""Actions on temporary changes and on messages: undo, extend, hand over, settle, record, send again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.change import Change, ChangeKind, ChangeStatus
from console.model.silence import Silence
from console.tui import situation as when
from console.tui.actions.general import show
from console.tui.actions.submit import ask, carry_out
from console.tui.dialogs.form import Choice, Item, Question, Text
from console.tui.dialogs.pick import Entry, Picker
from console.tui.dialogs.text import Reader
from console.view import changes, deliveries
from console.view.line import Line, Tone, cut, line, span
from console.view.times import ahead, stamp

if TYPE_CHECKING:
    from console.model.board import Board
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

SETTLED = {
    ChangeStatus.UNDONE: "It is undone: nothing of it acts any more.",
    ChangeStatus.IN_FORCE: "It is in force: somebody still has to undo it.",
    ChangeStatus.REFUSED: "It was never made.",
}


def show_changes(app: ConsoleApp, chosen: str = "") -> None:
    """The ledger, with the cursor on a change."""
    from console.tui.screens.changes import ChangesScreen

    show(app, ChangesScreen(chosen))


def show_outbox(app: ConsoleApp) -> None:
    """Messages and channels."""
    from console.tui.screens.outbox import OutboxScreen

    show(app, OutboxScreen())


def silence_of(change: Change, board: Board) -> Silence | None:
    """The silence of a change as Alertmanager has it, else as it was asked for; None when it has no id there."""
    if not change.remote:
        return None
    known = next((item for item in board.silences if item.id == change.remote), None)
    if known is not None or change.silence is None:
        return known
    return replace(change.silence, id=change.remote, ends_at=change.expires_at or change.silence.ends_at)


def _named(change: Change, board: Board) -> tuple[Line, ...]:
    end = f", ends {stamp(change.expires_at)}" if change.expires_at else ", no end"
    return (
        line(span(f"{change.label} ", Tone.STRONG), change.what),
        line(span(f"on {change.target}, console on {board.target}{end}", Tone.DIM)),
        line(span("undo: ", Tone.DIM), span(change.undo, Tone.STRONG)),
    )


def _undo(app: ConsoleApp, at: Situation) -> None:
    change = at.the_change
    if change is None:
        return
    silence = silence_of(change, at.board) if change.kind is ChangeKind.SILENCE else None
    if silence is not None:
        question = Question(
            f"Expire the silence of {change.label}",
            "Expire it now",
            lambda answers: cmd.ExpireSilence(silence, answers["reason"]),
            _named(change, at.board),
            (Text("reason", "Why, if not because it is over"),),
            careful=True,
        )
        ask(app, question, f"{change.label}: silence expired")
        return
    question = Question(
        f"{change.label} is undone",
        "Record that it is undone",
        lambda answers: cmd.SettleChange(change.id, ChangeStatus.UNDONE, answers["observed"]),
        (
            *_named(change, at.board),
            line(span("Undo it where it was made, then say what you see there.", Tone.WARNING)),
        ),
        (Text("observed", "What you see: the value that shows it"),),
    )
    ask(app, question, f"{change.label} undone")


def _extend(app: ConsoleApp, at: Situation) -> None:
    change = at.the_change
    silence = silence_of(change, at.board) if change is not None else None
    if change is None:
        return
    if silence is None:
        app.say(f"Extend: {change.label} has no silence in Alertmanager that is known", bad=True)
        return

    def build(answers: Mapping[str, str]) -> cmd.Command:
        until = ahead(answers["until"], app.now)
        if until is None:
            raise ValueError("say until when, such as 2h or 14:32")
        return cmd.ExtendSilence(silence, until)

    question = Question(
        f"Extend the silence of {change.label}",
        "Extend it",
        build,
        _named(change, at.board),
        (Text("until", "Ends in, from now", "1h", "1h, 30m or 14:32 (UTC)"),),
    )
    ask(app, question, f"{change.label} extended")


def _hand_over(app: ConsoleApp, at: Situation) -> None:
    change = at.the_change
    if change is None:
        return
    known = ", ".join(person.name for person in at.board.people)
    question = Question(
        f"Hand {change.label} over",
        "Hand it over",
        lambda answers: cmd.HandOverChange(change.id, answers["to"], answers["reason"]),
        _named(change, at.board),
        (Text("to", f"Who, or which ticket, owes the undoing: {known}"), Text("reason", "Why, and until when")),
    )
    ask(app, question, f"{change.label} handed over")


def _settle(app: ConsoleApp, at: Situation) -> None:
    change = at.the_change
    if change is None:
        return
    items = tuple(
        Item(state.value, line(span(f"{state.value:10} ", Tone.STRONG), span(text, Tone.DIM)), state.value)
        for state, text in SETTLED.items()
    )
    question = Question(
        f"How {change.label} stands",
        "Record how it stands",
        lambda answers: cmd.SettleChange(change.id, ChangeStatus(answers["state"]), answers["observed"]),
        _named(change, at.board),
        (
            Choice("state", "You looked, and", items, ChangeStatus.IN_FORCE.value),
            Text("observed", "What you saw there"),
        ),
    )
    ask(app, question, f"{change.label} settled")


def _record(app: ConsoleApp, at: Situation) -> None:
    opened = at.board.open_incidents
    mine = at.the_incident
    kinds = tuple(
        Item(kind.value, line(kind.value), kind.value) for kind in ChangeKind if kind is not ChangeKind.SILENCE
    )
    ties = [Item(item.id, line(f"{item.label} {cut(item.title, 50)}"), item.label) for item in opened]
    items = (*ties, Item("", line(span("no incident", Tone.DIM)), "none"))
    question = Question(
        "A temporary change made by hand",
        "Record it",
        lambda answers: cmd.RecordChange(
            ChangeKind(answers["kind"]),
            answers["target"],
            answers["what"],
            answers["undo"],
            answers["incident"],
            ahead(answers["expires"], app.now),
        ),
        (),
        (
            Text("what", "What was changed, from what to what"),
            Text("target", "Where", str(at.board.target)),
            Text("undo", "How it is undone, so that anybody can"),
            Text("expires", "Ends by itself in (empty: it does not)", "", "2h or 14:32 (UTC)"),
            Choice("kind", "Kind", kinds, ChangeKind.OVERRIDE.value),
            Choice("incident", "For", items, mine.id if mine is not None and mine.open else items[0].id),
        ),
    )
    ask(app, question, "Temporary change recorded")


def open_change(app: ConsoleApp, at: Situation) -> None:
    """A change in full, and everything that can be done about it."""
    change = at.the_change
    if change is None:
        return
    _, now, look = app.seen
    possible = (
        ("read", "Read it", "Everything that is known of it", lambda: ""),
        ("undo", "Undo", change.undo, lambda: when.change()(at)),
        ("extend", "Extend", "A silence lasts longer", lambda: when.change("silence")(at)),
        ("hand-over", "Hand over", "Somebody else, or a ticket, owes it", lambda: when.hand_over(at)),
        ("settle", "Settle", "Say how it stands, after you looked", lambda: when.change()(at)),
    )
    entries = [
        Entry(name, line(span(f"{title:12} ", Tone.STRONG), span(text, Tone.DIM)), title, text, _refused(at, reason))
        for name, title, text, reason in possible
    ]

    def picked(name: str | None) -> None:
        if name == "read":
            app.push_screen(Reader(change.label, lambda width: changes.details(change, at.board, now, width, look)))
        elif name is not None:
            HANDLERS[name](app, at)

    state, tone = changes.word(change, now)
    facts = (*_named(change, at.board), line(span(state, tone)))
    app.push_screen(Picker(f"{change.label} {change.kind}", entries, facts=facts), picked)


def _refused(at: Situation, reason: Callable[[], str]) -> str:
    found = reason()
    return "this console is read-only" if at.board.read_only and not found else found


def open_delivery(app: ConsoleApp, at: Situation) -> None:
    """A message in full."""
    item = at.the_delivery
    if item is not None:
        app.push_screen(
            Reader("Message", lambda width: deliveries.details(item, width, app.engine.board.retries.get(item.id)))
        )


def _send_again(app: ConsoleApp, at: Situation) -> None:
    item = at.the_delivery
    if item is not None:
        carry_out(app, cmd.RetryDelivery(item.id), f"Message to {item.channel} queued again")


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "changes": lambda app, at: show_changes(app),
    "outbox": lambda app, at: show_outbox(app),
    "change": open_change,
    "undo": _undo,
    "extend": _extend,
    "hand-over": _hand_over,
    "settle": _settle,
    "record": _record,
    "message": open_delivery,
    "send-again": _send_again,
}
