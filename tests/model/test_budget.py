"""Budgets and burn rates as sums over slices, held against sums that a child could check."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.budget import LATEST, Counted, bounded, gauge
from console.model.burn import WINDOWS
from console.model.reading import ReadingState
from console.model.sli import Part, Sli, of_counters
from console.model.slices import SLICE, Slice, Slices, Sums, instant, slot
from console.model.slo import Objective
from console.model.window import Calendar, Rolling, Window

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EDGE = slot(AT)
BAD, GOOD = of_counters("all", bad="bad"), of_counters("all", good="good")
DAY = 288


def objective(target: float = 0.999, window: Window | float = 30, sli: Sli = BAD) -> Objective:
    length = Rolling(timedelta(days=window)) if isinstance(window, (int, float)) else window
    return Objective("errors", "Errors", "lighthouse", target, length, "Occurrences", sli)


def counted(*slices: tuple[float | None, float] | None, tail: Sums | None = None, doubtful: bool = False) -> Counted:
    """The last slices, oldest first, as (part, total); the tail is one slice without traffic, unless it is given."""
    first = EDGE - len(slices)
    rows = [Slice(first + at, item[1], item[0], doubtful) for at, item in enumerate(slices) if item is not None]
    tail = tail if tail is not None else Sums(0, 0, 1, 1, 0, 1)
    return Counted(Slices(rows), EDGE, tail, AT, "test")


@pytest.mark.parametrize(
    ("target", "errors", "burn"),
    [(0.999, 0.002, 2), (0.9995, 0.002, 4), (0.999, 0.01, 10), (0.999, 0.0144, 14.4)],
)
def test_burn_rate_is_the_error_ratio_over_the_budget(target: float, errors: float, burn: float) -> None:
    found = gauge(objective(target), counted(*[(errors * 1e6, 1e6)] * 12))
    assert found.burn.value == pytest.approx(burn, abs=1e-8)


def test_a_day_at_the_page_rate_spends_its_share_of_the_month() -> None:
    month = [(0.0, 1e6)] * (29 * DAY) + [(14_400.0, 1e6)] * DAY
    found = gauge(objective(), counted(*month))
    assert found.budget_left.value == pytest.approx(1 - 14.4 / 30)
    assert (found.budget_left.state, found.coverage) == (ReadingState.OK, 1)
    assert found.burns["1d"].value == pytest.approx(14.4)
    assert found.burns["3d"].value == pytest.approx(4.8)


def test_a_window_that_is_known_in_part_says_how_much() -> None:
    found = gauge(objective(), counted(*[(0.0, 1e6)] * DAY))
    assert (found.budget_left.state, found.budget_left.note) == (ReadingState.PARTIAL, "covers 1 of 30 d")
    assert found.coverage == pytest.approx(1 / 30, rel=0.01)
    assert found.burns["1d"].ok


def test_an_overspent_budget_is_negative() -> None:
    found = gauge(objective(window=1), counted(*[(4_000.0, 1e6)] * DAY))
    assert found.budget_left.value == pytest.approx(-3)


def test_no_traffic_is_no_traffic_and_not_a_good_hour() -> None:
    found = gauge(objective(window=1), counted(*[(0.0, 0.0)] * DAY))
    assert {found.ratio.state, found.burn.state, found.budget_left.state} == {ReadingState.NO_TRAFFIC}
    assert found.burn.value is None


def test_without_a_sample_there_is_no_data() -> None:
    found = gauge(objective(), counted(tail=Sums(expected=1)))
    assert {found.ratio.state, found.burn.state, found.budget_left.state} == {ReadingState.NO_DATA}


def test_good_events_that_were_never_seen_are_no_outage() -> None:
    found = gauge(objective(sli=GOOD, window=1), counted(*[(None, 1e6)] * DAY, tail=Sums(0, 1e6, 1, 0, 0, 1)))
    assert (found.ratio.state, found.ratio.value) == (ReadingState.NO_DATA, None)
    assert "check its selector" in found.ratio.note


def test_bad_events_that_were_never_seen_are_none_or_a_typo() -> None:
    found = gauge(objective(window=1), counted(*[(None, 1e6)] * DAY, tail=Sums(0, 1e6, 1, 0, 0, 1)))
    assert (found.ratio.state, found.ratio.value) == (ReadingState.PARTIAL, 1)
    assert "or a typo" in found.ratio.note


def test_what_the_server_warned_of_is_partial() -> None:
    found = gauge(objective(window=1), counted(*[(1.0, 1e6)] * DAY, doubtful=True))
    assert {found.ratio.state, found.burn.state} == {ReadingState.PARTIAL}


def test_what_has_not_been_seen_for_a_while_is_stale() -> None:
    quiet = [None] * (LATEST + 1)
    found = gauge(objective(window=1), counted(*[(1.0, 1e6)] * DAY, *quiet, tail=Sums(expected=1)))
    assert found.ratio.state is ReadingState.STALE
    assert found.ratio.note == "no sample since 01 Mar 11:45 UTC"


def test_hours_without_traffic_weigh_nothing() -> None:
    """23 h of 6000 a minute without an error, then one of 60 a minute in which all fail: 3600 / 8 283 600."""
    found = gauge(objective(window=1), counted(*[(0.0, 30_000.0)] * 276, *[(300.0, 300.0)] * 12))
    assert found.ratio.value == pytest.approx(1 - 3600 / 8_283_600, abs=1e-12)
    assert found.budget_left.value == pytest.approx(1 - 0.434593655, abs=1e-8)
    assert found.burn.value == pytest.approx(1000)


def test_a_calendar_window_has_its_own_length() -> None:
    """2026-03-29 has 23 h in Berlin, and March 31 days less one hour. A third of it is over on the 11th at 08:20."""
    month = Calendar(1, "M", datetime(2026, 1, 1), "Europe/Berlin")  # noqa: DTZ001
    begin, end = month.span(AT)
    assert end - begin == timedelta(days=31) - timedelta(hours=1)
    at = begin + (end - begin) / 3
    edge = math.ceil(at.timestamp() / SLICE)
    slices = Slices(Slice(index, 1000.0, 2.0) for index in range(slot(begin) - 500, edge))
    found = gauge(objective(0.999, month), Counted(slices, edge, Sums(0, 0, 1, 1, 0, 1), at, "test"))
    assert found.to_date is not None
    assert found.to_date.value == pytest.approx(-1)
    assert found.budget_left.value == pytest.approx(1 / 3)


def test_bounds_where_no_bucket_is_at_the_threshold() -> None:
    """Of 1000, 980 are within 0.25 s and 995 within 0.5: the truth at 0.3 s is between."""
    low, high = (gauge(objective(0.99, 1, GOOD), counted(*[(good, 1000.0)] * DAY)) for good in (980.0, 995.0))
    own = gauge(objective(0.99, 1, GOOD), counted(*[(None, 1000.0)] * DAY))
    found = bounded(own, low, high, 0.3)
    assert found.bounds == pytest.approx((0.98, 0.995))
    assert (found.ratio.state, found.ratio.note) == (
        ReadingState.PARTIAL,
        "no bucket at 0.3: the truth is between the buckets next to it",
    )


def test_bounds_hold_of_every_reading() -> None:
    month = Calendar(1, "M", datetime(2026, 1, 1))  # noqa: DTZ001
    low, high, own = (gauge(objective(0.99, month, GOOD), counted(*[(x, 1000.0)] * DAY)) for x in (980.0, 995.0, None))
    found = bounded(own, low, high, 0.3)
    assert found.to_date is not None
    readings = [found.ratio, found.budget_left, found.burn, found.to_date, *found.burns.values()]
    readings += [reading for item in found.alerts for reading in (item.long, item.short)]
    assert {(reading.state, reading.note[:9]) for reading in readings} == {(ReadingState.PARTIAL, "no bucket")}


# -- what must not be green -------------------------------------------------------------------------------------------


def test_before_its_first_period_a_budget_is_not_known() -> None:
    later = Calendar(1, "M", datetime(2035, 1, 1))  # noqa: DTZ001
    found = gauge(objective(window=later), counted(*[(1.0, 1e6)] * DAY))
    assert found.to_date is not None
    readings = [found.ratio, found.budget_left, found.burn, found.to_date, *found.burns.values()]
    readings += [reading for item in found.alerts for reading in (item.long, item.short)]
    assert {(reading.state, reading.value, reading.note) for reading in readings} == {
        (ReadingState.NO_DATA, None, "the period begins on 2035-01-01 00:00 UTC")
    }
    assert {item.firing for item in found.alerts} == {None}
    assert (
        gauge(objective(window=Calendar(1, "d", AT.replace(tzinfo=None))), counted((1.0, 1e6))).ratio.note
        == "nothing was counted"
    )


@pytest.mark.parametrize("surplus", [0.0005, 0.002, 0.009])
def test_more_good_than_all_in_other_slices_does_not_hide_an_outage(surplus: float) -> None:
    """Two hours of 30 d in which all fail are 2.8 budgets of 0.1 %."""
    month = [((1 + surplus) * 1000, 1000.0)] * (29 * DAY) + [(0.0, 1000.0)] * 24 + [(1000.0, 1000.0)] * (DAY - 24)
    found = gauge(objective(sli=GOOD), counted(*month))
    assert found.budget_left.value == pytest.approx(1 - 24 / (30 * DAY) / 0.001, abs=0.01)
    assert found.budget_left.state is ReadingState.PARTIAL
    assert found.ratio.note == "more good events than events: check its selectors"


def test_fewer_than_no_bad_events_do_not_hide_those_of_other_slices() -> None:
    found = gauge(objective(window=1), counted(*[(5.0, 1000.0)] * (DAY - 1), (-1400.0, 1000.0)))
    assert found.ratio.value == pytest.approx(0.995, abs=1e-4)
    assert found.ratio.state is ReadingState.PARTIAL


def test_what_rounding_and_extrapolation_make_of_counters_is_no_surplus() -> None:
    hairs = [(1000.0 * (1 + 1e-12), 1000.0), (999.0, 1000.0)] * (DAY // 2)
    found = gauge(objective(window=1, sli=GOOD), counted(*hairs))
    assert found.ratio.state is ReadingState.OK
    assert found.ratio.value == pytest.approx(0.9995, abs=1e-6)
    few = gauge(objective(window=1, sli=GOOD), counted(*[(100.001, 100.0)] * DAY))
    assert (few.ratio.state, few.ratio.value) == (ReadingState.OK, 1)


@pytest.mark.parametrize(
    ("target", "bad", "unseen", "note"),
    [
        (0.999, 0.2, 420, "35 h unseen, more than is left of the budget"),
        (0.999, 0.2, 7, "35 min unseen, more than is left of the budget"),  # 0.8 of 43.2 min are left
        (0.999, 0.2, 6, ""),
        (0.999, 1.1, 6, ""),  # it is spent, whatever there was
        (0.9999, 0.0, 1, "5 min unseen, more than is left of the budget"),  # of 4.3 min
        (0.9999, 0.0, 0, ""),
        (0.99, 5.0, 40, ""),
    ],
)
def test_what_was_not_seen_may_be_more_than_is_left(target: float, bad: float, unseen: int, note: str) -> None:
    month: list[tuple[float, float] | None] = [(bad, 1000.0)] * (30 * DAY)
    month[1000 : 1000 + unseen] = [None] * unseen
    found = gauge(objective(target), counted(*month, tail=Sums(expected=1)))  # which says nothing
    assert (found.ratio.note, found.budget_left.note) == (note, note)
    assert found.budget_left.state is (ReadingState.PARTIAL if note else ReadingState.OK)
    assert {found.burns[name].state for name in ("1d", "3d")} == {ReadingState.OK}


def test_a_month_that_has_just_begun_has_nearly_all_of_its_budget_for_what_was_not_seen() -> None:
    month = Calendar(1, "M", datetime(2026, 1, 1))  # noqa: DTZ001
    begin, _ = month.span(AT)
    length = EDGE - slot(begin)
    slices: list[tuple[float, float] | None] = [(0.0, 1000.0)] * length
    slices[3:5] = [None] * 2
    assert gauge(objective(window=month), counted(*slices)).budget_left.ok
    slices[3:13] = [None] * 10
    assert not gauge(objective(window=month), counted(*slices)).budget_left.ok


NONE = (math.nan, math.inf, -math.inf)


@pytest.mark.parametrize("lost", NONE)
def test_a_part_that_is_no_number_is_not_none(lost: float) -> None:
    kept = Slices()
    kept.put_series(EDGE - 4, [1000.0, 1000.0, 0.0, 1000.0], [lost, None, lost, 2.0])
    assert kept.at(EDGE - 4) is None
    assert kept.sums(EDGE - 4, EDGE) == Sums(2.0, 2000.0, 3, 1, 0, 4)


@pytest.mark.parametrize("lost", [math.inf, -math.inf])
def test_a_total_that_is_infinite_is_not_known_and_one_that_is_nan_is_no_traffic(lost: float) -> None:
    kept = Slices()
    kept.put_series(EDGE - 2, [lost, math.nan], [1.0, 1.0])
    assert kept.sums(EDGE - 2, EDGE) == Sums(0.0, 0.0, 1, 0, 0, 2)


PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(-5, 20), st.integers(0, 12)), max_size=60)


@given(PAIRS, st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_what_is_above_or_below_is_summed_slice_by_slice(
    rows: list[tuple[int, int, int]], begin: int, end: int, dropped: int
) -> None:
    """Overwritten, dropped, dumped and loaded: as slice by slice."""
    kept, plain = Slices(), dict[int, tuple[float, float]]()
    for index, part, total in rows:
        kept.put([Slice(index, float(total), float(part))])
        plain[index] = (float(part), float(total))
    kept.drop_before(dropped)
    plain = {index: pair for index, pair in plain.items() if index >= dropped}
    again = Slices([Slice(5, 1.0, 7.0)])
    again.load(0, kept.dump(0, 31))
    for found in (kept.sums(begin, end), again.sums(begin, end)):
        inside = [pair for index, pair in plain.items() if begin <= index < end]
        assert found.above == sum(max(0.0, part - total) for part, total in inside)
        assert found.below == sum(max(0.0, -part) for part, _ in inside)


# -- against an oracle ------------------------------------------------------------------------------------------------

SLOTS = st.one_of(
    st.none(),
    st.tuples(st.one_of(st.none(), st.integers(0, 10**6)), st.integers(0, 10**6)),
)


@given(
    st.lists(SLOTS, max_size=40),
    SLOTS,
    st.integers(150, 449),
    st.sampled_from([Part.BAD, Part.GOOD]),
    st.floats(0.5, 0.99999),
    st.integers(1, 50),
)
def test_every_figure_is_a_ratio_of_sums(rows, tail, tail_seconds, counts, target, slices) -> None:
    """Kept in pieces, as over restarts, in any order, and read twice: the figures are those of the plain sums."""
    sli = BAD if counts is Part.BAD else GOOD
    rows = [row if row is None or row[0] is None else (float(min(row)), float(max(row))) for row in rows]
    known = [Slice(EDGE - len(rows) + at, row[1], row[0]) for at, row in enumerate(rows) if row is not None]
    kept = Slices()
    for piece in (known[1::2], known[0::2], known[1::2]):
        kept.put(piece)
    running = Sums(expected=1)
    if tail is not None:
        tail = tail if tail[0] is None else (float(min(tail)), float(max(tail)))
        running = Sums(tail[0] or 0.0, tail[1], 1, int(tail[0] is not None), 0, 1)
    at = instant(EDGE) + timedelta(seconds=tail_seconds)
    window = timedelta(seconds=SLICE * slices)
    found = gauge(objective(target, Rolling(window), sli), Counted(kept, EDGE, running, at, "test"))

    def oracle(seconds: float) -> tuple[float, float]:
        count = max(0, round((seconds - tail_seconds) / SLICE))
        seen = [row for row in (*rows[max(0, len(rows) - count) :], tail) if row is not None]
        total = math.fsum(row[1] for row in seen)
        part = math.fsum(row[0] or 0.0 for row in seen)
        return (part if counts is Part.BAD else total - part), total

    for reading, seconds, scale in [
        (found.ratio, window.total_seconds(), 0.0),
        *((found.burns[name], length.total_seconds(), 1 - target) for name, length in WINDOWS.items()),
    ]:
        bad, total = oracle(seconds)
        if reading.value is None:
            continue
        expected = 1 - bad / total if not scale else bad / total / scale
        assert reading.value == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert reading.n == round(total)
    if found.budget_left.value is not None:
        bad, total = oracle(window.total_seconds())
        assert found.budget_left.value == pytest.approx(1 - bad / total / (1 - target), rel=1e-9, abs=1e-9)
