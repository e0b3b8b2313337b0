"""An incident's timeline: everything that the record holds about it, as data and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from console.model.change import Change
from console.model.events import Corrected, Recorded, Unknown
from console.model.incident import Incident
from console.model.run import Run
from console.reports import lanes
from console.reports.render import render
from console.reports.response import incident_data
from console.reports.values import Json, instant
from console.view.events import StepNames, describe, step_names
from console.view.response_events import corrected

LATE = timedelta(seconds=60)
"""When something was recorded this much later than it happened, the timeline shows both."""


def document(
    incident: Incident,
    runs: Sequence[Run],
    events: Sequence[Recorded],
    changes: Sequence[Change] = (),
    beside: Sequence[Recorded] = (),
) -> Json:
    """The incident, its runs with their steps, and every event in the order it happened; what was corrected since has
    its corrections beside it. `lane` has them as marks on one time axis, with what was recorded `beside` them: phases
    of the rollout, acts on the alerts. `anchor` is the `SEQ:HASH` of the last event in it. It says nothing about now,
    so that the same record gives the same document."""
    saved = [recorded for recorded in events if recorded.saved]
    now = max((recorded.recorded_at for recorded in events), default=incident.declared_at)
    ordered = sorted(events, key=lambda item: (item.occurred_at, not item.saved, item.seq))
    labels = {run.stream: run.label for run in runs} | {change.stream: change.label for change in changes}
    names = step_names(list(events))
    corrections: dict[str, list[Recorded]] = {}
    for recorded in ordered:
        if isinstance(recorded.payload, Corrected):
            corrections.setdefault(recorded.payload.event_id, []).append(recorded)
    return {
        "incident": incident_data(incident, runs, now),
        "mode": incident.mode,
        "anchor": f"{saved[-1].seq}:{saved[-1].hash}" if saved else "",
        "events": [
            {
                **entry(recorded, names, labels.get(recorded.stream, incident.label)),
                "corrections": [_correction(item) for item in corrections.get(recorded.id, ())],
            }
            for recorded in ordered
        ],
        "lane": lanes.document(events, incident.impact_started_at or incident.declared_at, beside),
    }


def _correction(recorded: Recorded) -> Json:
    """What an event should have said, and who says so."""
    return {
        "seq": recorded.seq or None,
        "recorded_at": instant(recorded.recorded_at),
        "actor": recorded.actor.name,
        "login": recorded.actor.login,
        "self_declared": recorded.actor.self_declared,
        "what": corrected(recorded.payload),
    }


def entry(recorded: Recorded, names: StepNames, subject: str = "") -> Json:
    """One event. `raw` holds what a program that does not know its kind can still show."""
    return {
        "seq": recorded.seq or None,
        "hash": recorded.hash or None,
        "saved": recorded.saved,
        "subject": subject or recorded.stream,
        "stream": recorded.stream,
        "kind": recorded.kind,
        "occurred_at": instant(recorded.occurred_at),
        "recorded_at": instant(recorded.recorded_at),
        "late": abs(recorded.recorded_at - recorded.occurred_at) > LATE,
        "actor": recorded.actor.name,
        "login": recorded.actor.login,
        "self_declared": recorded.actor.self_declared and recorded.actor.name != "engine",
        "console": recorded.console,
        "mode": recorded.mode,
        "what": describe(recorded, names)[1],
        "raw": recorded.payload.raw if isinstance(recorded.payload, Unknown) else None,
    }


def mark(mode: str) -> str:
    """DEMO or DRILL; empty for what was real."""
    return "" if mode == "live" else mode.upper()


def who(item: Json) -> str:
    """The actor, with the login where the name was claimed."""
    return f"{item['actor']} (self-declared by {item['login']})" if item["self_declared"] else str(item["actor"])


def day(text: str | None) -> str:
    """`2025-11-03 14:02:45Z` from an instant of the document."""
    return "-" if text is None else f"{text[:10]} {text[11:19]}Z"


def markdown(data: Json) -> str:
    """The document for people."""
    return render("timeline.md.j2", **data, lanes=lanes.drawn(data["lane"]), mark=mark, who=who, day=day)
