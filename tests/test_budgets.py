"""The screen's budgets, at twice their strict figures and with one retry, because machines are noisy."""

import pytest

from benchmarks import exit as exit_
from benchmarks import help as help_
from benchmarks import idle, keys, memory, start

pytestmark = [pytest.mark.serial, pytest.mark.tty, pytest.mark.timeout(300)]


def within(measure, too_much):
    """Measures, and once more when the first figures are too high."""
    found, line = measure()
    if too_much(found):
        print(line)
        found, line = measure()
    print(line)
    assert not too_much(found), line


def test_the_start_costs_little_more_than_textual_itself():
    within(
        lambda: start.ratios(pairs=9),
        lambda found: any(ratio > 2 * budget for ratio, budget in found.values()),
    )


def test_a_key_is_seen_at_once_with_every_source_down_too():
    within(
        lambda: keys.figures(presses=15),
        lambda found: any(
            p50 > 2 * keys.P50_MS or p95 > 2 * keys.P95_MS or size > 2 * keys.BYTES for _, p50, p95, size in found
        ),
    )


def test_idling_costs_nearly_nothing_and_writes_nothing():
    within(
        lambda: idle.figures(seconds=10.0),
        lambda found: found[0] > 2 * idle.IDLE or found[1] > 0 or found[2] > 2 * idle.DEMO,
    )


def test_resident_memory_after_the_start():
    within(memory.figures, lambda found: found > 2 * memory.BUDGET_MB)


def test_leaving_takes_no_longer_than_leaving_textual():
    within(exit_.figures, lambda found: found > 2 * exit_.BUDGET_MS)


def test_help_loads_no_textual():
    within(lambda: help_.figures(pairs=9), lambda found: found > 2 * help_.BUDGET)
