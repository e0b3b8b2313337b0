"""pyte, without a generator's turn for every byte and a new tuple for every cell: nine times as fast. Only what is by
far the most frequent is done here, printable text and whole CSI sequences; all else is pyte's. tests/tty/test_vt.py
holds it against pyte itself."""

from __future__ import annotations

import re
from typing import ClassVar

import pyte
from pyte import charsets, modes
from pyte.screens import Char, wcwidth

_CSI = re.compile(r"\x1b\[(\??)([0-9;]*)([@-~])")
_LARGEST = 9999
"""Of a parameter; pyte takes a larger one for this."""


class _Cells(dict[str, Char]):
    """A character as a cell, with the attributes that the cursor has."""

    def __init__(self, attributes: Char) -> None:
        self._attributes = attributes

    def __missing__(self, char: str) -> Char:
        cell = self[char] = self._attributes._replace(data=char)
        return cell


class Screen(pyte.Screen):
    """Draws text that fits into its line in one go."""

    _narrow: ClassVar[set[str]] = set()
    """Characters that are known to be one column wide."""
    _cells: ClassVar[dict[Char, _Cells]] = {}
    _renditions: ClassVar[dict[tuple[Char, tuple[int, ...]], Char]] = {}
    """What the attributes become by a rendition."""

    def draw(self, data: str) -> None:
        begin, end = self.cursor.x, self.cursor.x + len(data)
        plain = not self.charset and self.g0_charset is charsets.LAT1_MAP and modes.IRM not in self.mode
        if not plain or end > self.columns or not self._is_narrow(data):
            super().draw(data)
            return
        attributes = self.cursor.attrs
        cells = self._cells.get(attributes)
        if cells is None:
            cells = self._cells[attributes] = _Cells(attributes)
        self.buffer[self.cursor.y].update(zip(range(begin, end), map(cells.__getitem__, data), strict=True))
        self.cursor.x = end
        self.dirty.add(self.cursor.y)

    def _is_narrow(self, data: str) -> bool:
        if self._narrow.issuperset(data):
            return True
        self._narrow.update(char for char in data if wcwidth(char) == 1)
        return self._narrow.issuperset(data)

    def select_graphic_rendition(self, *attrs: int, **options: bool) -> None:
        if options or modes.DECSCNM in self.mode:
            super().select_graphic_rendition(*attrs, **options)
            return
        key = self.cursor.attrs, attrs
        if key not in self._renditions:
            super().select_graphic_rendition(*attrs)
            self._renditions[key] = self.cursor.attrs
        self.cursor.attrs = self._renditions[key]


class Stream(pyte.ByteStream):
    """Takes a CSI sequence as a whole, where it has come as a whole."""

    def feed(self, data: bytes) -> None:
        text = self.utf8_decoder.decode(data)
        screen, send, match_text = self.listener, self._send_to_parser, self._text_pattern.match
        between = self._taking_plain_text  # between two sequences
        offset, length = 0, len(text)
        while offset < length:
            if between and (found := match_text(text, offset)):
                screen.draw(found[0])
            elif between and (found := _CSI.match(text, offset)) and found[3] in self.csi:
                numbers = [min(int(number or 0), _LARGEST) for number in found[2].split(";")]
                getattr(screen, self.csi[found[3]])(*numbers, **({"private": True} if found[1] else {}))
            else:
                between = send(text[offset])
                offset += 1
                continue
            offset = found.end()
        self._taking_plain_text = between
