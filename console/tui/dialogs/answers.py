"""Several answers of which one is chosen: seen by its mark, found by its name or by its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.tui.widgets.line_list import LineList
from console.view.line import Line, Tone, clip, line, span

if TYPE_CHECKING:
    from console.tui.dialogs.form import Choice, Item


class Answers(LineList):
    """The list of a form's `Choice`. `pointer` stands before the one that is chosen."""

    def __init__(self, wanted: Choice, pointer: str) -> None:
        super().__init__(
            self._row, lambda item: item.id, lambda item: item.label, id=f"field-{wanted.id}", classes="-fixed"
        )
        self._wanted, self._pointer = wanted, pointer
        self._begun = ""
        """What was typed of a name."""

    def _row(self, item: Item, width: int) -> Line:
        mark = self._pointer if item is self.selected else " " * len(self._pointer)
        return clip(line(span(mark, Tone.STRONG), item.row), width)

    def forget(self) -> None:
        """What is typed next is the beginning of a name."""
        self._begun = ""

    def find(self, character: str) -> bool:
        """Chooses the answer whose name begins with what was typed; of a digit that begins none, the one in that place.
        Whether there is such an answer."""
        items, char = self._wanted.items, character.lower()
        for begun in (self._begun + char, char):
            found = next((item for item in items if item.label.lower().startswith(begun)), None)
            if found is not None:
                self._begun = begun
                self.select(found.id)
                return True
        self._begun = ""
        if not (char.isdecimal() and 0 < int(char) <= len(items)):
            return False
        self.select(items[int(char) - 1].id)
        return True


def meaning(item: Item) -> str:
    """What an answer means, by its name."""
    return f"chosen: {item.label}. {item.detail}" if item.detail else ""
