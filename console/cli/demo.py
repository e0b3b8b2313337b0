"""`oncall demo`."""

from __future__ import annotations

from datetime import timedelta

import click

from console.bootstrap.common import Options
from console.cli.output import show
from console.cli.parse import DURATION


@click.command("demo")
@click.option("--seed", type=int, default=1, show_default=True, help="Another number, another day at the lighthouse.")
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1.0, show_default=True, help="Times as fast.")
@click.option("--break", "broken", multiple=True, metavar="SOURCE", help="A source that does not answer; repeatable.")
@click.option("--headless", is_flag=True, help="No screen, in simulated time; the same to the byte each time.")
@click.option("--for", "for_", type=DURATION, default="3m", show_default=True, help="How long, with --headless.")
@click.option("--json", "as_json", is_flag=True, help="With --headless: JSON instead of text.")
@click.pass_obj
def command(
    options: Options, seed: int, speed: float, broken: tuple[str, ...], headless: bool, for_: timedelta, as_json: bool
) -> None:
    """The console on a simulated service. Nothing outside can be reached from there.

    The latency of the new path rises a minute after the start; alerts fire; it heals when the flag is set back.
    The journal is a temporary one.
    """
    from console import bootstrap

    kind = bootstrap.Demo(seed, None if headless else speed, broken)
    if headless:
        from console.reports.snapshot import snapshot

        async def play() -> None:
            console, clock, _ = bootstrap.headless(options, kind)
            board = await bootstrap.play(console, clock, for_)

            def text() -> list[str]:
                from console.view.plain import report

                return report(board, board.at)

            show(snapshot(board), text, as_json)

        bootstrap.run(play())
