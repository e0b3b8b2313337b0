"""Lines to read that scroll by keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll

from console.tui.widgets.lines import Lines
from console.view.line import Line


class Reading(VerticalScroll, can_focus=True):
    """Shows lines; j k and the like scroll them."""

    DEFAULT_CSS = "Reading { height: 1fr; width: 1fr; }"
    BINDINGS = [
        Binding("j,down", "by(1)", "Down", show=False),
        Binding("k,up", "by(-1)", "Up", show=False),
        Binding("pagedown,ctrl+d,space", "by(15)", "Page down", show=False),
        Binding("pageup,ctrl+u", "by(-15)", "Page up", show=False),
        Binding("g,home", "by(-100000)", "First", show=False),
        Binding("G,end", "by(100000)", "Last", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines = Lines()

    def compose(self) -> ComposeResult:
        """The lines."""
        yield self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Replaces the lines; where they were scrolled to stays."""
        self._lines.show(lines)

    def top(self) -> None:
        """Back to the first line."""
        self.scroll_to(y=0, animate=False)

    def action_by(self, rows: int) -> None:
        """Up or down."""
        self.scroll_relative(y=rows, animate=False)
