"""The screen's budgets, at twice their strict figures and with one retry, because machines are noisy."""

from functools import cache

import pytest

from benchmarks import feed, idle, keys, life
from benchmarks import help as help_

pytestmark = [pytest.mark.serial, pytest.mark.tty, pytest.mark.timeout(300)]


def within(measure, too_much):
    """Measures, and once more when the first figures are too high. `measure` is told which time it is."""
    found, line = measure(1)
    if too_much(found):
        print(line)
        found, line = measure(2)
    print(line)
    assert not too_much(found), line


@pytest.fixture(scope="module")
def lives():
    """Start, memory and exit come out of the same rounds, which are repeated at most once."""
    return cache(lambda _: life.figures(pairs=9, copies=2))


def test_the_start_costs_little_more_than_textual_itself(lives):
    within(lives, lambda found: any(found[name][0] > 2 * found[name][1] for name in life.STARTS))


def test_resident_memory_after_the_start(lives):
    within(lives, lambda found: found["memory"][0] > 2 * life.MEMORY_MB)


def test_leaving_takes_no_longer_than_leaving_textual(lives):
    within(lives, lambda found: found["exit"][0] > 2 * life.EXIT_MS)


def test_a_key_is_seen_at_once_with_every_source_down_too():
    within(
        lambda _: keys.figures(presses=15),
        lambda found: any(
            p50 > 2 * keys.P50_MS or p95 > 2 * keys.P95_MS or size > 2 * keys.BYTES for _, p50, p95, size in found
        ),
    )


@pytest.mark.parametrize("fps", list(feed.GOALS))
def test_a_key_is_seen_about_as_soon_while_ten_thousand_alerts_refresh(fps):
    within(lambda _: feed.keys(fps, presses=50), lambda ratio: ratio > 2 * feed.GOALS[fps])


def test_idling_costs_nearly_nothing_and_writes_nothing():
    within(
        lambda _: idle.figures(seconds=10.0),
        lambda found: found[0] > 2 * idle.IDLE or found[1] > 0 or found[2] > 2 * idle.DEMO,
    )


def test_help_loads_no_textual():
    within(lambda _: help_.figures(pairs=9), lambda found: found > 2 * help_.BUDGET)
