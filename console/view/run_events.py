"""What the events of playbook runs say, as sentences of the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.model import events as ev
from console.view.line import Tone
from console.view.response_events import Writer, because, late
from console.view.times import clock


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
    if p.break_glass:
        parts.append(f"BREAK-GLASS: {p.break_glass}")
    return (Tone.WARNING if p.override or p.break_glass else Tone.OK), "; ".join(parts)


def _step_overdue(p: ev.StepOverdue, title: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"step {title}: OVERDUE since {clock(p.due_at, seconds=True)}{late(p.late_seconds)}"


def _again(p: ev.StepFailed) -> str:
    return f"; tried again at {clock(p.retry_at, seconds=True)}" if p.retry_at else ""


def _asked(p: ev.StepAsked, title: str) -> tuple[Tone, str]:
    typed = f", confirmed with {p.confirmed!r}" if p.confirmed else ""
    glass = f"; BREAK-GLASS: {p.break_glass}" if p.break_glass else ""
    return (Tone.ALARM if glass else Tone.NORMAL), f"step {title}: asked the console to carry it out{typed}{glass}"


def _taken(p: ev.StepTaken, title: str) -> tuple[Tone, str]:
    until = clock(p.until, seconds=True)
    return (Tone.WARNING if p.reason else Tone.DIM), f"step {title}: taken until {until}{because(p.reason)}"


WRITERS: Mapping[type[Any], Writer] = {
    ev.RunStarted: _run_started,
    ev.StepStarted: _step_started,
    ev.StepCompleted: _step_completed,
    ev.StepFailed: lambda p, t: (Tone.CRITICAL, f"step {t}: FAILED: {p.reason}" + _again(p)),
    ev.StepSkipped: lambda p, t: (
        Tone.WARNING,
        f"step {t}: skipped: {p.reason}" + (f"; BREAK-GLASS: {p.break_glass}" if p.break_glass else ""),
    ),
    ev.StepExpired: lambda p, t: (Tone.WARNING, f"step {t}: ended by decision: {p.reason} (left: {p.observed})"),
    ev.StepOverdue: _step_overdue,
    ev.RunFinished: lambda p, t: (Tone.STRONG, f"run {p.outcome}{because(p.reason)}"),
    ev.StepAsked: _asked,
    ev.StepTaken: _taken,
    ev.StepConfirmed: lambda p, t: (Tone.STRONG, f"step {t}: read back by a second person: {p.read_back}"),
    ev.RunHeld: lambda p, t: (Tone.WARNING, f"run on HOLD{because(p.reason)}"),
    ev.RunResumed: lambda p, t: (Tone.STRONG, f"run resumed{because(p.reason)}"),
    ev.PlaybookTrusted: lambda p, t: (
        Tone.WARNING,
        f"trusted the programs of {p.name}{because(p.reason)}",
    ),
}
