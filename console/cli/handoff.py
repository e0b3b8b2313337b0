"""`oncall handoff`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import NOT_FOUND, USAGE, Stop, complain
from console.cli.output import json_option, write_out
from console.cli.record import How, Shown, handoff_of, open_shift, reading, report, submit, write, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.events import HandoffItem
    from console.model.shift import Handoff


@click.group("handoff")
def command() -> None:
    """Hand a shift over, item by item. An HO is HO-4, 4, or a uuid."""


def _shown(console: Console, handoff_id: str) -> Shown:
    from console.reports.handoff import handoff_data

    handoff = console.state.handoffs[handoff_id]
    return {"handoff": handoff_data(handoff)}, _lines(handoff)


def _lines(handoff: Handoff) -> Iterable[str]:
    from console.reports.handoff import standing

    yield f"{handoff.label}  {handoff.offered_by} -> {handoff.to}  {standing(handoff)}  {handoff.summary}"
    for item in handoff.items:
        answer = handoff.answers.get(item.id)
        state = answer.answer + (f": {answer.read_back}" if answer.read_back else "") if answer else "open"
        yield (
            f"  {item.id}  [{item.kind}]  {item.text}"
            + (f"  next: {item.actions}" if item.actions else "")
            + f"  ({state})"
        )


@command.command("draft")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@json_option
@click.pass_obj
def draft(options: Options, output: Path | None, as_json: bool) -> None:
    """Draft a handoff from the record: open incidents, running playbooks, watch items, what happened."""
    from console.bootstrap import run
    from console.model import handoff
    from console.reports.handoff import draft_document, markdown
    from console.reports.values import dump

    async def work() -> None:
        async with reading(options) as console:
            shift = open_shift(console.state)
            items, summary = handoff.draft(console.state, shift, console.board.at)
            data = draft_document(shift, items, summary, console.board.head, console.board.mode)
            write_out(dump(data) + "\n" if as_json else markdown(data), output)

    run(work())


@command.command("offer")
@click.option("--to", required=True, metavar="NAME", help="Who takes over.")
@click.option("--summary", default="", help="In your words. Else one is made from the record.")
@writing()
@click.pass_obj
def offer(options: Options, to: str, summary: str, how: How) -> None:
    """Offer your shift to somebody, with the draft as it stands now."""
    from console.model import handoff
    from console.model.commands import OfferHandoff

    def wanted(console: Console) -> OfferHandoff:
        board = console.board
        logins = {person.login for person in board.people}
        receiver = next((person.login for person in board.people if person.name == to), to)
        if logins and receiver not in logins:
            complain(f"note: {to} is not in people.yaml; whoever accepts must go by exactly this name")
        shift = open_shift(console.state)
        items, made = handoff.draft(console.state, shift, board.at)
        return OfferHandoff(shift.id, receiver, items, board.head, summary or made)

    write(options, wanted, lambda console, done: _shown(console, done.subject), how)


@command.command("answer")
@click.argument("handoff_id", metavar="HO")
@click.argument("item")
@click.argument("answer", type=click.Choice(["accepted", "questioned"]))
@click.option("--read-back", default="", help="What you understood; for a question, the question.")
@writing()
@click.pass_obj
def answer(options: Options, handoff_id: str, item: str, answer: str, read_back: str, how: How) -> None:
    """Answer one item of a handoff that was offered to you."""
    from console.model.commands import AnswerHandoffItem

    found: list[str] = []

    def wanted(console: Console) -> AnswerHandoffItem:
        found.append(handoff_of(console.state, handoff_id).id)
        return AnswerHandoffItem(found[0], item, answer, read_back)

    write(options, wanted, lambda console, _: _shown(console, found[0]), how)


@command.command("accept")
@click.argument("handoff_id", metavar="[HO]", default="")
@click.option("--accept-all", is_flag=True, help="Accept every item that is still open.")
@click.option("--item", "items", multiple=True, metavar="ITEM", help="Accept this item; repeatable.")
@click.option("--read-back", default="", help="What you understood, kept with the items accepted by this command.")
@click.option("--shared-login", default="", metavar="REASON", help="Why giver and receiver act from one login.")
@writing()
@click.pass_obj
def accept(
    options: Options,
    handoff_id: str,
    accept_all: bool,
    items: tuple[str, ...],
    read_back: str,
    shared_login: str,
    how: How,
) -> None:
    """Accept a handoff and take the shift. On a terminal, item by item; the shift is yours when all are accepted.

    HO may be left out when one handoff is offered to you.
    """
    from console.bootstrap import opened, run

    async def work() -> None:
        async with opened(options) as console:
            handoff = _offered(console, handoff_id)
            unknown_items = [item for item in items if item not in {known.id for known in handoff.items}]
            if unknown_items:
                known = ", ".join(item.id for item in handoff.items)
                raise Stop(f"{unknown_items[0]}: there is no such item in {handoff.label}; known: {known}", NOT_FOUND)
            done = await _answer(console, handoff, accept_all, items, read_back)
            handoff = console.state.handoffs[handoff.id]
            if not handoff.pending:
                done = await _take(console, handoff, shared_login)
            elif done is None:
                raise Stop(
                    f"{len(handoff.pending)} items are open: {', '.join(item.id for item in handoff.pending)}; "
                    "answer them on a terminal, or with --item ITEM or --accept-all",
                    USAGE,
                )
            if done is not None:
                await report(console, done, lambda console, _: _shown(console, handoff.id), how)

    run(work())


def _offered(console: Console, said: str) -> Handoff:
    if said:
        return handoff_of(console.state, said)
    mine = [item for item in console.board.handoffs if item.to == console.board.actor.name]
    if len(mine) == 1:
        return mine[0]
    labels = ", ".join(f"{item.label} to {item.to}" for item in console.board.handoffs) or "none"
    raise Stop(f"{len(mine)} handoffs are offered to {console.board.actor.name}; open: {labels}", NOT_FOUND)


async def _answer(
    console: Console, handoff: Handoff, accept_all: bool, items: Iterable[str], read_back: str
) -> Done | None:
    """Answers the items named, or on a terminal each one after another. None when nothing was answered."""
    from console.model.commands import AnswerHandoffItem

    named, done = set(items), None
    ask = not accept_all and not named and sys.stdin.isatty()
    for item in handoff.pending:
        reply, words = "accepted", read_back
        if ask:
            reply, words = _ask(item)
        elif not accept_all and item.id not in named:
            continue
        done = await submit(console, AnswerHandoffItem(handoff.id, item.id, reply, words))
    return done


def _ask(item: HandoffItem) -> tuple[str, str]:
    from console.model.text import safe

    click.echo(f"{item.id} [{item.kind}] {safe(item.text)}", err=True)
    if item.actions:
        click.echo(f"  next: {safe(item.actions)}", err=True)
    reply = click.prompt("  accept, or question", type=click.Choice(["a", "q"]), default="a", err=True)
    words = click.prompt("  read back" if reply == "a" else "  your question", default="", show_default=False, err=True)
    return "accepted" if reply == "a" else "questioned", words


async def _take(console: Console, handoff: Handoff, shared_login: str) -> Done:
    from console.model.commands import AcceptHandoff

    return await submit(console, AcceptHandoff(handoff.id, shared_login))


@command.command("withdraw")
@click.argument("handoff_id", metavar="HO")
@click.option("--reason", required=True, help="Why it is withdrawn.")
@writing()
@click.pass_obj
def withdraw(options: Options, handoff_id: str, reason: str, how: How) -> None:
    """Withdraw a handoff; the shift stays where it is."""
    from console.model.commands import WithdrawHandoff

    found: list[str] = []

    def wanted(console: Console) -> WithdrawHandoff:
        found.append(handoff_of(console.state, handoff_id).id)
        return WithdrawHandoff(found[0], reason)

    write(options, wanted, lambda console, _: _shown(console, found[0]), how)


@command.command("show")
@click.argument("handoff_id", metavar="[HO]", default="")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@json_option
@click.pass_obj
def show_one(options: Options, handoff_id: str, output: Path | None, as_json: bool) -> None:
    """Show a handoff as a document; the newest one without HO."""
    from console.bootstrap import run
    from console.reports.handoff import document, markdown
    from console.reports.values import dump

    async def work() -> None:
        async with reading(options) as console:
            handoffs = list(console.state.handoffs.values())
            if not handoff_id and not handoffs:
                raise Stop("no handoff was offered yet; `oncall handoff offer` offers one", NOT_FOUND)
            handoff = handoff_of(console.state, handoff_id) if handoff_id else handoffs[-1]
            data = document(handoff, console.board.mode)
            write_out(dump(data) + "\n" if as_json else markdown(data), output)

    run(work())
