"""A curve over time, by textual-plot. Imported in a thread when it is first wanted: numpy takes 110 ms and 14 MB."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual_plot import HiResMode, PlotWidget
from textual_plot.axis_formatter import AxisFormatter

from console.tui import theme
from console.view.line import Tone
from console.view.values import share

Points = Sequence[tuple[float, float]]

DASHES = 24
"""Dashes of a line that is a limit and no measurement: told apart by its shape, without colour, too."""


class Percent(AxisFormatter):
    """Shares of 0 to 1, in percent."""

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:
        """Both ends."""
        return [min_, max_]

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        """With as many digits as tell them apart."""
        width = max(ticks) - min(ticks) if ticks else 1.0
        digits = 0 if width >= 0.1 else 1 if width >= 0.01 else 2 if width >= 0.001 else 3
        return [share(tick, digits) for tick in ticks]


class Plot(PlotWidget, can_focus=False):
    """Curves above each other in one box, whose columns are those of the time lane below. `label` is the width of what
    stands left of the first column, the box's own edge with it."""

    DEFAULT_CSS = f"""
    Plot {{ height: 8; }}
    Plot > .plot--axis, Plot:focus > .plot--axis {{ color: {theme.QUIET}; }}
    Plot > .plot--tick {{ color: {theme.QUIET}; text-style: none; }}
    Plot:nocolor > .plot--axis, Plot:nocolor > .plot--tick {{ color: ansi_default; }}
    Plot Canvas {{ background: transparent; }}
    """

    def __init__(self, label: int, *, id: str) -> None:
        super().__init__(id=id, allow_pan_and_zoom=False)
        self.set_reactive(PlotWidget.margin_left, label - 1)
        self.set_reactive(PlotWidget.margin_top, 0)
        self.set_reactive(PlotWidget.margin_bottom, 0)
        self.set_x_formatter(Percent())
        self.set_y_formatter(Percent())
        self.set_xticks([])

    def show(
        self,
        span: tuple[float, float],
        scale: tuple[float, float],
        pieces: Sequence[Points],
        tone: Tone,
        limit: float | None,
    ) -> None:
        """Draws pieces of a curve, each by itself, so that what lies between two of them stays empty. Instants are unix
        times; `limit` is a level."""
        self.clear()
        self.set_xlimits(*span)
        self.set_ylimits(*scale)
        self.set_yticks([scale[0], *([limit] if limit is not None and scale[0] < limit < scale[1] else []), scale[1]])
        if limit is not None:
            step = (span[1] - span[0]) / DASHES
            for place in range(DASHES):
                begin = span[0] + place * step
                self._line([(begin, limit), (begin + step * 0.4, limit)], Tone.WARNING)
        for piece in pieces:
            self._line(piece, tone)

    def _line(self, points: Points, tone: Tone) -> None:
        style = theme.PLAIN[tone] if self.app.no_color else theme.COLOURED[tone]
        self.plot(
            [x for x, _ in points],
            [y for _, y in points],
            line_style=str(style) if style else "default",
            hires_mode=HiResMode.BRAILLE,
        )

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls what the plot stands in."""
        event.prevent_default()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls what the plot stands in."""
        event.prevent_default()
