"""A playbook carried out prompt by prompt: in a plain terminal, for a screen reader, in a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, OK, USAGE, Stop
from console.cli.output import json_option, show
from console.cli.record import CONFIRMATION, incident_of, reading, run_of
from console.cli.run_common import (
    OUTPUT_SHOWN,
    Tail,
    acting_words,
    clock,
    command_line,
    drift,
    effect_line,
    run_argument,
    shown,
    standing,
)

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.model.board import Board
    from console.model.commands import Command
    from console.model.playbook import Check, LoadedPlaybook, Step
    from console.model.run import Run, StepRun

plain_option = click.option("--plain", is_flag=True, help="Prompt by prompt; there is no other way yet.")

HELP = """\
An answer is what you observe. Enter alone looks again. Besides:
  /run            carry the step out (a program, a flag, a message): it is asked for once
  /skip REASON    leave the step out
  /fail REASON    it went wrong
  /retry          begin a failed step again
  /expire REASON  stop waiting; what is left behind is the reason
  /override WHY   close the step although its reading does not show the effect
  /glass WHY      do alone what needs another person or role; it is told
  /take REASON    take the step from another console
  /hold REASON    put the run on hold     /resume REASON  go on
  /abort REASON   end the run here
  /quit           leave; the run stays as it is"""


@click.command("attach")
@run_argument
@plain_option
@json_option
@click.pass_context
def attach(ctx: click.Context, run_id: str, plain: bool, as_json: bool) -> None:
    """Go on with a run, prompt by prompt, from where it stands. With --json, what is asked goes to stderr."""

    async def found(session: Session) -> str:
        return run_of(session.console.state, run_id).id

    ctx.exit(carry_out(ctx.obj, found, as_json))


def carry_out(options: Options, begin: Callable[[Session], Awaitable[str]], as_json: bool) -> int:
    """Runs a console of its own, and prompts until the run that `begin` names has ended. The exit code."""
    from console.bootstrap import live, run

    async def work() -> int:
        console = live(options)
        lines = Lines()
        session = Session(console, lines, as_json)
        with contextlib.ExitStack() as stack:
            stopped = _stopped(stack)
            await console.start()
            try:
                code = await _first(session.work(begin), stopped)
                if code > 128:
                    session.say("")
                session.leave(code)
                if as_json and session.root:
                    data, _ = shown(console, session.root)
                    show(data, "", as_json=True)
                return code
            finally:
                await console.stop()

    return run(work())


def _stopped(stack: contextlib.ExitStack) -> asyncio.Future[int]:
    """Comes with the signal that ends the command."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: int) -> None:
        if not stopped.done():
            stopped.set_result(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
        stack.callback(loop.remove_signal_handler, number)
    return stopped


async def _first(work: Awaitable[int], stopped: asyncio.Future[int]) -> int:
    task = asyncio.ensure_future(work)
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not stopped.done():
        return task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return stopped.result()


class Lines:
    """Lines from stdin, one when it is asked for; None at its end. A thread of its own waits: leaving the program must
    not wait for somebody to press Enter."""

    def __init__(self) -> None:
        self.terminal = sys.stdin.isatty()
        self._rest = b""
        self._pending: asyncio.Future[str | None] | None = None

    async def next(self) -> str | None:
        """The next line, without its end."""
        line = await self.peek()
        self._pending = None
        return line

    async def peek(self) -> str | None:
        """The same, and it stays the next one."""
        if self._pending is None:
            loop = asyncio.get_running_loop()
            self._pending = loop.create_future()
            threading.Thread(target=self._read, args=(loop, self._pending), daemon=True, name="oncall-stdin").start()
        return await asyncio.shield(self._pending)

    def _read(self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[str | None]) -> None:
        line = self._line()

        def settle() -> None:
            if not answer.done():
                answer.set_result(line)

        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(settle)

    def _line(self) -> str | None:
        try:
            handle = sys.stdin.fileno()
        except (OSError, ValueError):
            text = sys.stdin.readline()
            return text.rstrip("\r\n") if text else None
        # Not by sys.stdin: a thread that waits in it would hold its lock at the exit.
        while b"\n" not in self._rest:
            more = os.read(handle, 65_536)
            if not more:
                last, self._rest = self._rest, b""
                return last.decode("utf-8", "replace") if last else None
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")


@dataclass(frozen=True, slots=True)
class _Prompt:
    """What an answer is for: the run and the step that were on the screen when it was asked."""

    run: Run
    step: Step

    @property
    def progress(self) -> StepRun:
        return self.run.steps[self.step.id]


class Session:
    """One person at one run."""

    def __init__(self, console: Console, lines: Lines, quiet: bool) -> None:
        self.console, self._lines, self._quiet = console, lines, quiet
        self.root = ""
        self._changed = asyncio.Event()
        self._refused: Command | None = None
        """What was refused last: /override and /glass say it again with a reason."""
        self._ended = False
        self._tail = Tail(self.say)
        self._told: set[str] = set()
        """The effects whose outcome was said."""
        console.subscribe(self._board)

    def _board(self, _: Board) -> None:
        self._changed.set()

    # -- speaking -----------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """One line. With --json, stdout is for the result."""
        from console.model.text import safe

        click.echo(safe(text, 100_000), err=self._quiet)

    async def ask(self, prompt: str) -> str:
        """One answer. Raises EOFError at the end of the input."""
        from console.model.text import safe

        click.echo(f"{safe(prompt, 1_000)} ", nl=False, err=self._quiet)
        line = await self._lines.next()
        if not self._lines.terminal:
            click.echo("" if line is None else safe(line, 10_000), err=self._quiet)
        if line is None:
            raise EOFError
        return line.strip()

    async def sure(self, question: str) -> bool:
        """A yes or no; no is what Enter means."""
        return (await self.ask(f"{question} [y/N]")).lower() in ("y", "yes")

    def leave(self, code: int) -> None:
        """How to go on later."""
        run = self.console.state.runs.get(self.root)
        if run is not None and not self._ended:
            self.say(f"{run.label} stays as it is; go on with: oncall run attach {run.label} --plain")

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def work(self, begin: Callable[[Session], Awaitable[str]]) -> int:
        """Prompts until the run has ended, or the input has. The exit code."""
        try:
            self.root = await begin(self)
            self._told = {
                effect.id for run in self.console.state.runs.values() for effect in run.effects if effect.outcome
            }
            while not self._ended:
                self._tell_effects()
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
                        self.say(f"  | {text}")

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

    def _next(self, run: Run) -> _Prompt | None:
        """The step that needs a person: one that has failed first; None while all go on by themselves."""
        from console.model.run import StepStatus

        waiting = [item for item in run.active if self._needs_somebody(run, item)]
        failed = [item for item in waiting if item.status is StepStatus.FAILED]
        first = next(iter([*failed, *waiting]), None)
        return _Prompt(run, run.playbook.step(first.id)) if first is not None else None

    def _needs_somebody(self, run: Run, progress: StepRun) -> bool:
        from console.model.playbook import ACTING, OBSERVED, StepKind
        from console.model.run import StepStatus

        step = run.playbook.step(progress.id)
        if progress.status is StepStatus.FAILED:
            return progress.retry_at is None
        if step.kind is StepKind.PLAYBOOK:
            return False
        if step.kind in OBSERVED:
            return progress.overdue_fired or self._lines.terminal
        effects = run.effects_of(step.id, progress.attempt)
        if step.kind in ACTING and progress.asked_by is not None:
            # Its program runs, or its message is on its way. What was set by hand, somebody still looks at.
            settled = not effects or all(effect.outcome for effect in effects)
            return step.kind is StepKind.FLAG and settled and step.verify is None
        return True

    async def _wait(self, run: Run) -> None:
        """Something is under way by itself."""
        from console.model.playbook import OBSERVED
        from console.model.run import StepStatus

        names = [
            f"{run.playbook.step(item.id).title}{', tried again' if item.status is StepStatus.FAILED else ''}"
            for item in run.active
        ]
        self.say(f"waiting: {', '.join(names) or 'nothing'}")
        watched = next((item.id for item in run.active if run.playbook.step(item.id).kind in OBSERVED), "")
        if self._lines.terminal or not watched:
            await self._change(run)
            return
        # In a pipe all answers may be there already: of those, only the end of a wait can be meant for what waits.
        said, changing = asyncio.ensure_future(self._lines.peek()), asyncio.ensure_future(self._change(run))
        try:
            await asyncio.wait({said, changing}, return_when=asyncio.FIRST_COMPLETED)
            if not changing.done() and (line := said.result()) is not None and line.startswith("/expire"):
                await self._lines.next()
                await self._slash(_Prompt(run, run.playbook.step(watched)), line.strip())
                return
            await changing
        finally:
            said.cancel()
            changing.cancel()

    async def _change(self, run: Run) -> None:
        """Returns when the run is not as it was. What its program writes meanwhile is said."""
        while self.console.state.runs[run.id].version == run.version:
            self._changed.clear()
            await self._changed.wait()
            self._tail.run = run.id
            self._tail.look(self.console.board)

    # -- a step -------------------------------------------------------------------------------------------------------

    async def _step(self, prompt: _Prompt) -> None:
        for text in self._card(prompt):
            self.say(text)
        await self._answered(prompt, await self._said(prompt))

    async def _said(self, prompt: _Prompt) -> str:
        """The answer to a prompt. On a terminal it is said when the step has come to its end meanwhile: an answer that
        is being typed stays one to this step."""
        run = prompt.run
        if not self._lines.terminal:
            return await self.ask(self._question(prompt))
        asking = asyncio.ensure_future(self.ask(self._question(prompt)))
        changing = asyncio.ensure_future(self._change(run))
        try:
            while not asking.done():
                await asyncio.wait({asking, changing}, return_when=asyncio.FIRST_COMPLETED)
                if changing.done() and not asking.done():
                    now = self.console.state.runs[run.id]
                    here = now.steps[prompt.step.id]
                    if now.ended_at is not None or not here.open or here.attempt != prompt.progress.attempt:
                        self.say("")
                        self.say(f"{prompt.step.title}: {here.status}, {_what(here)}. Press Enter to go on.")
                        await asking
                    else:
                        changing = asyncio.ensure_future(self._change(now))
            return await asking
        finally:
            for task in (asking, changing):
                task.cancel()
            await asyncio.gather(asking, changing, return_exceptions=True)

    def _question(self, prompt: _Prompt) -> str:
        from console.model.playbook import ACTING, OBSERVED, StepKind
        from console.model.run import StepStatus

        step = prompt.step
        if prompt.progress.status is StepStatus.FAILED:
            return "failed: /retry, /skip REASON, or ?:"
        if step.kind is StepKind.DECISION:
            return f"choose 1-{len(step.options)}, or ?:"
        if step.kind is StepKind.APPROVAL:
            return "approve [y/N], or ?:"
        if step.kind in OBSERVED:
            return "it ends by itself; Enter looks again, /expire REASON stops waiting, or ?:"
        if step.kind in ACTING and prompt.progress.asked_by is None and self._able(step):
            return "/run does it; or what you observe, if it is done by hand; or ?:"
        return "observed, or ?:"

    def _able(self, step: Step) -> bool:
        return bool(step.program or step.notice or self.console.board.flags)

    def _card(self, prompt: _Prompt) -> Iterator[str]:
        """The step, one fact a line."""
        run, step, progress = prompt.run, prompt.step, prompt.progress
        board = self.console.board
        number = [item.id for item in run.playbook.steps].index(step.id) + 1
        yield ""
        checklist = next((item for item in run.playbook.checklists if item.id == step.checklist), None)
        if checklist is not None and checklist.pause_point:
            yield f"{checklist.title}. {checklist.pause_point}"
        time = ", ".join(clock(progress, board.at)) or "no timebox"
        yield f"STEP {number} of {len(run.playbook.steps)}: {step.title} ({step.kind}, {step.owner}), {time}"
        yield f"do: {step.challenge}"
        yield f"expect: {step.response}"
        yield from (f"look at: {_now(check, board)}" for check in step.look_at)
        if step.verify is not None:
            yield f"reads: {_now(step.verify, board)}"
        for place, option in enumerate(step.options, 1):
            advice = f" (fits {_now(option.when, board)})" if option.when is not None else ""
            yield f"  {place} {option.id}: {option.label}{advice}"
        yield from standing(run, step, progress, board.at)
        if progress.asked_by is None and self._able(step) and (step.program or step.notice or step.flag):
            yield from acting_words(run, step, self.console.state)
        yield from (effect_line(effect) for effect in run.effects_of(step.id, progress.attempt))
        if progress.reason:
            yield f"FAILED: {progress.reason}"
        if step.undo:
            yield f"is taken back by: {step.undo}"
        others = [run.playbook.step(item.id).title for item in run.active if item.id != step.id]
        if others:
            yield f"also open: {', '.join(others)}"

    async def _answered(self, prompt: _Prompt, text: str) -> None:
        from console.model import commands as cmd
        from console.model.playbook import OBSERVED, StepKind
        from console.model.run import StepStatus

        step, run = prompt.step, prompt.run
        if text in ("?", "/help"):
            for item in HELP.split("\n"):
                self.say(item)
        elif text.startswith("/"):
            await self._slash(prompt, text)
        elif not text or prompt.progress.status is StepStatus.FAILED or step.kind in OBSERVED:
            if text:
                self.say("this is no answer here; ? lists what is")
            self.console.refresh()
        elif step.kind is StepKind.DECISION:
            option = _option(step, text)
            if option is None:
                self.say(f"{text} is none of {', '.join(item.id for item in step.options)}")
                return
            observed = await self.ask("observed:") or "chosen"
            await self._submit(cmd.CompleteStep(run.id, step.id, observed, option))
        elif step.kind is StepKind.APPROVAL:
            if text.lower() in ("y", "yes"):
                await self._submit(cmd.CompleteStep(run.id, step.id, "approved"))
            else:
                self.say("not approved; /fail REASON says no for good")
        else:
            typed = await self._typed(prompt)
            if typed is not None:
                await self._submit(cmd.CompleteStep(run.id, step.id, text, typed=typed))

    async def _typed(self, prompt: _Prompt) -> str | None:
        """What an irreversible step wants typed; None when it was not."""
        if not prompt.step.irreversible:
            return ""
        wanted = prompt.run.confirmation(prompt.step)
        typed = await self.ask(f"IRREVERSIBLE, there is no way back. Type {wanted} to go on:")
        if typed != wanted:
            self.say("nothing was done")
            return None
        return typed

    async def _slash(self, prompt: _Prompt, text: str) -> None:
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
            raise EOFError
        if name == "run":
            await self._carry_out(prompt)
        elif name in ("override", "glass"):
            await self._again(prompt, name, said)
        elif name in made:
            await self._submit(made[name]())
        else:
            self.say(f"/{name} is not known; ? lists what is")

    async def _carry_out(self, prompt: _Prompt) -> None:
        from console.model import commands as cmd

        run, step = prompt.run, prompt.step
        if not (step.program or step.notice or step.flag):
            self.say("there is nothing to carry out; say what you observe")
            return
        changed = drift(run, self.console.settings)
        if changed:
            self.say(f"note: {changed}")
        if not await self.sure(f"{'; '.join(acting_words(run, step, self.console.state))}. Do it?"):
            self.say("nothing was done")
            return
        typed = await self._typed(prompt)
        if typed is None:
            return
        kind = cmd.RunProgram if step.program else cmd.SendNotice if step.notice else cmd.SetFlag
        await self._submit(kind(run.id, step.id, typed))

    async def _again(self, prompt: _Prompt, name: str, why: str) -> None:
        """What was refused, once more with a reason."""
        from console.model import commands as cmd

        command = self._refused
        key = "override" if name == "override" else "break_glass"
        if command is None or getattr(command, "step", "") != prompt.step.id or not hasattr(command, key):
            self.say("nothing of this step was refused for that")
            return
        assert isinstance(command, cmd.CompleteStep | cmd.RunProgram | cmd.SetFlag | cmd.SendNotice)
        changes: dict[str, Any] = {key: why}
        await self._submit(replace(command, **changes))

    async def _on_hold(self, run: Run) -> None:
        from console.model import commands as cmd

        self.say(f"{run.label} is ON HOLD since {run.held_at:%H:%M:%S}Z: {run.held_reason}")
        reason = await self.ask("why it goes on (Enter: leave it):")
        if not reason or reason == "/quit":
            raise EOFError
        await self._submit(cmd.ResumeRun(run.id, reason.removeprefix("/resume ")))

    async def _submit(self, command: Command) -> None:
        """Has a command carried out, and says what is in its way."""
        from console.engine.outcome import Denied, Unsaved

        outcome = await self.console.submit(command)
        if isinstance(outcome, Unsaved) and outcome.may_proceed:
            self.say(f"NOT SAVED: {outcome.reason}")
            if await self.ask(f"Type {CONFIRMATION} to go ahead all the same:") != CONFIRMATION:
                self.say("nothing was done")
                return
            outcome = await self.console.submit(command, unsaved=True)
        self._refused = command if isinstance(outcome, Denied) else None
        if isinstance(outcome, Denied | Unsaved):
            self.say(f"{'OUTCOME UNKNOWN' if getattr(outcome, 'unknown', False) else 'refused'}: {outcome.reason}")
        elif outcome.unsaved:
            self.say(f"NOT SAVED: waits in {outcome.unsaved}")


def _what(progress: StepRun) -> str:
    by = f" by {progress.by}" if progress.by else ""
    return f"{progress.observed or progress.evidence or progress.reason or progress.status}{by}"


def _option(step: Step, text: str) -> str | None:
    ids = [item.id for item in step.options]
    if text.isdecimal() and 1 <= int(text) <= len(ids):
        return ids[int(text) - 1]
    return text if text in ids else None


def _now(check: Check, board: Board) -> str:
    """A check and what is read of it now."""
    found = board.readings.get(check.reading)
    if found is None:
        return f"{check}: not read yet"
    if found.value is None or not found.ok:
        value = f", last {found.value:g}" if found.value is not None else ""
        return (
            f"{check}: CANNOT VERIFY, {found.state.replace('_', ' ')}{value}{f': {found.note}' if found.note else ''}"
        )
    age = f", {(board.at - found.at).total_seconds():.0f} s old" if found.at is not None else ""
    since = board.held.get(str(check))
    held = f", since {(board.at - since).total_seconds():.0f} s" if since is not None else ""
    return f"{check}: {'yes' if check.holds(found.value) else 'NO'}, {found.value:g}{age}{held}"


# -- starting one -----------------------------------------------------------------------------------------------------


async def started(session: Session, loaded: LoadedPlaybook, incident_id: str, given: Sequence[tuple[str, str]]) -> str:
    """Asks for what the playbook wants to know, and starts a run. Its id."""
    from console.cli.record import submit
    from console.model.binding import asked
    from console.model.commands import StartRun

    incident = incident_of(session.console.state, incident_id)
    answers = dict(given)
    for variable, proposed in asked(loaded.playbook, incident, session.console.settings.variables):
        if variable.name not in answers:
            choices = f" ({', '.join(variable.choices)})" if variable.choices else f" ({variable.type})"
            default = f" [{proposed}]" if proposed else ""
            answers[variable.name] = (
                await session.ask(f"{variable.ask or variable.name}{choices}{default}:") or proposed
            )
    done = await submit(session.console, StartRun(incident.id, loaded, tuple(answers.items())))
    run = session.console.state.runs[done.subject]
    session.say(f"{run.label} {run.playbook.title} on {run.target}, for {incident.label}")
    return run.id


def dry_run(options: Options, loaded: LoadedPlaybook, incident_id: str, given: Sequence[tuple[str, str]]) -> list[str]:
    """What a run would do, in lines. Nothing is written or asked."""
    from console.bootstrap import run
    from console.model.binding import bound

    async def work() -> list[str]:
        async with reading(options) as console:
            incident = incident_of(console.state, incident_id)
            try:
                playbook, values = bound(loaded.playbook, incident, dict(given), console.settings.variables)
            except ValueError as error:
                raise Stop(f"{error}; say it with --set NAME=VALUE", USAGE) from None
            found = [f"DRY RUN of {playbook.title} on {incident.target}, for {incident.label}: nothing is written"]
            found += [f"{name} = {value}" for name, value in values.items()]
            if loaded.untrusted:
                found.append(f"its programs would not run: {loaded.untrusted}")
            for number, step in enumerate(playbook.steps, 1):
                found += _would(step, number, incident.target)
            return found

    return run(work())


def _would(step: Step, number: int, target: str) -> Iterator[str]:
    box = f", {step.timebox.total_seconds() / 60:g} min" if step.timebox else ""
    yield f"{number}. {step.id}: {step.title} ({step.kind}, {step.owner}{box})"
    yield f"   {step.challenge}"
    if step.program is not None:
        yield f"   would run {command_line(step.program.argv)}"
        if step.program.cwd:
            yield f"   in {step.program.cwd}"
        if step.program.dry_run:
            yield f"   its own dry run: {command_line((*step.program.argv, *step.program.dry_run))}"
    if step.flag:
        yield f"   would set the flag {step.flag} to {step.percent:g} %"
    if step.notice is not None:
        yield f"   would tell {step.notice.channel}: {step.notice.text}"
    if step.probe is not None:
        yield f"   would ask {step.probe.method} {step.probe.url}"
    if step.call:
        yield f"   would run the playbook {step.call}"
    if step.verify is not None:
        yield f"   closes on {step.verify}"
    if step.confirm:
        yield f"   IRREVERSIBLE: {step.confirm.replace('{target}', target)} must be typed"
    for option in step.options:
        yield f"   option {option.id}: {option.label}" + (
            f", goes to {option.goto or option.playbook}" * bool(option.goto or option.playbook)
        )
