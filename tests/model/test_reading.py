"""Evidence only gets worse on its way to the screen."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.reading import Reading, ReadingState, combine, missing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORDER = list(ReadingState)
WITH_VALUE = (ReadingState.OK, ReadingState.PARTIAL, ReadingState.STALE)

instants = st.none() | st.integers(0, 10_000).map(lambda seconds: NOW - timedelta(seconds=seconds))
values = st.none() | st.integers(-5, 5)
readings = st.builds(
    lambda state, value, at, n, note: Reading(state, value if state in WITH_VALUE else None, at, "s", n, note),
    st.sampled_from(ORDER),
    values,
    instants,
    st.none() | st.integers(0, 100),
    st.text(max_size=5),
)


@given(st.lists(readings, min_size=1, max_size=5))
def test_combining_never_improves_anything(parts):
    found = combine(lambda *numbers: sum(numbers), *parts)
    assert ORDER.index(found.state) >= max(ORDER.index(part.state) for part in parts)
    assert found.ok is all(part.ok for part in parts)
    assert found.known is all(part.known for part in parts)
    assert found.at == min((part.at for part in parts if part.at is not None), default=None)
    assert found.n == min((part.n for part in parts if part.n is not None), default=None)
    if found.value is not None:
        assert found.value == sum(part.value for part in parts)


@given(st.lists(readings, min_size=2, max_size=5), st.randoms())
def test_the_order_does_not_matter_for_the_evidence(parts, random):
    other = list(parts)
    random.shuffle(other)
    first, second = (combine(lambda *numbers: sum(numbers), *items) for items in (parts, other))
    assert (first.state, first.value, first.at, first.n) == (second.state, second.value, second.at, second.n)


@given(readings, readings)
def test_a_division_by_zero_is_no_traffic(bad, total):
    found = combine(lambda a, b: a / b, bad, total)
    if bad.known and total.value == 0:
        assert (found.state, found.value) == (ReadingState.NO_TRAFFIC, None)


@pytest.mark.parametrize("state", WITH_VALUE)
def test_without_a_value_there_is_no_data(state):
    assert combine(lambda a: a, Reading(state)).state is ReadingState.NO_DATA


@given(readings)
def test_mapping_changes_the_value_alone(reading):
    found = reading.map(lambda value: value * 2)
    assert found.value == (None if reading.value is None else reading.value * 2)
    assert (found.state, found.at, found.source, found.n, found.note) == (
        reading.state,
        reading.at,
        reading.source,
        reading.n,
        reading.note,
    )
    assert reading.map(lambda value: value) == reading


@given(readings, st.integers(0, 20_000), st.integers(0, 20_000))
def test_ageing_only_ever_makes_stale(reading, limit, later):
    found = reading.aged(NOW + timedelta(seconds=later), timedelta(seconds=limit))
    assert found.value == reading.value
    assert ORDER.index(found.state) >= ORDER.index(reading.state)
    assert found.state in (reading.state, ReadingState.STALE)
    if reading.at is not None and found.ok:
        assert NOW + timedelta(seconds=later) - reading.at <= timedelta(seconds=limit)
    assert found.aged(NOW + timedelta(seconds=later), timedelta(seconds=limit)) == found


def test_missing_has_no_value():
    found = missing(ReadingState.UNREACHABLE, "prometheus", "refused")
    assert (found.value, found.ok, found.known, found.note) == (None, False, False, "refused")
