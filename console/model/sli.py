"""What is counted, as PromQL: the part that is bad (or good) and the total, over a range.

A template holds placeholders for its range, because one template serves slices of five minutes and the running one:
`WINDOW` is the range as a PromQL duration, `INNER` the same, one millisecond shorter (so that what is sampled at both
ends is counted once), and `SECONDS` its length as a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from console.model.value import value

WINDOW, INNER, SECONDS = "$window", "$inner", "$seconds"
_PLACES = re.compile(r"""\$(?:window|inner|seconds)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|#[^\n]*""")


class Part(StrEnum):
    """Which part of the total is counted."""

    BAD = "bad"
    GOOD = "good"


class Unit(StrEnum):
    """What is counted."""

    EVENTS = "events"
    SAMPLES = "samples"
    SLICES = "slices"


@value
class Bucket:
    """The bucket of a histogram that the good part of a latency SLI needs: the series without its `le`, and the
    threshold, in the histogram's own unit."""

    selector: str
    le: float


@value
class Sli:
    """`part` and `total` are templates that give one number each. `fallback` is used when the total has no series at
    all, and then `basis` says so on the gauge."""

    part: str
    total: str
    counts: Part = Part.BAD
    unit: Unit = Unit.EVENTS
    bucket: Bucket | None = None
    basis: str = ""
    fallback: Sli | None = None
    widens: bool = False
    """Whether its ranges may begin a scrape earlier (`filled`): what it counts are plain counters."""


def filled(template: str, seconds: float, scrape: float = 0.0) -> str:
    """A template for a range of so many seconds. Of counters that are sampled every `scrape` seconds, adjoining ranges
    count every step between two samples once: each begins with the sample before it, and its answer is to be scaled to
    its length (`scale`)."""
    milliseconds = _whole(seconds, scrape)
    ranges = {WINDOW: _duration(milliseconds), INNER: _duration(milliseconds - 1), SECONDS: f"{seconds:g}"}
    return replaced(template, ranges)


def scale(seconds: float, scrape: float) -> float:
    """What an answer for a range of so many seconds is multiplied by, where it was widened: servers take far longer to
    do that in each term of a union."""
    return round(seconds * 1000) / _whole(seconds, scrape)


def _whole(seconds: float, scrape: float) -> int:
    # One millisecond short of a scrape: Prometheus 2 counts the samples at both ends of a range.
    return round(seconds * 1000) + (round(scrape * 1000) - 1 if scrape else 0)


def replaced(template: str, ranges: Mapping[str, str]) -> str:
    """A template with others in place of its placeholders. In a label's value, and in a comment, they are none."""
    return _PLACES.sub(lambda found: ranges.get(found[0], found[0]), template)


def _duration(milliseconds: int) -> str:
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def of_counters(total: str, *, bad: str = "", good: str = "", bucket: Bucket | None = None) -> Sli:
    """Counters that only grow, as plain selectors."""
    return _counted(f"sum(increase({{}}[{WINDOW}]))", total, bad, good, bucket, widens=True)


def of_deltas(total: str, *, bad: str = "", good: str = "") -> Sli:
    """Series whose every sample is what happened since the one before it, as plain selectors."""
    return _counted(f"sum(sum_over_time({{}}[{INNER}]))", total, bad, good)


def of_expressions(total: str, *, bad: str = "", good: str = "") -> Sli:
    """Expressions of somebody else's, with `WINDOW` in them. What is a rate per second becomes a count."""
    return Sli(_count(bad or good), _count(total), Part.BAD if bad else Part.GOOD)


def of_ratio(expression: str, counts: Part = Part.BAD) -> Sli:
    """A ratio of 0 to 1 without its counts, with `WINDOW` in it or none: every slice weighs the same, however much
    traffic it has (RatioTimeslices)."""
    there = f"({expression}) >= 0"  # NaN is no ratio: a slice without traffic
    nothing = f"count({expression}) * 0"
    return Sli(
        f"(sum({there}) or {nothing})", f"(count({there}) or {nothing})", counts, Unit.SLICES, basis="RatioTimeslices"
    )


def of_threshold(query: str, op: str, limit: float, slice_seconds: int, unit: Unit = Unit.SLICES) -> Sli:
    """A value that is sampled once per `slice_seconds`, good while `op limit` holds; NaN is no sample."""
    there = f"({query}) >= -Inf"
    span = f"[{INNER}:{slice_seconds}s]"
    good = f"sum_over_time((({there}) {op} bool {limit!r}){span})"
    return Sli(good, _samples(query, there, span), Part.GOOD, unit)


def of_bool_gauge(selector: str) -> Sli:
    """A gauge that is 1 while all is well and 0 while it is not; every sample counts."""
    return Sli(
        f"sum(sum_over_time({selector}[{INNER}]))",
        f"sum(count_over_time({selector}[{INNER}]))",
        Part.GOOD,
        Unit.SAMPLES,
    )


def sliced(sli: Sli, slice_seconds: int, share: float) -> Sli:
    """Timeslices: a slice is good as a whole when its share of good events is at least `share`; one without traffic is
    no slice. Of counted bad events the bad slices are counted: one that never was remains to be seen as such."""
    found = of_threshold(_good_ratio(sli, slice_seconds), ">=", share, slice_seconds)
    if sli.counts is Part.GOOD:
        return found
    there = f"(1 - {_bad_ratio(sli, slice_seconds)}) >= -Inf"
    bad = f"sum_over_time((({there}) < bool {share!r})[{INNER}:{slice_seconds}s])"
    return replace(found, part=bad, counts=Part.BAD)


def averaged(sli: Sli, slice_seconds: int) -> Sli:
    """RatioTimeslices: the mean of the slices' own ratios; one without traffic is no slice."""
    ratio = f"({_good_ratio(sli, slice_seconds)}) >= 0"
    span = f"[{INNER}:{slice_seconds}s]"
    total = _samples(_good_ratio(sli, slice_seconds), ratio, span)
    if sli.counts is Part.BAD:
        return Sli(f"sum_over_time(({_bad_ratio(sli, slice_seconds)} >= 0){span})", total, Part.BAD, Unit.SLICES)
    return Sli(f"sum_over_time(({ratio}){span})", total, Part.GOOD, Unit.SLICES)


def error_ratio(sli: Sli, window: str) -> str:
    """PromQL for the error ratio over a window such as `5m`, for recording rules: bad over total."""
    from console.model.duration import duration

    seconds = duration(window).total_seconds()
    part, total = filled(sli.part, seconds), filled(sli.total, seconds)
    if sli.counts is Part.GOOD:
        return f"1 - (\n{part}\n) / (\n{total}\n)"
    # A counter of errors that was never created means no errors, as long as the total has samples.
    return f"(\n({part})\nor ({total}) * 0\n) / (\n{total}\n)"


def _counted(form: str, total: str, bad: str, good: str, bucket: Bucket | None = None, *, widens: bool = False) -> Sli:
    part = Part.BAD if bad else Part.GOOD
    return Sli(form.format(bad or good), form.format(total), part, Unit.EVENTS, bucket, widens=widens)


def _samples(query: str, there: str, span: str) -> str:
    # Where every sample is NaN there was no traffic: that is none, and not unknown.
    return f"(count_over_time(({there}){span}) or count_over_time(({query}){span}) * 0)"


def _count(expression: str) -> str:
    # A rate per second, times the seconds, is a count; weights must not depend on the length of the range.
    rate = "rate(" in "".join(expression.split()) and "increase(" not in expression
    return f"({expression}) * {SECONDS}" if rate else expression


def _bad_ratio(sli: Sli, seconds: int) -> str:
    return f"({filled(sli.part, seconds)}) / ({filled(sli.total, seconds)})"


def _good_ratio(sli: Sli, seconds: int) -> str:
    part, total = filled(sli.part, seconds), filled(sli.total, seconds)
    if sli.counts is Part.GOOD:
        return f"({part}) / ({total})"
    return f"1 - (({part}) or ({total}) * 0) / ({total})"
