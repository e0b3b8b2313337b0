"""Events in words: one sentence for each kind. The timeline, the exports and the handoff read the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from console.model import events as ev
from console.model.escalation import Reach
from console.model.events import Recorded
from console.view.line import Tone
from console.view.times import clock, span_of

StepNames = Mapping[tuple[str, str], str]
"""(stream, step id) to the step's title."""


def step_names(events: list[Recorded]) -> dict[tuple[str, str], str]:
    """The titles of all steps of the runs that start among these events."""
    return {
        (item.stream, step.id): step.title
        for item in events
        if isinstance(item.payload, ev.RunStarted)
        for step in item.payload.playbook.steps
    }


def describe(event: Recorded, names: StepNames) -> tuple[Tone, str]:
    """What happened, and how loud to say it. A kind that this program does not know is shown as such."""
    payload = event.payload
    writer = _WRITERS.get(type(payload))
    if writer is None:
        return Tone.UNKNOWN, f"unknown event {event.kind} version {event.kind_version}"
    step = getattr(payload, "step", "")
    title = names.get((event.stream, step), step) if isinstance(step, str) else ""
    return writer(payload, title)


def _because(text: str) -> str:
    return f": {text}" if text else ""


def _by(p: Any) -> str:
    """Who did it, when it was not the actor, and in which other system."""
    return (f" by {p.by}" if getattr(p, "by", "") else "") + (f" in {p.via}" if p.via else "")


def _names(alerts: tuple[Any, ...], most: int = 5) -> str:
    more = f" and {len(alerts) - most} more" if len(alerts) > most else ""
    return ", ".join(alert.name for alert in alerts[:most]) + more


def _late(seconds: float) -> str:
    return f" (noticed {span_of(timedelta(seconds=seconds), seconds=True)} late)" if seconds else ""


def _declared(p: ev.IncidentDeclared, _: str) -> tuple[Tone, str]:
    alerts = f", from {_names(p.alerts)}" if p.alerts else ""
    return Tone.STRONG, f"declared {p.severity}: {p.title}{alerts}"


def _state(p: ev.IncidentStateChanged, _: str) -> tuple[Tone, str]:
    return Tone.STRONG, f"state: {p.state}{_because(p.reason)}"


def _run_started(p: ev.RunStarted, _: str) -> tuple[Tone, str]:
    return Tone.STRONG, f"started playbook {p.playbook.title} against {p.target}"


def _step_started(p: ev.StepStarted, title: str) -> tuple[Tone, str]:
    again = f", attempt {p.attempt}" if p.attempt > 1 else ""
    due = f", due {clock(p.deadline, seconds=True)}" if p.deadline else ""
    return Tone.NORMAL, f"step {title}: started{again} ({p.owner}{due})"


def _step_completed(p: ev.StepCompleted, title: str) -> tuple[Tone, str]:
    parts = [f"step {title}: done: {p.observed}"]
    if p.option:
        parts.append(f"chose {p.option}")
    if p.confirmed:
        parts.append(f"confirmed by typing {p.confirmed}")
    if p.evidence:
        parts.append(p.evidence)
    if p.override:
        parts.append(f"CLOSED WITHOUT PROOF: {p.override}")
    return (Tone.WARNING if p.override else Tone.OK), "; ".join(parts)


def _effect_finished(p: ev.EffectFinished, _: str) -> tuple[Tone, str]:
    tone = {"done": Tone.OK, "refused": Tone.CRITICAL}.get(p.outcome, Tone.UNKNOWN)
    return tone, f"effect {p.outcome}{_because(p.detail)}"


def _handoff(p: ev.HandoffOffered, _: str) -> tuple[Tone, str]:
    return Tone.STRONG, f"offered the shift to {p.to}, {len(p.items)} items, from {p.anchor}"


def _answered(p: ev.HandoffItemAnswered, _: str) -> tuple[Tone, str]:
    return (Tone.NORMAL if p.answer == "accepted" else Tone.WARNING), f"item {p.item} {p.answer}{_because(p.read_back)}"


def _merged(p: ev.SpoolMerged, _: str) -> tuple[Tone, str]:
    lost = f", {len(p.skipped)} could not be read" if p.skipped else ""
    return Tone.WARNING, f"{p.events} events of {p.console} merged from the spool{lost}"


def _acknowledge_overdue(p: ev.AcknowledgeOverdue, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"NOT ACKNOWLEDGED by {clock(p.due_at, seconds=True)}{_late(p.late_seconds)}"


def _step_overdue(p: ev.StepOverdue, title: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"step {title}: OVERDUE since {clock(p.due_at, seconds=True)}{_late(p.late_seconds)}"


def _acknowledged(p: ev.IncidentAcknowledged | ev.AlertAcknowledged, _: str) -> tuple[Tone, str]:
    return Tone.STRONG, f"acknowledged{f' by {p.by}' if p.by else ''}{_in(p.via)}"


def _unacknowledged(p: ev.IncidentUnacknowledged | ev.AlertUnacknowledged, _: str) -> tuple[Tone, str]:
    return Tone.WARNING, f"NOT acknowledged any more{_in(p.via)}{_because(p.reason)}"


def _in(via: str) -> str:
    return f" in {via}" if via else ""


def reached(people: tuple[Reach, ...]) -> str:
    """Who is reached, and how: `bob by phone, slack; carol NO WAY TO REACH`."""
    return "; ".join(
        f"{item.person} by {', '.join(way for way, _ in item.ways)}" if item.ways else f"{item.person} NO WAY TO REACH"
        for item in people
    )


def _escalated(p: ev.IncidentEscalated, _: str) -> tuple[Tone, str]:
    head = f"escalated to level {p.level}{f' ({p.role})' if p.role else ''}{_in(p.via)}"
    if p.pager:
        names = ", ".join(item.person for item in p.people)
        return Tone.WARNING, f"{head}: PagerDuty pages {names or 'somebody'} by policy {p.pager}{_because(p.reason)}"
    if not any(item.ways for item in p.people):
        return Tone.ALARM, f"{head}: NOBODY ON CALL{_because(reached(p.people))}{_because(p.reason)}"
    return Tone.WARNING, f"{head}: {reached(p.people)}{_because(p.reason)}{_late(p.late_seconds)}"


def _update(p: ev.UpdatePosted, _: str) -> tuple[Tone, str]:
    parts = (("conditions", p.conditions), ("actions", p.actions), ("needs", p.needs))
    said = "; ".join(f"{name}: {text}" for name, text in parts if text)
    due = f" (next by {clock(p.next_due)})" if p.next_due else ""
    return Tone.ACCENT, f"update: {said}{due}"


def _update_overdue(p: ev.UpdateOverdue, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"STATUS UPDATE OVERDUE since {clock(p.due_at, seconds=True)}{_late(p.late_seconds)}"


def _time_set(p: ev.TimeSet, _: str) -> tuple[Tone, str]:
    guess = " (estimated)" if p.estimated else ""
    return Tone.NORMAL, f"time {p.name}: {clock(p.at, seconds=True)}{guess}{_because(p.reason)}"


def _impact(p: ev.ImpactRecorded, _: str) -> tuple[Tone, str]:
    return Tone.NORMAL, f"impact: {p.what}: {p.value}{f' ({p.evidence})' if p.evidence else ''}"


def _task_added(p: ev.TaskAdded, _: str) -> tuple[Tone, str]:
    owner = f" ({p.owner})" if p.owner else " (nobody's yet)"
    due = f", due {clock(p.due_at)}" if p.due_at else ""
    kind = "task" if p.kind == "task" else f"action item to {p.kind}"
    return Tone.NORMAL, f"{kind} {p.task}: {p.text}{owner}{due}"


def _task_ended(p: ev.TaskEnded, _: str) -> tuple[Tone, str]:
    return (Tone.OK if p.outcome == "done" else Tone.WARNING), f"task {p.task} {p.outcome}{_because(p.result)}"


def _decided(p: ev.DecisionRecorded, _: str) -> tuple[Tone, str]:
    parts = [f"decision {p.decision}: {p.choice}: {p.reason}"]
    parts += [f"among {', '.join(p.options)}"] if p.options else []
    parts += [f"objections: {p.objections}"] if p.objections else []
    parts += [f"expected: {p.expected}"] if p.expected else []
    parts += [f"to be checked at {clock(p.check_at)}"] if p.check_at else []
    return Tone.STRONG, "; ".join(parts)


def _pager_changed(p: ev.PagerChanged, _: str) -> tuple[Tone, str]:
    by = f" by {p.by}" if p.by else ""
    to = f", assigned to {', '.join(p.assigned_to)}" if p.assigned_to else ""
    return Tone.NORMAL, f"PagerDuty {p.pager_id}: {p.status}{by}, level {p.level}{to}"


def _pager_linked(p: ev.PagerLinked, _: str) -> tuple[Tone, str]:
    how = "adopted: it paged already" if p.adopted else "opened from here"
    return Tone.NORMAL, f"PagerDuty {p.pager_id} pages for it ({how}{f', policy {p.policy}' if p.policy else ''})"


def _corrected(p: ev.Corrected, _: str) -> tuple[Tone, str]:
    at = f"it happened at {clock(p.occurred_at, seconds=True)}" if p.occurred_at else ""
    return Tone.WARNING, f"CORRECTED: {'; '.join(filter(None, (p.text, at)))}{f' ({p.reason})' if p.reason else ''}"


def _change_intended(p: ev.ChangeIntended, _: str) -> tuple[Tone, str]:
    return Tone.WARNING, f"temporary change, about to: {p.kind} on {p.target}: {p.what}"


def _extended(p: ev.ExtendIntended | ev.ChangeExtended, _: str) -> tuple[Tone, str]:
    asked = isinstance(p, ev.ExtendIntended)
    return Tone.NORMAL, f"change {'about to be extended' if asked else 'extended'} to {clock(p.expires_at)}"


def _queued(p: ev.DeliveryQueued, _: str) -> tuple[Tone, str]:
    return Tone.DIM, f"to {p.channel}: {p.act}: {p.message.title}"


def _escalated(p: ev.IncidentEscalated, _: str) -> tuple[Tone, str]:
    why = _because(p.reason) + _late(p.late_seconds)
    if p.pager or p.via:
        who = f" by PagerDuty's policy {p.pager}" if p.pager else ""
        return Tone.WARNING, f"escalated to level {p.level}{who}{f' in {p.via}' if p.via else ''}{why}"
    told = "; ".join(
        reach.person
        + (f" ({', '.join(f'{way} {address}' for way, address in reach.ways)})" if reach.ways else " (NO WAY)")
        for reach in p.people
    )
    if not any(reach.ways for reach in p.people):
        known = f": no way to reach {', '.join(reach.person for reach in p.people)}" if p.people else " is on call"
        return Tone.ALARM, f"escalated to level {p.level}, {p.role}: NOBODY{known}{why}"
    return Tone.WARNING, f"escalated to level {p.level}, {p.role}: told {told}{why}"


def _updated(p: ev.UpdatePosted, _: str) -> tuple[Tone, str]:
    parts = [f"{name}: {text}" for name, text in zip("CAN", (p.conditions, p.actions, p.needs), strict=True) if text]
    due = f" (next by {clock(p.next_due)})" if p.next_due else ""
    return Tone.STRONG, f"update: {'; '.join(parts)}{due}"


def _update_overdue(p: ev.UpdateOverdue, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"STATUS UPDATE OVERDUE since {clock(p.due_at, seconds=True)}{_late(p.late_seconds)}"


def _time_set(p: ev.TimeSet, _: str) -> tuple[Tone, str]:
    about = " (estimated)" if p.estimated else ""
    return Tone.NORMAL, f"time: {p.name.replace('_', ' ')} at {stamp(p.at)}{about}{_because(p.reason)}"


def _impact(p: ev.ImpactRecorded, _: str) -> tuple[Tone, str]:
    return Tone.NORMAL, f"impact: {p.what}: {p.value}" + (f" ({p.evidence})" if p.evidence else "")


def _evidence(p: ev.EvidenceTaken, _: str) -> tuple[Tone, str]:
    known = sum(1 for reading in p.readings if reading.value is not None)
    return Tone.DIM, f"evidence at {p.moment}: {known} of {len(p.readings)} readings known"


def _task_added(p: ev.TaskAdded, _: str) -> tuple[Tone, str]:
    what = "task" if p.kind == "task" else f"action item ({p.kind})"
    due = f", due {stamp(p.due_at)}" if p.due_at else ""
    return Tone.NORMAL, f"{what} {p.task}: {p.text} ({p.owner or 'nobody has it'}{due})"


def _decided(p: ev.DecisionRecorded, _: str) -> tuple[Tone, str]:
    parts = [f"decision {p.decision}: {p.choice}: {p.reason}"]
    if p.options:
        parts.append(f"options: {', '.join(p.options)}")
    if p.objections:
        parts.append(f"objections: {p.objections}")
    if p.expected:
        parts.append(f"expected: {p.expected}")
    if p.check_at:
        parts.append(f"to be checked at {stamp(p.check_at)}")
    return Tone.STRONG, "; ".join(parts)


def _pager_linked(p: ev.PagerLinked, _: str) -> tuple[Tone, str]:
    whose = "adopted, opened before" if p.adopted else "opened for it"
    policy = f", escalated there by {p.policy}" if p.policy else ""
    return Tone.NORMAL, f"PagerDuty {p.pager_id} ({whose}{policy})"


def _pager_changed(p: ev.PagerChanged, _: str) -> tuple[Tone, str]:
    level = f", level {p.level}" if p.level else ""
    assigned = f", assigned to {', '.join(p.assigned_to)}" if p.assigned_to else ""
    return Tone.NORMAL, f"PagerDuty {p.pager_id}: {p.status}{f' by {p.by}' if p.by else ''}{level}{assigned}"


def _corrected(p: ev.Corrected, _: str) -> tuple[Tone, str]:
    parts = [f"{p.text}"] if p.text else []
    if p.occurred_at:
        parts.append(f"it happened at {stamp(p.occurred_at)}")
    why = f" ({p.reason})" if p.reason else ""
    return Tone.WARNING, f"correction of {p.event_id[:8]}: {'; '.join(parts)}{why}"


def _judged(p: ev.AlertJudged, _: str) -> tuple[Tone, str]:
    return Tone.NORMAL, f"{p.name} judged {p.verdict}{_because(p.note)}"


def _intended(p: ev.ChangeIntended, _: str) -> tuple[Tone, str]:
    until = f", until {stamp(p.expires_at)}" if p.expires_at else ""
    return Tone.WARNING, f"temporary change on {p.target}: {p.what}{until}"


def _extended(p: ev.ChangeExtended, _: str) -> tuple[Tone, str]:
    return Tone.OK, f"temporary change extended until {stamp(p.expires_at)}{_because(p.answer)}"


_ACTS: Mapping[Act, str] = {Act.STATUS_UPDATE: "status update", Act.RESPOND: "responder request", Act.POST: "message"}


def _queued(p: ev.DeliveryQueued, _: str) -> tuple[Tone, str]:
    return Tone.DIM, f"to {p.channel}: {_ACTS.get(p.act, p.act.value)}: {p.message.title}"


def _sent(p: ev.DeliverySent, _: str) -> tuple[Tone, str]:
    tries = f" (attempt {p.attempts})" if p.attempts > 1 else ""
    return Tone.OK, f"sent{tries}{_because(p.receipt)}"


def _given_up(p: ev.DeliveryFailed, _: str) -> tuple[Tone, str]:
    tries = f" after {p.attempts} attempts" if p.attempts > 1 else ""
    return Tone.ALARM, f"NOT SENT, given up{tries}: {p.error}"


def _on_call(p: ev.OnCallChanged, _: str) -> tuple[Tone, str]:
    who = "; ".join(f"{item.policy} {item.level}: {item.person}" for item in p.on_calls)
    return (Tone.NORMAL if p.on_calls else Tone.WARNING), f"on call: {who or 'NOBODY'}"


def _phase(p: ev.PhaseObserved, _: str) -> tuple[Tone, str]:
    was = f" (was {p.before:g} %)" if p.before is not None else ""
    return Tone.STRONG, f"rollout at {p.percent:g} %{was}, seen by {p.source}"


_WRITERS: Mapping[type[Any], Callable[[Any, str], tuple[Tone, str]]] = {
    ev.IncidentDeclared: _declared,
    ev.IncidentAcknowledged: _acknowledged,
    ev.IncidentUnacknowledged: _unacknowledged,
    ev.IncidentEscalated: _escalated,
    ev.UpdatePosted: _update,
    ev.UpdateOverdue: _update_overdue,
    ev.TimeSet: _time_set,
    ev.ImpactRecorded: _impact,
    ev.EvidenceTaken: lambda p, t: (Tone.DIM, f"evidence when {p.moment}: {len(p.readings)} readings"),
    ev.TaskAdded: _task_added,
    ev.TaskAssigned: lambda p, t: (Tone.NORMAL, f"task {p.task}: {p.owner} has it"),
    ev.TaskEnded: _task_ended,
    ev.DecisionRecorded: _decided,
    ev.DecisionObserved: lambda p, t: (Tone.NORMAL, f"decision {p.decision} came out: {p.observed}"),
    ev.IncidentMerged: lambda p, t: (Tone.STRONG, f"merged into another incident{_because(p.reason)}"),
    ev.IncidentMergedIn: lambda p, t: (Tone.STRONG, f"{p.label} goes on here"),
    ev.PagerLinked: _pager_linked,
    ev.PagerChanged: _pager_changed,
    ev.OnCallChanged: lambda p, t: (Tone.DIM, f"PagerDuty's on-calls changed, {len(p.on_calls)} entries"),
    ev.PhaseObserved: lambda p, t: (Tone.STRONG, f"rollout at {p.percent:g} % ({p.source})"),
    ev.Corrected: _corrected,
    ev.AlertAcknowledged: _acknowledged,
    ev.AlertUnacknowledged: _unacknowledged,
    ev.AlertJudged: lambda p, t: (Tone.NORMAL, f"verdict: {p.verdict}{_because(p.note)}"),
    ev.ChangeIntended: _change_intended,
    ev.ChangeMade: lambda p, t: (Tone.STRONG, f"change in force{_because(p.answer)}"),
    ev.ChangeRefused: lambda p, t: (Tone.CRITICAL, f"change refused{_because(p.answer)}"),
    ev.ExtendIntended: _extended,
    ev.ChangeExtended: _extended,
    ev.ExtendRefused: lambda p, t: (Tone.CRITICAL, f"change not extended{_because(p.answer)}"),
    ev.UndoIntended: lambda p, t: (Tone.WARNING, f"change about to be undone{_because(p.reason)}"),
    ev.UndoRefused: lambda p, t: (Tone.CRITICAL, f"change NOT undone{_because(p.answer)}"),
    ev.ChangeUndone: lambda p, t: (Tone.STRONG, f"change undone{_because(p.answer)}"),
    ev.ChangeHandedOver: lambda p, t: (Tone.STRONG, f"change: {p.to} owes the undoing{_because(p.reason)}"),
    ev.ChangeTied: lambda p, t: (Tone.DIM, "change belongs to another incident now"),
    ev.DeliveryQueued: _queued,
    ev.DeliveryFailing: lambda p, t: (Tone.CRITICAL, f"NOT SENT yet{_because(p.error)}"),
    ev.DeliverySent: lambda p, t: (Tone.OK, f"sent{_because(p.receipt)}"),
    ev.DeliveryFailed: lambda p, t: (Tone.CRITICAL, f"NOT SENT, given up{_because(p.error)}"),
    ev.ChannelProven: lambda p, t: (Tone.OK, f"channel proven{_because(p.evidence)}"),
    ev.ChannelTestFailed: lambda p, t: (Tone.CRITICAL, f"channel test FAILED{_because(p.error)}"),
    ev.AcknowledgeOverdue: _acknowledge_overdue,
    ev.IncidentStateChanged: _state,
    ev.SeverityChanged: lambda p, t: (Tone.STRONG, f"severity: {p.severity}{_because(p.reason)}"),
    ev.AlertsLinked: lambda p, t: (Tone.NORMAL, f"linked {_names(p.alerts)}"),
    ev.RoleAssigned: lambda p, t: (Tone.NORMAL, f"{p.role}: {p.person}"),
    ev.NoteAdded: lambda p, t: (Tone.ACCENT, f"note{f' on {t}' if t else ''}: {p.text}"),
    ev.IncidentEscalated: _escalated,
    ev.UpdatePosted: _updated,
    ev.UpdateOverdue: _update_overdue,
    ev.TimeSet: _time_set,
    ev.ImpactRecorded: _impact,
    ev.EvidenceTaken: _evidence,
    ev.TaskAdded: _task_added,
    ev.TaskAssigned: lambda p, t: (Tone.NORMAL, f"task {p.task}: {p.owner} has it"),
    ev.TaskEnded: lambda p, t: (Tone.NORMAL, f"task {p.task} {p.outcome}{_because(p.result)}"),
    ev.DecisionRecorded: _decided,
    ev.DecisionObserved: lambda p, t: (Tone.NORMAL, f"decision {p.decision} came out: {p.observed}"),
    ev.IncidentMerged: lambda p, t: (Tone.STRONG, f"merged into another incident: {p.reason}"),
    ev.IncidentMergedIn: lambda p, t: (Tone.STRONG, f"{p.label} goes on here"),
    ev.PagerLinked: _pager_linked,
    ev.PagerChanged: _pager_changed,
    ev.Corrected: _corrected,
    ev.AlertAcknowledged: lambda p, t: (Tone.STRONG, f"{p.alert.name} acknowledged{_by(p)}"),
    ev.AlertUnacknowledged: lambda p, t: (Tone.WARNING, f"alert given back{_by(p)}{_because(p.reason)}"),
    ev.AlertJudged: _judged,
    ev.ChangeIntended: _intended,
    ev.ChangeMade: lambda p, t: (Tone.OK, f"temporary change in force{_because(p.answer)}"),
    ev.ChangeRefused: lambda p, t: (Tone.CRITICAL, f"temporary change not made{_because(p.answer)}"),
    ev.ExtendIntended: lambda p, t: (Tone.WARNING, f"to be extended until {stamp(p.expires_at)}"),
    ev.ExtendRefused: lambda p, t: (Tone.CRITICAL, f"temporary change not extended{_because(p.answer)}"),
    ev.ChangeExtended: _extended,
    ev.UndoIntended: lambda p, t: (Tone.WARNING, f"to be undone{_because(p.reason)}"),
    ev.UndoRefused: lambda p, t: (Tone.CRITICAL, f"temporary change NOT undone{_because(p.answer)}"),
    ev.ChangeUndone: lambda p, t: (Tone.OK, f"temporary change undone{_because(p.answer)}"),
    ev.ChangeTied: lambda p, t: (Tone.NORMAL, "temporary change belongs to another incident now"),
    ev.ChangeHandedOver: lambda p, t: (Tone.WARNING, f"temporary change handed over to {p.to}: {p.reason}"),
    ev.DeliveryQueued: _queued,
    ev.DeliveryFailing: lambda p, t: (Tone.CRITICAL, f"NOT SENT, tried again: {p.error}"),
    ev.DeliverySent: _sent,
    ev.DeliveryFailed: _given_up,
    ev.ChannelProven: lambda p, t: (Tone.OK, f"channel proven{_because(p.evidence)}"),
    ev.ChannelTestFailed: lambda p, t: (Tone.CRITICAL, f"channel test FAILED: {p.error}"),
    ev.OnCallChanged: _on_call,
    ev.PhaseObserved: _phase,
    ev.RunStarted: _run_started,
    ev.StepStarted: _step_started,
    ev.StepCompleted: _step_completed,
    ev.StepFailed: lambda p, t: (Tone.CRITICAL, f"step {t}: FAILED: {p.reason}"),
    ev.StepSkipped: lambda p, t: (Tone.WARNING, f"step {t}: skipped: {p.reason}"),
    ev.StepExpired: lambda p, t: (Tone.WARNING, f"step {t}: ended by decision: {p.reason} (left: {p.observed})"),
    ev.StepOverdue: _step_overdue,
    ev.RunFinished: lambda p, t: (Tone.STRONG, f"run {p.outcome}{_because(p.reason)}"),
    ev.EffectIntended: lambda p, t: (Tone.WARNING, f"about to act: {p.kind} {p.target}: {p.detail}"),
    ev.EffectFinished: _effect_finished,
    ev.ShiftBegan: lambda p, t: (Tone.STRONG, f"shift of {p.operator} began"),
    ev.ShiftEnded: lambda p, t: (Tone.STRONG, f"shift ended{_because(p.reason)}"),
    ev.WatchItemAdded: lambda p, t: (Tone.NORMAL, f"watch {p.item}: {p.text}"),
    ev.WatchItemClosed: lambda p, t: (Tone.NORMAL, f"watch {p.item} closed{_because(p.reason)}"),
    ev.HandoffOffered: _handoff,
    ev.HandoffItemAnswered: _answered,
    ev.HandoffAccepted: lambda p, t: (Tone.STRONG, f"handoff accepted{_because(p.shared_login)}"),
    ev.HandoffWithdrawn: lambda p, t: (Tone.WARNING, f"handoff withdrawn{_because(p.reason)}"),
    ev.LeaseTaken: lambda p, t: (Tone.NORMAL, f"engine runs in {p.holder}"),
    ev.LeaseReleased: lambda p, t: (Tone.NORMAL, f"engine stopped in {p.holder}"),
    ev.SpoolMerged: _merged,
    ev.DrillStarted: lambda p, t: (Tone.STRONG, f"drill {p.scenario} started"),
    ev.DrillFinished: lambda p, t: (Tone.STRONG, f"drill {p.outcome} after {p.minutes:.1f} min"),
}
