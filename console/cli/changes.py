"""`oncall changes`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import REFUSED, USAGE, Stop
from console.cli.feed import NOT_NEEDED
from console.cli.output import json_option, show
from console.cli.parse import DURATION
from console.cli.record import How, Shown, change_of, incident_of, reading, write, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.change import Change
    from console.model.commands import Command

STATES = {"in-force": "in force", "refused": "refused", "undone": "undone"}

change_argument = click.argument("change_id", metavar="CHG")


@click.group("changes")
def command() -> None:
    """Temporary changes: silences, flags, overrides, maintenance. A CHG is CHG-14, 14, or a uuid."""


def _shown(console: Console, change: Change) -> Shown:
    from console.reports.response import change_data
    from console.view.card import change_line

    return {"change": change_data(change, console.board.at)}, [change_line(change, console.board.at)]


def _done(console: Console, done: Done) -> Shown:
    return _shown(console, console.state.changes[done.subject])


@command.command("ls")
@click.option("--all", "all_", is_flag=True, help="What is undone, handed over or expired, too.")
@click.option("--incident", "incident_id", default="", metavar="INC", help="Of one incident.")
@json_option
@click.pass_obj
def ls(options: Options, all_: bool, incident_id: str, as_json: bool) -> None:
    """List what somebody still has to undo or to hand over, what nobody knows first."""
    from console.bootstrap import run
    from console.reports.response import change_data
    from console.view.card import change_line
    from console.view.changes import ordered

    async def work() -> None:
        async with reading(options) as console:
            state, now = console.state, console.board.at
            changes = state.changes_of(incident_of(state, incident_id).id) if incident_id else state.changes.values()
            found = ordered((item for item in changes if all_ or item.owed(now)), now)
            lines = [change_line(item, now) for item in found]
            data = {"changes": [change_data(item, now) for item in found]}
            show(data, lambda: lines or ["no temporary change is owed" if not all_ else "no temporary change"], as_json)

    run(work())


@command.command("record")
@click.argument("kind", type=click.Choice(["flag", "override", "maintenance", "other"]))
@click.argument("target")
@click.argument("what")
@click.option("--undo", "undo_text", required=True, metavar="TEXT", help="How it is undone.")
@click.option(
    "--incident", "incident_id", default="", metavar="INC", help="For which incident: its closing waits for it."
)
@click.option("--for", "length", type=DURATION, default=None, help="After how long it ends by itself.")
@writing()
@click.pass_obj
def record(
    options: Options,
    kind: str,
    target: str,
    what: str,
    undo_text: str,
    incident_id: str,
    length: timedelta | None,
    how: How,
) -> None:
    """Record a temporary change that was made by hand, with the way back."""
    from console.model.change import ChangeKind
    from console.model.commands import RecordChange

    def wanted(console: Console) -> Command:
        incident = incident_of(console.state, incident_id).id if incident_id else ""
        ends = console.board.at + length if length is not None else None
        return RecordChange(ChangeKind(kind), target, what, undo_text, incident, ends)

    write(options, wanted, _done, how)


@command.command("undo")
@change_argument
@click.option("--observed", default="", metavar="TEXT", help="What was undone by hand, and seen; a silence is expired.")
@writing(unsaved=True)
@click.pass_obj
def undo(options: Options, change_id: str, observed: str, how: How) -> None:
    """Undo a temporary change: a silence is expired from here, anything else is undone by hand and said here."""
    from console.model.change import ChangeKind, ChangeStatus
    from console.model.commands import ExpireSilence, SettleChange

    async def wanted(console: Console) -> Command:
        change = change_of(console.state, change_id)
        if change.kind is not ChangeKind.SILENCE or observed:
            if not observed:
                raise Stop(f"{change.label} is undone by hand ({change.undo}); --observed says what was seen", USAGE)
            return SettleChange(change.id, ChangeStatus.UNDONE, observed)
        await console.ask(without=NOT_NEEDED)
        silence = next((item for item in console.board.silences if change.remote and item.id == change.remote), None)
        if silence is None:
            raise Stop(
                f"{change.label}: its silence {change.remote or '(id unknown)'} was not found in Alertmanager; "
                "--observed says how it stands",
                REFUSED,
            )
        return ExpireSilence(silence)

    write(options, wanted, lambda console, _: _shown(console, change_of(console.state, change_id)), how, sources=True)


@command.command("handover")
@change_argument
@click.option("--to", required=True, metavar="WHO", help="Who owes the undoing from now on: a person, or a ticket.")
@click.option("--reason", required=True, help="Why it stays.")
@writing()
@click.pass_obj
def handover(options: Options, change_id: str, to: str, reason: str, how: How) -> None:
    """Hand a temporary change over: somebody else, or a ticket, owes the undoing."""
    from console.model.commands import HandOverChange

    write(options, lambda console: HandOverChange(change_of(console.state, change_id).id, to, reason), _done, how)


@command.command("settle")
@change_argument
@click.argument("state", type=click.Choice(list(STATES)))
@click.option("--observed", required=True, metavar="TEXT", help="What was seen, and where.")
@writing()
@click.pass_obj
def settle(options: Options, change_id: str, state: str, observed: str, how: How) -> None:
    """Say how a change stands whose outcome nobody knew."""
    from console.model.change import ChangeStatus
    from console.model.commands import SettleChange

    def wanted(console: Console) -> Command:
        return SettleChange(change_of(console.state, change_id).id, ChangeStatus(STATES[state]), observed)

    write(options, wanted, _done, how)
