"""What the sources have said, as the Board shows it: gauges, rollout, health, and readings by name.

Several Boards are made of the same answers. What they are made into stands until there is another one, or until the
first of its readings is too old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from console.engine.deciding import CRITERIA, http_readings
from console.engine.kept import Kept, Same
from console.engine.metrics import MetricAnswers, rollout, stale, unread
from console.engine.plan_queries import round_queries
from console.engine.share import PERCENT, measured
from console.engine.sources import FLAG_PERCENT, FLAGS, METRICS, flag_percent
from console.model.board import Health, HealthSnapshot, SourceStatus
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout import Rollout, RolloutPlan
from console.model.slo import Objective, SloGauge
from console.model.value import value
from console.settings.config import Component, Config, Environment

if TYPE_CHECKING:
    from console.engine.runs import Watching

Panels = tuple[tuple[SloGauge, ...], Rollout | None, dict[str, Reading[float]]]
Named = dict[str, Reading[float]]

ABSENT = SourceStatus("prometheus", ReadingState.UNREACHABLE, error="no metric source is configured")
_EVER = datetime.max.replace(tzinfo=UTC)


@value
class Said:
    """What was said. `readings` has all of it by name; it is the very same object while all of it is the same."""

    slos: tuple[SloGauge, ...]
    rollout: Rollout | None
    health: tuple[Health, ...]
    readings: Mapping[str, Reading[float]]


class Hearing:
    """Puts together what the sources said last. `kept` gives the gauges to show while nothing was read yet."""

    def __init__(
        self,
        config: Config,
        environment: Environment,
        watching: Watching,
        kept: Callable[[], tuple[SloGauge, ...]],
    ) -> None:
        self._config, self._components, self._watching = config, environment.components, watching
        self._unread = kept
        self._health: dict[str, Health] = {}
        self._same = Kept()
        self._of: tuple[Any, ...] = ()
        self._from = self._until = _EVER
        """From when on, and until when, nothing of the panels is too old that was not then."""
        self._panels: Panels = ((), None, {})

    def now(self, values: Mapping[str, Any], status: Mapping[str, SourceStatus], now: datetime) -> Said:
        """What is to be shown now of the sources' last answers."""
        flag = self._flag(values.get(FLAGS), status.get(FLAGS))
        slos, present, named = self._metrics(values.get(METRICS), status.get(METRICS, ABSENT), flag, now)
        health = self._rows(values.get("health"), status.get("health"), now)
        watched, asked = self._watching.readings(now), http_readings(values.get(CRITERIA), now)

        def together() -> Named:
            found = named | {f"health.{row.component}": row.up.map(float) for row in health}
            if flag is not None:
                found[FLAG_PERCENT] = flag
            return {**found, **watched, **asked}

        key = (Same(named), Same(health), Same(flag), watched, asked)
        return Said(slos, present, health, self._same.get("readings", key, together))

    def _flag(self, answer: Any, status: SourceStatus | None) -> Reading[float] | None:
        if status is None:
            return None
        key = (Same(answer), status.state, status.error)
        return self._same.get("flag", key, lambda: flag_percent(answer, status))

    def _metrics(
        self, answers: MetricAnswers | None, status: SourceStatus, flag: Reading[float] | None, now: datetime
    ) -> Panels:
        unread = self._unread()
        of = (Same(answers), status.state, status.error, status.interval, Same(flag), Same(unread))
        if self._of != of or not self._from <= now <= self._until:
            plan = self._config.rollout
            self._panels = metric_panels(answers, status, self._config.objectives, plan, now, unread, flag)
            self._of, self._from, self._until = of, now, _same_until(answers, status, now)
        return self._panels

    def _rows(self, snapshot: HealthSnapshot | None, status: SourceStatus | None, now: datetime) -> tuple[Health, ...]:
        key = (Same(snapshot), status.state if status is not None else None)
        rows = self._same.get("health", key, lambda: health_rows(snapshot, self._health, self._components, status, now))
        self._health = {row.component: row for row in rows}
        return rows


def _same_until(answers: MetricAnswers | None, status: SourceStatus, now: datetime) -> datetime:
    """When the first of the readings is too old that is not yet."""
    if answers is None:
        return _EVER
    limit, readings = _limit(status), (*answers.readings.values(), *(gauge.burn for gauge in answers.gauges))
    ends: Iterable[datetime] = (reading.at + limit for reading in readings if reading.at is not None)
    return min((end for end in ends if end >= now), default=_EVER)


def metric_panels(
    answers: MetricAnswers | None,
    status: SourceStatus,
    objectives: Sequence[Objective],
    plan: RolloutPlan | None,
    now: datetime,
    kept: tuple[SloGauge, ...] = (),
    flag: Reading[float] | None = None,
) -> tuple[tuple[SloGauge, ...], Rollout | None, dict[str, Reading[float]]]:
    """Gauges, rollout and named readings. What an unreachable source said before is stale; `kept` are the gauges to
    show when it has not said anything yet. `flag`: the share that the flag gives, None where nobody tells."""
    if answers is None and status.state is not ReadingState.NO_DATA:
        return _blank(objectives, plan, missing(status.state, status.name, status.error), kept)
    answers = answers or MetricAnswers(gauges=unread(objectives))
    named = {name: _dated(reading, status, now) for name, reading in answers.readings.items()}
    if plan is not None and PERCENT in named:
        named[PERCENT] = measured(plan, named, flag)
    slos = answers.gauges
    if any(_dated(gauge.burn, status, now) is not gauge.burn for gauge in slos):
        slos = tuple(map(stale, slos))
    present = rollout(replace(answers, readings=named), plan) if plan is not None else None
    for item in present.guardrails if present is not None else ():
        if (name := f"guardrail.{item.rule.name}") in named:
            named[name] = item.told
    named |= {f"slo.{gauge.objective.name}.burn": gauge.burn for gauge in slos}
    named |= {f"slo.{gauge.objective.name}.budget_left": gauge.budget_left for gauge in slos}
    return slos, present, named


def _blank(
    objectives: Sequence[Objective], plan: RolloutPlan | None, lost: Reading[Any], kept: tuple[SloGauge, ...]
) -> tuple[tuple[SloGauge, ...], Rollout | None, dict[str, Reading[float]]]:
    slos = tuple(item if item.ratio.known else unread([item.objective], lost)[0] for item in kept)
    slos = slos or unread(objectives, lost)
    named: dict[str, Reading[float]] = {}
    for gauge in slos:
        for what, reading in (("burn", gauge.burn), ("budget_left", gauge.budget_left)):
            named[f"slo.{gauge.objective.name}.{what}"] = reading if reading.known else lost
    if plan is None:
        return slos, None, named
    named |= {f"guardrail.{rule.name}": lost for rule in plan.guardrails} | {"rollout.percent": lost}
    named |= {f"capacity.{item.name}.{part}": lost for item in plan.capacities for part in ("used", "limit")}
    asked = round_queries(plan, timedelta(hours=1), timedelta(0))
    named |= {
        query.name: lost for query in asked if query.name.startswith(("reading.", "rollback.", "rollout.samples"))
    }
    blank = rollout(MetricAnswers(), plan)
    guardrails = tuple(replace(guardrail, value=lost) for guardrail in blank.guardrails)
    return slos, replace(blank, percent=lost, since=lost, guardrails=guardrails), named


def _dated(reading: Reading[float], status: SourceStatus, now: datetime) -> Reading[float]:
    if status.state is ReadingState.UNREACHABLE and reading.known:
        return replace(reading, state=ReadingState.STALE)
    return reading.aged(now, _limit(status))


def _limit(status: SourceStatus) -> timedelta:
    """How old a reading may be: the long windows are read once a minute, whatever the interval is."""
    return max(3 * status.interval, timedelta(minutes=3))


def health_rows(
    snapshot: HealthSnapshot | None,
    before: Mapping[str, Health],
    components: Sequence[Component],
    status: SourceStatus | None,
    now: datetime,
) -> tuple[Health, ...]:
    """One row per component, with the instant its present state was first seen."""
    rows = []
    for component in components:
        up: Reading[bool] = missing(ReadingState.NO_DATA, "health", "not read yet")
        if snapshot is not None and component.name in snapshot.components:
            up = snapshot.components[component.name]
            if status is not None and status.state in (ReadingState.UNREACHABLE, ReadingState.STALE):
                up = replace(up, state=ReadingState.STALE)
        known = before.get(component.name)
        same = known is not None and known.up.value == up.value and known.since is not None
        since = known.since if known is not None and same else (up.at or now) if up.known else None
        rows.append(Health(component.name, up, since, component.critical_after, component.legacy))
    return tuple(rows)
