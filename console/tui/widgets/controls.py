"""The two controls of dialogs: a text field that keeps nothing harmful, and something to press."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from console.model.text import safe
from console.tui import theme
from console.tui.widgets.lines import strip_of
from console.view.line import Tone, line, span, width_of

if TYPE_CHECKING:
    from textual import events
    from textual.app import RenderResult
    from textual.geometry import Size
    from textual.strip import Strip

TEXT_LIMIT = 2_000
"""Characters in one field."""


class Field(Input):
    """An Input without markup, suggestions or validation: what is pasted into it is made harmless."""

    def __init__(self, value: str = "", hint: str = "", *, id: str | None = None) -> None:
        super().__init__(
            safe(value, TEXT_LIMIT), safe(hint), id=id, select_on_focus=False, max_length=TEXT_LIMIT, compact=True
        )
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Whatever comes in, by hand or by paste."""
        return safe(value, TEXT_LIMIT)

    def on_key(self, event: events.Key) -> None:
        """The key that opened the dialog, pressed twice, is no text."""
        from console.tui.dialogs.base import Dialog

        if isinstance(self.screen, Dialog) and self.screen.pressed_twice(event):
            event.stop()
            event.prevent_default()

    async def action_submit(self) -> None:
        """Enter, told to the dialog at once and not by a message: a key typed ahead must meet the next field."""
        from console.tui.dialogs.base import Dialog

        if isinstance(self.screen, Dialog):
            self.screen.submitted(self)


class Press(Widget, can_focus=True):
    """A button of one line."""

    BINDINGS = [Binding("enter,space", "press", "Press", show=False)]

    class Pressed(Message):
        """It was pressed."""

        def __init__(self, source: Press) -> None:
            super().__init__()
            self.source = source

        @property
        def control(self) -> Press:
            """The button."""
            return self.source

    def __init__(self, text: str, *, id: str) -> None:
        super().__init__(id=id)
        self._text = text

    def action_press(self) -> None:
        """Announces the press."""
        self.post_message(self.Pressed(self))

    def on_click(self, event: events.Click) -> None:
        """As good as enter."""
        event.stop()
        self.action_press()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """The text with a bracket at each side."""
        return width_of(self._text) + 4

    def render(self) -> RenderResult:
        """Nothing: `render_line` draws."""
        return ""

    def render_line(self, y: int) -> Strip:
        """The one line; in focus it is marked by shape, not by colour alone."""
        colour = not self.app.no_color
        left, end = ("▶ ", " ◀") if self.has_focus else ("[ ", " ]")
        if getattr(self.app, "ascii_marks", False):
            left, end = ("> ", " <") if self.has_focus else ("[ ", " ]")
        shown = line(span(left + self._text + end, Tone.STRONG if self.has_focus else Tone.NORMAL))
        base = self.rich_style + theme.CURSOR_COLOURED if self.has_focus and colour else self.rich_style
        return strip_of(shown, self.size.width, base, colour, self.has_focus and not colour)

    def on_focus(self) -> None:
        """Drawn anew."""
        self.refresh()

    def on_blur(self) -> None:
        """Drawn anew."""
        self.refresh()
