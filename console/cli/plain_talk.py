"""What is said to one person in front of a run, what is asked, and what is submitted in their name."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import click

from console.cli.plain_card import in_own_words
from console.cli.record import CONFIRMATION

if TYPE_CHECKING:
    from console.cli.plain_input import Lines
    from console.engine.console import Console
    from console.model.commands import Command

WIDTH = 200
"""Characters of a program's line, where there is no terminal whose width is known."""
LONGEST = 10_000
"""Characters of any line."""


class Left(Exception):
    """Somebody leaves on purpose."""


class Talk:
    """One person, line by line."""

    def __init__(self, console: Console, lines: Lines, quiet: bool) -> None:
        self.console, self.lines, self._quiet = console, lines, quiet
        self.refused: Command | None = None
        """What was refused last: /override and /glass say it again with a reason."""
        self.asked: set[tuple[str, str]] = set()
        """The steps that were carried out from here."""
        self.waiting: tuple[object, ...] = ()
        """What is waited for, while nothing is asked; empty at a prompt."""

    def say(self, text: str) -> None:
        """One line. With --json, stdout is for the result."""
        from console.model.text import safe

        click.echo(safe(text, LONGEST), err=self._quiet)

    def heard(self, text: str) -> None:
        """A line that a program wrote: no wider than the place for it."""
        from console.model.text import safe

        width = shutil.get_terminal_size((WIDTH, 24)).columns if self.lines.terminal else WIDTH
        self.say(safe(text, max(width, 20)))

    async def ask(self, prompt: str) -> str:
        """One answer. Raises EOFError at the end of the input. What was typed before it was asked is none."""
        from console.model.text import safe

        self.lines.discard()
        self.waiting = ()
        click.echo(f"{safe(prompt, LONGEST)} ", nl=False, err=self._quiet)
        line = await self.lines.next()
        if not self.lines.terminal:
            click.echo("" if line is None else safe(line, 1_000), err=self._quiet)
        if line is None:
            raise EOFError
        return line.strip()

    async def sure(self, question: str) -> bool:
        """A yes or no; no is what Enter means."""
        return (await self.ask(f"{question} [y/N]")).lower() in ("y", "yes")

    def help(self, text: str) -> None:
        """Line by line."""
        for item in text.split("\n"):
            self.say(item)

    async def submit(self, command: Command) -> None:
        """Has a command carried out, and says what is in its way."""
        from console.engine.outcome import Denied, Done, Unsaved
        from console.model import commands as cmd

        outcome = await self.console.submit(command)
        if isinstance(outcome, Unsaved) and outcome.may_proceed:
            self.say(f"NOT SAVED: {outcome.reason}")
            if await self.ask(f"Type {CONFIRMATION} to go ahead all the same:") != CONFIRMATION:
                self.say("nothing was done")
                return
            outcome = await self.console.submit(command, unsaved=True)
        self.refused = command if isinstance(outcome, Denied) else None
        if isinstance(command, cmd.RunProgram | cmd.SetFlag | cmd.SendNotice) and isinstance(outcome, Done):
            self.asked.add((command.run, command.step))
        if isinstance(outcome, Denied | Unsaved):
            unknown = getattr(outcome, "unknown", False)
            self.say(f"{'OUTCOME UNKNOWN' if unknown else 'refused'}: {in_own_words(outcome.reason)}")
        elif outcome.unsaved:
            self.say(f"NOT SAVED: waits in {outcome.unsaved}")
