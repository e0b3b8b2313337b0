"""The service levels: what burns most first, and beside it or on a screen of its own everything about one."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, cast

from textual.containers import Container, Vertical

from console.model.slo import SloGauge
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.slo_pane import SloPane, copied
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view import slo_list
from console.view.line import Line, Tone, first_fit, join, line, span
from console.view.look import Look
from console.view.slos import source_of
from console.view.values import evidence, heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board

FOLLOWS = 0.08
"""Seconds for which the cursor has to stay before the pane beside the list shows what is under it."""
BESIDE = 160
"""From how many cells on the detail stands beside the list (the class `-two`)."""


class OfSlos(ConsoleScreen):
    """What both screens have: a pane, and the keys of the time lane."""

    _pane: SloPane

    def turn(self, zoom: int, mark: int) -> None:
        """Another span of time, or another mark."""
        board, now, _ = self.host.seen
        refusal = self._pane.turn(board, now, zoom, mark)
        if refusal:
            self.host.say(refusal, bad=True)
        self.host.redraw()

    def copied(self, at: Situation) -> str:
        """Its queries."""
        return copied(at.the_slo) if at.the_slo is not None else ""


class SlosScreen(OfSlos):
    """One line for each objective; from 160 columns on the highlighted one stands beside them."""

    scope = "slos"
    BINDINGS = bindings("slos")
    SCOPED_CSS = False  # the breakpoint classes are the screen's own
    DEFAULT_CSS = """
    SlosScreen #columns { height: 1fr; layout: horizontal; }
    SlosScreen #listed { width: 1fr; }
    SlosScreen #beside { display: none; }
    SlosScreen.-two #beside { display: block; width: 74; margin-left: 2; }
    SlosScreen.-three #beside { display: block; width: 100; margin-left: 2; }
    """

    def body(self) -> list[Widget]:
        """Heads, list, detail."""
        self._list = LineList(self._row, lambda gauge: gauge.objective.name, slo_list.label, id="slos", choosable=False)
        self._pane = SloPane(id="beside")
        self._followed, self._following = "", cast("asyncio.TimerHandle | None", None)
        self._ordered: tuple[tuple[SloGauge, ...] | None, list[SloGauge]] = (None, [])
        listed = Vertical(Lines(((),), id="slos-columns"), self._list, id="listed")
        return [Lines(((),), id="slos-head"), Container(listed, self._pane, id="columns")]

    def _row(self, gauge: SloGauge, width: int) -> Line:
        _, now, look = self.host.seen
        return slo_list.row(gauge, now, width, look)

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """The list, and what is known of the highlighted one."""
        width = self.host.size.width
        name, state = source_of(board)
        at = min((gauge.ratio.at for gauge in board.slos if gauge.ratio.at), default=None)
        read = evidence(name, state, at, now, look)
        several = (slo_list.counts(board.slos), slo_list.counts(board.slos, short=True))
        end = first_fit(width - 6, *(join([counted, read], "   ") for counted in several), several[1])
        self.query_one("#slos-head", Lines).show([heading("SLO", end, width, look)])
        across = self._list.size.width or width
        self.query_one("#slos-columns", Lines).show([slo_list.columns(across)])
        if self._ordered[0] is not board.slos:
            self._ordered = (board.slos, slo_list.ordered(board.slos))
        empty = "No SLO is configured: add one under slo/ in the configuration."
        self._list.show(self._ordered[1], [line(span(empty, Tone.UNKNOWN))])
        if width >= BESIDE:
            gauge: SloGauge | None = self._list.selected
            if gauge is not None:
                self._show_beside(gauge, board, now, look)
            else:
                gone = f"{self._list.gone} is no longer there" if self._list.gone else ""
                self._pane.clear([line(span(gone, Tone.WARNING))])

    def _show_beside(self, gauge: SloGauge, board: Board, now: datetime, look: Look) -> None:
        """The pane follows a cursor that stays: a key that moves it on waits for no curve."""
        name = gauge.objective.name
        if not self._pane.name_shown or name == self._pane.name_shown or name == self._followed:
            self._pane.show(gauge, board, now, look)
        if name != self._followed:
            if self._following is not None:
                self._following.cancel()
            self._following = asyncio.get_running_loop().call_later(FOLLOWS, self.host.redraw)
        self._followed = name

    def on_unmount(self) -> None:
        """Nothing follows any more."""
        if self._following is not None:
            self._following.cancel()

    def situation(self, board: Board) -> Situation:
        """The objective under the cursor."""
        base = super().situation(board)
        gauge: SloGauge | None = self._list.selected
        entry = f"slo:{gauge.objective.name}" if gauge is not None else ""
        return Situation(
            board,
            self.scope,
            incident=base.incident,
            run=base.run,
            entry=entry,
            gone=self._list.gone,
            lane=self.host.size.width >= BESIDE,
        )


class SloScreen(OfSlos):
    """The objective of this name, on a screen of its own."""

    scope = "slo"
    AUTO_FOCUS = "SloPane"
    BINDINGS = bindings("slo")

    def __init__(self, name: str) -> None:
        super().__init__()
        self._objective, self._called = name, name

    def body(self) -> list[Widget]:
        """The pane."""
        self._pane = SloPane(id="slo")
        return [self._pane]

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """All of it, also when it is gone."""
        gauge = next((item for item in board.slos if item.objective.name == self._objective), None)
        if gauge is None:
            self._pane.clear([line(span(f"{self._called} is no longer on the board.", Tone.WARNING))])
            return
        self._called = slo_list.label(gauge)
        self._pane.show(gauge, board, now, look)

    def situation(self, board: Board) -> Situation:
        """This objective."""
        base = super().situation(board)
        there = any(item.objective.name == self._objective for item in board.slos)
        return Situation(
            board,
            self.scope,
            incident=base.incident,
            run=base.run,
            entry=f"slo:{self._objective}" if there else "",
            gone="" if there else self._called,
            lane=True,
        )
