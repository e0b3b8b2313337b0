"""The fold of the incidents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.rules import Rules
from console.model.incident import COMMANDER, QUIET, Incident, IncidentState
from console.model.people import Actor

RULES = Rules()


def touching(
    change: Callable[[Incident, Recorded, Any], Incident],
) -> Callable[[Incident, Recorded, Any], Incident]:
    """Notes when the incident was last touched."""

    def fold(incident: Incident, recorded: Recorded, payload: Any) -> Incident:
        return replace(change(incident, recorded, payload), last_event_at=recorded.occurred_at)

    return fold


@RULES.born(ev.IncidentDeclared)
def _declared(recorded: Recorded, payload: ev.IncidentDeclared) -> Incident:
    return replace(_born(recorded, payload, IncidentState.DECLARED), update_due=payload.update_due)


@RULES.born(ev.IncidentOpened)
def _opened(recorded: Recorded, payload: ev.IncidentOpened) -> Incident:
    born = _born(recorded, payload, IncidentState.TRIAGE)
    return replace(born, times={"detected": recorded.occurred_at, **born.times})  # by whoever opened it, at the latest


@RULES.changed(ev.IncidentDeclared)
@touching
def _declared_after_triage(incident: Incident, recorded: Recorded, payload: ev.IncidentDeclared) -> Incident:
    """Its clocks start now. Who has it already had it when it was declared."""
    if incident.state is not IncidentState.TRIAGE:
        return incident
    had = incident.acknowledged_at is not None
    at, by = recorded.occurred_at, payload.acknowledge_by
    return replace(
        incident,
        state=IncidentState.DECLARED,
        declared_at=at,
        declared_by=recorded.actor,
        acknowledge_by=incident.acknowledge_by if had else by,
        acknowledge_overdue=had and incident.acknowledge_overdue,
        escalate_at=None if had else by,
        update_due=payload.update_due,
        times={**incident.times, "declared": at, **({"acknowledged": at} if had else {})},
    )


def _born(recorded: Recorded, payload: ev.IncidentDeclared | ev.IncidentOpened, state: IncidentState) -> Incident:
    return Incident(
        id=recorded.stream.partition(":")[2],
        number=recorded.seq,
        version=recorded.version,
        title=payload.title,
        severity=payload.severity,
        state=state,
        service=payload.service,
        environment=payload.environment,
        declared_at=recorded.occurred_at,
        declared_by=recorded.actor,
        mode=recorded.mode,
        alerts=payload.alerts,
        impact_started_at=payload.impact_started_at,
        acknowledge_by=payload.acknowledge_by,
        times={**_known_times(payload, recorded.occurred_at), state.value: recorded.occurred_at},
        last_event_at=recorded.occurred_at,
    )


def _known_times(payload: ev.IncidentDeclared | ev.IncidentOpened, declared_at: datetime) -> dict[str, datetime]:
    """When the impact began, as somebody said, and when the first of its alerts saw it."""
    times = {} if payload.impact_started_at is None else {"impact_started": payload.impact_started_at}
    detected = min((alert.starts_at for alert in payload.alerts if alert.starts_at is not None), default=None)
    if detected is not None and times.get("impact_started", detected) <= detected <= declared_at:
        times["detected"] = detected
    return times


@RULES.changed(ev.IncidentAcknowledged)
@touching
def _acknowledged(incident: Incident, recorded: Recorded, payload: ev.IncidentAcknowledged) -> Incident:
    if incident.acknowledged_at is not None:
        return incident
    who = Actor(payload.by, payload.by) if payload.by else recorded.actor
    # Response times count from the declaration: who has it in triage has it then.
    times = {} if incident.state is IncidentState.TRIAGE else {"acknowledged": recorded.occurred_at}
    return replace(
        incident,
        acknowledged_at=recorded.occurred_at,
        acknowledged_by=who,
        acknowledged_via=payload.via,
        escalate_at=None,
        roles={COMMANDER: who.name, **incident.roles},
        times={**times, **incident.times},
    )


@RULES.changed(ev.IncidentUnacknowledged)
@touching
def _unacknowledged(incident: Incident, _: Recorded, payload: ev.IncidentUnacknowledged) -> Incident:
    return replace(
        incident,
        acknowledged_at=None,
        acknowledged_by=None,
        acknowledged_via="",
        acknowledge_by=payload.acknowledge_by,
        acknowledge_overdue=False,
        escalate_at=payload.escalate_at,
    )


@RULES.changed(ev.AcknowledgeOverdue)
@touching
def _acknowledge_overdue(incident: Incident, _: Recorded, __: ev.AcknowledgeOverdue) -> Incident:
    return replace(incident, acknowledge_overdue=True)


@RULES.changed(ev.IncidentStateChanged)
@touching
def _state_changed(incident: Incident, recorded: Recorded, payload: ev.IncidentStateChanged) -> Incident:
    state = IncidentState(payload.state)
    after = replace(incident, state=state, times={payload.state: recorded.occurred_at, **incident.times})
    if state in QUIET:
        return replace(after, escalate_at=None, update_due=None, update_overdue=False)
    if incident.state not in QUIET:
        return after
    after = replace(after, update_due=payload.update_due)
    if incident.acknowledged_at is not None:
        return after
    by = payload.acknowledge_by
    return replace(after, acknowledge_by=by, escalate_at=by, acknowledge_overdue=False)


@RULES.changed(ev.SeverityChanged)
@touching
def _severity_changed(incident: Incident, _: Recorded, payload: ev.SeverityChanged) -> Incident:
    return replace(
        incident,
        severity=payload.severity,
        acknowledge_by=payload.acknowledge_by or incident.acknowledge_by,
        escalate_at=payload.escalate_at,
        update_due=payload.update_due,
        update_overdue=incident.update_overdue and payload.update_due == incident.update_due,
    )


@RULES.changed(ev.AlertsLinked)
@touching
def _alerts_linked(incident: Incident, _: Recorded, payload: ev.AlertsLinked) -> Incident:
    known = {alert.fingerprint for alert in incident.alerts}
    new = tuple(alert for alert in payload.alerts if alert.fingerprint not in known)
    return replace(incident, alerts=incident.alerts + new)


@RULES.changed(ev.RoleAssigned)
@touching
def _role_assigned(incident: Incident, _: Recorded, payload: ev.RoleAssigned) -> Incident:
    return replace(incident, roles={**incident.roles, payload.role: payload.person})


@RULES.changed(ev.NoteAdded)
def _note(incident: Incident, recorded: Recorded, _: ev.NoteAdded) -> Incident:
    return replace(incident, notes=incident.notes + 1, last_event_at=recorded.recorded_at)


@RULES.changed(ev.Corrected)
@touching
def _corrected(incident: Incident, _: Recorded, __: ev.Corrected) -> Incident:
    return incident  # Both are kept, and the timeline shows both: a correction moves nothing by itself.
