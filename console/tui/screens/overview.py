"""The Overview: what is broken, since when, how bad, who leads, what is next, and can we roll back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.containers import Container, Vertical

from console.model.folding import FLAT, Arrangement, Item, Row
from console.tui.feed import FeedFolder, ItemLines
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view import alerts, overview, sources
from console.view.incidents import banner
from console.view.line import Line, join
from console.view.look import Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board

ARRANGED = Arrangement(group_by=FLAT)
"""One row for each alert here; a storm is one row everywhere."""
ROOMY_ROWS = 40
"""From this height on, one column has room for a line per proof and per source."""
LEAST_SLOS, BELOW_SLOS, BESIDE_SLOS = 3, 19, 30
"""Gauges that are shown at least; rows of the screen that other things have, without and with a line per proof."""
BRIEF_SOURCES, SIDE_SOURCES = 2, 5
"""Rows among these of the sources below the alerts, or beside them. Where these, or what the alerts lack, need more,
the gauges have less: the worst alert and every source are on the screen."""


class OverviewScreen(ConsoleScreen):
    """Panels above alerts; from 160 cells beside them, from 200 with sources in a column of their own."""

    scope = "overview"
    BINDINGS = bindings("overview")
    SCOPED_CSS = False  # the breakpoint classes are the screen's own
    DEFAULT_CSS = """
    OverviewScreen #columns { height: 1fr; layout: vertical; }
    OverviewScreen #panels { height: auto; }
    OverviewScreen #lower { height: 1fr; min-height: 4; layout: vertical; }
    OverviewScreen #feed { height: 1fr; }
    OverviewScreen #side { height: auto; }
    OverviewScreen.-wide #lower { layout: horizontal; }
    OverviewScreen.-wide #side { width: 46; margin-left: 2; height: 1fr; }
    OverviewScreen.-two #columns, OverviewScreen.-three #columns { layout: horizontal; }
    OverviewScreen.-two #panels, OverviewScreen.-three #panels { width: 86; height: 1fr; margin-right: 2; }
    OverviewScreen.-three #lower { layout: horizontal; }
    OverviewScreen.-three #side { width: 50; margin-left: 2; height: 1fr; }
    """

    def body(self) -> list[Widget]:
        """Panels, alerts, sources."""
        self._feed = FeedFolder(self.host, self.host.redraw)
        self._list = LineList(
            ItemLines(self.host).line,
            lambda item: item.id,
            lambda item: item.name or item.title,
            id="alerts",
            choosable=False,
        )
        feed = Vertical(Lines(((),), id="alert-head"), self._list, id="feed")
        lower = Container(feed, Lines(id="side"), id="lower")
        return [Container(Lines(id="panels"), lower, id="columns")]

    def banner(self, board: Board, now: datetime, look: Look) -> list[Line]:
        """In two lines here: what is due in all open incidents, too."""
        counts = self._feed.want(board, ARRANGED, now).counts
        return banner(board, now, self.host.size.width, look, counts.active)

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """All panes."""
        width, height = self.host.size
        beside = width >= 160
        roomy = beside or height >= ROOMY_ROWS
        panels, side = self.query_one("#panels", Lines), self.query_one("#side", Lines)
        column = 86 if beside else width
        around = (
            overview.side(board, now, side.size.width or 46, look) if width >= 100 else self._below(board, now, look)
        )
        missing = alerts.no_evidence(board.feed)
        rows = SIDE_SOURCES + 1 if width >= 100 else BRIEF_SOURCES  # the column ends with an empty one
        needed = 0 if roomy else max(0, len(around) - rows) + bool(missing)
        needed += overview.urgent_rows(board, now, roomy=roomy)
        most = max(LEAST_SLOS, height - (BESIDE_SLOS if roomy else BELOW_SLOS) - needed)
        shown = overview.panels(board, now, column, look, roomy=roomy, most=most)
        panels.show([*shown, *overview.present_step(board, now, column, look)] if beside else shown)
        across = self._list.size.width or width
        folded = self._feed.want(board, ARRANGED, now)
        counted = join([alerts.counts(board.feed, folded.counts), alerts.source(board.feed, now, look)])
        listed = folded.rows
        self._list.show(listed, alerts.empty(board.feed, now, look), folded.places)
        head = [heading("ALERTS", self._list.filtered or counted, across, look)]
        self.query_one("#alert-head", Lines).show([*head, missing] if missing and listed else head)
        side.show(around)

    def _below(self, board: Board, now: datetime, look: Look) -> list[Line]:
        """The sources under the alerts. The bar at the top names the blind ones already: where rows are few, the alerts
        get this one."""
        width, height = self.host.size
        shown = sources.lines(board, now, width, look, roomy=height >= ROOMY_ROWS)
        return shown[1:] if board.blind_spots and height < ROOMY_ROWS else shown

    def narrowed(self) -> list[Line]:
        """The head of the panel says it."""
        return []

    def situation(self, board: Board) -> Situation:
        """The alert under the cursor, the most severe open incident, the newest run."""
        base = super().situation(board)
        item: Item | None = self._list.selected
        return Situation(
            board,
            self.scope,
            alert=item.id if isinstance(item, Row) else "",
            incident=base.incident,
            run=base.run,
            gone=self._list.gone,
            item=item,
        )

    def copied(self, at: Situation) -> str:
        """The highlighted alert's name and fingerprint."""
        return f"{at.item.name} {at.item.id}" if at.item is not None else ""
