"""`oncall incident`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import USAGE, Stop
from console.cli.output import json_option, show, table, write_out
from console.cli.parse import moment
from console.cli.record import Shown, incident_of, reading, unknown, unsaved_option, write

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.alert import AlertRef
    from console.model.commands import Command
    from console.model.incident import Incident

SEVERITY = click.Choice(["SEV1", "SEV2", "SEV3", "SEV4", "SEV5"], case_sensitive=False)
ALERT = "FINGERPRINT or alertname"


@click.group("incident")
def command() -> None:
    """Declare, follow and export incidents. An ID is INC-12, 12, or a uuid."""


def _change(
    options: Options,
    incident_id: str,
    wanted: Callable[[Console, Incident], Command],
    *,
    as_json: bool,
    unsaved: bool = False,
) -> None:
    """Submits a command about one incident and shows the incident afterwards."""
    found: list[str] = []

    def make(console: Console) -> Command:
        incident = incident_of(console.state, incident_id)
        found.append(incident.id)
        return wanted(console, incident)

    write(options, make, lambda console, _: shown(console, found[0]), as_json=as_json, unsaved=unsaved)


def shown(console: Console, incident_id: str) -> Shown:
    """One incident, for the output."""
    from console.reports.snapshot import incident_data

    incident = console.state.incidents[incident_id]
    return {"incident": incident_data(incident, console.state.runs_of(incident_id), console.board.at)}, [
        line_of(incident)
    ]


def line_of(incident: Incident) -> str:
    """An incident in one line."""
    lead = incident.commander or "nobody leads"
    return f"{incident.label}  {incident.severity}  {incident.state}  {incident.title}  ({lead})"


@command.command("declare")
@click.argument("title")
@click.option("--severity", type=SEVERITY, required=True, help="SEV1 is the most severe.")
@click.option("--alert", "alerts", multiple=True, metavar="ALERT", help=f"Link a standing alert: {ALERT}; repeatable.")
@click.option("--started", default="", metavar="TIME", help="When the impact began: 14:32, -5m, or ISO 8601.")
@unsaved_option
@json_option
@click.pass_obj
def declare(
    options: Options, title: str, severity: str, alerts: tuple[str, ...], started: str, unsaved: bool, as_json: bool
) -> None:
    """Declare an incident. Its response clock starts now."""
    from console.model.commands import DeclareIncident
    from console.model.people import Severity

    async def wanted(console: Console) -> Command:
        linked = await _alerts(console, alerts)
        return DeclareIncident(title, Severity(severity.upper()), linked, _moment(started, console))

    def result(console: Console, done: Done) -> Shown:
        return shown(console, done.subject)

    write(options, wanted, result, as_json=as_json, unsaved=unsaved, sources=bool(alerts))


async def _alerts(console: Console, named: Sequence[str]) -> tuple[AlertRef, ...]:
    """The standing alerts of these fingerprints or names. Raises Stop for one that does not stand."""
    if not named:
        return ()
    from console.model.alert import reference

    await console.ask()
    feed = console.board.feed
    linked: list[AlertRef] = []
    for name in named:
        found = [alert for alert in feed.alerts if name in (alert.fingerprint, alert.name)]
        if not found:
            note = f" ({feed.note})" if feed.note else ""
            raise unknown(f"alert{note}", name, sorted({alert.name for alert in feed.alerts}))
        linked += [reference(alert) for alert in found]
    return tuple(dict.fromkeys(linked))


def _moment(text: str, console: Console) -> datetime | None:
    try:
        return moment(text, console.board.at) if text else None
    except ValueError as error:
        raise Stop(str(error), USAGE) from None


@command.command("ls")
@click.option("--all", "all_", is_flag=True, help="Closed and cancelled ones too.")
@json_option
@click.pass_obj
def ls(options: Options, all_: bool, as_json: bool) -> None:
    """List the incidents that need somebody."""
    from console.bootstrap import run
    from console.reports.snapshot import incident_data

    async def work() -> None:
        async with reading(options) as console:
            state, now = console.state, console.board.at
            found = [item for item in state.incidents.values() if all_ or item.open]
            rows = [
                (
                    item.label,
                    item.severity.value,
                    item.state.value,
                    f"{item.declared_at:%Y-%m-%d %H:%M}Z",
                    item.commander or "-",
                    item.title,
                )
                for item in found
            ]
            data = [incident_data(item, state.runs_of(item.id), now) for item in found]
            show({"incidents": data}, lambda: table(rows) or ["no open incident"], as_json)

    run(work())


@command.command("show")
@click.argument("incident_id", metavar="ID")
@json_option
@click.pass_obj
def show_one(options: Options, incident_id: str, as_json: bool) -> None:
    """Show one incident: where it stands, and its timeline."""
    _export(options, incident_id, as_json=as_json, output=None)


@command.command("export")
@click.argument("incident_id", metavar="ID")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@json_option
@click.pass_obj
def export(options: Options, incident_id: str, output: Path | None, as_json: bool) -> None:
    """Export an incident's timeline as Markdown, or JSON. Twice gives the same bytes."""
    _export(options, incident_id, as_json=as_json, output=output)


def _export(options: Options, incident_id: str, *, as_json: bool, output: Path | None) -> None:
    from console.bootstrap import run
    from console.reports.snapshot import dump
    from console.reports.timeline import document, markdown

    async def work() -> None:
        async with reading(options) as console:
            incident = incident_of(console.state, incident_id)
            runs = console.state.runs_of(incident.id)
            events = await console.timeline(incident.stream, *(item.stream for item in runs))
            data = document(incident, runs, events)
            write_out(dump(data) + "\n" if as_json else markdown(data), output)

    run(work())


@command.command("note")
@click.argument("incident_id", metavar="ID")
@click.argument("text")
@click.option("--at", "at", default="", metavar="TIME", help="When it happened: 14:32, -5m, or ISO 8601. Else now.")
@click.option("--step", default="", help="The step of a playbook that it is about.")
@unsaved_option
@json_option
@click.pass_obj
def note(options: Options, incident_id: str, text: str, at: str, step: str, unsaved: bool, as_json: bool) -> None:
    """Add a note to an incident, open or not."""
    from console.model.commands import AddNote

    _change(
        options,
        incident_id,
        lambda console, incident: AddNote(incident.id, text, _moment(at, console), step),
        as_json=as_json,
        unsaved=unsaved,
    )


@command.command("ack")
@click.argument("incident_id", metavar="ID")
@unsaved_option
@json_option
@click.pass_obj
def ack(options: Options, incident_id: str, unsaved: bool, as_json: bool) -> None:
    """Acknowledge an incident: you lead until somebody else is named."""
    from console.model.commands import AcknowledgeIncident

    _change(options, incident_id, lambda _, item: AcknowledgeIncident(item.id), as_json=as_json, unsaved=unsaved)


@command.command("severity")
@click.argument("incident_id", metavar="ID")
@click.argument("severity", type=SEVERITY)
@click.option("--reason", required=True, help="Why it changes.")
@json_option
@click.pass_obj
def severity(options: Options, incident_id: str, severity: str, reason: str, as_json: bool) -> None:
    """Change an incident's severity."""
    from console.model.commands import ChangeSeverity
    from console.model.people import Severity

    wanted = Severity(severity.upper())
    _change(options, incident_id, lambda _, item: ChangeSeverity(item.id, wanted, reason), as_json=as_json)


def _move(options: Options, incident_id: str, state: str, reason: str, unsaved: bool, as_json: bool) -> None:
    from console.model.commands import ChangeState

    _change(options, incident_id, lambda _, item: ChangeState(item.id, state, reason), as_json=as_json, unsaved=unsaved)


@command.command("state")
@click.argument("incident_id", metavar="ID")
@click.argument("state")
@click.option("--reason", default="", help="Needed to reopen and to cancel.")
@unsaved_option
@json_option
@click.pass_obj
def state(options: Options, incident_id: str, state: str, reason: str, unsaved: bool, as_json: bool) -> None:
    """Move an incident to investigating, identified, mitigating, mitigated, resolved, closed or cancelled."""
    _move(options, incident_id, state, reason, unsaved, as_json)


def _alias(name: str, state: str, text: str) -> None:
    @command.command(name, help=text)
    @click.argument("incident_id", metavar="ID")
    @click.option("--reason", default="", help="Why.")
    @unsaved_option
    @json_option
    @click.pass_obj
    def move(options: Options, incident_id: str, reason: str, unsaved: bool, as_json: bool) -> None:
        _move(options, incident_id, state, reason, unsaved, as_json)


_alias("mitigate", "mitigated", "The impact is over, the cause may not be.")
_alias("resolve", "resolved", "It is over, cause and all.")
_alias("close", "closed", "Nothing is left to do. No run may be under way.")


@command.command("link")
@click.argument("incident_id", metavar="ID")
@click.argument("alerts", metavar="ALERT...", nargs=-1, required=True)
@json_option
@click.pass_obj
def link(options: Options, incident_id: str, alerts: tuple[str, ...], as_json: bool) -> None:
    """Link standing alerts to an incident, by fingerprint or alertname."""
    from console.model.commands import LinkAlerts

    found: list[str] = []

    async def wanted(console: Console) -> Command:
        found.append(incident_of(console.state, incident_id).id)
        return LinkAlerts(found[0], await _alerts(console, alerts))

    write(options, wanted, lambda console, _: shown(console, found[0]), as_json=as_json, sources=True)


@command.command("role")
@click.argument("incident_id", metavar="ID")
@click.argument("role")
@click.argument("person")
@json_option
@click.pass_obj
def role(options: Options, incident_id: str, role: str, person: str, as_json: bool) -> None:
    """Give a role in an incident to somebody: "incident commander", deputy, scribe, ..."""
    from console.model.commands import AssignRole

    _change(options, incident_id, lambda _, item: AssignRole(item.id, role, person), as_json=as_json)
