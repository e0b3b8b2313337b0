"""`oncall playbook`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli import playbook_import, playbook_lint, playbook_run, playbook_test
from console.cli.output import json_option, show, table
from console.cli.playbook_run import loaded_of
from console.cli.record import incident_of, reading

if TYPE_CHECKING:
    from console.model.playbook import LoadedPlaybook, Step


@click.group("playbook")
def command() -> None:
    """Show the playbooks, and which ones fit."""


for one in (
    playbook_import.command,
    playbook_lint.lint,
    playbook_lint.graph,
    playbook_test.command,
    *playbook_run.COMMANDS,
):
    command.add_command(one)


def _data(loaded: LoadedPlaybook) -> dict[str, Any]:
    playbook = loaded.playbook
    return {
        "name": playbook.name,
        "title": playbook.title,
        "summary": playbook.summary,
        "severities": [item.value for item in playbook.severities],
        "owner": playbook.owner,
        "reviewed": playbook.reviewed,
        "match": list(playbook.match),
        "objective_seconds": [int(item.total_seconds()) for item in playbook.objective] if playbook.objective else None,
        "file": loaded.file,
        "hash": loaded.hash,
        "steps": [_step(step) for step in playbook.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": step.title,
        "kind": step.kind.value,
        "owner": step.owner,
        "timebox_seconds": None if step.timebox is None else int(step.timebox.total_seconds()),
        "challenge": step.challenge,
        "response": step.response,
        "parallel": step.parallel,
        "look_at": [str(check) for check in step.look_at],
        "verify": str(step.verify) if step.verify is not None else None,
        "confirm": step.confirm,
        "options": [
            {"id": item.id, "label": item.label, "goto": item.goto, "playbook": item.playbook} for item in step.options
        ],
    }


@command.command("ls")
@json_option
@click.pass_obj
def ls(options: Options, as_json: bool) -> None:
    """List the playbooks."""
    from console.bootstrap import configuration

    playbooks = configuration(options).playbooks
    rows = [
        (
            item.playbook.name,
            " ".join(item.playbook.severities),
            f"{len(item.playbook.steps)} steps",
            item.playbook.title,
        )
        for item in playbooks
    ]
    show({"playbooks": [_data(item) for item in playbooks]}, lambda: table(rows) or ["no playbook"], as_json)


@command.command("show")
@click.argument("name")
@json_option
@click.pass_obj
def show_one(options: Options, name: str, as_json: bool) -> None:
    """Show one playbook, step by step."""
    from console.bootstrap import configuration

    loaded = loaded_of(configuration(options), name)
    show(_data(loaded), lambda: _lines(loaded), as_json)


def _lines(loaded: LoadedPlaybook) -> Iterable[str]:
    playbook = loaded.playbook
    yield f"{playbook.title} ({playbook.name}), {' '.join(playbook.severities)}, reviewed {playbook.reviewed}"
    yield playbook.summary
    for number, step in enumerate(playbook.steps, 1):
        box = f", {step.timebox.total_seconds() / 60:g} min" if step.timebox else ""
        yield f"{number}. {step.id}: {step.title} [{step.kind}, {step.owner}{box}]"
        yield f"   {step.challenge}"
        yield f"   expected: {step.response}"
        yield from (f"   look at: {check}" for check in step.look_at)
        yield from (f"   option {item.id}: {item.label}" for item in step.options)
        if step.verify is not None:
            yield f"   closes on: {step.verify}"
        if step.confirm:
            yield f"   IRREVERSIBLE, to be typed: {step.confirm}"


@command.command("offer")
@click.argument("incident_id", metavar="ID")
@json_option
@click.pass_obj
def offer(options: Options, incident_id: str, as_json: bool) -> None:
    """All playbooks, best first: those that fit the incident's alerts, then those for its severity."""
    from console.bootstrap import run
    from console.view.offers import rank

    async def work() -> None:
        async with reading(options) as console:
            incident = incident_of(console.state, incident_id)
            found = rank(console.board.playbooks, incident.alerts, incident.severity)
            data = [{"name": item.loaded.playbook.name, "fits": item.fits, "why": item.why} for item in found]
            rows = [(item.loaded.playbook.name, item.loaded.playbook.title, item.why) for item in found]
            show({"offers": data}, lambda: table(rows) or ["no playbook"], as_json)

    run(work())
