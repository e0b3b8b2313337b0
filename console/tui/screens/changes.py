"""The ledger of temporary changes: what is owed first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.changes import counts, ordered, row
from console.view.line import Line, Tone, line, span
from console.view.look import Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board
    from console.model.change import Change


class ChangesScreen(ConsoleScreen):
    """Silences, flags, overrides, maintenance: one line each. `chosen` is the change to put the cursor on."""

    scope = "changes"
    BINDINGS = bindings("changes")

    def __init__(self, chosen: str = "") -> None:
        super().__init__()
        self._chosen = chosen

    def body(self) -> list[Widget]:
        """A head, the list, how the highlighted one is undone."""
        self._list = LineList(
            self._row, lambda change: change.id, lambda change: change.label, id="changes", choosable=False
        )
        return [Lines(((),), id="changes-head"), self._list, Lines(((),), id="undo")]

    def _row(self, change: Change, width: int) -> Line:
        board, now, look = self.host.seen
        return row(change, board, now, width, look)

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """The list."""
        width = self.host.size.width
        head = heading("TEMPORARY CHANGES", counts(board.changes, now), width, look)
        self.query_one("#changes-head", Lines).show([head])
        empty = "Nothing is changed for now. b records what was changed by hand."
        self._list.show(ordered(board.changes, now), [line(span(empty, Tone.DIM))])
        if self._chosen:
            self._list.select(self._chosen)
            self._chosen = ""
        change: Change | None = self._list.selected
        undo = line(span("undo: ", Tone.DIM), span(change.undo, Tone.STRONG)) if change is not None else ()
        self.query_one("#undo", Lines).show([undo])

    def situation(self, board: Board) -> Situation:
        """The change under the cursor."""
        base = super().situation(board)
        change: Change | None = self._list.selected
        entry = f"change:{change.id}" if change is not None else ""
        return Situation(board, self.scope, incident=base.incident, run=base.run, entry=entry, gone=self._list.gone)

    def copied(self, at: Situation) -> str:
        """How the highlighted change is undone."""
        change: Change | None = self._list.selected
        return f"{change.label} {change.what}: undo: {change.undo}" if change is not None else ""
