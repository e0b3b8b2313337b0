"""Typed ahead, through the pseudo-terminal: nothing is lost, and nothing is taken for a command of another screen."""

from __future__ import annotations

import sys

import pytest

from console.settings.load import init
from tests.tty.terminal import Terminal

pytestmark = [pytest.mark.tty]


def test_a_note_typed_in_one_breath_is_the_note():
    with Terminal([sys.executable, "-m", "console", "demo", "--drill", "rollback"], columns=100, rows=40) as terminal:
        terminal.wait_for("STEP 2 of 7")
        terminal.type("+disk full, aborted a DAX job\r\r\r")
        terminal.wait_for("saved")
        terminal.type("2")
        terminal.wait_for("disk full, aborted a DAX job")
        assert "Acknowledge which" not in terminal.text
        terminal.type("qq")


def test_esc_and_a_digit_in_one_piece_close_the_form_and_open_the_screen():
    with Terminal([sys.executable, "-m", "console", "demo"], columns=100, rows=40) as terminal:
        terminal.wait_for("D Declare")
        terminal.type("D")
        terminal.wait_for("Title: what people notice")
        terminal.type("\x1b5")
        terminal.wait_for("s Silence")
        assert "Title: what people notice" not in terminal.text
        terminal.type("1qq")


def test_what_is_typed_before_the_first_screen_waits_for_it():
    with Terminal([sys.executable, "-m", "console", "demo"], columns=100, rows=40) as terminal:
        terminal.type("4b")
        terminal.wait_for(lambda text: " on shift" in text and "nobody on shift" not in text)
        terminal.type("q")
        terminal.type("q")
        assert terminal.wait_end() == 0


def test_keys_of_ones_own_work_from_the_configuration(tmp_path):
    init(tmp_path / "conf")
    with (tmp_path / "conf" / "console.yaml").open("a") as file:
        file.write("\nkeys:\n  shift: z\n")
    options = ["--config", str(tmp_path / "conf"), "--journal", str(tmp_path / "j" / "journal.db")]
    with Terminal([sys.executable, "-m", "console", *options], columns=100, rows=40) as terminal:
        terminal.type("z")
        terminal.wait_for("Nobody is on shift")
