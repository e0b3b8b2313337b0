"""All incidents: the open ones first, the ended ones behind them; / searches."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.incidents import list_row, listed
from console.view.line import Line, Tone, line, span
from console.view.look import Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board
    from console.model.incident import Incident


class IncidentsScreen(ConsoleScreen):
    """One line for each incident; enter opens it."""

    scope = "incidents"
    BINDINGS = bindings("incidents")

    def body(self) -> list[Widget]:
        """A head, the list."""
        self._list = LineList(
            self._row, lambda incident: incident.id, lambda incident: incident.label, id="incidents", choosable=False
        )
        return [Lines(((),), id="incidents-head"), self._list]

    def _row(self, incident: Incident, width: int) -> Line:
        board, now, look = self.host.seen
        return list_row(incident, board, now, width, look)

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """The list."""
        found = listed(board)
        opened = sum(incident.open for incident in found)
        end = line(span(f"{opened} open, {len(found) - opened} ended; / searches", Tone.DIM))
        head = heading("INCIDENTS", end, self.host.size.width, look)
        self.query_one("#incidents-head", Lines).show([head])
        self._list.show(found, [line(span("There was no incident yet. D declares one.", Tone.DIM))])

    def situation(self, board: Board) -> Situation:
        """The incident under the cursor."""
        incident: Incident | None = self._list.selected
        running = [run for run in board.runs if incident and run.incident == incident.id and run.ended_at is None]
        return Situation(
            board,
            self.scope,
            incident=incident.id if incident is not None else "",
            run=running[-1].id if running else "",
            gone=self._list.gone,
        )

    def copied(self, at: Situation) -> str:
        """The highlighted incident's label."""
        return at.the_incident.label if at.the_incident is not None else ""
