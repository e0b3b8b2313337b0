"""What was normal: the counts of some days, by hours of the wall clock.

Counts are kept and never ratios; the hours are those of the wall clock in the baseline's zone, so that an hour which a
clock change repeats is two hours, and one that it leaves out is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from console.model.interval import wilson
from console.model.sli import Part, Sli, Unit
from console.model.slices import SLICE, Slice, instant
from console.model.value import value

BATCH = 36
"""Slices of a batch for the design effect: three hours."""


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
    middle = median(means.values())
    return tuple(sorted(hour for hour, mean in means.items() if mean > middle))


def median(values: Iterable[float]) -> float:
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
    share = min(max(short(bad / total), 0.0), 1.0)
    return Estimate(share, low, high, round(total), f"Wilson, n / deff {deff:.3g}")


def short(number: float) -> float:
    """A number without its last digits, in which equal sums of floats differ."""
    return float(f"{number:.9g}")
