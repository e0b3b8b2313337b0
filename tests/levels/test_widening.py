"""Every step between two samples of a counter is counted once over adjoining slices, wherever the samples lie.

What the server would answer is worked out by `increase`, which is Prometheus's own (`extrapolatedRate` in
promql/functions.go): 2.x counts samples at both ends of a range, 3.x not the one at its begin. What it is asked for is
the text that the console sends.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.sli import filled, of_counters, scale
from console.model.slices import SLICE

HOUR, MAJORS = 3_600_000, (2, 3)
SLI = of_counters("all_total", bad="bad_total")
_ASKED = re.compile(r"sum\(increase\(bad_total\[(\d+)(ms|s)\]\)\)")
Samples = Sequence[tuple[int, float]]
"""(unix milliseconds, value), in their order."""


def increase(samples: Samples, begin: int, end: int, major: int) -> float | None:
    """`increase` over a range, in milliseconds; None where it has no answer."""
    times = [at for at, _ in samples]
    first = bisect_left(times, begin) if major == 2 else bisect_right(times, begin)
    found = samples[first : bisect_right(times, end)]
    if len(found) < 2:
        return None
    grown = sum(new - old if new >= old else new for (_, old), (_, new) in pairwise(found))
    sampled = found[-1][0] - found[0][0]
    average = sampled / (len(found) - 1)
    before, after = found[0][0] - begin, end - found[-1][0]
    before, after = (far if far < average * 1.1 else average / 2 for far in (before, after))
    if grown > 0 and found[0][1] >= 0:
        before = min(before, sampled * (found[0][1] / grown))  # to where the counter would have been zero
    return grown * ((sampled + before + after) / sampled)


def asked(samples: Samples, end: int, seconds: float, scrape: float, major: int) -> float:
    """What is counted within so many seconds before `end`, by the expression that is sent; 0 where there is nothing."""
    found = _ASKED.fullmatch(filled(SLI.part, seconds, scrape))
    assert found is not None
    length = int(found[1]) * (1 if found[2] == "ms" else 1000)
    return (increase(samples, end - length, end, major) or 0.0) * scale(seconds, scrape)


def slices(samples: Samples, begin: int, end: int, scrape: float, major: int) -> list[float]:
    """What is counted within each slice that ends in (begin, end]."""
    step = SLICE * 1000
    return [asked(samples, at, SLICE, scrape, major) for at in range(begin + step, end + 1, step)]


def scraped(events: Sequence[int], phase: int, scrape: int, until: int, base: float = 1e6) -> list[tuple[int, float]]:
    """A counter that grows by one at each of the events, sampled every `scrape` ms from long before zero on."""
    found = sorted(events)
    return [(at, base + bisect_right(found, at)) for at in range(phase - 3 * HOUR, until, scrape)]


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("seconds", [5, 10, 15, 20, 30, 60, 75, 100, 150])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_single_error_counts_once_over_all_slices(major: int, seconds: int, data: st.DataObject) -> None:
    scrape = seconds * 1000
    phase = data.draw(st.integers(0, scrape - 1).filter(lambda at: major == 2 or at != 1))
    error = data.draw(st.integers(0, HOUR))
    samples = scraped([error], phase, scrape, 2 * HOUR)
    found = slices(samples, -SLICE * 1000, HOUR + SLICE * 1000, seconds, major)
    assert sum(found) == pytest.approx(1, rel=1e-9)
    assert sorted(found)[:-1] == [0] * (len(found) - 1)


@pytest.mark.parametrize(("seconds", "lost"), [(60, 5), (30, 10), (15, 20)])
def test_without_the_scrape_before_it_one_step_in_so_many_is_lost(seconds: int, lost: int) -> None:
    """What it was before, and what is so where the interval is not known."""
    scrape, phase = seconds * 1000, 7_001
    steps = [slices(scraped([phase + at * scrape - 1], phase, scrape, 2 * HOUR), 0, HOUR, 0, 2) for at in range(1, 21)]
    counted = [sum(found) for found in steps]
    assert counted.count(0) == 20 // lost
    assert {round(count, 9) for count in counted} == {0.0, round(lost / (lost - 1), 9)}


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("seconds", [15, 30, 60])
@given(seed=st.integers(0, 2**32), phase=st.integers(2, 14_999))
@settings(max_examples=40, deadline=None)
def test_over_restarts_the_slices_are_the_steps(major: int, seconds: int, seed: int, phase: int) -> None:
    """Bursts, quiet and restarts: the sum over any adjoining slices is what the samples grew by, to the last event."""
    draw, scrape, value, samples = random.Random(seed), seconds * 1000, 5e5, []
    for at in range(phase - HOUR, 2 * HOUR, scrape):
        value = 0.0 if draw.random() < 0.01 else value
        value += draw.choice([0, 0, 1, 40]) + (5e5 if value == 0 else 0)  # so that nothing is near zero
        samples.append((at, value))
    begin, end = 0, HOUR
    known = [sample for sample in samples if begin - scrape < sample[0] <= end]
    grown = sum(new - old if new >= old else new for (_, old), (_, new) in pairwise(known))
    assert sum(slices(samples, begin, end, seconds, major)) == pytest.approx(grown, rel=1e-9)


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("tail", [150.001, 217.345, 300, 449.999])
def test_the_tail_goes_on_where_the_slices_end(major: int, tail: float) -> None:
    """Its first step is the one across the last slice's end. It is scaled to its length, which is no whole number of
    scrapes: a single error in it counts by so much more or less, until its slice is read."""
    scrape, phase, now = 60_000, 23_456, round(tail * 1000)
    samples = scraped([30_000], phase, scrape, now)  # seen by the first sample after the end of a slice at 0
    assert sum(slices(samples, -HOUR, 0, 60, major)) == 0
    known = [at for at, _ in samples if -scrape < at]
    assert asked(samples, now, tail, 60, major) == pytest.approx(now / (known[-1] - known[0]), rel=1e-9)


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("seconds", [45, 90, 120, 7])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_an_interval_that_is_no_part_of_a_slice(major: int, seconds: int, data: st.DataObject) -> None:
    """Nothing is lost or counted twice; one slice has a step more than another, and each is scaled to 300 s."""
    scrape = seconds * 1000
    phase = data.draw(st.integers(0, scrape - 1))
    error = data.draw(st.integers(0, HOUR))
    if major == 3 and (phase - 1) % 1000 == 0:
        phase += 1
    found = sum(slices(scraped([error], phase, scrape, 2 * HOUR), -SLICE * 1000, HOUR + SLICE * 1000, seconds, major))
    fewest = SLICE // seconds * seconds
    assert SLICE / (fewest + seconds) - 1e-9 <= found <= SLICE / fewest + 1e-9


@pytest.mark.parametrize("seconds", [15, 30, 60])
def test_a_counter_near_zero_counts_up_to_a_scrape_less(seconds: int) -> None:
    """Prometheus does not guess it to have been below zero: of the first error after the start of a process up to
    I / (300 + I) is missing, and never more than it."""
    scrape, found = seconds * 1000, []
    for phase in range(0, scrape, 977):
        for error in range(0, SLICE * 1000, 4_999):
            samples = scraped([error], phase, scrape, HOUR, base=0.0)
            found.append(sum(slices(samples, -SLICE * 1000, 3 * SLICE * 1000, seconds, 2)))
    assert min(found) >= SLICE / (SLICE + seconds) - 1e-9
    assert 0.99 < max(found) <= 1 + 1e-9


@pytest.mark.parametrize("major", MAJORS)
def test_scrapes_on_the_edges_of_slices(major: int) -> None:
    """The sample at a slice's end is in it, and the first of the next one's; at neither end of a range twice."""
    samples = [(at, 1e6 + at / 1000) for at in range(-HOUR, HOUR + 1, 60_000)]
    assert slices(samples, 0, HOUR, 60, major) == [pytest.approx(300, rel=1e-9)] * 12


def test_what_is_asked() -> None:
    assert filled(SLI.part, 300, 60) == "sum(increase(bad_total[359999ms]))"
    assert filled(SLI.part, 217.345, 7.5) == "sum(increase(bad_total[224844ms]))"
    assert filled(SLI.part, 300) == "sum(increase(bad_total[300s]))"
    assert (scale(300, 60), scale(217.345, 7.5), scale(300, 0)) == (300_000 / 359_999, 217_345 / 224_844, 1)
