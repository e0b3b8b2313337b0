"""`oncall outbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, REFUSED, Stop
from console.cli.feed import whole
from console.cli.output import json_option, show
from console.cli.record import How, reading, write, writing
from console.cli.telling import data, tell

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.model.commands import Command
    from console.model.message import Delivery

FLUSH_PATIENCE = 60.0


@click.group("outbox")
def command() -> None:
    """Messages to Slack, PagerDuty, mail and the others: what went out, and what is NOT SENT."""


def _line(item: Delivery) -> str:
    from console.view.card import message_line

    return f"{item.id[:8]}  {item.queued_at:%Y-%m-%d %H:%M:%S}Z  {message_line(item)}"


@command.command("ls")
@click.option("--all", "all_", is_flag=True, help="What was sent, and what was given up long ago, too.")
@json_option
@click.pass_obj
def ls(options: Options, all_: bool, as_json: bool) -> None:
    """List what waits and what is NOT SENT."""
    from console.bootstrap import run
    from console.view.deliveries import not_sent, ordered

    async def work() -> None:
        async with reading(options) as console:
            board = console.board
            missing = {item.id for item in not_sent(board, board.at)}
            found = ordered(item for item in board.deliveries if all_ or item.open or item.id in missing)
            nothing = "nothing waits, and nothing is NOT SENT"
            show({"deliveries": data(found)}, lambda: [_line(item) for item in found] or [nothing], as_json)

    run(work())


@command.command("retry")
@click.argument("delivery_id", metavar="ID")
@writing()
@click.pass_obj
def retry(options: Options, delivery_id: str, how: How) -> None:
    """Queue anew what was given up, under its own id: the far side can tell that it is the same."""
    from console.model.commands import RetryDelivery

    def wanted(console: Console) -> Command:
        known = console.state.deliveries
        return RetryDelivery(whole("message", delivery_id, known, [f"{key[:8]} {known[key].channel}" for key in known]))

    write(options, wanted, lambda *_: ({}, ["queued anew:"]), how)


@command.command("flush")
@json_option
@click.pass_obj
def flush(options: Options, as_json: bool) -> None:
    """Try everything that waits, now, unless another engine does. Exit 1 when something is still NOT SENT."""
    from console.bootstrap import opened, run

    async def work() -> bool:
        if options.read_only:
            raise Stop("this console is read-only", REFUSED)
        async with opened(options) as console:
            waiting = [item.id for item in console.state.deliveries.values() if item.open]
            told = await tell(console, waiting, wait=True, patience=FLUSH_PATIENCE)
            result = {"deliveries": told.data, "delivery_note": told.note}
            show(result, lambda: told.lines or ["nothing waits"], as_json)
            lease = console.board.lease
            elsewhere = bool(lease.holder) and not lease.mine
            return not elsewhere and any(console.state.deliveries[item].state != "sent" for item in waiting)

    if run(work()):
        raise Stop("not everything was sent", FAILED)
