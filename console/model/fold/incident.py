"""The fold of the incidents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.rules import Rules
from console.model.incident import COMMANDER, Incident, IncidentState

RULES = Rules()


def _touching(
    change: Callable[[Incident, Recorded, Any], Incident],
) -> Callable[[Incident, Recorded, Any], Incident]:
    def fold(incident: Incident, recorded: Recorded, payload: Any) -> Incident:
        return replace(change(incident, recorded, payload), last_event_at=recorded.occurred_at)

    return fold


@RULES.born(ev.IncidentDeclared)
def _declared(recorded: Recorded, payload: ev.IncidentDeclared) -> Incident:
    return Incident(
        id=recorded.stream.partition(":")[2],
        number=recorded.seq,
        version=recorded.version,
        title=payload.title,
        severity=payload.severity,
        state=IncidentState.DECLARED,
        service=payload.service,
        environment=payload.environment,
        declared_at=recorded.occurred_at,
        declared_by=recorded.actor,
        mode=recorded.mode,
        alerts=payload.alerts,
        impact_started_at=payload.impact_started_at,
        acknowledge_by=payload.acknowledge_by,
        times={IncidentState.DECLARED.value: recorded.occurred_at},
        last_event_at=recorded.occurred_at,
    )


@RULES.changed(ev.IncidentAcknowledged)
@_touching
def _acknowledged(incident: Incident, recorded: Recorded, _: ev.IncidentAcknowledged) -> Incident:
    if incident.acknowledged_at is not None:
        return incident
    roles = {COMMANDER: recorded.actor.name, **incident.roles}
    return replace(incident, acknowledged_at=recorded.occurred_at, acknowledged_by=recorded.actor, roles=roles)


@RULES.changed(ev.AcknowledgeOverdue)
@_touching
def _acknowledge_overdue(incident: Incident, _: Recorded, __: ev.AcknowledgeOverdue) -> Incident:
    return replace(incident, acknowledge_overdue=True)


@RULES.changed(ev.IncidentStateChanged)
@_touching
def _state_changed(incident: Incident, recorded: Recorded, payload: ev.IncidentStateChanged) -> Incident:
    times = {**incident.times}
    times.setdefault(payload.state, recorded.occurred_at)
    return replace(incident, state=IncidentState(payload.state), times=times)


@RULES.changed(ev.SeverityChanged)
@_touching
def _severity_changed(incident: Incident, _: Recorded, payload: ev.SeverityChanged) -> Incident:
    return replace(
        incident, severity=payload.severity, acknowledge_by=payload.acknowledge_by or incident.acknowledge_by
    )


@RULES.changed(ev.AlertsLinked)
@_touching
def _alerts_linked(incident: Incident, _: Recorded, payload: ev.AlertsLinked) -> Incident:
    known = {alert.fingerprint for alert in incident.alerts}
    new = tuple(alert for alert in payload.alerts if alert.fingerprint not in known)
    return replace(incident, alerts=incident.alerts + new)


@RULES.changed(ev.RoleAssigned)
@_touching
def _role_assigned(incident: Incident, _: Recorded, payload: ev.RoleAssigned) -> Incident:
    return replace(incident, roles={**incident.roles, payload.role: payload.person})


@RULES.changed(ev.NoteAdded)
def _note(incident: Incident, recorded: Recorded, _: ev.NoteAdded) -> Incident:
    return replace(incident, notes=incident.notes + 1, last_event_at=recorded.recorded_at)
