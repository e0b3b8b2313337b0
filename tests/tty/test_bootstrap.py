"""From the command line to the screen and back, on a real pseudo-terminal."""

from __future__ import annotations

import sys

import pytest

from console.settings.load import init
from tests.tty.terminal import Terminal

pytestmark = pytest.mark.tty

ONCALL = [sys.executable, "-m", "console"]


def test_a_drill_opens_at_its_checklist_and_ends_in_its_report():
    with Terminal([*ONCALL, "demo", "--drill", "rollback"], columns=100, rows=40) as terminal:
        shown = terminal.wait_for("DISABLE THE FLAG", "DRILL")
        assert "SEV1" in shown
        terminal.press("ctrl+q")
        terminal.wait_for("stays open")
        terminal.press("ctrl+q")
        status = terminal.wait_end()

    assert status == 1  # it was left, not completed
    report = bytes(terminal.raw).rpartition(b"\x1b[?1049l")[2].decode()
    assert "# DRILL: Emergency rollback" in report
    assert "not completed: running" in report
    assert report.count("SIMULATED") >= 3


def test_a_wrong_configuration_leaves_the_terminal_clean_and_says_why(tmp_path):
    init(tmp_path / "config")
    (tmp_path / "config" / "rollout.yaml").write_text("kind: Rollout\n")
    with Terminal([*ONCALL, "--config", str(tmp_path / "config")], columns=200) as terminal:
        status = terminal.wait_end()

    assert status == 2
    after = bytes(terminal.raw).rpartition(b"\x1b[?1049l")[2].decode()
    assert "the console cannot start" in after
    assert "rollout.yaml:" in after
    assert "Traceback" not in after


def test_plain_stays_on_the_lines(tmp_path):
    with Terminal([*ONCALL, "--plain", "demo", "--speed", "30"], columns=160, rows=50) as terminal:
        terminal.wait_for("guardrail p99: INCONCLUSIVE: ")
        terminal.signal(2)
        assert terminal.wait_end() == 130

    assert b"\x1b" not in bytes(terminal.raw)
