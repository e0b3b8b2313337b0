"""The alert feed: rows in a useful order, and what an empty feed is worth."""

from __future__ import annotations

from datetime import datetime

from console.model.alert import Alert, AlertState
from console.model.board import AlertFeed, Board
from console.model.care import AlertCare
from console.model.filter import FLAPPING
from console.model.folding import Counts, Fold, Item, rank_of
from console.model.reading import ReadingState
from console.view.line import Line, Tone, clip, fit, join, line, span, width_of
from console.view.look import STATE_WORDS, Look
from console.view.times import age
from console.view.values import evidence

_TONES = {0: Tone.CRITICAL, 1: Tone.CRITICAL, 2: Tone.WARNING}
PAGER = "pagerduty"
"""The source of what only PagerDuty knows."""
_QUIET = (AlertState.SUPPRESSED, AlertState.RESOLVED)


def ordered(feed: AlertFeed) -> list[Alert]:
    """Active ones first, most severe first, then the newest; the always-firing alert is left out."""
    shown = [alert for alert in feed.alerts if alert.name != feed.watchdog]
    return sorted(
        shown,
        key=lambda alert: (alert.state is not AlertState.ACTIVE, rank_of(alert), -alert.starts_at.timestamp()),
    )


def tone_of(alert: Alert) -> Tone:
    """By the severity label; a severity we do not know counts as a warning, and its word is shown as it is."""
    return Tone.DIM if alert.state in _QUIET else _TONES.get(rank_of(alert), Tone.NORMAL)


def state_word(alert: Alert) -> str:
    """`silenced`, `inhibited`, `muted` or several of them; empty for an active alert."""
    if alert.state is AlertState.ACTIVE:
        return ""
    ways = (("silenced", alert.silenced_by), ("inhibited", alert.inhibited_by), ("muted", alert.muted_by))
    return " and ".join(word for word, by in ways if by) or alert.state.value


def owner(board: Board, alert: Alert) -> AlertCare | None:
    """Who has this firing of the alert; None when nobody has."""
    care = board.care.get(alert.fingerprint)
    return care if care is not None and care.acknowledges(alert) else None


def linked(board: Board, fingerprint: str) -> str:
    """The label of the open incident that an alert is linked to; empty when there is none."""
    for incident in board.open_incidents:
        if any(reference.fingerprint == fingerprint for reference in incident.alerts):
            return incident.label
    return ""


def item_row(item: Item, board: Board, now: datetime, width: int, look: Look) -> Line:
    """One row of the folded feed."""
    if isinstance(item, Fold):
        return fold_row(item, board, now, width, look)
    return row(item.alert, board, now, width, look, repeats=item.repeats, inside=item.inside)


def row(
    alert: Alert, board: Board, now: datetime, width: int, look: Look, *, repeats: int = 0, inside: bool = False
) -> Line:
    """One alert on one line. What nobody has stands out."""
    tone = tone_of(alert)
    stale = board.feed.evidence in (ReadingState.STALE, ReadingState.UNREACHABLE)
    mark = look.marks.of(tone) if tone in (Tone.CRITICAL, Tone.WARNING) else span(look.marks.coming + " ", Tone.DIM)
    incident = linked(board, alert.fingerprint)
    state, had = state_word(alert), owner(board, alert)
    summary = alert.annotation("summary") or alert.annotation("description")
    where = alert.label("component") or alert.label("job") or alert.label("service")
    quiet = stale or bool(state) or had is not None
    margin = "  " if inside else ""
    page = board.feed.pages.get(alert.fingerprint)
    severity = alert.severity or ("PagerDuty" if alert.source == PAGER else "no severity")
    name = fit(named(alert), (26 if width >= 70 else 20) - len(margin))
    return clip(
        line(
            margin,
            mark,
            span(fit(severity, 9) + " ", Tone.DIM if had else tone),
            span(name + " ", Tone.DIM if quiet else Tone.STRONG),
            span(fit(age(alert.starts_at, now, look), 8) + " ", Tone.DIM),
            span(f"{look.marks.ok} {_who(had)} ", Tone.ACCENT) if had else "",
            _flapping(alert, repeats, look),
            span(f"[{incident}] ", Tone.ACCENT) if incident else "",
            span(f"page {page.status.value} ", Tone.ACCENT) if page is not None and had is None else "",
            span(f"{state} ", Tone.DIM) if state else "",
            span(f"{where}: " if where and width >= 100 else "", Tone.DIM),
            span(quoted(summary, look), Tone.DIM if quiet else Tone.NORMAL),
        ),
        width,
    )


def named(alert: Alert) -> str:
    """Its name; the fingerprint where the name shows nothing."""
    return alert.name if alert.name.strip() else f"(no name) {alert.fingerprint}"


def quoted(text: str, look: Look) -> str:
    """An alert's own words, in quotes where they begin like something that the console says: who has it, its incident,
    that it is silenced. Whoever writes an alert cannot make it look taken."""
    start = text.lstrip()[:10].lower()
    marks = (look.marks.ok, look.marks.critical, look.marks.warning, look.marks.coming)
    ours = (*marks, "✔", "[inc-", "page ", "silenced", "inhibited", "muted", "flapping")
    return f'"{text}"' if start.startswith(ours) else text


def _who(care: AlertCare) -> str:
    return f"{care.acknowledged_by} ({care.via})" if care.via else care.acknowledged_by


def _flapping(alert: Alert, repeats: int, look: Look) -> Line:
    if repeats < FLAPPING:
        return ()
    gone = ", gone now" if alert.state is AlertState.RESOLVED else ""
    return line(span(f"FLAPPING {look.marks.times}{repeats}{gone} ", Tone.WARNING))


def fold_row(fold: Fold, board: Board, now: datetime, width: int, look: Look) -> Line:
    """Several alerts on one line: how many of them nobody has, and how fast they come."""
    worst = fold.alerts[0]
    tone = Tone.DIM if not fold.unowned else tone_of(worst)
    mark = look.marks.of(tone) if tone in (Tone.CRITICAL, Tone.WARNING) else span(look.marks.coming + " ", Tone.DIM)
    number = f"{len(fold.alerts)}{look.marks.times}"
    room = (26 if width >= 70 else 20) - width_of(number) - 1
    name = fold.name or fold.title or "several"
    sign = look.marks.opened if fold.opened else look.marks.here
    storm = span(f" STORM {fold.rate}/min ", Tone.ALARM) if fold.rate else ""
    told = [
        line(span(f"{fold.unowned} unowned", tone)) if fold.unowned else (),
        line(span(f"{fold.owned} acknowledged", Tone.ACCENT)) if fold.owned else (),
        line(span(f"{fold.suppressed} silenced or inhibited", Tone.DIM)) if fold.suppressed else (),
    ]
    if fold.opened:
        # Its alerts stand below, each with its own age and severity.
        title = fold.title or fold.name
        head = line(
            span(f"{sign} ", Tone.ACCENT), span(f"{number} ", Tone.STRONG), storm, span(f"{title} ", Tone.TITLE)
        )
        return clip(line(head, join(told, ", ")), width)
    title = "" if fold.title in ("", name) else f" {fold.title}"
    return clip(
        line(
            mark,
            span(fit(worst.severity or "no severity", 9) + " ", tone),
            span(f"{sign} "[: 2 if width >= 70 else 0], Tone.ACCENT),
            span(number, Tone.STRONG if fold.unowned else Tone.DIM),
            span(f" {fit(name, room - (2 if width >= 70 else 0))} ", Tone.STRONG if fold.unowned else Tone.DIM),
            span(fit(age(max(alert.starts_at for alert in fold.alerts[:200]), now, look), 8) + " ", Tone.DIM),
            line(storm, " ") if storm else "",
            join(told, ", "),
            span(title, Tone.DIM),
        ),
        width,
    )


def standing(counts: Counts, feed: AlertFeed, look: Look) -> Line:
    """How the whole feed stands: first how many nobody has. A number is bold only where it asks for somebody."""
    known = feed.evidence is ReadingState.OK
    none = "none seen" if not known else "0 unowned"
    first = (
        line(span(f"{counts.unowned} unowned", Tone.CRITICAL))
        if counts.unowned
        else line(span(none, Tone.NORMAL if known else Tone.UNKNOWN))
    )
    storm = line(span(f" STORM: {counts.recent} new in a minute ", Tone.ALARM), " ") if counts.storm else ()
    pieces = [
        line(storm, first),
        line(span(f"{counts.owned} acknowledged", Tone.ACCENT if counts.owned else Tone.DIM)),
        line(span(f"{counts.suppressed} silenced or inhibited", Tone.DIM)),
        line(span(f"{counts.other} in another state", Tone.UNKNOWN)) if counts.other else (),
    ]
    return join(pieces, ", ")


def counts(feed: AlertFeed, counted: Counts | None = None) -> Line:
    """How many alerts stand, and what that is worth. `counted` where somebody has counted already."""
    active = counted.active if counted is not None else len(feed.active)
    others = (
        counted.suppressed
        if counted is not None
        else sum(1 for alert in feed.alerts if alert.state is AlertState.SUPPRESSED)
    )
    known = feed.evidence is ReadingState.OK
    tone = Tone.STRONG if active else Tone.NORMAL if known else Tone.UNKNOWN
    pieces = [line(span(f"{active} active" if known or active else "none seen", tone))]
    if counted is not None and counted.owned:
        pieces.append(line(span(f"{counted.owned} acknowledged", Tone.ACCENT)))
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
