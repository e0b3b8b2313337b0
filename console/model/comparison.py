"""How the present compares with the same hours of a baseline.

An hour is compared with the narrowest kind of hours of which the baseline has enough to speak of 95 %: the same hour of
the week, else the same hour of the day, else hours that have as much traffic (peak or off-peak).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import sqrt

from console.model.baseline import (
    Baseline,
    BaselineNote,
    Detail,
    Estimate,
    Measured,
    Span,
    Standing,
    by_deff,
    hour_of_week,
    median,
    short,
)
from console.model.histogram import added, between, needed, place
from console.model.value import value

ENOUGH = 20
"""Hours before 95 % of them can be spoken of: one in twenty."""
RARE, FEW = 0.5, 0.1
"""An hour with less than this share of the others' traffic has noisier ratios than they have; with less than that
share, it is too little to be like them."""
SHARE = 0.95
HALF = 6
"""Slices of half an hour."""


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
            shares = sorted(short(hour.bad / hour.total) for hour in like.hours)
            volume = median(hour.total for hour in like.hours)
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
    values = sorted(short(item.value) for item in found if item is not None)
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
    return Estimate(short(found.value), *bounds, int(counts[-1]), method, bounds, counts[-1] < needed(quantile))


def _difference(now: Estimate, before: Estimate) -> Estimate:
    """What the present is above the baseline. The interval is put together of the two (MOVER, of which Newcombe's for
    two ratios is a case): it holds where they do."""
    value = short(now.value - before.value)
    low = high = None
    if now.low is not None and before.high is not None:
        low = value - sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    if now.high is not None and before.low is not None:
        high = value + sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Estimate(value, low, high, min(now.n, before.n), f"MOVER of {now.method}")


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
