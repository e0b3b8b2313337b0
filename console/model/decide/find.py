"""What a command names must be in the record, and in a state that allows it."""

from __future__ import annotations

from typing import Any

from console.model.commands import Command
from console.model.decide.context import Batch, Context, Refusal
from console.model.incident import QUIET, Incident
from console.model.state import State


def refuse_elsewhere(state: State, command: Command, context: Context) -> None:
    """An incident, and what belongs to it, is acted on where it is: elsewhere, other people and other channels would be
    told. Raises Refusal."""
    run = state.runs.get(getattr(command, "run", ""))
    name = run.incident if run is not None else getattr(command, "incident", "") or getattr(command, "subject", "")
    incident = state.incidents.get(name)
    if incident is None:
        return
    if incident.target != str(context.target):
        here = f"this console on {context.target}: choose that one (--env)"
        raise Refusal(f"{incident.label} is on {incident.target}, {here}")


def find(state: State, incident_id: str) -> Incident:
    """An incident. Raises Refusal."""
    incident = state.incidents.get(incident_id)
    if incident is None:
        raise Refusal(f"incident {incident_id} is not in this record")
    return incident


def find_open(state: State, incident_id: str) -> Incident:
    """An incident that needs somebody. Raises Refusal."""
    incident = find(state, incident_id)
    if not incident.open:
        raise Refusal(f"{incident.label} is {incident.state}")
    return incident


def find_urgent(state: State, incident_id: str, what: str) -> Incident:
    """An incident with a response clock: `what` makes no sense after it is resolved. Raises Refusal."""
    incident = find_open(state, incident_id)
    if incident.state in QUIET:
        raise Refusal(f"{incident.label} is {incident.state}: {what} would change nothing")
    return incident


def on(incident: Incident, *payloads: Any) -> list[Batch]:
    """Events for an incident's stream."""
    return [Batch(incident.stream, incident.version, payloads)]
