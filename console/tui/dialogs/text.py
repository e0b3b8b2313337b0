"""Text to read: details, help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import VerticalScroll

from console.tui.dialogs.base import Dialog
from console.tui.widgets.lines import Lines
from console.tui.widgets.scrolling import SCROLLING
from console.view.line import EMPTY, Line, Tone, line, span

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Reader(Dialog[None]):
    """Lines in a box that scrolls. `lines` is asked for a width."""

    BINDINGS = [
        Binding("enter", "close", "Close", show=False),
        *SCROLLING,
    ]

    def __init__(self, title: str, lines: Callable[[int], Sequence[Line]]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        """Title, text, how to close."""
        with VerticalScroll(id="box", can_focus=False):
            yield Lines([self.title_line(self._title, self.host.board)])
            yield Lines(self._lines(self.inner))
            yield Lines([EMPTY, line(span("q, esc or enter closes", Tone.DIM))])

    def action_by(self, rows: int) -> None:
        """Up or down."""
        self.query_one("#box").scroll_relative(y=rows, animate=False)
