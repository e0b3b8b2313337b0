"""One person at one run, prompt by prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from console.cli.exits import FAILED, OK, USAGE, Stop
from console.cli.plain_acts import Acts
from console.cli.plain_card import (
    HELP,
    HOLD_HELP,
    Prompt,
    card,
    goes_on_here,
    needs_somebody,
    outcome_of,
    question,
    waiting,
    waiting_for,
)
from console.cli.plain_talk import Left, Talk
from console.cli.run_common import OUTPUT_SHOWN, Tail, effect_line, take_from_the_dead

if TYPE_CHECKING:
    from console.cli.plain_input import Lines
    from console.engine.console import Console
    from console.model.board import Board
    from console.model.run import Run


class Session:
    """One person at one run."""

    def __init__(self, console: Console, lines: Lines, quiet: bool) -> None:
        self.console, self._lines = console, lines
        self.talk = talk = Talk(console, lines, quiet)
        self._acts = Acts(talk)
        self.root = ""
        self._changed = asyncio.Event()
        """A Board was published, or a line has come."""
        self._ended = False
        self._tail = Tail(talk.heard)
        self._told: set[str] = set()
        """The effects whose outcome was said."""
        self._said: list[str] = []
        """What was said of what is waited for."""
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

    def leave(self) -> None:
        """How to go on later."""
        run = self.console.state.runs.get(self.root)
        if run is not None and not self._ended:
            self.talk.say(f"{run.label} stays as it is; go on with: oncall run attach {run.label} --plain")

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def work(self, begin: Callable[[Talk], Awaitable[str]]) -> int:
        """Prompts until the run has ended, the input has, or somebody leaves. The exit code."""
        try:
            self.root = await begin(self.talk)
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
            self.talk.say("the input has ended")
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
                    self.talk.say(effect_line(effect))
                    heard = (run.id, effect.step) in self._tail.steps
                    for text in () if heard else effect.output.splitlines()[-OUTPUT_SHOWN:]:
                        self.talk.heard(f"  | {text}")

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
                self.talk.say(stop.message)
            now = self.console.state.runs[run.id].steps[progress.id]
            if now.holder == board.console != progress.holder:
                self.talk.say(
                    f"{progress.holder} held {run.playbook.step(progress.id).title}, and is gone: it is taken"
                )

    def _here(self) -> Run:
        """The run that is worked on: the one that went on elsewhere, or the one that a step has called."""
        runs = self.console.state.runs
        run = runs[self.root]
        while run.next_run in runs:
            self.root = run.next_run
            self.talk.say(f"goes on in {runs[self.root].label} {runs[self.root].playbook.title}")
            run = runs[self.root]
        while called := [item for item in runs.values() if item.parent == run.id and item.ended_at is None]:
            run = called[0]
        return run

    def _over(self, run: Run) -> int:
        self._ended = True
        self.talk.say(f"{run.label} {run.playbook.title}: {run.status}" + (f": {run.reason}" if run.reason else ""))
        for step, _ in run.undoing if run.status == "aborted" else ():
            self.talk.say(f"to take back: {step.title}: {step.undo}")
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
        if what != self.talk.waiting:
            self.talk.waiting, self._said = what, []
            self._lines.mark()
        if (said := list(waiting(run, self.console.board))) != self._said:
            self._said = said
            for text in said:
                self.talk.say(text)
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
            for run, step in ((state.runs[run_id], step) for run_id, step in self.talk.asked)
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
            self.talk.say(f"> {line}")
        if not line:
            self._said = []
            self.console.refresh()
        elif line == "?" or (line.startswith("/") and prompt is None):
            self.talk.help(HELP)
        elif line.startswith("/"):
            assert prompt is not None
            await self._acts.slash(prompt, line)
        else:
            self.talk.say("not taken: nothing is asked now; what begins with / acts meanwhile, ? lists it")

    # -- a step -------------------------------------------------------------------------------------------------------

    async def _step(self, prompt: Prompt) -> None:
        for text in card(prompt, self.console):
            self.talk.say(text)
        answer = await self._answer(prompt)
        if answer is not None:
            await self._acts.answered(prompt, answer)

    async def _answer(self, prompt: Prompt) -> str | None:
        """The answer to a prompt. It is said when the step has come to its end meanwhile: on a terminal, an answer that
        is being typed stays one to this step; in a pipe, where there is none yet, it is for what follows."""
        asking = asyncio.ensure_future(self.talk.ask(question(prompt, self.console)))
        ending = asyncio.ensure_future(self._end_of(prompt))
        try:
            await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done() and not asking.done():
                self.talk.say("")
                self.talk.say(ending.result())
                if not self._lines.terminal:
                    return None
                self.talk.say("Press Enter to go on.")
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

    # -- a run on hold ------------------------------------------------------------------------------------------------

    async def _on_hold(self, run: Run) -> None:
        """Nothing but the word for it resumes."""
        from console.model import commands as cmd

        runs = self.console.state.runs
        while run.parent in runs and runs[run.parent].held_at is not None:
            run = runs[run.parent]
        self.talk.say(f"{run.label} is ON HOLD since {run.held_at:%H:%M:%S}Z: {run.held_reason}")
        said = await self.talk.ask("/resume WHY goes on, /abort WHY ends it, Enter leaves it, or ?:")
        name, _, why = said.partition(" ")
        why = why.strip()
        if said.lower() in ("", "/quit", "n", "no"):
            raise Left
        if said.lower() in ("y", "yes"):
            name, why = "/resume", await self.talk.ask("why it goes on (Enter: it stays on hold):")
            if not why or why.startswith("/"):
                self.talk.say("it stays on hold")
                return
        if name == "/resume":
            await self.talk.submit(cmd.ResumeRun(run.id, why))
        elif name == "/abort":
            await self.talk.submit(cmd.AbortRun(run.id, why))
        elif said in ("?", "/help"):
            self.talk.help(HOLD_HELP)
        else:
            self.talk.say("this is no answer here; it stays on hold")
