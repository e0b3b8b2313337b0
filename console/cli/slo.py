"""`oncall slo`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED
from console.cli.output import json_option, show, write_out
from console.model.guard import Invariant, PhaseGuard
from console.settings.problems import Problem, Problems

if TYPE_CHECKING:
    from console.settings.slo.reader import Levels


@click.group("slo")
def command() -> None:
    """Service levels: their gauges, and their files."""


_files = click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))


@command.command("ls")
@json_option
@click.pass_obj
def ls(options: Options, as_json: bool) -> None:
    """The gauges: ask every source once, and say how each objective stands.

    Nothing is written, and the lease is left alone.
    """
    from console.bootstrap import opened, run
    from console.reports.levels import gauges
    from console.view.look import ASCII, Look
    from console.view.slos import sentence

    async def read() -> None:
        async with opened(options, sources=True, read_only=True, watched=True) as console:
            await console.ask()
            board = console.board
            lines = [sentence(gauge, board.at, Look(ASCII)) for gauge in board.slos]
            show(gauges(board), lambda: lines or ["no SLO is configured"], as_json)

    run(read())


@command.command("lint")
@_files
@json_option
@click.pass_context
def lint(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Read SLO files, and say what is wrong with them: FILE:LINE:COLUMN: FIELD: what was found, what was expected.

    OpenSLO (openslo/v1, openslo/v1alpha), Guardrail and Invariant (oncall/v1), Sloth and Pyrra. One line for each file:
    ok with its number of objectives, then its warnings; or its errors. The files may refer to each other. Exit 0 when
    all of them can be read, else 1.
    """
    from console.settings.slo.reader import read_apart

    paths = list(_paths(files))
    problems = Problems()
    levels = read_apart(paths, problems)
    found = [_judged(str(path), one, problems) for path, one in zip(paths, levels, strict=True)]
    ok = all(one["ok"] for one in found)
    show({"ok": ok, "files": found}, lambda: (text for one in found for text in _lines(one)), as_json)
    ctx.exit(0 if ok else FAILED)


def _judged(path: str, levels: Levels, problems: Problems) -> dict[str, Any]:
    """What was found in one file."""
    errors = [problem for problem in problems.found if problem.file == path]
    return {
        "file": path,
        "ok": not errors,
        "objectives": [item.name for item in levels.objectives],
        "guardrails": [item.item.name for item in levels.guards if isinstance(item.item, PhaseGuard)],
        "invariants": [item.item.name for item in levels.guards if isinstance(item.item, Invariant)],
        "errors": [asdict(problem) for problem in errors],
        "warnings": [asdict(problem) for problem in problems.warnings if problem.file == path],
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if not found["ok"]:
        yield from (str(Problem(**problem)) for problem in found["errors"])
        return
    # Always in the plural: scripts look for `ok, N objectives`.
    counts = [f"{len(found['objectives'])} objectives"]
    counts += [_count(len(found[f"{kind}s"]), kind) for kind in ("guardrail", "invariant") if found[f"{kind}s"]]
    yield f"{found['file']}: ok, {', '.join(counts)}"
    for warning in found["warnings"]:
        yield f"  warning: {Problem(**warning)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


@command.command("convert")
@_files
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of the terminal.")
@json_option
def convert(files: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Print the objectives of SLO files, of whatever format, as OpenSLO v1.

    What OpenSLO cannot say stands in annotations that begin with `oncall/`; what is printed reads back to the same
    objectives. The files may refer to each other.
    """
    from console.settings.slo.convert import openslo
    from console.settings.slo.reader import read_paths

    problems = Problems()
    levels = read_paths(_paths(files), problems)
    problems.check()
    for warning in problems.warnings:
        click.echo(f"warning: {warning}", err=True)
    text = openslo(levels.found)
    if as_json:
        show({"objectives": [item.name for item in levels.objectives], "yaml": text}, "", as_json)
    else:
        write_out(text, output)


def _paths(files: Sequence[Path]) -> Iterator[Path]:
    """The files themselves; of a folder, the YAML files in it. Each once."""
    from console.settings.load import yaml_files

    seen = set()
    for file in files:
        for path in yaml_files(file, Problems()) if file.is_dir() else [file]:
            if path not in seen:
                seen.add(path)
                yield path
