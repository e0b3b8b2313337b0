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
