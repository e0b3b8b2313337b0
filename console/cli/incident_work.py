"""`oncall incident`: tasks and decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.incident_common import change, due_moment, incident_argument, reason_option
from console.cli.output import json_option, show
from console.cli.record import How, incident_of, reading, unknown, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.model.commands import Command
    from console.model.incident import Incident

KINDS = click.Choice(["task", "detect", "prevent", "mitigate", "process"])


@click.group("task")
def task() -> None:
    """Tasks of an incident, and its action items for after. A TASK is T1."""


@task.command("add")
@incident_argument
@click.argument("text")
@click.option("--owner", default="", help="Who does it.")
@click.option("--due", default="", metavar="TIME", help="+30m, 14:32 (UTC, the next one), or ISO 8601.")
@click.option("--kind", type=KINDS, default="task", show_default=True, help="A task, or what an action item is for.")
@writing()
@click.pass_obj
def add(options: Options, incident_id: str, text: str, owner: str, due: str, kind: str, how: How) -> None:
    """Add a task, or an action item for after."""
    from console.model.commands import AddTask

    def wanted(console: Console, incident: Incident) -> Command:
        return AddTask(incident.id, text, owner, due_moment(due, console), kind)

    change(options, incident_id, wanted, how)


def _task_of(incident: Incident, said: str) -> str:
    """The id of an incident's task. Raises Stop with the known ones."""
    if said.upper() in incident.tasks:
        return said.upper()
    raise unknown(f"task in {incident.label}", said, list(incident.tasks))


@task.command("assign")
@incident_argument
@click.argument("task_id", metavar="TASK")
@click.argument("owner")
@writing()
@click.pass_obj
def assign(options: Options, incident_id: str, task_id: str, owner: str, how: How) -> None:
    """Give a task to somebody."""
    from console.model.commands import AssignTask

    change(options, incident_id, lambda _, item: AssignTask(item.id, _task_of(item, task_id), owner), how)


@task.command("done")
@incident_argument
@click.argument("task_id", metavar="TASK")
@click.option("--result", default="", help="What came of it.")
@writing()
@click.pass_obj
def done(options: Options, incident_id: str, task_id: str, result: str, how: How) -> None:
    """A task is done."""
    from console.model.commands import EndTask

    change(options, incident_id, lambda _, item: EndTask(item.id, _task_of(item, task_id), "done", result), how)


@task.command("drop")
@incident_argument
@click.argument("task_id", metavar="TASK")
@reason_option
@writing()
@click.pass_obj
def drop(options: Options, incident_id: str, task_id: str, reason: str, how: How) -> None:
    """A task is not needed any more."""
    from console.model.commands import EndTask

    change(options, incident_id, lambda _, item: EndTask(item.id, _task_of(item, task_id), "dropped", reason), how)


@task.command("ls")
@incident_argument
@click.option("--all", "all_", is_flag=True, help="Ended ones, too.")
@json_option
@click.pass_obj
def ls(options: Options, incident_id: str, all_: bool, as_json: bool) -> None:
    """List the open tasks of an incident."""
    from console.bootstrap import run
    from console.reports.response import task_data
    from console.view.card import task_line

    async def work() -> None:
        async with reading(options) as console:
            incident = incident_of(console.state, incident_id)
            found = [item for item in incident.tasks.values() if all_ or item.open]
            data = {"incident": incident.label, "tasks": [task_data(item) for item in found]}
            show(data, lambda: [task_line(item, console.board.at) for item in found] or ["no open task"], as_json)

    run(work())


@click.command("decide")
@incident_argument
@click.argument("choice")
@reason_option
@click.option("--option", "options_", multiple=True, metavar="TEXT", help="What else could be done; repeatable.")
@click.option("--objections", default="", help="What was said against it.")
@click.option("--expected", default="", help="What it should bring.")
@click.option("--check-at", default="", metavar="TIME", help="When somebody looks whether it did: +10m, 14:32 (UTC).")
@writing()
@click.pass_obj
def decide(
    options: Options,
    incident_id: str,
    choice: str,
    reason: str,
    options_: tuple[str, ...],
    objections: str,
    expected: str,
    check_at: str,
    how: How,
) -> None:
    """Record a decision, with what it should bring and when that is checked."""
    from console.model.commands import RecordDecision

    def wanted(console: Console, incident: Incident) -> Command:
        at = due_moment(check_at, console)
        return RecordDecision(incident.id, choice, reason, options_, objections, expected, at)

    change(options, incident_id, wanted, how)


@click.command("observe")
@incident_argument
@click.argument("decision")
@click.argument("observed")
@writing()
@click.pass_obj
def observe(options: Options, incident_id: str, decision: str, observed: str, how: How) -> None:
    """Note what came of a decision, such as D1."""
    from console.model.commands import ObserveDecision

    def wanted(_: Console, incident: Incident) -> Command:
        if decision.upper() not in incident.decisions:
            raise unknown(f"decision in {incident.label}", decision, list(incident.decisions))
        return ObserveDecision(incident.id, decision.upper(), observed)

    change(options, incident_id, wanted, how)


COMMANDS = (task, decide, observe)
