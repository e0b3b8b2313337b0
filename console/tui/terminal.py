"""The limits of a terminal: bytes that are no UTF-8 come in from it, and what it cannot draw must not go out."""

from __future__ import annotations

import codecs
from functools import lru_cache, partial

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.drivers import linux_driver
from textual.filter import LineFilter

_DRAWN = str.maketrans("…─│╭╮╰╯·×", "~-|++++.x") | dict.fromkeys(range(0x2580, 0x25A0), "|")
"""What stands for our own marks, borders, scroll bars and ellipses without UTF-8."""


def forgive_bytes() -> None:
    """Makes the driver read what is no UTF-8, such as a paste in Latin-1, as U+FFFD. Its own decoder ends the program
    there, with the terminal's modes still set."""
    linux_driver.getincrementaldecoder = _forgiving  # type: ignore[assignment,attr-defined]


def _forgiving(name: str) -> partial[codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(name), errors="replace")


@lru_cache(maxsize=4096)
def ascii_of(text: str) -> str:
    """`text` in ASCII, as wide as before: outside text's letters beyond ASCII become question marks."""
    return "".join(char if char.isascii() else "?" * cell_len(char) for char in text.translate(_DRAWN))


class AsciiOnly(LineFilter):
    """Draws everything in ASCII, borders and outside text too."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII."""
        return [
            segment if segment.control or segment.text.isascii() else Segment(ascii_of(segment.text), segment.style)
            for segment in segments
        ]
