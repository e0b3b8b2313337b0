"""One alert with everything that is known of it, and what was looked up for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from console.model.alert import Alert, AlertState
from console.model.board import Board
from console.model.links import Link
from console.model.pager import PagerIncident, PagerLogEntry
from console.model.silence import Silence, SilenceState
from console.view.alert_silences import when
from console.view.alerts import linked, named, owner, state_word, tone_of
from console.view.line import EMPTY, Line, Tone, clip, labelled, line, span
from console.view.look import Look
from console.view.times import age, clock, span_of, stamp

DAY = timedelta(days=1)
MARGIN = 14


class Firing(Protocol):
    """A time span in which an alert fired."""

    @property
    def since(self) -> datetime:
        """Its beginning."""
        ...

    @property
    def until(self) -> datetime:
        """Its end."""
        ...


def details(
    alert: Alert, board: Board, found: Sequence[Link], now: datetime, width: int, look: Look, *, gone: bool = False
) -> list[Line]:
    """What stands on the Board: state, owner, page, incident, silences, annotations, labels, links."""
    tone = tone_of(alert)
    state = "no longer in the feed" if gone else state_word(alert) or alert.state.value
    lines = [
        clip(line(look.marks.of(tone), span(named(alert), Tone.STRONG), "  ", span(_severity(alert), tone)), width),
        *_labelled("state", state, width, Tone.WARNING if gone else Tone.NORMAL),
        *_labelled("since", f"{stamp(alert.starts_at)} ({age(alert.starts_at, now, look)} ago)", width),
        *_owner(alert, board, now, width, look),
        *_page(board.feed.pages.get(alert.fingerprint) or page_of(alert, board), alert, width),
        *_labelled("incident", linked(board, alert.fingerprint) or "not linked to an open incident", width),
        *_silences(alert, board, now, width),
        *_inhibited(alert, board, width),
        *_labelled("source", f"{alert.source}, read {age(board.feed.at, now, look)} ago", width),
    ]
    if alert.group:
        lines += _labelled("group", alert.group, width)
    if alert.muted_by:
        lines += _labelled("muted by", ", ".join(alert.muted_by), width)
    for title, pairs in (("Annotations", alert.annotations), ("Labels", alert.labels)):
        if pairs:
            lines += [EMPTY, line(span(title, Tone.TITLE))]
        for name, value in pairs:
            lines += labelled(name, value, width, margin=18)
    if found:
        lines += [EMPTY, line(span("Links", Tone.TITLE), span("  o opens one", Tone.DIM))]
        for link in found:
            lines += labelled(link.title, link.url, width, margin=18, tone=Tone.ACCENT)
    return lines


def page_of(alert: Alert, board: Board) -> PagerIncident | None:
    """The PagerDuty incident that an item of the feed stands for itself."""
    if not alert.fingerprint.startswith("pd:") or board.pager is None:
        return None
    return next((item for item in board.pager.incidents if item.id == alert.fingerprint[3:]), None)


def _labelled(label: str, text: str, width: int, tone: Tone = Tone.NORMAL) -> list[Line]:
    return labelled(label, text, width, MARGIN, tone)


def _severity(alert: Alert) -> str:
    return alert.severity or "no severity"


def _owner(alert: Alert, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    care, had = board.care.get(alert.fingerprint), owner(board, alert)
    if had is not None and had.acknowledged_at is not None:
        via = f" in {had.via}" if had.via else ""
        text = f"{had.acknowledged_by}{via}, for {age(had.acknowledged_at, now, look)}"
        lines = _labelled("acknowledged", text, width, Tone.ACCENT)
    elif alert.state is AlertState.ACTIVE:
        lines = _labelled("acknowledged", "by nobody", width, Tone.WARNING)
    else:
        lines = _labelled("acknowledged", "by nobody", width)
    if care is None:
        return lines
    if care.verdict is not None:
        by = f", said {care.verdict_by.name}" if care.verdict_by else ""
        note = f": {care.verdict_note}" if care.verdict_note else ""
        lines += _labelled("verdict", f"{care.verdict.value}{by}{note}", width, Tone.ACCENT)
    for at, who, text in care.notes[-5:]:
        lines += _labelled("note", f"{stamp(at)} {who}: {text}", width)
    return lines


def _page(page: PagerIncident | None, alert: Alert, width: int) -> list[Line]:
    if page is None:
        if alert.paged is None:
            return []
        told = "its Alertmanager pages for it; no open page was found" if alert.paged else "pages nobody"
        return _labelled("PagerDuty", told, width)
    who = page.acknowledged_by if page.acknowledged_by else ", ".join(page.assigned_to) or "nobody"
    level = f", level {page.level}" if page.level else ""
    policy = f", {page.escalation_policy}" if page.escalation_policy else ""
    text = f"#{page.number} {page.status.value}, {page.urgency} urgency: {who}{level}{policy}"
    return _labelled("PagerDuty", text, width)


def _silences(alert: Alert, board: Board, now: datetime, width: int) -> list[Line]:
    """Those that hide it, as Alertmanager says; and those to come that would."""
    lines: list[Line] = []
    known = {item.id: item for item in board.silences}
    for silence_id in alert.silenced_by:
        silence = known.get(silence_id)
        text = _silence(silence, now) if silence is not None else f"{silence_id} (not read)"
        lines += _labelled("silenced by", text, width)
    for silence in board.silences:
        if silence.state is SilenceState.PENDING and silence.id not in alert.silenced_by and _fits(silence, alert):
            lines += _labelled("soon silenced", _silence(silence, now), width, Tone.WARNING)
    return lines


def _silence(silence: Silence, now: datetime) -> str:
    return f"{silence.created_by}: {silence.comment} {silence.text}, {when(silence, now)[0]}"


def _fits(silence: Silence, alert: Alert) -> bool:
    try:
        return silence.hides(alert)
    except ValueError:
        return False


def _inhibited(alert: Alert, board: Board, width: int) -> list[Line]:
    if not alert.inhibited_by:
        return []
    names = {item.fingerprint: item.name for item in board.feed.alerts if item.fingerprint in alert.inhibited_by}
    told = ", ".join(names.get(fingerprint, fingerprint) for fingerprint in alert.inhibited_by[:10])
    return _labelled("inhibited by", told, width)


def history(firings: Sequence[Firing], at: datetime, width: int, look: Look) -> list[Line]:
    """The last day as a bar, half an hour a cell, and in words."""
    cells = min(48, max(12, width - 2))
    length = DAY / cells
    begin = at - DAY
    full, empty = look.marks.spark[-1], look.marks.coming
    bar = "".join(
        full
        if any(item.since < begin + (cell + 1) * length and item.until >= begin + cell * length for item in firings)
        else empty
        for cell in range(cells)
    )
    total = sum((item.until - item.since for item in firings), timedelta())
    times = "once" if len(firings) == 1 else f"{len(firings)} times"
    words = f"fired {times} in 24 h, {span_of(total)} in all" if firings else "did not fire in the last 24 h"
    lines = [line(span(bar, Tone.WARNING if firings else Tone.DIM), span(f" {clock(at)}", Tone.DIM))]
    lines += labelled("", words, width, 0)
    for item in reversed(firings[-5:]):
        text = f"  {stamp(item.since)} to {clock(item.until)}, {span_of(item.until - item.since)}"
        lines.append(clip(line(span(text, Tone.DIM)), width))
    return lines


def page_log(entries: Sequence[PagerLogEntry], width: int) -> list[Line]:
    """PagerDuty's own history of a page, newest first."""
    lines: list[Line] = []
    for entry in sorted(entries, key=lambda item: item.at, reverse=True)[:20]:
        text = f" {entry.text}" if entry.text else ""
        lines += labelled(stamp(entry.at), f"{entry.kind} {entry.by}{text}", width, margin=22)
    return lines
