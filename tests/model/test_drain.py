"""Drains: the study's vectors (5.3), what is never drained, and which bound the decay shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from math import exp, log
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.model.drain import Flow, Seen, drained, slope
from console.model.draining import DURATION, QUEUE, ByDuration, ByQueue, Residual, residual

ITEMS, MEAN = 1200, 120.0
AT = datetime(2026, 3, 1, tzinfo=UTC)
BOUNDS = (1, 5, 10, 30, 60, 120, 300, 600, 900, 1200, 1800)
"""Eleven buckets up to 1800 s; the study does not name its own."""


def exponential(t: float) -> float:
    return exp(-t / MEAN)


def lognormal(t: float) -> float:
    return 1.0 - NormalDist(log(MEAN) - 0.5).cdf(log(t))


def fine(survival: Callable[[float], float], top: float, buckets: int) -> Residual:
    """The residual survival of a distribution, as good as exact."""
    les = [top * (at + 1) / buckets for at in range(buckets)]
    found = residual(les, [*(1.0 - survival(le) for le in les[:-1]), 1.0, 1.0])
    assert found is not None
    return found


EXPONENTIAL = fine(exponential, 3600.0, 6000)


def coarse(survival: Callable[[float], float] = exponential) -> Residual:
    found = residual(BOUNDS, [*(1.0 - survival(le) for le in BOUNDS[:-1]), 1.0, 1.0])
    assert found is not None
    return found


# -- the vectors ------------------------------------------------------------------------------------------------------


def test_exponential_durations() -> None:
    drain = ByDuration(ITEMS, EXPONENTIAL)
    assert EXPONENTIAL.mean == pytest.approx(MEAN, rel=1e-4)
    assert drain.quantile(0.5) == pytest.approx(895, abs=0.5)
    assert drain.quantile(0.9) == pytest.approx(1124, rel=0.004)  # the study's is simulated; exactly 1120.9
    assert drain.quantile(0.95) == pytest.approx(1207, abs=0.5)
    assert drain.most() == pytest.approx(553, abs=0.5)
    mean = sum(drain.quantile((at + 0.5) / 2000) or 0.0 for at in range(2000)) / 2000
    assert mean == pytest.approx(920, abs=2)


def test_lognormal_durations_take_four_times_as_long() -> None:
    drain = ByDuration(ITEMS, fine(lognormal, 60_000.0, 30_000))
    assert drain.quantile(0.5) == pytest.approx(3284, rel=0.005)
    assert drain.quantile(0.9) == pytest.approx(5606, rel=0.008)


def test_deterministic_durations_end_with_the_duration() -> None:
    found = residual((119.99, 120.0), (1e-9, 1.0, 1.0))
    assert found is not None
    assert ByDuration(ITEMS, found).quantile(0.5) == pytest.approx(120, abs=0.1)


def test_the_naive_figure_is_the_mean_alone() -> None:
    """Little's law: in flight over completions is 120 s, and the last item ends 7 to 27 times as late."""
    assert ITEMS / (ITEMS / MEAN) == MEAN
    last = ByDuration(ITEMS, EXPONENTIAL).quantile(0.5)
    assert last is not None
    assert 7 < last / MEAN < 8


def test_eleven_buckets_are_good_enough_and_safe() -> None:
    """The study: P50 941 and P95 1550 for 895 and 1207, with buckets that it does not name; these give 954 and 1414."""
    drain = ByDuration(ITEMS, coarse())
    p50, p95 = drain.quantile(0.5), drain.quantile(0.95)
    assert p50 == pytest.approx(954, abs=1)
    assert p95 == pytest.approx(1414, abs=1)
    assert p95 is not None
    assert p50 == pytest.approx(941, rel=0.02)
    assert 1207 <= p95 <= 1550


def test_a_queue() -> None:
    drain = ByQueue(ITEMS, 10.0, 4.0)
    assert drain.seconds == 200.0
    assert drain.quantile(0.5) == pytest.approx(200, abs=0.5)
    assert drain.most() == pytest.approx(198)


@pytest.mark.parametrize("arrivals", [10.0, 14.0])
def test_what_arrives_as_fast_as_it_ends_is_never_drained(arrivals: float) -> None:
    found, draining = drained(Flow(ITEMS, 10.0, arrivals, EXPONENTIAL), AT)
    assert (found.never, found.p50, draining, found.at) == (True, None, None, AT)
    assert found.why == f"{arrivals:g} arrive and 10 end per second"


# -- against what happens ---------------------------------------------------------------------------------------------


def test_the_last_of_many_in_simulated_drains() -> None:
    """Items that were met at random, drawn from their durations by length: not from the formula."""
    dice = Random(5)
    drain = ByDuration(40, EXPONENTIAL)
    lasts = []
    for _ in range(1500):
        # Inspection paradox: what is met is drawn by its length (gamma of order 2), at a uniform place in it.
        lasts.append(max(dice.gammavariate(2.0, MEAN) * dice.random() for _ in range(40)))
    for share in (0.5, 0.8, 0.95):
        bound = drain.quantile(share)
        assert bound is not None
        assert sum(last <= bound for last in lasts) / len(lasts) == pytest.approx(share, abs=0.03)


def test_a_queue_with_arrivals_in_simulated_drains() -> None:
    dice = Random(6)
    drain = ByQueue(60, 10.0, 4.0)
    times = []
    for _ in range(800):
        items, now = 60, 0.0
        while items:
            now += dice.expovariate(14.0)
            items += 1 if dice.random() < 4.0 / 14.0 else -1
        times.append(now)
    for share in (0.5, 0.8, 0.95):
        bound = drain.quantile(share)
        assert bound is not None
        assert sum(time <= bound for time in times) / len(times) == pytest.approx(share, abs=0.05)


# -- which bound ------------------------------------------------------------------------------------------------------


def decay_of(kind: str, readings: int = 8, every: float = 15.0, *, rate: bool = True) -> tuple[Seen, ...]:
    if kind == DURATION:
        return tuple(
            Seen(at * every, left := ITEMS * exponential(at * every), left / MEAN if rate else None)
            for at in range(readings)
        )
    return tuple(Seen(at * every, ITEMS - 10 * at * every, 10.0 if rate else None) for at in range(readings))


@pytest.mark.parametrize("rate", [True, False])
@pytest.mark.parametrize(("kind", "steep"), [(DURATION, 1.0), (QUEUE, 0.0)])
def test_the_decay_shows_the_bound(kind: str, steep: float, rate: bool) -> None:
    seen = decay_of(kind, rate=rate)
    shown = slope(seen)
    assert shown is not None
    assert shown == pytest.approx((steep, 0.0), abs=0.05)
    found, draining = drained(Flow(seen[-1].items, 10.0, 0.0, EXPONENTIAL, seen))
    assert draining is not None
    assert found.bound == kind
    assert "slope" in found.why


def test_before_a_decay_is_seen_the_later_one_counts() -> None:
    found, _ = drained(Flow(ITEMS, 10.0, 0.0, EXPONENTIAL))
    assert found.bound == DURATION
    assert found.p50 == pytest.approx(895, abs=0.5)
    assert "not seen yet" in found.why
    slow, _ = drained(Flow(ITEMS, 1.0, 0.0, EXPONENTIAL))
    assert slow.bound == QUEUE
    assert slow.p50 == pytest.approx(1080 + 120 * log(120 / log(2)), rel=0.01)  # 120 of them are worked on at a time


def test_too_short_a_decay_says_nothing() -> None:
    assert slope(decay_of(DURATION, readings=3)) is None
    assert slope(tuple(Seen(at, 100.0 - at, 1.0) for at in range(6))) is None
    assert slope(()) is None


def test_durations_are_fitted_to_the_decay() -> None:
    """They last twice as long as the histogram said."""
    seen = tuple(Seen(at * 15.0, ITEMS * exp(-at * 15.0 / 240.0), None) for at in range(12))
    found, draining = drained(Flow(seen[-1].items, None, 0.0, EXPONENTIAL, seen))
    assert isinstance(draining, ByDuration)
    assert draining.stretch == pytest.approx(2.0, rel=0.02)
    assert found.p50 == pytest.approx(240 * log(seen[-1].items / log(2)), rel=0.02)


def test_the_last_ones_of_a_queue_run_by_themselves() -> None:
    """20 workers that take 2 s each, so 10 a second: the last 20 end some 2 * ln(20 / ln 2) s after the queue."""
    working = fine(lambda t: exp(-t / 2.0), 60.0, 6000)
    found, draining = drained(Flow(300.0, 10.0, 0.0, working))
    assert isinstance(draining, ByQueue)
    assert found.p50 == pytest.approx(28 + 2 * log(20 / log(2)), rel=0.02)
    with_waiting, draining = drained(Flow(300.0, 10.0, 0.0, fine(lambda t: exp(-t / 30.0), 600.0, 6000)))
    assert isinstance(draining, ByDuration)
    assert with_waiting.bound == DURATION


def test_rates_that_were_counted_for_a_moment_are_uncertain() -> None:
    known, counted = ByQueue(300, 10.0, 4.0), ByQueue(300, 10.0, 4.0, over=20.0)
    assert (counted.quantile(0.95) or 0) > (known.quantile(0.95) or 0) * 1.1
    assert counted.seconds == known.seconds


def test_what_has_lasted_counts() -> None:
    """Durations of at most 120 s: 100 s after the last new item, no more than 20 s are left."""
    short = residual((119.0, 120.0), (0.0001, 1.0, 1.0))
    assert short is not None
    drain = ByDuration(50, short, elapsed=100.0)
    assert drain.quantile(0.95) == pytest.approx(20.0, abs=1.0)


def test_arrivals_keep_durations_from_ending() -> None:
    found, draining = drained(Flow(ITEMS, None, 0.5, EXPONENTIAL))
    assert (found.never, draining) == (True, None)
    assert "about 60 stay in flight" in found.why
    unsure, draining = drained(Flow(ITEMS, 10.0, 0.5, EXPONENTIAL))
    assert (unsure.never, unsure.p50, draining) == (False, None, None)
    queued = decay_of(QUEUE)
    sure, _ = drained(Flow(queued[-1].items, 10.0, 0.5, EXPONENTIAL, queued))
    assert sure.bound == QUEUE


# -- what is not known ------------------------------------------------------------------------------------------------


def test_without_durations_and_completions_nothing_is_known() -> None:
    found, draining = drained(Flow(ITEMS))
    assert (found.p50, found.never, draining) == (None, False, None)
    assert "neither how long" in found.why


def test_nothing_in_flight_takes_no_time() -> None:
    found, draining = drained(Flow(0.0, 0.0, 0.0, EXPONENTIAL))
    assert (found.p50, found.p95, found.most, found.never, draining) == (0.0, 0.0, 0.0, False, None)


def test_nothing_that_ends_never_ends() -> None:
    found, _ = drained(Flow(5.0, 0.0, 0.0, EXPONENTIAL))
    assert (found.never, found.why) == (True, "nothing ends")


def test_beyond_the_last_bucket_nobody_knows() -> None:
    """One in ten thousand takes longer than 1800 s: of 1200 items one is likely to be among them."""
    lasting = residual(BOUNDS, [*((1 - exponential(le)) * 0.9999 for le in BOUNDS[:-1]), 0.9999, 1.0])
    assert lasting is not None
    found, draining = drained(Flow(ITEMS, None, 0.0, lasting))
    assert (found.p95, draining) == (None, None)
    assert found.most is not None
    assert "0.01% take longer than 1800 s" in found.why


@pytest.mark.parametrize(
    ("les", "counts"),
    [((), ()), ((1.0,), (0.0, 0.0)), ((1.0,), (0.0, 5.0)), ((1.0, 2.0), (1.0, 2.0)), ((1.0,), (float("nan"),) * 2)],
)
def test_a_histogram_that_says_nothing(les: tuple[float, ...], counts: tuple[float, ...]) -> None:
    assert residual(les, counts) is None


# -- what must hold of any histogram ----------------------------------------------------------------------------------

histograms = st.lists(st.tuples(st.floats(0.1, 500), st.integers(0, 1000)), min_size=1, max_size=12)


@given(histograms, st.integers(0, 50), st.floats(0.001, 0.999))
def test_residual_survival(buckets: list[tuple[float, int]], longer: int, share: float) -> None:
    les, counts, bound, count = [], [], 0.0, 0.0
    for width, events in buckets:
        bound, count = bound + width, count + events
        les.append(bound)
        counts.append(count)
    found = residual(les, [*counts, count + longer])
    assume(found is not None)
    assert found is not None
    assert found.mean > 0
    assert found.left[0] == pytest.approx(1.0)
    assert all(before >= after - 1e-12 for before, after in zip(found.left, found.left[1:], strict=False))
    when = found.when(share)
    if when is None:
        assert share < found.beyond
    else:
        assert 0.0 <= when <= les[-1]
        assert found.at(when) == pytest.approx(share, abs=1e-6) or (when == les[-1] and found.beyond <= share)


@given(st.floats(1, 1e5), st.floats(0.01, 1e4), st.floats(0, 0.99))
def test_a_queue_has_ordered_quantiles_about_its_mean(items: float, completions: float, busy: float) -> None:
    drain = ByQueue(items, completions, completions * busy)
    p50, p80, p95 = (drain.quantile(share) for share in (0.5, 0.8, 0.95))
    assert p50 is not None
    assert p80 is not None
    assert p95 is not None
    assert 0 < p50 <= p80 <= p95
    assert p50 <= drain.seconds * 1.0001


@given(st.floats(1, 5000), st.floats(1, 5000))
def test_more_items_take_longer(few: float, more: float) -> None:
    few, more = sorted((few, more))
    one, other = ByDuration(few, EXPONENTIAL).quantile(0.8), ByDuration(more, EXPONENTIAL).quantile(0.8)
    assert one is not None
    assert other is not None
    assert one <= other + 1e-9
