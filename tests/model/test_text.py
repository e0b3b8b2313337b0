"""Foreign text: nothing a terminal obeys, nothing that moves its neighbours, nothing lost that people read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.text import LIMIT, safe

CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
HIDDEN = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200d\u200e\u202e\u2060\u2066\u3164\ufeff\uffa0\U000e0041"


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    for char in safe(text):
        assert unicodedata.category(char) not in CATEGORIES
        assert char not in HIDDEN


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("P99 is 620 ms", "P99 is 620 ms"),
        ("[/] [@click=app.quit]x[/]", "[/] [@click=app.quit]x[/]"),
        ("a\x1b]52;c;aGk=\x07b", "a\ufffd]52;c;aGk=\ufffdb"),
        ("\x9b31mred", "\ufffd31mred"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("Ünïcödé 漢字 नमस्ते", "Ünïcödé 漢字 नमस्ते"),
        ("warning ⚠\ufe0f now", "warning ⚠ now"),
        ("soft\u00adhyphen", "soft\ufffdhyphen"),
        ("a" + "\u0301" * 50 + "b", "a\u0301\u0301\u0301b"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_long_text_is_cut_and_says_so() -> None:
    assert safe("x" * 100_000) == "x" * (LIMIT - 1) + "…"
    assert len(safe("\u202e" * 100_000)) == LIMIT
