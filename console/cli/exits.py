"""Exit codes, and how a failure becomes one line and a code."""

from __future__ import annotations

from typing import IO, Any

import click

OK = 0
FAILED = 1
USAGE = 2
REFUSED = 3
NOT_SAVED = 4
NOT_FOUND = 5
UNKNOWN = 6
FAULT = 70

CODES: dict[int, str] = {
    OK: "done",
    FAILED: "a check, a verification or a verdict failed",
    USAGE: "wrong usage, bad input, a configuration or a journal that cannot be used",
    REFUSED: "refused by the rules; the line on stderr says why",
    NOT_SAVED: "NOT SAVED: the journal could not be written",
    NOT_FOUND: "nothing of that id or name",
    UNKNOWN: "OUTCOME UNKNOWN: it was sent and no answer came; look before doing it again",
    FAULT: "a fault of the program itself",
}
"""128 + n stands for the signal n, as in a shell: 130 for ctrl+c, 143 for SIGTERM."""


class Stop(click.ClickException):
    """Ends the command with a line on stderr and a code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    def show(self, file: IO[Any] | None = None) -> None:
        """One `oncall:` line for each line of the message."""
        complain(self.message)


def complain(message: str) -> None:
    """Says what is wrong, on stderr, harmless to the terminal."""
    from console.model.text import safe

    for line in message.splitlines():
        click.echo(f"oncall: {safe(line)}", err=True)
