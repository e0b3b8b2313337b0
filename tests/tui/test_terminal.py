"""What comes in from the terminal."""

from __future__ import annotations

import pytest

from console.tui.terminal import EscapeFirst


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("\x1b5", "escape 5"),
        ("\x1bgjjD", "escape g j j D"),
        ("\x1bg\x1b:", "escape g escape colon"),
        ("\x1b\x1bR", "escape escape R"),
        ("x\x1b" + "j" * 40, "x escape" + " j" * 40),
        ("\x1bO", "escape O"),
        ("\x1b", "escape"),
        ("\x1bOP\x1b[A\x1b[1;5C", "f1 up ctrl+right"),
        ("\x1bf\x1bb", "ctrl+right ctrl+left"),
    ],
)
def test_esc_and_the_key_right_after_it_are_these_two_keys(sent, keys):
    parser = EscapeFirst()
    read = [*parser.feed(sent)]
    parser._timeout_time = 0.0 if parser._timeout_time is not None else None  # nothing more comes
    read += parser.tick()
    assert " ".join(event.key for event in read) == keys
    assert not any(event.character and not event.character.isascii() for event in read)
