"""State is a fold over events: `apply` takes one recorded event and replaces what it changed.

The values in a `State` are immutable; only its dictionaries change, so a Board may keep the values of an older moment.
An event that does not fit (a spooled one that was overtaken, an unknown kind) changes as little as possible and never
raises: the record is the truth, and it holds whatever happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from console.model import events as ev
from console.model.events import Recorded
from console.model.incident import Incident, IncidentState
from console.model.playbook import SETTLED, Effect, Run, RunStatus, StepRun, StepStatus
from console.model.shift import Answer, Handoff, Shift, WatchItem

FOLD_VERSION = 2
"""Grows when the meaning of the fold changes: older snapshots are then rebuilt."""


@dataclass(slots=True)
class State:
    """Everything the record says, by id. `seq` is the last recorded event folded in."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    shifts: dict[str, Shift] = field(default_factory=dict)
    handoffs: dict[str, Handoff] = field(default_factory=dict)
    seq: int = 0

    @property
    def shift(self) -> Shift | None:
        """The open shift, the newest when there are several."""
        return next((shift for shift in reversed(self.shifts.values()) if shift.ended_at is None), None)

    def place(self, stream: str) -> tuple[dict[str, Any] | None, str]:
        """The table that a stream's events are folded into (None: nothing of it is kept), and the id in it."""
        folder, _, entity = stream.partition(":")
        tables: dict[str, dict[str, Any]] = {
            "incident": self.incidents,
            "run": self.runs,
            "shift": self.shifts,
            "handoff": self.handoffs,
        }
        return tables.get(folder), entity

    def copy(self) -> State:
        """A State that later events do not change."""
        return State(dict(self.incidents), dict(self.runs), dict(self.shifts), dict(self.handoffs), self.seq)

    def runs_of(self, incident_id: str) -> tuple[Run, ...]:
        """The runs of an incident, in the order they were started."""
        return tuple(run for run in self.runs.values() if run.incident == incident_id)


def apply(state: State, recorded: Recorded) -> None:
    """Folds one event in."""
    state.seq = max(state.seq, recorded.seq)
    handler = _HANDLERS.get(type(recorded.payload))
    table, entity = state.place(recorded.stream)
    if handler is not None and table is not None:
        _fold_into(table, entity, handler, recorded)


def _fold_into(table: dict[str, Any], entity: str, handler: Callable[..., Any], recorded: Recorded) -> None:
    before = table.get(entity)
    creating = handler in _CREATORS
    if creating is (before is not None):
        return  # A second birth, or an event of something this journal never saw born.
    try:
        after = handler(recorded, recorded.payload) if creating else handler(before, recorded, recorded.payload)
    except (KeyError, ValueError):
        return  # A state or a step that this program does not know: the record keeps it, and the timeline shows it.
    changes: dict[str, Any] = {"version": max(recorded.version, after.version)}
    if not recorded.saved and hasattr(after, "unsaved"):
        changes["unsaved"] = True
    table[entity] = replace(after, **changes)


# -- incidents --------------------------------------------------------------------------------------------------------


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


def _incident(
    change: Callable[[Incident, Recorded, Any], Incident],
) -> Callable[[Incident, Recorded, Any], Incident]:
    def fold(incident: Incident, recorded: Recorded, payload: Any) -> Incident:
        return replace(change(incident, recorded, payload), last_event_at=recorded.occurred_at)

    return fold


@_incident
def _acknowledged(incident: Incident, recorded: Recorded, _: ev.IncidentAcknowledged) -> Incident:
    if incident.acknowledged_at is not None:
        return incident
    roles = {"incident commander": recorded.actor.name, **incident.roles}
    return replace(incident, acknowledged_at=recorded.occurred_at, acknowledged_by=recorded.actor, roles=roles)


@_incident
def _acknowledge_overdue(incident: Incident, _: Recorded, __: ev.AcknowledgeOverdue) -> Incident:
    return replace(incident, acknowledge_overdue=True)


@_incident
def _state_changed(incident: Incident, recorded: Recorded, payload: ev.IncidentStateChanged) -> Incident:
    times = {**incident.times}
    times.setdefault(payload.state, recorded.occurred_at)
    return replace(incident, state=IncidentState(payload.state), times=times)


@_incident
def _severity_changed(incident: Incident, _: Recorded, payload: ev.SeverityChanged) -> Incident:
    return replace(
        incident, severity=payload.severity, acknowledge_by=payload.acknowledge_by or incident.acknowledge_by
    )


@_incident
def _alerts_linked(incident: Incident, _: Recorded, payload: ev.AlertsLinked) -> Incident:
    known = {alert.fingerprint for alert in incident.alerts}
    new = tuple(alert for alert in payload.alerts if alert.fingerprint not in known)
    return replace(incident, alerts=incident.alerts + new)


@_incident
def _role_assigned(incident: Incident, _: Recorded, payload: ev.RoleAssigned) -> Incident:
    return replace(incident, roles={**incident.roles, payload.role: payload.person})


def _note(subject: Any, recorded: Recorded, payload: ev.NoteAdded) -> Any:
    if isinstance(subject, Incident):
        return replace(subject, notes=subject.notes + 1, last_event_at=recorded.recorded_at)
    if isinstance(subject, Shift):
        return replace(subject, notes=(*subject.notes, (recorded.occurred_at, recorded.actor.name, payload.text)))
    return subject


# -- runs -------------------------------------------------------------------------------------------------------------


def _run_started(recorded: Recorded, payload: ev.RunStarted) -> Run:
    return Run(
        id=recorded.stream.partition(":")[2],
        number=recorded.seq,
        version=recorded.version,
        incident=payload.incident,
        playbook=payload.playbook,
        playbook_hash=payload.playbook_hash,
        target=payload.target,
        started_at=recorded.occurred_at,
        mode=recorded.mode,
        steps={step.id: StepRun(step.id) for step in payload.playbook.steps},
    )


def _with_step(run: Run, step_id: str, **changes: Any) -> Run:
    return replace(run, steps={**run.steps, step_id: replace(run.steps[step_id], **changes)})


def _step_started(run: Run, recorded: Recorded, payload: ev.StepStarted) -> Run:
    steps = dict(run.steps)
    for step in run.playbook.steps:
        if step.id == payload.step:
            break
        if steps[step.id].status is StepStatus.PENDING:
            steps[step.id] = replace(steps[step.id], status=StepStatus.PASSED_OVER)
    steps[payload.step] = StepRun(
        payload.step,
        StepStatus.ACTIVE,
        payload.attempt,
        payload.owner,
        started_at=recorded.occurred_at,
        deadline=payload.deadline,
    )
    return replace(run, steps=steps)


def _ended(run: Run, recorded: Recorded, step_id: str, status: StepStatus, **changes: Any) -> Run:
    if run.steps[step_id].status in SETTLED:
        return run  # The first outcome of a step stands; the record keeps both.
    return _with_step(run, step_id, status=status, ended_at=recorded.occurred_at, by=recorded.actor, **changes)


def _step_completed(run: Run, recorded: Recorded, payload: ev.StepCompleted) -> Run:
    return _ended(
        run,
        recorded,
        payload.step,
        StepStatus.DONE,
        observed=payload.observed,
        option=payload.option,
        evidence=payload.evidence,
        override=payload.override,
    )


def _step_failed(run: Run, recorded: Recorded, payload: ev.StepFailed) -> Run:
    return _ended(run, recorded, payload.step, StepStatus.FAILED, reason=payload.reason)


def _step_skipped(run: Run, recorded: Recorded, payload: ev.StepSkipped) -> Run:
    return _ended(run, recorded, payload.step, StepStatus.SKIPPED, reason=payload.reason)


def _step_expired(run: Run, recorded: Recorded, payload: ev.StepExpired) -> Run:
    return _ended(run, recorded, payload.step, StepStatus.EXPIRED, observed=payload.observed, reason=payload.reason)


def _step_overdue(run: Run, _: Recorded, payload: ev.StepOverdue) -> Run:
    return _with_step(run, payload.step, overdue_fired=True)


def _run_finished(run: Run, recorded: Recorded, payload: ev.RunFinished) -> Run:
    steps = {
        step_id: replace(step, status=StepStatus.PASSED_OVER) if step.status is StepStatus.PENDING else step
        for step_id, step in run.steps.items()
    }
    return replace(
        run,
        steps=steps,
        status=RunStatus(payload.outcome),
        ended_at=recorded.occurred_at,
        reason=payload.reason,
        next_run=payload.next_run,
    )


def _effect_intended(run: Run, _: Recorded, payload: ev.EffectIntended) -> Run:
    effect = Effect(payload.effect, payload.kind, payload.target, payload.detail, payload.step)
    return replace(run, effects=(*run.effects, effect))


def _effect_finished(run: Run, _: Recorded, payload: ev.EffectFinished) -> Run:
    effects = tuple(
        replace(effect, outcome=payload.outcome, answer=payload.detail) if effect.id == payload.effect else effect
        for effect in run.effects
    )
    return replace(run, effects=effects)


# -- shifts and handoffs ----------------------------------------------------------------------------------------------


def _shift_began(recorded: Recorded, payload: ev.ShiftBegan) -> Shift:
    return Shift(
        recorded.stream.partition(":")[2],
        recorded.seq,
        recorded.version,
        payload.operator,
        recorded.occurred_at,
        payload.previous,
    )


def _shift_ended(shift: Shift, recorded: Recorded, payload: ev.ShiftEnded) -> Shift:
    return replace(shift, ended_at=recorded.occurred_at, next_shift=payload.next_shift)


def _watch_added(shift: Shift, recorded: Recorded, payload: ev.WatchItemAdded) -> Shift:
    item = WatchItem(payload.item, payload.text, recorded.occurred_at, recorded.actor, payload.until)
    return replace(shift, watch={**shift.watch, payload.item: item})


def _watch_closed(shift: Shift, recorded: Recorded, payload: ev.WatchItemClosed) -> Shift:
    item = shift.watch.get(payload.item)
    if item is None:
        return shift
    closed = replace(item, closed_at=recorded.occurred_at, reason=payload.reason)
    return replace(shift, watch={**shift.watch, payload.item: closed})


def _handoff_offered(recorded: Recorded, payload: ev.HandoffOffered) -> Handoff:
    return Handoff(
        id=recorded.stream.partition(":")[2],
        number=recorded.seq,
        version=recorded.version,
        shift=payload.shift,
        offered_by=recorded.actor,
        to=payload.to,
        offered_at=recorded.occurred_at,
        items=payload.items,
        anchor=payload.anchor,
        summary=payload.summary,
    )


def _item_answered(handoff: Handoff, recorded: Recorded, payload: ev.HandoffItemAnswered) -> Handoff:
    answer = Answer(payload.answer, payload.read_back, recorded.actor, recorded.occurred_at)
    return replace(handoff, answers={**handoff.answers, payload.item: answer})


def _handoff_accepted(handoff: Handoff, recorded: Recorded, payload: ev.HandoffAccepted) -> Handoff:
    return replace(
        handoff,
        accepted_at=recorded.occurred_at,
        accepted_by=recorded.actor,
        shared_login=payload.shared_login,
    )


def _handoff_withdrawn(handoff: Handoff, _: Recorded, payload: ev.HandoffWithdrawn) -> Handoff:
    return replace(handoff, withdrawn=payload.reason)


_CREATORS: frozenset[Callable[..., Any]] = frozenset({_declared, _run_started, _shift_began, _handoff_offered})
_HANDLERS: dict[type[Any], Callable[..., Any]] = {
    ev.IncidentDeclared: _declared,
    ev.IncidentAcknowledged: _acknowledged,
    ev.AcknowledgeOverdue: _acknowledge_overdue,
    ev.IncidentStateChanged: _state_changed,
    ev.SeverityChanged: _severity_changed,
    ev.AlertsLinked: _alerts_linked,
    ev.RoleAssigned: _role_assigned,
    ev.NoteAdded: _note,
    ev.RunStarted: _run_started,
    ev.StepStarted: _step_started,
    ev.StepCompleted: _step_completed,
    ev.StepFailed: _step_failed,
    ev.StepSkipped: _step_skipped,
    ev.StepExpired: _step_expired,
    ev.StepOverdue: _step_overdue,
    ev.RunFinished: _run_finished,
    ev.EffectIntended: _effect_intended,
    ev.EffectFinished: _effect_finished,
    ev.ShiftBegan: _shift_began,
    ev.ShiftEnded: _shift_ended,
    ev.WatchItemAdded: _watch_added,
    ev.WatchItemClosed: _watch_closed,
    ev.HandoffOffered: _handoff_offered,
    ev.HandoffItemAnswered: _item_answered,
    ev.HandoffAccepted: _handoff_accepted,
    ev.HandoffWithdrawn: _handoff_withdrawn,
}
