"""The filter of a list: one line at the bottom, live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Input

from console.tui.dialogs.base import Dialog
from console.tui.widgets.controls import Field
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.line import Tone, line, span

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Filter(Dialog[None]):
    """Filters while typing. Enter keeps the filter, esc takes it away."""

    DEFAULT_CSS = """
    Filter { align: left bottom; background: transparent; }
    Filter #box { height: 1; max-width: 100%; border: none; padding: 0; margin-bottom: 1; overflow: hidden; }
    Filter #box:nocolor { border: none; }
    Filter Lines { width: 9; }
    Filter Field { width: 1fr; }
    Filter #count { width: 24; }
    """

    def __init__(self, target: LineList) -> None:
        super().__init__()
        self._target = target

    def compose(self) -> ComposeResult:
        """A label, the field, the number of matches."""
        with Horizontal(id="box"):
            yield Lines([line(span(" filter ", Tone.TITLE))])
            yield Field(self._target.filter, "text, or !text for rows without it")
            yield Lines([()], id="count")

    def ready(self) -> None:
        """Ready to type."""
        self.set_focus(self.query_one(Field))
        self._count()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Live."""
        self._target.set_filter(event.value)
        self.host.redraw()
        self._count()

    def _count(self) -> None:
        count = len(self._target.items)
        self.query_one("#count", Lines).show([line(span(f" {count} rows", Tone.DIM))])

    def submitted(self, field: Input) -> None:
        """Keeps it."""
        self._target.focus()
        self.dismiss(None)

    def action_close(self) -> None:
        """Takes it away."""
        self._target.set_filter("")
        self.host.redraw()
        self.dismiss(None)
