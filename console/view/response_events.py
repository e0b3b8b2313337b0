"""The response in words: incidents, alerts, temporary changes, deliveries, PagerDuty and the rollout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from console.model import events as ev
from console.model.alert import AlertRef
from console.model.escalation import Reach
from console.model.message import Act
from console.view.line import Tone
from console.view.times import clock, span_of, stamp

Writer = Callable[[Any, str], tuple[Tone, str]]
"""(payload, title of the step that it is about) to how loud and what to say."""

NAMES_SHOWN = 5


def because(text: str) -> str:
    """`: text`, or nothing."""
    return f": {text}" if text else ""


def late(seconds: float) -> str:
    """That something fired later than it was due, when no engine was running."""
    return f" (noticed {span_of(timedelta(seconds=seconds), seconds=True)} late)" if seconds else ""


def names(alerts: tuple[AlertRef, ...]) -> str:
    """The first alerts by name, and how many more."""
    more = f" and {len(alerts) - NAMES_SHOWN} more" if len(alerts) > NAMES_SHOWN else ""
    return ", ".join(alert.name for alert in alerts[:NAMES_SHOWN]) + more


def reached(people: tuple[Reach, ...]) -> str:
    """Whom a level names, and how they can be reached: `bob reachable by phone, slack; carol NO WAY TO REACH`. What was
    sent to them is the outbox's to say."""
    return "; ".join(
        f"{item.person} {f'reachable by {ways}' if ways else 'NO WAY TO REACH'}"
        for item in people
        for ways in [", ".join(way for way, _ in item.ways)]
    )


def _in(via: str) -> str:
    return f" in {via}" if via else ""


def _by(person: str) -> str:
    return f" by {person}" if person else ""


def _aside(text: str) -> str:
    return f" ({text})" if text else ""


# -- incidents --------------------------------------------------------------------------------------------------------


def _opened(p: ev.IncidentOpened, _: str) -> tuple[Tone, str]:
    alerts = f", from {names(p.alerts)}" if p.alerts else ""
    return Tone.STRONG, f"in triage, {p.severity} proposed: {p.title}{alerts}"


def _escalated(p: ev.IncidentEscalated, _: str) -> tuple[Tone, str]:
    head = f"escalated to level {p.level}{_aside(p.role)}{_in(p.via)}"
    tail = because(p.reason) + late(p.late_seconds)
    if p.pager or p.via:
        who = f": PagerDuty pages {reached(p.people) or 'somebody'} by policy {p.pager}" if p.pager else ""
        return Tone.WARNING, f"{head}{who}{tail}"
    if not any(item.ways for item in p.people):
        return Tone.ALARM, f"{head}: NOBODY ON CALL{because(reached(p.people))}{tail}"
    return Tone.WARNING, f"{head}: {reached(p.people)}{tail}"


def _reassigned(p: ev.PageReassigned, _: str) -> tuple[Tone, str]:
    return Tone.WARNING, f"page reassigned to {', '.join(item.person for item in p.people)}{because(p.reason)}"


def _update(p: ev.UpdatePosted, _: str) -> tuple[Tone, str]:
    parts = (("conditions", p.conditions), ("actions", p.actions), ("needs", p.needs))
    due = f" (next by {clock(p.next_due)})" if p.next_due else ""
    return Tone.STRONG, f"update: {'; '.join(f'{name}: {text}' for name, text in parts if text)}{due}"


def _update_overdue(p: ev.UpdateOverdue, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"STATUS UPDATE OVERDUE since {clock(p.due_at, seconds=True)}{late(p.late_seconds)}"


def _time_set(p: ev.TimeSet, _: str) -> tuple[Tone, str]:
    guess = ", estimated" if p.estimated else ""
    return Tone.NORMAL, f"time: {p.name.replace('_', ' ')} {stamp(p.at)}{guess}{because(p.reason)}"


def _impact(p: ev.ImpactRecorded, _: str) -> tuple[Tone, str]:
    return Tone.NORMAL, f"impact: {p.what}: {p.value}{_aside(p.evidence)}"


def _evidence(p: ev.EvidenceTaken, _: str) -> tuple[Tone, str]:
    known = sum(1 for reading in p.readings if reading.value is not None)
    return Tone.DIM, f"evidence when {p.moment}: {known} of {len(p.readings)} readings known"


def _task_added(p: ev.TaskAdded, _: str) -> tuple[Tone, str]:
    kind = "task" if p.kind == "task" else f"action item to {p.kind}"
    due = f", due {stamp(p.due_at)}" if p.due_at else ""
    return Tone.NORMAL, f"{kind} {p.task}: {p.text} ({p.owner or 'nobody has it'}{due})"


def _task_ended(p: ev.TaskEnded, _: str) -> tuple[Tone, str]:
    return (Tone.OK if p.outcome == "done" else Tone.WARNING), f"task {p.task} {p.outcome}{because(p.result)}"


def _decided(p: ev.DecisionRecorded, _: str) -> tuple[Tone, str]:
    parts = [f"decision {p.decision}: {p.choice}: {p.reason}"]
    parts += [f"among {', '.join(p.options)}"] if p.options else []
    parts += [f"objections: {p.objections}"] if p.objections else []
    parts += [f"expected: {p.expected}"] if p.expected else []
    parts += [f"to be checked at {stamp(p.check_at)}"] if p.check_at else []
    return Tone.STRONG, "; ".join(parts)


def _pager_linked(p: ev.PagerLinked, _: str) -> tuple[Tone, str]:
    how = "it paged already" if p.adopted else "opened from here"
    return Tone.NORMAL, f"PagerDuty {p.pager_id} pages for it ({how}{f', policy {p.policy}' if p.policy else ''})"


def _pager_changed(p: ev.PagerChanged, _: str) -> tuple[Tone, str]:
    level = f", level {p.level}" if p.level else ""
    to = f", assigned to {', '.join(p.assigned_to)}" if p.assigned_to else ""
    return Tone.NORMAL, f"PagerDuty {p.pager_id}: {p.status}{_by(p.by)}{level}{to}"


def _pager_silent(p: ev.PagerSilent, _: str) -> tuple[Tone, str]:
    text = f"PagerDuty SILENT since {clock(p.since, seconds=True)}: its page is no evidence any more, our clock tells"
    return Tone.ALARM, f"{text}{late(p.late_seconds)}"


def corrected(p: ev.Corrected) -> str:
    """What an earlier event should have said, without saying which."""
    at = f"it happened at {stamp(p.occurred_at)}" if p.occurred_at else ""
    return f"{'; '.join(filter(None, (p.text, at)))}{_aside(p.reason)}"


def _judged(p: ev.AlertJudged, _: str) -> tuple[Tone, str]:
    return Tone.NORMAL, f"{p.name}: judged {p.verdict}{because(p.note)}"


# -- temporary changes and deliveries ---------------------------------------------------------------------------------


def _change_intended(p: ev.ChangeIntended, _: str) -> tuple[Tone, str]:
    until = f", until {stamp(p.expires_at)}" if p.expires_at else ""
    return Tone.WARNING, f"temporary change, about to: {p.kind} on {p.target}: {p.what}{until}"


_ACTS: Mapping[Act, str] = {Act.STATUS_UPDATE: "status update", Act.RESPOND: "ask to join", Act.POST: "message"}


def _queued(p: ev.DeliveryQueued, _: str) -> tuple[Tone, str]:
    return Tone.DIM, f"to {p.channel}, {act_word(p.act)}: {p.message.title}"


def act_word(act: Act) -> str:
    """What a delivery does, as people say it."""
    return _ACTS.get(act, act.value)


def _given_up(p: ev.DeliveryFailed, _: str) -> tuple[Tone, str]:
    if not p.attempts:
        return Tone.DIM, f"not needed any more{because(p.error)}"
    tries = f" after {p.attempts} attempts" if p.attempts > 1 else ""
    return Tone.ALARM, f"NOT SENT, given up{tries}{because(p.error)}"


def _on_call(p: ev.OnCallChanged, _: str) -> tuple[Tone, str]:
    who = "; ".join(f"{item.policy} level {item.level}: {item.person}" for item in p.on_calls)
    return (Tone.NORMAL if who else Tone.WARNING), f"on call: {who or 'NOBODY'}"


def _phase(p: ev.PhaseObserved, _: str) -> tuple[Tone, str]:
    was = f" (was {p.before:g} %)" if p.before is not None else ""
    return Tone.STRONG, f"rollout: {p.percent:g} % of the traffic{was}, seen by {p.source}"


WRITERS: Mapping[type[Any], Writer] = {
    ev.IncidentOpened: _opened,
    ev.IncidentAcknowledged: lambda p, t: (Tone.STRONG, f"acknowledged{_by(p.by)}{_in(p.via)}"),
    ev.IncidentUnacknowledged: lambda p, t: (Tone.WARNING, f"NOT acknowledged any more{_in(p.via)}{because(p.reason)}"),
    ev.IncidentEscalated: _escalated,
    ev.PageReassigned: _reassigned,
    ev.UpdatePosted: _update,
    ev.UpdateOverdue: _update_overdue,
    ev.TimeSet: _time_set,
    ev.ImpactRecorded: _impact,
    ev.EvidenceTaken: _evidence,
    ev.TaskAdded: _task_added,
    ev.TaskAssigned: lambda p, t: (Tone.NORMAL, f"task {p.task}: {p.owner} has it"),
    ev.TaskEnded: _task_ended,
    ev.DecisionRecorded: _decided,
    ev.DecisionObserved: lambda p, t: (Tone.NORMAL, f"what came of decision {p.decision}: {p.observed}"),
    ev.IncidentMerged: lambda p, t: (Tone.STRONG, f"merged into {p.label or 'another incident'}{because(p.reason)}"),
    ev.IncidentMergedIn: lambda p, t: (Tone.STRONG, f"{p.label} goes on here"),
    ev.PagerLinked: _pager_linked,
    ev.PagerChanged: _pager_changed,
    ev.PagerSilent: _pager_silent,
    ev.Corrected: lambda p, t: (Tone.WARNING, f"correction: {corrected(p)}"),
    ev.AlertAcknowledged: lambda p, t: (Tone.STRONG, f"{p.alert.name}: acknowledged{_by(p.by)}{_in(p.via)}"),
    ev.AlertUnacknowledged: lambda p, t: (Tone.WARNING, f"alert given back{_in(p.via)}{because(p.reason)}"),
    ev.AlertJudged: _judged,
    ev.ChangeIntended: _change_intended,
    ev.ChangeMade: lambda p, t: (Tone.STRONG, f"change made{because(p.answer)}"),
    ev.ChangeRefused: lambda p, t: (Tone.CRITICAL, f"change NOT made{because(p.answer)}"),
    ev.ExtendIntended: lambda p, t: (Tone.WARNING, f"change about to be extended to {stamp(p.expires_at)}"),
    ev.ExtendRefused: lambda p, t: (Tone.CRITICAL, f"change NOT extended{because(p.answer)}"),
    ev.ChangeExtended: lambda p, t: (Tone.STRONG, f"change extended to {stamp(p.expires_at)}{because(p.answer)}"),
    ev.UndoIntended: lambda p, t: (Tone.WARNING, f"change about to be undone{because(p.reason)}"),
    ev.UndoRefused: lambda p, t: (Tone.CRITICAL, f"change NOT undone{because(p.answer)}"),
    ev.ChangeUndone: lambda p, t: (Tone.STRONG, f"change undone{because(p.answer)}"),
    ev.ChangeTied: lambda p, t: (Tone.DIM, "change belongs to another incident now"),
    ev.ChangeHandedOver: lambda p, t: (Tone.STRONG, f"change: {p.to} owes the undoing{because(p.reason)}"),
    ev.DeliveryQueued: _queued,
    ev.DeliveryFailing: lambda p, t: (Tone.CRITICAL, f"NOT SENT yet{because(p.error)}"),
    ev.DeliverySent: lambda p, t: (Tone.OK, f"sent{because(p.receipt)}"),
    ev.DeliveryFailed: _given_up,
    ev.ChannelProven: lambda p, t: (Tone.OK, f"channel proven{because(p.evidence)}"),
    ev.ChannelTestFailed: lambda p, t: (Tone.CRITICAL, f"channel test FAILED{because(p.error)}"),
    ev.OnCallChanged: _on_call,
    ev.PhaseObserved: _phase,
}
"""One sentence for each kind of the response's events."""
