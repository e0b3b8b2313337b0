"""After keys that scroll, the terminal shows what it would show if all of it were painted anew."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rich.control import Control
from textual._compositor import CompositorUpdate

from console.tui.terminal import FewBytes
from tests.tty.vt import Screen, Stream
from tests.tui.conftest import console
from tests.view import rollouts

SCREENS = ["0", "B", "V", "5"]
KEYS = ["jj", "k", " ", "G", "kkk", "g"]


class Wire:
    """The terminal behind the driver of a console, which writes what Textual draws from now on."""

    def __init__(self, app):
        self._app, self.sent = app, 0
        self._driver = FewBytes.__new__(FewBytes)
        self._driver._app, self._driver._writer_thread = app, SimpleNamespace(write=self._feed)
        self._open()
        display = app._display

        def seen(screen, update):
            if isinstance(update, CompositorUpdate):
                self._driver.write(_data(app, update))
            display(screen, update)

        app._display = seen

    def _open(self):
        self._screen = Screen(*self._app.size)
        self._stream = Stream(self._screen)
        self._driver.write("\x1b[?1049h")
        self._driver.write(_data(self._app, self._app.screen._compositor.render_full_update()))

    def _feed(self, data):
        self.sent += len(data)
        self._stream.feed(data.encode())

    def cells(self):
        return _cells(self._screen)

    async def resize(self, at, columns, rows):
        """As a terminal that keeps what is in its corner."""
        self._screen.resize(rows, columns)
        await at.pilot.resize_terminal(columns, rows)
        await at.settle()


def _data(app, update):
    return update.render_segments(app.console) + Control.move_to(*app.cursor_position).segment.text


def _cells(screen):
    rows = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
    return [[(" ", cell.bg) if cell.data == " " and not cell.reverse else cell for cell in row] for row in rows]


def anew(app):
    """What a terminal shows of which everything is painted."""
    screen = Screen(*app.size)
    Stream(screen).feed(_data(app, app.screen._compositor.render_full_update()).encode())
    return _cells(screen)


async def pressed(at, wire, keys):
    for key in keys:
        await at.press("space" if key == " " else key)
    assert wire.cells() == anew(at.app), keys


@pytest.mark.parametrize(
    ("mode", "size"), [("colours", (140, 24)), ("the terminal's own", (80, 24)), ("ASCII", (80, 24))]
)
async def test_what_was_scrolled_is_what_is_painted_anew(mode, size, monkeypatch):
    if mode == "the terminal's own":
        monkeypatch.setenv("NO_COLOR", "1")
    async with console(rollouts.breached(), size, ascii_marks=mode == "ASCII") as at:
        wire = Wire(at.app)
        for screen in SCREENS:
            await at.press(screen)
            for keys in KEYS:
                await pressed(at, wire, keys)


async def test_after_the_terminal_was_resized_too():
    async with console(rollouts.breached(), (140, 24)) as at:
        wire = Wire(at.app)
        await pressed(at, wire, "0jj")
        for columns, rows in ((80, 24), (160, 24), (140, 20)):
            await wire.resize(at, columns, rows)
            await pressed(at, wire, "")
            await pressed(at, wire, "jjk")


async def test_a_row_further_is_sent_in_a_fraction_of_what_is_seen():
    async with console(rollouts.breached(), (140, 24)) as at:
        await at.press("0")
        wire = Wire(at.app)
        for key in ("j", "j", "k"):
            before = wire.sent
            await at.press(key)
            assert 0 < wire.sent - before < 1000
