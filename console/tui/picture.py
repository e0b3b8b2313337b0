"""What the terminal shows, cell by cell: it is sent only what becomes another, and moves itself what has moved.

Textual ends every piece of text with a reset and begins the next with all of its style, fills lines with blanks, and
paints a page anew that was scrolled by a row. The picture is the same in a fraction of the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, is_not
from typing import NamedTuple

from rich.cells import cell_len, split_graphemes

_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(\n)|([^\x00-\x1f\x7f-\x9f]+)")
_MOVE, _STYLE, _END = 2, 3, 4
"""The last group of each token; text otherwise."""
_CODE = re.compile(r"[34]8;(?:5;\d+|2;\d+;\d+;\d+)|\d+")
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29"}
"""What ends each attribute (ECMA-48, 8.3.117)."""
_SEEN_ON_BLANKS = frozenset("479")
_NEAR = 4
"""So many unchanged cells cost less than to move across them."""
_FEW = 4
"""Fewer changed rows are not worth a look at what has moved."""
_WORTH = 60
"""So many cells must be saved where the terminal moves rows."""
_ANOTHER = re.compile(rb"\x01+")
"""Columns that lie side by side, each True where its cell is another."""


class _Style(NamedTuple):
    attributes: frozenset[str]
    text: str
    ground: str


class _Cell(NamedTuple):
    """A character. Those that were made of the same in the same style are the same object."""

    text: str
    style: _Style


class _Odd(_Cell):
    """A cell of which terminals disagree how wide it is, perhaps with marks over it; empty where it is the right half
    of a wide one."""


_Row = list[_Cell]


class _Piece(NamedTuple):
    """Text that Textual has painted somewhere."""

    y: int
    x: int
    text: str
    style: _Style
    cells: list[_Cell]


class _Text(NamedTuple):
    """Text that is to be written, so many cells wide."""

    y: int
    x: int
    text: str
    style: _Style
    width: int


class _Frame(NamedTuple):
    pieces: list[_Piece]
    cursor: tuple[int, int]


_RESET = _Style(frozenset(), "39", "49")
_UNKNOWN = _Cell("", _RESET)
"""What is on the terminal, nobody knows. It is not what is wanted."""


class Picture:
    """The cells of a terminal of that size. They are known once all of them have been painted."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._shown: list[_Row] = []
        self._cursor = (0, 0)
        self._whole = False
        self._forget()

    def leading_to(self, data: str) -> str:
        """What makes the terminal show what it would show after this frame of Textual's. One of the whole screen is
        sent whole, so that it mends what others wrote. One that is not understood is sent as it is, and nothing is
        known from then."""
        try:
            frame = _read(data)
            wanted = self._with(frame)
        except ValueError:
            self._forget()
            return data
        out = _Output()
        painted = sum(len(piece.cells) for piece in frame.pieces)
        self._whole = self._whole or painted >= self.columns * self.rows
        if self._whole and painted < self.columns * self.rows:
            self._scroll(wanted, out)
            for text in self._to_write(wanted):
                out.write(text)
            if out.empty and frame.cursor == self._cursor:
                return ""
        else:
            for y, x, said, style, cells in frame.pieces:
                out.write(_Text(y, x, said, _blank(style) if said.isspace() else style, len(cells)))
        self._shown, self._cursor = wanted, frame.cursor
        return out.ending_at(*frame.cursor)

    def _forget(self) -> None:
        self._whole = False
        self._shown = _unknown(self.rows, self.columns)

    def _with(self, frame: _Frame) -> list[_Row]:
        """The rows after a frame; those that it leaves alone are the same objects. ValueError: its size is another."""
        rows, own = list(self._shown), set[int]()
        for y, x, _, _, cells in frame.pieces:
            end = x + len(cells)
            if not 0 <= y < self.rows or end > self.columns:
                raise ValueError
            if y not in own:
                own.add(y)
                rows[y] = rows[y].copy()
            _part(rows[y], x, end)
            rows[y][x:end] = cells
        return rows

    def _changed(self, wanted: list[_Row]) -> list[int]:
        pairs = enumerate(zip(self._shown, wanted, strict=True))
        return [y for y, (old, new) in pairs if new is not old and new != old]

    def _to_write(self, wanted: list[_Row]) -> list[_Text]:
        """What of the rows is another, each style together. Rows with something odd in them go first, from left to
        right: what is wider than it should be is written over by what stands after it."""
        odd: list[_Text] = []
        plain: list[_Text] = []
        for y in self._changed(wanted):
            old, new = self._shown[y], wanted[y]
            if _Odd in map(type, (*old, *new)):
                odd += _texts(y, 0, new)
            else:
                for begin, end in _runs(old, new):
                    plain += _texts(y, begin, new[begin:end])
        return [*odd, *sorted(plain, key=_by_style)]

    def _scroll(self, wanted: list[_Row], out: _Output) -> None:
        """Has the terminal move rows, where that leaves less to be written. A scroll bar at the right may differ."""
        changed = self._changed(wanted)
        if len(changed) < _FEW:
            return
        where: dict[tuple[int, ...], int] = {}
        for y in changed:
            key = _key(self._shown[y])
            where[key] = -1 if key in where else y
        votes: dict[int, list[int]] = {}
        for y in changed:
            before = where.get(_key(wanted[y]), -1)
            if before not in (-1, y):
                votes.setdefault(before - y, []).append(y)
        if not votes:
            return
        by, found = max(votes.items(), key=lambda item: len(item[1]))
        top, bottom = min(found[0], found[0] + by), max(found[-1], found[-1] + by) + 1
        old, new = self._shown[top:bottom], wanted[top:bottom]
        blank = _unknown(abs(by), self.columns)
        moved = [*old[by:], *blank] if by > 0 else [*blank, *old[:by]]
        if _different(moved, new) + _WORTH < _different(old, new):
            out.move_rows(top, bottom, by)
            self._shown[top:bottom] = moved


class _Output:
    """Sequences for the terminal, with only the difference between one style and the next. Begins and ends with the
    terminal's own style."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._held = _RESET
        self._at: tuple[int, int] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be sent."""
        return not self._parts

    def move_rows(self, top: int, bottom: int, by: int) -> None:
        """Moves the rows from `top` to before `bottom` up, or down below 0, by VT102's margins and lines deleted and
        inserted."""
        lines = f"{by}M" if by > 0 else f"{-by}L"
        self._parts.append(f"\x1b[{top + 1};{bottom}r\x1b[{top + 1};1H\x1b[{lines}\x1b[r")

    def write(self, text: _Text) -> None:
        """A text in its place. After something odd nobody knows where the cursor is."""
        if (text.y, text.x) != self._at:
            self._parts.append(f"\x1b[{text.y + 1};{text.x + 1}H")
        self._add(text.text, text.style)
        self._at = (text.y, text.x + text.width) if _is_sure(text.text) else None

    def _add(self, text: str, style: _Style) -> None:
        held = self._held
        if not style.text:  # blanks
            seen = held.attributes & _SEEN_ON_BLANKS
            style = _Style(frozenset() if seen else held.attributes, held.text, style.ground)
        if style != held:
            self._parts.append(_difference(held, style))
            self._held = style
        self._parts.append(text)

    def ending_at(self, x: int, y: int) -> str:
        """All of it, with the cursor at a place in the end."""
        reset = "\x1b[0m" if self._held != _RESET else ""
        return "".join((*self._parts, reset, f"\x1b[{y + 1};{x + 1}H"))


# -- what Textual says ------------------------------------------------------------------------------------------------


def _read(data: str) -> _Frame:
    """ValueError: it says something else than text, styles and moves."""
    pieces: list[_Piece] = []
    x = y = -1
    style, at = _RESET, 0
    for found in _TOKEN.finditer(data):
        if found.start() != at:
            raise ValueError
        at, kind = found.end(), found.lastindex
        if kind == _MOVE:
            y, x = int(found[1]) - 1, int(found[2]) - 1
        elif kind == _STYLE:
            style = _style(found[3])
        elif kind == _END:
            y = -1  # it says where it goes on
        else:
            cells = _cells(found[5], style)
            pieces.append(_Piece(y, x, found[5], style, cells))
            x += len(cells)
    if at != len(data) or y < 0:
        raise ValueError
    return _Frame(pieces, (x, y))


class _Known(dict[str, _Cell]):
    """The cells of a style, one for each character that every terminal draws one cell wide."""

    def __init__(self, style: _Style) -> None:
        super().__init__({" ": _Cell(" ", _blank(style))})
        self._style = style

    def __missing__(self, char: str) -> _Cell:
        cell = self[char] = _Cell(char, self._style)
        return cell


@lru_cache(maxsize=1024)
def _known(style: _Style) -> _Known:
    blank = _blank(style)
    known = _Known(style)
    if blank != style:
        known[" "] = _known(blank)[" "]
    return known


_sure: set[str] = set()
"""Characters that every terminal draws one cell wide, as far as they have been met."""


def _is_sure(text: str) -> bool:
    if not _sure.issuperset(text):
        drawn = (char for char in text if char < "\u0250" or "\u2010" <= char < "\u27c0")
        _sure.update(char for char in drawn if cell_len(char) == 1)
    return _sure.issuperset(text)


def _cells(text: str, style: _Style) -> list[_Cell]:
    known = _known(style)
    if _is_sure(text):
        return list(map(known.__getitem__, text))
    found: list[_Cell] = []
    for begin, end, width in split_graphemes(text)[0]:
        piece = text[begin:end]
        if width == 0:
            raise ValueError
        found.append(known[piece] if _is_sure(piece) else _Odd(piece, style))
        found.extend([_Odd("", style)] * (width - 1))
    return found


@lru_cache(maxsize=1024)
def _style(codes: str) -> _Style:
    attributes, text, ground = set(), "39", "49"
    for code in _CODE.findall(codes):
        if code in _OFF:
            attributes.add(code)
        elif code.startswith(("3", "9")):
            text = code
        elif code.startswith(("4", "10")):
            ground = code
        elif code != "0":
            raise ValueError
    return _Style(frozenset(attributes), text, ground)


@lru_cache(maxsize=1024)
def _blank(style: _Style) -> _Style:
    """Of a blank's style only the ground counts; no colour of the text then."""
    return style if style.attributes & _SEEN_ON_BLANKS else _Style(frozenset(), "", style.ground)


@lru_cache(maxsize=4096)
def _difference(before: _Style, after: _Style) -> str:
    """The sequence that leads from one style to the other."""
    off = {_OFF[code] for code in before.attributes - after.attributes}
    on = {code for code in after.attributes if _OFF[code] in off or code not in before.attributes}
    colours = [new for old, new in zip(before[1:], after[1:], strict=True) if new != old]
    return f"\x1b[{';'.join([*sorted(off), *sorted(on), *colours])}m"


# -- what is another --------------------------------------------------------------------------------------------------


def _part(row: _Row, begin: int, end: int) -> None:
    """Leaves blanks of the wide characters of which one half will be written over."""
    for x, left in ((begin, begin - 1), (end, end)):
        if x < len(row) and type(row[x]) is _Odd and not row[x].text:
            row[left] = _known(_blank(row[left].style))[" "]


def _unknown(rows: int, columns: int) -> list[_Row]:
    return [[_UNKNOWN] * columns for _ in range(rows)]


def _key(row: _Row) -> tuple[int, ...]:
    return tuple(map(id, row[:-1]))


def _different(old: list[_Row], new: list[_Row]) -> int:
    return sum(sum(map(is_not, before, after)) for before, after in zip(old, new, strict=True))


def _runs(old: _Row, new: _Row) -> Iterator[tuple[int, int]]:
    """The columns to be written, as (first, behind the last): words whole, and with them what is too short to be jumped
    over."""
    begin, end = -1, 0
    for found in _ANOTHER.finditer(bytes(map(is_not, old, new))):
        if found.end() <= end:
            continue
        first, last = max(found.start(), end), found.end()
        while first > end and _is_word(new[first - 1]) and _is_word(new[first]):
            first -= 1
        while last < len(new) and _is_word(new[last - 1]) and _is_word(new[last]):
            last += 1
        if begin >= 0 and not _is_near(new, end, first):
            yield begin, end
            begin = -1
        begin, end = first if begin < 0 else begin, last
    if begin >= 0:
        yield begin, end


def _texts(y: int, x: int, cells: _Row) -> list[_Text]:
    """The same as texts of one style each. Blanks belong to what is before them, where they are seen as such."""
    found: list[_Text] = []
    for style, group in groupby(cells, key=attrgetter("style")):
        texts = [cell.text for cell in group]
        text, width = "".join(texts), len(texts)
        before = found[-1] if found else None
        if before is not None and style == _blank(before.style):
            found[-1] = before._replace(text=before.text + text, width=before.width + width)
        else:
            found.append(_Text(y, x, text, style, width))
        x += width
    return found


def _by_style(text: _Text) -> tuple[str, str, list[str]]:
    """Each style is said once, wherever it stands. Blanks come first: they need no colour of the text."""
    return text.style.ground, text.style.text, sorted(text.style.attributes)


def _is_word(cell: _Cell) -> bool:
    return cell.text.isalnum()


def _is_near(row: _Row, end: int, begin: int) -> bool:
    """Whether what lies between is written for less than it is jumped over: it is short, and needs no other style."""
    style = row[end - 1].style
    return begin - end <= _NEAR and all(
        cell.style is style or (cell.text == " " and cell.style.ground == style.ground) for cell in row[end:begin]
    )
