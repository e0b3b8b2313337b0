"""`oncall status`."""

from __future__ import annotations

import click

from console.bootstrap.common import Options
from console.cli.output import json_option, show


@click.command("status")
@json_option
@click.pass_obj
def command(options: Options, as_json: bool) -> None:
    """Read every source once, within its deadline, and say how things stand.

    Nothing is written, and the lease is left alone: safe in scripts and beside a running console.
    """
    from console.bootstrap import opened, run
    from console.reports.snapshot import snapshot
    from console.view.plain import report

    async def read() -> None:
        async with opened(options, sources=True, read_only=True, watched=True) as console:
            await console.ask()
            if console.state.rollbacks:  # has the playbook changed since?
                await console.read_playbooks()
            board = console.board
            show(snapshot(board), lambda: report(board, board.at), as_json)

    run(read())
