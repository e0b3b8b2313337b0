"""The outbox: what was told to whom, what is NOT SENT, and when each channel was last proven."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.deliveries import channel_row, ordered, row, summary
from console.view.line import Line, Tone, line, span
from console.view.look import Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board
    from console.model.message import Delivery

MOST_CHANNELS = 8
"""Rows that the channels may take from the messages."""


class OutboxScreen(ConsoleScreen):
    """Messages above, channels below."""

    scope = "outbox"
    BINDINGS = bindings("outbox")

    def body(self) -> list[Widget]:
        """Messages, channels."""
        self._list = LineList(
            self._row, lambda item: item.id, lambda item: item.message.title, id="deliveries", choosable=False
        )
        return [Lines(((),), id="outbox-head"), self._list, Lines(((),), id="channels")]

    def _row(self, item: Delivery, width: int) -> Line:
        _, now, look = self.host.seen
        return row(item, now, width, look)

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """Everything."""
        width = self.host.size.width
        self.query_one("#outbox-head", Lines).show([heading("OUTBOX", summary(board, now), width, look)])
        self._list.show(ordered(board.deliveries), [line(span("Nothing was sent to anybody yet.", Tone.DIM))])
        test = line(span("oncall check --send-test proves them", Tone.DIM))
        rows = [channel_row(item, board, now, width, look) for item in board.channels]
        if len(rows) > MOST_CHANNELS:
            more = line(span(f"and {len(rows) - MOST_CHANNELS + 1} more", Tone.DIM))
            rows = [*rows[: MOST_CHANNELS - 1], more]
        none = [line(span("No channel is configured: nobody is told anything from here.", Tone.WARNING))]
        self.query_one("#channels", Lines).show([heading("CHANNELS", test, width, look), *(rows or none)])

    def situation(self, board: Board) -> Situation:
        """The message under the cursor."""
        base = super().situation(board)
        item: Delivery | None = self._list.selected
        entry = f"delivery:{item.id}" if item is not None else ""
        return Situation(board, self.scope, incident=base.incident, run=base.run, entry=entry, gone=self._list.gone)

    def copied(self, at: Situation) -> str:
        """What the highlighted message says."""
        item: Delivery | None = self._list.selected
        return item.message.title if item is not None else ""
