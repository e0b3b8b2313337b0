"""`oncall playbook test`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, NOT_FOUND, Stop
from console.cli.output import json_option, line, show

if TYPE_CHECKING:
    from console.bootstrap.rehearsal import PlaybookResult


@click.command("test")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--tables",
    type=click.Path(path_type=Path, file_okay=False),
    help="Their folder. Else `tests` beside the playbooks.",
)
@json_option
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], tables: Path | None, as_json: bool) -> None:
    """Rehearse playbooks by their tables of answers, in simulated time: nothing outside is reached.

    Ends with 1 when a case fails, or when a step or a branch is in none of them.
    """
    from console.bootstrap import configuration
    from console.bootstrap.common import environment, settle
    from console.bootstrap.rehearsal import rehearse
    from console.settings.playbook_tests import FOLDER, read_tests

    options: Options = ctx.obj
    config = configuration(options)
    playbooks = {item.playbook.name: item.playbook for item in config.playbooks}
    unknown = [name for name in names if name not in playbooks]
    if unknown:
        raise Stop(f"{unknown[0]}: there is no such playbook; known: {', '.join(playbooks)}", NOT_FOUND)
    began = time.monotonic()
    tests = read_tests(tables or config.playbook_folder / FOLDER, playbooks)
    settle()
    found: list[PlaybookResult] = []
    for result in rehearse(config, environment(config, options), tests, names):
        found.append(result)
        if not as_json:
            for text in _lines(result):
                line(text)
    passed = all(item.passed for item in found)
    if as_json:
        show({"ok": passed, "playbooks": [_data(item) for item in found]}, "", as_json=True)
    else:
        line(_sum(found, time.monotonic() - began))
    ctx.exit(0 if passed else FAILED)


def _lines(result: PlaybookResult) -> Iterator[str]:
    name = result.playbook.name
    yield f"{name}: {'no table' if not result.cases else f'{len(result.cases)} cases'}"
    for case in result.cases:
        yield f"  {'PASS' if case.passed else 'FAIL'}  {case.case.name}" + (
            "" if case.passed else f"  {case.case.place}"
        )
        yield from (f"        {difference}" for difference in case.differences)
    steps, branches = result.steps, result.branches
    yield (
        f"  reached {len(steps) - len(result.missed_steps)} of {len(steps)} steps,"
        f" {len(branches) - len(result.missed_branches)} of {len(branches)} branches"
    )
    yield from (f"  NOT REACHED step {step}" for step in result.missed_steps)
    yield from (f"  NOT REACHED {branch}" for branch in result.missed_branches)


def _sum(found: list[PlaybookResult], seconds: float) -> str:
    cases = [case for item in found for case in item.cases]
    failed = sum(not case.passed for case in cases)
    steps, branches = sum(len(item.missed_steps) for item in found), sum(len(item.missed_branches) for item in found)
    return (
        f"{len(found)} playbooks, {len(cases)} cases: {failed} failed; {steps} steps and {branches} branches not"
        f" reached; {seconds:.1f} s"
    )


def _data(result: PlaybookResult) -> dict[str, Any]:
    return {
        "name": result.playbook.name,
        "ok": result.passed,
        "cases": [
            {
                "name": case.case.name,
                "place": case.case.place,
                "ok": case.passed,
                "differences": list(case.differences),
                "steps": sorted(case.steps),
                "branches": sorted(map(str, case.branches)),
            }
            for case in result.cases
        ],
        "steps": {"total": len(result.steps), "not_reached": list(result.missed_steps)},
        "branches": {"total": len(result.branches), "not_reached": list(map(str, result.missed_branches))},
    }
