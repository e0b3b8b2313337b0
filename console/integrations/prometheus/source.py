"""The port: expressions in, dated readings out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import mul

from console.integrations.http import Finding, Http
from console.integrations.prometheus.batch import INSTANT, RANGE, Batch, Outcome, Sample
from console.model.reading import Reading, ReadingState, missing
from console.model.sli import scale
from console.ports import NO_SERIES, Clock, Query, Row, Series
from console.settings.config import HttpSource
from console.settings.outside import Reveal

MAX_POINTS = 11_000
"""Points of one series that a server gives in one range answer."""


class Prometheus:
    """A `MetricSource`. A round takes at most twice the source's timeout, and once that when nothing answers."""

    name = "prometheus"

    def __init__(self, source: HttpSource, clock: Clock, secret: Reveal | None = None) -> None:
        self.http = Http(source, clock, secret)
        self.batch = Batch(self.http)
        self._clock = clock
        self.skew_seconds = 0.0

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        self.http.close()

    def read(
        self, queries: Sequence[Query], *, at: datetime | None = None, seconds: float = 300
    ) -> Mapping[str, Reading[float]]:
        """A reading for every query, by name. Raises SourceError when the server evaluated none."""
        form = {} if at is None else {"time": f"{at.timestamp():.3f}"}
        outcomes = self._evaluate(INSTANT, queries, form, seconds)
        self.skew_seconds = max((item.skew.total_seconds() for item in outcomes.values()), key=abs)
        now = self._clock.now()
        found = {query.name: reading(outcomes[query.expr.strip()], now, self.name) for query in queries}
        for query in queries:
            if query.scrape:
                found[query.name] = found[query.name].map(partial(mul, scale(seconds, query.scrape)))
        return found

    def read_range(
        self, queries: Sequence[Query], start: datetime, end: datetime, step_seconds: float
    ) -> Mapping[str, Series]:
        """A series for every query that gives at most one, by name.

        Raises SourceError, and ValueError for more than 11,000 points.
        """
        span = (end - start).total_seconds()
        if not step_seconds > 0 or not 0 <= span / step_seconds <= MAX_POINTS - 1:
            raise ValueError(f"steps of {step_seconds:g} s in {span:g} s; expected at most {MAX_POINTS} points")
        first, last = start.timestamp(), end.timestamp()
        form = {"start": f"{first:.3f}", "end": f"{last:.3f}", "step": f"{step_seconds:.3f}"}
        slots = int(span / step_seconds + 1e-9) + 1
        outcomes = self._evaluate(RANGE, queries, form, step_seconds)
        found: dict[str, Series] = {}
        for query in queries:
            outcome = outcomes[query.expr.strip()]
            if outcome.fault or outcome.failure or len(outcome.samples) > 1:
                continue
            by = scale(step_seconds, query.scrape)
            values = _grid(outcome.samples, first, step_seconds, slots, by)
            found[query.name] = Series(values, start, step_seconds, bool(outcome.warning))
        return found

    def rows(self, expr: str) -> tuple[Row, ...]:
        """The elements of an expression's answer. Raises SourceError."""
        found = ((item.metric, item.value and _number(item.value[1])) for item in self.batch.labelled(expr))
        return tuple(Row(labels, number) for labels, number in found if number is not None)

    def probe(self, queries: Sequence[Query] = ()) -> list[Finding]:
        """What works and what does not: the server, then each expression."""
        from console.integrations.prometheus.probe import probe

        return probe(self, queries)

    def metrics(self) -> list[str]:
        """The names of all metrics the server knows. Raises SourceError."""
        from console.integrations.prometheus.probe import metric_names

        return metric_names(self.http)

    def _evaluate(
        self, path: str, queries: Sequence[Query], form: Mapping[str, str], seconds: float
    ) -> Mapping[str, Outcome]:
        scrapes = {text: query.scrape for query in queries if (text := query.expr.strip())}
        return {"": Outcome(fault="no expression is configured"), **self.batch.evaluate(path, scrapes, form, seconds)}


def reading(outcome: Outcome, now: datetime, source: str) -> Reading[float]:
    """The reading of one expression, dated by the server's clock in terms of ours, never later than `now`."""
    if outcome.failure:
        return missing(ReadingState.UNREACHABLE, source, outcome.failure)
    if outcome.fault or not outcome.samples:
        return missing(ReadingState.NO_DATA, source, outcome.fault or outcome.warning or NO_SERIES)
    if len(outcome.samples) > 1:
        note = f"{len(outcome.samples)} series, expected one; aggregate them, with sum() say"
        return missing(ReadingState.NO_DATA, source, note)
    value = outcome.samples[0].value
    number = None if value is None else _number(value[1])
    if value is None or number is None:
        return missing(ReadingState.NO_DATA, source, "the answer is no number")
    try:
        at = min(datetime.fromtimestamp(value[0], UTC) - outcome.skew, now)
    except (ValueError, OverflowError, OSError):
        return missing(ReadingState.NO_DATA, source, "the answer has no possible date")
    if math.isnan(number):
        return missing(ReadingState.NO_TRAFFIC, source, outcome.warning or "not a number: 0 of 0", at)
    if math.isinf(number):
        return missing(ReadingState.NO_DATA, source, "the answer is infinite", at)
    state = ReadingState.PARTIAL if outcome.warning else ReadingState.OK
    return Reading(state, number, at, source, note=outcome.warning)


def _number(text: str | float) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _grid(samples: Sequence[Sample], first: float, step: float, slots: int, by: float) -> tuple[float | None, ...]:
    values: list[float | None] = [None] * slots
    for at, text in samples[0].values if samples else ():
        number = _number(text)
        slot = round((at - first) / step) if math.isfinite(at) else -1
        if number is not None and 0 <= slot < slots:
            values[slot] = number * by
    return tuple(values)
