"""One person at one run, prompt by prompt."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from console.cli.exits import FAILED, OK, USAGE, Stop
from console.cli.plain_card import (
    HELP,
    HOLD_HELP,
    Prompt,
    acts,
    card,
    goes_on_here,
    hindrance,
    in_own_words,
    needs_somebody,
    option_of,
    outcome_of,
    question,
    waiting,
    waiting_for,
)
from console.cli.record import CONFIRMATION
from console.cli.run_common import OUTPUT_SHOWN, Tail, acting_words, drift, effect_line, take_from_the_dead

if TYPE_CHECKING:
    from console.cli.plain_input import Lines
    from console.engine.console import Console
    from console.model.board import Board
    from console.model.commands import Command
    from console.model.run import Run

WIDTH = 200
"""Characters of a program's line, where there is no terminal whose width is known."""
LONGEST = 10_000
"""Characters of any line."""
COMMANDS = frozenset(
    "run skip fail retry expire override glass take hold resume abort quit help".split()  # noqa: SIM905
)
_ANSWERS = frozenset({"y", "yes", "n", "no"})


class Left(Exception):
    """Somebody leaves on purpose."""


class Session:
    """One person at one run."""

    def __init__(self, console: Console, lines: Lines, quiet: bool) -> None:
        self.console, self._lines, self._quiet = console, lines, quiet
        self.root = ""
        self._changed = asyncio.Event()
        """A Board was published, or a line has come."""
        self._refused: Command | None = None
        """What was refused last: /override and /glass say it again with a reason."""
        self._ended = False
        self._tail = Tail(self._heard)
        self._told: set[str] = set()
        """The effects whose outcome was said."""
        self._asked: set[tuple[str, str]] = set()
        """The steps that were carried out from here."""
        self._waiting: tuple[object, ...] = ()
        """What is waited for, while nothing is asked; empty at a prompt."""
        self._said: list[str] = []
        """What was said of it."""
        self._left_alone: set[tuple[str, str, str]] = set()
        """The steps that could not be taken from a console that is gone."""
        self._read = frozenset[str]()
        """The hashes of the playbooks that this console has read, and that others may not write."""
        lines.arrived = self._changed.set
        console.subscribe(self._board)
        self._board(console.board)

    def _board(self, board: Board) -> None:
        self._read |= {item.hash for item in board.playbooks if not item.untrusted}
        self._changed.set()

    # -- speaking -----------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """One line. With --json, stdout is for the result."""
        from console.model.text import safe

        click.echo(safe(text, LONGEST), err=self._quiet)

    def _heard(self, text: str) -> None:
        """A line that a program wrote: no wider than the place for it."""
        from console.model.text import safe

        width = shutil.get_terminal_size((WIDTH, 24)).columns if self._lines.terminal else WIDTH
        self.say(safe(text, max(width, 20)))

    async def ask(self, prompt: str) -> str:
        """One answer. Raises EOFError at the end of the input. What was typed before it was asked is none."""
        from console.model.text import safe

        self._lines.discard()
        self._waiting = ()
        click.echo(f"{safe(prompt, LONGEST)} ", nl=False, err=self._quiet)
        line = await self._lines.next()
        if not self._lines.terminal:
            click.echo("" if line is None else safe(line, 1_000), err=self._quiet)
        if line is None:
            raise EOFError
        return line.strip()

    async def sure(self, question: str) -> bool:
        """A yes or no; no is what Enter means."""
        return (await self.ask(f"{question} [y/N]")).lower() in ("y", "yes")

    def leave(self) -> None:
        """How to go on later."""
        run = self.console.state.runs.get(self.root)
        if run is not None and not self._ended:
            self.say(f"{run.label} stays as it is; go on with: oncall run attach {run.label} --plain")

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def work(self, begin: Callable[[Session], Awaitable[str]]) -> int:
        """Prompts until the run has ended, the input has, or somebody leaves. The exit code."""
        try:
            self.root = await begin(self)
            self._told = {
                effect.id for run in self.console.state.runs.values() for effect in run.effects if effect.outcome
            }
            while not self._ended:
                self._tell_effects()
                await self._take_from_the_dead()
                run = self._here()
                if run.ended_at is not None:
                    return self._over(run)
                if run.held_at is not None:
                    await self._on_hold(run)
                elif (prompt := self._next(run)) is not None:
                    await self._step(prompt)
                else:
                    await self._wait(run)
        except EOFError:
            self.say("the input has ended")
            return USAGE
        except Left:
            return OK
        return OK

    def _tell_effects(self) -> None:
        """What has been carried out since it was last said, and what it wrote."""
        for run in self.console.state.runs.values():
            for effect in run.effects:
                if effect.outcome and effect.id not in self._told:
                    self._told.add(effect.id)
                    self.say(effect_line(effect))
                    heard = (run.id, effect.step) in self._tail.steps
                    for text in () if heard else effect.output.splitlines()[-OUTPUT_SHOWN:]:
                        self._heard(f"  | {text}")

    async def _take_from_the_dead(self) -> None:
        """Goes on with the steps of a console that has ended, where it was one of the same user on this host."""
        board, run = self.console.board, self._here()
        if board.read_only or run.ended_at is not None or run.held_at is not None:
            return
        for progress in run.active:
            key = (run.id, progress.id, progress.holder)
            if not progress.held_elsewhere(board.console, board.at) or key in self._left_alone:
                continue
            self._left_alone.add(key)
            try:
                await take_from_the_dead(self.console, run, progress.id)
            except Stop as stop:
                self.say(stop.message)
            now = self.console.state.runs[run.id].steps[progress.id]
            if now.holder == board.console != progress.holder:
                self.say(f"{progress.holder} held {run.playbook.step(progress.id).title}, and is gone: it is taken")

    def _here(self) -> Run:
        """The run that is worked on: the one that went on elsewhere, or the one that a step has called."""
        runs = self.console.state.runs
        run = runs[self.root]
        while run.next_run in runs:
            self.root = run.next_run
            self.say(f"goes on in {runs[self.root].label} {runs[self.root].playbook.title}")
            run = runs[self.root]
        while called := [item for item in runs.values() if item.parent == run.id and item.ended_at is None]:
            run = called[0]
        return run

    def _over(self, run: Run) -> int:
        self._ended = True
        self.say(f"{run.label} {run.playbook.title}: {run.status}" + (f": {run.reason}" if run.reason else ""))
        for step, _ in run.undoing if run.status == "aborted" else ():
            self.say(f"to take back: {step.title}: {step.undo}")
        return FAILED if run.status == "aborted" else OK

    def _next(self, run: Run) -> Prompt | None:
        """The step that needs a person: one that has failed first; None while all go on by themselves."""
        from console.model.run import StepStatus

        board = self.console.board
        needy = [item for item in run.active if needs_somebody(run, item, board, self._lines.terminal)]
        failed = [item for item in needy if item.status is StepStatus.FAILED]
        first = next(iter([*failed, *needy]), None)
        return Prompt(run, run.playbook.step(first.id), self._read) if first is not None else None

    # -- while nothing is asked ---------------------------------------------------------------------------------------

    async def _wait(self, run: Run) -> None:
        """Something is under way by itself. What begins with / acts meanwhile; nothing else is an answer to anything,
        for nothing is asked."""
        prompt = waiting_for(run, self._read)
        what = (run.id, prompt.step.id, prompt.progress.attempt) if prompt is not None else (run.id,)
        if what != self._waiting:
            self._waiting, self._said = what, []
            self._lines.mark()
        if (said := list(waiting(run, self.console.board))) != self._said:
            self._said = said
            for text in said:
                self.say(text)
        while True:
            self._changed.clear()
            self._tail.run = run.id
            self._tail.look(self.console.board)
            now = self.console.state.runs[run.id]
            if now.version != run.version or self._next(now) is not None:
                return
            if (line := self._line(prompt)) is not None:
                await self._meanwhile(run, prompt, line.strip())
                return
            if self._lines.spent and not self._busy():
                raise EOFError
            await self._changed.wait()

    def _busy(self) -> bool:
        """Whether what was asked for here has not come to its end: leaving would cut it off."""
        board, state = self.console.board, self.console.state
        return any(
            goes_on_here(run, run.playbook.step(step), board, state)
            for run, step in ((state.runs[run_id], step) for run_id, step in self._asked)
        )

    def _line(self, prompt: Prompt | None) -> str | None:
        """What was said that is for the wait. In a pipe the answers to all that follows may be there already: while
        something is carried out they are kept for it, but for the end of a wait."""
        from console.model.playbook import OBSERVED

        if (line := self._lines.live()) is not None:
            return line
        head = self._lines.head
        if head is None or not head.startswith("/"):
            return None
        ends = prompt is not None and prompt.step.kind in OBSERVED and head.startswith("/expire")
        if self._busy() and not ends:
            return None
        self._lines.take_head()
        return head

    async def _meanwhile(self, run: Run, prompt: Prompt | None, line: str) -> None:
        if not self._lines.terminal:
            self.say(f"> {line}")
        if not line:
            self._said = []
            self.console.refresh()
        elif line == "?" or (line.startswith("/") and prompt is None):
            self._help(HELP)
        elif line.startswith("/"):
            assert prompt is not None
            await self._slash(prompt, line)
        else:
            self.say("not taken: nothing is asked now; what begins with / acts meanwhile, ? lists it")

    def _help(self, text: str) -> None:
        for item in text.split("\n"):
            self.say(item)

    # -- a step -------------------------------------------------------------------------------------------------------

    async def _step(self, prompt: Prompt) -> None:
        for text in card(prompt, self.console):
            self.say(text)
        answer = await self._answer(prompt)
        if answer is not None:
            await self._answered(prompt, answer)

    async def _answer(self, prompt: Prompt) -> str | None:
        """The answer to a prompt. It is said when the step has come to its end meanwhile: on a terminal, an answer that
        is being typed stays one to this step; in a pipe, where there is none yet, it is for what follows."""
        asking = asyncio.ensure_future(self.ask(question(prompt, self.console)))
        ending = asyncio.ensure_future(self._end_of(prompt))
        try:
            await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done() and not asking.done():
                self.say("")
                self.say(ending.result())
                if not self._lines.terminal:
                    return None
                self.say("Press Enter to go on.")
            return await asking
        finally:
            for task in (asking, ending):
                task.cancel()
            await asyncio.gather(asking, ending, return_exceptions=True)

    async def _end_of(self, prompt: Prompt) -> str:
        """Waits until what was asked for is over, and says how. What the step's program writes meanwhile is said."""
        while True:
            self._changed.clear()
            run = self.console.state.runs[prompt.run.id]
            here = run.steps[prompt.step.id]
            if run.ended_at is not None or not here.open or here.attempt != prompt.progress.attempt:
                return f"{prompt.step.title}: {here.status}, {outcome_of(here)}."
            if run.held_at is not None:
                return f"{run.label} is on hold: {run.held_reason}."
            await self._changed.wait()
            self._tail.run = run.id
            self._tail.look(self.console.board)

    async def _answered(self, prompt: Prompt, text: str) -> None:
        from console.model import commands as cmd
        from console.model.playbook import OBSERVED, StepKind
        from console.model.run import StepStatus

        step, run = prompt.step, prompt.run
        if text in ("?", "/help"):
            self._help(HELP)
        elif text.startswith("/"):
            await self._slash(prompt, text)
        elif not text or prompt.progress.status is StepStatus.FAILED or step.kind in OBSERVED:
            if text:
                self.say("this is no answer here; ? lists what is")
            self.console.refresh()
        elif step.kind is StepKind.DECISION:
            option = option_of(step, text)
            if option is None:
                self.say(f"{text} is none of {', '.join(item.id for item in step.options)}")
                return
            observed = await self.ask("observed:")
            if observed.startswith("/"):
                self.say("nothing was chosen")
                await self._slash(prompt, observed)
                return
            await self._submit(cmd.CompleteStep(run.id, step.id, observed or "chosen", option))
        elif step.kind is StepKind.APPROVAL:
            if text.lower() in ("y", "yes"):
                await self._submit(cmd.CompleteStep(run.id, step.id, "approved"))
            else:
                self.say("not approved; /fail WHY says no for good")
        elif await self._meant(prompt, text):
            typed = await self._typed(prompt)
            if typed is not None:
                await self._submit(cmd.CompleteStep(run.id, step.id, text, typed=typed))

    async def _meant(self, prompt: Prompt, text: str) -> bool:
        """Whether a text is what somebody observed, and no command that lacks its slash or answer to another prompt."""
        word = text.lower()
        if word in COMMANDS:
            self.say(f"{text!r} is no observation; /{word} is the command")
            return False
        if text == CONFIRMATION or (acts(prompt.step) and word in _ANSWERS):
            self.say(f"{text!r} is no observation, and nothing was asked that it answers")
            return False
        if not acts(prompt.step):
            return True
        done = prompt.progress.asked_by is not None
        how = "without waiting for its reading" if done else "without running it from here"
        if await self.sure(f"close {prompt.step.title} by hand, {how}?"):
            return True
        self.say("nothing was done")
        return False

    async def _typed(self, prompt: Prompt) -> str | None:
        """What an irreversible step wants typed; None when it was not."""
        if not prompt.step.irreversible or prompt.progress.asked_by is not None:
            return ""
        wanted = prompt.run.confirmation(prompt.step)
        typed = await self.ask(f"IRREVERSIBLE, there is no way back. Type {wanted} to go on:")
        if typed != wanted:
            self.say("nothing was done")
            return None
        return typed

    # -- what begins with / -------------------------------------------------------------------------------------------

    async def _slash(self, prompt: Prompt, text: str) -> None:
        from console.model import commands as cmd

        run, step = prompt.run, prompt.step
        name, _, said = text[1:].partition(" ")
        said = said.strip()
        made: dict[str, Callable[[], Command]] = {
            "skip": lambda: cmd.SkipStep(run.id, step.id, said),
            "fail": lambda: cmd.FailStep(run.id, step.id, said),
            "retry": lambda: cmd.RetryStep(run.id, step.id),
            "expire": lambda: cmd.ExpireStep(run.id, step.id, said, said),
            "take": lambda: cmd.TakeStep(run.id, step.id, said),
            "hold": lambda: cmd.HoldRun(run.id, said),
            "resume": lambda: cmd.ResumeRun(run.id, said),
            "abort": lambda: cmd.AbortRun(run.id, said),
        }
        if name == "quit":
            raise Left
        if name in ("help", "?"):
            self._help(HELP)
        elif name == "run":
            await self._carry_out(prompt)
        elif name == "override":
            await self._override(prompt, said)
        elif name == "glass":
            await self._glass(prompt, said)
        elif name in made:
            await self._submit(made[name]())
        else:
            self.say(f"/{name} is not known; ? lists what is")

    async def _carry_out(self, prompt: Prompt, glass: str = "") -> None:
        from console.model import commands as cmd

        run, step = prompt.run, prompt.step
        if not acts(step):
            self.say("there is nothing to carry out; say what you observe")
            return
        if prompt.progress.asked_by is not None and goes_on_here(run, step, self.console.board, self.console.state):
            self.say("it is being carried out")
            return
        kind = cmd.RunProgram if step.program else cmd.SendNotice if step.notice else cmd.SetFlag
        if reason := hindrance(prompt, self.console, glass):
            self.say(f"not from here: {reason}")
            return
        changed = drift(run, self.console.settings)
        if changed:
            self.say(f"note: {changed}")
        if not await self.sure(f"{'; '.join(acting_words(run, step, self.console.state))}. Do it?"):
            self.say("nothing was done")
            return
        typed = await self._typed(prompt)
        if typed is not None:
            await self._submit(kind(run.id, step.id, typed, glass))

    async def _override(self, prompt: Prompt, why: str) -> None:
        """Closes a step although its reading does not show the effect."""
        from console.model import commands as cmd
        from console.model.playbook import StepKind

        step, refused = prompt.step, self._refused_of(prompt)
        if not why:
            self.say("/override WHY: say what you have seen instead")
        elif isinstance(refused, cmd.CompleteStep):
            await self._submit(replace(refused, override=why))
        elif step.verify is not None or step.kind is StepKind.PLAYBOOK:
            typed = await self._typed(prompt)
            if typed is not None:
                await self._submit(cmd.CompleteStep(prompt.run.id, step.id, why, typed=typed, override=why))
        else:
            self.say("no reading closes this step: say what you observe")

    async def _glass(self, prompt: Prompt, why: str) -> None:
        """Does alone what was refused for the want of somebody else."""
        refused = self._refused_of(prompt)
        if not why:
            self.say("/glass WHY: say why you do it alone")
        elif refused is not None and hasattr(refused, "break_glass"):
            changes: dict[str, Any] = {"break_glass": why}
            await self._submit(replace(refused, **changes))
        elif acts(prompt.step) and prompt.progress.asked_by is None:
            await self._carry_out(prompt, why)
        else:
            self.say("nothing of this step was refused for that; say it first, then /glass WHY")

    def _refused_of(self, prompt: Prompt) -> Command | None:
        command = self._refused
        mine = (getattr(command, "run", ""), getattr(command, "step", "")) == (prompt.run.id, prompt.step.id)
        return command if mine else None

    # -- a run on hold ------------------------------------------------------------------------------------------------

    async def _on_hold(self, run: Run) -> None:
        """Nothing but the word for it resumes."""
        from console.model import commands as cmd

        runs = self.console.state.runs
        while run.parent in runs and runs[run.parent].held_at is not None:
            run = runs[run.parent]
        self.say(f"{run.label} is ON HOLD since {run.held_at:%H:%M:%S}Z: {run.held_reason}")
        said = await self.ask("/resume WHY goes on, /abort WHY ends it, Enter leaves it, or ?:")
        name, _, why = said.partition(" ")
        why = why.strip()
        if said.lower() in ("", "/quit", "n", "no"):
            raise Left
        if said.lower() in ("y", "yes"):
            name, why = "/resume", await self.ask("why it goes on (Enter: it stays on hold):")
            if not why or why.startswith("/"):
                self.say("it stays on hold")
                return
        if name == "/resume":
            await self._submit(cmd.ResumeRun(run.id, why))
        elif name == "/abort":
            await self._submit(cmd.AbortRun(run.id, why))
        elif said in ("?", "/help"):
            self._help(HOLD_HELP)
        else:
            self.say("this is no answer here; it stays on hold")

    # -- to the record ------------------------------------------------------------------------------------------------

    async def _submit(self, command: Command) -> None:
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
        self._refused = command if isinstance(outcome, Denied) else None
        if isinstance(command, cmd.RunProgram | cmd.SetFlag | cmd.SendNotice) and isinstance(outcome, Done):
            self._asked.add((command.run, command.step))
        if isinstance(outcome, Denied | Unsaved):
            unknown = getattr(outcome, "unknown", False)
            self.say(f"{'OUTCOME UNKNOWN' if unknown else 'refused'}: {in_own_words(outcome.reason)}")
        elif outcome.unsaved:
            self.say(f"NOT SAVED: waits in {outcome.unsaved}")
