"""Lines: text with a meaning for every piece, and the little layout that they need.

A line knows no colour. A front end gives each `Tone` a look; the words and marks alone must say everything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from console.model.text import safe


class Tone(StrEnum):
    """What a piece of text means. ALARM must not be overlooked; TAG names the mode of the whole console."""

    NORMAL = "normal"
    DIM = "dim"
    STRONG = "strong"
    TITLE = "title"
    ACCENT = "accent"
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    ALARM = "alarm"
    TAG = "tag"


class Span(NamedTuple):
    """Text of one meaning. Made with `span`, which makes the text harmless."""

    text: str
    tone: Tone


Line = tuple[Span, ...]
EMPTY: Line = ()


def span(text: str, tone: Tone = Tone.NORMAL) -> Span:
    """A piece of a line, whatever the text came from: nothing in it is obeyed by a terminal."""
    return Span(safe(text), tone)


def line(*parts: str | Span | Line) -> Line:
    """A line from pieces; a bare string is NORMAL, a line inside is spliced in, empty pieces vanish."""
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, str):
            spans.append(span(part))
        elif isinstance(part, Span):
            spans.append(part)
        else:
            spans.extend(part)
    return tuple(piece for piece in spans if piece.text)


def words(shown: Line) -> str:
    """The text of a line without its meaning."""
    return "".join(piece.text for piece in shown)


@lru_cache(maxsize=4096)
def _cells(char: str) -> int:
    # Never narrower than a terminal draws it: emoji selectors and unassigned wide blocks count as wide.
    if unicodedata.east_asian_width(char) in "WF":
        return 2
    code = ord(char)
    if code == 0xFE0F or 0x1F000 <= code < 0x20000:
        return 2
    return 0 if unicodedata.category(char) in ("Mn", "Me") and code < 0x1000 else 1


def width_of(text: str) -> int:
    """An upper bound of the terminal cells that `text` takes; exact for Latin, Greek, Cyrillic, CJK and our marks."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def line_width(shown: Line) -> int:
    """An upper bound of the cells that a line takes."""
    return sum(width_of(piece.text) for piece in shown)


def _fitting(text: str, width: int) -> int:
    """How many characters from the start of `text` take at most `width` cells. Looks no further than that, so that a
    label of 100 kB costs no more than what is seen of it."""
    if text.isascii():
        return min(len(text), max(width, 0))
    used = 0
    for index, char in enumerate(text):
        used += _cells(char)
        if used > width:
            return index
    return len(text)


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells, a cut marked by the ellipsis."""
    if _fitting(text, width) == len(text):
        return text
    room = width - width_of(ellipsis)
    return text[: _fitting(text, room)] + ellipsis if room >= 0 else ""


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells where widths are exact: cut, or filled with blanks."""
    text = cut(safe(text), width)
    return text + " " * (width - width_of(text))


def right(text: str, width: int) -> str:
    """Like `fit`, but against the right edge."""
    text = cut(safe(text), width)
    return " " * (width - width_of(text)) + text


def clip(shown: Line, width: int) -> Line:
    """A line in at most `width` cells."""
    used = 0
    kept: list[Span] = []
    for index, piece in enumerate(shown):
        text = piece.text + (" " if index + 1 < len(shown) else "")  # a line that goes on needs a cell to say so
        shortened = cut(text, width - used)
        if shortened != text:
            kept.append(Span(shortened, piece.tone))
            break
        kept.append(piece)
        used += width_of(piece.text)
    return tuple(piece for piece in kept if piece.text)


def parted(shown: Line, width: int) -> tuple[Line, Line]:
    """A line cut in two: at most `width` cells of it, and what is left."""
    room = width
    for index, piece in enumerate(shown):
        fitting = _fitting(piece.text, room)
        if fitting < len(piece.text):
            head = (*shown[:index], Span(piece.text[:fitting], piece.tone))
            rest = (Span(piece.text[fitting:], piece.tone), *shown[index + 1 :])
            return tuple(item for item in head if item.text), rest
        room -= width_of(piece.text)
    return shown, EMPTY


def spread(left: Line, end: Line, width: int) -> Line:
    """`left` at the left edge and `end` at the right one. When both do not fit, `left` is cut."""
    room = width - line_width(end)
    if room < 2:
        return clip(left, width)
    left = clip(left, room - 1) if end else clip(left, room)
    gap = room - line_width(left)
    return (*left, Span(" " * gap, Tone.NORMAL), *end) if end else left


def first_fit(width: int, *choices: Line) -> Line:
    """The first line that fits, else the last one, clipped. Give the most telling first."""
    for choice in choices:
        if line_width(choice) <= width:
            return choice
    return clip(choices[-1], width)


def join(pieces: Iterable[Line], separator: str = "  ") -> Line:
    """One line of several, with a quiet separator."""
    joined: list[Span] = []
    for piece in pieces:
        if not piece:
            continue
        if joined:
            joined.append(Span(separator, Tone.DIM))
        joined.extend(piece)
    return tuple(joined)


def flow(pieces: Sequence[Line], width: int, separator: str = "  ", indent: int = 0) -> list[Line]:
    """Pieces side by side, broken between pieces only; each line starts with `indent` blanks."""
    lines: list[Line] = []
    current: Line = EMPTY
    for piece in pieces:
        wider = join([current, piece], separator)
        if current and line_width(wider) > width - indent:
            lines.append(current)
            wider = piece
        current = wider
    lines.append(current)
    margin = Span(" " * indent, Tone.NORMAL)
    return [clip((margin, *item) if indent else item, width) for item in lines if item]


_WORDS = re.compile(r"\s*\S+(?:(?<=\d) (?:%|ms|min|s|h|d)(?![^\s,;:.)])[,;:.)]*)?")
"""A number and its unit are one word: neither is read without the other."""


def wrap(text: str, width: int) -> list[str]:
    """`text` broken at blanks, and inside words that are too long; line feeds break always."""
    width = max(width, 2)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        current = ""
        for word in _WORDS.findall(safe(paragraph)):
            if current and _fitting(word, width - width_of(current)) < len(word):
                lines.append(current)
                current = ""
            word = word.strip() if not current else word
            while not current and (fitting := _fitting(word, width)) < len(word):
                lines.append(word[:fitting])
                word = word[fitting:]
            current += word
        lines.append(current)
    return lines


def fold(shown: Line, width: int) -> list[Line]:
    """A line broken at blanks into as many as it needs, each piece with its tone."""
    if line_width(shown) <= width:
        return [shown]
    tones = [piece.tone for piece in shown for _ in piece.text]
    text, start = words(shown), 0
    lines: list[Line] = []
    for part in wrap(text, width):
        start = text.find(part, start) if part else start
        pieces = groupby(zip(part, tones[start:], strict=False), key=lambda item: item[1])
        lines.append(tuple(Span("".join(char for char, _ in piece), tone) for tone, piece in pieces))
        start += len(part)
    return lines


def labelled(label: str, body: Line | str, width: int, margin: int = 10, tone: Tone = Tone.NORMAL) -> list[Line]:
    """A dim label in the margin and a body that wraps beside it (a Line is clipped instead)."""
    head = span(fit(label, margin), Tone.DIM)
    if not isinstance(body, str):
        return [clip((head, *body), width)]
    pieces = wrap(body, max(width - margin, 8))
    blank = Span(" " * margin, Tone.NORMAL)
    return [clip((head if index == 0 else blank, span(text, tone)), width) for index, text in enumerate(pieces)]
