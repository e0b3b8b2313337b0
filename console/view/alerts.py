"""The alert feed: rows in a useful order, and what an empty feed is worth."""

from __future__ import annotations

from datetime import datetime

from console.model.alert import Alert, AlertState
from console.model.board import AlertFeed, Board
from console.model.reading import ReadingState
from console.view.line import Line, Tone, clip, fit, join, labelled, line, span
from console.view.look import STATE_WORDS, Look
from console.view.times import age, clock, stamp
from console.view.values import evidence

_RANKS = {"page": 0, "critical": 0, "error": 1, "warning": 2, "info": 3, "none": 4}
_TONES = {0: Tone.CRITICAL, 1: Tone.CRITICAL, 2: Tone.WARNING}


def _rank(alert: Alert) -> int:
    return _RANKS.get(alert.severity.lower(), 2)


def ordered(feed: AlertFeed) -> list[Alert]:
    """Active ones first, most severe first, then the newest; the always-firing alert is left out."""
    shown = [alert for alert in feed.alerts if alert.name != feed.watchdog]
    return sorted(
        shown,
        key=lambda alert: (alert.state is not AlertState.ACTIVE, _rank(alert), -alert.starts_at.timestamp()),
    )


def tone_of(alert: Alert) -> Tone:
    """By the severity label; a severity we do not know counts as a warning, and its word is shown as it is."""
    return Tone.DIM if alert.state is AlertState.SUPPRESSED else _TONES.get(_rank(alert), Tone.NORMAL)


def state_word(alert: Alert) -> str:
    """`silenced`, `inhibited` or both; empty for an active alert."""
    if alert.state is AlertState.ACTIVE:
        return ""
    found = ["silenced"] * bool(alert.silenced_by) + ["inhibited"] * bool(alert.inhibited_by)
    return " and ".join(found) or alert.state.value


def linked(board: Board, fingerprint: str) -> str:
    """The label of the open incident that an alert is linked to; empty when there is none."""
    for incident in board.open_incidents:
        if any(reference.fingerprint == fingerprint for reference in incident.alerts):
            return incident.label
    return ""


def row(alert: Alert, board: Board, now: datetime, width: int, look: Look) -> Line:
    """One alert on one line."""
    tone = tone_of(alert)
    stale = board.feed.evidence in (ReadingState.STALE, ReadingState.UNREACHABLE)
    mark = look.marks.of(tone) if tone in (Tone.CRITICAL, Tone.WARNING) else span(look.marks.coming + " ", Tone.DIM)
    incident = linked(board, alert.fingerprint)
    state = state_word(alert)
    summary = alert.annotation("summary") or alert.annotation("description")
    where = alert.label("component") or alert.label("job") or alert.label("service")
    name = fit(alert.name, 26 if width >= 70 else 20)
    return clip(
        line(
            mark,
            span(fit(alert.severity or "no severity", 9) + " ", tone),
            span(name + " ", Tone.DIM if stale or state else Tone.STRONG),
            span(fit(age(alert.starts_at, now, look), 8) + " ", Tone.DIM),
            span(f"[{incident}] ", Tone.ACCENT) if incident else "",
            span(f"{state} ", Tone.DIM) if state else "",
            span(f"{where}: " if where and width >= 100 else "", Tone.DIM),
            span(summary, Tone.DIM if stale or state else Tone.NORMAL),
        ),
        width,
    )


def counts(feed: AlertFeed) -> Line:
    """How many alerts stand, and what that is worth."""
    active = len(feed.active)
    others = sum(1 for alert in feed.alerts if alert.state is AlertState.SUPPRESSED)
    known = feed.evidence is ReadingState.OK
    tone = Tone.STRONG if active else Tone.NORMAL if known else Tone.UNKNOWN
    pieces = [line(span(f"{active} active" if known or active else "none seen", tone))]
    if others:
        pieces.append(line(span(f"{others} silenced or inhibited", Tone.DIM)))
    return join(pieces, ", ")


def no_evidence(feed: AlertFeed) -> Line:
    """Why an empty or short feed proves nothing; empty while the always-firing alert is seen."""
    if feed.evidence is ReadingState.OK:
        return ()
    note = feed.note or STATE_WORDS[feed.evidence]
    return line(span("NO EVIDENCE OF ALERTING: ", Tone.WARNING), span(note, Tone.WARNING))


def empty(feed: AlertFeed, now: datetime, look: Look) -> list[Line]:
    """What stands where no alert is listed."""
    if feed.evidence is ReadingState.OK:
        seen = f"; {feed.watchdog} was seen {age(feed.at, now, look)} ago"
        return [line(look.marks.of(Tone.OK), span("No alert is active", Tone.OK), span(seen, Tone.DIM))]
    return [
        line(look.marks.of(Tone.UNKNOWN), no_evidence(feed)),
        line(span("  An empty list means nothing now. r asks again; `oncall check` says what to do.", Tone.DIM)),
    ]


def source(feed: AlertFeed, now: datetime, look: Look) -> Line:
    """Source, state and age of the feed."""
    return evidence("alertmanager", feed.evidence, feed.at, now, look)


def details(alert: Alert, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """Everything known of one alert: labels and annotations as they are."""
    tone = tone_of(alert)
    lines = [
        line(look.marks.of(tone), span(alert.name, Tone.STRONG), "  ", span(alert.severity or "no severity", tone)),
        *labelled("state", state_word(alert) or alert.state.value, width),
        *labelled("since", f"{stamp(alert.starts_at)} ({age(alert.starts_at, now, look)} ago)", width),
        *labelled("source", f"{alert.source}, read {age(board.feed.at, now, look)} ago", width),
    ]
    if alert.group:
        lines += labelled("group", alert.group, width)
    incident = linked(board, alert.fingerprint)
    lines += labelled("incident", incident or "not linked to an open incident", width)
    for title, pairs in (("annotations", alert.annotations), ("labels", alert.labels)):
        lines += [(), line(span(title.capitalize(), Tone.TITLE))]
        for name, value in pairs:
            lines += labelled(name, value, width, margin=18)
    return [*lines, (), line(span(f"fingerprint {alert.fingerprint}, seen at {clock(now)}", Tone.DIM))]
