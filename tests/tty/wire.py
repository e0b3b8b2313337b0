"""What goes over the wire to a terminal, taken apart: Textual's own sequences, and text."""

from __future__ import annotations

import base64
import re
import unicodedata

_SEQUENCE = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)"
)
_COPY = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
_RUNG = re.compile(r"\x07\x1b\]9;([^\x07\x1b]*)\x1b\\")
_COLOUR = r"[34]8;(?:2;\d+;\d+;\d+|5;\d+)"
_OWN = re.compile(
    "|".join(
        (
            # Never blinking, concealed, or of 16 colours; 22 to 29 end what others began.
            rf"\x1b\[(?:(?:0|[12347]|2[2347]|39|49|{_COLOUR})(?:;|(?=m)))*m",
            r"\x1b\[\d+;\d+H",
            r"\x1b\[(?:\d+;\d+)?r",
            r"\x1b\[\d+[LM]",
            r"\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1049|2004|2026)[hl]",
            r"\x1b\[\?(?:2026|2048)\$p",
            r"\x1b\[>\d+u",
            r"\x1b\[<u",
            r"\x1b\]22;[a-z]+\x07",  # the shape of the mouse pointer
        )
    )
)
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
_DIRECTING = {
    *"\u061c\u200b\u200c\u200d\u200e\u200f\ufeff\ufff9\ufffa\ufffb",
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2070)),
    *map(chr, range(0xE0000, 0xE0080)),
}


def harmful(text: str) -> set[str]:
    """The characters of a text that a terminal or a reader would obey rather than show; a line feed is none."""
    return {char for char in text if (unicodedata.category(char) in _UNSEEN and char != "\n") or char in _DIRECTING}


def foreign(raw: bytes) -> list[str]:
    """What in a terminal's input is not Textual's own: sequences, and harmful characters of the text between them."""
    text = _RUNG.sub(r"\1", _COPY.sub("", raw.decode()))
    found = [sequence for sequence in _SEQUENCE.findall(text) if not _OWN.fullmatch(sequence)]
    return found + sorted(harmful(_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")))


def copied(raw: bytes) -> list[str]:
    """What was copied to the terminal's clipboard."""
    return [base64.b64decode(found).decode() for found in _COPY.findall(raw.decode())]


def rung(raw: bytes) -> list[str]:
    """What the terminal was told to notify of, each with its bell."""
    return _RUNG.findall(raw.decode())
