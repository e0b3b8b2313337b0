"""Lengths of time as people type them: the rules read all that the settings take, as the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.duration import duration
from console.settings.nodes import Node
from console.settings.problems import Problems
from console.settings.tree import Kind, Tree


def configured(text: str) -> tuple[timedelta, int]:
    """What the settings make of it, and how many problems they have with it."""
    problems = Problems()
    return Node("x.yaml", Tree(Kind.TEXT, "check", 1, 1, text), problems).duration(), len(problems)


@given(st.from_regex(r"\A([0-9]{1,4}w)?([0-9]{1,5}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?\Z"))
def test_what_the_settings_take_the_rules_read_as_the_same(text: str) -> None:
    length, problems = configured(text)
    if not problems:
        assert duration(text) == length


@pytest.mark.parametrize("text", ["", "4", "w", "4 w", "-4w", "4y", "٤w"])
def test_what_is_none_is_refused_by_both(text: str) -> None:
    assert configured(text)[1] == 1
    with pytest.raises(ValueError, match="is no duration"):
        duration(text)
