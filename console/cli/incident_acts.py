"""`oncall incident`: who has it, where it stands, how severe it is, who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import USAGE, Stop
from console.cli.incident_common import (
    SEVERITY,
    change,
    incident_argument,
    past_moment,
    read_evidence,
    reason_option,
)
from console.cli.parse import DURATION
from console.cli.record import How, incident_of, unknown, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.model.commands import Command
    from console.model.incident import Incident


@click.command("ack")
@incident_argument
@writing(unsaved=True)
@click.pass_obj
def ack(options: Options, incident_id: str, how: How) -> None:
    """Acknowledge an incident: you lead until somebody else is named."""
    from console.model.commands import AcknowledgeIncident

    change(options, incident_id, lambda _, item: AcknowledgeIncident(item.id), how)


@click.command("unack")
@incident_argument
@reason_option
@writing()
@click.pass_obj
def unack(options: Options, incident_id: str, reason: str, how: How) -> None:
    """Give an incident back: the response clock runs anew and the next level is told."""
    from console.model.commands import UnacknowledgeIncident

    change(options, incident_id, lambda _, item: UnacknowledgeIncident(item.id, reason), how)


@click.command("escalate")
@incident_argument
@click.option(
    "--as-of",
    "level",
    type=click.IntRange(0),
    help="The level that you saw: pressed twice, it is one escalation. Else the one that stands now.",
)
@click.option("--reason", default="", help="Why now.")
@writing(unsaved=True)
@click.pass_obj
def escalate(options: Options, incident_id: str, level: int | None, reason: str, how: How) -> None:
    """Tell the next level now, also while somebody has it."""
    from console.model.commands import Escalate

    def wanted(_: Console, incident: Incident) -> Command:
        return Escalate(incident.id, incident.level if level is None else level, reason)

    change(options, incident_id, wanted, how)


@click.command("reassign")
@incident_argument
@click.argument("people", nargs=-1, required=True)
@click.option("--reason", default="", help="Why.")
@writing()
@click.pass_obj
def reassign(options: Options, incident_id: str, people: tuple[str, ...], reason: str, how: How) -> None:
    """Let PagerDuty page PEOPLE of people.yaml, in place of whoever has the page."""
    from console.model.commands import ReassignPage

    change(options, incident_id, lambda _, item: ReassignPage(item.id, people, reason), how)


@click.command("severity")
@incident_argument
@click.argument("severity", type=SEVERITY)
@reason_option
@writing()
@click.pass_obj
def severity(options: Options, incident_id: str, severity: str, reason: str, how: How) -> None:
    """Change an incident's severity. Its clocks never end later than they did."""
    from console.model.commands import ChangeSeverity
    from console.model.people import Severity

    wanted = Severity(severity.upper())
    change(options, incident_id, lambda _, item: ChangeSeverity(item.id, wanted, reason), how)


def _move(options: Options, incident_id: str, state: str, reason: str, how: How) -> None:
    from console.model.commands import ChangeState

    kept, declared = state in ("mitigated", "resolved"), state == "declared"

    async def wanted(console: Console, incident: Incident) -> Command:
        if declared:
            await console.ask()  # What Alertmanager pages for already is not paged twice.
        elif kept:
            await read_evidence(console)
        return ChangeState(incident.id, state, reason)

    change(options, incident_id, wanted, how, sources=kept or declared)


@click.command("state")
@incident_argument
@click.argument("state")
@click.option("--reason", default="", help="Needed to reopen and to cancel.")
@writing(unsaved=True)
@click.pass_obj
def state(options: Options, incident_id: str, state: str, reason: str, how: How) -> None:
    """Move an incident to investigating, identified, mitigating, mitigated, resolved, closed or cancelled; from triage
    to declared."""
    _move(options, incident_id, state, reason, how)


def _alias(name: str, state: str, text: str, *, needs_reason: bool = False) -> click.Command:
    @click.command(name, help=text)
    @incident_argument
    @(reason_option if needs_reason else click.option("--reason", default="", help="Why."))
    @writing(unsaved=True)
    @click.pass_obj
    def move(options: Options, incident_id: str, reason: str, how: How) -> None:
        _move(options, incident_id, state, reason, how)

    return move


@click.command("role")
@incident_argument
@click.argument("role")
@click.argument("person")
@writing()
@click.pass_obj
def role(options: Options, incident_id: str, role: str, person: str, how: How) -> None:
    """Give a role in an incident to somebody: "incident commander", deputy, scribe, ..."""
    from console.model.commands import AssignRole

    change(options, incident_id, lambda _, item: AssignRole(item.id, role, person), how)


@click.command("update")
@incident_argument
@click.option("--conditions", default="", help="How it stands.")
@click.option("--actions", default="", help="What is done about it.")
@click.option("--needs", default="", help="What is needed, and from whom.")
@click.option("--next", "next_in", type=DURATION, default=None, help="When the next one follows; else the severity's.")
@writing(unsaved=True)
@click.pass_obj
def update(
    options: Options,
    incident_id: str,
    conditions: str,
    actions: str,
    needs: str,
    next_in: timedelta | None,
    how: How,
) -> None:
    """Send a status update: conditions, actions, needs. The next one is promised with it."""
    from console.model.commands import PostUpdate

    change(options, incident_id, lambda _, item: PostUpdate(item.id, conditions, actions, needs, next_in), how)


@click.command("time", context_settings={"ignore_unknown_options": True})  # -5m is a TIME
@incident_argument
@click.argument("name")
@click.argument("when", metavar="TIME")
@click.option("--estimated", is_flag=True, help="It is a guess, and shown as one.")
@click.option("--reason", default="", help="Needed to correct what stands.")
@writing()
@click.pass_obj
def time(options: Options, incident_id: str, name: str, when: str, estimated: bool, reason: str, how: How) -> None:
    """Say when it was: impact_started, detected, identified, mitigated, ...; TIME is 14:32 (UTC), -5m, or ISO 8601."""
    from console.model.commands import SetTime

    def wanted(console: Console, incident: Incident) -> Command:
        at = past_moment(when, console)
        if at is None:
            raise Stop("TIME is empty; expected 14:32 (UTC), -5m, or ISO 8601", USAGE)
        return SetTime(incident.id, name.replace("-", "_"), at, estimated, reason)

    change(options, incident_id, wanted, how)


@click.command("impact")
@incident_argument
@click.argument("what")
@click.argument("value")
@click.option("--evidence", default="", help="Where the number comes from.")
@writing()
@click.pass_obj
def impact(options: Options, incident_id: str, what: str, value: str, evidence: str, how: How) -> None:
    """Record a number of the impact: what it counts, and how many."""
    from console.model.commands import RecordImpact

    change(options, incident_id, lambda _, item: RecordImpact(item.id, what, value, evidence), how)


@click.command("merge")
@incident_argument
@click.argument("into", metavar="INTO")
@reason_option
@writing()
@click.pass_obj
def merge(options: Options, incident_id: str, into: str, reason: str, how: How) -> None:
    """Merge incident ID into INTO: its alerts, tasks and changes go there, and it ends."""
    from console.model.commands import MergeIncident

    def wanted(console: Console, incident: Incident) -> Command:
        return MergeIncident(incident.id, incident_of(console.state, into).id, reason)

    change(options, incident_id, wanted, how)


@click.command("correct")
@incident_argument
@click.argument("event", metavar="EVENT")
@click.option("--text", default="", help="What it should have said.")
@click.option("--at", "at", default="", metavar="TIME", help="When it really happened: 14:32, -5m, or ISO 8601.")
@click.option("--reason", default="", help="How it came to be wrong.")
@writing()
@click.pass_obj
def correct(options: Options, incident_id: str, event: str, text: str, at: str, reason: str, how: How) -> None:
    """Correct an event of an incident, by its number in the record. Both are kept and shown."""
    from console.model.commands import Correct

    async def wanted(console: Console, incident: Incident) -> Command:
        found = await _event(console, incident, event)
        return Correct(incident.id, found, text, past_moment(at, console), reason)

    change(options, incident_id, wanted, how)


async def _event(console: Console, incident: Incident, said: str) -> str:
    """The id of one of the incident's own events. Raises Stop with those that there are."""
    events = await console.timeline(incident.stream)
    for item in events:
        if said == item.id or (item.saved and said == str(item.seq)):
            return item.id
    raise unknown(f"event of {incident.label}", said, [f"{item.seq} ({item.kind})" for item in events])


COMMANDS = (
    ack,
    unack,
    escalate,
    reassign,
    severity,
    state,
    _alias("mitigate", "mitigated", "The impact is over, the cause may not be."),
    _alias("resolve", "resolved", "It is over, cause and all."),
    _alias("close", "closed", "Nothing is left to do: no run under way, no temporary change owed."),
    _alias("reopen", "investigating", "It is not over after all.", needs_reason=True),
    _alias("cancel", "cancelled", "It was no incident.", needs_reason=True),
    role,
    update,
    time,
    impact,
    merge,
    correct,
)
