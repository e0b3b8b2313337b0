"""What the terminal hears: the raw bytes of bell and notification, by tests 31 and 32 of the study."""

from __future__ import annotations

import re
import sys

import pytest

from tests.tty.terminal import Terminal

pytestmark = pytest.mark.tty

RINGING = [sys.executable, "-m", "tests.tty.ringing"]
NOTIFICATION = re.compile(rb"\x1b\]9;([^\x1b\x07]*)\x1b\\")

SEQUENCE = re.compile(rb"\x1b\][^\x1b\x07]*(?:\x07|\x1b\\)")
"""An operating system command, which may end in a BEL that rings nothing."""


def bells(raw):
    return SEQUENCE.sub(b"", raw).count(b"\x07")


def listened(*arguments, env=None):
    with Terminal([*RINGING, *arguments], env=env) as terminal:
        terminal.wait_for("LISTENED", timeout=60)
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
        return bytes(terminal.raw)


def test_31_32_an_alert_that_flaps_for_ten_minutes_rings_once_with_harmless_text():
    raw = listened()
    assert bells(raw) == 1
    found = NOTIFICATION.findall(raw)
    assert len(found) == 1
    assert found[0].decode().startswith("lighthouse/production: Down")
    assert found[0].decode().isprintable()
    for obeyed in (b"\x1b]52;", b"\x1b]0;", b"\xc2\x9d", "\u202e".encode()):
        assert obeyed not in raw


def test_without_utf8_the_notification_is_ascii():
    found = NOTIFICATION.findall(listened(env={"LANG": "C", "LC_ALL": "C"}))
    assert len(found) == 1
    assert found[0].isascii()


def test_with_the_bell_off_nothing_rings():
    raw = listened("off")
    assert bells(raw) == 0
    assert b"\x1b]9;" not in raw
