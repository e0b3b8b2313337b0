"""The fold of the response to an incident: escalation, updates, times, tasks, decisions, its page, merges."""

from __future__ import annotations

from dataclasses import replace

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.incident import RULES as RULES
from console.model.fold.incident import touching
from console.model.incident import Incident, IncidentState
from console.model.response import Decision, Escalation, Impact, PagerLink, Task, Update


@RULES.changed(ev.IncidentEscalated)
@touching
def _escalated(incident: Incident, recorded: Recorded, payload: ev.IncidentEscalated) -> Incident:
    told = Escalation(
        payload.level,
        payload.role,
        recorded.occurred_at,
        payload.people,
        payload.late_seconds,
        payload.reason,
        payload.pager,
        payload.via or recorded.actor.name,
    )
    # Somebody may have it already: what is told to more people starts no clock then.
    next_at = payload.next_at if incident.acknowledged_at is None else None
    return replace(incident, escalations=(*incident.escalations, told), escalate_at=next_at)


@RULES.changed(ev.PageReassigned)
@touching
def _reassigned(incident: Incident, _: Recorded, __: ev.PageReassigned) -> Incident:
    return incident  # Who has it then is PagerDuty's to say.


@RULES.changed(ev.UpdatePosted)
@touching
def _update_posted(incident: Incident, recorded: Recorded, payload: ev.UpdatePosted) -> Incident:
    update = Update(
        recorded.occurred_at,
        recorded.actor,
        payload.conditions,
        payload.actions,
        payload.needs,
        payload.next_due,
    )
    updates = (*incident.updates, update)
    return replace(incident, updates=updates, update_due=payload.next_due, update_overdue=False)


@RULES.changed(ev.UpdateOverdue)
@touching
def _update_overdue(incident: Incident, _: Recorded, payload: ev.UpdateOverdue) -> Incident:
    return replace(incident, update_overdue=incident.update_overdue or payload.due_at == incident.update_due)


@RULES.changed(ev.TimeSet)
@touching
def _time_set(incident: Incident, _: Recorded, payload: ev.TimeSet) -> Incident:
    others = incident.estimated - {payload.name}
    estimated = others | {payload.name} if payload.estimated else others
    started = payload.at if payload.name == "impact_started" else incident.impact_started_at
    times = {**incident.times, payload.name: payload.at}
    return replace(incident, times=times, estimated=estimated, impact_started_at=started)


@RULES.changed(ev.ImpactRecorded)
@touching
def _impact_recorded(incident: Incident, recorded: Recorded, payload: ev.ImpactRecorded) -> Incident:
    number = Impact(payload.what, payload.value, payload.evidence, recorded.occurred_at)
    return replace(incident, impact=(*incident.impact, number))


@RULES.changed(ev.TaskAdded)
@touching
def _task_added(incident: Incident, recorded: Recorded, payload: ev.TaskAdded) -> Incident:
    task = Task(
        payload.task,
        payload.text,
        payload.owner,
        recorded.occurred_at,
        recorded.actor,
        payload.due_at,
        payload.kind,
    )
    return replace(incident, tasks={**incident.tasks, payload.task: task})


@RULES.changed(ev.TaskAssigned)
@touching
def _task_assigned(incident: Incident, _: Recorded, payload: ev.TaskAssigned) -> Incident:
    task = replace(incident.tasks[payload.task], owner=payload.owner)
    return replace(incident, tasks={**incident.tasks, payload.task: task})


@RULES.changed(ev.TaskEnded)
@touching
def _task_ended(incident: Incident, recorded: Recorded, payload: ev.TaskEnded) -> Incident:
    task = incident.tasks[payload.task]
    if not task.open:
        return incident
    ended = replace(task, outcome=payload.outcome, result=payload.result, ended_at=recorded.occurred_at)
    return replace(incident, tasks={**incident.tasks, payload.task: ended})


@RULES.changed(ev.DecisionRecorded)
@touching
def _decision_recorded(incident: Incident, recorded: Recorded, payload: ev.DecisionRecorded) -> Incident:
    decision = Decision(
        payload.decision,
        recorded.occurred_at,
        recorded.actor,
        payload.choice,
        payload.reason,
        payload.options,
        payload.objections,
        payload.expected,
        payload.check_at,
    )
    return replace(incident, decisions={**incident.decisions, payload.decision: decision})


@RULES.changed(ev.DecisionObserved)
@touching
def _decision_observed(incident: Incident, recorded: Recorded, payload: ev.DecisionObserved) -> Incident:
    known = incident.decisions[payload.decision]
    decision = replace(known, observed=payload.observed, observed_at=recorded.occurred_at)
    return replace(incident, decisions={**incident.decisions, payload.decision: decision})


@RULES.changed(ev.PagerLinked)
@touching
def _pager_linked(incident: Incident, recorded: Recorded, payload: ev.PagerLinked) -> Incident:
    link = PagerLink(
        payload.pager_id,
        payload.key,
        payload.adopted,
        payload.url,
        payload.policy,
        payload.level,
        changed_at=recorded.occurred_at,
    )
    return replace(incident, pages={**incident.pages, payload.pager_id: link})


@RULES.changed(ev.PagerChanged)
@touching
def _pager_changed(incident: Incident, recorded: Recorded, payload: ev.PagerChanged) -> Incident:
    link = replace(
        incident.pages[payload.pager_id],
        policy=payload.policy or incident.pages[payload.pager_id].policy,
        status=payload.status,
        by=payload.by,
        level=payload.level,
        assigned_to=payload.assigned_to,
        changed_at=recorded.occurred_at,
        silent_since=None,
    )
    return replace(incident, pages={**incident.pages, payload.pager_id: link})


@RULES.changed(ev.PagerSilent)
@touching
def _pager_silent(incident: Incident, _: Recorded, payload: ev.PagerSilent) -> Incident:
    pages = {
        name: replace(link, silent_since=payload.since) if link.pages else link for name, link in incident.pages.items()
    }
    return replace(incident, pages=pages)


@RULES.changed(ev.IncidentMerged)
@touching
def _merged(incident: Incident, recorded: Recorded, payload: ev.IncidentMerged) -> Incident:
    times = {IncidentState.MERGED.value: recorded.occurred_at, **incident.times}
    ended = replace(incident, state=IncidentState.MERGED, merged_into=payload.into, times=times)
    return replace(ended, merged_label=payload.label, escalate_at=None, update_due=None)


@RULES.changed(ev.IncidentMergedIn)
@touching
def _merged_in(incident: Incident, _: Recorded, payload: ev.IncidentMergedIn) -> Incident:
    known = {alert.fingerprint for alert in incident.alerts}
    new = tuple(alert for alert in payload.alerts if alert.fingerprint not in known)
    return replace(incident, alerts=incident.alerts + new, merged=(*incident.merged, payload.source))
