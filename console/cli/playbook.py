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
from console.cli.run_common import command_line

if TYPE_CHECKING:
    from console.model.playbook import LoadedPlaybook, Reaction, Step


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
        "review_every_days": playbook.review_every.days,
        "match": list(playbook.match),
        "match_incident": list(playbook.match_incident),
        "roles": list(playbook.roles),
        "variables": [
            {
                "name": item.name,
                "type": item.type.value,
                "from": item.source,
                "default": item.default,
                "ask": item.ask,
                "choices": list(item.choices),
            }
            for item in playbook.variables
        ],
        "checklists": [
            {
                "id": item.id,
                "title": item.title,
                "mode": item.mode.value,
                "pause_point": item.pause_point,
                "completion_call": item.completion_call,
            }
            for item in playbook.checklists
        ],
        "objective_seconds": [int(item.total_seconds()) for item in playbook.objective] if playbook.objective else None,
        "file": loaded.file,
        "hash": loaded.hash,
        "untrusted": loaded.untrusted,
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
        "checklist": step.checklist,
        "group": step.group,
        "parallel": step.parallel,
        "command": list(step.program.argv) if step.program is not None else None,
        "probe": f"{step.probe.method} {step.probe.url}" if step.probe is not None else None,
        "flag": {"flag": step.flag, "percent": step.percent} if step.flag else None,
        "notice": {"channel": step.notice.channel, "text": step.notice.text} if step.notice is not None else None,
        "playbook": step.call or None,
        "role": step.role or None,
        "on_overdue": list(map(_reaction, step.on_overdue)),
        "on_failure": {"tries": step.on_failure.tries, "then": list(map(_reaction, step.on_failure.then))},
        "undo": step.undo,
        "second_person": step.second_person,
        "skip_needs_reason": step.skip_needs_reason,
        "critical": step.critical,
        "look_at": [str(check) for check in step.look_at],
        "verify": str(step.verify) if step.verify is not None else None,
        "confirm": step.confirm,
        "options": [
            {"id": item.id, "label": item.label, "goto": item.goto, "playbook": item.playbook} for item in step.options
        ],
    }


def _reaction(reaction: Reaction) -> str:
    return f"{reaction.do} {reaction.to}".strip()


@command.command("ls")
@json_option
@click.pass_obj
def ls(options: Options, as_json: bool) -> None:
    """List the playbooks, and what is wrong with those that were left out."""
    from console.bootstrap import configuration

    config = configuration(options)
    playbooks = config.playbooks
    rows = [
        (
            item.playbook.name,
            " ".join(item.playbook.severities),
            f"{len(item.playbook.steps)} steps",
            item.playbook.title,
        )
        for item in playbooks
    ]
    data = {"playbooks": [_data(item) for item in playbooks], "broken": list(config.broken)}
    broken = [f"BROKEN {line}" for line in config.broken]
    show(data, lambda: [*(table(rows) or ["no playbook"]), *broken], as_json)


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
    if playbook.summary:
        yield playbook.summary
    if loaded.untrusted:
        yield f"its programs may not run: {loaded.untrusted}"
    if playbook.roles:
        yield f"roles: {', '.join(playbook.roles)}"
    for item in playbook.variables:
        yield f"{item.name} ({item.type}): {item.source or item.ask or 'asked for'}" + (
            f", else {item.default}" if item.default else ""
        )
    checklist = ""
    for number, step in enumerate(playbook.steps, 1):
        if step.checklist != checklist:
            checklist = step.checklist
            found = next((item for item in playbook.checklists if item.id == checklist), None)
            yield f"-- {found.title}{f'. {found.pause_point}' if found.pause_point else ''}" if found else "--"
        box = f", {step.timebox.total_seconds() / 60:g} min" if step.timebox else ""
        yield f"{number}. {step.id}: {step.title} [{step.kind}, {step.owner}{box}]"
        yield f"   {step.challenge}"
        yield f"   expected: {step.response}"
        yield from (f"   look at: {check}" for check in step.look_at)
        yield from (f"   option {item.id}: {item.label}" for item in step.options)
        yield from _does(step)
        if step.verify is not None:
            yield f"   closes on: {step.verify}"
        if step.confirm:
            yield f"   IRREVERSIBLE, to be typed: {step.confirm}"


def _does(step: Step) -> Iterable[str]:
    """What the console carries out or reads for a step, and what happens by itself."""
    if step.program is not None:
        yield f"   runs: {command_line(step.program.argv)}"
    if step.probe is not None:
        yield f"   asks: {step.probe.method} {step.probe.url}"
    if step.flag:
        yield f"   sets: {step.flag} to {step.percent:g} %"
    if step.notice is not None:
        yield f"   tells {step.notice.channel}: {step.notice.text}"
    if step.call:
        yield f"   runs the playbook {step.call}"
    if step.role:
        yield f"   only the {step.role} may"
    if step.second_person:
        yield "   a second person reads the target back"
    if step.on_overdue:
        yield f"   when late: {', '.join(map(_reaction, step.on_overdue))}"
    if step.on_failure.tries > 1 or step.on_failure.then:
        tries = f"{step.on_failure.tries} tries" if step.on_failure.tries > 1 else ""
        yield f"   when it fails: {', '.join(filter(None, (tries, *map(_reaction, step.on_failure.then))))}"
    if step.undo:
        yield f"   is taken back by: {step.undo}"


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
            found = rank(console.settings.playbooks, incident.alerts, incident.severity)
            data = [{"name": item.loaded.playbook.name, "fits": item.fits, "why": item.why} for item in found]
            rows = [(item.loaded.playbook.name, item.loaded.playbook.title, item.why) for item in found]
            show({"offers": data}, lambda: table(rows) or ["no playbook"], as_json)

    run(work())
