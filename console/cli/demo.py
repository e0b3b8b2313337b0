"""`oncall demo`."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import BadInput, Options
from console.cli.exits import FAILED
from console.cli.output import show, write_out
from console.cli.parse import DURATION

if TYPE_CHECKING:
    from console.bootstrap import Demo


@click.command("demo")
@click.option("--seed", type=int, default=1, show_default=True, help="Another number, another day at the lighthouse.")
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1.0, show_default=True, help="Times as fast.")
@click.option("--break", "broken", multiple=True, metavar="SOURCE", help="A source that does not answer; repeatable.")
@click.option("--drill", default="", metavar="SCENARIO", help="Rehearse: `rollback`. The report follows at the end.")
@click.option(
    "--report",
    "output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The drill's report to a file (.md, .json).",
)
@click.option("--headless", is_flag=True, help="No screen, in simulated time; the same to the byte each time.")
@click.option("--for", "for_", type=DURATION, default="3m", show_default=True, help="How long, with --headless.")
@click.option("--json", "as_json", is_flag=True, help="With --headless or --drill: JSON instead of text.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="A picture of the screen, and no more.")
@click.pass_context
def command(
    ctx: click.Context,
    seed: int,
    speed: float,
    broken: tuple[str, ...],
    drill: str,
    output: Path | None,
    headless: bool,
    for_: timedelta,
    as_json: bool,
    svg: Path | None,
) -> None:
    """The console on a simulated service. Nothing outside can be reached from there.

    The latency of the new path rises a minute after the start; alerts fire; it heals when the flag is set back.
    The journal is a temporary one.
    """
    from console.bootstrap import Demo

    if ctx.obj.read_only:
        raise BadInput("--read-only: the demo writes its own record, and reaches nothing outside; leave it out")
    if drill and not headless and not ctx.obj.plain:
        headless = not _attended()
    kind = Demo(seed, None if headless else speed, broken, bool(drill))
    if headless and drill:
        ctx.exit(_report(_rehearse(ctx.obj, kind, drill), output, as_json))
    if headless:
        _play(ctx.obj, kind, for_, as_json)
        return
    ctx.exit(_screen(ctx.obj, kind, drill, output, as_json, svg))


def _attended() -> bool:
    """Whether somebody can carry out a drill. Elsewhere it is rehearsed by itself, as with --headless."""
    from console.bootstrap.screen import is_terminal

    return is_terminal(os.environ)


def _play(options: Options, kind: Demo, for_: timedelta, as_json: bool) -> None:
    from console.bootstrap import headless, play, run
    from console.reports.snapshot import snapshot

    async def work() -> None:
        board = await play(headless(options, kind), for_)

        def text() -> list[str]:
            from console.view.plain import report

            return report(board, board.at)

        show(snapshot(board), text, as_json)

    run(work())


def _rehearse(options: Options, kind: Demo, scenario: str) -> dict[str, Any]:
    from console.bootstrap import headless, play_drill, run

    async def work() -> dict[str, Any]:
        return await play_drill(headless(options, kind), scenario)

    return run(work())


def _report(data: dict[str, Any], output: Path | None, as_json: bool) -> int:
    """Prints or writes a drill's report. 1 when it was not completed in time."""
    from console.reports.drill import markdown, passed
    from console.reports.values import dump

    as_json = as_json or (output is not None and output.suffix == ".json")
    write_out(dump(data) + "\n" if as_json else markdown(data), output)
    return 0 if passed(data) else FAILED


def _screen(options: Options, kind: Demo, scenario: str, output: Path | None, as_json: bool, svg: Path | None) -> int:
    from console.bootstrap import demo_folder
    from console.bootstrap.screen import picture, run_demo

    with demo_folder() as folder:
        if svg is not None:
            return picture(options, kind, folder, svg)
        code, data = run_demo(options, kind, folder, scenario)
    return max(code, _report(data, output, as_json)) if data is not None else code
