"""What a rollback drill came to: each step's time against its timebox, and the whole against its objective.

It was practised on a simulation, and says so wherever it is shown: none of its figures is a measured rollback.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.events import DrillStarted
from console.model.playbook import Step
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.reports.render import render
from console.reports.timeline import day
from console.reports.values import Json, instant, number

SIMULATED = "SIMULATED: a drill on a simulated service; none of these times is a measured rollback"

WITHIN, LATE, NOT_DONE = "within", "over", "not done"


def document(run: Run, drill: DrillStarted, now: datetime, anchor: str) -> Json:
    """The drill as data. `now` is when it was left, for a run that did not end."""
    ended = run.ended_at or now
    total = ended - run.started_at
    return {
        "mode": "drill",
        "simulated": SIMULATED,
        "scenario": drill.scenario,
        "speed": number(drill.speed),
        "run": run.label,
        "playbook": run.playbook.name,
        "playbook_hash": run.playbook_hash,
        "title": run.playbook.title,
        "target": run.target,
        "started_at": instant(run.started_at),
        "ended_at": instant(run.ended_at),
        "status": run.status.value,
        "total_seconds": number(total.total_seconds()),
        "objective_seconds": [number(item.total_seconds()) for item in run.playbook.objective]
        if run.playbook.objective is not None
        else None,
        "verdict": verdict(run, total),
        "steps": [_step(step, run.steps[step.id]) for step in run.playbook.steps],
        "anchor": anchor,
    }


def verdict(run: Run, total: timedelta) -> str:
    """`completed within the objective`, or what it fell short of."""
    if run.status is not RunStatus.COMPLETED:
        return f"not completed: {run.status}"
    if run.playbook.objective is None:
        return "completed; the playbook has no objective"
    least, most = run.playbook.objective
    if total > most:
        return f"completed, {_minutes(total - most)} over the objective"
    return "completed within the objective" if total >= least else "completed faster than the objective"


def passed(data: Json) -> bool:
    """Whether the drill was completed in time."""
    objective = data["objective_seconds"]
    in_time = objective is None or data["total_seconds"] <= objective[1]
    return data["status"] == RunStatus.COMPLETED.value and in_time


def _step(step: Step, progress: StepRun) -> Json:
    took = None
    if progress.started_at is not None and progress.ended_at is not None:
        took = (progress.ended_at - progress.started_at).total_seconds()
    box = None if step.timebox is None else step.timebox.total_seconds()
    return {
        "id": step.id,
        "title": step.title,
        "status": progress.status.value,
        "attempts": progress.attempt,
        "took_seconds": number(took) if took is not None else None,
        "timebox_seconds": number(box) if box is not None else None,
        "verdict": _against(progress, took, box),
        "override": progress.override,
        "reason": progress.reason,
    }


def _against(progress: StepRun, took: float | None, box: float | None) -> str:
    if took is None or progress.status not in (StepStatus.DONE, StepStatus.EXPIRED):
        return progress.status.value if progress.status is StepStatus.SKIPPED else NOT_DONE
    if box is None:
        return "no timebox"
    return LATE if took > box else WITHIN


def _minutes(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 60}:{seconds % 60:02d} min"


def span(seconds: float | None) -> str:
    """`4:05 min` from seconds."""
    return "-" if seconds is None else _minutes(timedelta(seconds=seconds))


def markdown(data: Json) -> str:
    """The document for people."""
    return render("drill.md.j2", **data, day=day, span=span)
