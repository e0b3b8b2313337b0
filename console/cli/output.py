"""What the commands print: text that a terminal cannot be tricked with, or JSON."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from console.cli.exits import USAGE, Stop

F = TypeVar("F", bound=Callable[..., Any])

PIPED, NARROWEST = 100, 40
"""How wide a page of the screen is printed where there is no terminal, and at least."""

json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")


def show(data: Any, text: Callable[[], Iterable[str]] | str, as_json: bool) -> None:
    """Prints `data` as JSON, or the lines of `text`."""
    if as_json:
        from console.reports.values import dump

        click.echo(dump(data))
    elif isinstance(text, str):
        line(text)
    else:
        for item in text():
            line(item)


def line(text: str) -> None:
    """One line of text, harmless whatever it quotes."""
    from console.model.text import safe

    click.echo(safe(text, 100_000))


def columns() -> int:
    """How wide a page of the screen is printed: as the terminal is."""
    return max(shutil.get_terminal_size((PIPED, 24)).columns, NARROWEST)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns, two blanks apart; the last column is as long as it is."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def write_out(text: str, output: Path | None) -> None:
    """A whole document, to a new private file or to stdout. Its format has made it harmless already."""
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise Stop(f"{output}: cannot be written ({error.strerror})", USAGE) from None
