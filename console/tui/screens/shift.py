"""The shift: who is on, what is watched, what is handed over."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.line import Line, Tone, line, span
from console.view.look import Look
from console.view.shifts import Entry, entries, summary
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board


class ShiftScreen(ConsoleScreen):
    """Items of open handoffs first, then what is watched."""

    scope = "shift"
    BINDINGS = bindings("shift")

    def body(self) -> list[Widget]:
        """Summary, items."""
        self._list = LineList(
            lambda entry, width: entry.row,
            lambda entry: f"{entry.kind}:{entry.id}",
            lambda entry: entry.text,
            id="entries",
            choosable=False,
        )
        return [Lines(((),), id="shift-head"), Lines(id="summary"), Lines(((),), id="entries-head"), self._list]

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """Everything."""
        width = self.host.size.width
        self.query_one("#shift-head", Lines).show([heading("SHIFT", (), width, look)])
        self.query_one("#summary", Lines).show([*summary(board, now, width, look), ()])
        self.query_one("#entries-head", Lines).show([heading("HANDED OVER AND WATCHED", (), width, look)])
        empty: list[Line] = [line(span("Nothing is watched, and nothing is being handed over.", Tone.DIM))]
        self._list.show(entries(board, now, width - 1, look), empty)

    def situation(self, board: Board) -> Situation:
        """The item under the cursor."""
        base = super().situation(board)
        entry: Entry | None = self._list.selected
        return Situation(
            board,
            self.scope,
            incident=base.incident,
            run=base.run,
            entry=f"{entry.kind}:{entry.id}" if entry is not None else "",
            gone=self._list.gone,
        )

    def copied(self, at: Situation) -> str:
        """The highlighted item."""
        entry: Entry | None = self._list.selected
        return entry.text if entry is not None else ""
