"""Events in words: one sentence for each kind. The timeline, the exports and the handoff read the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from console.model import events as ev
from console.model.events import Recorded
from console.view.line import Tone
from console.view.response_events import WRITERS, Writer, because, late, names
from console.view.rollout_events import WRITERS as ROLLOUT_WRITERS
from console.view.run_events import WRITERS as RUN_WRITERS
from console.view.step_acts import came_out
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
    alerts = f", from {names(p.alerts)}" if p.alerts else ""
    return Tone.STRONG, f"declared {p.severity}: {p.title}{alerts}"


def _state(p: ev.IncidentStateChanged, _: str) -> tuple[Tone, str]:
    return Tone.STRONG, f"state: {p.state}{because(p.reason)}"


def _effect_finished(p: ev.EffectFinished, _: str) -> tuple[Tone, str]:
    tone = {"done": Tone.OK, "refused": Tone.CRITICAL}.get(p.outcome, Tone.UNKNOWN)
    return tone, f"effect {came_out(p.outcome, p.detail, p.digest)}{because(p.detail)}"


def _handoff(p: ev.HandoffOffered, _: str) -> tuple[Tone, str]:
    return Tone.STRONG, f"offered the shift to {p.to}, {len(p.items)} items, from {p.anchor}"


def _answered(p: ev.HandoffItemAnswered, _: str) -> tuple[Tone, str]:
    return (Tone.NORMAL if p.answer == "accepted" else Tone.WARNING), f"item {p.item} {p.answer}{because(p.read_back)}"


def _stepped(p: ev.ClockStepped, _: str) -> tuple[Tone, str]:
    length = span_of(timedelta(seconds=abs(p.seconds)), seconds=True)
    return Tone.WARNING, f"the clock was set {'forward' if p.seconds > 0 else 'back'} by {length}, or the machine slept"


def _merged(p: ev.SpoolMerged, _: str) -> tuple[Tone, str]:
    lost = f", {len(p.skipped)} could not be read" if p.skipped else ""
    return Tone.WARNING, f"{p.events} events of {p.console} merged from the spool{lost}"


def _captured(p: ev.BaselineCaptured, _: str) -> tuple[Tone, str]:
    days = span_of(p.end - p.begin)
    return Tone.NORMAL, f"baseline {p.name} captured of {p.target}: {p.slis} SLIs over {days}, {p.hash[:12]}"


def _acknowledge_overdue(p: ev.AcknowledgeOverdue, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"NOT ACKNOWLEDGED by {clock(p.due_at, seconds=True)}{late(p.late_seconds)}"


_WRITERS: Mapping[type[Any], Writer] = {
    **WRITERS,
    ev.IncidentDeclared: _declared,
    ev.AcknowledgeOverdue: _acknowledge_overdue,
    ev.IncidentStateChanged: _state,
    ev.SeverityChanged: lambda p, t: (Tone.STRONG, f"severity: {p.severity}{because(p.reason)}"),
    ev.AlertsLinked: lambda p, t: (Tone.NORMAL, f"linked {names(p.alerts)}"),
    ev.RoleAssigned: lambda p, t: (Tone.NORMAL, f"{p.role}: {p.person}"),
    ev.NoteAdded: lambda p, t: (Tone.ACCENT, f"note{f' on {t}' if t else ''}: {p.text}"),
    **RUN_WRITERS,
    **ROLLOUT_WRITERS,
    ev.EffectIntended: lambda p, t: (Tone.WARNING, f"about to act: {p.kind} {p.target}: {p.detail}"),
    ev.EffectFinished: _effect_finished,
    ev.BaselineCaptured: _captured,
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
    ev.ClockStepped: _stepped,
    ev.SpoolMerged: _merged,
    ev.DrillStarted: lambda p, t: (Tone.STRONG, f"drill {p.scenario} started"),
    ev.DrillFinished: lambda p, t: (Tone.STRONG, f"drill {p.outcome} after {p.minutes:.1f} min"),
}
