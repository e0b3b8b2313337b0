"""The time lane: what happened to the service and what people did, as marks on one time axis.

A lane has one cell for each of the columns that a plot above it has, so that a mark stands under what it explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from console.model import events as ev
from console.model.alert import Alert, AlertRef
from console.model.change import ChangeKind
from console.model.events import Recorded
from console.view.events import StepNames, describe, step_names
from console.view.line import EMPTY, Line, Span, Tone, clip, cut, fit, line, span
from console.view.look import Look
from console.view.times import clock

LABEL = 10
"""Cells of a lane's name, left of its first column."""


class Kind(StrEnum):
    """The lanes, top to bottom."""

    PHASE = "phase"
    FLAG = "flags"
    ALERT = "alerts"
    INCIDENT = "incident"
    PEOPLE = "people"


class Moment(NamedTuple):
    """One mark. `who` is empty where nobody did it; `seq` is the event's number, None for what a source said."""

    id: str
    at: datetime
    kind: Kind
    mark: str
    what: str
    who: str = ""
    seq: int | None = None
    source: str = ""
    tone: Tone = Tone.NORMAL


class Spell(NamedTuple):
    """From when to when an alert fired, as a source sampled it; `until` None while it fires."""

    name: str
    since: datetime
    until: datetime | None
    source: str


SAMPLED = timedelta(minutes=6)
"""How far from the true instant a source that samples may see an alert fire."""

LEGEND = (
    "phase: > up, < down, to so many percent of the traffic; = a bake begins, x a guardrail is breached, b rolled back",
    "flags: F; alerts: ! fired, o resolved",
    "incident: D declared, S severity, E escalated, M mitigated, R resolved, C closed, i anything else",
    "people: p an act of somebody; a digit: so many marks in one place, +: ten or more",
)
SHORT_LEGEND = "> < phase  F flag  ! fired  o resolved  D S E M R C incident  p person"

_QUIET = (
    ev.EvidenceTaken, ev.DeliveryQueued, ev.DeliverySent, ev.DeliveryFailing, ev.LeaseTaken, ev.LeaseReleased,
    ev.SpoolMerged, ev.OnCallChanged, ev.AlertsLinked, ev.ChannelProven, ev.ChannelTestFailed, ev.EffectIntended,
    ev.ChangeIntended, ev.UndoIntended, ev.ExtendIntended, ev.StepTaken, ev.ChangeTied, ev.WriteIntended,
    ev.RollbackPredicted, ev.RollbackMeasured, ev.ProofRenewed, ev.ProofBroken, ev.ShareAgreed,
)  # fmt: skip
"""Not marked: what is only evidence, machinery, or said again by its outcome."""

_STATES = {"mitigated": "M", "resolved": "R", "closed": "C", "cancelled": "C"}
_INCIDENT: Mapping[type[Any], str] = {
    ev.IncidentOpened: "i",
    ev.IncidentDeclared: "D",
    ev.SeverityChanged: "S",
    ev.IncidentEscalated: "E",
    ev.AcknowledgeOverdue: "i",
    ev.UpdateOverdue: "i",
    ev.IncidentMerged: "i",
    ev.IncidentMergedIn: "i",
}
_PHASE: Mapping[type[Any], tuple[str, Tone]] = {
    ev.PhaseEntered: ("=", Tone.ACCENT),
    ev.RevisionChanged: ("=", Tone.WARNING),
    ev.GuardrailBreached: ("x", Tone.CRITICAL),
    ev.RollbackBegun: ("<", Tone.CRITICAL),
    ev.RollbackEnded: ("b", Tone.OK),
}
"""Turns of the rollout beside the measured share: a bake begins, a guardrail is breached, the rollback."""
_LOUD = {"D": Tone.CRITICAL, "S": Tone.WARNING, "E": Tone.WARNING, "M": Tone.OK, "R": Tone.OK}


# -- what is marked ---------------------------------------------------------------------------------------------------


def moments(
    events: Sequence[Recorded],
    alerts: Iterable[Alert] = (),
    spells: Iterable[Spell] = (),
    names: StepNames | None = None,
    since: datetime | None = None,
) -> list[Moment]:
    """The marks of the record and of the feed, oldest first. An event is marked when it happened, whenever it was
    recorded; an alert once for each firing, whoever tells of it. What happened before `since` is left out."""
    names = step_names(list(events)) if names is None else names
    flags = {
        item.stream for item in events
        if isinstance(item.payload, ev.ChangeIntended) and item.payload.kind is ChangeKind.FLAG
    }  # fmt: skip
    effects = {item.payload.effect: item.payload.kind for item in events if isinstance(item.payload, ev.EffectIntended)}
    found: list[Moment] = []
    fired: dict[tuple[str, datetime], Moment] = {}

    def firing(name: str, fingerprint: str, at: datetime | None, source: str, summary: str = "") -> None:
        if at is not None:
            told = f"{name} fired{f': {summary}' if summary else ''}"
            mark = Moment(f"alert:{fingerprint}:{at.timestamp():.0f}", at, Kind.ALERT, "!", told, "", None, source)
            fired.setdefault((name, at), mark._replace(tone=Tone.WARNING))

    for item in events:
        for ref in _alerts_of(item.payload):
            firing(ref.name, ref.fingerprint, ref.starts_at, "record", ref.summary)
        if since is not None and item.occurred_at < since:
            continue
        mark = _mark(item, flags, effects)
        if mark is not None:
            kind, sign, tone = mark
            _, what = describe(item, names)
            who = "" if item.actor.name == "engine" else item.actor.name
            found.append(Moment(f"event:{item.id}", item.occurred_at, kind, sign, what, who, item.seq, "record", tone))
    for alert in alerts:
        firing(alert.name, alert.fingerprint, alert.starts_at, alert.source, alert.annotation("summary"))
    for spell in spells:
        if not any(name == spell.name and abs(at - spell.since) <= SAMPLED for name, at in fired):
            firing(spell.name, spell.name, spell.since, spell.source)
        if spell.until is not None:
            what = f"{spell.name} resolved"
            key = f"resolved:{spell.name}:{spell.until.timestamp():.0f}"
            found.append(Moment(key, spell.until, Kind.ALERT, "o", what, "", None, spell.source, Tone.OK))
    return sorted([*found, *fired.values()], key=lambda moment: (moment.at, moment.id))


def _alerts_of(payload: Any) -> tuple[AlertRef, ...]:
    if isinstance(payload, ev.IncidentOpened | ev.IncidentDeclared | ev.AlertsLinked):
        return payload.alerts
    return (payload.alert,) if isinstance(payload, ev.AlertAcknowledged) else ()


def _mark(item: Recorded, flags: set[str], effects: Mapping[str, str]) -> tuple[Kind, str, Tone] | None:
    payload = item.payload
    if isinstance(payload, _QUIET):
        return None
    if isinstance(payload, ev.PhaseObserved):
        down = payload.before is not None and payload.percent < payload.before
        return Kind.PHASE, "<" if down else ">", Tone.WARNING if down else Tone.ACCENT
    if type(payload) in _PHASE:
        return Kind.PHASE, *_PHASE[type(payload)]
    if isinstance(payload, ev.WriteFinished):
        # A step of a playbook that sets the flag is marked by its own effect.
        done = Tone.ACCENT if payload.outcome == "done" else Tone.WARNING
        return None if payload.effect in effects else (Kind.FLAG, "F", done)
    if isinstance(payload, ev.EffectFinished) and "flag" in effects.get(payload.effect, ""):
        return Kind.FLAG, "F", Tone.ACCENT if payload.outcome == "done" else Tone.WARNING
    if item.stream in flags and isinstance(
        payload, ev.ChangeMade | ev.ChangeUndone | ev.ChangeRefused | ev.UndoRefused
    ):
        return Kind.FLAG, "F", Tone.ACCENT
    if isinstance(payload, ev.IncidentStateChanged):
        sign = _STATES.get(payload.state, "i")
        return Kind.INCIDENT, sign, _LOUD.get(sign, Tone.NORMAL)
    sign = _INCIDENT.get(type(payload), "")
    if sign:
        return Kind.INCIDENT, sign, _LOUD.get(sign, Tone.NORMAL)
    if isinstance(payload, ev.PagerChanged) and payload.status == "resolved":
        return Kind.ALERT, "o", Tone.OK
    return (Kind.PEOPLE, "p", Tone.STRONG) if item.actor.name != "engine" else None


def within(found: Sequence[Moment], start: datetime, end: datetime) -> list[Moment]:
    """Those of a span of time."""
    return [moment for moment in found if start <= moment.at <= end]


# -- how it is drawn --------------------------------------------------------------------------------------------------


def column(at: datetime, start: datetime, end: datetime, columns: int) -> int:
    """The column that an instant falls into, as a plot over the same columns has it."""
    share = (at - start) / (end - start)
    return min(max(int(share * columns), 0), columns - 1)


def cells(found: Sequence[Moment], kind: Kind, start: datetime, end: datetime, columns: int) -> dict[int, list[Moment]]:
    """The marks of a lane by column, oldest first in each."""
    placed: dict[int, list[Moment]] = {}
    for moment in within(found, start, end):
        if moment.kind is kind:
            placed.setdefault(column(moment.at, start, end, columns), []).append(moment)
    return placed


def folded(several: Sequence[Moment]) -> str:
    """What stands in one cell: the mark, or how many share it; `+` from ten on."""
    if len(several) == 1:
        return several[0].mark
    return str(len(several)) if len(several) < 10 else "+"


def lanes(
    found: Sequence[Moment],
    start: datetime,
    end: datetime,
    columns: int,
    look: Look,
    chosen: str = "",
    label: int = LABEL,
) -> list[Line]:
    """A line for each lane, the cell of the chosen mark stands out. After a change of the phase the lane says to what,
    where there is room for it."""
    drawn = []
    for kind in Kind:
        placed = cells(found, kind, start, end, columns)
        pieces = [span(fit(kind.value, label), Tone.DIM)]
        at = 0
        for place, several in sorted(placed.items()):
            if place < at:
                continue
            pieces.append(Span(look.marks.coming * (place - at), Tone.DIM))
            here = any(moment.id == chosen for moment in several)
            pieces.append(span(folded(several), Tone.TAG if here else several[-1].tone))
            at = place + 1
            after = _after(several[-1]) if kind is Kind.PHASE else ""
            room = min((other for other in placed if other >= at), default=columns) - at
            if after and len(after) < room:
                pieces.append(span(after, Tone.DIM))
                at += len(after)
        pieces.append(Span(look.marks.coming * (columns - at), Tone.DIM))
        drawn.append(line(*pieces))
    return drawn


def _after(moment: Moment) -> str:
    """`25%` of "rollout: 25 % of the traffic"."""
    words = moment.what.removeprefix("rollout: ").split(" % ")
    return f"{words[0]}%" if len(words) > 1 and len(words[0]) < 7 else ""


STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 5760, 7200, 10080, 20160, 43200)
)


def ticks(start: datetime, end: datetime, columns: int, least: int = 14) -> list[tuple[datetime, str]]:
    """Round instants of UTC at least so many columns apart, with what to write under each."""
    room = (end - start) / max(columns, 1) * least
    step = next((item for item in STEPS if item >= room), STEPS[-1])
    midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + -(-(start - midnight) // step) * step
    days = step >= timedelta(days=1)
    found, last = [], ""
    while first <= end:
        day = f"{first.astimezone(UTC):%d %b}"
        text = day if days else clock(first) if day == last else f"{day} {clock(first)}"
        found.append((first, text))
        first, last = first + step, day
    return found


def axis(start: datetime, end: datetime, columns: int, look: Look, label: int = LABEL) -> Line:
    """The line of the instants, in UTC."""
    text = ""
    for at, name in ticks(start, end, columns):
        place = column(at, start, end, columns)
        if place >= len(text) + (1 if text else 0) and place + 1 + len(name) <= columns:
            text += " " * (place - len(text)) + "|" + name
    return line(span(fit("UTC", label), Tone.DIM), span(text, Tone.DIM))


def reading(found: Sequence[Moment], chosen: str, width: int, look: Look) -> list[Line]:
    """What the chosen mark means, and which of how many it is; how to choose one while none is chosen."""
    place = next((index for index, moment in enumerate(found) if moment.id == chosen), None)
    if not found:
        return [line(span("nothing is marked in this span", Tone.DIM)), EMPTY]
    if place is None:
        text = f"{len(found)} marks: left and right read them one by one"
        return [clip(line(span(text, Tone.DIM)), width), clip(line(span(SHORT_LEGEND, Tone.DIM)), width)]
    moment = found[place]
    by = f" by {moment.who}" if moment.who else ""
    where = f"#{moment.seq}" if moment.seq else moment.source
    head = line(
        span(f"{look.marks.here} {place + 1}/{len(found)} ", Tone.ACCENT),
        span(f"{moment.at.astimezone(UTC):%d %b %H:%M:%S}Z ", Tone.STRONG),
        span(f"{moment.kind.value}{by}, {where}", Tone.DIM),
    )
    return [clip(head, width), clip(line("  ", span(cut(moment.what, 500), moment.tone)), width)]


def beside(found: Sequence[Moment], chosen: str, step: int) -> str:
    """The id of the next mark, or of the one before; from none it is the last one."""
    if not found:
        return ""
    place = next((index for index, moment in enumerate(found) if moment.id == chosen), None)
    if place is None:
        return found[-1].id
    return found[min(max(place + step, 0), len(found) - 1)].id
