"""Budgets, burn rates and what is left, held against ratios of sums of the events themselves, in exact fractions.

What the console is given are raw samples of counters: of processes that restart (the counter begins again at zero),
with scrapes that are missing. What it must say is worked out from the events, by `Events`, which knows nothing of
slices but that one of which no two samples were taken was not seen. Sections are those of the study, slo_rollout.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from console.engine.clocks import SimulatedClock
from console.journal.slices import SqliteSlices
from console.model.budget import Counted, gauge
from console.model.burn import RULES, WINDOWS, BurnRule, Urgency
from console.model.interval import wilson
from console.model.reading import ReadingState
from console.model.sli import Part, of_counters
from console.model.slices import SLICE, Slice, Slices, Sums, slot
from console.model.slo import Objective
from console.model.window import Calendar, Rolling
from tests.engine.levels_bench import History, Keeper, objective
from tests.model.steady import steady

MINUTE, DAY = 60, 288
PART = {Part.BAD: of_counters("all_total", bad="bad_total"), Part.GOOD: of_counters("all_total", good="good_total")}


# -- events, and the counters that are scraped of them --------------------------------------------------------------


@dataclass
class Events:
    """What happened in each minute from `begin` on, (bad, all): the truth, and its sums. `lost` are the minutes whose
    scrape failed."""

    begin: int
    minutes: list[tuple[int, int]] = field(default_factory=list)
    lost: frozenset[int] = frozenset()
    restarts: frozenset[int] = frozenset()

    def sums(self, begin: int, end: int) -> tuple[int, int]:
        """The events within (begin, end], both ends of slices, but for those slices that were not seen: in one of which
        not every minute's end was scraped, the events between its first and its last sample count."""
        bad = total = 0
        for edge in range(max(begin, self.begin), min(end, self.begin + MINUTE * len(self.minutes)), SLICE):
            first = (edge - self.begin) // MINUTE
            seen = [minute for minute in range(first, first + 6) if minute not in self.lost]
            if len(seen) > 1:
                for minute in self.minutes[seen[0] : seen[-1]]:
                    bad, total = bad + minute[0], total + minute[1]
        return bad, total

    def samples(self, part: Part | None) -> Iterator[tuple[int, int]]:
        """(when, value) as the counter was scraped, at the end of each minute; None for the counter of all."""
        value = 0
        for minute in range(len(self.minutes) + 1):
            if minute in self.restarts:
                value = 0
            elif minute:
                bad, total = self.minutes[minute - 1]
                value += {Part.BAD: bad, Part.GOOD: total - bad, None: total}[part]
            if minute not in self.lost:
                yield self.begin + MINUTE * minute, value


def increases(samples: Iterable[tuple[int, int]]) -> dict[int, float]:
    """What a counter grew by within each slice, as `increase` has it where samples lie on the slices' edges."""
    found: dict[int, int] = {}
    before: tuple[int, int] | None = None
    for at, value in samples:
        if before is not None and before[0] // SLICE == (at - 1) // SLICE:
            grown = value - before[1] if value >= before[1] else value
            found[at // SLICE if at % SLICE else at // SLICE - 1] = found.get(before[0] // SLICE, 0) + grown
        before = at, value
    return {index: float(count) for index, count in found.items()}


def traffic(begin: datetime, days: float, seed: int, *, calm: bool = False) -> Events:
    """A daily rhythm with bursts of errors, restarts, and scrapes that are missing: single ones, and for hours. No
    event happens in the minute of a restart: it would be counted by nobody."""
    draw = random.Random(seed)
    count = round(days * 1440)
    minutes = []
    burst = 0
    for minute in range(count):
        busy = 40 + 30 * abs(720 - minute % 1440) // 720 + draw.randrange(20)
        burst = burst - 1 if burst else draw.randrange(1, 40) if draw.random() < 0.0005 else 0
        bad = draw.randrange(busy) if burst else int(draw.random() < 0.02)
        minutes.append((bad, busy))
    events = Events(int(begin.timestamp()), minutes)
    if not calm:
        restarts = {draw.randrange(1, count) for _ in range(12)}
        for minute in restarts:
            minutes[minute - 1] = (0, 0)
        lost = {draw.randrange(count) for _ in range(30)}
        for _ in range(3):
            at = draw.randrange(count)
            lost.update(range(at, at + draw.randrange(10, 200)))
        events.restarts, events.lost = frozenset(restarts - lost), frozenset(lost - restarts)
    return events


# -- a month, read over restarts ---------------------------------------------------------------------------------------

BERLIN = {
    # the month, as the calendar and the change of the clocks have it
    "march": ("2026-02-28T23:00", "2026-03-31T22:00"),
    "october": ("2026-09-30T22:00", "2026-10-31T23:00"),
    "january": ("2025-12-31T23:00", "2026-01-31T23:00"),
    "february": ("2026-01-31T23:00", "2026-02-28T23:00"),
}
STARTED = datetime.fromisoformat("2025-01-01T00:00")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "month", "counts"),
    [
        ("calendar", "march", Part.BAD),
        ("calendar", "october", Part.GOOD),
        ("calendar", "january", Part.GOOD),
        ("calendar", "february", Part.BAD),
        ("rolling", "march", Part.GOOD),
        ("rolling", "october", Part.BAD),
    ],
)
async def test_a_month_of_events(kind: str, month: str, counts: Part, tmp_path) -> None:
    """2.1, with counter resets, gaps, and a console that is restarted; the server remembers 12 days of it."""
    begin, end = map(utc, BERLIN[month])
    window = Calendar(1, "M", STARTED, "Europe/Berlin") if kind == "calendar" else Rolling(timedelta(days=30))
    events = traffic(begin, (end - begin) / timedelta(days=1), seed=len(month) + 7)
    sli, target = PART[counts], Fraction(999, 1000)
    clock = SimulatedClock(begin)
    history = History(clock, retention=12 * DAY)
    history.counts = {sli.part: increases(events.samples(counts)), sli.total: increases(events.samples(None))}
    store = SqliteSlices(tmp_path / "slices.db", clock)
    keeper = Keeper(history, [objective(sli=sli, window=window)], store)
    for hours in (5, 60, 190, 430, 640, (end - begin) / timedelta(hours=1) - 1 / 12):
        clock.leap(begin + timedelta(hours=hours))
        store.close()
        keeper.store = store = SqliteSlices(tmp_path / "slices.db", clock)
        keeper.restart()
        keeper.round()
        found = await keeper.fill()
        now = int(clock.now().timestamp())
        since = int(begin.timestamp()) if kind == "calendar" else now - 30 * 86_400
        bad, total = events.sums(since, now)
        share = Fraction(bad, total)
        assert found.ratio.value == pytest.approx(float(1 - share), rel=1e-9, abs=1e-12)
        left = 1 - share / (1 - target)
        if kind == "calendar":
            assert found.to_date is not None
            assert found.to_date.value == pytest.approx(float(left), rel=1e-9, abs=1e-9)
            left = 1 - share / (1 - target) * Fraction(now - since, int((end - begin).total_seconds()))
        assert found.budget_left.value == pytest.approx(float(left), rel=1e-9, abs=1e-9)
        assert found.ratio.n == total
        for name, length in WINDOWS.items():
            bad, total = events.sums(now - int(length.total_seconds()), now)
            if found.burns[name].value is not None:
                burn = Fraction(bad, total) / (1 - target)
                assert found.burns[name].value == pytest.approx(float(burn), rel=1e-9, abs=1e-9)
            else:
                assert total == 0
    store.close()


# -- 2.1 ---------------------------------------------------------------------------------------------------------------

AT = utc("2026-03-01T12:00")
EDGE = slot(AT)


def of(rows: Iterable[tuple[float, float]], target: float, window: timedelta, counts: Part = Part.BAD):
    """The gauge of slices (bad, all), the last of which ends now."""
    pairs = [(bad if counts is Part.BAD else total - bad, total) for bad, total in rows]
    *past, last = pairs
    known = Slices(Slice(EDGE - 1 - len(past) + at, total, part) for at, (part, total) in enumerate(past))
    tail = Sums(last[0], last[1], 1, 1, 0, 1)
    told = Objective("x", "X", "s", target, Rolling(window), "Occurrences", PART[counts])
    return gauge(told, Counted(known, EDGE - 1, tail, AT, "test"))


def days(count: float) -> timedelta:
    return timedelta(days=count)


@pytest.mark.parametrize(("target", "minutes"), [(0.999, 43.2), (0.9995, 21.6), (0.99, 432), (0.99999, 25.92 / 60)])
def test_f1_budgets(target: float, minutes: float) -> None:
    told = Objective("x", "X", "s", target, Rolling(days(30)), "Occurrences", PART[Part.BAD])
    assert told.budget * told.period / timedelta(minutes=1) == pytest.approx(minutes, abs=1e-9)


@pytest.mark.parametrize(
    ("errors", "target", "burn"),
    [("0.002", "0.999", 2), ("0.002", "0.9995", 4), ("0.01", "0.999", 10), ("0.0144", "0.999", "14.4")],
)
@pytest.mark.parametrize("counts", [Part.BAD, Part.GOOD])
def test_f2_burn_rates(errors: str, target: str, burn: float | str, counts: Part) -> None:
    found = of([(float(Fraction(errors) * 10**6), 1e6)] * DAY, float(target), days(1), counts)
    assert Fraction(errors) / (1 - Fraction(target)) == Fraction(burn)
    assert found.burn.value == pytest.approx(float(burn), abs=1e-9)


@pytest.mark.parametrize(
    ("window", "burn", "expected"),
    [(30, 1.0, 30.0), (30, 2.0, 15.0), (30, 10.0, 3.0), (30, 14.4, 50 / 24), (30, 1000.0, 0.03)]
    + [(28, burn, 28 / burn) for burn in (14.0, 7.0, 2.0, 1.0)],
)
def test_f3_time_to_exhaustion_of_a_full_budget(window: int, burn: float, expected: float) -> None:
    clean = [Slice(EDGE - window * DAY + at, 1000.0, 0.0) for at in range(window * DAY)]
    found = steady(clean, EDGE - window * DAY, Rolling(days(window)), 0.001, Part.BAD, burn)
    assert found is not None
    assert found / days(1) == pytest.approx(expected, abs=1 / DAY)  # it is counted in slices


@pytest.mark.parametrize(
    ("window", "rules", "factors"),
    [
        (30, RULES, (14.4, 6, 3, 1)),
        (28, RULES, (13.44, 5.6, 2.8, 14 / 15)),
        (7, [("1h", 8.0), ("6h", 12.5), ("1d", 20.0), ("3d", 42.0)], (13.44, 3.5, 1.4, 0.98)),
        (30, [("30m", 1.0), ("3h", 2.0), ("12h", 5.0), ("36h", 5.0)], (14.4, 4.8, 3, 1)),
    ],
)
def test_f4_factors(window: int, rules: list, factors: tuple[float, ...]) -> None:
    made = [rule if isinstance(rule, BurnRule) else BurnRule(Urgency.PAGE, rule[0], "5m", rule[1]) for rule in rules]
    assert [rule.factor(days(window)) for rule in made] == pytest.approx(list(factors), abs=1e-9)


def firing(found) -> list[str]:
    return [f"{item.rule.long} {item.rule.urgency.value}" for item in found.alerts if item.firing]


def test_f5_both_windows_must_burn() -> None:
    """An hour at 20 times fires; one that ended five minutes ago does not any more; nor do five minutes alone."""
    calm, hot = (0.0, 1000.0), (20.0, 1000.0)
    month = 30 * DAY
    assert firing(of([calm] * (month - 12) + [hot] * 12, 0.999, days(30))) == ["1h page"]
    assert firing(of([calm] * (month - 13) + [hot] * 12 + [calm], 0.999, days(30))) == []
    assert firing(of([calm] * (month - 1) + [hot], 0.999, days(30))) == []
    assert firing(of([calm] * (month - 72) + [(7.0, 1000.0)] * 72, 0.999, days(30))) == ["6h page"]
    assert firing(of([calm] * (month - 288) + [(3.5, 1000.0)] * 288, 0.999, days(30))) == ["1d ticket", "3d ticket"]
    assert firing(of([calm] * (month - 864) + [(1.1, 1000.0)] * 864, 0.999, days(30))) == ["3d ticket"]


@pytest.mark.parametrize(("burn", "slices", "consumed"), [(14.4, 12, 0.02), (6.0, 72, 0.05), (1.0, 864, 0.1)])
def test_f6_budget_spent_by_a_window(burn: float, slices: int, consumed: float) -> None:
    found = of([(0.0, 1000.0)] * (30 * DAY - slices) + [(burn, 1000.0)] * slices, 0.999, days(30))
    assert found.budget_left.value == pytest.approx(1 - consumed, abs=1e-9)


@pytest.mark.parametrize(("target", "fires"), [(0.9, False), (0.93, False), (0.9305, False), (0.931, True)])
def test_f7_what_can_never_page(target: float, fires: bool) -> None:
    quick = RULES[0]
    assert quick.can_fire(target, days(30)) is fires
    assert firing(of([(1000.0, 1000.0)] * 12, target, days(30)))[:1] == (["1h page"] if fires else ["6h page"])


def test_f8_what_is_left_may_be_less_than_nothing() -> None:
    found = of([(500.0, 1000.0)] * 144, 0.9, timedelta(seconds=43_200))
    assert found.budget_left.value == pytest.approx(-4.0, abs=1e-9)
    assert found.burns["6h"].value == pytest.approx(5.0, abs=1e-9)
    assert found.budget_left.value * 0.1 * 720 == pytest.approx(-288, abs=1e-6)


def test_one_failure_in_ten_an_hour_is_a_hundred_times_and_not_a_thousand() -> None:
    found = of([(0.0, 10.0 / 12)] * 11 + [(1.0, 10.0 / 12)], 0.999, days(30))
    assert found.burn.value == pytest.approx(100, abs=1e-9)
    assert found.burn.value / 720 == pytest.approx(0.139, abs=1e-3)


# -- 2.2 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spent_on", "burn", "expected"),
    [("oldest", 2.0, 15.0), ("newest", 2.0, 7.5), ("newest", 0.8, 18.75), ("newest", 1.0, 15.0)],
)
def test_exhaustion_honours_when_the_budget_was_spent(spent_on: str, burn: float, expected: float) -> None:
    """30 d, half of the budget used in one day."""
    month = 30 * DAY
    used = 0.5 * 0.001 * 1000.0 * month / DAY
    day = range(DAY) if spent_on == "oldest" else range(month - DAY, month)
    rows = [Slice(EDGE - month + at, 1000.0, used if at in day else 0.0) for at in range(month)]
    found = steady(rows, EDGE - month, Rolling(days(30)), 0.001, Part.BAD, burn)
    assert found is not None
    assert found / days(1) == pytest.approx(expected, abs=2 / DAY)


# -- 2.3 ---------------------------------------------------------------------------------------------------------------


def test_a_quiet_hour_of_failures_weighs_what_it_counts() -> None:
    rows = [(0.0, 30_000.0)] * 276 + [(300.0, 300.0)] * 12
    found = of(rows, 0.999, days(1))
    assert 1 - found.ratio.value == pytest.approx(float(Fraction(3600, 8_283_600)), rel=1e-9)
    assert found.burns["1d"].value == pytest.approx(float(Fraction(3600, 8_283_600) * 1000), rel=1e-9)


@pytest.mark.parametrize(("bad", "left"), [(5, 1 - 5 / 5.04), (6, 1 - 6 / 5.04)])
def test_a_week_of_minutes_as_time_slices(bad: int, left: float) -> None:
    """99.95 % of the 10,080 minutes of a week: five may be bad, the sixth is too many."""
    rows = [(0.0, 5.0)] * (7 * DAY - 2) + [(float(bad - bad // 2), 5.0), (float(bad // 2), 5.0)]
    found = of(rows, 0.9995, days(7))
    assert found.budget_left.value == pytest.approx(left, abs=1e-9)
    assert (found.budget_left.value < 0) is (bad > 5)


def test_an_attack_that_takes_the_whole_budget() -> None:
    """95 % over two weeks, 99 % on a usual day, 1 % under attack: as ratios per slice, 13 h 42 m 51 s of it are
    allowed; as slices that are bad as a whole, 16 h 48 min."""
    attack = Fraction(99 - 95, 99 - 1) * 336
    assert timedelta(hours=float(attack)) == timedelta(hours=13, minutes=42, seconds=51, microseconds=428571)
    slices = 14 * DAY
    count = float(attack) * 12
    rows = [(0.01 * 5, 5.0)] * (slices - 165) + [(0.99 * 5, 5.0)] * 164
    mixed = count - 164
    rows.append((0.01 * 5 * (1 - mixed) + 0.99 * 5 * mixed, 5.0))
    assert of(rows, 0.95, days(14)).budget_left.value == pytest.approx(0, abs=2e-3)
    whole = [(0.0, 5.0)] * (slices - 202) + [(5.0, 5.0)] * 201 + [(3.0, 5.0)]
    assert of(whole, 0.95, days(14)).budget_left.value == pytest.approx(0, abs=1e-9)


def test_two_pods_are_one_sum() -> None:
    """999 a minute without an error, and one a minute of which half fails: 0.0005, and not the mean 0.25."""
    found = of([(5 * 0.5, 5 * 1000.0)] * DAY, 0.999, days(1))
    assert 1 - found.ratio.value == pytest.approx(0.0005, abs=1e-12)


def test_early_in_a_calendar_month() -> None:
    """100,000 requests in the first week, a tenth of them bad: of the events so far 10,000 are bad, and 42,857 of the
    month when it goes on like that."""
    month = Calendar(1, "M", STARTED)
    begin = utc("2026-04-01T00:00")
    now = begin + days(7)
    count, edge = 7 * DAY, slot(now)
    rows = Slices(Slice(edge - count + at, 100_000 / count, 10_000 / count) for at in range(count))
    told = Objective("x", "X", "s", 0.9, month, "Occurrences", PART[Part.BAD])
    found = gauge(told, Counted(rows, edge, Sums(seen=1, parts=1, expected=1), now, "test"))
    assert found.to_date is not None
    assert found.to_date.value == pytest.approx(0, abs=1e-9)
    bad_so_far = (1 - found.to_date.value) * 0.1 * found.ratio.n
    assert bad_so_far == pytest.approx(10_000, abs=1e-3)
    assert bad_so_far * 30 / 7 == pytest.approx(42_857, abs=1)
    assert found.budget_left.value == pytest.approx(1 - 7 / 30, abs=1e-9)


# -- 2.4 ---------------------------------------------------------------------------------------------------------------


def test_a_counter_that_begins_again() -> None:
    """0..400, 0..500: 900 events and one reset; the difference of the ends says 500."""
    values = [0, 100, 200, 300, 400, 0, 100, 200, 300, 400, 500]
    samples = [(600 * 1000 + MINUTE * at, value) for at, value in enumerate(values)]
    assert sum(increases(samples).values()) == 900


def test_a_gap_is_not_counted_and_not_filled() -> None:
    """20 minutes of the hour without a scrape: what was counted before and after, and how much of it that is."""
    begin = utc("2026-03-01T11:00")
    events = Events(int(begin.timestamp()), [(1, 600)] * 60, frozenset(range(11, 31)))
    part, total = (increases(events.samples(which)) for which in (Part.BAD, None))
    rows = [Slice(index, count, part[index]) for index, count in total.items()]
    edge = slot(AT)
    told = Objective("x", "X", "s", 0.999, Rolling(timedelta(hours=1)), "Occurrences", PART[Part.BAD])
    tail = Sums(part[edge - 1], total[edge - 1], 1, 1, 0, 1)
    found = gauge(told, Counted(Slices(rows[:-1]), edge - 1, tail, AT, "test"))
    bad, count = events.sums(events.begin, events.begin + 3600)
    assert 1 - found.ratio.value == pytest.approx(float(Fraction(bad, count)), rel=1e-9)
    assert found.ratio.n == count
    assert found.ratio.state is ReadingState.PARTIAL


# -- 2.5, 2.6 ----------------------------------------------------------------------------------------------------------


def test_latency_is_a_share_of_buckets() -> None:
    found = of([(9.0, 1000.0)] * DAY, 0.99, days(1), Part.GOOD)
    assert 1 - found.ratio.value == pytest.approx(0.009, abs=1e-12)
    assert found.burn.value == pytest.approx(0.9, abs=1e-9)


@pytest.mark.parametrize(
    ("bad", "total", "low", "high"),
    [
        (0, 100, 0.0, 0.03699),
        (1, 10, 0.01788, 0.40415),
        (2, 4, 0.15004, 0.84996),
        (5, 1000, 0.002138, 0.011651),
        (12, 6000, 0.001144, 0.003493),
        (60, 6000, 0.007777, 0.012850),
        (0, 3000, 0.0, 0.001279),
    ],
)
def test_intervals(bad: int, total: int, low: float, high: float) -> None:
    digits = 1e-5 if total < 1000 else 1e-6
    assert wilson(bad, total) == pytest.approx((low, high), abs=digits)
    # Both ends solve (share - p)^2 = z^2 p (1 - p) / n.
    for end in wilson(bad, total):
        if 0 < end < 1:
            z2 = 1.959963984540054**2
            assert (bad / total - end) ** 2 == pytest.approx(z2 * end * (1 - end) / total, rel=1e-9)


@pytest.mark.parametrize("total", [5e-324, 1e-308, 1e-9])
def test_less_than_one_event_says_nothing(total: float) -> None:
    assert wilson(total, total) == pytest.approx((0.0, 1.0), abs=1e-8)


def test_low_traffic_shows_the_interval_as_burn_rates() -> None:
    found = of([(0.0, 8.0)] * 11 + [(1.0, 12.0)], 0.999, days(1))
    assert found.interval == pytest.approx(tuple(end / (1 - 0.999) for end in wilson(1, 100)), rel=1e-9)
