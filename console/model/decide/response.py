"""The rules of the response: status updates, times, impact, tasks, decisions, corrections."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decide.find import find, find_open, on
from console.model.incident import QUIET, TIMES, Incident, IncidentState
from console.model.response import Task
from console.model.state import State

TASK_KINDS = ("task", "detect", "prevent", "mitigate", "process")
"""A task of the response, or an action item for after it."""

_LATER = ("declared", "acknowledged", "mitigated", "resolved", "closed")
"""Times of what somebody does here: they are corrected, once they are there, and not made up before."""


def post_update(state: State, command: cmd.PostUpdate, context: Context) -> list[Batch]:
    """Conditions, Actions, Needs: one of them must say something. The next one is promised with it."""
    incident = find_open(state, command.incident)
    parts = [part.strip() for part in (command.conditions, command.actions, command.needs)]
    if not any(parts):
        raise Refusal("the update is empty: say something of the conditions, the actions or the needs")
    asked = incident.state not in QUIET and incident.state is not IncidentState.TRIAGE
    due = context.update_due(incident.severity) if asked else None
    if command.next_in is not None:
        if command.next_in <= timedelta(0):
            raise Refusal("the next update is due later than now")
        due = context.now + command.next_in
    return on(incident, ev.UpdatePosted(parts[0], parts[1], parts[2], due))


def set_time(state: State, command: cmd.SetTime, context: Context) -> list[Batch]:
    """Of an incident that is open or not. The order of `TIMES` is kept; what stands is changed with a reason."""
    incident = find(state, command.incident)
    if command.name not in TIMES:
        raise Refusal(f"{command.name!r} is no time of an incident; expected one of {', '.join(TIMES)}")
    if command.at > context.now:
        raise Refusal(f"{command.at:%H:%M:%S}Z lies in the future")
    standing = incident.times.get(command.name)
    reason = command.reason.strip()
    if standing is None and command.name in _LATER and not _skipped(incident, command.name):
        raise Refusal(f"{incident.label} is not {command.name} yet")
    if standing == command.at and (command.name in incident.estimated) == command.estimated:
        raise Refusal(f"{command.name} is {_clock(command.at)} already")
    if standing is not None and standing != command.at:
        reason = required(reason, "the reason")
    _in_order(incident, command.name, command.at)
    return on(incident, ev.TimeSet(command.name, command.at, command.estimated, reason))


def _skipped(incident: Incident, name: str) -> bool:
    """Whether a later time is known: the state was passed over, and its time can be said afterwards."""
    return any(later in incident.times for later in TIMES[TIMES.index(name) + 1 :])


def _in_order(incident: Incident, name: str, at: datetime) -> None:
    place = TIMES.index(name)
    for number, other in enumerate(TIMES):
        when = incident.times.get(other)
        if when is None or number == place:
            continue
        if (when > at) if number < place else (when < at):
            order = "before" if number < place else "after"
            raise Refusal(f"{name} at {_clock(at)} would lie {order} {other} at {_clock(when)}")


def _clock(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}Z"


def record_impact(state: State, command: cmd.RecordImpact, _: Context) -> list[Batch]:
    """A number, what it counts, and where it comes from."""
    incident = find(state, command.incident)
    what, number = required(command.what, "what it counts"), required(command.value, "the number")
    return on(incident, ev.ImpactRecorded(what, number, command.evidence.strip()))


def add_task(state: State, command: cmd.AddTask, context: Context) -> list[Batch]:
    """For an open incident; action items also for one that has ended."""
    if command.kind not in TASK_KINDS:
        raise Refusal(f"{command.kind!r} is no kind of task; expected one of {', '.join(TASK_KINDS)}")
    incident = (find_open if command.kind == "task" else find)(state, command.incident)
    if command.due_at is not None and command.due_at <= context.now:
        raise Refusal(f"{_clock(command.due_at)} has passed")
    text, task = required(command.text, "the task"), f"T{len(incident.tasks) + 1}"
    return on(incident, ev.TaskAdded(task, text, command.owner.strip(), command.due_at, command.kind))


def _open_task(state: State, incident_id: str, task_id: str) -> tuple[Incident, Task]:
    incident = find(state, incident_id)
    task = incident.tasks.get(task_id)
    if task is None:
        raise Refusal(f"{incident.label} has no task {task_id}")
    if task.ended_at is not None:
        raise Refusal(f"{task.id} was {task.outcome} at {task.ended_at:%H:%M:%S}Z")
    return incident, task


def assign_task(state: State, command: cmd.AssignTask, _: Context) -> list[Batch]:
    """To somebody else than the one who has it."""
    incident, task = _open_task(state, command.incident, command.task)
    owner = required(command.owner, "the owner")
    if task.owner == owner:
        raise Refusal(f"{owner} has {task.id} already")
    return on(incident, ev.TaskAssigned(task.id, owner))


def end_task(state: State, command: cmd.EndTask, _: Context) -> list[Batch]:
    """Done, or dropped with the reason."""
    incident, task = _open_task(state, command.incident, command.task)
    if command.outcome not in ("done", "dropped"):
        raise Refusal(f"{command.outcome!r} is no outcome; expected done or dropped")
    result = command.result.strip()
    if command.outcome == "dropped":
        result = required(result, "the reason")
    return on(incident, ev.TaskEnded(task.id, command.outcome, result))


def record_decision(state: State, command: cmd.RecordDecision, context: Context) -> list[Batch]:
    """The choice and its reason, with what it should bring and when somebody looks whether it did."""
    incident = find(state, command.incident)
    if command.check_at is not None and command.check_at <= context.now:
        raise Refusal(f"{_clock(command.check_at)} has passed")
    decided = ev.DecisionRecorded(
        f"D{len(incident.decisions) + 1}",
        required(command.choice, "the choice"),
        required(command.reason, "the reason"),
        tuple(option.strip() for option in command.options if option.strip()),
        command.objections.strip(),
        command.expected.strip(),
        command.check_at,
    )
    return on(incident, decided)


def observe_decision(state: State, command: cmd.ObserveDecision, _: Context) -> list[Batch]:
    """What came of it, once."""
    incident = find(state, command.incident)
    decision = incident.decisions.get(command.decision)
    if decision is None:
        raise Refusal(f"{incident.label} has no decision {command.decision}")
    if decision.observed_at is not None:
        raise Refusal(f"what came of {decision.id} was noted at {decision.observed_at:%H:%M:%S}Z: {decision.observed}")
    return on(incident, ev.DecisionObserved(decision.id, required(command.observed, "what was observed")))


def correct(state: State, command: cmd.Correct, context: Context) -> list[Batch]:
    """What an event should have said. That it is one of this incident's, the engine has looked up in its stream."""
    incident = find(state, command.incident)
    event_id, text = required(command.event_id, "the event"), command.text.strip()
    if not text and command.occurred_at is None:
        raise Refusal("the correction is empty: say what the event should have said, or when it happened")
    if command.occurred_at is not None and command.occurred_at > context.now:
        raise Refusal(f"{command.occurred_at:%H:%M:%S}Z lies in the future")
    return on(incident, ev.Corrected(event_id, text, command.occurred_at, command.reason.strip()))
