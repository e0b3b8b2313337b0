"""The benchmarks' pseudo-terminal: when a text counts as painted."""

from __future__ import annotations

import pytest

from benchmarks import _pty


def test_what_only_one_cell_had_to_change_for_is_painted():
    with _pty.Child(("sh", "-c", r"printf '8/12 proven\r'; printf 9; exec cat")) as child:
        assert child.until("9/12 proven", timeout=10.0) > 0


def test_what_never_comes_is_said_with_what_did():
    with (
        _pty.Child(("sh", "-c", "printf '8/12 proven'")) as child,
        pytest.raises(RuntimeError, match=r"9/12.*did not come: 8/12 proven"),
    ):
        child.until("9/12 proven", timeout=10.0)
