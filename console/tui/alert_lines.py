"""Everything about one alert as lines: what the Board says, and what was looked up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from console.model.folding import Fold
from console.model.links import Link, links
from console.view.alert_detail import details, history, page_log, page_of
from console.view.alert_runbook import runbook
from console.view.alerts import fold_row, row
from console.view.line import EMPTY, Line, Tone, labelled, line, span
from console.view.look import Look

if TYPE_CHECKING:
    from console.engine.api import Engine
    from console.engine.lookups import Found
    from console.model.alert import Alert
    from console.model.board import Board
    from console.model.pager import PagerIncident

LISTED = 200
"""Alerts of a fold that are named beside it."""


def page_for(alert: Alert, board: Board) -> PagerIncident | None:
    """The PagerDuty incident that pages for an alert."""
    return board.feed.pages.get(alert.fingerprint) or page_of(alert, board)


def page_id(alert: Alert, board: Board) -> str:
    """Its id; empty when there is none."""
    page = page_for(alert, board)
    return page.id if page is not None else ""


def links_of(alert: Alert, engine: Engine, board: Board) -> list[Link]:
    """What can be opened for an alert."""
    return links(alert, ((item.title, item.url) for item in engine.settings.links), page_for(alert, board))


def lines(
    alert: Alert,
    engine: Engine,
    board: Board,
    answers: Mapping[str, Found | None],
    now: datetime,
    width: int,
    look: Look,
    *,
    gone: bool = False,
) -> list[Line]:
    """The whole text. What is still being looked up says so."""
    shown = details(alert, board, links_of(alert, engine, board), now, width, look, gone=gone)
    for name, title in (("history", "Last 24 hours"), ("page", "PagerDuty's log"), ("runbook", "Runbook")):
        if name not in answers:
            continue
        found = answers[name]
        source = f"  {found.source}" if found is not None and found.source else ""
        shown += [EMPTY, line(span(title, Tone.TITLE), span(source, Tone.DIM))]
        if found is None:
            shown.append(line(span("is being looked up", Tone.DIM)))
        elif found.error:
            shown += labelled("", found.error, width, 0, Tone.UNKNOWN)
        elif name == "history":
            shown += history(found.firings, found.at or now, width, look)
        elif name == "page":
            shown += page_log(found.log, width)
        else:
            shown += runbook(found.text, width)
    shown += [EMPTY, line(span(f"fingerprint {alert.fingerprint}", Tone.DIM))]
    return shown


def fold_lines(fold: Fold, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """A fold: what stands in it."""
    shown = [fold_row(fold._replace(opened=True), board, now, width, look), EMPTY]
    shown += [row(alert, board, now, width, look) for alert in fold.alerts[:LISTED]]
    if len(fold.alerts) > LISTED:
        shown.append(line(span(f"and {len(fold.alerts) - LISTED} more", Tone.DIM)))
    return shown
