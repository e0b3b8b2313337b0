"""The rules of incidents: declaring, who has it, its states and severity, roles, notes, merging."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decide.escalation import given_back, paged_elsewhere, roles, told_now
from console.model.decide.evidence import evidence
from console.model.decide.find import find, find_open, find_urgent, on
from console.model.decide.foresight import foresee
from console.model.decide.pager import adopted
from console.model.incident import QUIET, TRANSITIONS, Incident, IncidentState, reopens
from console.model.state import State


def declare(_: State, command: cmd.DeclareIncident, context: Context) -> list[Batch]:
    """A new incident; its response clock starts now, and the first level is told. In triage nobody further is, and no
    status update is asked for."""
    stream = f"incident:{context.fresh()}"
    known = (
        required(command.title, "the title"),
        command.severity,
        context.target.service,
        context.target.environment,
        command.alerts,
        # An alert's beginning, by a clock that may be ahead of ours.
        min(command.impact_started_at, context.now) if command.impact_started_at is not None else None,
        context.acknowledge_by(command.severity),
    )
    payloads: list[Any] = [
        ev.IncidentOpened(*known)
        if command.triage
        else ev.IncidentDeclared(*known, context.update_due(command.severity))
    ]
    payloads += adopted(foresee(None, stream, payloads, context), command.alerts, context)
    payloads += _told(foresee(None, stream, payloads, context), context)
    return [Batch(stream, 0, (*payloads, *evidence("triage" if command.triage else "declared", context)))]


def _told(incident: Incident, context: Context) -> list[Any]:
    """The next level, where somebody is asked for, nobody has it, and nobody pages in our place."""
    asks = context.rule(incident.severity) is not None and incident.acknowledged_at is None
    return [*told_now(incident, context)] if asks and not paged_elsewhere(incident, context) else []


def _declare_opened(incident: Incident, context: Context) -> list[Batch]:
    """The end of triage: the clocks of the severity start now. Who was told of the triage hears of this, too."""
    declared = ev.IncidentDeclared(
        incident.title,
        incident.severity,
        incident.service,
        incident.environment,
        incident.alerts,
        incident.impact_started_at,
        context.acknowledge_by(incident.severity),
        context.update_due(incident.severity),
    )
    after = foresee(incident, incident.stream, [declared], context)
    told = _told(after, context) if after.level == 0 else ()
    return on(incident, declared, *told, *evidence("declared", context))


def acknowledge(state: State, command: cmd.AcknowledgeIncident, _: Context) -> list[Batch]:
    """Once; the first one leads until somebody else is named."""
    incident = find_open(state, command.incident)
    if incident.acknowledged_at is not None:
        at = f"{incident.acknowledged_at:%H:%M:%S}Z"
        via = f" in {incident.acknowledged_via}" if incident.acknowledged_via else ""
        raise Refusal(f"{incident.label} was acknowledged by {incident.acknowledged_by} at {at}{via}")
    find_urgent(state, command.incident, "an acknowledgement")
    return on(incident, ev.IncidentAcknowledged(command.by.strip(), command.via))


def unacknowledge(state: State, command: cmd.UnacknowledgeIncident, context: Context) -> list[Batch]:
    """Nobody has it any more: the clock starts anew, and the next level is told at once."""
    incident = find_urgent(state, command.incident, "giving it back")
    if incident.acknowledged_at is None:
        raise Refusal(f"nobody has acknowledged {incident.label}")
    return on(incident, *given_back(incident, required(command.reason, "the reason"), command.via, context))


def change_state(state: State, command: cmd.ChangeState, context: Context) -> list[Batch]:
    """Along `TRANSITIONS` only. Reopening and cancelling need a reason; an end needs every run to have ended; closing
    needs every temporary change to be undone or handed over."""
    incident = find(state, command.incident)
    wanted = _wanted(incident, command.state)
    if wanted is IncidentState.DECLARED:
        return _declare_opened(incident, context)
    reason = command.reason.strip()
    if reopens(incident.state, wanted) or wanted is IncidentState.CANCELLED:
        reason = required(reason, "the reason")
    if wanted in (IncidentState.CLOSED, IncidentState.CANCELLED):
        _nothing_runs(state, incident, f"is {wanted}")
    if wanted is IncidentState.CLOSED:
        _nothing_owed(state, incident, context.now)
    awake = incident.state in QUIET and wanted not in QUIET
    changed = ev.IncidentStateChanged(
        wanted.value,
        reason,
        context.acknowledge_by(incident.severity) if awake and incident.acknowledged_at is None else None,
        context.update_due(incident.severity) if awake else None,
    )
    kept = wanted in (IncidentState.MITIGATED, IncidentState.RESOLVED)
    return on(incident, changed, *(evidence(wanted.value, context) if kept else ()))


def _wanted(incident: Incident, name: str) -> IncidentState:
    try:
        wanted = IncidentState(name)
    except ValueError:
        known = ", ".join(item.value for item in IncidentState)
        raise Refusal(f"{name!r} is no incident state; expected one of {known}") from None
    if wanted not in TRANSITIONS[incident.state]:
        allowed = ", ".join(TRANSITIONS[incident.state]) or "nothing"
        raise Refusal(f"{incident.label} is {incident.state}; from there it can become {allowed}, not {wanted}")
    return wanted


def _nothing_runs(state: State, incident: Incident, end: str) -> None:
    running = [run.label for run in state.runs_of(incident.id) if run.ended_at is None]
    if running:
        raise Refusal(f"{', '.join(running)} is still running: finish or abort it before {incident.label} {end}")


def _nothing_owed(state: State, incident: Incident, now: datetime) -> None:
    owed = [f"{change.label} ({change.what})" for change in state.changes_of(incident.id) if change.owed(now)]
    if owed:
        raise Refusal(f"{', '.join(owed)} may be in force: undo or hand over before {incident.label} is closed")


def change_severity(state: State, command: cmd.ChangeSeverity, context: Context) -> list[Batch]:
    """With a reason. The clocks of the new severity start now, and never end later than the old ones."""
    incident = find_open(state, command.incident)
    if incident.severity is command.severity:
        raise Refusal(f"{incident.label} is {command.severity} already")
    waits = incident.acknowledged_at is None and incident.state not in QUIET
    triage = incident.state is IncidentState.TRIAGE
    due = context.acknowledge_by(command.severity)
    sooner = due if incident.acknowledge_by is None or (due and due < incident.acknowledge_by) else None
    another = waits and not triage and incident.level < len(roles(command.severity, context))
    changed = ev.SeverityChanged(
        command.severity,
        required(command.reason, "the reason"),
        sooner,
        _sooner(incident.escalate_at, due) if another else None,
        _sooner(incident.update_due, context.update_due(command.severity)) if _updates(incident) else None,
    )
    after = foresee(incident, incident.stream, [changed], context)
    # Nobody was told of it yet, where the old severity asked for nobody.
    first = waits and after.level == 0 and due is not None and not after.paged_by
    return on(incident, changed, *(told_now(after, context) if first else ()))


def _updates(incident: Incident) -> bool:
    return incident.state not in QUIET and incident.state is not IncidentState.TRIAGE


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((when for when in (one, other) if when is not None), default=None)


def link_alerts(state: State, command: cmd.LinkAlerts, context: Context) -> list[Batch]:
    """Those not linked yet, with the PagerDuty incidents that page for them."""
    incident = find_open(state, command.incident)
    known = {alert.fingerprint for alert in incident.alerts}
    new = tuple(alert for alert in command.alerts if alert.fingerprint not in known)
    if not new:
        raise Refusal(f"linked to {incident.label} already")
    return on(incident, ev.AlertsLinked(new), *adopted(incident, new, context))


def assign_role(state: State, command: cmd.AssignRole, _: Context) -> list[Batch]:
    """A transfer is this one event: there is no moment with two holders or none."""
    incident = find_open(state, command.incident)
    person = required(command.person, "the person")
    if incident.roles.get(command.role) == person:
        raise Refusal(f"{person} is {command.role} already")
    return on(incident, ev.RoleAssigned(required(command.role, "the role"), person))


def add_note(state: State, command: cmd.AddNote, context: Context) -> list[Batch]:
    """On an incident, a shift or an alert (`alert:<fingerprint>`), open or not; never from the future."""
    if command.occurred_at is not None and command.occurred_at > context.now:
        raise Refusal(f"{command.occurred_at:%H:%M:%S}Z lies in the future")
    note = ev.NoteAdded(required(command.text, "the note"), command.step)
    folder, _, fingerprint = command.subject.partition(":")
    if folder == "alert" and fingerprint:
        care = state.care.get(fingerprint)
        return [Batch(command.subject, care.version if care is not None else 0, (note,), command.occurred_at)]
    subject = state.incidents.get(command.subject) or state.shifts.get(command.subject)
    if subject is None:
        raise Refusal(f"{command.subject} is neither an incident nor a shift of this record")
    return [Batch(subject.stream, subject.version, (note,), command.occurred_at)]


def merge(state: State, command: cmd.MergeIncident, context: Context) -> list[Batch]:
    """Its alerts, its open tasks, its changes and the pages of its alerts go to the other one, and it ends. What it
    was merged into is open, so that no chain of mergers can close to a ring."""
    if command.incident == command.into:
        raise Refusal("an incident is not merged into itself")
    source, target = find_open(state, command.incident), find_open(state, command.into)
    if source.target != target.target:
        raise Refusal(f"{source.label} is on {source.target}, {target.label} on {target.target}")
    _nothing_runs(state, source, "is merged")
    merged = ev.IncidentMerged(target.id, required(command.reason, "the reason"), target.label)
    dropped = (ev.TaskEnded(task.id, "dropped", f"goes on in {target.label}") for task in _open_tasks(source))
    return [
        *on(source, *dropped, merged),
        *on(target, ev.IncidentMergedIn(source.id, source.label, source.alerts), *_moved(source, target)),
        *(
            Batch(change.stream, change.version, (ev.ChangeTied(target.id),))
            for change in state.changes_of(source.id)
            if change.owed(context.now)
        ),
    ]


def _moved(source: Incident, target: Incident) -> Iterator[Any]:
    for number, task in enumerate(_open_tasks(source), start=len(target.tasks) + 1):
        yield ev.TaskAdded(f"T{number}", task.text, task.owner, task.due_at, task.kind)
    for link in source.pages.values():
        if link.adopted and link.pager_id not in target.pages:
            yield ev.PagerLinked(link.pager_id, link.key, True, link.url, link.policy, link.level)
            yield ev.PagerChanged(link.pager_id, link.status, link.by, link.level, link.assigned_to)


def _open_tasks(incident: Incident) -> list[Any]:
    return [task for task in incident.tasks.values() if task.open]
