"""The screen, or lines where there can be none: how a console gets its front end, and what the program ends with."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.bootstrap import drill
from console.bootstrap.common import BadInput, Options, run, settle
from console.bootstrap.simulated import demo, headless

if TYPE_CHECKING:
    from console.bootstrap.simulated import Demo, Simulation
    from console.engine.console import Console
    from console.model.board import Board, Target
    from console.ports import Clock

Made = tuple["Console", "Clock"]

FAULT = 70
SETTLED_AFTER = 150
"""Simulated seconds that have passed on a picture: the alerts stand, the guardrail is tripped."""
PICTURE = (120, 40)


def run_screen(
    make: Callable[[Options], Made], options: Options, *, title: str = "oncall", first_run: Callable[[], str] = str
) -> int:
    """Runs the console that `make` makes until the operator leaves. The exit code.

    On a terminal, the screen, at the checklist that `first_run` names; with --plain, a line for every fact and then for
    every change; elsewhere, one report. Whoever picks another environment on the screen gets a new console for it.
    Raises what `make` raises.
    """
    if options.plain:
        return run(_follow(make(options)[0]))
    if not is_terminal(os.environ):
        return run(_report(make(options)[0]))
    while True:
        chosen: list[Target] = []
        code = _screen(partial(make, options), title, chosen.append, first_run)
        if not chosen:
            return code
        options = replace(options, environment=str(chosen[-1]))


def run_demo(options: Options, kind: Demo, folder: Path, scenario: str) -> tuple[int, dict[str, Any] | None]:
    """Runs the demo, or a drill in it. The exit code, and the report of a drill that began."""
    kept: list[tuple[Simulation, drill.Drill | None]] = []

    def make(_: Options) -> Made:
        simulation = demo(options, kind, folder)
        begun = asyncio.run(_begin(simulation, scenario)) if scenario else None
        kept.append((simulation, begun))
        return simulation.console, simulation.clock

    if scenario:
        drill.check(scenario)

    def first_run() -> str:
        return begun.run if kept and (begun := kept[-1][1]) is not None else ""

    code = run_screen(make, options, title=f"oncall {kind.mode.upper()}", first_run=first_run)
    simulation, begun = kept[-1] if kept else (None, None)
    if simulation is None or begun is None:
        return code, None
    return code, run(_finish(options, simulation, begun, folder))


async def _begin(simulation: Simulation, scenario: str) -> drill.Drill:
    console = simulation.console
    await console.open()
    await console.ask()
    return await drill.begin(
        console, simulation.journal, simulation.clock, simulation.ids, scenario, simulation.kind.speed or 1.0
    )


async def _finish(options: Options, simulation: Simulation, begun: drill.Drill, folder: Path) -> dict[str, Any]:
    """The report, from the journal that the screen has closed."""
    again = demo(options, simulation.kind, folder, simulation.clock)
    try:
        await again.console.open()
        return await drill.finish(again.console, again.journal, again.clock, again.ids, begun)
    finally:
        await again.console.stop()


# -- the screen -------------------------------------------------------------------------------------------------------


def _screen(
    make: Callable[[], Made], title: str, choose: Callable[[Target], None], first_run: Callable[[], str]
) -> int:
    from console.bootstrap.holders import left_by_us
    from console.tui.launch import run as launch

    failed: list[Exception] = []
    keymap: dict[str, str] = {}

    def start() -> Made:
        try:
            made = make()
            keymap.update(made[0].settings.keys)
            return made
        except Exception as error:  # carried out of the screen, to be explained on the terminal
            from console.tui.session import CannotStart

            failed.append(error)
            raise CannotStart("the console cannot start") from None
        finally:
            settle()

    code = launch(
        start,
        title=title,
        keymap=keymap,
        choose_target=choose,
        log=str(log_to_file()),
        first_run=first_run,
        left_by_us=left_by_us,
    )
    if failed:
        raise failed[0]
    return FAULT if code == 1 else code


def picture(options: Options, kind: Demo, folder: Path, output: Path) -> int:
    """Writes an SVG of the demo's screen, the same each time. The exit code."""
    from console.tui.app import ConsoleApp

    async def work() -> str:
        simulation = headless(options, kind)
        console, clock = simulation.console, simulation.clock
        await console.read_playbooks()
        await console.start()
        until = clock.now() + timedelta(seconds=SETTLED_AFTER)
        await clock.run(until, lambda: console.clock_tasks)
        app = ConsoleApp(lambda: (_Still(console), clock), title="oncall DEMO", zone=lambda _: None)
        async with app.run_test(size=PICTURE) as pilot:
            shots: list[str] = []
            while len(shots) < 3 or len(set(shots[-3:])) > 1:  # panes come one after the other, on a busy machine late
                await pilot.pause(0.3)
                shots.append(app.export_screenshot(title="oncall demo"))
        await console.stop()
        return shots[-1]

    try:
        output.write_text(run(work()), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{output}: cannot be written ({error.strerror})") from None
    return 0


def is_terminal(environ: Mapping[str, str]) -> bool:
    """Whether there is a screen, and somebody before it."""
    return sys.stdin.isatty() and sys.stdout.isatty() and environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


def log_to_file() -> Path:
    """Sends what libraries log, and crashes, to a private file: a line on the terminal would tear the screen."""
    import logging

    from platformdirs import user_log_path

    path = user_log_path("oncall", appauthor=False) / "oncall.log"

    class Private(logging.FileHandler):
        def _open(self) -> Any:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            return open(handle, "a", encoding="utf-8", errors="backslashreplace")

        def handleError(self, record: logging.LogRecord) -> None:  # logging's name
            """A log that cannot be written is no reason to speak."""

    root = logging.getLogger()
    if not root.handlers:
        handler = Private(path, delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        root.addHandler(handler)
    return path


# -- without one ------------------------------------------------------------------------------------------------------


async def _report(console: Console) -> int:
    from console.bootstrap.plain import once

    board = await once(console)
    _print_report(board)
    return 0


async def _follow(console: Console) -> int:
    from console.bootstrap.plain import follow, teller
    from console.reports.changes import stamped

    def say(board: Board, line: str) -> None:
        _print(stamped(board, line))

    return await follow(console, teller(say))


def _print_report(board: Board) -> None:
    from console.view.plain import report

    for line in report(board, board.at):
        _print(line)


def _print(text: str) -> None:
    from console.model.text import safe

    sys.stdout.write(safe(text, 100_000) + "\n")
    sys.stdout.flush()


class _Still:
    """An engine whose time is over: the screen shows its last Board and cannot start or stop it."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __getattr__(self, name: str) -> Any:
        return getattr(self._console, name)

    async def start(self) -> None:
        """It ran already."""

    async def stop(self) -> None:
        """Whoever started it stops it."""
