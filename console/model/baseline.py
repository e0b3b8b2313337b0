"""What was normal: the counts of some days, and how the present compares with the same hours of them.

Counts are kept and never ratios; the hours are those of the wall clock in the baseline's zone, so that an hour which a
clock change repeats is two hours, and one that it leaves out is none. An hour is compared with the narrowest kind of
hours of which the baseline has enough to speak of 95 %: the same hour of the week, else the same hour of the day, else
hours that have as much traffic (peak or off-peak).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from math import sqrt
from zoneinfo import ZoneInfo

from console.model.histogram import added, between, needed, place
from console.model.interval import wilson
from console.model.sli import Part, Sli, Unit
from console.model.slices import SLICE, Slice, instant
from console.model.value import value

ENOUGH = 20
"""Hours before 95 % of them can be spoken of: one in twenty."""
RARE, FEW = 0.5, 0.1
"""An hour with less than this share of the others' traffic has noisier ratios than they have; with less than that
share, it is too little to be like them."""
BATCH = 36
"""Slices of a batch for the design effect: three hours."""
SHARE = 0.95
HALF = 6
"""Slices of half an hour."""


class Load(StrEnum):
    """Which slices: those of hours of the week with more traffic than the median one, or the others."""

    ALL = "all"
    PEAK = "peak"
    OFF_PEAK = "off-peak"


@value
class Span:
    """The sums of an hour or a day: which of its `slices`, from slice `begin` on, were seen, and what was counted."""

    begin: int
    slices: int
    seen: int
    bad: float
    total: float


@value
class Estimate:
    """A number with its evidence: the 95 % interval, from `n` events, by `method`. Of a percentile, `bounds` are those
    of the buckets that the interval lies in; None for an end that is not known, and `at_least` says that only a lower
    end is."""

    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    bounds: tuple[float, float | None] | None = None
    at_least: bool = False


@value
class Quantile:
    """An estimate of a percentile."""

    load: Load
    quantile: float
    estimate: Estimate


@value
class Measured:
    """One SLI of a baseline. `deff` is the design effect: how many times the variance of its ratio is what independent
    events would have. `peak` are the hours of the week (0: Monday, 00:00) with more traffic than the median one."""

    name: str
    title: str
    definition: str
    unit: Unit
    slices: int
    seen: int
    doubtful: int
    bad: float
    total: float
    deff: float
    target: float
    hours: tuple[Span, ...]
    days: tuple[Span, ...]
    peak: tuple[int, ...]
    ratios: Mapping[Load, Estimate]
    quantiles: tuple[Quantile, ...] = ()
    les: tuple[float, ...] = ()
    histogram: str = ""
    note: str = ""

    @property
    def coverage(self) -> float:
        """The share of its slices that was seen."""
        return self.seen / self.slices if self.slices else 0.0


@value
class Detail:
    """The slices themselves, from slice `first` on, None for one that was not seen; of a histogram also the cumulative
    counts of its buckets, one row for each slice."""

    name: str
    first: int
    bad: tuple[float | None, ...]
    total: tuple[float | None, ...]
    buckets: tuple[tuple[float, ...] | None, ...] = ()


@value
class Baseline:
    """Slices from `begin` up to, and without, `end`, as `source` had them at `captured_at`. `missing`: which SLIs could
    not be measured, and why."""

    name: str
    environment: str
    captured_at: datetime
    source: str
    zone: str
    begin: int
    end: int
    by: str = ""
    measured: tuple[Measured, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    hash: str = ""

    @property
    def days(self) -> float:
        """Its length."""
        return (self.end - self.begin) * SLICE / 86_400

    def of(self, name: str) -> Measured | None:
        """The SLI of an objective."""
        return next((item for item in self.measured if item.name == name), None)


class Standing(StrEnum):
    """How the present compares."""

    HIGHER = "higher"
    LOWER = "lower"
    WITHIN = "within"
    THIN = "thin"
    """There is too little evidence."""
    UNKNOWN = "unknown"
    """There is nothing to compare, or nothing to compare it with."""


@value
class BaselineNote:
    """The present beside a baseline's same hours.

    `value` is the present's, from `n` events, which are `what`; `same` is that of the same hour (or hours) of the
    baseline, called `hour`, and `difference` what the present is above it, with its interval. `compared` hours (`like`:
    which) have their middle 90 % from `low` to `high`. `why` says by numbers what is too thin, or what is missing.
    """

    baseline: str
    captured_at: datetime
    standing: Standing
    what: str
    value: float | None = None
    n: int = 0
    same: Estimate | None = None
    hour: str = ""
    difference: Estimate | None = None
    compared: int = 0
    like: str = ""
    low: float | None = None
    high: float | None = None
    why: str = ""
    at_least: bool = False


def definition(sli: Sli) -> str:
    """What tells one definition of an SLI from another: a hash of its expressions."""
    text = "\0".join((sli.part, sli.total, sli.counts.value))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


# -- hours of the wall clock ------------------------------------------------------------------------------------------


@value
class Grid:
    """The hours and days of a stretch of slices, each from a slice up to, and without, another."""

    hours: tuple[tuple[int, int], ...]
    days: tuple[tuple[int, int], ...]


def grid(begin: int, end: int, zone: str) -> Grid:
    """Cuts slices where the wall clock's hours and days begin."""
    hours, days = [], []
    clock = ZoneInfo(zone)
    last_hour: object = None
    last_day: object = None
    for index in range(begin, end):
        local = instant(index).astimezone(clock)
        hour, day = (local.date(), local.hour, local.utcoffset()), local.date()
        if hour != last_hour:
            hours.append(index)
        if day != last_day:
            days.append(index)
        last_hour, last_day = hour, day
    return Grid(_spans(hours, end), _spans(days, end))


def _spans(begins: list[int], end: int) -> tuple[tuple[int, int], ...]:
    return tuple(zip(begins, [*begins[1:], end], strict=True))


@lru_cache(maxsize=4096)
def hour_of_week(index: int, zone: str) -> int:
    """In which hour of the week a slice begins, 0 for Monday from 00:00 on, by the wall clock."""
    local = instant(index).astimezone(ZoneInfo(zone))
    return local.weekday() * 24 + local.hour


def sums(bad: Sequence[float | None], total: Sequence[float | None], begin: int, end: int, first: int) -> Span:
    """What was counted in the slices from `begin` up to `end`."""
    here = slice(begin - first, end - first)
    seen = [(part, count) for part, count in zip(bad[here], total[here], strict=True) if count is not None]
    return Span(begin, end - begin, len(seen), sum(part or 0.0 for part, _ in seen), sum(count for _, count in seen))


def peaks(hours: Iterable[Span], zone: str) -> tuple[int, ...]:
    """The hours of the week whose traffic per slice is above that of the median one."""
    volume: dict[int, list[float]] = {}
    for hour in hours:
        if hour.seen:
            volume.setdefault(hour_of_week(hour.begin, zone), []).append(hour.total / hour.seen)
    means = {hour: sum(values) / len(values) for hour, values in volume.items()}
    middle = _median(means.values())
    return tuple(sorted(hour for hour, mean in means.items() if mean > middle))


def _median(values: Iterable[float]) -> float:
    """The middle one; 0 of none. `statistics` would bring decimals, fractions and random numbers to every start."""
    found = sorted(values)
    middle = len(found) // 2
    if not found:
        return 0.0
    return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2


def counted(slices: Sequence[Slice | None], sli: Sli) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """The bad and all events of each slice; None where it was not seen."""
    bad: list[float | None] = []
    for item in slices:
        if item is None:
            bad.append(None)
        else:
            part = item.part or 0.0
            bad.append(max(0.0, part if sli.counts is Part.BAD else item.total - part))
    return tuple(bad), tuple(None if item is None else item.total for item in slices)


def design_effect(bad: Sequence[float | None], total: Sequence[float | None]) -> float:
    """The variance of the ratio over that of as many independent events, from batches of three hours; at least 1."""
    batches = []
    for at in range(0, len(total), BATCH):
        found = sums(bad, total, at, min(at + BATCH, len(total)), 0)
        if found.total > 0:
            batches.append(found)
    events, errors = sum(item.total for item in batches), sum(item.bad for item in batches)
    if len(batches) < 2 or not 0 < errors < events:
        return 1.0
    share = errors / events
    spread = sum((item.bad - share * item.total) ** 2 for item in batches) * len(batches) / (len(batches) - 1)
    return max(1.0, spread / (events * share * (1 - share)))


def by_deff(bad: float, total: float, deff: float) -> Estimate:
    """A ratio with Wilson's interval of as many events as count after the design effect."""
    low, high = wilson(bad / deff, total / deff)
    share = min(max(_short(bad / total), 0.0), 1.0)
    return Estimate(share, low, high, round(total), f"Wilson, n / deff {deff:.3g}")


# -- what is like an hour ---------------------------------------------------------------------------------------------


@value
class Peers:
    """Hours of a baseline, and what they are called."""

    hours: tuple[Span, ...]
    label: str


def same_hour(measured: Measured, zone: str, at: int) -> Peers:
    """The same hour of the week, else of the day; empty when the baseline has neither."""
    wanted = hour_of_week(at, zone)
    week = _seen(measured, at, lambda hour: hour_of_week(hour.begin, zone) == wanted)
    if week:
        return Peers(week, f"{_WEEKDAYS[wanted // 24]} {wanted % 24:02d}:00")
    day = _seen(measured, at, lambda hour: hour_of_week(hour.begin, zone) % 24 == wanted % 24)
    return Peers(day, f"{wanted % 24:02d}:00 of any day")


def peers(measured: Measured, zone: str, at: int) -> Peers:
    """The hours that one is compared with: of the narrowest kind of which there are enough, else of the widest."""
    wanted = hour_of_week(at, zone)
    week = _seen(measured, at, lambda hour: hour_of_week(hour.begin, zone) == wanted)
    if len(week) >= ENOUGH:
        return Peers(week, f"{_WEEKDAYS[wanted // 24]} {wanted % 24:02d}:00")
    day = _seen(measured, at, lambda hour: hour_of_week(hour.begin, zone) % 24 == wanted % 24)
    if len(day) >= ENOUGH:
        return Peers(day, f"{wanted % 24:02d}:00")
    busy = is_peak(measured, zone, at)
    load = _seen(measured, at, lambda hour: (hour_of_week(hour.begin, zone) in measured.peak) is busy)
    return Peers(load, "peak" if busy else "off-peak")


def is_peak(measured: Measured, zone: str, at: int) -> bool:
    """Whether a slice lies in an hour of the week with much traffic; of one that the baseline has not, whether most of
    its days have much at that hour."""
    wanted = hour_of_week(at, zone)
    known = {hour_of_week(hour.begin, zone) for hour in measured.hours if hour.seen}
    if wanted in known:
        return wanted in measured.peak
    alike = [hour in measured.peak for hour in known if hour % 24 == wanted % 24]
    return 2 * sum(alike) > len(alike)


def _seen(measured: Measured, at: int, fits: Callable[[Span], bool]) -> tuple[Span, ...]:
    """Those with traffic; not the present itself, when the baseline has only just been captured."""
    return tuple(hour for hour in measured.hours if hour.total > 0 and not _overlaps(hour, at) and fits(hour))


def _overlaps(hour: Span, at: int) -> bool:
    return hour.begin < at + HALF and hour.begin + hour.slices > at - HALF


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


# -- the comparison ---------------------------------------------------------------------------------------------------


class Comparison:
    """One SLI of a baseline, to compare with again and again: what is like an hour is looked up once."""

    def __init__(self, baseline: Baseline, measured: Measured) -> None:
        self._baseline, self._measured = baseline, measured
        self._known: dict[int, tuple[Peers, Peers, list[float], float]] = {}

    def ratio(self, bad: float | None, total: float, index: int) -> BaselineNote:
        """What was counted in the hour of a slice; `bad` None: it is not known."""
        same, like, shares, volume = self._of(index)
        measured = self._measured
        note = _Noting(self._baseline, measured.unit.value, same, like)
        if bad is None or total <= 0:
            return note.unknown("nothing was counted in this hour")
        if not shares:
            return note.unknown("the baseline has no traffic at such an hour")
        events, errors = sum(hour.total for hour in same.hours), sum(hour.bad for hour in same.hours)
        before = by_deff(errors, events, measured.deff) if events > 0 else None
        now = by_deff(bad, total, measured.deff)
        difference = _difference(now, before) if before is not None else None
        standing, why = _standing(now, total, shares, volume, measured.unit.value)
        return note.made(standing, now, before, difference, shares, why)

    def _of(self, index: int) -> tuple[Peers, Peers, list[float], float]:
        near = index < self._baseline.end + HALF
        key = -index if near else hour_of_week(index, self._baseline.zone)
        found = self._known.get(key)
        if found is None:
            same = same_hour(self._measured, self._baseline.zone, index)
            like = peers(self._measured, self._baseline.zone, index)
            shares = sorted(_short(hour.bad / hour.total) for hour in like.hours)
            volume = _median(hour.total for hour in like.hours)
            found = self._known[key] = same, like, shares, volume
        return found


def percentile(
    baseline: Baseline, measured: Measured, detail: Detail, now: Sequence[float], quantile: float, index: int
) -> BaselineNote:
    """A percentile in the hour of a slice, of cumulative counts `now`."""
    like = peers(measured, baseline.zone, index)
    same = same_hour(measured, baseline.zone, index)
    note = _Noting(baseline, "requests", same, like)
    least, n, name = needed(quantile), int(now[-1]) if now else 0, f"P{100 * quantile:g}"
    here = _by_order(measured.les, now, quantile)
    if here is None:
        return note.unknown("nothing was counted in this hour")
    rows = [row for row in (buckets_of(detail, hour) for hour in like.hours) if row and row[-1] >= least]
    found = (place(measured.les, row, quantile) for row in rows)
    values = sorted(_short(item.value) for item in found if item is not None)
    together = [row for row in (buckets_of(detail, hour) for hour in same.hours) if row]
    before = _by_order(measured.les, added(together), quantile) if together else None
    if n < least:
        why = f"{name} needs {least} requests, this hour has {n}"
        return note.made(Standing.THIN, here, before, None, values, why)
    difference = _difference(here, before) if before is not None and not before.at_least else None
    if len(values) < ENOUGH:
        why = f"{name} is known of {len(values)} such hours of the baseline, {ENOUGH} are needed to speak of 95 %"
        return note.made(Standing.THIN, here, before, difference, values, why)
    standing = _rank(here.value, values)
    return note.made(standing, here, before, difference, values, "")


def buckets_of(detail: Detail, span: Span) -> list[float]:
    """The buckets of an hour, summed; empty when none was seen."""
    here = slice(span.begin - detail.first, span.begin + span.slices - detail.first)
    rows = [row for row in detail.buckets[here] if row is not None]
    return added(rows) if rows else []


def _by_order(les: Sequence[float], counts: Sequence[float], quantile: float) -> Estimate | None:
    found, bounds = place(les, counts, quantile), between(les, counts, quantile)
    if found is None or bounds is None:
        return None
    method = "order statistics, bounds of buckets"
    return Estimate(_short(found.value), *bounds, int(counts[-1]), method, bounds, counts[-1] < needed(quantile))


def _difference(now: Estimate, before: Estimate) -> Estimate:
    """What the present is above the baseline. The interval is put together of the two (MOVER, of which Newcombe's for
    two ratios is a case): it holds where they do."""
    value = _short(now.value - before.value)
    low = high = None
    if now.low is not None and before.high is not None:
        low = value - sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    if now.high is not None and before.low is not None:
        high = value + sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Estimate(value, low, high, min(now.n, before.n), f"MOVER of {now.method}")


def _short(number: float) -> float:
    """A number without its last digits, in which equal sums of floats differ."""
    return float(f"{number:.9g}")


def _rank(now: float, values: Sequence[float]) -> Standing:
    count = len(values)
    if bisect_left(values, now) >= SHARE * count:
        return Standing.HIGHER
    if count - bisect_right(values, now) >= SHARE * count:
        return Standing.LOWER
    return Standing.WITHIN


def _standing(now: Estimate, total: float, shares: Sequence[float], volume: float, what: str) -> tuple[Standing, str]:
    if len(shares) < ENOUGH:
        return Standing.THIN, f"the baseline has {len(shares)} such hours, {ENOUGH} are needed to speak of 95 %"
    rank = _rank(now.value, shares)
    if total >= RARE * volume:  # as noisy as the hours that it is compared with
        return rank, ""
    least, most = middle_of(shares)
    low, high = now.low if now.low is not None else 0.0, now.high if now.high is not None else 1.0
    sure = {Standing.HIGHER: low > most, Standing.LOWER: high < least}.get(rank, high <= most or total >= FEW * volume)
    if sure:
        return rank, ""
    return Standing.THIN, f"this hour has {round(total)} {what}, such hours have {round(volume)}"


def middle_of(values: Sequence[float]) -> tuple[float, float]:
    """From where to where the middle 90 % of sorted values lie."""
    count = len(values)
    beyond = int(count * (1 - SHARE) + 1e-9)
    return values[beyond], values[count - 1 - beyond]


class _Noting:
    """Fills in what all notes have in common."""

    def __init__(self, baseline: Baseline, what: str, same: Peers, like: Peers) -> None:
        self._baseline, self._what, self._same, self._like = baseline, what, same, like

    def unknown(self, why: str) -> BaselineNote:
        name, at = self._baseline.name, self._baseline.captured_at
        return BaselineNote(name, at, Standing.UNKNOWN, self._what, why=why, like=self._like.label)

    def made(
        self,
        standing: Standing,
        now: Estimate,
        before: Estimate | None,
        difference: Estimate | None,
        values: Sequence[float],
        why: str,
    ) -> BaselineNote:
        low, high = middle_of(values) if values else (None, None)
        return BaselineNote(
            self._baseline.name,
            self._baseline.captured_at,
            standing,
            self._what,
            now.value if not (now.at_least and now.low is not None) else now.low,
            now.n,
            before,
            self._same.label if before is not None else "",
            difference,
            len(values),
            self._like.label,
            low,
            high,
            why,
            now.at_least,
        )
