"""A runbook's Markdown as lines: headings, lists, code. What is not understood is shown as it is."""

from __future__ import annotations

import re

from console.view.line import EMPTY, Line, Span, Tone, line, span, wrap

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)\s*#*")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,3}[.)])\s+(?:\[( |x|X)\]\s+)?(.*)")
_FENCE = re.compile(r"\s*(```|~~~)")
_PIECE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|__([^_]+)__|\[([^\]]+)\]\(([^)\s]+)\)")


def runbook(text: str, width: int) -> list[Line]:
    """The whole of it in lines of `width` cells. Code is cut at the edge, not broken."""
    lines: list[Line] = []
    paragraph: list[str] = []
    fenced = False

    def end_paragraph() -> None:
        if paragraph:
            lines.extend(_wrapped(" ".join(paragraph), width))
            paragraph.clear()

    for raw in text.splitlines():
        if _FENCE.match(raw):
            end_paragraph()
            fenced = not fenced
        elif fenced or (raw.startswith("    ") and not paragraph and not _ITEM.fullmatch(raw)):
            end_paragraph()
            lines.append(line(span("  " + raw, Tone.ACCENT)))
        elif not raw.strip():
            end_paragraph()
            if lines and lines[-1] != EMPTY:
                lines.append(EMPTY)
        elif heading := _HEADING.fullmatch(raw):
            end_paragraph()
            lines += _wrapped(heading[1], width, Tone.TITLE)
        elif item := _ITEM.fullmatch(raw):
            end_paragraph()
            indent, mark, box, rest = item.groups()
            mark = f"{mark} " if mark[0].isdigit() else "- "
            if box is not None:
                mark += "[ ] " if box == " " else "[x] "
            margin = " " * min(len(indent), 8)
            lines += _hanging(margin + mark, rest, width)
        elif raw.lstrip().startswith((">", "|")):
            end_paragraph()
            lines += _wrapped(raw.strip(), width, Tone.DIM)
        else:
            paragraph.append(raw.strip())
    end_paragraph()
    return lines


def _hanging(head: str, text: str, width: int) -> list[Line]:
    body = _wrapped(text, max(8, width - len(head))) or [EMPTY]
    blank = Span(" " * len(head), Tone.NORMAL)
    return [(span(head, Tone.ACCENT) if number == 0 else blank, *item) for number, item in enumerate(body)]


def _wrapped(text: str, width: int, tone: Tone = Tone.NORMAL) -> list[Line]:
    """Wrapped text, with what is marked in it toned."""
    pieces: list[tuple[str, Tone]] = []
    at = 0
    for found in _PIECE.finditer(text):
        pieces.append((text[at : found.start()], tone))
        code, bold, strong, title, address = found.groups()
        if code:
            pieces.append((code, Tone.ACCENT))
        elif bold or strong:
            pieces.append((bold or strong, Tone.STRONG))
        else:
            pieces += [(title, tone), (f" ({address})", Tone.DIM)]
        at = found.end()
    pieces.append((text[at:], tone))
    tones = [piece_tone for piece, piece_tone in pieces for _ in piece]
    whole = "".join(piece for piece, _ in pieces)
    shown: list[Line] = []
    place = 0
    for part in wrap(whole, width):
        start = whole.find(part, place)
        if start < 0:  # made harmless on the way, and so another text
            shown.append(line(span(part, tone)))
            continue
        place = start + len(part)
        spans: list[Span] = []
        for char, char_tone in zip(part, tones[start:place], strict=True):
            if spans and spans[-1].tone is char_tone:
                spans[-1] = Span(spans[-1].text + char, char_tone)
            else:
                spans.append(Span(char, char_tone))
        shown.append(tuple(spans))
    return shown
