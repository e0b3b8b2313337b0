"""What the tests see of a terminal is what pyte sees."""

import random

import pyte
import pytest

from tests.tty.vt import Screen, Stream

PIECES = [
    "plain text",
    "x" * 30,
    "─│╭ ✖ ·",
    "日本語",
    "e\u0301\u0302",
    "\U0001f469\u200d\U0001f680",
    "\r",
    "\n",
    "\b",
    "\t",
    "\x00",
    "\x7f",
    "\x0e",
    "\x1b[0m",
    "\x1b[m",
    "\x1b[1;38;2;1;22;233;48;5;17m",
    "\x1b[7;31m",
    "\x1b[27;39;49m",
    "\x1b[38;2m",
    "\x1b[5;3H",
    "\x1b[H",
    "\x1b[99999;99999H",
    "\x1b[2J",
    "\x1b[K",
    "\x1b[1K",
    "\x1b[3L",
    "\x1b[2M",
    "\x1b[2P",
    "\x1b[4X",
    "\x1b[2@",
    "\x1b[3A",
    "\x1b[2C",
    "\x1b[?25l",
    "\x1b[?1049h",
    "\x1b[?2026h",
    "\x1b[?2026$p",
    "\x1b[>1u",
    "\x1b[<u",
    "\x1b[4h",
    "\x1b[4l",
    "\x1b[?5h",
    "\x1b[?5l",
    "\x1b[?7l",
    "\x1b[?7h",
    "\x1b[2;6r",
    "\x1b[r",
    "\x1b[1\n2H",
    "\x1b]0;a title\x07",
    "\x1b]52;c;eA==\x1b\\",
    "\x1bM",
    "\x1b7",
    "\x1b8",
    "\x1bc",
    "\x1b(0",
    "\x1b[~",
    "\x9b3;4H",
    "\ud800",
]


def state(screen):
    cells = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
    return cells, screen.cursor.x, screen.cursor.y, screen.cursor.attrs, screen.mode, screen.title, screen.dirty


@pytest.mark.parametrize("seed", range(20))
def test_it_shows_what_pyte_shows(seed):
    draw = random.Random(seed)
    data = "".join(draw.choices(PIECES, k=300)).encode(errors="surrogatepass")
    ours, theirs = Screen(37, 9), pyte.Screen(37, 9)
    our_stream, their_stream = Stream(ours), pyte.ByteStream(theirs)
    while data:
        size = draw.choice((1, 2, 5, 40, 400))  # sequences and characters are torn, as reads tear them
        our_stream.feed(data[:size])
        their_stream.feed(data[:size])
        data = data[size:]
        assert state(ours) == state(theirs)
