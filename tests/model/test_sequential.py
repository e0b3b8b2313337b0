"""Bounds on a share of events that hold however often they are looked at."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.sequential import (
    Spread,
    Varied,
    above,
    below,
    chance,
    design_effect,
    highest,
    is_even,
    log_evidence,
    lowest,
    spread,
)
from console.model.verdict import Counts

shares = st.floats(0.001, 0.999)


def bounds(bad: float, total: float, alpha: float) -> tuple[float, float]:
    return lowest(bad, total, alpha), highest(bad, total, alpha)


@given(shares, st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_the_evidence_is_a_martingale_that_begins_with_1(share: float, total: int) -> None:
    """Its mean over all that may happen is 1, exactly: Ville's inequality is about nothing else."""
    mean = math.fsum(
        math.comb(total, bad) * share**bad * (1 - share) ** (total - bad) * math.exp(log_evidence(bad, total, share))
        for bad in range(total + 1)
    )
    assert mean == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize(
    ("bad", "total", "share"), [(0, 100, 0.01), (5, 1000, 0.01), (60, 1200, 0.01), (3.5, 40.2, 0.05), (900, 1000, 0.99)]
)
def test_the_closed_form_is_scipys(bad: float, total: float, share: float) -> None:
    special = pytest.importorskip("scipy.special")
    least = min(share, 1 - share)
    a, b = share / least, (1 - share) / least
    expected = special.betaln(a + bad, b + total - bad) - special.betaln(a, b)
    expected -= special.xlogy(bad, share) + special.xlog1py(total - bad, -share)
    assert log_evidence(bad, total, share) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("bad", "total", "low", "high"),
    [
        (0, 300, 0.0, 0.01571455),
        (0, 3000, 0.0, 0.00158030),
        (5, 1000, 0.00045521, 0.01468442),
        (63, 3000, 0.01359589, 0.03059932),
    ],
)
def test_vectors(bad: int, total: int, low: float, high: float) -> None:
    """Found by scipy's brentq on its betaln. Wider than Wilson's, which is for one look: 5 of 1000 are 0.0021 to 0.0117
    there. Without any, the upper one is x / total with x - ln(1 + x) = ln 20."""
    assert bounds(bad, total, 0.05) == (pytest.approx(low, rel=1e-4), pytest.approx(high, rel=1e-4))


@given(st.integers(0, 500), st.integers(1, 20_000), st.sampled_from([0.05, 0.01, 0.001]))
@settings(max_examples=150, deadline=None)
def test_the_bounds_hold_what_was_seen_and_narrow_with_evidence(bad: int, total: int, alpha: float) -> None:
    bad = min(bad, total)
    low, high = bounds(bad, total, alpha)
    assert 0 <= low <= bad / total <= high <= 1
    assert lowest(bad, total, alpha / 10) <= low
    assert high <= highest(bad, total, alpha / 10)
    more = bounds(10 * bad, 10 * total, alpha)
    assert low <= more[0] + 1e-6
    assert more[1] <= high + 1e-6


@given(st.integers(0, 300), st.integers(1, 10_000), shares, st.sampled_from([0.05, 0.003]))
@settings(max_examples=200, deadline=None)
def test_above_and_below_are_what_the_bounds_say(bad: int, total: int, share: float, alpha: float) -> None:
    bad = min(bad, total)
    low, high = bounds(bad, total, alpha)
    if abs(low - share) > 1e-6:
        assert above(bad, total, share, alpha) == (low > share)
    if abs(high - share) > 1e-6:
        assert below(bad, total, share, alpha) == (high < share)


def test_without_events_nothing_is_known() -> None:
    assert bounds(0, 0, 0.05) == (0.0, 1.0)
    assert not above(0, 0, 0.01, 0.05)
    assert not below(0, 0, 0.01, 0.05)
    with pytest.raises(ValueError, match="a share of 1"):
        log_evidence(1, 2, 1)


def test_it_holds_over_all_looks_of_a_rate_that_wanders_about_its_mean() -> None:
    """The running mean of the chances is at the limit at most: it is called above it in at most 5 of 100 runs."""
    wrong = 0
    for seed in range(200):
        draw, bad, total, spent = random.Random(seed), 0, 0, 0.0
        for minute in range(60):
            chance_now = 0.02 if minute % 10 >= 5 else 0.0  # quiet first: the mean so far never exceeds 0.01
            bad += sum(draw.random() < chance_now for _ in range(50))
            total, spent = total + 50, spent + chance_now
            assert spent / (minute + 1) <= 0.01 + 1e-12
            if above(bad, total, 0.01, 0.05):
                wrong += 1
                break
    assert wrong <= 10


@pytest.mark.parametrize(("bad", "total", "share", "exact"), [(5, 30, 0.01, 1.15e-5), (2, 30, 0.01, 0.0361)])
def test_the_chance_is_never_told_too_small(bad: int, total: int, share: float, exact: float) -> None:
    tail = sum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(bad, total + 1))
    assert tail == pytest.approx(exact, rel=0.01)
    assert exact <= chance(bad, total, share) <= 10 * exact
    assert chance(0, 30, 0.01) == chance(0, 0, 0.01) == 1
    assert chance(30, 30, 0.5) == pytest.approx(0.5**30)


# --- how much a share varies by itself -------------------------------------------------------------------------------


def minutes(rates: list[float], requests: int = 1000, seed: int = 1) -> list[Counts]:
    draw = random.Random(seed)
    return [Counts(sum(draw.random() < rate for _ in range(requests)), requests) for rate in rates]


def test_what_chance_does_alone_is_no_spread() -> None:
    found = spread([minutes([0.02] * 480)])
    assert found.all[-1].length == found.even[-1].length == 60
    assert max(item.variance for item in found.all) < 0.02, "20 a minute by chance: 0.05, of which next to nothing"
    assert is_even(minutes([0.02] * 60))


def test_two_levels_are() -> None:
    rates = [0.01 if minute // 20 % 2 else 0.03 for minute in range(480)]
    found = spread([minutes(rates)])
    assert found.over(1).variance == pytest.approx(0.25, rel=0.2), "the square of half the mean"
    assert found.over(5).variance == pytest.approx(0.25, rel=0.3)
    assert found.over(5, even=True).variance == pytest.approx(0.25, rel=0.3), "each lasts longer than that"
    assert found.over(5).highest == pytest.approx(0.03, rel=0.25)
    assert found.over(60).variance < 0.1 < found.over(10).variance, "one and the other come together"
    five, eight = found.all[3].variance, found.all[4].variance
    assert found.over(7).variance == pytest.approx(five + (eight - five) * 2 / 3)
    assert found.over(10_000) == found.all[-1]
    assert not is_even(minutes(rates[:40]))


def test_bursts_are_none_of_the_stretches_without_one() -> None:
    rates = [0.3 if minute % 60 in (7, 8) else 0.01 for minute in range(1440)]
    found = spread([minutes(rates)])
    assert found.over(12).variance > 1 > 0.05 > found.over(12, even=True).variance
    assert found.over(12).highest > 0.05 > 0.02 > found.over(12, even=True).highest
    assert found.over(2, even=True).highest > 0.2, "within one"
    assert found.over(3, even=True).highest > 0.2 > 0.02 > found.over(5, even=True).highest, "it may last longer"
    assert is_even(minutes(rates[10:60]))
    assert not is_even(minutes(rates[:60]))


def test_what_is_usual_is_the_mean_and_a_little_more_where_little_was_seen() -> None:
    assert spread([[Counts(7, 1000)] * 1440]).usual == pytest.approx(0.0070, rel=0.03)
    few = spread([[Counts(1, 100)] * 16]).usual
    assert few == pytest.approx((16 + 2 * 4) / 1600)
    assert spread([[Counts(2, 1000)] * 40, [Counts(6, 1000)] * 40]).usual == pytest.approx(0.004, rel=0.2)


def test_each_track_varies_about_its_own_mean() -> None:
    found = spread([minutes([0.01] * 240, seed=2), minutes([0.04] * 240, seed=3)])
    assert max(item.variance for item in found.all) < 0.05


def test_slices_that_are_not_known_are_left_out() -> None:
    some = minutes([0.02] * 40)
    holes = [Counts(None, 1000) if at % 4 == 3 else item for at, item in enumerate(some)]
    assert [item.length for item in spread([holes]).all] == [1, 2], "of three together there are 6"
    assert spread([]) == spread([[]]) == spread([minutes([0.1] * 7)]) == spread([[Counts(0, 9)] * 99]) == Spread()
    assert Spread().over(5) == Varied(5, 0, 0)
    assert is_even([Counts(None, None)] * 9)
    assert is_even([])


def test_as_many_events_count_as_one() -> None:
    assert design_effect(1000, 0.01, 0) == 1
    assert design_effect(1000, 0.01, 0.4) == pytest.approx(1 + 10 / 0.99 * 0.4)
