"""`oncall run`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.output import json_option, show, table
from console.cli.playbook import loaded_of
from console.cli.record import How, Shown, incident_of, reading, run_of, step_of, write, writing

if TYPE_CHECKING:
    from datetime import datetime

    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.commands import Command
    from console.model.run import Run


@click.group("run")
def command() -> None:
    """Carry out a playbook, step by step. A RUN is RUN-13, 13, or a uuid; a STEP is its id."""


def _shown(console: Console, run_id: str) -> Shown:
    from console.reports.snapshot import run_data

    run, now = console.state.runs[run_id], console.board.at
    return {"run": run_data(run, now)}, _lines(run, now)


def _lines(run: Run, now: datetime) -> Iterable[str]:
    yield f"{run.label}  {run.playbook.title}  {run.status}" + (f": {run.reason}" if run.reason else "")
    for number, step in enumerate(run.playbook.steps, 1):
        progress = run.steps[step.id]
        late = progress.overdue_by(now)
        parts = [f"{number}. {step.id}", step.title, progress.status.value]
        if progress.deadline is not None and progress.ended_at is None and progress.started_at is not None:
            left = (progress.deadline - now).total_seconds()
            parts.append(f"OVERDUE by {-left:.0f} s" if left < 0 else f"{left:.0f} s left")
        elif late is not None:
            parts.append(f"{late.total_seconds():.0f} s late")
        if progress.observed or progress.reason:
            parts.append(progress.observed or progress.reason)
        yield "  ".join(parts)
        if progress.ended_at is None and progress.started_at is not None:
            yield f"   {step.challenge}"
            yield f"   expected: {step.response}"
            yield from (f"   option {item.id}: {item.label}" for item in step.options)
            if step.confirm:
                yield f"   IRREVERSIBLE, --typed {run.confirmation(step)!r}"


def _step(
    options: Options,
    run_id: str,
    step: str,
    wanted: Callable[[Run, str], Command],
    how: How,
    *,
    verify: bool = False,
) -> None:
    """Submits a command about one step and shows the run afterwards. `verify`: the step's reading may be needed."""
    found: list[str] = []

    async def make(console: Console) -> Command:
        run = run_of(console.state, run_id)
        found.append(run.id)
        step_id = step_of(run, step)
        if verify and run.playbook.step(step_id).verify is not None:
            await console.ask()
        return wanted(run, step_id)

    write(
        options,
        make,
        lambda console, _: _shown(console, found[0]),
        how=how,
        sources=verify,
    )


@command.command("start")
@click.argument("playbook")
@click.option("--incident", "incident_id", required=True, metavar="ID", help="The incident that it is run for.")
@writing(unsaved=True)
@click.pass_obj
def start(options: Options, playbook: str, incident_id: str, how: How) -> None:
    """Start a run of a playbook in an incident."""
    from console.bootstrap import configuration
    from console.model.commands import StartRun

    loaded = loaded_of(configuration(options), playbook)

    def wanted(console: Console) -> Command:
        return StartRun(incident_of(console.state, incident_id).id, loaded)

    def result(console: Console, done: Done) -> Shown:
        return _shown(console, done.subject)

    write(options, wanted, result, how=how)


@command.command("ls")
@click.option("--all", "all_", is_flag=True, help="Ended ones too.")
@json_option
@click.pass_obj
def ls(options: Options, all_: bool, as_json: bool) -> None:
    """List the runs under way."""
    from console.bootstrap import run
    from console.reports.snapshot import run_data

    async def work() -> None:
        async with reading(options) as console:
            found = [item for item in console.state.runs.values() if all_ or item.ended_at is None]
            rows = []
            for item in found:
                incident = console.state.incidents.get(item.incident)
                label = incident.label if incident else "-"
                rows.append(
                    (item.label, label, item.status.value, item.current.id if item.current else "-", item.playbook.name)
                )
            data = [run_data(item, console.board.at) for item in found]
            show({"runs": data}, lambda: table(rows) or ["no run under way"], as_json)

    run(work())


@command.command("show")
@click.argument("run_id", metavar="RUN")
@json_option
@click.pass_obj
def show_one(options: Options, run_id: str, as_json: bool) -> None:
    """Show one run: its steps, what was seen, what is left of the time."""
    from console.bootstrap import run

    async def work() -> None:
        async with reading(options) as console:
            data, lines = _shown(console, run_of(console.state, run_id).id)
            show(data, lambda: lines, as_json)

    run(work())


@command.command("complete")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--observed", required=True, help="What was seen, as the expected response asks.")
@click.option("--option", default="", help="For a decision: the branch.")
@click.option("--typed", default="", help="For an irreversible step: the words it asks for.")
@click.option("--override", default="", help="Why the step closes although its reading does not show the effect.")
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
    how: How,
) -> None:
    """Complete a step on what was observed. Where the step names a reading, the sources are read once."""
    from console.model.commands import CompleteStep

    def wanted(run: Run, step_id: str) -> Command:
        return CompleteStep(run.id, step_id, observed, option, typed, override)

    _step(options, run_id, step, wanted, how=how, verify=True)


@command.command("fail")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--reason", required=True, help="What went wrong.")
@writing(unsaved=True)
@click.pass_obj
def fail(options: Options, run_id: str, step: str, reason: str, how: How) -> None:
    """Mark a step as failed; it stays open until it is retried or skipped."""
    from console.model.commands import FailStep

    _step(options, run_id, step, lambda run, id_: FailStep(run.id, id_, reason), how=how)


@command.command("retry")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@writing(unsaved=True)
@click.pass_obj
def retry(options: Options, run_id: str, step: str, how: How) -> None:
    """Start a failed step again, with a new timebox."""
    from console.model.commands import RetryStep

    _step(options, run_id, step, lambda run, id_: RetryStep(run.id, id_), how=how)


@command.command("skip")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--reason", required=True, help="Why it is not needed.")
@writing(unsaved=True)
@click.pass_obj
def skip(options: Options, run_id: str, step: str, reason: str, how: How) -> None:
    """Skip a step, with a reason."""
    from console.model.commands import SkipStep

    _step(options, run_id, step, lambda run, id_: SkipStep(run.id, id_, reason), how=how)


@command.command("expire")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--observed", required=True, help="What is left.")
@click.option("--reason", required=True, help="Why it may be left behind.")
@writing(unsaved=True)
@click.pass_obj
def expire(options: Options, run_id: str, step: str, observed: str, reason: str, how: How) -> None:
    """End a wait by decision."""
    from console.model.commands import ExpireStep

    def wanted(run: Run, step_id: str) -> Command:
        return ExpireStep(run.id, step_id, observed, reason)

    _step(options, run_id, step, wanted, how=how)


@command.command("flag")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@writing(unsaved=True)
@click.pass_obj
def flag(options: Options, run_id: str, step: str, how: How) -> None:
    """Carry out a flag step from here, where a flag provider is configured."""
    from console.model.commands import SetFlag

    _step(options, run_id, step, lambda run, id_: SetFlag(run.id, id_), how=how)


@command.command("abort")
@click.argument("run_id", metavar="RUN")
@click.option("--reason", required=True, help="Why it ends here.")
@writing(unsaved=True)
@click.pass_obj
def abort(options: Options, run_id: str, reason: str, how: How) -> None:
    """End a run where it stands."""
    from console.model.commands import AbortRun

    found: list[str] = []

    def wanted(console: Console) -> Command:
        found.append(run_of(console.state, run_id).id)
        return AbortRun(found[0], reason)

    write(options, wanted, lambda console, _: _shown(console, found[0]), how=how)
