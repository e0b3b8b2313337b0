"""One objective: how it stands, the curves of budget and SLI with the lanes of what happened, its definition."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from heapq import nlargest
from typing import TYPE_CHECKING, Any, cast

from textual.containers import VerticalScroll

from console.model.burn import Urgency
from console.model.slices import slot
from console.tui.widgets.lines import Lines
from console.tui.widgets.scrolling import SCROLLING
from console.view import lane, slo_detail
from console.view.line import EMPTY, Line, Tone, line, span
from console.view.look import Look
from console.view.slo_curve import ZOOMS, Curve, curve, lowest, scale, span_shown, sparklines
from console.view.slo_detail import told_alerts
from console.view.slo_words import firing
from console.view.values import heading, share

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from console.model.alert import Alert
    from console.model.board import Board
    from console.model.events import Recorded
    from console.model.slices import History
    from console.model.slo import SloGauge
    from console.tui.app import ConsoleApp

REST = 0.1
"""Seconds for which a cursor has to stay before the slices of an objective are put together."""
ALERTS = 500
"""Alerts of the feed that are marked, the newest."""
ASKED = 3
"""Alerts of an objective that Prometheus is asked for the history of."""
ROOMY = 32
"""Rows of the screen from which on the curves are high; below, facts, budget and lanes fit into 24."""
STILL = timedelta(minutes=10)
"""An alert that was sampled so lately fires still."""


class SloPane(VerticalScroll, can_focus=True):
    """Shows an objective; what has to be asked for follows. j k and the like scroll."""

    DEFAULT_CSS = """
    SloPane { height: 1fr; width: 1fr; }
    SloPane Plot { height: 8; }
    """
    BINDINGS = [*SCROLLING]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._zoom, self._zoomed = len(ZOOMS) - 1, False
        self._shown, self._chosen = "", ""
        self._history: tuple[Any, History | None] | None = None
        self._events: list[Recorded] = []
        self._head: Any = None
        self._spells: dict[str, tuple[int, list[lane.Spell]]] = {}
        self._moments: tuple[Any, list[lane.Moment]] = (None, [])
        self._resting: asyncio.TimerHandle | None = None
        self._plots: tuple[Any, Any] | None = None
        self._plotted: Any = None
        self._waits = True
        """Whether the slices of the objective shown are not there yet."""
        self._curve: tuple[Any, Curve | None] = (None, None)

    def compose(self) -> ComposeResult:
        """Text, curve, lanes, curve, text. The curves come when their library is there."""
        yield Lines(id="slo-facts")
        yield Lines(id="slo-budget")
        yield Lines(id="slo-lanes")
        yield Lines(id="slo-sli")
        yield Lines(id="slo-below")

    @property
    def name_shown(self) -> str:
        """Which objective it shows; empty for none."""
        return self._shown

    @property
    def host(self) -> ConsoleApp:
        """The app, by its own type."""
        return cast("ConsoleApp", self.app)

    def on_mount(self) -> None:
        """Starts to load what draws the curves, unless nothing but ASCII can be drawn."""
        if not self.host.ascii_marks:
            self.host.spawn(self._load_plots())

    async def _load_plots(self) -> None:
        from importlib import import_module

        loop = asyncio.get_running_loop()
        plot = await loop.run_in_executor(None, import_module, "console.tui.widgets.plot")
        if not self.is_mounted:
            return
        budget, sli = plot.Plot(lane.LABEL, id="plot-budget"), plot.Plot(lane.LABEL, id="plot-sli")
        await self.mount(budget, after="#slo-budget")
        await self.mount(sli, after="#slo-sli")
        self._plots = budget, sli
        self.host.redraw()
        self.call_after_refresh(self.host.redraw)

    # -- what has to be asked for -------------------------------------------------------------------------------------

    def _ask(self, gauge: SloGauge, board: Board, now: datetime) -> None:
        name = gauge.objective.name
        wanted = (name, slot(now), gauge.coverage)
        if self._history is None or self._history[0] != wanted:
            same = self._history is not None and self._history[0][0] == name
            rest = 0.0 if self._history is None else REST  # whoever passes by asks nothing
            self._waits = self._waits or not same
            self._history = wanted, self._history[1] if self._history is not None and same else None
            if self._resting is not None:
                self._resting.cancel()
            self._resting = asyncio.get_running_loop().call_later(rest, self._look, wanted)
        if self._head != (head := (board.head, board.spooled, len(board.incidents))):
            self._head = head
            self.host.spawn(self._read(head, board))
        for alert in told_alerts(gauge, board.feed.alerts)[:ASKED]:
            known_spells = self._spells.get(alert.fingerprint)
            if known_spells is None or known_spells[0] != slot(now):
                self._spells[alert.fingerprint] = slot(now), known_spells[1] if known_spells is not None else []
                self.host.spawn(self._look_back(alert, now))

    def _look(self, wanted: Any) -> None:
        if self.is_mounted and self.host.board is not None:
            self.host.spawn(self._levels(wanted))

    async def _levels(self, wanted: Any) -> None:
        found = await self.host.engine.lookups.levels(wanted[0])
        if self._history is not None and self._history[0] == wanted and self.is_mounted:
            self._history, self._waits = (wanted, found), False
            self._curve = (None, None)
            self.host.redraw()

    async def _read(self, head: Any, board: Board) -> None:
        streams = [item.stream for several in (board.incidents, board.runs, board.changes) for item in several]
        streams += [f"rollout:{board.target}", *(f"alert:{item}" for item in board.care)]
        events = await self.host.engine.timeline(*streams)
        if head == self._head and self.is_mounted:
            self._events = events
            self.host.redraw()

    async def _look_back(self, alert: Alert, now: datetime) -> None:
        found = await self.host.engine.lookups.history(alert)
        spells = [
            lane.Spell(alert.name, item.since, None if now - item.until < STILL else item.until, found.source)
            for item in found.firings
        ]
        if spells and self.is_mounted:
            self._spells[alert.fingerprint] = slot(now), spells
            self._moments = (None, [])
            self.host.redraw()

    # -- drawing ------------------------------------------------------------------------------------------------------

    def show(self, gauge: SloGauge, board: Board, now: datetime, look: Look) -> None:
        """Everything known now."""
        if gauge.objective.name != self._shown:
            self._shown, self._chosen = gauge.objective.name, ""
            if not self._zoomed:
                self._zoom = fitting(gauge)
            self.scroll_to(y=0, animate=False)
        self._ask(gauge, board, now)
        roomy = self.host.size.height >= ROOMY
        for plot in self._plots or ():
            plot.styles.height = 8 if roomy else 5
        width = max(40, (self.size.width or self.host.size.width) - 1)
        columns = width - lane.LABEL - 1
        alerts = board.feed.alerts
        end = now.replace(second=0, microsecond=0)
        found = self._curve_of(gauge, end, columns)
        start, _ = span_shown(gauge.objective, end, ZOOMS[self._zoom])
        self.query_one("#slo-facts", Lines).show(slo_detail.head(gauge, now, width, look))
        self._draw_curves(gauge, found, width, columns, look)
        self.query_one("#slo-lanes", Lines).show(self._lanes(board, start, now, columns, width, look))
        self.query_one("#slo-below", Lines).show(slo_detail.below(gauge, alerts, now, width, look))

    def clear(self, lines: Sequence[Line]) -> None:
        """Shows nothing but these lines."""
        self._shown = ""
        self.query_one("#slo-facts", Lines).show(lines)
        for name in ("#slo-budget", "#slo-lanes", "#slo-sli", "#slo-below"):
            self.query_one(name, Lines).show([])
        for plot in self._plots or ():
            plot.display = False

    def _curve_of(self, gauge: SloGauge, end: datetime, columns: int) -> Curve | None:
        history = self._history[1] if self._history is not None else None
        key = (gauge.objective.name, end, columns, self._zoom, history)
        before = self._curve[0]
        if before is None or before[:-1] != key[:-1] or before[-1] is not history:
            made = None
            if history is not None:
                made = curve(gauge.objective, history, end, ZOOMS[self._zoom], columns)
            self._curve = key, made
        return self._curve[1]

    def _draw_curves(self, gauge: SloGauge, found: Curve | None, width: int, columns: int, look: Look) -> None:
        zoom = ZOOMS[self._zoom]
        name = gauge.objective.window.name if zoom.length is None else zoom.name
        gaps = f", {found.unseen} slices not seen: gaps" if found is not None and found.unseen else ""
        budget = heading("BUDGET LEFT", line(span(f"{name}, z Z zoom{gaps}", Tone.DIM)), width, look)
        target = f"objective {share(gauge.objective.target, 4)}{', dashed' if self._plots is not None else ''}"
        sli = heading("SLI", line(span(f"good share, {target}", Tone.DIM)), width, look)
        gap = [EMPTY] if self.host.size.height >= ROOMY else []
        above, below = self.query_one("#slo-budget", Lines), self.query_one("#slo-sli", Lines)
        if found is None:
            text = "The slices are being put together." if self._waits else "Nothing was read of it yet: no curve."
            told = [line(span(text, Tone.UNKNOWN))] if self._plots is None or not self._waits else []
            above.show([*gap, budget, *told])
            below.show([*gap, sli] if self._plots is not None and self._waits else [])
        elif self._plots is None:
            drawn = sparklines(found, zoom, columns, look, lane.LABEL)
            above.show([*gap, budget, *drawn[:2]])
            below.show([*gap, sli, *drawn[2:]])
        else:
            above.show([*gap, budget])
            below.show([*gap, sli])
        for plot in self._plots or ():
            plot.display = found is not None or self._waits
            if found is None and self._plotted is not None:
                plot.clear()  # the curve of another one
        if found is None:
            self._plotted = None
        if self._plots is not None and found is not None:
            key = (found, width, self.host.no_color)
            if self._plotted != key:
                self._plotted = key
                self._plot(found)

    def _plot(self, found: Curve) -> None:
        assert self._plots is not None
        times = found.start.timestamp(), found.end.timestamp()
        bottom, top = scale(found, ZOOMS[self._zoom])
        left = [
            [(piece.begin.timestamp(), piece.before), (piece.end.timestamp(), piece.after)]
            for piece in found.pieces
            if piece.before is not None and piece.after is not None
        ]
        good = [
            [(piece.begin.timestamp(), piece.good), (piece.end.timestamp(), piece.good)]
            for piece in found.pieces
            if piece.good is not None
        ]
        self._plots[0].show(times, (bottom, top), joined(left), Tone.ACCENT, 0.0 if bottom < 0 < top else None)
        self._plots[1].show(times, (lowest(found), 1.0), joined(good), Tone.STRONG, found.target)

    def _lanes(self, board: Board, start: datetime, now: datetime, columns: int, width: int, look: Look) -> list[Line]:
        found = self._marked(board, start, now)
        drawn = lane.lanes(found, start, now, columns, look, self._chosen)
        return [
            lane.axis(start, now, columns, look),
            *drawn,
            *lane.reading(found, self._chosen, width, look),
        ]

    def _marked(self, board: Board, start: datetime, now: datetime) -> list[lane.Moment]:
        begin, spells = start, [spell for _, several in self._spells.values() for spell in several]
        parts = (self._events, board.feed, begin.replace(second=0))
        before = self._moments[0]
        if before is None or before[0] is not parts[0] or before[1] is not parts[1] or before[2] != parts[2]:
            lately = [
                item for item in board.feed.alerts if item.starts_at >= begin and item.name != board.feed.watchdog
            ]
            newest = nlargest(ALERTS, lately, key=lambda item: item.starts_at)
            self._moments = parts, lane.moments(self._events, newest, spells, since=begin)
        return lane.within(self._moments[1], start, now)

    # -- what keys mean -----------------------------------------------------------------------------------------------

    def turn(self, board: Board, now: datetime, zoom: int, mark: int) -> str:
        """Shows more or less time, or goes to another mark. What cannot be done is said."""
        if zoom:
            self._zoomed = True
            self._zoom = min(max(self._zoom + zoom, 0), len(ZOOMS) - 1)
        gauge = next((item for item in board.slos if item.objective.name == self._shown), None)
        if mark and gauge is not None:
            start, _ = span_shown(gauge.objective, now.replace(second=0, microsecond=0), ZOOMS[self._zoom])
            found = self._marked(board, start, now)
            self._chosen = lane.beside(found, self._chosen, mark)
            return "" if found else "nothing is marked in this span: Z shows more"
        return ""

    def action_by(self, rows: int) -> None:
        """Up or down."""
        self.scroll_relative(y=rows, animate=False)

    def on_unmount(self) -> None:
        """Nothing is asked any more."""
        if self._resting is not None:
            self._resting.cancel()


def fitting(gauge: SloGauge) -> int:
    """The span of time to begin with: that in which what fires began."""
    alert = firing(gauge)
    if alert is None:
        return len(ZOOMS) - 1
    return 1 if alert.rule.urgency is Urgency.PAGE else 3


def joined(pieces: Sequence[Sequence[tuple[float, float]]]) -> list[list[tuple[float, float]]]:
    """Pieces of a curve where one begins when the one before ends, as one."""
    found: list[list[tuple[float, float]]] = []
    for piece in pieces:
        if found and found[-1][-1][0] == piece[0][0]:
            found[-1].extend(piece)
        else:
            found.append(list(piece))
    return found


def copied(gauge: SloGauge) -> str:
    """Its queries, each under what it counts."""
    return "\n".join(f"# {name}\n{text}" for name, text in slo_detail.queries(gauge))
