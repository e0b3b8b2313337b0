"""Outside text made harmless: the one function through which every foreign string enters."""

from __future__ import annotations

import re

LIMIT = 4_000
"""Characters kept of one foreign string."""

_HIDDEN = "\ufffd"
# Control (C0, DEL, C1), escape, bidi controls and isolates, line and paragraph separators, _MANY: Textual 8
# passes each of them to the terminal, from Content and Text too. And what Unicode calls default-ignorable (soft hyphen,
# fillers, zero-width, tags): terminals disagree on its width, so it moves what stands beside it.
_UNSAFE: dict[int, str | None] = {
    code: _HIDDEN
    for code in (
        *range(0x20),
        *range(0x7F, 0xA0),
        0xAD,
        0x034F,
        0x061C,
        *range(0x115F, 0x1161),
        *range(0x17B4, 0x17B6),
        *range(0x180B, 0x1810),
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        0x3164,
        0xFEFF,
        0xFFA0,
        *range(0xFFF0, 0xFFFC),
        *range(0x1BCA0, 0x1BCA4),
        *range(0x1D173, 0x1D17B),
    )
}
_UNSAFE |= {0x09: " ", 0x0A: " ", 0x0D: " "}
_UNSAFE |= dict.fromkeys(range(0xFE00, 0xFE10))  # variation selectors go: the character before them stays

# Lone surrogates, and tags: thousands, which a table would only hold.
_MANY = re.compile("[\ud800-\udfff\U000e0000-\U000e0fff]")
# Blocks of marks that are drawn over the character before them. More than a few climb over the lines around.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_PILE = re.compile(f"([{_MARKS}]{{3}})[{_MARKS}]+")


def safe(text: str, limit: int = LIMIT) -> str:
    """`text` on one line, free of anything a terminal would obey, at most `limit` characters, a cut marked."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return _PILE.sub(r"\1", _MANY.sub(_HIDDEN, text.translate(_UNSAFE)))


def quoted(text: str) -> str:
    """A string of PromQL, or of one of Alertmanager's matchers."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
