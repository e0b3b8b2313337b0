"""What the terminal is sent: the same picture in fewer bytes."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

from console.tui.terminal import EscapeFirst, shorter

COLOURS = st.sampled_from([None, "#d9e1ea", "#10151c", "red", "bright_blue", "color(214)", "default"])
FLAGS = {name: st.sampled_from([None, True]) for name in ("bold", "dim", "italic", "underline", "reverse", "strike")}
STYLES = st.builds(Style, color=COLOURS, bgcolor=COLOURS, **FLAGS)
TEXTS = st.sampled_from(["DRAIN", " ", "     ", "a b ", "▸ 1"])
MOVES = st.sampled_from(["", "", "\n", "\x1b[3;7H", "\n\x1b[5;1H"])
PIECES = st.lists(st.tuples(MOVES, TEXTS, STYLES), max_size=12)


def drawn(data: str) -> list[list[object]]:
    """The cells of a terminal, so high that nothing scrolls; of a blank one only what can be seen."""
    screen = pyte.Screen(30, 40)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed(data)
    cells = [[screen.buffer[y][x] for x in range(30)] for y in range(40)]
    return [[_seen(cell) for cell in row] for row in cells]


def _seen(cell: pyte.screens.Char) -> object:
    hidden = cell.data == " " and not (cell.underscore or cell.reverse or cell.strikethrough)
    return (" ", cell.bg) if hidden else cell


def sent(pieces: list[tuple[str, str, Style]]) -> str:
    return "".join(move + Strip.render_style(style, text, ColorSystem.TRUECOLOR) for move, text, style in pieces)


@given(PIECES, PIECES)
def test_the_picture_is_the_same(first, second):
    assert drawn(shorter(sent(first)) + shorter(sent(second))) == drawn(sent(first) + sent(second))


def test_only_what_changes_is_sent():
    blue, bold = Style(color="#7cbcff", bgcolor="#10151c"), Style(color="#7cbcff", bgcolor="#10151c", bold=True)
    data = sent([("", "a", blue), ("", "b", bold), ("\n\x1b[2;1H", "c", blue)])
    assert shorter(data) == "\x1b[38;2;124;188;255;48;2;16;21;28ma\x1b[1mb\x1b[2;1H\x1b[22mc\x1b[0m"


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("\x1b5", "escape 5"),
        ("\x1bgjjD", "escape g j j D"),
        ("\x1bg\x1b:", "escape g escape colon"),
        ("\x1b\x1bR", "escape escape R"),
        ("x\x1b" + "j" * 40, "x escape" + " j" * 40),
        ("\x1bO", "escape O"),
        ("\x1b", "escape"),
        ("\x1bOP\x1b[A\x1b[1;5C", "f1 up ctrl+right"),
        ("\x1bf\x1bb", "ctrl+right ctrl+left"),
    ],
)
def test_esc_and_the_key_right_after_it_are_these_two_keys(sent, keys):
    parser = EscapeFirst()
    read = [*parser.feed(sent)]
    parser._timeout_time = 0.0 if parser._timeout_time is not None else None  # nothing more comes
    read += parser.tick()
    assert " ".join(event.key for event in read) == keys
    assert not any(event.character and not event.character.isascii() for event in read)
