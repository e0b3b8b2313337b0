"""Durations and times as people type them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.parse import duration, moment

NOW = datetime(2025, 11, 3, 14, 32, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("30d", 2_592_000), ("0s", 0), ("1m1m", 120)]
)
def test_durations(text, seconds):
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m5", "5 m", "-5m", "5M", "1.5h", "9" * 30 + "d", "٣m"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=r"duration|longer"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:32", datetime(2025, 11, 3, 14, 32, tzinfo=UTC)),
        ("9:05", datetime(2025, 11, 3, 9, 5, tzinfo=UTC)),
        ("14:32:10Z", NOW),
        ("23:59", datetime(2025, 11, 2, 23, 59, tzinfo=UTC)),  # has not been today: it was yesterday
        ("-5m", NOW - timedelta(minutes=5)),
        ("+2h", NOW + timedelta(hours=2)),
        ("2025-11-03T14:00Z", datetime(2025, 11, 3, 14, tzinfo=UTC)),
        ("2025-11-03T15:00+01:00", datetime(2025, 11, 3, 14, tzinfo=UTC)),
        ("2025-11-03 14:00", datetime(2025, 11, 3, 14, tzinfo=UTC)),
    ],
)
def test_moments(text, expected):
    assert moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "25:00", "14:60", "soon", "-5", "2025-13-01", "-99999999d", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_moment(text):
    with pytest.raises(ValueError, match=r"expected|calendar|longer"):
        moment(text, NOW)


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_refused(text):
    with suppress(ValueError):
        assert moment(text, NOW).tzinfo is not None
