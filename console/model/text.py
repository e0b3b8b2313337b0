"""Outside text made harmless: the one function through which every foreign string enters."""

from __future__ import annotations

LIMIT = 4_000
"""Characters kept of one foreign string."""

# Control (C0, DEL, C1), escape, bidi controls and isolates, zero-width, line and paragraph separators, BOM, lone
# surrogates: Textual 8 passes each of them to the terminal, from Content and Text too.
_UNSAFE: dict[int, str] = {
    code: "\ufffd"
    for code in (
        *range(0x20),
        *range(0x7F, 0xA0),
        0x061C,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        *range(0xFFF9, 0xFFFC),
        *range(0xD800, 0xE000),
        *range(0xE0000, 0xE0080),
    )
}
_UNSAFE |= {0x09: " ", 0x0A: " ", 0x0D: " "}


def safe(text: str, limit: int = LIMIT) -> str:
    """`text` on one line, free of anything a terminal would obey, at most `limit` characters, a cut marked."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isascii() and text.isprintable() else text.translate(_UNSAFE)
