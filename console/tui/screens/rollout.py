"""The Rollout and the Rollback screen: lines that scroll, in two columns where there is room."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.containers import Horizontal

from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.widgets.lines import Lines
from console.tui.widgets.page import Page
from console.view import rollback_detail, rollout_detail
from console.view.line import Line, Tone, line, span
from console.view.look import Look
from console.view.values import evidence, heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board

BESIDE = 160
"""From how many cells on there are two columns."""


class _Columns(ConsoleScreen):
    """A page, and from 160 cells on another one beside it."""

    AUTO_FOCUS = "Page"
    SCOPED_CSS = False  # the breakpoint classes are the screen's own
    DEFAULT_CSS = """
    _Columns #columns { height: 1fr; }
    _Columns #beside { display: none; }
    _Columns.-two #beside, _Columns.-three #beside { display: block; margin-left: 2; }
    """

    def body(self) -> list[Widget]:
        """Head and columns."""
        return [Lines(((),), id="page-head"), Horizontal(Page(id="page"), Page(id="beside"), id="columns")]

    def show(self, head: Line, one: list[Line], two: list[Line] | None) -> None:
        """The head, and either everything in one column or the second one beside the first."""
        self.query_one("#page-head", Lines).show([head])
        self.query_one("#page", Page).show(one)
        self.query_one("#beside", Page).show(two or [])

    def widths(self) -> tuple[int, int]:
        """Cells of both columns; the second is 0 where there is one column alone."""
        width = self.host.size.width
        if width < BESIDE:
            return self.query_one("#page", Page).across or width - 1, 0
        half = (width - 2) // 2 - 1
        return self.query_one("#page", Page).across or half, self.query_one("#beside", Page).across or half


class RolloutScreen(_Columns):
    """Track, evidence, capacity, history, risks."""

    scope = "rollout"
    BINDINGS = bindings("rollout")

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """All of it."""
        width, second = self.widths()
        name = f" {board.progress.plan.name}" if board.progress is not None else ""
        end: Line = ()
        if board.progress is not None:
            share = board.progress.share
            end = evidence(share.source or "no source", share.state, share.at, now, look)
        head = heading(f"ROLLOUT{name}", end, self.host.size.width, look)
        if second:
            one = rollout_detail.first(board, now, width, look)
            self.show(head, one, rollout_detail.beside(board, now, second, look))
        else:
            self.show(head, rollout_detail.page(board, now, width, look), None)


class RollbackScreen(_Columns):
    """Can we, how long, until when; the proofs; while one runs, its clock."""

    scope = "rollback"
    BINDINGS = bindings("rollback")

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """All of it."""
        width, second = self.widths()
        plan = board.progress.plan.rollback if board.progress is not None else None
        told = f"by {plan.playbook}" if plan is not None else "no playbook is named in rollout.yaml"
        head = heading(
            "ROLLBACK", line(span(told, Tone.DIM if plan is not None else Tone.UNKNOWN)), self.host.size.width, look
        )
        if second:
            one = [
                *rollback_detail.main(board, now, width, look),
                (),
                *rollback_detail.measured(board.readiness, now, width, look),
            ]
            self.show(head, one, rollback_detail.proofs(board.readiness, now, second, look))
        else:
            self.show(head, rollback_detail.page(board, now, width, look), None)
