"""Lengths of time and windows, for any of them."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.duration import duration
from console.model.window import Calendar, Rolling
from console.settings.nodes import LONGEST, Node
from console.settings.problems import Problems
from console.settings.slo import spans
from console.settings.tree import Kind, Tree
from tests.settings.slo import read, slo

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca")
QUICK = settings(max_examples=60, deadline=None)


def node(text: str) -> Node:
    return Node("x", Tree(Kind.TEXT, "x", 1, 1, text), Problems())


@QUICK
@given(st.integers(min_value=5, max_value=int(LONGEST.total_seconds())))
def test_a_length_reads_back_as_it_is_written(seconds: int):
    length = timedelta(seconds=seconds)
    text = spans.written(length)
    assert duration(text) == length
    assert spans.prometheus(node(text)) == length
    if length >= timedelta(minutes=5):
        place = node(text)
        assert spans.rolling(place) == length
        assert not place.problems.found


@QUICK
@given(st.integers(1, 99_999), st.sampled_from("mhdwMQY"))
def test_a_shorthand_is_so_many_units_or_refused(count: int, unit: str):
    place = node(f"{count}{unit}")
    length = spans.rolling(place)
    exact = timedelta(days=spans.DAYS[unit]) * count
    if timedelta(minutes=5) <= exact <= LONGEST:
        assert (length, place.problems.found) == (exact, ())
        assert bool(place.problems.warnings) is (unit in "mMQY")
    else:
        assert place.problems.found


@QUICK
@given(st.text(string.digits + "smhdwMQY .-", max_size=8))
def test_any_text_is_a_length_or_refused(text: str):
    for reader in (spans.rolling, spans.slice_of, spans.prometheus):
        place = node(text)
        found = reader(place)
        length = found if isinstance(found, timedelta) else timedelta(seconds=found)
        assert place.problems.found or timedelta(0) < length <= LONGEST


@QUICK
@given(
    st.integers(1, 12),
    st.sampled_from("hdwMQY"),
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 12, 31)),  # noqa: DTZ001  # a wall clock's
    st.sampled_from(ZONES),
    st.integers(0, 400),
)
def test_a_calendar_of_a_file_has_periods_without_gaps(count: int, unit: str, start: datetime, zone: str, day: int):
    start = start.replace(microsecond=0)
    if count * spans.DAYS[unit] > LONGEST.days:
        return
    text = slo().replace(
        "{duration: 4w, isRolling: true}",
        f"{{duration: {count}{unit}, calendar: {{startTime: '{start}', timeZone: {zone}}}}}",
    )
    levels, problems = read(text)
    problems.check()
    (one,) = levels.objectives
    assert one.window == Calendar(count, unit, start, zone)
    now = start.replace(tzinfo=UTC) + timedelta(days=2 + day)
    begin, end = one.window.span(now)
    assert begin <= now < end
    assert one.window.span(end)[0] == end
    assert one.window.span(begin) == (begin, end)


def test_months_are_real_ones_in_their_zone():
    text = slo().replace(
        "{duration: 4w, isRolling: true}",
        "{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}}",
    )
    window = read(text)[0].objectives[0].window
    begins = [window.span(datetime(2026, month, 15, tzinfo=UTC))[0] for month in range(1, 13)]
    hours = [(after - before) / timedelta(hours=1) for before, after in pairwise(begins)]
    assert hours == [744, 672, 743, 720, 744, 720, 744, 744, 720, 745, 720], "the clocks change in March and October"
    assert not isinstance(window, Rolling)
