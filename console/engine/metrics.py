"""What is asked of the metric source, and what the answers mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from console.engine.levels import Levels, clouded
from console.engine.plan_queries import check_queries, covering, round_queries
from console.engine.share import share_queries
from console.model import plausible
from console.model.guard import LOOKBACK, began, covered, lookback
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout import Guardrail, Rollout, RolloutPlan
from console.model.slo import Objective, SloGauge
from console.model.value import value
from console.ports import NO_SERIES, Baselines, Clock, MetricSource, Query, SliceStore, SourceError

if TYPE_CHECKING:
    from console.engine.beside import Beside


@value
class MetricAnswers:
    """The newest reading of every query but those of the objectives, their gauges, and how far the source's clock is
    ahead of ours."""

    readings: Mapping[str, Reading[float]] = field(default_factory=dict)
    gauges: tuple[SloGauge, ...] = ()
    skew_seconds: float = 0.0
    note: str = ""
    """What else to know of the gauges."""
    lookback: timedelta = LOOKBACK
    """Over how much the guardrails were read whose range follows the rollout."""


class MetricRounds:
    """Reads everything of one instant in one request a round. Called in one thread at a time."""

    def __init__(
        self,
        source: MetricSource,
        objectives: Sequence[Objective],
        plan: RolloutPlan | None,
        clock: Clock,
        store: SliceStore | None = None,
        where: str = "",
        baselines: Baselines | None = None,
        environment: str = "",
    ) -> None:
        self._source, self._baselines, self._environment = source, baselines, environment
        self._beside: Beside | None = None
        self.levels = Levels(source, objectives, clock, store, where)
        self.kept: tuple[SloGauge, ...] = ()
        """The gauges as they were kept, while the source has not answered yet: stale."""
        self._plan, self._clock, self._lookback = plan, clock, LOOKBACK
        self._began: float | None = None
        self.bake_since: datetime | None = None
        """When the present bake began, by our clock; it is told by who follows the record. None: nothing bakes."""

    @property
    def queries(self) -> tuple[Query, ...]:
        """Every expression asked, for `oncall check`."""
        return (*self.levels.queries, *check_queries(self._plan, self._lookback))

    def read(self) -> MetricAnswers:
        """One round. Raises SourceError when nothing could be read."""
        since = self.bake_since
        bake = None if since is None else max(self._clock.now() - since, timedelta(0))
        others = [*round_queries(self._plan, self._lookback, bake), *share_queries(self._plan)]
        try:
            answers = self.levels.read(others)
        except SourceError:
            if self.levels.at is None and self.levels.opened:
                self.kept = tuple(map(stale, self._gauges()))
            raise
        readings = {query.name: answers[query.name] for query in others}
        readings |= self._farther(readings)
        return MetricAnswers(
            _possible(readings, self._plan), self._gauges(), self._source.skew_seconds, self._note(), self._lookback
        )

    def _farther(self, readings: Mapping[str, Reading[float]]) -> Mapping[str, Reading[float]]:
        """The guardrails whose range follows the rollout, when it is known by now to be another one: at the first
        round, and then once an hour. The range that they were read over stands where they cannot be read anew."""
        following = [rule for rule in self._plan.guardrails if rule.template] if self._plan is not None else []
        since, percent = (readings.get(f"rollout.{name}", _UNREAD) for name in ("since", "percent"))
        self._began = began(self._began, since, percent)
        wanted = lookback(self._began, self._clock.now())
        if not following or wanted == self._lookback:
            return {}
        try:
            asked = [Query(f"guardrail.{rule.name}", rule.over(wanted).expr) for rule in following]
            own = {f"guardrail.{rule.name}.covered" for rule in following}
            asked += [query for query in covering(self._plan, wanted) if query.name in own] if self._plan else []
            found = self._source.read(asked)
        except SourceError:
            return {}
        self._lookback = wanted
        return found

    def again(self, answers: MetricAnswers) -> MetricAnswers:
        """The answers of a round with what the background has found since."""
        return replace(answers, gauges=self._gauges(), note=self._note())

    def _gauges(self) -> tuple[SloGauge, ...]:
        gauges = self.levels.gauges()
        baseline = self._baselines.newest(self._environment) if self._baselines is not None else None
        if baseline is None:
            return gauges
        if self._beside is None or self._beside.baseline is not baseline:
            from console.engine.beside import Beside  # few consoles have a baseline

            self._beside = Beside(baseline)
        return self._beside.noted(gauges)

    def _note(self) -> str:
        store = self.levels.store
        return "; ".join(filter(None, (self.levels.note, self.levels.fault, store.note if store is not None else "")))


_UNREAD: Reading[float] = missing(ReadingState.NO_DATA, "", "not read yet")


def unread(objectives: Sequence[Objective], lost: Reading[float] = _UNREAD) -> tuple[SloGauge, ...]:
    """The gauges while nothing was read: each has `lost` for a value."""
    return tuple(SloGauge(item, lost, lost, lost, basis=item.method) for item in objectives)


def stale(found: SloGauge) -> SloGauge:
    """A gauge of a source that has not answered since."""
    return clouded(found, ReadingState.UNREACHABLE, "")


def _possible(readings: Mapping[str, Reading[float]], plan: RolloutPlan | None) -> Mapping[str, Reading[float]]:
    """The readings without what cannot be: it is not known, and says what it was."""
    if plan is None:
        return readings
    checks: dict[str, Callable[[Reading[float]], Reading[float]]] = {
        "rollout.percent": plausible.share,
        "rollout.samples": plausible.count,
    }
    for rule in plan.guardrails:
        checks[f"guardrail.{rule.name}"] = partial(plausible.of_rule, rule)
        checks[f"guardrail.{rule.name}.samples"] = plausible.count
    return {name: checks[name](reading) if name in checks else reading for name, reading in readings.items()}


def _share(reading: Reading[float]) -> float | None:
    """How much of a guardrail's reach is covered; no series at all is nothing. None: unknown."""
    return 0.0 if reading.note == NO_SERIES else reading.value if reading.ok else None


def rollout(answers: MetricAnswers, plan: RolloutPlan) -> Rollout:
    """The plan with its readings."""
    found = answers.readings
    percent = found.get("rollout.percent", _UNREAD)
    guardrails = tuple(
        Guardrail(
            rule.over(answers.lookback),
            covered(
                found.get(f"guardrail.{rule.name}", _UNREAD),
                rule.over(answers.lookback),
                _share(found.get(f"guardrail.{rule.name}.covered", _UNREAD)),
            ),
            found.get(f"guardrail.{rule.name}.samples"),
            plan.within(rule.phases, percent),
        )
        for rule in plan.guardrails
    )
    return Rollout(plan, percent, found.get("rollout.since", _UNREAD), guardrails)
