"""Events in words: one sentence for each kind. The timeline, the exports and the handoff read the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.model import events as ev
from console.model.escalation import Reach
from console.model.events import Recorded
from console.view.line import Tone
from console.view.response_events import WRITERS, Writer, because, late, names
from console.view.times import clock

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


def describe(event: Recorded, steps: StepNames) -> tuple[Tone, str]:
    """What happened, and how loud to say it. A kind that this program does not know is shown as such."""
    payload = event.payload
    writer = _WRITERS.get(type(payload))
    if writer is None:
        return Tone.UNKNOWN, f"unknown event {event.kind} version {event.kind_version}"
    step = getattr(payload, "step", "")
    title = steps.get((event.stream, step), step) if isinstance(step, str) else ""
    return writer(payload, title)


def _declared(p: ev.IncidentDeclared, _: str) -> tuple[Tone, str]:
    alerts = f", from {_names(p.alerts)}" if p.alerts else ""
    return Tone.STRONG, f"declared {p.severity}: {p.title}{alerts}"


def _state(p: ev.IncidentStateChanged, _: str) -> tuple[Tone, str]:
    return Tone.STRONG, f"state: {p.state}{because(p.reason)}"


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
    return tone, f"effect {p.outcome}{because(p.detail)}"


def _handoff(p: ev.HandoffOffered, _: str) -> tuple[Tone, str]:
    return Tone.STRONG, f"offered the shift to {p.to}, {len(p.items)} items, from {p.anchor}"


def _answered(p: ev.HandoffItemAnswered, _: str) -> tuple[Tone, str]:
    return (Tone.NORMAL if p.answer == "accepted" else Tone.WARNING), f"item {p.item} {p.answer}{because(p.read_back)}"


def _merged(p: ev.SpoolMerged, _: str) -> tuple[Tone, str]:
    lost = f", {len(p.skipped)} could not be read" if p.skipped else ""
    return Tone.WARNING, f"{p.events} events of {p.console} merged from the spool{lost}"


def _acknowledge_overdue(p: ev.AcknowledgeOverdue, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"NOT ACKNOWLEDGED by {clock(p.due_at, seconds=True)}{late(p.late_seconds)}"


def _step_overdue(p: ev.StepOverdue, title: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"step {title}: OVERDUE since {clock(p.due_at, seconds=True)}{late(p.late_seconds)}"


def reached(people: tuple[Reach, ...]) -> str:
    """Who is reached, and how: `bob by phone, slack; carol NO WAY TO REACH`."""
    return "; ".join(
        f"{item.person} by {', '.join(way for way, _ in item.ways)}" if item.ways else f"{item.person} NO WAY TO REACH"
        for item in people
    )


def _escalated(p: ev.IncidentEscalated, _: str) -> tuple[Tone, str]:
    why = because(p.reason) + late(p.late_seconds)
    if p.pager or p.via:
        who = f" by PagerDuty's policy {p.pager}" if p.pager else ""
        return Tone.WARNING, f"escalated to level {p.level}{who}{f' in {p.via}' if p.via else ''}{why}"
    if not any(reach.ways for reach in p.people):
        return Tone.ALARM, f"escalated to level {p.level}, {p.role}: NOBODY ON CALL{_because(reached(p.people))}{why}"
    return Tone.WARNING, f"escalated to level {p.level}, {p.role}: {reached(p.people)}{why}"


def _updated(p: ev.UpdatePosted, _: str) -> tuple[Tone, str]:
    parts = [f"{name}: {text}" for name, text in zip("CAN", (p.conditions, p.actions, p.needs), strict=True) if text]
    due = f" (next by {clock(p.next_due)})" if p.next_due else ""
    return Tone.STRONG, f"update: {'; '.join(parts)}{due}"


def _update_overdue(p: ev.UpdateOverdue, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"STATUS UPDATE OVERDUE since {clock(p.due_at, seconds=True)}{late(p.late_seconds)}"


def _time_set(p: ev.TimeSet, _: str) -> tuple[Tone, str]:
    about = " (estimated)" if p.estimated else ""
    return Tone.NORMAL, f"time: {p.name.replace('_', ' ')} at {stamp(p.at)}{about}{because(p.reason)}"


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
    return Tone.NORMAL, f"{p.name} judged {p.verdict}{because(p.note)}"


def _intended(p: ev.ChangeIntended, _: str) -> tuple[Tone, str]:
    until = f", until {stamp(p.expires_at)}" if p.expires_at else ""
    return Tone.WARNING, f"temporary change on {p.target}: {p.what}{until}"


def _extended(p: ev.ChangeExtended, _: str) -> tuple[Tone, str]:
    return Tone.OK, f"temporary change extended until {stamp(p.expires_at)}{because(p.answer)}"


_ACTS: Mapping[Act, str] = {Act.STATUS_UPDATE: "status update", Act.RESPOND: "responder request", Act.POST: "message"}


def _queued(p: ev.DeliveryQueued, _: str) -> tuple[Tone, str]:
    return Tone.DIM, f"to {p.channel}: {_ACTS.get(p.act, p.act.value)}: {p.message.title}"


def _sent(p: ev.DeliverySent, _: str) -> tuple[Tone, str]:
    tries = f" (attempt {p.attempts})" if p.attempts > 1 else ""
    return Tone.OK, f"sent{tries}{because(p.receipt)}"


def _given_up(p: ev.DeliveryFailed, _: str) -> tuple[Tone, str]:
    tries = f" after {p.attempts} attempts" if p.attempts > 1 else ""
    return Tone.ALARM, f"NOT SENT, given up{tries}: {p.error}"


def _on_call(p: ev.OnCallChanged, _: str) -> tuple[Tone, str]:
    who = "; ".join(f"{item.policy} {item.level}: {item.person}" for item in p.on_calls)
    return (Tone.NORMAL if p.on_calls else Tone.WARNING), f"on call: {who or 'NOBODY'}"


def _phase(p: ev.PhaseObserved, _: str) -> tuple[Tone, str]:
    was = f" (was {p.before:g} %)" if p.before is not None else ""
    return Tone.STRONG, f"rollout at {p.percent:g} %{was}, seen by {p.source}"


_WRITERS: Mapping[type[Any], Writer] = {
    **WRITERS,
    ev.IncidentDeclared: _declared,
    ev.IncidentAcknowledged: lambda p, t: (Tone.STRONG, f"acknowledged{_by(p)}"),
    ev.IncidentUnacknowledged: lambda p, t: (Tone.WARNING, f"NOT acknowledged any more{_by(p)}{_because(p.reason)}"),
    ev.AcknowledgeOverdue: _acknowledge_overdue,
    ev.IncidentStateChanged: _state,
    ev.SeverityChanged: lambda p, t: (Tone.STRONG, f"severity: {p.severity}{because(p.reason)}"),
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
    ev.TaskEnded: lambda p, t: (Tone.NORMAL, f"task {p.task} {p.outcome}{because(p.result)}"),
    ev.DecisionRecorded: _decided,
    ev.DecisionObserved: lambda p, t: (Tone.NORMAL, f"decision {p.decision} came out: {p.observed}"),
    ev.IncidentMerged: lambda p, t: (Tone.STRONG, f"merged into another incident: {p.reason}"),
    ev.IncidentMergedIn: lambda p, t: (Tone.STRONG, f"{p.label} goes on here"),
    ev.PagerLinked: _pager_linked,
    ev.PagerChanged: _pager_changed,
    ev.Corrected: _corrected,
    ev.AlertAcknowledged: lambda p, t: (Tone.STRONG, f"{p.alert.name} acknowledged{_by(p)}"),
    ev.AlertUnacknowledged: lambda p, t: (Tone.WARNING, f"alert given back{_by(p)}{because(p.reason)}"),
    ev.AlertJudged: _judged,
    ev.ChangeIntended: _intended,
    ev.ChangeMade: lambda p, t: (Tone.OK, f"temporary change in force{because(p.answer)}"),
    ev.ChangeRefused: lambda p, t: (Tone.CRITICAL, f"temporary change not made{because(p.answer)}"),
    ev.ExtendIntended: lambda p, t: (Tone.WARNING, f"to be extended until {stamp(p.expires_at)}"),
    ev.ExtendRefused: lambda p, t: (Tone.CRITICAL, f"temporary change not extended{because(p.answer)}"),
    ev.ChangeExtended: _extended,
    ev.UndoIntended: lambda p, t: (Tone.WARNING, f"to be undone{because(p.reason)}"),
    ev.UndoRefused: lambda p, t: (Tone.CRITICAL, f"temporary change NOT undone{because(p.answer)}"),
    ev.ChangeUndone: lambda p, t: (Tone.OK, f"temporary change undone{because(p.answer)}"),
    ev.ChangeTied: lambda p, t: (Tone.NORMAL, "temporary change belongs to another incident now"),
    ev.ChangeHandedOver: lambda p, t: (Tone.WARNING, f"temporary change handed over to {p.to}: {p.reason}"),
    ev.DeliveryQueued: _queued,
    ev.DeliveryFailing: lambda p, t: (Tone.CRITICAL, f"NOT SENT, tried again: {p.error}"),
    ev.DeliverySent: _sent,
    ev.DeliveryFailed: _given_up,
    ev.ChannelProven: lambda p, t: (Tone.OK, f"channel proven{because(p.evidence)}"),
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
    ev.RunFinished: lambda p, t: (Tone.STRONG, f"run {p.outcome}{because(p.reason)}"),
    ev.EffectIntended: lambda p, t: (Tone.WARNING, f"about to act: {p.kind} {p.target}: {p.detail}"),
    ev.EffectFinished: _effect_finished,
    ev.ShiftBegan: lambda p, t: (Tone.STRONG, f"shift of {p.operator} began"),
    ev.ShiftEnded: lambda p, t: (Tone.STRONG, f"shift ended{because(p.reason)}"),
    ev.WatchItemAdded: lambda p, t: (Tone.NORMAL, f"watch {p.item}: {p.text}"),
    ev.WatchItemClosed: lambda p, t: (Tone.NORMAL, f"watch {p.item} closed{because(p.reason)}"),
    ev.HandoffOffered: _handoff,
    ev.HandoffItemAnswered: _answered,
    ev.HandoffAccepted: lambda p, t: (Tone.STRONG, f"handoff accepted{because(p.shared_login)}"),
    ev.HandoffWithdrawn: lambda p, t: (Tone.WARNING, f"handoff withdrawn{because(p.reason)}"),
    ev.LeaseTaken: lambda p, t: (Tone.NORMAL, f"engine runs in {p.holder}"),
    ev.LeaseReleased: lambda p, t: (Tone.NORMAL, f"engine stopped in {p.holder}"),
    ev.SpoolMerged: _merged,
    ev.DrillStarted: lambda p, t: (Tone.STRONG, f"drill {p.scenario} started"),
    ev.DrillFinished: lambda p, t: (Tone.STRONG, f"drill {p.outcome} after {p.minutes:.1f} min"),
}
