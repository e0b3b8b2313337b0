"""`oncall watch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options

if TYPE_CHECKING:
    from console.model.board import Board


@click.command("watch")
@click.option("--json", "as_json", is_flag=True, help="Each change as a JSON object on a line.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Run the engine without a screen: it escalates and fires deadlines while no console does.

    One line for each change goes to stderr. Ends on SIGTERM, SIGINT or SIGHUP with 128 + the signal's number.
    docs/oncall-watch.service is a systemd unit for it.
    """
    from console.bootstrap import live, run
    from console.bootstrap.plain import follow, teller

    options: Options = ctx.obj

    async def work() -> int:
        return await follow(live(options), teller(_json if as_json else _text))

    ctx.exit(run(work()))


def _text(board: Board, line: str) -> None:
    from console.model.text import safe
    from console.reports.changes import stamped

    click.echo(safe(stamped(board, line), 2_000), err=True)


def _json(board: Board, line: str) -> None:
    import json

    from console.reports.values import instant

    subject, _, now = line.partition(": ")
    data = {
        "at": instant(board.at),
        "mode": board.mode,
        "environment": str(board.target),
        "subject": subject,
        "now": now,
    }
    click.echo(json.dumps(data, sort_keys=True), err=True)
