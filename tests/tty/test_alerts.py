"""The alert feed on a real pseudo-terminal: a bad night, a storm, sources down, text that wants to be obeyed."""

from __future__ import annotations

import sys

import pytest

from tests.servers import REPO
from tests.tty.terminal import Terminal

pytestmark = pytest.mark.tty

SIZES = pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 45)], ids=["80x24", "160x45"])


def feed(case, columns, rows):
    return Terminal(
        [sys.executable, "-m", "tests.tui.feeds", case],
        columns=columns,
        rows=rows,
        cwd=str(REPO),
        env={"PYTHONPATH": "."},
    )


@SIZES
def test_a_bad_night_in_five_seconds(columns, rows):
    with feed("feed", columns, rows) as terminal:
        terminal.wait_for("ALERTS")
        terminal.press("5")
        shown = terminal.wait_for("14 unowned, 2 acknowledged, 1 silenced or inhibited", "PodCrashLooping", "✔ alice")
        first = next(line for line in shown.splitlines() if "✖ critical" in line)
        assert "9× PodCrashLooping" in first
        terminal.press("a")
        terminal.wait_for("Acknowledge 9 alerts on lighthouse/production")
        terminal.press("tab", "enter")
        terminal.wait_for("5 unowned, 11 acknowledged")
        terminal.press("s")
        terminal.wait_for("It would hide 9 alerts that fire now:", "lighthouse/production")
        terminal.press("q", "S")
        terminal.wait_for("SILENCES", "1 active, 1 pending, 1 ended lately")
        terminal.press("q", "q", "q")
        assert terminal.wait_end() == 0


@SIZES
def test_29_a_storm_stays_readable_and_answers(columns, rows):
    with feed("storm", columns, rows) as terminal:
        terminal.wait_for("ALERTS")
        terminal.press("5")
        shown = terminal.wait_for("STORM: 5001 new in a minute", "STORM 1250/min", "FLAPPING ×7")
        assert sum("Storm" in line and "STORM" in line for line in shown.splitlines()) <= 5
        terminal.press("j", "enter")
        terminal.wait_for("▾ 1250×")


@SIZES
def test_a_dead_source_is_never_calm(columns, rows):
    with feed("broken", columns, rows) as terminal:
        terminal.wait_for("BLIND")
        terminal.press("5")
        terminal.wait_for("NO EVIDENCE OF ALERTING", "connection refused", "P99LatencyCritical")
