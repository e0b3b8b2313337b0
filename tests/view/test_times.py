from datetime import UTC, datetime, timedelta, timezone

import pytest

from console.view.look import Look
from console.view.times import age, ahead, clock, count, instant, local, past, span_of, timebox

NOW = datetime(2025, 11, 3, 14, 32, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "quiet", "counting"),
    [
        (0, "<1 min", "0 s"),
        (59.9, "<1 min", "59 s"),
        (60, "1 min", "1 min"),
        (3600, "1 h 00", "1 h 00"),
        (90000, "1 d 1 h", "1 d 1 h"),
    ],
)
def test_ages_stay_still_below_a_minute_unless_something_counts(seconds, quiet, counting):
    since = NOW - timedelta(seconds=seconds)
    assert age(since, NOW, Look()) == quiet
    assert age(since, NOW, Look(seconds=True)) == counting


def test_an_age_without_an_instant_is_never_zero():
    assert age(None, NOW, Look()) == "never"


def test_a_countdown_reaches_zero_only_when_it_is_over():
    assert count(timedelta(seconds=0.2)) == "0:01"
    assert count(timedelta(0)) == "0:00"
    assert count(timedelta(minutes=64, seconds=12)) == "1:04:12"
    assert past(timedelta(seconds=71.9)) == "1:11"


def test_utc_comes_first_and_the_readers_time_only_when_it_differs():
    assert clock(NOW.astimezone(timezone(timedelta(hours=5)))) == "14:32Z"
    assert local(NOW, timezone(timedelta(hours=1), "CET")) == "15:32 CET"
    assert local(NOW, UTC) == ""
    assert local(NOW, None) == ""


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("14:32", datetime(2025, 11, 3, 14, 32, tzinfo=UTC)),
        ("14:32:05Z", datetime(2025, 11, 3, 14, 32, 5, tzinfo=UTC)),
        ("23:50", datetime(2025, 11, 2, 23, 50, tzinfo=UTC)),
        ("-5m", NOW - timedelta(minutes=5)),
        ("-1h30", NOW - timedelta(hours=1, minutes=30)),
        ("-90s", NOW - timedelta(seconds=90)),
        ("  ", None),
    ],
)
def test_instants_as_operators_type_them(typed, expected):
    assert instant(typed, NOW) == expected


@pytest.mark.parametrize("typed", ["25:00", "soon", "-", "12:60", "5m", "-99999999h", "1" * 500])
def test_what_is_no_time_is_refused(typed):
    with pytest.raises(ValueError, match="expected 14:32"):
        instant(typed, NOW)


def test_lengths():
    assert timebox(timedelta(seconds=90)) == "90 s"
    assert timebox(timedelta(minutes=5)) == "5 min"
    assert span_of(timedelta(seconds=-4), seconds=True) == "0 s"


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [("30m", 30), ("+30", 30), ("1h30", 90), ("2d", 2880), ("14:50", 17.8333), ("14:00", 1407.8333)],
)
def test_a_time_ahead_as_it_is_typed(typed, minutes):
    found = ahead(typed, NOW)
    assert abs((found - NOW).total_seconds() - minutes * 60) < 1


@pytest.mark.parametrize("typed", ["soon", "0m", "25:00", "-5m", "99999d", "1h h"])
def test_what_is_no_time_ahead_is_refused(typed):
    with pytest.raises(ValueError, match="is no time ahead"):
        ahead(typed, NOW)


def test_nothing_typed_is_no_time_ahead():
    assert ahead("  ", NOW) is None
