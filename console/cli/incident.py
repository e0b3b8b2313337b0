"""`oncall incident`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli import incident_acts, incident_work, report
from console.cli.incident_common import (
    SEVERITY,
    change,
    found_by,
    incident_argument,
    past_moment,
    read_evidence,
    shown,
)
from console.cli.output import json_option, show, table, write_out
from console.cli.record import How, Shown, incident_of, reading, unknown, write, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.alert import AlertRef
    from console.model.commands import Command
    from console.model.incident import Incident
    from console.model.state import State

ALERT = "FINGERPRINT or alertname"


@click.group("incident")
def command() -> None:
    """Declare, lead, follow and export incidents. An ID is INC-12, 12, or a uuid."""


for one in (*incident_acts.COMMANDS, *incident_work.COMMANDS, report.command):
    command.add_command(one)


@command.command("declare")
@click.argument("title")
@click.option("--severity", type=SEVERITY, required=True, help="SEV1 is the most severe.")
@click.option("--alert", "alerts", multiple=True, metavar="ALERT", help=f"Link a standing alert: {ALERT}; repeatable.")
@click.option("--started", default="", metavar="TIME", help="When the impact began: 14:32, -5m, or ISO 8601.")
@click.option("--triage", is_flag=True, help="Only open it: `state ID declared` or `cancel` follows.")
@writing(unsaved=True)
@click.pass_obj
def declare(
    options: Options, title: str, severity: str, alerts: tuple[str, ...], started: str, triage: bool, how: How
) -> None:
    """Declare an incident. Its response clock starts now, and the first level is told.

    In triage the severity is only proposed: the first level is told, nobody after it, and no status update is due.
    """
    from console.model.commands import DeclareIncident
    from console.model.people import Severity

    async def wanted(console: Console) -> Command:
        began = past_moment(started, console)
        if alerts:
            await console.ask()
        else:
            await read_evidence(console)
        return DeclareIncident(title, Severity(severity.upper()), _alerts(console, alerts), began, triage)

    def result(console: Console, done: Done) -> Shown:
        return shown(console, done.subject)

    write(options, wanted, result, how, sources=True)


def _alerts(console: Console, named: Sequence[str]) -> tuple[AlertRef, ...]:
    """The standing alerts of these fingerprints or names. Raises Stop for one that does not stand."""
    from console.model.alert import reference

    feed = console.board.feed
    linked: list[AlertRef] = []
    for name in named:
        found = [alert for alert in feed.alerts if name in (alert.fingerprint, alert.name)]
        if not found:
            note = f" ({feed.note})" if feed.note else ""
            raise unknown(f"alert{note}", name, sorted({alert.name for alert in feed.alerts}))
        linked += [reference(alert) for alert in found]
    return tuple(dict.fromkeys(linked))


@command.command("ls")
@click.option("--all", "all_", is_flag=True, help="Closed, cancelled and merged ones too.")
@click.option("--search", default="", metavar="TEXT", help="Every word: in titles, people, alerts, tasks, decisions.")
@json_option
@click.pass_obj
def ls(options: Options, all_: bool, search: str, as_json: bool) -> None:
    """List the incidents that need somebody."""
    from console.bootstrap import run
    from console.reports.response import incident_data

    async def work() -> None:
        async with reading(options) as console:
            state, now = console.state, console.board.at
            found = found_by((item for item in state.incidents.values() if all_ or item.open), search)
            data = [incident_data(item, state.runs_of(item.id), now) for item in found]
            nothing = "no open incident" if not (all_ or search) else "no such incident"
            show({"incidents": data}, lambda: table([_row(item, state) for item in found]) or [nothing], as_json)

    run(work())


def _row(incident: Incident, state: State) -> tuple[str, ...]:
    declared, lead = f"{incident.declared_at:%Y-%m-%d %H:%M}Z", incident.commander or "-"
    into = state.incidents.get(incident.merged_into)
    other = incident.merged_label or (into.label if into is not None else "")
    where = f"{incident.state.value} into {other}" if other else incident.state.value
    return incident.label, incident.severity.value, where, declared, lead, incident.title


@command.command("show")
@incident_argument
@json_option
@click.pass_obj
def show_one(options: Options, incident_id: str, as_json: bool) -> None:
    """Show one incident: where it stands, who was told, what is due and what is owed. `export` has its timeline."""
    from console.bootstrap import run
    from console.reports.response import change_data, delivery_data
    from console.view.card import card

    async def work() -> None:
        async with reading(options) as console:
            incident = incident_of(console.state, incident_id)
            changes = console.state.changes_of(incident.id)
            sent = [item for item in console.state.deliveries.values() if item.message.subject == incident.id]
            data, _ = shown(console, incident.id)
            data["changes"] = [change_data(item, console.board.at) for item in changes]
            data["deliveries"] = [delivery_data(item) for item in sent]
            show(data, lambda: card(incident, console.board, changes, sent), as_json)

    run(work())


@command.command("export")
@incident_argument
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@json_option
@click.pass_obj
def export(options: Options, incident_id: str, output: Path | None, as_json: bool) -> None:
    """Export an incident's timeline as Markdown, or JSON. Twice gives the same bytes."""
    from console.bootstrap import run
    from console.reports.timeline import document, markdown
    from console.reports.values import dump

    async def work() -> None:
        async with reading(options) as console:
            incident = incident_of(console.state, incident_id)
            runs, changes = console.state.runs_of(incident.id), console.state.changes_of(incident.id)
            streams = [*(run.stream for run in runs), *(change.stream for change in changes)]
            events = await console.timeline(incident.stream, *streams)
            alerts = [f"alert:{alert.fingerprint}" for alert in incident.alerts]
            beside = await console.timeline(f"rollout:{incident.target}", *alerts)
            data = document(incident, runs, events, changes, beside)
            write_out(dump(data) + "\n" if as_json else markdown(data), output)

    run(work())


@command.command("note")
@incident_argument
@click.argument("text")
@click.option("--at", "at", default="", metavar="TIME", help="When it happened: 14:32, -5m, or ISO 8601. Else now.")
@click.option("--step", default="", help="The step of a playbook that it is about.")
@writing(unsaved=True)
@click.pass_obj
def note(options: Options, incident_id: str, text: str, at: str, step: str, how: How) -> None:
    """Add a note to an incident, open or not."""
    from console.model.commands import AddNote

    def wanted(console: Console, incident: Incident) -> Command:
        return AddNote(incident.id, text, past_moment(at, console), step)

    change(options, incident_id, wanted, how)


@command.command("link")
@incident_argument
@click.argument("alerts", metavar="ALERT...", nargs=-1, required=True)
@writing()
@click.pass_obj
def link(options: Options, incident_id: str, alerts: tuple[str, ...], how: How) -> None:
    """Link standing alerts to an incident, by fingerprint or alertname."""
    from console.model.commands import LinkAlerts

    async def wanted(console: Console, incident: Incident) -> Command:
        await console.ask()
        return LinkAlerts(incident.id, _alerts(console, alerts))

    change(options, incident_id, wanted, how, sources=True)
