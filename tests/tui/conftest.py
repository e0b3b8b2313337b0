"""A console on a Board that the test chooses, driven by keys."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from textual.css.stylesheet import Stylesheet

from console.tui.app import ConsoleApp
from tests.tui.fake import FakeEngine, StillClock
from tests.view import boards


@pytest.fixture(scope="session", autouse=True)
def _styles_are_parsed_once():
    """Every screen of every test would parse the same sheets anew, a fourteenth of its work. What is made of a sheet
    depends on the theme's variables and nothing else; within one app Textual keeps it itself."""
    parse, kept = Stylesheet._parse_rules, {}

    def parse_once(self, css, read_from, is_default_rules=False, tie_breaker=0, scope=""):
        sheet = (css, read_from, is_default_rules, tie_breaker, scope, *self._variables.items())
        if sheet not in kept:
            kept[sheet] = parse(self, css, read_from, is_default_rules, tie_breaker, scope)
        return kept[sheet]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


class Driver:
    """What a test does with the console, in words."""

    def __init__(self, app, pilot, engine, clock):
        self.app, self.pilot, self.engine, self.clock = app, pilot, engine, clock

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text):
        for char in text:
            self.app.focused.insert_text_at_cursor(char)
        await self.settle()

    async def focus(self, selector):
        self.app.screen.query_one(selector).focus()
        await self.settle()

    async def settle(self):
        for _ in range(2):
            await self.pilot.pause()

    async def until(self, holds):
        """Settles until something holds: much to draw takes a busy machine more than one turn."""
        async with asyncio.timeout(60):
            while not holds():
                await self.settle()

    def text(self):
        """The whole screen as it is painted."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    @property
    def screen(self):
        return self.app.screen


@asynccontextmanager
async def console(board=None, size=(80, 24), settings=None, **options):
    clock = StillClock()
    engine = FakeEngine(board or boards.busy(), clock)
    if settings is not None:
        engine.settings = settings
    app = ConsoleApp(lambda: (engine, clock), zone=lambda now: None, **options)
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot, engine, clock)
        for _ in range(100):
            await driver.settle()
            if engine.started and "SLO" in driver.text():
                break
        yield driver


@pytest.fixture
def open_console():
    return console
