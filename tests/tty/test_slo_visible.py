"""Service levels on a real terminal: what must be seen of each in five seconds, in every way in which they stand."""

from __future__ import annotations

import sys

import pytest

from tests.tty.terminal import Terminal
from tests.tty.test_visible import SIZES, check_contrast, leave, see

pytestmark = pytest.mark.tty

LEVELS = [sys.executable, "-m", "tests.tui.screen", "levels", "healthy", "burning", "exhausted", "no_data", "partial"]


@SIZES
def test_each_way_to_stand_is_seen(columns, rows):
    with Terminal(LEVELS, columns=columns, rows=rows) as terminal:
        see(
            terminal,
            r"✔ Availability .* ok .*99\.98 % ≥ 99\.9 %",
            r"✖ Error ratio .* PAGE BURN",
            r"✖ Checkout .* SPENT .*99\.83 % < 99\.9 % .*-67 %",
            r"\? Agent sessions .* NO DATA +no value",
            r"\? Search .* PARTIAL",
        )
        terminal.press("9")
        see(
            terminal,
            r"1 SPENT +1 PAGE BURN",
            r"✖ Checkout +SPENT +99\.83 % +99\.9 % +-67 % +-3493 +0\.3× spent",
            r"✖ Error ratio +PAGE BURN +99\.99 % +99\.9 % +87 % +4497 +21× 0\.9-2\.4 d",
            r"\? Search +PARTIAL ",
            r"\? Agent sessions? +NO DATA +- +99\.9 % +- +- +-",
            r"✔ Availability +ok +99\.98 %.* never",
        )
        lines = [line[:20] for line in terminal.lines]
        order = [
            next(i for i, line in enumerate(lines) if name in line) for name in ("Checkout", "Error", "Search", "Av")
        ]
        assert order == sorted(order)
        for keys, said in (
            ("", r"SPENT +no error budget is left: freeze what can wait"),
            ("j", r"PAGE BURN +page alert fires: 21× over 1h, 21× over 5m, above 14\.4×"),
            ("j", r"PARTIAL +cannot be judged: covers 15\.2 of 30 d"),
            ("j", r"NO DATA +cannot be judged: no sample of the total"),
            ("j", r"✔ ok +within its budget, never spent at this pace"),
        ):
            terminal.press(*keys)
            if columns < 160:
                terminal.press("enter")
            see(terminal, said, r"BUDGET LEFT")
            if "NO DATA" not in said:
                see(terminal, r"[⠀-⣿]{12}", r"UTC +\|?", r"phase .*[<>]", r"incident +·")
            if columns < 160:
                terminal.press("q")
                terminal.wait_for("burn 1h")
        check_contrast(terminal)
        leave(terminal)


def test_without_colour_everything_is_said_all_the_same():
    with Terminal(LEVELS, columns=160, rows=45, env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("9 opens")
        terminal.press("9")
        terminal.wait_for("✖ Error ratio", lambda text: any(0x2800 < ord(char) < 0x2900 for char in text))
        assert terminal.colours() == {"default"}
