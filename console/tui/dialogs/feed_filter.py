"""The filter of the alert feed: one line at the bottom, live; what is wrong with it stands above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Input

from console.model.filter import Filter, parse_filter
from console.tui.dialogs.base import Dialog
from console.tui.widgets.controls import Field
from console.tui.widgets.lines import Lines
from console.view.line import Tone, clip, line, span

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from console.tui.screens.alerts import AlertsScreen


class FeedFilter(Dialog[None]):
    """Filters while typing; what cannot be understood yet leaves the feed as it is. Enter keeps it, esc takes it
    away."""

    DEFAULT_CSS = """
    FeedFilter { align: left bottom; background: transparent; }
    FeedFilter #said { height: auto; width: 100%; }
    FeedFilter #box { height: 1; max-width: 100%; border: none; padding: 0; margin-bottom: 1; overflow: hidden; }
    FeedFilter #box:nocolor { border: none; }
    FeedFilter #label { width: 9; }
    FeedFilter Field { width: 1fr; }
    """

    def __init__(self, target: AlertsScreen) -> None:
        super().__init__()
        self._target = target

    def compose(self) -> ComposeResult:
        """What is wrong; a label and the field."""
        yield Lines(id="said")
        with Horizontal(id="box"):
            yield Lines([line(span(" filter ", Tone.TITLE))], id="label")
            yield Field(self._target.arranged.filter.text, 'severity="critical" team=~"pay.*" words !without @acked=no')

    def ready(self) -> None:
        """Ready to type."""
        self.set_focus(self.query_one(Field))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Live."""
        if event.value.strip() == self._target.arranged.filter.text:
            self._say("")
            return
        try:
            wanted = parse_filter(event.value)
        except ValueError as error:
            self._say(str(error))
            return
        self._say("")
        self._target.set_filter(wanted)

    def _say(self, text: str) -> None:
        said = [clip(line(span(f" {text} ", Tone.WARNING)), self.host.size.width)] if text else []
        self.query_one("#said", Lines).show(said)

    def submitted(self, field: Input) -> None:
        """Keeps it, unless it means nothing yet."""
        try:
            parse_filter(field.value)
        except ValueError as error:
            self._say(f"Not a filter: {error}")
            return
        self.dismiss(None)

    def action_close(self) -> None:
        """Takes it away."""
        self._target.set_filter(Filter())
        self.dismiss(None)
