"""The limits of a terminal: bytes that are no UTF-8 come in from it, what it cannot draw must not go out, and it may be
at the end of a slow line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
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


_MOVE = r"\x1b\[\d+;\d+H"
_PIECE = re.compile(rf"(?:\x1b\[0m(?:\n(?={_MOVE}))?((?:\n|{_MOVE})*))?\x1b\[([1-9][\d;]*)m( +(?=\x1b))?")
"""A piece's style. Before it, perhaps, the end of the piece before and moves (no line need end before one); after it,
perhaps, nothing but blanks."""
_CODE = re.compile(r"[34]8;(?:5;\d+|2;\d+;\d+;\d+)|\d+")
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29"}
"""What ends each attribute (ECMA-48, 8.3.117)."""
_SEEN_ON_BLANKS = {"4", "7", "9"}


class FewBytes(linux_driver.LinuxDriver):
    """Textual ends every piece of text with a reset and begins the next with all of its style. This sends only what
    changes from one to the other, for the same picture in two thirds of the bytes."""

    def write(self, data: str) -> None:
        """Writes what Textual drew."""
        super().write(shorter(data))


class _Style(NamedTuple):
    attributes: frozenset[str]
    text: str
    ground: str


def shorter(data: str) -> str:
    """Output with each style that follows another's reset said as the difference to it. Of a blank's only the ground
    counts."""
    held = _Style(frozenset(), "", "")

    def change(found: re.Match[str]) -> str:
        nonlocal held
        before, held = held, _style(found[2])
        if found[1] is None:
            return found[0]
        if found[3] and _SEEN_ON_BLANKS.isdisjoint(before.attributes | held.attributes):
            held = before._replace(ground=held.ground)
        return found[1] + _difference(before, held) + (found[3] or "")

    return _PIECE.sub(change, data)


@lru_cache(maxsize=1024)
def _style(codes: str) -> _Style:
    attributes, text, ground = set(), "39", "49"
    for code in _CODE.findall(codes):
        if code in _OFF:
            attributes.add(code)
        elif code.startswith(("4", "10")):
            ground = code
        else:
            text = code
    return _Style(frozenset(attributes), text, ground)


@lru_cache(maxsize=4096)
def _difference(before: _Style, after: _Style) -> str:
    """The sequence that leads from one style to the other; empty when they are the same."""
    off = {_OFF[code] for code in before.attributes - after.attributes}
    on = {code for code in after.attributes if _OFF[code] in off or code not in before.attributes}
    colours = [new for old, new in zip(before[1:], after[1:], strict=True) if new != old]
    codes = ";".join([*sorted(off), *sorted(on), *colours])
    return f"\x1b[{codes}m" if codes else ""
