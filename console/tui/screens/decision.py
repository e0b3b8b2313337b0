"""The Decision screen: the criteria of the next phase, what is known of each, and what people have said."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical

from console.model.events.decision import Finding
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.screens.rollout import BESIDE
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.tui.widgets.page import Page
from console.view import decision
from console.view.line import EMPTY, Line, Tone, line, span
from console.view.look import Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board


class DecisionScreen(ConsoleScreen):
    """The criteria, what stands against the phase first; the highlighted one below, sign-off and certificates beside
    it or under it."""

    scope = "go-no-go"
    BINDINGS = bindings("go-no-go")
    SCOPED_CSS = False  # the breakpoint classes are the screen's own
    DEFAULT_CSS = """
    DecisionScreen #columns { height: 1fr; }
    DecisionScreen #listed { width: 1fr; }
    DecisionScreen #criteria { height: 2fr; min-height: 4; }
    DecisionScreen #criterion { height: 1fr; min-height: 5; }
    DecisionScreen #beside { display: none; }
    DecisionScreen.-two #beside, DecisionScreen.-three #beside { display: block; margin-left: 2; width: 64; }
    """

    def body(self) -> list[Widget]:
        """Head, criteria, the highlighted one."""
        self._list = LineList(self._row, lambda item: item.name, decision.label, id="criteria", choosable=False)
        listed = Vertical(Lines(((),), id="criteria-columns"), self._list, Page(id="criterion"), id="listed")
        return [Lines(((),), id="page-head"), Horizontal(listed, Page(id="beside"), id="columns")]

    def _row(self, item: Finding, width: int) -> Line:
        _, now, look = self.host.seen
        return decision.row(item, now, width, look)

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """All of it."""
        width = self.host.size.width
        across = self._list.size.width or width
        progress = board.progress
        name = line(span(progress.plan.name, Tone.DIM)) if progress is not None else ()
        head = [heading("DECISION", name, width, look), *decision.headline(board, now, width, look)]
        self.query_one("#page-head", Lines).show(head)
        findings = decision.ordered(progress.proposal if progress is not None else None)
        self.query_one("#criteria-columns", Lines).show([decision.columns(across) if findings else EMPTY])
        asked = progress is not None and progress.proposal is not None
        empty = line(span("No criterion is configured: nothing says whether the phase may come.", Tone.UNKNOWN))
        self._list.show(findings, [empty] if asked else [])
        self.query_one("#criterion", Page).show(self._below(board, now, across - 1, look))
        if width >= BESIDE:
            beside = self.query_one("#beside", Page)
            beside.show(decision.beside(board, now, beside.across or 62, look))

    def _below(self, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
        """The highlighted criterion; under it, where there is one column alone, sign-off and certificates."""
        chosen: Finding | None = self._list.selected
        lines: list[Line] = []
        if chosen is not None and board.progress is not None:
            rule = next((item for item in board.progress.plan.criteria if item.name == chosen.name), None)
            lines = decision.detail(chosen, rule, now, width, look)
        elif self._list.gone:
            lines = [line(span(f"{self._list.gone} is no longer asked", Tone.WARNING))]
        if self.host.size.width >= BESIDE:
            return lines
        return [*lines, EMPTY, *decision.beside(board, now, width, look)]

    def situation(self, board: Board) -> Situation:
        """The criterion under the cursor."""
        base = super().situation(board)
        chosen: Finding | None = self._list.selected
        return Situation(
            board,
            self.scope,
            incident=base.incident,
            run=base.run,
            entry=f"criterion:{chosen.name}" if chosen is not None else "",
            gone=self._list.gone,
        )
