"""`oncall run program|flag|notice|confirm|approve`: what the console carries out, and what two persons do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, REFUSED, UNKNOWN, Stop, complain
from console.cli.feed import confirm as confirmed
from console.cli.feed import yes_option
from console.cli.output import show
from console.cli.record import How, writing
from console.cli.run_common import (
    Tail,
    Tries,
    acting_words,
    command_line,
    glass_option,
    link_option,
    note_drift,
    on_step,
    resume,
    run_argument,
    step_argument,
    typed_option,
)
from console.cli.telling import queued, tell

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.commands import Command
    from console.model.run import Run


def _acting(function: Callable[..., None]) -> Callable[..., None]:
    """What the commands take that carry a step out and have nothing more to say."""
    given = writing(unsaved=True)(click.pass_obj(function))
    for part in (yes_option, glass_option, typed_option, step_argument, run_argument):
        given = part(given)
    return given


def _carry_out(
    options: Options, run_id: str, step: str, made: Callable[[str, str], Command], yes: bool, how: How
) -> None:
    """Asks once, naming what and where, has it done, and waits for what comes of it."""
    from console.model.events import EffectFinished

    ended: list[EffectFinished] = []

    async def after(console: Console, done: Done) -> None:
        say: Callable[[str], None] = (lambda _: None) if how.as_json else complain
        effects = [event.payload for event in done.events if event.kind == "effect.intended"]
        lines, tries = Tail(say), Tries(say, done.subject, effects[0].step if effects else "")
        leaves = [console.subscribe(lines.look), console.subscribe(tries.look)]
        try:
            await console.finish_jobs()
        except asyncio.CancelledError:
            complain(f"ended; what runs is stopped. {resume(console, done.subject, tries.step)}")
            raise
        finally:
            for leave in leaves:
                leave()
        if how.wait and queued(done):
            await tell(console, queued(done), wait=True)
            await console.finish_jobs()  # the step closes with it
        # Of several tries, the last one says how it ended.
        of_step = console.state.runs[done.subject].effects_of(tries.step) if effects else ()
        ended.extend(EffectFinished(item.id, item.outcome or "unknown", item.answer) for item in of_step[-1:])

    def wanted(console: Console, run: Run, step_id: str) -> Command:
        note_drift(console, run)
        wanted_step = run.playbook.step(step_id)
        # What cannot be done from here is refused by the rules, and not asked for first.
        able = bool(wanted_step.program or wanted_step.notice or (wanted_step.flag and console.board.flags))
        if able:
            confirmed(f"{'; '.join(acting_words(run, wanted_step, console.state))}. Do it?", yes)
        return made(run.id, step_id)

    on_step(options, run_id, step, wanted, how=how, verify=True, after=after)
    for item in ended:
        if item.outcome == "unknown":
            raise Stop(f"OUTCOME UNKNOWN: {item.detail or 'no answer'}; look before you do it again", UNKNOWN)
        if item.outcome == "refused":
            raise Stop(f"it went wrong: {item.detail}", FAILED)


@click.command("program")
@run_argument
@step_argument
@typed_option
@glass_option
@click.option("--dry-run", is_flag=True, help="Only say what would be run, and where.")
@yes_option
@writing(unsaved=True)
@click.pass_obj
def program(
    options: Options,
    run_id: str,
    step: str,
    typed: str,
    break_glass: str,
    dry_run: bool,
    yes: bool,
    how: How,
) -> None:
    """Run the program of a command step, and wait for its end, and for that of the tries that the playbook declares."""
    from console.model.commands import RunProgram

    if dry_run:
        _dry(options, run_id, step, how)
        return
    _carry_out(options, run_id, step, lambda run, id_: RunProgram(run, id_, typed, break_glass), yes, how)


def _dry(options: Options, run_id: str, step: str, how: How) -> None:
    from console.bootstrap import run
    from console.cli.record import reading, run_of, step_of

    async def work() -> None:
        async with reading(options) as console:
            found = run_of(console.state, run_id)
            wanted = found.playbook.step(step_of(found, step))
            if wanted.program is None:
                raise Stop(f"{wanted.title!r} runs no program", REFUSED)
            lines = [f"would run {command_line(wanted.program.argv)}", *acting_words(found, wanted, console.state)]
            if wanted.program.dry_run:
                lines.append(f"its own dry run: {command_line((*wanted.program.argv, *wanted.program.dry_run))}")
            show({"would": lines}, lambda: lines, how.as_json)

    run(work())


@click.command("flag")
@_acting
def flag(options: Options, run_id: str, step: str, typed: str, break_glass: str, yes: bool, how: How) -> None:
    """Carry out a flag step from here, where a flag provider is configured."""
    from console.model.commands import SetFlag

    _carry_out(options, run_id, step, lambda run, id_: SetFlag(run, id_, typed, break_glass), yes, how)


@click.command("notice")
@_acting
def notice(options: Options, run_id: str, step: str, typed: str, break_glass: str, yes: bool, how: How) -> None:
    """Send the message of a notify step."""
    from console.model.commands import SendNotice

    _carry_out(options, run_id, step, lambda run, id_: SendNotice(run, id_, typed, break_glass), yes, how)


@click.command("confirm")
@run_argument
@step_argument
@click.option("--read-back", required=True, metavar="TARGET", help="The target, as the other person has named it.")
@writing(unsaved=True)
@click.pass_obj
def confirm(options: Options, run_id: str, step: str, read_back: str, how: How) -> None:
    """Read the target of a step back, as the second person."""
    from console.model.commands import ConfirmStep

    on_step(options, run_id, step, lambda _, run, id_: ConfirmStep(run.id, id_, read_back), how=how)


@click.command("approve")
@run_argument
@step_argument
@click.option("--observed", default="approved", help="On what it is approved.")
@glass_option
@link_option
@writing(unsaved=True)
@click.pass_obj
def approve(
    options: Options, run_id: str, step: str, observed: str, break_glass: str, links: tuple[str, ...], how: How
) -> None:
    """Approve what an approval step asks for; `fail` says no. Not by whoever started the run."""
    from console.model.commands import CompleteStep

    def wanted(_: Console, run: Run, step_id: str) -> Command:
        return CompleteStep(run.id, step_id, observed, break_glass=break_glass, links=links)

    on_step(options, run_id, step, wanted, how=how)


COMMANDS = (program, flag, notice, confirm, approve)
