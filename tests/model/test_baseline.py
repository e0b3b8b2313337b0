"""What is like an hour, and what may be said of the present beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.advice import Kind, advise
from console.model.baseline import (
    Baseline,
    Detail,
    Estimate,
    Load,
    Measured,
    Standing,
    by_deff,
    counted,
    definition,
    design_effect,
    grid,
    hour_of_week,
    peaks,
    sums,
)
from console.model.comparison import Comparison, is_peak, percentile
from console.model.histogram import Place, added, between, needed, place, ranks
from console.model.sli import Unit, of_counters
from console.model.slices import DAY, Slice, instant, slot
from console.view.baseline import advice_words, amount, gauge_words, note_words

BERLIN = "Europe/Berlin"
MONDAY = slot(datetime(2026, 11, 2, tzinfo=UTC))
SLI = of_counters("all_total", bad="bad_total")


# -- percentiles ------------------------------------------------------------------------------------------------------


def test_the_studys_percentiles():
    assert place([0.25, 0.3, 0.5, 1], [980, 991, 995, 1000, 1000], 0.99).value == pytest.approx(0.2954545, abs=1e-7)
    assert place([0.25, 0.5, 1], [980, 995, 1000, 1000], 0.99) == Place(pytest.approx(0.4166667, abs=1e-7), 0.25, 0.5)
    assert (ranks(1000, 0.99), ranks(10_000, 0.99)) == ((983, 997), (9880, 9920))  # scipy's quantile_test
    assert (needed(0.99), needed(0.95), needed(0.5)) == (299, 59, 5)
    assert ranks(298, 0.99)[1] is None
    assert ranks(299, 0.99)[1] == 299


def test_what_is_above_the_last_bound_has_no_upper_end():
    assert place([0.1, 1.0], [10, 20, 1000], 0.99) == Place(1.0, 1.0, None)
    assert place([], [5], 0.5) == Place(0.0, 0.0, None)
    assert place([1.0], [0, 0], 0.5) is None
    assert between([0.1, 1.0], [90, 100, 100], 0.99) == (0.1, None)


histograms = st.lists(st.integers(0, 500), min_size=2, max_size=9).map(lambda counts: added([_cumulative(counts)]))


def _cumulative(counts):
    return [sum(counts[: at + 1]) for at in range(len(counts))]


@given(histograms, st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_lies_in_its_bucket_and_within_its_interval(counts, quantile):
    les = [2.0**at for at in range(len(counts) - 1)]
    found, ends = place(les, counts, quantile), between(les, counts, quantile)
    if counts[-1] == 0:
        assert found is None
        return
    assert found.low <= found.value
    assert found.high is None or found.value <= found.high
    assert ends[0] <= found.value
    assert ends[1] is None or found.value <= ends[1]
    assert (ends[1] is not None) <= (counts[-1] >= needed(quantile))


@given(st.integers(1, 20_000), st.sampled_from([0.5, 0.95, 0.99]))
def test_ranks_are_around_the_quantile(n, quantile):
    low, high = ranks(n, quantile)
    assert 1 <= low <= max(1, n * quantile + 1)
    if high is not None:
        assert n * quantile <= high <= n


# -- the wall clock's hours -------------------------------------------------------------------------------------------


def test_a_week_with_a_day_of_25_hours():
    begin = slot(datetime(2026, 10, 24, tzinfo=ZoneInfo(BERLIN)))  # the clock is set back on the 25th
    cut = grid(begin, begin + 3 * DAY + 12, BERLIN)
    assert [end - first for first, end in cut.days] == [288, 300, 288]
    twice = [first for first, _ in cut.hours if hour_of_week(first, BERLIN) == 6 * 24 + 2]
    assert len(twice) == 2
    assert twice[1] - twice[0] == 12


def test_a_week_with_a_day_of_23_hours():
    begin = slot(datetime(2026, 3, 28, tzinfo=ZoneInfo(BERLIN)))
    cut = grid(begin, begin + 3 * DAY - 12, BERLIN)
    assert [end - first for first, end in cut.days] == [288, 276, 288]
    assert 6 * 24 + 2 not in {hour_of_week(first, BERLIN) for first, _ in cut.hours}


@given(
    st.integers(slot(datetime(2024, 1, 1, tzinfo=UTC)), slot(datetime(2027, 1, 1, tzinfo=UTC))),
    st.integers(1, 400),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
@settings(max_examples=40, deadline=None)
def test_hours_and_days_cover_every_slice_once(begin, count, zone):
    cut = grid(begin, begin + count, zone)
    for spans in (cut.hours, cut.days):
        assert spans[0][0] == begin
        assert spans[-1][1] == begin + count
        assert all(end == after for (_, end), (after, _) in pairwise(spans))
    for first, end in cut.hours:
        assert 0 < end - first <= 12
        assert len({instant(index).astimezone(ZoneInfo(zone)).hour for index in range(first, end)}) == 1


# -- a baseline to compare with ---------------------------------------------------------------------------------------


def volume(index):
    """A hundred a slice by day, ten by night."""
    return 100.0 if 8 <= index // 12 % 24 < 20 else 10.0


def measured(days=7, rate=0.01, busy=volume, zone="UTC", missing=range(0), target=0.9):
    begin = MONDAY
    indexes = range(begin, begin + days * DAY)
    total = tuple(None if index in missing else busy(index) for index in indexes)
    shares = (rate * (1 + 0.5 * ((index // 12) % 3 - 1)) for index in indexes)
    bad = tuple(None if count is None else count * share for count, share in zip(total, shares, strict=True))
    cut = grid(begin, begin + days * DAY, zone)
    hours = tuple(sums(bad, total, *span, begin) for span in cut.hours)
    whole = sums(bad, total, begin, begin + days * DAY, begin)
    share = whole.bad / (whole.total or 1)
    return Measured(
        "errors", "Errors", definition(SLI), Unit.EVENTS, whole.slices, whole.seen, 0, whole.bad, whole.total,
        design_effect(bad, total), target, hours, tuple(sums(bad, total, *span, begin) for span in cut.days),
        peaks(hours, zone), {Load.ALL: Estimate(share, 0.9 * share, 1.1 * share, round(whole.total), "by hand")},
    )  # fmt: skip


def baseline(item, days=7, zone="UTC"):
    return Baseline("week", "a/b", instant(MONDAY), "prometheus", zone, MONDAY, MONDAY + days * DAY, measured=(item,))


def compared(bad, total, days=7, at=None, **kwargs):
    item = measured(days, **kwargs)
    at = MONDAY + (days + 7) * DAY + 12 * 12 + 6 if at is None else at  # a day in the next week, half past noon
    return Comparison(baseline(item, days), item).ratio(bad, total, at)


def test_seven_days_are_compared_by_load_and_beside_the_same_hour():
    note = compared(12, 1200)
    assert (note.standing, note.compared, note.like, note.hour) == (Standing.WITHIN, 84, "peak", "Mon 12:00")
    assert note.same.n == 1200
    assert note.difference.low < 0 < note.difference.high
    assert "within the middle 90 % of the baseline's same hours (84 peak hours: 0.5 % to 1.5 %)" in note_words(note)[1]


def test_higher_and_lower_are_said_with_the_hours_they_rest_on():
    note = compared(120, 1200)
    assert note.standing is Standing.HIGHER
    assert "10 %, n 1,200: higher than in 95 % of the baseline's same hours (84 peak hours" in note_words(note)[1]
    assert "Mon 12:00 had 0.5 %, n 1,200" in gauge_words(note)[1]
    assert compared(1, 1200).standing is Standing.LOWER


@pytest.mark.parametrize(("days", "like", "count"), [(7, "peak", 84), (21, "12:00", 21), (147, "Mon 12:00", 21)])
def test_the_narrowest_kind_of_hours_of_which_there_are_enough(days, like, count):
    note = compared(12, 1200, days=days, at=MONDAY + 147 * DAY + 12 * 12 + 6 + 7 * DAY)
    assert (note.like, note.compared) == (like, count)


def test_too_little_is_said_by_numbers_and_is_never_within():
    few = compared(0, 12)
    assert (few.standing, few.why) == (Standing.THIN, "this hour has 12 events, such hours have 1200")
    assert compared(1, 12).standing is Standing.THIN
    assert compared(11, 12).standing is Standing.HIGHER  # that many of twelve are no chance
    day = compared(12, 1200, days=1, at=MONDAY + 2 * DAY + 150)
    assert (day.standing, day.compared) == (Standing.THIN, 12)
    assert "the baseline has 12 such hours, 20 are needed to speak of 95 %" in note_words(day)[1]


def test_without_traffic_there_is_no_comparison():
    assert compared(0, 0).standing is Standing.UNKNOWN
    assert compared(None, 5).standing is Standing.UNKNOWN
    night = compared(1, 100, busy=lambda index: 0.0)
    assert (night.standing, night.why) == (Standing.UNKNOWN, "the baseline has no traffic at such an hour")


def test_the_present_is_not_compared_with_itself():
    end = MONDAY + 7 * DAY
    note = compared(120, 1200, at=end - 6 - 8 * 12)  # within the baseline, in a peak hour
    assert note.compared == 83
    assert note.hour == "15:00 of any day"  # that hour of the week is the present


def test_hours_that_were_not_seen_count_for_nothing():
    note = compared(12, 1200, missing=range(MONDAY + 140, MONDAY + 200))
    assert (note.like, note.compared) == ("peak", 80)


def test_peak_and_off_peak_follow_the_traffic():
    item = measured()
    assert len(item.peak) == 84
    assert is_peak(item, "UTC", MONDAY + 12 * 12)
    assert not is_peak(item, "UTC", MONDAY)
    day = measured(days=1)
    assert is_peak(day, "UTC", MONDAY + 5 * DAY + 12 * 12)  # of a day that it has not, by the hour


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 2 * DAY))
@settings(max_examples=60, deadline=None)
def test_a_note_always_has_its_evidence(bad, total, at):
    note = _COMPARISON.ratio(min(bad, total), total, MONDAY + 30 * DAY + at)
    if note.standing in (Standing.HIGHER, Standing.LOWER, Standing.WITHIN):
        assert note.n == total > 0
        assert note.compared >= 20
        assert note.same is not None
        assert not note.why
    else:
        assert note.why
    assert note_words(note)[1]


_ITEM = measured()
_COMPARISON = Comparison(baseline(_ITEM), _ITEM)


def test_a_percentile_beside_the_same_hours():
    item = replace(measured(), les=(0.1, 0.3))
    rows = tuple((0.9 * volume(index), 0.9995 * volume(index), volume(index)) for index in range(MONDAY, MONDAY + 2016))
    detail = Detail("errors", MONDAY, (), (), rows)
    at = MONDAY + 14 * DAY + 150

    same = percentile(baseline(item), item, detail, [1080.0, 1199.4, 1200.0], 0.99, at)
    assert (same.standing, same.compared, same.same.bounds) == (Standing.WITHIN, 84, (0.1, 0.3))
    slow = percentile(baseline(item), item, detail, [600.0, 1188.5, 1200.0], 0.99, at)
    assert slow.standing is Standing.HIGHER
    few = percentile(baseline(item), item, detail, [108.0, 119.0, 120.0], 0.99, at)
    assert (few.standing, few.why) == (Standing.THIN, "P99 needs 299 requests, this hour has 120")
    assert few.at_least
    assert ">= 0.1 only, n 120: too little evidence" in note_words(few, amount)[1]
    assert percentile(baseline(item), item, detail, [0.0, 0.0, 0.0], 0.99, at).standing is Standing.UNKNOWN


def test_good_events_that_were_not_seen_are_bad():
    slices = [Slice(0, 10.0, 9.0), Slice(1, 10.0, None), None]
    assert counted(slices, of_counters("a", good="g")) == ((1.0, 10.0, None), (10.0, 10.0, None))
    assert counted(slices, of_counters("a", bad="b")) == ((9.0, 0.0, None), (10.0, 10.0, None))


def test_the_design_effect():
    even = design_effect([1.0] * 720, [100.0] * 720)
    assert even == 1.0
    bursts = [20.0 if index // 36 % 10 == 0 else 0.0 for index in range(720)]
    # 2 of 20 batches have 720 errors of 3,600 events: 20 batches / 19 x (2 x 648² + 18 x 72²) / (72,000 x .02 x .98)
    expected = (2 * (720 - 72) ** 2 + 18 * 72**2) * 20 / 19 / (72_000 * 0.02 * 0.98)
    assert design_effect(bursts, [100.0] * 720) == pytest.approx(expected)
    assert by_deff(5, 1000, 1.0).high == pytest.approx(0.011651, abs=1e-6)
    assert by_deff(5, 1000, 4.0).high > 0.011651


# -- suggestions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "kind", "suggested"),
    [
        (0.9, Kind.OBJECTIVE_STRICTER, 0.95),
        (0.98, Kind.OBJECTIVE_FITS, 0.98),
        (0.99, Kind.OBJECTIVE_UNSURE, None),
        (0.999, Kind.OBJECTIVE_LOOSER, 0.95),
    ],
)
def test_what_a_baseline_of_one_percent_errors_suggests(target, kind, suggested):
    item = measured(target=target)
    objective, errors = advise(item)
    assert (objective.kind, objective.suggested) == (kind, suggested)
    assert errors.suggested == pytest.approx(0.015)
    for advice in (objective, errors):
        words = advice_words(advice, item)
        assert f"n {round(item.total):,}" in words
        assert "by hand" in words or "168 hours" in words
