"""Whose doing it is what is bad in a bake, and how long it takes until that is known."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.bake import Course, Slice, Sum, summed
from console.model.doing import LASTS, SHORT, breaks, shown
from console.model.sequential import spread
from console.model.verdict import Counts
from console.model.wait import FARTHEST, SURE, Passes, ahead, needed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CALM = Course(NOW, spread([[Counts(7, 1000)] * 1440]), 25, 15)
LIMIT = 0.01
UNKNOWN = Counts(None, None)


def wandering(seed: int = 1, steps: int = 1440) -> list[Counts]:
    """A rate that wanders, half of it from minute to minute."""
    draw, level, found = random.Random(seed), 0.0, []
    for _ in range(steps):
        level = 0.5 * level + draw.gauss(0, 0.5)
        found.append(Counts(7 * math.exp(level), 1000))
    return found


WANDERS = Course(NOW, spread([wandering()]), 25, 15)
bad_ones = st.lists(st.integers(0, 100), min_size=1, max_size=60)


@given(bad_ones)
@settings(max_examples=150, deadline=None)
def test_the_worst_run_is_left_out_and_nothing_else(bad: list[int]) -> None:
    rest = shown([Slice(Counts(item, 1000)) for item in bad], CALM).rest
    run = min(int(LASTS * len(bad)), SHORT // 60)
    worst = max(sum(bad[at : at + run]) for at in range(len(bad) - run + 1))
    assert (rest.bad, rest.total, rest.slices) == (sum(bad) - worst, 1000 * (len(bad) - run), len(bad) - run)


@given(bad_ones, st.integers(0, 30), st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_is_within_the_limit_without_its_worst_fifth_is_no_breach(
    bad: list[int], beside: int, known: bool
) -> None:
    legacy = Counts(beside, 1000) if known else UNKNOWN
    for course in (CALM, WANDERS, Course(NOW)):
        bake = shown([Slice(Counts(item, 1000), legacy) for item in bad], course)
        if breaks(LIMIT, bake, course):
            assert bake.rest.share is not None
            assert bake.rest.share > LIMIT
            assert bake.new.share is not None
            assert bake.new.share > LIMIT


@given(st.lists(st.sampled_from([UNKNOWN, Counts(None, 1000), Counts(0, 0)]), max_size=40))
@settings(max_examples=50, deadline=None)
def test_what_is_not_known_is_no_breach(items: list[Counts]) -> None:
    bake = shown([Slice(item, Counts(7, 1000)) for item in items], WANDERS)
    assert not breaks(LIMIT, bake, WANDERS)


def test_a_service_that_wanders_is_not_told_from_its_new_path_in_a_short_time() -> None:
    worse = [Slice(Counts(3 * (item.bad or 0), 1000), Counts(7, 1000)) for item in wandering(2, 30)]
    assert not breaks(LIMIT, shown(worse[: SHORT // 60 - 1], WANDERS), WANDERS)
    assert breaks(LIMIT, shown(worse, WANDERS), WANDERS)
    calm = [Slice(Counts(21, 1000), Counts(7, 1000))] * 10
    assert breaks(LIMIT, shown(calm, CALM), CALM), "one that does not is"


@given(st.floats(0, 50), st.integers(1, 60), st.floats(1, 1e5), st.integers(1, 600))
@settings(max_examples=150, deadline=None)
def test_what_comes_lies_about_what_was_seen_and_is_no_more_than_all(
    bad: float, count: int, total: float, more: int
) -> None:
    slices = [Slice(Counts(bad, 1000))] * count
    calm, wide = (ahead(shown(slices, course), total, more, course) for course in (CALM, WANDERS))
    for least, most in (calm, wide):
        assert 0 <= least <= most <= total
    assert calm[0] <= min(total, (bad * count + 0.5) / (1000 * count) * total) + 1e-9


@pytest.mark.parametrize("course", [CALM, WANDERS])
def test_what_comes_is_within_each_bound_as_often_as_is_said(course: Course) -> None:
    """Counts by chance of a share that was measured by chance; where it wanders, the bounds are wider than that."""
    draw, low, high, runs = random.Random(4), 0, 0, 400
    for _ in range(runs):
        seen, later = (sum(draw.random() < 0.02 for _ in range(900)) for _ in range(2))
        least, most = ahead(shown([Slice(Counts(seen / 30, 30))] * 30, course), 900, 30, course)
        low, high = low + (later >= least), high + (later <= most)
    assert min(low, high) >= (SURE - 0.05) * runs


@given(st.floats(0, 40), st.integers(20, 2000), st.integers(2, 40), st.booleans())
@settings(max_examples=100, deadline=None)
def test_what_is_told_to_be_needed_is_no_less_than_with_the_share_as_it_is(
    bad: float, total: int, count: int, still: bool
) -> None:
    course = CALM if still else WANDERS
    slices = [Slice(Counts(min(bad, total), total), Counts(7, 1000))] * count
    bake = shown(slices, course)
    passes = Passes(0.05, 0.05, summed([item.new for item in slices]))
    told, least = (needed(LIMIT, slices, bake, course, passes, as_it_is=flag) for flag in (False, True))
    if told is not None:
        assert least is not None
        assert 1 <= least <= told <= FARTHEST // 60


def test_nothing_is_needed_of_nothing() -> None:
    slices = [Slice(UNKNOWN)] * 5
    assert needed(LIMIT, slices, shown(slices, CALM), CALM, Passes(0.05, 0.05, Sum())) is None
