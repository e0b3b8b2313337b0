"""`oncall playbook lint` and `oncall playbook graph`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED
from console.cli.output import json_option, show
from console.cli.record import unknown

if TYPE_CHECKING:
    from console.model.playbook import Playbook
    from console.settings.lint import Placed

NARROWEST, WIDEST = 60, 120


@click.command("lint")
@click.argument("wanted", metavar="[NAME|FILE]...", nargs=-1)
@json_option
@click.pass_context
def lint(ctx: click.Context, wanted: tuple[str, ...], as_json: bool) -> None:
    """Find what a schema cannot see: steps that nothing leads to, missing branches, endless loops, names that lead
    nowhere, effects that nothing verifies, reviews that are overdue. One line for each: FILE:LINE:COLUMN: CODE.

    All playbooks, or those named; docs/playbooks.md explains the codes. Exit 0 when nothing is found, else 1.
    """
    from console.engine.clocks import SystemClock
    from console.settings.lint import linter, paths_of
    from console.settings.load import find

    options: Options = ctx.obj
    found = linter(find(options.config or None, os.environ), SystemClock().now().date())
    try:
        paths = paths_of(found, wanted)
    except KeyError as error:
        raise unknown("playbook", error.args[0], list(found.world.playbooks)) from None
    findings = found.files(paths)
    data = {"ok": not findings, "files": [str(path) for path in paths], "findings": [asdict(item) for item in findings]}
    show(data, lambda: _lines(findings, len(paths)), as_json)
    ctx.exit(FAILED if findings else 0)


def _lines(findings: list[Placed], files: int) -> Iterator[str]:
    yield from map(str, findings)
    if not findings:
        yield f"{files} playbook{'s' if files != 1 else ''}, nothing found"


@click.command("graph")
@click.argument("name")
@click.option("--mermaid", is_flag=True, help="As a Mermaid flowchart.")
@json_option
@click.pass_obj
def graph(options: Options, name: str, mermaid: bool, as_json: bool) -> None:
    """Draw a playbook: its steps, its branches, and what happens by itself when a step is late or fails (dotted)."""
    from console.bootstrap import configuration
    from console.cli.playbook_run import loaded_of
    from console.model.flow import edges
    from console.view.mermaid import mermaid as flowchart

    playbook = loaded_of(configuration(options), name).playbook
    ways = [
        {"source": edge.source, "target": edge.target, "way": edge.way, "label": edge.label, "playbook": edge.playbook}
        for edge in edges(playbook)
    ]
    data = {"name": playbook.name, "steps": [step.id for step in playbook.steps], "edges": ways}
    show(data, lambda: flowchart(playbook).splitlines() if mermaid else _drawn(playbook), as_json)


def _drawn(playbook: Playbook) -> Iterator[str]:
    from console.tui.launch import utf8
    from console.view.graph import drawn
    from console.view.line import words
    from console.view.look import ASCII, UNICODE, Look

    look = Look(UNICODE if utf8(os.environ) else ASCII)
    width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
    yield f"{playbook.title} ({playbook.name})"
    yield from (words(line) for line in drawn(playbook, width, look))
