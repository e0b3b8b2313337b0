"""The timeline of an incident: what happened, when, by whom; what was corrected stands beside its correction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from console.model import events as ev
from console.model.events import Recorded
from console.view.events import StepNames, describe
from console.view.incidents import APART
from console.view.line import Line, Tone, clip, fit, labelled, line, span, wrap
from console.view.look import Look
from console.view.times import clock, stamp


class Entry(NamedTuple):
    """One line of the timeline; `corrects` when it stands under the line that it corrects."""

    event: Recorded
    corrects: bool = False
    corrected: bool = False


def entries(events: Iterable[Recorded]) -> list[Entry]:
    """The events in their order, each correction moved to the line that it corrects. Both are kept."""
    known = list(events)
    present = {event.id for event in known}
    fixes: dict[str, list[Recorded]] = {}
    for event in known:
        if isinstance(event.payload, ev.Corrected) and event.payload.event_id in present:
            fixes.setdefault(event.payload.event_id, []).append(event)
    moved = {event.id for several in fixes.values() for event in several}
    found: list[Entry] = []
    for event in known:
        if event.id in moved:
            continue
        found.append(Entry(event, corrected=event.id in fixes))
        waiting = list(fixes.get(event.id, ()))
        while waiting:  # a correction may itself be corrected
            fix = waiting.pop(0)
            found.append(Entry(fix, corrects=True, corrected=fix.id in fixes))
            waiting = [*fixes.get(fix.id, ()), *waiting]
    return found


def row(entry: Entry, names: StepNames, width: int, look: Look) -> Line:
    """One event: when it happened, who, what; when it was recorded, if that was much later."""
    event = entry.event
    tone, text = describe(event, names)
    apart = ""
    if abs(event.recorded_at - event.occurred_at) > APART:
        apart = f"(recorded {clock(event.recorded_at, seconds=True)}) "
    return clip(
        line(
            span(f"  {look.marks.here} " if entry.corrects else "", Tone.WARNING),
            span(clock(event.occurred_at, seconds=True) + " ", Tone.DIM),
            span(" NOT SAVED ", Tone.ALARM) if not event.saved else "",
            span(fit(event.actor.name, 9) + " ", Tone.NORMAL),
            span(apart, Tone.DIM),
            span("(corrected below) ", Tone.WARNING) if entry.corrected else "",
            span(text, Tone.DIM if entry.corrected else Tone.NORMAL if tone is Tone.OK else tone),
        ),
        width,
    )


def details(event: Recorded, names: StepNames, width: int) -> list[Line]:
    """One event in full."""
    tone, text = describe(event, names)
    saved = f"{event.seq} in the journal" if event.saved else "NOT SAVED: it waits in the spool"
    return [
        *(line(span(part, tone)) for part in wrap(text, width)),
        (),
        *labelled("occurred", stamp(event.occurred_at), width),
        *labelled("recorded", stamp(event.recorded_at), width),
        *labelled("by", f"{event.actor}, console {event.console}, {event.mode}", width),
        *labelled("number", saved, width),
        *labelled("kind", f"{event.kind} version {event.kind_version} in {event.stream}", width),
        *labelled("id", event.id, width),
        *labelled("hash", event.hash or "none yet", width),
    ]
