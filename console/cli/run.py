"""`oncall run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli import run_acting, run_plain
from console.cli.output import json_option, show, table
from console.cli.playbook_run import loaded_of
from console.cli.record import How, Shown, incident_of, reading, run_of, write, writing
from console.cli.run_common import (
    glass_option,
    link_option,
    on_run,
    on_step,
    run_argument,
    set_option,
    shown,
    step_argument,
    typed_option,
    variables,
)

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.commands import Command
    from console.model.run import Run


@click.group("run")
def command() -> None:
    """Carry out a playbook, step by step. A RUN is RUN-13, 13, or a uuid; a STEP is its id."""


for one in (*run_acting.COMMANDS, run_plain.attach):
    command.add_command(one)


@command.command("start")
@click.argument("playbook")
@click.option("--incident", "incident_id", required=True, metavar="ID", help="The incident that it is run for.")
@set_option
@writing(unsaved=True)
@click.pass_obj
def start(options: Options, playbook: str, incident_id: str, given: tuple[str, ...], how: How) -> None:
    """Start a run of a playbook in an incident."""
    from console.bootstrap import configuration
    from console.model.commands import StartRun

    loaded, answers = loaded_of(configuration(options), playbook), variables(given)

    def wanted(console: Console) -> Command:
        return StartRun(incident_of(console.state, incident_id).id, loaded, answers)

    def result(console: Console, done: Done) -> Shown:
        return shown(console, done.subject)

    write(options, wanted, result, how=how)


@command.command("ls")
@click.option("--all", "all_", is_flag=True, help="Ended ones too.")
@json_option
@click.pass_obj
def ls(options: Options, all_: bool, as_json: bool) -> None:
    """List the runs under way."""
    from console.bootstrap import run
    from console.reports.runs import run_data

    async def work() -> None:
        async with reading(options) as console:
            found = [item for item in console.state.runs.values() if all_ or item.ended_at is None]
            rows = []
            for item in found:
                incident = console.state.incidents.get(item.incident)
                label = incident.label if incident else "-"
                status = "on hold" if item.held_at is not None else item.status.value
                rows.append((item.label, label, status, item.current.id if item.current else "-", item.playbook.name))
            data = [run_data(item, console.board.at) for item in found]
            show({"runs": data}, lambda: table(rows) or ["no run under way"], as_json)

    run(work())


@command.command("show")
@run_argument
@json_option
@click.pass_obj
def show_one(options: Options, run_id: str, as_json: bool) -> None:
    """Show one run: its steps, what was seen, who holds what, what is left of the time."""
    from console.bootstrap import run

    async def work() -> None:
        async with reading(options) as console:
            data, lines = shown(console, run_of(console.state, run_id).id)
            show(data, lambda: lines, as_json)

    run(work())


# -- a step -----------------------------------------------------------------------------------------------------------


@command.command("complete")
@run_argument
@step_argument
@click.option("--observed", required=True, help="What was seen, as the expected response asks.")
@click.option("--option", default="", help="For a decision: the branch.")
@typed_option
@click.option("--override", default="", help="Why the step closes although its reading does not show the effect.")
@glass_option
@link_option
@writing(unsaved=True)
@click.pass_obj
def complete(
    options: Options,
    run_id: str,
    step: str,
    observed: str,
    option: str,
    typed: str,
    override: str,
    break_glass: str,
    links: tuple[str, ...],
    how: How,
) -> None:
    """Complete a step on what was observed. Where the step names a reading, the sources are read once."""
    from console.model.commands import CompleteStep

    def wanted(_: Console, run: Run, step_id: str) -> Command:
        return CompleteStep(run.id, step_id, observed, option, typed, override, break_glass, links)

    on_step(options, run_id, step, wanted, how=how, verify=True)


@command.command("fail")
@run_argument
@step_argument
@click.option("--reason", required=True, help="What went wrong.")
@writing(unsaved=True)
@click.pass_obj
def fail(options: Options, run_id: str, step: str, reason: str, how: How) -> None:
    """Mark a step as failed; what the playbook says of that follows, else it stays open."""
    from console.model.commands import FailStep

    on_step(options, run_id, step, lambda _, run, id_: FailStep(run.id, id_, reason), how=how)


@command.command("retry")
@run_argument
@step_argument
@writing(unsaved=True)
@click.pass_obj
def retry(options: Options, run_id: str, step: str, how: How) -> None:
    """Start a failed step again, with a new timebox."""
    from console.model.commands import RetryStep

    on_step(options, run_id, step, lambda _, run, id_: RetryStep(run.id, id_), how=how)


@command.command("skip")
@run_argument
@step_argument
@click.option("--reason", default="", help="Why it is not needed; most steps ask for it.")
@glass_option
@writing(unsaved=True)
@click.pass_obj
def skip(options: Options, run_id: str, step: str, reason: str, break_glass: str, how: How) -> None:
    """Skip a step, with a reason."""
    from console.model.commands import SkipStep

    on_step(options, run_id, step, lambda _, run, id_: SkipStep(run.id, id_, reason, break_glass), how=how)


@command.command("expire")
@run_argument
@step_argument
@click.option("--observed", required=True, help="What is left.")
@click.option("--reason", required=True, help="Why it may be left behind.")
@writing(unsaved=True)
@click.pass_obj
def expire(options: Options, run_id: str, step: str, observed: str, reason: str, how: How) -> None:
    """End a wait by decision."""
    from console.model.commands import ExpireStep

    on_step(options, run_id, step, lambda _, run, id_: ExpireStep(run.id, id_, observed, reason), how=how)


@command.command("take")
@run_argument
@step_argument
@click.option("--reason", default="", help="Why it is taken from whoever holds it.")
@writing(unsaved=True)
@click.pass_obj
def take(options: Options, run_id: str, step: str, reason: str, how: How) -> None:
    """Take a step over from another console."""
    from console.model.commands import TakeStep

    on_step(options, run_id, step, lambda _, run, id_: TakeStep(run.id, id_, reason), how=how)


# -- the run as a whole -----------------------------------------------------------------------------------------------


@command.command("hold")
@run_argument
@click.option("--reason", required=True, help="Why it waits.")
@writing(unsaved=True)
@click.pass_obj
def hold(options: Options, run_id: str, reason: str, how: How) -> None:
    """Put a run on hold: nothing is done and no clock runs until it is resumed."""
    from console.model.commands import HoldRun

    on_run(options, run_id, lambda run: HoldRun(run.id, reason), how)


@command.command("resume")
@run_argument
@click.option("--reason", required=True, help="Why it goes on.")
@writing(unsaved=True)
@click.pass_obj
def resume(options: Options, run_id: str, reason: str, how: How) -> None:
    """Go on with a run that is on hold, or was aborted."""
    from console.model.commands import ResumeRun

    on_run(options, run_id, lambda run: ResumeRun(run.id, reason), how)


@command.command("abort")
@run_argument
@click.option("--reason", required=True, help="Why it ends here.")
@writing(unsaved=True)
@click.pass_obj
def abort(options: Options, run_id: str, reason: str, how: How) -> None:
    """End a run where it stands; what was done and can be taken back is listed."""
    from console.model.commands import AbortRun

    on_run(options, run_id, lambda run: AbortRun(run.id, reason), how)
