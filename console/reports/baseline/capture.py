"""Reading the slices of some days from a metric source, for a baseline or for the present beside one.

All of it is read, or nothing is kept: an answer that does not come is asked for once more, and then it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import isfinite, isinf

from console.model import scrapes
from console.model.baseline import (
    Baseline,
    Detail,
    Measured,
    Span,
    counted,
    definition,
    design_effect,
    grid,
    hour_of_week,
    peaks,
    sums,
)
from console.model.promql import patched
from console.model.sli import WINDOW, Bucket, Part, Sli
from console.model.slices import DAY, SLICE, Slice, instant
from console.model.slo import Objective
from console.model.value import value
from console.ports import MetricSource, Query, Series, SourceError
from console.reports.baseline.statistics import Counts, Estimates

POINTS = 20_000
"""Points of one answer."""
LAG = 150.0
"""Seconds after its end before a slice is read: samples come late."""


class NotCaptured(Exception):
    """Nothing was kept. The message is one line."""


@value
class Wanted:
    """An SLI to measure: the objective that it is of, and what it is measured by."""

    objective: Objective
    sli: Sli


@value
class Slicing:
    """The slices of one SLI; of a latency also the cumulative counts of its buckets by `les`. `gone` says why there is
    nothing."""

    slices: tuple[Slice | None, ...] = ()
    les: tuple[float, ...] = ()
    buckets: tuple[tuple[float, ...] | None, ...] = ()
    note: str = ""
    gone: str = ""


def edge_of(source: MetricSource, now: datetime) -> int:
    """The first slice that is not complete, by the source's own clock. Raises SourceError."""
    source.read([Query("baseline.clock", "vector(1)")])
    return int((now.timestamp() + source.skew_seconds - LAG) // SLICE)


def read(
    source: MetricSource, wanted: Sequence[Wanted], begin: int, end: int, told: Callable[[int, int], None]
) -> list[Slicing]:
    """The slices of each SLI from `begin` up to, and without, `end`; `told` hears how many of all questions were
    answered. Raises SourceError."""
    histograms = [_histogram(source, item.sli.bucket) for item in wanted]
    asked = [Query(name, text) for name, text in scrapes.questions(item.sli for item in wanted).items()]
    apart = scrapes.intervals(source.read(asked, seconds=SLICE)) if asked else {}
    queries: list[Query] = []
    for number, (item, (bounds, _)) in enumerate(zip(wanted, histograms, strict=True)):
        scrape = apart.get(scrapes.counter(item.sli), 0.0)
        queries.append(Query(f"{number}.part", item.sli.part, scrape))
        queries.append(Query(f"{number}.total", item.sli.total, scrape))
        queries += [Query(f"{number}.le.{at}", text, scrape) for at, (_, text) in enumerate(bounds)]
    plan = list(_questions(queries, begin, end))
    found: dict[str, list[float | None]] = {query.name: [] for query in queries}
    failed: set[str] = set()
    doubtful: dict[str, set[int]] = {}
    for done, (some, low, high) in enumerate(plan):
        told(done, len(plan))
        answer = _ask(source, some, low, high)
        for query in some:
            series = answer.get(query.name)
            if series is None:
                failed.add(query.name)
                found[query.name] += [None] * (high - low)
            else:
                found[query.name] += series.values
                if series.doubtful:
                    doubtful.setdefault(query.name, set()).update(range(low, high))
    told(len(plan), len(plan))
    return [
        _slicing(number, item, begin, bounds, note, found, failed, doubtful)
        for number, (item, (bounds, note)) in enumerate(zip(wanted, histograms, strict=True))
    ]


def _questions(queries: Sequence[Query], begin: int, end: int) -> Iterator[tuple[list[Query], int, int]]:
    """Days together, as many queries at once as fit."""
    most = max(1, POINTS // DAY)
    for low in range(begin, end, DAY):
        for at in range(0, len(queries), most):
            yield list(queries[at : at + most]), low, min(low + DAY, end)


def _ask(source: MetricSource, queries: Sequence[Query], low: int, high: int) -> Mapping[str, Series]:
    try:
        return source.read_range(queries, instant(low + 1), instant(high), SLICE)
    except SourceError:
        return source.read_range(queries, instant(low + 1), instant(high), SLICE)


def _histogram(source: MetricSource, bucket: Bucket | None) -> tuple[list[tuple[float, str]], str]:
    """The expression of each bucket by its bound, +Inf last; and why there is none."""
    if bucket is None:
        return [], ""
    rows = source.rows(f"group by (le) ({bucket.selector})")
    spelled: dict[float, list[str]] = {}
    for row in rows:
        try:
            bound = float(row.labels.get("le", ""))
        except ValueError:
            continue
        if bound == bound:
            spelled.setdefault(bound, []).append(row.labels["le"])
    if float("inf") not in spelled or len(spelled) < 2:
        return [], f"the histogram has no buckets: {bucket.selector}"
    try:
        return [(bound, _increase(bucket.selector, spelled[bound])) for bound in sorted(spelled)], ""
    except ValueError as error:
        return [], f"the histogram cannot be asked for one bucket: {error}"


def _increase(selector: str, values: Sequence[str]) -> str:
    # One bound may be spelled in two ways, by two versions of a library: 1 and 1.0. None has both.
    parts = [patched(f"increase({selector}[{WINDOW}])", {"le": value}) for value in sorted(values)]
    return f"sum({' or '.join(parts)})"


def _slicing(
    number: int,
    item: Wanted,
    begin: int,
    bounds: Sequence[tuple[float, str]],
    note: str,
    found: Mapping[str, Sequence[float | None]],
    failed: set[str],
    doubtful: Mapping[str, set[int]],
) -> Slicing:
    part, total = f"{number}.part", f"{number}.total"
    if failed & {part, total}:
        return Slicing(gone="its expression is refused, or gives more than one series")
    unsure = doubtful.get(part, set()) | doubtful.get(total, set())
    slices: list[Slice | None] = []
    for index, (bad, count) in enumerate(zip(found[part], found[total], strict=True), begin):
        if count is None or isinf(count) or (count > 0 and bad is not None and not isfinite(bad)):
            slices.append(None)
        elif count != count:  # NaN: no traffic
            slices.append(Slice(index, 0.0, None, index in unsure))
        else:
            slices.append(Slice(index, count, bad if bad == bad else None, index in unsure))
    if not any(slices):
        return Slicing(gone="no sample of its total")
    known = any(one is not None and one.part is not None for one in slices)
    if not known and item.sli.counts is Part.GOOD:
        return Slicing(gone="no good event was ever counted: check its selector")
    notes = [note] if note else []
    if not known:
        notes.append("no bad event was ever counted: none, or a typo in its selector")
    names = [f"{number}.le.{at}" for at in range(len(bounds))]
    if not names or failed & set(names):
        return Slicing(tuple(slices), note="; ".join([*notes, *(["its buckets are refused"] if names else [])]))
    rows = tuple(_row(row) for row in zip(*(found[name] for name in names), strict=True))
    return Slicing(tuple(slices), tuple(bound for bound, _ in bounds[:-1]), rows, "; ".join(notes))


def _row(row: Sequence[float | None]) -> tuple[float, ...] | None:
    if row[-1] is None or not isfinite(row[-1]):
        return None
    most, found = 0.0, []
    for count in row:  # cumulative: a bucket that was not seen holds what those below it hold
        most = max(most, count if count is not None and isfinite(count) else 0.0)
        found.append(round(most, 6))
    return tuple(found)


def capture(
    source: MetricSource,
    wanted: Sequence[Wanted],
    edge: int,
    days: int,
    baseline: Baseline,
    estimates: Callable[[Counts], Estimates],
    told: Callable[[str, int, int], None],
) -> tuple[Baseline, tuple[Detail, ...]]:
    """The slices of the days before `edge`, with their statistics: `baseline`, filled in. Raises SourceError, and
    NotCaptured when there is nothing to keep."""
    begin = edge - days * DAY
    slicings = read(source, wanted, begin, edge, lambda done, of: told("reading", done, of))
    cut = grid(begin, edge, baseline.zone)
    measured, details, missing = [], [], {}
    for number, (item, found) in enumerate(zip(wanted, slicings, strict=True)):
        told("statistics", number, len(wanted))
        if found.gone:
            missing[item.objective.name] = found.gone
            continue
        bad, total = counted(found.slices, item.sli)
        hours = tuple(sums(bad, total, low, high, begin) for low, high in cut.hours)
        busy = peaks(hours, baseline.zone)
        marks = _marks(hours, busy, baseline.zone)
        made = estimates(Counts(bad, total, marks, found.les, found.buckets))
        whole = sums(bad, total, begin, edge, begin)
        bucket = item.sli.bucket
        measured.append(
            Measured(
                item.objective.name,
                item.objective.title,
                definition(item.sli),
                item.sli.unit,
                whole.slices,
                whole.seen,
                sum(one is not None and one.doubtful for one in found.slices),
                whole.bad,
                whole.total,
                design_effect(bad, total),
                item.objective.target,
                hours,
                tuple(sums(bad, total, low, high, begin) for low, high in cut.days),
                busy,
                made.ratios,
                made.quantiles,
                found.les,
                bucket.selector if bucket is not None and found.les else "",
                found.note,
            )
        )
        details.append(Detail(item.objective.name, begin, _rounded(bad), _rounded(total), found.buckets))
    told("statistics", len(wanted), len(wanted))
    if not measured:
        why = next(iter(missing.items()), ("", "no SLO is configured"))
        raise NotCaptured(f"nothing could be measured; {why[0] + ': ' if why[0] else ''}{why[1]}")
    filled = replace(baseline, begin=begin, end=edge, measured=tuple(measured), missing=missing)
    return filled, tuple(details)


def _marks(hours: Sequence[Span], busy: Sequence[int], zone: str) -> list[bool]:
    return [mark for hour in hours for mark in [hour_of_week(hour.begin, zone) in busy] * hour.slices]


def _rounded(values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if item is None else round(item, 6) for item in values)
