"""The limits of a terminal: bytes that are no UTF-8 come in from it, what it cannot draw must not go out, and it may be
at the end of a slow line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from functools import lru_cache, partial

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.color import Color
from textual.drivers import linux_driver
from textual.filter import LineFilter

from console.tui.picture import Picture

_DRAWN = str.maketrans("…─│╭╮╰╯·×", "~-|++++.x") | dict.fromkeys(range(0x2580, 0x25A0), "|")
"""What stands for our own marks, borders, scroll bars and ellipses without UTF-8."""


def forgive_bytes() -> None:
    """Makes the driver read what is no UTF-8, such as a paste in Latin-1, as U+FFFD. Its own decoder ends the program
    there, with the terminal's modes still set."""
    linux_driver.getincrementaldecoder = _forgiving  # type: ignore[assignment,attr-defined]


def _forgiving(name: str) -> partial[codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(name), errors="replace")


_ESC = "\x1b"
_BEGINS = frozenset("[ONPX]^_\\")
"""What comes after esc at the beginning of something longer: a function key, an answer of the terminal."""


class EscapeFirst(XTermParser):
    """Reads esc and the key right after it as these two keys. A slow line brings them in one piece, as it does alt and
    a key, and terminals send the same for both: a field would be written to by a key that was meant to close it, and of
    a digit Textual makes the symbol of a Mac's option key. Words are moved by as before."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if alt or _esc_and_key(sequence):
            yield events.Key("escape", _ESC)
            sequence = sequence[-1]
        yield from super()._sequence_to_key_events(sequence)


def _esc_and_key(sequence: str) -> bool:
    if len(sequence) != 2 or sequence[0] != _ESC or sequence[1] in _BEGINS:
        return False
    return sequence[1].isprintable() and not isinstance(ANSI_SEQUENCES_KEYS.get(sequence), tuple)


def split_escape() -> None:
    """Has the driver read keys so."""
    linux_driver.XTermParser = EscapeFirst  # type: ignore[attr-defined]


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


_FRAME_BEGINS = re.compile(r"\x1b\[\d+;\d+H")
_DRAWS_NOTHING = re.compile(r"(?:\x07|\x1b\][^\x07]*\x07|\x1b\[(?!\?1049)[?<>=][\d;]*\$?[a-z])*")
"""Bell, clipboard, title, modes but for the one that changes the screen."""


class FewBytes(linux_driver.LinuxDriver):
    """Sends what makes the terminal show what Textual drew, and no more."""

    _picture: Picture | None = None

    def write(self, data: str) -> None:
        """Writes what Textual drew. Modes are written by the thread of the keys, too, which touches no picture."""
        if _FRAME_BEGINS.match(data):
            columns, rows = self._app.size
            if self._picture is None or (self._picture.columns, self._picture.rows) != (columns, rows):
                self._picture = Picture(columns, rows)
            data = self._picture.leading_to(data)
        elif not _DRAWS_NOTHING.fullmatch(data):
            self._picture = None
        if data:
            super().write(data)
