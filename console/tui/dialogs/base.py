"""What every dialog does: q and esc close it, tab moves within it, the target is named in it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual import events
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from console.tui.standing import Standing
from console.tui.theme import BLUE, CURSOR, GROUND, QUIET, RAISED, TEXT
from console.view.header import tags
from console.view.line import Line, Tone, clip, line, line_width, span

if TYPE_CHECKING:
    from console.model.board import Board
    from console.tui.app import ConsoleApp

T = TypeVar("T")


TWICE_SECONDS = 0.4
"""A key pressed again within this time was pressed twice, and is not the beginning of an answer."""


class Dialog(ModalScreen[T], Standing):
    """The base of all modals."""

    AUTO_FOCUS = None
    DEFAULT_CSS = f"""
    #box {{ width: 100%; max-width: 110; height: auto; max-height: 100%; background: {RAISED}; padding: 0 1;
        border: round {BLUE}; overflow-y: auto; }}
    #box:nocolor {{ background: ansi_default; border: round ansi_default; }}
    #box Input {{ height: 1; border: none; padding: 0 1; background: {GROUND}; color: {TEXT}; margin: 0; }}
    #box Input:focus {{ background: {CURSOR}; border: none; }}
    #box Input > .input--placeholder {{ color: {QUIET}; }}
    #box Input > .input--cursor {{ background: {TEXT}; color: {GROUND}; text-style: none; }}
    #box Input > .input--selection {{ background: {BLUE}; color: {GROUND}; }}
    #box Input:nocolor {{ background: ansi_default; color: ansi_default; text-style: underline; }}
    #box .buttons {{ height: 1; layout: horizontal; margin-top: 1; }}
    #box Press {{ width: auto; height: 1; margin-right: 2; }}
    """
    BINDINGS = [
        Binding("escape", "close", "Close", show=False),
        Binding("q", "close", "Close", show=False),
        Binding("tab", "app.focus_next", "Next", show=False),
        Binding("shift+tab", "app.focus_previous", "Previous", show=False),
        Binding("ctrl+c,ctrl+q", "app.leave", "Quit", show=False, priority=True),
    ]

    def on_mount(self) -> None:
        """Remembers the key that opened it, and until when it was not there to be read."""
        opened = self.host.handed
        self._opened_by = opened if isinstance(opened, events.Key) and opened.is_printable else None
        self.opened_with = self._opened_by.character if self._opened_by is not None else None
        self._there_at = asyncio.get_running_loop().time()

    def pressed_twice(self, event: events.Key) -> bool:
        """Whether a key is the one that opened the dialog, pressed twice or held down: no part of an answer."""
        before = self._opened_by
        if before is None or before is event:
            return False
        soon = event.time - before.time < TWICE_SECONDS or event.time < self._there_at
        twice = event.character == before.character and soon
        self._opened_by = event if twice else None
        return twice

    @property
    def host(self) -> ConsoleApp:
        """The app, by its own type."""
        return cast("ConsoleApp", self.app)

    def action_close(self) -> None:
        """Closes it, nothing done."""
        self.dismiss(None)

    def submitted(self, field: Input) -> None:
        """Enter was pressed in a field."""

    def chosen(self, source: Widget, item: Any) -> None:
        """Enter was pressed on an item of a list."""

    @property
    def inner(self) -> int:
        """Cells for text inside the box, beside its scroll bar."""
        return max(20, min(self.host.size.width, 110) - 5)

    def title_line(self, title: str, board: Board | None) -> Line:
        """The title, with mode and target at the right."""
        head = line(span(title, Tone.TITLE))
        if board is None:
            return clip(head, self.inner)
        end = line(tags(board), span(str(board.target), Tone.STRONG))
        gap = self.inner - line_width(head) - line_width(end)
        return line(head, " " * gap, end) if gap > 1 else clip(line(head, "  ", end), self.inner)

    @property
    def typing(self) -> bool:
        """Whether the focus is in a text field."""
        return isinstance(self.focused, Input)
