"""What the commands about one incident share: how it is named, changed and shown."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import USAGE, Stop
from console.cli.parse import later, moment
from console.cli.record import How, Shown, incident_of, write

if TYPE_CHECKING:
    from datetime import datetime

    from console.engine.console import Console
    from console.model.commands import Command
    from console.model.incident import Incident

SEVERITY = click.Choice(["SEV1", "SEV2", "SEV3", "SEV4", "SEV5"], case_sensitive=False)
EVIDENCE_PATIENCE = 3.0
"""Seconds that a command waits for the readings that it keeps as evidence."""

incident_argument = click.argument("incident_id", metavar="ID")
reason_option = click.option("--reason", required=True, help="Why.")


def change(
    options: Options,
    incident_id: str,
    wanted: Callable[[Console, Incident], Command | Awaitable[Command]],
    how: How,
    *,
    sources: bool = False,
) -> None:
    """Submits a command about one incident and shows the incident afterwards."""
    found: list[str] = []

    async def make(console: Console) -> Command:
        incident = incident_of(console.state, incident_id)
        found.append(incident.id)
        command = wanted(console, incident)
        return await command if isinstance(command, Awaitable) else command

    write(options, make, lambda console, _: shown(console, found[0]), how, sources=sources)


def shown(console: Console, incident_id: str) -> Shown:
    """One incident, for the output."""
    from console.reports.response import incident_data

    incident = console.state.incidents[incident_id]
    data = incident_data(incident, console.state.runs_of(incident_id), console.board.at)
    return {"incident": data}, [line_of(incident)]


def line_of(incident: Incident) -> str:
    """An incident in one line."""
    lead = incident.commander or "nobody leads"
    return f"{incident.label}  {incident.severity}  {incident.state}  {incident.title}  ({lead})"


async def read_evidence(console: Console) -> None:
    """Asks the sources for what is kept as evidence; those that take long are left out, and nothing waits for them."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(EVIDENCE_PATIENCE):
            await console.ask()


def past_moment(text: str, console: Console) -> datetime | None:
    """When something happened; None for an empty text. Raises Stop."""
    try:
        return moment(text, console.board.at) if text else None
    except ValueError as error:
        raise Stop(str(error), USAGE) from None


def due_moment(text: str, console: Console) -> datetime | None:
    """When something is due; None for an empty text. Raises Stop."""
    try:
        return later(text, console.board.at) if text else None
    except ValueError as error:
        raise Stop(str(error), USAGE) from None


def found_by(incidents: Iterable[Incident], text: str) -> list[Incident]:
    """Those with every word of `text` in what they are called, where they are, who has a role, or their alerts."""
    words = text.casefold().split()
    return [item for item in incidents if all(word in _searched(item) for word in words)]


def _searched(incident: Incident) -> str:
    parts = [incident.label, incident.title, incident.severity.value, incident.state.value]
    parts += [incident.service, incident.environment, *incident.roles.values(), str(incident.declared_by)]
    parts += [alert.name for alert in incident.alerts] + [task.text for task in incident.tasks.values()]
    parts += [decision.choice for decision in incident.decisions.values()]
    return "\n".join(parts).casefold()
