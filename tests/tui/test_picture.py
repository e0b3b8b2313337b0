"""What the terminal is sent: the same picture in fewer bytes."""

from __future__ import annotations

import re

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

from console.tui.picture import Picture

COLUMNS, ROWS = 24, 9
COLOURS = st.sampled_from([None, "#d9e1ea", "#10151c", "red", "bright_blue", "color(214)", "default"])
FLAGS = {name: st.sampled_from([None, True]) for name in ("bold", "dim", "italic", "underline", "reverse", "strike")}
STYLES = st.builds(Style, color=COLOURS, bgcolor=COLOURS, **FLAGS)
TEXTS = st.sampled_from(["DRAIN", " ", "     ", "a b ", "▸ 1", "─────", "25 %", "26 %", "日本", "e\u0301", "🙂 ok"])
GROUND, TEXT = Style(bgcolor="#10151c"), Style(color="#d9e1ea", bgcolor="#10151c")


def fill(pieces):
    """A row of pieces, as wide as the screen."""
    row, room = [], COLUMNS
    for text, style in pieces:
        if cell_len(text) <= room:
            row.append((text, style))
            room -= cell_len(text)
    return (*row, (" " * room, GROUND)) if room else (*row,)


LINES = st.lists(st.tuples(TEXTS, STYLES), max_size=5).map(fill)
SCREENS = st.lists(LINES, min_size=ROWS, max_size=ROWS)
STEPS = st.one_of(
    st.tuples(st.just("scroll"), st.integers(0, 3), st.integers(5, ROWS), st.integers(-3, 3), LINES),
    st.tuples(st.just("write"), st.integers(0, ROWS - 1), LINES),
    st.tuples(st.just("replace"), SCREENS),
)


def painted(rows):
    """Whole rows as Textual paints them, by their numbers."""
    return "".join(
        f"\x1b[{y + 1};1H" + "".join(Strip.render_style(style, text, ColorSystem.TRUECOLOR) for text, style in row)
        for y, row in rows.items()
    )


class Terminal:
    """A terminal, and what was sent to it."""

    def __init__(self):
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.screen.reset_mode(pyte.modes.DECAWM >> 5, private=True)
        self.stream = pyte.Stream(self.screen)

    def feed(self, data):
        self.stream.feed(data)

    def cells(self):
        """All that can be seen."""
        rows = [[self.screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]
        return [[_seen(cell) for cell in row] for row in rows], (self.screen.cursor.x, self.screen.cursor.y)


def _seen(cell):
    hidden = cell.data == " " and not (cell.underscore or cell.reverse or cell.strikethrough)
    return (" ", cell.bg) if hidden else cell


def after(rows, step):
    """The rows after a step, and those that are painted."""
    match step:
        case ("scroll", top, bottom, by, line):
            band = rows[top:bottom]
            moved = [*band[by:], *[line] * by] if by >= 0 else [*[line] * -by, *band[:by]]
            new = [*rows[:top], *moved[: bottom - top], *rows[bottom:]]
            return new, range(top, bottom)
        case ("write", y, line):
            return [*rows[:y], line, *rows[y + 1 :]], [y]
        case ("replace", new):
            return new, range(1, ROWS)
    raise AssertionError(step)


@settings(max_examples=40, deadline=None)
@given(SCREENS, st.lists(STEPS, max_size=6))
def test_the_picture_is_the_same(rows, steps):
    picture, plain, thrifty = Picture(COLUMNS, ROWS), Terminal(), Terminal()
    frames = [painted(dict(enumerate(rows)))]
    for step in steps:
        rows, numbers = after(rows, step)
        frames.append(painted({y: rows[y] for y in numbers}))
    for frame in frames:
        frame += "\x1b[2;3H"
        plain.feed(frame)
        thrifty.feed(picture.leading_to(frame))
        assert thrifty.cells() == plain.cells()


def shown(*rows):
    """A picture of some lines of text, and of blank ones below."""
    picture = Picture(COLUMNS, ROWS)
    lines = [*rows, *[""] * (ROWS - len(rows))]
    picture.leading_to("".join(line(y, text) for y, text in enumerate(lines)))
    return picture


def line(y, text):
    return painted({y: ((text.ljust(COLUMNS), TEXT),)})


def said(data):
    """Without styles."""
    return re.sub(r"\x1b\[[\d;]*m", "", data)


def test_only_the_words_that_change_are_sent():
    picture = shown("", "", "SHARE  at 24 % of all")
    data = picture.leading_to(line(2, "SHARE  at 25 % of all") + "\x1b[1;1H")
    assert data == "\x1b[3;11H\x1b[38;2;217;225;234;48;2;16;21;28m25\x1b[0m\x1b[1;1H"


def test_a_page_scrolled_by_a_row_is_moved_by_the_terminal():
    rows = [" ".join(chr(97 + (number * step) % 26) * 3 for step in (1, 3, 5, 7, 9)) for number in range(ROWS + 1)]
    picture = shown(*rows[:ROWS])
    down = picture.leading_to("".join(line(y, rows[y + 1]) for y in range(1, ROWS)) + "\x1b[1;1H")
    assert said(down) == f"\x1b[2;9r\x1b[2;1H\x1b[1M\x1b[r\x1b[9;1H{rows[9].ljust(COLUMNS)}\x1b[1;1H"
    up = picture.leading_to("".join(line(y, rows[y]) for y in range(1, ROWS)) + "\x1b[1;1H")
    assert said(up) == f"\x1b[2;9r\x1b[2;1H\x1b[1L\x1b[r\x1b[2;1H{rows[1].ljust(COLUMNS)}\x1b[1;1H"


def test_what_is_shown_already_is_not_sent():
    picture = shown("SHARE  25 %")
    assert picture.leading_to(line(0, "SHARE  26 %") + "\x1b[1;1H")
    assert picture.leading_to(line(0, "SHARE  26 %") + "\x1b[1;1H") == ""
    assert picture.leading_to(line(0, "SHARE  26 %") + "\x1b[5;2H") == "\x1b[5;2H", "the cursor of a field is seen"


def test_blanks_are_sent_where_there_was_something():
    picture = shown("SHARE", "BACK")
    assert said(picture.leading_to(line(0, "") + "\x1b[1;1H")) == "\x1b[1;1H     \x1b[1;1H"


def test_the_whole_screen_is_sent_whole():
    """It mends what another program wrote over it."""
    picture = shown("SHARE  25 %")
    rows = {y: ((("" if y else "SHARE  25 %").ljust(COLUMNS), TEXT),) for y in range(ROWS)}
    frame = painted(rows) + "\x1b[1;1H"
    assert said(picture.leading_to(frame)).count("SHARE  25 %") == 1


@pytest.mark.parametrize(
    "strange", ["\x1b[2J", "a\tb", "\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "\x1b[53ma"]
)
def test_what_is_not_understood_is_sent_as_it_is_and_nothing_is_known_from_then(strange):
    picture = shown("SHARE  25 %")
    assert picture.leading_to(f"\x1b[1;1H{strange}\x1b[1;1H") == f"\x1b[1;1H{strange}\x1b[1;1H"
    assert "SHARE  25 %" in picture.leading_to(line(0, "SHARE  25 %") + "\x1b[1;1H")


def test_a_row_with_something_odd_is_sent_whole():
    """Terminals disagree how wide it is, so that nobody knows where the rest stands: it is put where it belongs."""
    picture = shown("café 日 at 24 %".ljust(COLUMNS - 1))
    row = (("café 日", TEXT), (" at ", GROUND), ("25 %".ljust(COLUMNS - 11), Style(color="red")))
    data = picture.leading_to(painted({0: row}) + "\x1b[1;1H")
    assert said(data).startswith("\x1b[1;1Hcafé 日\x1b[1;8H at 25 %")


def test_of_a_wide_character_that_is_half_written_over_a_blank_is_left():
    picture, terminal = Picture(COLUMNS, ROWS), Terminal()
    rows = {y: ((" " * COLUMNS if y else "日本".ljust(COLUMNS - 2), TEXT),) for y in range(ROWS)}
    for frame in (painted(rows), painted({0: (("a", TEXT),)}), "\x1b[1;4Hb", "\x1b[1;8Hc"):
        terminal.feed(picture.leading_to(frame + "\x1b[1;1H"))
    assert terminal.screen.display[0].rstrip() == "a  b   c"
