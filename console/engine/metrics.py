"""What is asked of the metric source, and what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.model.reading import Reading, ReadingState, missing
from console.model.rollout import Guardrail, Rollout, RolloutPlan
from console.model.slo import LONGEST, WINDOWS, Objective, Sli, SloGauge, expressions, gauge, trend_expression
from console.ports import Clock, MetricSource, Query, SourceError

LONG_EVERY = timedelta(minutes=1)
"""How often the long windows and the trends are read; the rest is read on every round."""

TREND_STEP_SECONDS = 300
TREND_SPAN = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class MetricAnswers:
    """The newest reading of every query, a trend per objective (good share per slice, oldest first), and how far the
    source's clock is ahead of ours."""

    readings: Mapping[str, Reading[float]] = field(default_factory=dict)
    trends: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    skew_seconds: float = 0.0


class MetricRounds:
    """Reads everything in one request a round, the long windows once a minute. Called in one thread at a time."""

    def __init__(
        self, source: MetricSource, objectives: Sequence[Objective], plan: RolloutPlan | None, clock: Clock
    ) -> None:
        self._source, self._clock = source, clock
        self._short = [query for query in _slo_queries(objectives) if not query.name.endswith("." + LONGEST)]
        self._long = [query for query in _slo_queries(objectives) if query.name.endswith("." + LONGEST)]
        self._trend = [
            Query(f"slo.{item.name}.trend", trend_expression(item.sli, TREND_STEP_SECONDS)) for item in objectives
        ]
        if plan is not None:
            self._short += _rollout_queries(plan)
        self._long_at: datetime | None = None
        self._answers = MetricAnswers()

    @property
    def queries(self) -> tuple[Query, ...]:
        """Every expression asked, for `oncall check`."""
        return (*self._short, *self._long)

    def read(self) -> MetricAnswers:
        """One round. Raises SourceError when nothing could be read."""
        now = self._clock.now()
        long_due = self._long_at is None or now - self._long_at >= LONG_EVERY
        readings = {**self._answers.readings}
        trends = self._answers.trends
        answered = self._source.read(self._short + self._long if long_due else self._short)
        if answered and all(reading.state is ReadingState.UNREACHABLE for reading in answered.values()):
            # A server that refuses every expression is as blind as one that is away.
            raise SourceError(f"refuses every expression: {next(iter(answered.values())).note}")
        readings.update(answered)
        if long_due:
            series = self._source.read_range(self._trend, now - TREND_SPAN, now, TREND_STEP_SECONDS)
            trends = {name: found.values for name, found in series.items()}
            self._long_at = now
        self._answers = MetricAnswers(readings, trends, self._source.skew_seconds)
        return self._answers


def _slo_queries(objectives: Sequence[Objective]) -> list[Query]:
    queries = []
    for objective in objectives:
        for prefix, sli in _slis(objective):
            for window in WINDOWS:
                bad, total = expressions(sli, window)
                queries += [Query(f"{prefix}.bad.{window}", bad), Query(f"{prefix}.total.{window}", total)]
    return queries


def _slis(objective: Objective) -> list[tuple[str, Sli]]:
    slis = [(f"slo.{objective.name}", objective.sli)]
    if objective.sli.fallback is not None:
        slis.append((f"slo.{objective.name}.fallback", objective.sli.fallback))
    return slis


def _rollout_queries(plan: RolloutPlan) -> list[Query]:
    queries = [Query(f"guardrail.{rule.name}", rule.expr) for rule in plan.guardrails]
    queries += [Query(f"reading.{name}", expr) for name, expr in plan.readings]
    if plan.percent_expr:
        queries.append(Query("rollout.percent", plan.percent_expr))
    if plan.since_expr:
        queries.append(Query("rollout.since", plan.since_expr))
    return queries


_UNREAD: Reading[float] = missing(ReadingState.NO_DATA, "", "not read yet")


def gauges(answers: MetricAnswers, objectives: Sequence[Objective]) -> tuple[SloGauge, ...]:
    """One gauge per objective; its fallback is used while the total of its own SLI has no series."""
    found = []
    for objective in objectives:
        prefix, basis = f"slo.{objective.name}", objective.method
        if objective.sli.fallback is not None:
            own = [answers.readings.get(f"{prefix}.{part}.{LONGEST}", _UNREAD) for part in ("bad", "total")]
            other = answers.readings.get(f"{prefix}.fallback.total.{LONGEST}", _UNREAD)
            if other.known and any(reading.state is ReadingState.NO_DATA for reading in own):
                prefix, basis = f"{prefix}.fallback", "Timeslices (no histogram)"
        counts = {
            window: (
                answers.readings.get(f"{prefix}.bad.{window}", _UNREAD),
                answers.readings.get(f"{prefix}.total.{window}", _UNREAD),
            )
            for window in WINDOWS
        }
        trend = answers.trends.get(f"slo.{objective.name}.trend", ())
        found.append(gauge(objective, counts, trend, basis))
    return tuple(found)


def rollout(answers: MetricAnswers, plan: RolloutPlan) -> Rollout:
    """The plan with its readings."""
    guardrails = tuple(
        Guardrail(rule, answers.readings.get(f"guardrail.{rule.name}", _UNREAD)) for rule in plan.guardrails
    )
    percent = answers.readings.get("rollout.percent", _UNREAD)
    return Rollout(plan, percent, answers.readings.get("rollout.since", _UNREAD), guardrails)
