"""The times of an incident and what follows from them, each figure with its definition. What is not known stays so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from console.model import events as ev
from console.model.events import Recorded
from console.model.incident import COMMANDER, TIMES
from console.model.playbook import Option, StepKind
from console.model.run import Run, RunStatus
from console.reports.history import History, Said
from console.reports.values import Json, instant, number

COMMANDED, DECIDED, STARTED = "commander_assigned", "rollback_decided", "rollback_started"
ORDER = (*TIMES[:4], COMMANDED, TIMES[4], DECIDED, STARTED, *TIMES[5:])
"""The rows of the table of times."""

_SPANS = (
    ("TTD", "time to detect", "detected - impact started", "impact_started", "detected"),
    ("TTA", "time to acknowledge", "first acknowledged - declared", "declared", "acknowledged"),
    ("TTE", "time to engage", "an incident commander was there - declared", "declared", COMMANDED),
    (
        "TDR",
        "time to decide the rollback",
        "the option that leads to it was chosen, else its playbook was started - declared",
        "declared",
        DECIDED,
    ),
    ("TTM", "time to mitigate", "first mitigated - impact started", "impact_started", "mitigated"),
    ("TTR", "time to resolve", "first resolved - impact started", "impact_started", "resolved"),
)


def rollback(history: History) -> Run | None:
    """The first run that takes the traffic off: its playbook has a step that sets a flag to 0 %."""
    for run in history.runs:
        if any(step.kind is StepKind.FLAG and step.percent == 0 for step in run.playbook.steps):
            return run
    return None


def times(history: History) -> dict[str, list[Said]]:
    """Every time that is known, by the names of `ORDER`; the last word on each counts."""
    found = {name: said for name, said in history.times.items() if name in TIMES}
    lead = next((spell for spell in history.roles if spell.what == COMMANDER), None)
    if lead is not None:
        found[COMMANDED] = [Said(lead.start, lead.event, lead.who)]
    run = rollback(history)
    if run is not None:
        started = next(item for item, _ in history.payloads(ev.RunStarted) if item.stream == run.stream)
        found[STARTED] = [Said(started.occurred_at, started, str(started.actor))]
        found[DECIDED] = [_decided(history, run) or found[STARTED][0]]
    return found


def _decided(history: History, rollback: Run) -> Said | None:
    """The choice, in another run, of the option that leads to the rollback's playbook."""
    runs = {run.stream: run for run in history.runs}
    said = None
    for item, payload in history.payloads(ev.StepCompleted):
        run = runs.get(item.stream)
        if run is None or run is rollback or item.occurred_at > rollback.started_at:
            continue
        option = _option(run, payload.step, payload.option)
        if option is not None and option.playbook == rollback.playbook.name:
            said = Said(item.occurred_at, item, str(item.actor))
    return said


def _option(run: Run, step_id: str, option_id: str) -> Option | None:
    options = (option for step in run.playbook.steps if step.id == step_id for option in step.options)
    return next((option for option in options if option.id == option_id), None)


def metrics(history: History) -> list[Json]:
    """TTD to TTR, the rollback against its objective, and the time in each severity."""
    known = {name: said[-1] for name, said in times(history).items()}
    rows = []
    for short, name, definition, start, end in _SPANS:
        missing = [part.replace("_", " ") for part in (start, end) if part not in known]
        length = None if missing else max(known[end].at - known[start].at, timedelta(0))  # it was so in triage already
        estimated = not missing and (known[start].estimated or known[end].estimated)
        note = f"not known: {' and '.join(missing)}" if missing else "estimated" if estimated else ""
        rows.append(_row(short, name, definition, length, note))
    return [*rows, _rollback_row(rollback(history)), *_severity_rows(history)]


def _row(short: str, name: str, definition: str, length: timedelta | None, note: str = "") -> Json:
    seconds = None if length is None else number(length.total_seconds())
    return {"id": short, "name": name, "definition": definition, "seconds": seconds, "note": note}


def _rollback_row(run: Run | None) -> Json:
    definition = "end - start of the run that sets the traffic to 0 %, against its playbook's objective"
    length, note = None, "no rollback was run"
    if run is not None and run.ended_at is None:
        note = f"{run.label} has not ended"
    elif run is not None and run.ended_at is not None:
        length = run.ended_at - run.started_at
        note = f"{run.label} {run.status}; {_against(run, length)}"
    return _row("RB", "rollback", definition, length, note)


def _against(run: Run, length: timedelta) -> str:
    if run.playbook.objective is None:
        return "its playbook has no objective"
    least, most = run.playbook.objective
    said = f"objective {minutes(least)} to {minutes(most)}"
    if run.status is not RunStatus.COMPLETED:
        return said
    return f"{said}: {'MISSED' if length > most else 'met'}"


def _severity_rows(history: History) -> Iterator[Json]:
    lengths: dict[str, timedelta] = {}
    last: dict[str, datetime | None] = {}
    for spell in history.severities:
        lengths[spell.who] = lengths.get(spell.who, timedelta(0)) + ((spell.end or history.end) - spell.start)
        last[spell.who] = spell.end
    definition = "sum of the times in which it had this severity, and was neither resolved nor ended"
    for severity in sorted(lengths):
        note = "so far" if last[severity] is None else ""
        yield _row(severity, f"time in {severity}", definition, lengths[severity], note)


def minutes(length: timedelta) -> str:
    """`4:05 min`, `1:04:05 h`."""
    seconds = round(length.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    hours, rest = divmod(seconds, 3600)
    if hours:
        return f"{sign}{hours}:{rest // 60:02}:{rest % 60:02} h"
    return f"{sign}{rest // 60}:{rest % 60:02} min"


def source(event: Recorded | None) -> Json:
    """Which event of the record says so."""
    return {"event": event.id if event else None, "seq": event.seq or None if event else None}


def times_rows(history: History) -> list[Json]:
    """The table of times, with where each is from, and what was said of it before."""
    known = times(history)
    return [_time_row(name, known.get(name, []), history) for name in ORDER]


def _time_row(name: str, said: list[Said], history: History) -> Json:
    last = said[-1] if said else None
    return {
        "name": name,
        "at": instant(last.at) if last else None,
        **source(last.event if last else None),
        "by": last.by if last else None,
        "estimated": last.estimated if last else False,
        "before": [{"at": instant(item.at), **source(item.event), "by": item.by} for item in said[:-1]],
        "corrections": [
            {**source(item), "at": instant(payload.occurred_at), "text": payload.text, "reason": payload.reason}
            for item, payload in history.payloads(ev.Corrected)
            if last is not None and payload.event_id == last.event.id
        ],
    }
