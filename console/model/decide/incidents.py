"""The rules of incidents."""

from __future__ import annotations

from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.incident import QUIET, TRANSITIONS, Incident, IncidentState
from console.model.state import State


def _find(state: State, incident_id: str) -> Incident:
    incident = state.incidents.get(incident_id)
    if incident is None:
        raise Refusal(f"incident {incident_id} is not in this record")
    return incident


def _open(state: State, incident_id: str) -> Incident:
    incident = _find(state, incident_id)
    if not incident.open:
        raise Refusal(f"{incident.label} is {incident.state}")
    return incident


def _on(incident: Incident, *payloads: Any) -> list[Batch]:
    return [Batch(incident.stream, incident.version, payloads)]


def declare(_: State, command: cmd.DeclareIncident, context: Context) -> list[Batch]:
    """A new incident; its response clock starts now."""
    within = context.acknowledge_within(command.severity)
    payload = ev.IncidentDeclared(
        required(command.title, "the title"),
        command.severity,
        context.target.service,
        context.target.environment,
        command.alerts,
        command.impact_started_at,
        None if within is None else context.now + within,
    )
    return [Batch(f"incident:{context.fresh()}", 0, (payload,))]


def acknowledge(state: State, command: cmd.AcknowledgeIncident, _: Context) -> list[Batch]:
    """Once; the first one leads until somebody else is named."""
    incident = _open(state, command.incident)
    if incident.acknowledged_at is not None:
        at = f"{incident.acknowledged_at:%H:%M:%S}Z"
        raise Refusal(f"{incident.label} was acknowledged by {incident.acknowledged_by} at {at}")
    if incident.state in QUIET:
        raise Refusal(f"{incident.label} is {incident.state}: an acknowledgement would change nothing")
    return _on(incident, ev.IncidentAcknowledged())


def change_state(state: State, command: cmd.ChangeState, _: Context) -> list[Batch]:
    """Along `TRANSITIONS` only. Reopening and cancelling need a reason; an end needs every run to have ended."""
    incident = _find(state, command.incident)
    try:
        wanted = IncidentState(command.state)
    except ValueError:
        known = ", ".join(item.value for item in IncidentState)
        raise Refusal(f"{command.state!r} is no incident state; expected one of {known}") from None
    if wanted not in TRANSITIONS[incident.state]:
        allowed = ", ".join(TRANSITIONS[incident.state]) or "nothing"
        raise Refusal(f"{incident.label} is {incident.state}; from there it can become {allowed}, not {wanted}")
    reopening = incident.state in (IncidentState.MITIGATED, IncidentState.RESOLVED) and wanted in (
        IncidentState.INVESTIGATING,
        IncidentState.MITIGATING,
    )
    reason = command.reason.strip()
    if reopening or wanted is IncidentState.CANCELLED:
        reason = required(reason, "the reason")
    if wanted in (IncidentState.CLOSED, IncidentState.CANCELLED):
        running = [run.label for run in state.runs_of(incident.id) if run.ended_at is None]
        if running:
            raise Refusal(
                f"{', '.join(running)} is still running: finish or abort it before {incident.label} is {wanted}"
            )
    return _on(incident, ev.IncidentStateChanged(wanted.value, reason))


def change_severity(state: State, command: cmd.ChangeSeverity, context: Context) -> list[Batch]:
    """With a reason. The response clock of the new severity starts now, and never later than the old one ends."""
    incident = _open(state, command.incident)
    if incident.severity is command.severity:
        raise Refusal(f"{incident.label} is {command.severity} already")
    within = context.acknowledge_within(command.severity)
    due = None if within is None else context.now + within
    sooner = due if incident.acknowledge_by is None or (due and due < incident.acknowledge_by) else None
    return _on(incident, ev.SeverityChanged(command.severity, required(command.reason, "the reason"), sooner))


def link_alerts(state: State, command: cmd.LinkAlerts, _: Context) -> list[Batch]:
    """Those not linked yet."""
    incident = _open(state, command.incident)
    known = {alert.fingerprint for alert in incident.alerts}
    new = tuple(alert for alert in command.alerts if alert.fingerprint not in known)
    if not new:
        raise Refusal(f"linked to {incident.label} already")
    return _on(incident, ev.AlertsLinked(new))


def assign_role(state: State, command: cmd.AssignRole, _: Context) -> list[Batch]:
    """A transfer is this one event: there is no moment with two holders or none."""
    incident = _open(state, command.incident)
    person = required(command.person, "the person")
    if incident.roles.get(command.role) == person:
        raise Refusal(f"{person} is {command.role} already")
    return _on(incident, ev.RoleAssigned(required(command.role, "the role"), person))


def add_note(state: State, command: cmd.AddNote, context: Context) -> list[Batch]:
    """On an incident or a shift, open or not; never from the future."""
    subject = state.incidents.get(command.subject) or state.shifts.get(command.subject)
    if subject is None:
        raise Refusal(f"{command.subject} is neither an incident nor a shift of this record")
    if command.occurred_at is not None and command.occurred_at > context.now:
        raise Refusal(f"{command.occurred_at:%H:%M:%S}Z lies in the future")
    note = ev.NoteAdded(required(command.text, "the note"), command.step)
    return [Batch(subject.stream, subject.version, (note,), command.occurred_at)]
