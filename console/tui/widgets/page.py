"""A page: lines to be read, scrolled by keys. It draws the rows that are seen, and paints of these what is another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView

from console.tui.widgets.lines import Striped, changed
from console.tui.widgets.scrolling import SCROLLING
from console.view.line import EMPTY, Line

if TYPE_CHECKING:
    from textual.strip import Strip


class Page(ScrollView, Striped, can_focus=True):
    """Lines that j k and the like scroll."""

    DEFAULT_CSS = "Page { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; background: transparent; }"
    BINDINGS = [*SCROLLING]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._painted: dict[int, Line] = {}

    def show(self, lines: Sequence[Line]) -> None:
        """Replaces the lines; where they were scrolled to stays."""
        self._lines = tuple(lines)
        self.virtual_size = Size(self.size.width, len(self._lines))
        self._repaint()

    @property
    def across(self) -> int:
        """Cells for text beside the scroll bar, whether it is there or not; 0 before the first layout."""
        return max(self.outer_size.width - 1, 0)

    def top(self) -> None:
        """Back to the first line."""
        self.scroll_to(y=0, animate=False)

    def action_by(self, rows: int) -> None:
        """Up or down."""
        self.scroll_relative(y=rows, animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paints the rows that are others now."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        self._repaint()

    def on_resize(self) -> None:
        """As wide as it is now."""
        self.virtual_size = Size(self.size.width, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        shown = self._painted[y] = self._row(y)
        return self.strip(shown, self.scrollable_content_region.width)

    def _row(self, y: int) -> Line:
        index = y + round(self.scroll_offset.y)
        return self._lines[index] if 0 <= index < len(self._lines) else EMPTY

    def _repaint(self) -> None:
        size, dirty = self.scrollable_content_region.size, []
        for y in range(size.height):
            shown, before = self._row(y), self._painted.get(y)
            if shown == before:
                continue
            cells = size.width if before is None else min(size.width, changed(before, shown))
            self._painted[y] = shown
            dirty.append(Region(0, y, cells, 1))
        if dirty:
            self.refresh(*dirty)
