"""`oncall shift`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import USAGE, Stop
from console.cli.output import json_option, show
from console.cli.parse import moment
from console.cli.record import How, Shown, open_shift, reading, write, writing

if TYPE_CHECKING:
    from datetime import datetime

    from console.engine.console import Console
    from console.model.commands import Command
    from console.model.shift import Shift


@click.group("shift")
def command() -> None:
    """Begin and end shifts; notes and watch items."""


def _shown(console: Console) -> Shown:
    from console.reports.snapshot import shift_data

    shift = console.state.shift
    return {"shift": shift_data(shift) if shift else None}, _lines(shift)


def _lines(shift: Shift | None) -> Iterable[str]:
    if shift is None:
        yield "nobody is on shift"
        return
    yield f"{shift.operator} is on shift since {shift.began_at:%Y-%m-%d %H:%M}Z"
    for item in shift.open_watch:
        yield f"  {item.id}: {item.text}" + (f" (until {item.until:%Y-%m-%d %H:%M}Z)" if item.until else "")
    yield from (f"  {at:%H:%M}Z {who}: {text}" for at, who, text in shift.notes)


def _change(options: Options, wanted: Callable[[Console, Shift], Command], how: How) -> None:
    write(
        options,
        lambda console: wanted(console, open_shift(console.state)),
        lambda console, _: _shown(console),
        how,
    )


def _time(text: str, console: Console) -> datetime | None:
    try:
        return moment(text, console.board.at) if text else None
    except ValueError as error:
        raise Stop(str(error), USAGE) from None


@command.command("begin")
@writing()
@click.pass_obj
def begin(options: Options, how: How) -> None:
    """Begin your shift. A running one is taken over by a handoff."""
    from console.model.commands import BeginShift

    write(options, lambda _: BeginShift(), lambda console, _: _shown(console), how)


@command.command("end")
@click.option("--reason", required=True, help="Why nobody follows.")
@writing()
@click.pass_obj
def end(options: Options, reason: str, how: How) -> None:
    """End the shift without a successor."""
    from console.model.commands import EndShift

    _change(options, lambda _, shift: EndShift(shift.id, reason), how)


@command.command("note")
@click.argument("text")
@click.option("--at", "at", default="", metavar="TIME", help="When it happened: 14:32, -5m, or ISO 8601. Else now.")
@writing()
@click.pass_obj
def note(options: Options, text: str, at: str, how: How) -> None:
    """Add a note to the shift."""
    from console.model.commands import AddNote

    _change(options, lambda console, shift: AddNote(shift.id, text, _time(at, console)), how)


@command.command("watch")
@click.argument("text")
@click.option("--until", default="", metavar="TIME", help="+2h, or ISO 8601.")
@writing()
@click.pass_obj
def watch(options: Options, text: str, until: str, how: How) -> None:
    """Add something to keep an eye on."""
    from console.model.commands import AddWatchItem

    _change(options, lambda console, shift: AddWatchItem(shift.id, text, _time(until, console)), how)


@command.command("unwatch")
@click.argument("item", metavar="ITEM")
@click.option("--reason", required=True, help="Why it needs no eye any more.")
@writing()
@click.pass_obj
def unwatch(options: Options, item: str, reason: str, how: How) -> None:
    """Close a watch item, such as W1."""
    from console.cli.record import unknown
    from console.model.commands import CloseWatchItem

    def wanted(_: Console, shift: Shift) -> Command:
        if item not in shift.watch:
            raise unknown("watch item", item, [entry.id for entry in shift.open_watch])
        return CloseWatchItem(shift.id, item, reason)

    _change(options, wanted, how)


@command.command("show")
@json_option
@click.pass_obj
def show_one(options: Options, as_json: bool) -> None:
    """Show who is on shift, the watch items and the notes."""
    from console.bootstrap import run

    async def work() -> None:
        async with reading(options) as console:
            data, lines = _shown(console)
            show(data, lambda: lines, as_json)

    run(work())
