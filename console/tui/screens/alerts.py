"""The alert feed: what is new and nobody's, worst first; folded where it would flood the screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from textual.containers import Container

from console.model.filter import Filter
from console.model.folding import BY_GROUP, FLAT, Arrangement, Counts, Fold, Item, Row, Sort, label_names
from console.tui.alert_lines import fold_lines, lines, page_id
from console.tui.feed import FeedFolder, ItemLines
from console.tui.looked import LookedUp
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.tui.widgets.page import Page
from console.view import alerts
from console.view.line import Line, Tone, cut, first_fit, join, line, span
from console.view.look import Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board

WIDE = 100
"""Columns from which on the highlighted alert stands beside the list."""


class AlertsScreen(ConsoleScreen):
    """The feed, and from 100 columns on what is known of the highlighted alert beside it."""

    scope = "alerts"
    BINDINGS = bindings("alerts")
    SCOPED_CSS = False  # the breakpoint classes are the screen's own
    DEFAULT_CSS = """
    AlertsScreen #columns { height: 1fr; layout: horizontal; }
    AlertsScreen #feed { width: 1fr; }
    AlertsScreen #beside { display: none; }
    AlertsScreen.-wide #beside { display: block; width: 44; margin-left: 1; }
    AlertsScreen.-two #beside { display: block; width: 66; margin-left: 2; }
    AlertsScreen.-three #beside { display: block; width: 96; margin-left: 2; }
    """

    def body(self) -> list[Widget]:
        """Heads, list, detail."""
        self.arranged = Arrangement()
        self._feed = FeedFolder(self.host, self.host.redraw)
        self._looked = LookedUp(self.host, self.host.redraw)
        self._beside = ""
        self._list = LineList(ItemLines(self.host).line, lambda item: item.id, _label, id="feed", choosable=False)
        columns = Container(self._list, Page(id="beside"), id="columns")
        return [Lines(((), ()), id="feed-head"), columns]

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """All panes."""
        width = self.host.size.width
        folded = self._feed.want(board, self.arranged, now)
        feed = board.feed
        head = heading("ALERTS", alerts.standing(folded.counts, feed, look), width, look)
        missing = alerts.no_evidence(feed)
        source = missing or alerts.source(feed, now, look)
        told = first_fit(width, *(join([*part, source]) for part in self._arrangement()), source)
        self.query_one("#feed-head", Lines).show([head, told])
        self._list.show(folded.rows, self._empty(board, now, look), folded.places)
        if width >= WIDE:
            self._draw_beside(board, now, look)

    def _arrangement(self) -> list[list[Line]]:
        """How the feed is arranged, from the longest way to say it to the shortest."""
        wanted, folded = self.arranged, self._feed.folded
        by = {BY_GROUP: "grouped", FLAT: "not grouped"}.get(wanted.group_by, f"by {wanted.group_by}")
        told = line(span(f"{wanted.sort} first, {by}", Tone.DIM))
        if not wanted.filter:
            return [[told]]
        state = "filtering ..." if self._feed.pending else f"{folded.passed} of {_all(folded.counts)}"
        count = span(f"{state}: ", Tone.STRONG)
        filtered = line(count, span(wanted.filter.text, Tone.ACCENT))
        return [[filtered, told], [filtered], [line(count, span(cut(wanted.filter.text, 40), Tone.ACCENT))]]

    def _empty(self, board: Board, now: datetime, look: Look) -> list[Line]:
        counts = self._feed.folded.counts
        if self._feed.pending:
            return [line(span("The alerts are being put in order.", Tone.DIM))]
        if self.arranged.filter and _all(counts):
            text = f"None of {_all(counts)} alerts passes the filter. esc takes it away."
            return [line(span(text, Tone.WARNING))]
        return alerts.empty(board.feed, now, look)

    def _draw_beside(self, board: Board, now: datetime, look: Look) -> None:
        beside = self.query_one("#beside", Page)
        item: Item | None = self._list.selected
        width = max(20, (beside.size.width or 44) - 1)
        if item is None:
            beside.show([line(span(f"{self._list.gone} is no longer there", Tone.WARNING))] if self._list.gone else [])
            return
        if item.id != self._beside:
            self._beside = item.id
            beside.top()
            self._looked.stop()
            if isinstance(item, Row):
                self._looked.soon(item.alert, page_id(item.alert, board))
        if isinstance(item, Fold):
            beside.show(fold_lines(item, board, now, width, look))
        else:
            answers = self._looked.of(item.alert)
            beside.show(lines(item.alert, self.host.engine, board, answers, now, width, look))

    # -- what keys mean -----------------------------------------------------------------------------------------------

    def show_as(self, wanted: Arrangement) -> None:
        """Shows the feed in another arrangement."""
        self.arranged = wanted
        self.host.redraw()

    def set_filter(self, wanted: Filter) -> None:
        """Shows what passes a filter."""
        self.show_as(replace(self.arranged, filter=wanted))

    def set_sort(self, sort: Sort) -> None:
        """Puts something else first."""
        self.show_as(replace(self.arranged, sort=sort))

    def set_group(self, by: str) -> None:
        """Groups by something else; what was opened or closed is forgotten."""
        self.show_as(replace(self.arranged, group_by=by, opened=frozenset(), closed=frozenset()))

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of labels that it can be grouped by."""
        return label_names(self.host.seen[0].feed.alerts)

    @property
    def count(self) -> int:
        """How many alerts pass the filter."""
        return self._feed.folded.passed

    def action_filter(self) -> None:
        """The filter of the feed speaks Alertmanager's language."""
        from console.tui.dialogs.feed_filter import FeedFilter

        self.host.push_screen(FeedFilter(self))

    def action_act(self, action_id: str) -> None:
        """What is acted on keeps the cursor, wherever the act puts it in the order."""
        self._list.hold()
        super().action_act(action_id)

    def situation(self, board: Board) -> Situation:
        """The alert or the fold under the cursor."""
        base = super().situation(board)
        item: Item | None = self._list.selected
        return Situation(
            board,
            self.scope,
            alert=item.alert.fingerprint if isinstance(item, Row) else "",
            incident=base.incident,
            run=base.run,
            gone=self._list.gone,
            item=item,
        )

    def copied(self, at: Situation) -> str:
        """The highlighted alert's name and fingerprint, or the fold's labels."""
        if isinstance(at.item, Row):
            return f"{at.item.name} {at.item.id}"
        return (at.item.title or at.item.name) if at.item is not None else ""

    def on_unmount(self) -> None:
        """Nothing is asked any more."""
        self._looked.stop()


def _all(counts: Counts) -> int:
    return counts.active + counts.suppressed + counts.other


def _label(item: Item) -> str:
    return item.name or (item.title if isinstance(item, Fold) else "") or "the fold"
