"""Actions on the shift and its handoffs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.handoff import draft
from console.model.shift import Handoff
from console.model.state import State
from console.tui.actions.submit import ask, carry_out
from console.tui.dialogs.form import Choice, Item, Question, Text
from console.view.line import Line, Tone, fit, line, span
from console.view.times import instant

if TYPE_CHECKING:
    from console.model.board import Board
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation


def _begin(app: ConsoleApp, at: Situation) -> None:
    carry_out(app, cmd.BeginShift(), f"Shift of {at.board.actor.name} began")


def _end(app: ConsoleApp, at: Situation) -> None:
    shift = at.board.shift
    assert shift is not None
    facts = (line(span("Nobody is on shift afterwards. h hands it over instead.", Tone.WARNING)),)
    question = Question(
        f"End the shift of {shift.operator}?",
        "End the shift",
        lambda answers: cmd.EndShift(shift.id, answers["reason"]),
        facts,
        (Text("reason", "Why without a successor?"),),
        careful=True,
    )
    ask(app, question, "Shift ended")


def _watch(app: ConsoleApp, at: Situation) -> None:
    shift = at.board.shift
    assert shift is not None
    question = Question(
        "Watch item",
        "Add it",
        lambda answers: cmd.AddWatchItem(shift.id, answers["text"], until(answers["until"], app)),
        (),
        (Text("text", "What must be watched?"), Text("until", "Until (UTC); empty means open end", "", "18:00")),
    )
    ask(app, question, "Watch item")


def until(text: str, app: ConsoleApp) -> datetime | None:
    """A clock time that lies ahead. Raises ValueError."""
    at = instant(text, app.now)
    if at is not None and text.strip().startswith("-"):
        raise ValueError(f"{text[:20]!r} lies in the past; expected a time such as 18:00 (UTC)")
    return at + timedelta(days=1) if at is not None and at <= app.now else at


def _unwatch(app: ConsoleApp, at: Situation) -> None:
    shift = at.board.shift
    item = at.entry.partition(":")[2]
    assert shift is not None
    question = Question(
        f"Close {item}: {shift.watch[item].text if item in shift.watch else ''}",
        "Close it",
        lambda answers: cmd.CloseWatchItem(shift.id, item, answers["reason"]),
        (),
        (Text("reason", "Why"),),
    )
    ask(app, question, f"{item} closed")


def _offer(app: ConsoleApp, at: Situation) -> None:
    board, shift = at.board, at.board.shift
    assert shift is not None
    items, summary = draft(_record(board), shift, app.now)
    facts: list[Line] = [line(span(f"The draft, from record {board.head[:24]}: {len(items)} items", Tone.DIM))]
    facts += [line(span(fit(item.kind, 9), Tone.DIM), item.text) for item in items[:8]]
    if len(items) > 8:
        facts.append(line(span(f"and {len(items) - 8} more", Tone.DIM)))
    people = tuple(
        Item(person.login, line(fit(person.login, 14), span(person.full_name or person.name, Tone.DIM)), person.login)
        for person in board.people
        if person.login != board.actor.name
    )
    if not people:
        app.say("Hand over: people.yaml names nobody else", bad=True)
        return
    question = Question(
        "Hand the shift over",
        "Offer it",
        lambda answers: cmd.OfferHandoff(shift.id, answers["to"], items, board.head, answers["summary"]),
        tuple(facts),
        (Choice("to", "To whom?", people), Text("summary", "In one sentence", summary)),
    )
    ask(app, question, "Handoff offered")


def _record(board: Board) -> State:
    """What the Board knows of the record."""
    state = State(
        incidents={item.id: item for item in board.incidents},
        runs={run.id: run for run in board.runs},
        changes={change.id: change for change in board.changes},
    )
    if board.shift is not None:
        state.shifts[board.shift.id] = board.shift
    state.handoffs.update({item.id: item for item in board.handoffs})
    return state


def _handoff(board: Board, handoff_id: str) -> Handoff | None:
    return next((item for item in board.handoffs if item.id == handoff_id), None)


def _answer(app: ConsoleApp, at: Situation) -> None:
    handoff_id, _, item_id = at.entry.partition(":")[2].partition("/")
    handoff = _handoff(at.board, handoff_id)
    item = next((each for each in handoff.items if each.id == item_id), None) if handoff else None
    if handoff is None or item is None:
        app.say("That item is no longer offered.", bad=True)
        return
    answers_ = (
        Item("accepted", line(span("1 ", Tone.ACCENT), "I take it"), "accepted"),
        Item("questioned", line(span("2 ", Tone.ACCENT), "I have a question"), "questioned"),
    )
    question = Question(
        f"{handoff.label}: your answer on this {item.kind}",
        "Answer",
        lambda answers: cmd.AnswerHandoffItem(handoff.id, item.id, answers["answer"], answers["read_back"]),
        (line(span(item.text, Tone.STRONG)), line(span(item.actions, Tone.NORMAL))),
        (
            Choice("answer", "Your answer", answers_, "accepted"),
            Text("read_back", "Read it back in your words, or ask"),
        ),
    )
    ask(app, question, f"{handoff.label}: answered")


def _take(app: ConsoleApp, at: Situation) -> None:
    mine = next(item for item in at.board.handoffs if item.open and item.to == at.board.actor.name)
    question = Question(
        f"Take the shift of {mine.offered_by.name}?",
        "Take it",
        lambda answers: cmd.AcceptHandoff(mine.id, answers["shared_login"]),
        (line(f"All {len(mine.items)} items are accepted. From now on you are responsible."),),
        (Text("shared_login", "Only if both of you use one login: why is this all right?"),),
    )
    ask(app, question, f"{mine.label} accepted: you are on shift")


def _withdraw(app: ConsoleApp, at: Situation) -> None:
    handoff = next(item for item in at.board.handoffs if item.open)
    question = Question(
        f"Withdraw {handoff.label} to {handoff.to}?",
        "Withdraw it",
        lambda answers: cmd.WithdrawHandoff(handoff.id, answers["reason"]),
        (),
        (Text("reason", "Why"),),
    )
    ask(app, question, f"{handoff.label} withdrawn")


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "begin": _begin,
    "end": _end,
    "watch": _watch,
    "unwatch": _unwatch,
    "offer": _offer,
    "answer": _answer,
    "take": _take,
    "withdraw": _withdraw,
}
