"""Lines on the screen: a widget that shows some, repainting only those that changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from console.tui import theme
from console.view.line import EMPTY, Line, line_width

if TYPE_CHECKING:
    from textual.app import RenderResult


@lru_cache(maxsize=2048)
def strip_of(shown: Line, width: int, base: Style, colour: bool, cursor: bool) -> Strip:
    """A line as a strip of exactly `width` cells; measured as the terminal will, whatever the text is."""
    tones = theme.COLOURED if colour else theme.PLAIN
    over = (theme.CURSOR_COLOURED if colour else theme.CURSOR_PLAIN) if cursor else None
    segments = []
    for text, tone in shown:
        style = base + tones[tone]
        segments.append(Segment(text, style + over if over is not None and tones[tone].bgcolor is None else style))
    rest = base + over if over is not None else base
    return Strip(segments).adjust_cell_length(width, rest).simplify()


def changed(old: Line, new: Line) -> int:
    """How many cells from the left differ, at most. What follows is the same at the same place, or stays blank."""
    width = line_width(new)
    if line_width(old) != width:
        return max(line_width(old), width)
    for before, after in zip(reversed(old), reversed(new), strict=False):
        if before != after:
            break
        width -= line_width((after,))
    return width


class Striped(Widget):
    """Draws rows of lines. What is the same for all rows of a painting is asked once: it is what takes longest."""

    _base = Style()
    _colour = True

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a part."""
        self._base, self._colour = self.rich_style, not self.app.no_color
        return super().render_lines(crop)

    def strip(self, shown: Line, width: int, cursor: bool = False) -> Strip:
        """One of them."""
        return strip_of(shown, width, self._base, self._colour, cursor)


class Lines(Striped):
    """Shows lines; as high as they are many unless its style says otherwise."""

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"

    def __init__(self, lines: Sequence[Line] = (), *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = tuple(lines)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Replaces the lines. Only those that differ are painted; the layout moves only when their number changes."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines):
            self.refresh(layout=True)
            return
        dirty = [
            Region(0, y, min(self.size.width, changed(old, new)), 1)
            for y, (old, new) in enumerate(zip(before, self._lines, strict=True))
            if old != new
        ]
        if dirty:
            self.refresh(*dirty)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines."""
        return len(self._lines)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as it may be."""
        return container.width

    def render(self) -> RenderResult:
        """Nothing: `render_line` draws."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One row."""
        shown = self._lines[y] if y < len(self._lines) else EMPTY
        return self.strip(shown, self.size.width)
