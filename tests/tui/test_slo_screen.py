"""The SLO screen: the list, the pane beside it or on its own, its keys, its curves, and hostile names."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from console.engine.lookups import Firing, Found
from console.model.board import AlertFeed
from console.tui.dialogs.pick import Picker
from console.tui.screens.overview import OverviewScreen
from console.tui.screens.slos import SloScreen, SlosScreen
from console.tui.widgets.line_list import LineList
from tests.tui.screen import told
from tests.view import boards, levels
from tests.view.levels import CASES, NOW

HOSTILE = "[bold]x[/] \x1b]52;c;cm0=\x07 \u202e <script> \ud800 {{ a }}"


async def until(at, holds):
    """Waits for what comes by itself: the pane follows, slices are read, the curves' library is loaded."""
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)
            await at.pilot.pause()


async def opened(at, *keys):
    at.engine.lookups.histories = levels.histories()
    await at.press("9", *keys)
    assert isinstance(at.screen, SlosScreen | SloScreen)


def selected(at):
    return at.screen.query_one("#slos", LineList).selected.objective.name


def plots(at):
    return at.screen._pane._plots


async def curves(at):
    await until(at, lambda: plots(at) is not None and at.screen._pane._plotted is not None)
    await at.settle()


async def test_the_key_of_the_overview_opens_the_list_with_what_burns_most_first(open_console):
    async with open_console(levels.board()) as at:
        assert "9 opens" in at.text()
        await opened(at)
        rows = [row for row in at.text().splitlines() if row.startswith(("✖", "▲", "?", "✔"))]
        assert rows[0].startswith("✖ Checkout")
        assert "PAGE BURN" in rows[1]
        assert "0.9-2.4 d" in rows[1]
        assert selected(at) == "checkout"
        assert "7 not known" in at.text()
        await at.press("q")
        assert isinstance(at.screen, OverviewScreen)


async def test_enter_shows_one_with_its_curves_and_the_lane(open_console):
    async with open_console(levels.board()) as at:
        await told(at.engine)
        await opened(at, "j", "enter")
        assert isinstance(at.screen, SloScreen)
        await curves(at)
        shown = at.text()
        for wanted in ("page alert fires: 21× over 1h", "BUDGET LEFT", "6 h, z Z zoom", "UTC", "phase", "people"):
            assert wanted in shown
        assert any(0x2800 < ord(char) < 0x2900 for char in shown)
        await at.press("left")
        count = int(re.search(r"▸ (\d+)/\1 ", at.text())[1])
        seen = ""
        for _ in range(count - 1):
            await at.press("left")
            seen += at.text()
        assert "▸ 1/" in at.text()
        assert "rollout: 5 % of the traffic (was 50 %), seen by flagd" in seen
        assert "note: the new version fails on large orders" in seen
        await at.press("right")
        assert f"▸ 2/{count} " in at.text()
        await at.press("Z", "Z", "Z", "Z")
        assert "30 d, z Z zoom" in at.text()
        await at.press("z", "z", "z", "z", "z")
        assert "1 h, z Z zoom" in at.text()
        await at.press("G")
        assert 'code=~"5.."}' in at.text()
        await at.press("q")
        assert isinstance(at.screen, SlosScreen)


async def test_a_mark_stands_under_the_place_of_its_instant_in_the_curve(open_console):
    async with open_console(levels.board("burning"), size=(160, 45)) as at:
        await told(at.engine)
        await opened(at)
        await curves(at)
        canvas = plots(at)[0].query_one("#plot").region
        axis = next(row for row in at.text().splitlines() if "UTC  " in row)
        left = at.screen._pane.region.x + 10
        assert canvas.x + 1 == left  # the box's edge, then the first column
        lanes = [row for row in at.text().splitlines() if row[left - 10 :].startswith(("phase", "people"))]
        assert len(lanes) == 2
        assert {len(row[left:].rstrip().rstrip("▁▂▃▄▅▆▇█ ")) for row in lanes} == {canvas.width - 2}
        assert axis.rstrip()


async def test_gaps_are_not_drawn_over(open_console):
    async with open_console(levels.board("gaps"), size=(160, 45)) as at:
        await opened(at)
        await curves(at)
        budget = plots(at)[0]
        ends = [[float(x) for x in piece.x] for piece in budget._datasets]
        assert len(ends) == 2
        assert ends[1][0] - ends[0][-1] > 1.8 * 86_400
        assert "575 slices not seen: gaps" in at.text()


async def test_the_pane_follows_the_cursor_and_the_cursor_its_objective(open_console):
    async with open_console(levels.board(), size=(160, 45)) as at:
        await opened(at, "j", "j")
        await until(at, lambda: at.screen._pane.name_shown == "delivery")
        at.engine.show(slos=levels.board("healthy", "slow", "exhausted").slos)
        at.app.redraw()
        await at.settle()
        assert selected(at) == "delivery"
        await at.pilot.resize_terminal(80, 24)
        await at.settle()
        assert selected(at) == "delivery"
        assert "BUDGET LEFT" not in at.text()
        await at.pilot.resize_terminal(160, 45)
        await until(at, lambda: "BUDGET LEFT" in at.text())
        at.engine.show(slos=levels.board("healthy").slos)
        at.app.redraw()
        await at.settle()
        await at.press("enter")
        assert "Message delivery is no longer there" in at.text()
        assert isinstance(at.screen, SlosScreen)


async def test_the_mouse_chooses(open_console):
    async with open_console(levels.board()) as at:
        await opened(at)
        await at.pilot.click("#slos", offset=(5, 3))
        await at.settle()
        assert selected(at) == "latency-300ms"


async def test_y_copies_the_query_and_o_shows_the_links(open_console, monkeypatch):
    async with open_console(levels.board()) as at:
        copied = []
        monkeypatch.setattr(at.app, "copy_to_clipboard", copied.append)
        await opened(at, "y")
        assert copied == [
            '# bad\nsum(rate(http_requests_total{job="checkout",code=~"5.."}[$window]))\n'
            '# total\nsum(rate(http_requests_total{job="checkout"}[$window]))'
        ]
        await at.press("o")
        assert isinstance(at.screen, Picker)
        assert "https://grafana.example/d/checkout" in at.text()
        await at.press("q")
        bare = replace(CASES["healthy"][0], objective=levels.objective("availability", annotations=()))
        at.engine.show(slos=(bare,))
        at.engine.settings = replace(boards.CONFIG, links=())
        at.app.redraw()
        await at.press("g", "o")
        assert "No link fits it" in at.text()


async def test_when_its_alert_fired_comes_from_prometheus_too(open_console):
    async with open_console(levels.board("burning")) as at:
        back = [NOW - boards.timedelta(minutes=minutes) for minutes in (200, 170)]
        at.engine.lookups.found["history"] = Found(firings=(Firing(*back),), source="prometheus", at=NOW)
        await opened(at, "enter")
        await until(at, lambda: "o" in next((row for row in at.text().splitlines() if row.startswith("alerts")), ""))


async def test_without_a_history_it_says_so(open_console):
    async with open_console(levels.board("no_data")) as at:
        await at.press("9", "enter")
        await until(at, lambda: "Nothing was read of it yet: no curve." in at.text())
        assert "cannot be judged: no sample of the total" in at.text()


async def test_in_ascii_a_line_stands_for_the_curve(open_console):
    async with open_console(levels.board(), ascii_marks=True) as at:
        await opened(at, "j", "enter")
        await until(at, lambda: "budget left, from" in at.text())
        assert plots(at) is None
        assert at.text().isascii()


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_hostile_names_and_queries_go_through_as_text(open_console, size):
    spec = levels.objective(
        "evil" + HOSTILE, "Evil " + HOSTILE, description=HOSTILE, queries=(("bad " + HOSTILE, HOSTILE * 20),),
        labels=(("team", HOSTILE),), annotations=(("dashboard", "javascript:alert(1)"),), where=HOSTILE,
    )  # fmt: skip
    gauge, history = levels.level(spec, lambda back: 0.03)
    async with open_console(levels.board("healthy", more=(gauge,)), size=size) as at:
        at.engine.lookups.histories = {spec.name: history}
        await at.press("9")
        await until(at, lambda: selected(at) == spec.name)
        await at.press("enter")
        await curves(at)
        shown = at.text()
        await at.press("G")
        shown += at.text()
        assert "[bold]x[/]" in shown
        assert not {"\x1b", "\x07", "\u202e", "\ud800"} & set(shown)
        await at.press("o")
        assert "javascript" not in at.text()


async def test_500_objectives_open_at_once_and_are_drawn_where_they_are_seen(open_console):
    gauge = CASES["slow"][0]
    many = tuple(replace(gauge, objective=replace(gauge.objective, name=f"s{n:03}")) for n in range(500))
    async with open_console(replace(levels.board("healthy"), slos=many)) as at:
        at.engine.show(slos=many)
        await at.press("9")
        slos = at.screen.query_one("#slos", LineList)
        assert len(slos.items) == 500
        assert "500 TICKET BURN" in at.text()
        drawn, draw = [], slos._draw
        slos._draw = lambda item, width: drawn.append(item) or draw(item, width)
        at.engine.show(slos=many, feed=AlertFeed())
        at.app.redraw()
        await at.press("G")
        assert selected(at) == "s499"
        assert len(drawn) < 200
