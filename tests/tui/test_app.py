"""How the console starts, looks and ends."""

from __future__ import annotations

import subprocess
import sys

import pytest
from rich.color import Color

from console.tui import theme
from console.tui.app import ConsoleApp
from console.tui.launch import utf8
from console.tui.screens.overview import OverviewScreen
from console.tui.session import CannotStart
from console.view.line import Tone
from tests.tui.fake import FakeEngine, StillClock
from tests.view import boards


def luminance(name):
    def part(value):
        value /= 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = Color.parse(name).get_truecolor()
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue)


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tone", list(Tone))
@pytest.mark.parametrize("ground", [theme.GROUND, theme.RAISED, theme.CURSOR])
def test_every_tone_is_readable_on_every_ground(tone, ground):
    style = theme.COLOURED[tone]
    assert contrast(style.color.name, style.bgcolor.name if style.bgcolor else ground) >= 4.5


def test_every_tone_has_a_look_with_and_without_colour():
    assert set(theme.COLOURED) == set(theme.PLAIN) == set(Tone)
    assert all(style.color is None and style.bgcolor is None for style in theme.PLAIN.values())


def test_nothing_heavy_is_imported_before_the_first_paint():
    code = (
        "import sys; from console.tui.app import ConsoleApp; ConsoleApp(lambda: None);"
        "heavy = {'msgspec', 'httpx', 'yaml', 'sqlite3', 'click'};"
        "ours = ('console.model.board', 'console.view.overview', 'console.engine', 'console.tui.screens');"
        "print([name for name in sys.modules if name.split('.')[0] in heavy or name.startswith(ours)])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


async def test_the_engine_is_made_off_the_loop_and_started_after_the_first_paint():
    import threading

    made = []

    def start():
        made.append(threading.current_thread() is threading.main_thread())
        clock = StillClock()
        return FakeEngine(boards.quiet(), clock), clock

    app = ConsoleApp(start, title="lighthouse DEMO")
    async with app.run_test() as pilot:
        for _ in range(50):
            await pilot.pause()
            if isinstance(app.screen, OverviewScreen):
                break
        assert made == [False]
        await pilot.pause()
        assert app.engine.started == 1


async def test_an_engine_that_cannot_be_had_ends_with_one_line():
    def start():
        raise CannotStart("journal.db: written by a newer oncall")

    app = ConsoleApp(start)
    async with app.run_test() as pilot:
        for _ in range(20):
            await pilot.pause()
    assert app.return_code == 1


def test_a_crash_says_its_kind_only_and_ends_with_1(capsys):
    def start():
        token = "s3cret"
        raise RuntimeError(token)

    app = ConsoleApp(start, log="/var/log/oncall.log")
    app.run(headless=True)
    assert app.return_code == 1
    said = capsys.readouterr()
    assert "oncall stopped: RuntimeError; see /var/log/oncall.log" in said.err + said.out
    assert "s3cret" not in said.err + said.out


async def test_colours_are_the_terminals_own_with_no_color(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    clock = StillClock()
    app = ConsoleApp(lambda: (FakeEngine(boards.busy(), clock), clock))
    assert app.theme == "ansi-dark"
    monkeypatch.setenv("NO_COLOR", "")
    assert ConsoleApp(lambda: None).theme == theme.NAME


async def test_a_quiet_screen_paints_nothing(open_console):
    async with open_console(boards.quiet()) as at:
        painted = []
        display = at.app._display
        at.app._display = lambda screen, update: (painted.append(update), display(screen, update))
        at.clock.advance(seconds=2)
        at.app.redraw()
        await at.settle()
        painted.clear()
        for _ in range(20):
            at.clock.advance(seconds=1)
            at.app.redraw()
            at.engine.show()
            await at.settle()
        assert [item for item in painted if item is not None] == []
        at.clock.advance(seconds=60)
        at.app.redraw()
        await at.settle()
        assert [item for item in painted if item is not None], "the clock went on"


async def test_boards_that_come_fast_are_drawn_at_most_once_a_second(open_console):
    async with open_console() as at:
        drawn = []
        redraw = at.app.redraw
        at.app.redraw = lambda: (drawn.append(1), redraw())
        for _ in range(50):
            at.engine.show()
            await at.pilot.pause()
        assert len(drawn) <= 2


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "C.UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, False),
        ({}, False),
        ({"LC_CTYPE": "de_DE.utf8"}, True),
    ],
)
def test_marks_are_ascii_unless_the_locale_writes_utf8(environ, expected):
    assert utf8(environ) is expected


async def test_the_picture_is_the_screen(open_console, tmp_path):
    async with open_console(boards.busy("demo"), pictures=tmp_path) as at:
        await at.press("ctrl+p")
        await at.type("picture")
        await at.press("enter")
        picture = next(tmp_path.glob("oncall-lighthouse-*.svg")).read_text()
        assert "CAN" in picture
        assert "DEMO" in picture
