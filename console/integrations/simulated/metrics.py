"""The simulated Prometheus: answers the engine's queries by their names, from the world's counters."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from console.integrations.simulated import paths
from console.integrations.simulated.world import SCRAPE_SECONDS, World
from console.model.playbook import QUERY
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout import GuardrailRule
from console.model.sli import Part, Sli
from console.model.slo import Objective
from console.ports import Query, Row, Series

SOURCE = "simulated prometheus"

_SLO = re.compile(r"slo\.(?P<objective>.+?)(?P<fallback>\.fallback)?\.(?P<part>part|total)")
_SAMPLES = 300.0
"""Seconds over which the samples of a guardrail are counted here, whatever its window."""
_MINUTE = 60.0
_EVIDENCE = re.compile(r"evidence\.(?P<guardrail>.+)\.(?P<part>bad|total|legacy_bad|legacy_total|fast_bad)")
_CAPACITY = re.compile(r"capacity\.(?P<name>.+)\.(?P<part>used|limit)")
_LENGTH = re.compile(r"\[(\d+)s\]")
"""The range of a count."""
_THRESHOLD = re.compile(r"\) (?P<op><=?|>=?) bool (?P<limit>[^)]+)\)\[\$inner:(?P<step>\d+)s\]")
"""What `model.sli.of_threshold` makes."""
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Signal(StrEnum):
    """What the simulated service can be measured by."""

    AVAILABILITY = "availability"
    ERRORS = "errors"
    LATENCY = "latency"
    SECURITY = "security"


_WORDS = {
    Signal.SECURITY: re.compile(r"security|violation", re.IGNORECASE),
    Signal.LATENCY: re.compile(r"p99|latency|duration|response|quantile|bucket", re.IGNORECASE),
    Signal.AVAILABILITY: re.compile(r"availab|probe|uptime", re.IGNORECASE),
    Signal.ERRORS: re.compile(r"error|fail|5xx|5\.\.", re.IGNORECASE),
}


_COUNTED: Mapping[Signal | None, str] = {Signal.LATENCY: "slow", Signal.ERRORS: "errors"}
"""What counts as bad on a path."""


def signal_of(*texts: str) -> Signal | None:
    """The signal that a name, else a title, else an expression speaks of; None when none of them names one."""
    return next((signal for text in texts for signal, words in _WORDS.items() if words.search(text)), None)


class SimulatedMetrics:
    """Implements MetricSource on a World.

    Queries are told by name, and expressions are looked at only for thresholds, and where a playbook has one of the
    configuration's in a query of its own: `slo.<objective>[.fallback].<part|total>`, `guardrail.<name>[.samples]`,
    `rollout.percent` (%), `rollout.since` (unix seconds), `rollout.samples`, `rollout.new_requests` and
    `rollout.legacy_requests` (in a minute), `evidence.<guardrail>.<part>`, `capacity.<name>.<used|limit>`,
    `rollback.<key>`, and as extras, with or without `reading.` before them: `p99` (ms), `errors` (%), `traffic`
    (requests per second), `inflight.<new path>`, `inflight.<legacy path>` (requests).
    """

    name = SOURCE
    skew_seconds = 0.0

    def __init__(self, world: World) -> None:
        self._world = world

    def read(
        self, queries: Sequence[Query], *, at: datetime | None = None, seconds: float = 300
    ) -> Mapping[str, Reading[float]]:
        """A reading for every query, by name; an unknown name has no data. Raises SourceError while broken."""
        now = self._world.answer("prometheus")
        return {query.name: self._reading(query, min(at or now, now), seconds) for query in queries}

    def read_range(
        self, queries: Sequence[Query], start: datetime, end: datetime, step_seconds: float
    ) -> Mapping[str, Series]:
        """A series from `start` to `end` for every query; without values for an unknown name. Raises SourceError while
        broken.

        Instants after now have no value.
        """
        now = self._world.seconds(self._world.answer("prometheus"))
        begin = self._world.seconds(start)
        count = max(0, math.floor((end - start) / timedelta(seconds=step_seconds)) + 1)
        instants = [begin + step_seconds * index for index in range(count)]
        found: dict[str, Series] = {}
        for query in queries:
            measure = self._measure(query.name, step_seconds)
            values = tuple(measure(at) if measure is not None and at <= now else None for at in instants)
            found[query.name] = Series(values, start, step_seconds)
        return found

    def rows(self, expr: str) -> tuple[Row, ...]:
        """The revision that is rolled out, and the buckets of what is in flight, where the plan asks for them; else the
        simulated service has one of everything. Raises SourceError while broken."""
        now = self._world.seconds(self._world.answer("prometheus"))
        plan, asked = self._world.plan, _squeezed(expr)
        if plan.revision_expr and _squeezed(plan.revision_expr) in asked:
            return (Row({plan.revision_label: paths.REVISION}, 1.0),)
        if plan.rollback is not None and plan.rollback.durations and _squeezed(plan.rollback.durations) in asked:
            return paths.durations(self._world, now)
        return ()

    def _reading(self, query: Query, now: datetime, seconds: float) -> Reading[float]:
        name = query.name
        if name == "rollout.samples" and (length := _LENGTH.search(query.expr)) is not None:
            seconds = float(length[1])
        measure = self._measure(name, seconds)
        if measure is None:
            return missing(ReadingState.NO_DATA, SOURCE, "the simulated service has no such metric", now)
        value = measure(self._world.seconds(now))
        if value is None:
            return missing(ReadingState.NO_DATA, SOURCE, "the rollout has not begun", now)
        samples = 1 if _SLO.fullmatch(name) is None else round(seconds / SCRAPE_SECONDS)
        return Reading(ReadingState.OK, value, now, SOURCE, samples)

    def _measure(self, name: str, seconds: float) -> Callable[[float], float | None] | None:
        """How a name is measured at an instant, over `seconds` where it is counted; None when it is unknown."""
        world = self._world
        if name.startswith(QUERY):
            name = self._known(name.removeprefix(QUERY).strip())
        if (found := _SLO.fullmatch(name)) is not None:
            return self._slo(found["objective"], bool(found["fallback"]), found["part"], seconds)
        if name.startswith("guardrail."):
            rules = {f"guardrail.{rule.name}": rule for rule in world.plan.guardrails}
            if name.endswith(".covered") and name.removesuffix(".covered") in rules:
                return lambda _: 1.0  # the simulated service was there all the time
            if (counted := rules.get(name.removesuffix(".samples"))) is not None and name not in rules:
                return (lambda at: world.requests(at - _SAMPLES, at)) if counted.samples else None
            return self._guardrail(rules[name]) if name in rules else None
        if (evidence := _EVIDENCE.fullmatch(name)) is not None:
            return self._evidence(evidence["guardrail"], evidence["part"], seconds)
        if (item := _CAPACITY.fullmatch(name)) is not None:
            known = next((one for one in world.plan.capacities if one.name == item["name"]), None)
            return paths.capacity(world, known, item["part"]) if known is not None else None
        if name.startswith("rollback."):
            key = name.removeprefix("rollback.")
            asked = getattr(world.plan.rollback, key, "") if world.plan.rollback is not None else ""
            return paths.rollback(world).get(key) if asked else None
        extras: dict[str, Callable[[float], float | None]] = {
            "rollout.percent": world.percent,
            "rollout.since": self._phase_since,
            "rollout.samples": lambda at: paths.requests(world, at - seconds, at, legacy=False),
            "rollout.new_requests": lambda at: paths.requests(world, at - _MINUTE, at, legacy=False),
            "rollout.legacy_requests": lambda at: paths.requests(world, at - _MINUTE, at, legacy=True),
            "p99": world.p99_ms,
            "errors": lambda at: 100.0 * world.error_share(at),
            "traffic": world.requests_per_second,
            "inflight": lambda at: float(world.in_flight(at)),
            f"inflight.{world.plan.new_path}": lambda at: float(world.in_flight(at)),
            f"inflight.{world.plan.legacy_path}": lambda at: float(world.in_flight(at, legacy=True)),
        }
        return extras.get(name.removeprefix("reading."))

    def _evidence(self, guardrail: str, part: str, span: float) -> Callable[[float], float] | None:
        """What is counted of a guardrail on one of the paths, over `span`."""
        world = self._world
        rule = next((rule for rule in world.plan.guardrails if rule.name == guardrail), None)
        kind = _COUNTED.get(signal_of(rule.name, rule.title, rule.expr)) if rule is not None else None
        if kind is None:
            return None
        legacy = part.startswith("legacy_")
        if part.endswith("total"):
            return lambda at: paths.requests(world, at - span, at, legacy=legacy)
        if part == "fast_bad":
            kind = "very slow" if kind == "slow" else kind
        return lambda at: paths.bad(world, kind, at - span, at, legacy=legacy)

    def _known(self, expr: str) -> str:
        """The name under which the configuration has an expression; empty for any other."""
        plan = self._world.plan
        named = [("rollout.percent", plan.percent_expr), ("rollout.since", plan.since_expr), *plan.readings]
        named += [(f"guardrail.{rule.name}", rule.expr) for rule in plan.guardrails]
        named += [(f"capacity.{item.name}.used", item.used) for item in plan.capacities]
        named += [(f"capacity.{item.name}.limit", item.limit) for item in plan.capacities]
        wanted = " ".join(expr.split())
        return next((name for name, known in named if known and " ".join(known.split()) == wanted), "")

    def _phase_since(self, at: float) -> float | None:
        since = self._world.phase_since(at)
        return None if since is None else self._world.instant(since).timestamp()

    def _objective(self, name: str) -> Objective | None:
        return next((item for item in self._world.objectives if item.name == name), None)

    def _guardrail(self, rule: GuardrailRule) -> Callable[[float], float] | None:
        world = self._world
        match signal_of(rule.name, rule.title, rule.expr):
            case Signal.LATENCY:
                scale = 0.001 if rule.unit in ("s", "seconds") else 1.0
                return lambda at: scale * world.p99_ms(at)
            case Signal.ERRORS:
                factor = 100.0 if rule.unit == "%" or rule.critical >= 0.5 else 1.0
                return lambda at: factor * world.error_share(at)
            case Signal.SECURITY:
                return lambda _: 0.0
            case _:
                return None

    def _slo(self, name: str, fallback: bool, part: str, span: float) -> Callable[[float], float] | None:
        objective = self._objective(name)
        sli = None if objective is None else objective.sli.fallback if fallback else objective.sli
        if objective is None or sli is None:
            return None
        signal, counted = _signal(objective, sli), sli.counts
        if (threshold := _THRESHOLD.search(sli.part)) is not None:
            judge, step = self._good_slice(signal, threshold), int(threshold["step"])
            if judge is None:
                return None
            good = judge if signal is Signal.AVAILABILITY else self._world.by_twelfths(judge)
            if part == "total":
                return lambda at: float(len(self._grid(at, span, step)))
            return lambda at: float(sum(good(instant) for instant in self._grid(at, span, step)))
        counters = self._counters(signal)
        if counters is None:
            return None
        bad, total = counters
        if part == "total":
            return lambda at: total(at - span, at)
        if counted is Part.BAD:
            return lambda at: bad(at - span, at)
        return lambda at: total(at - span, at) - bad(at - span, at)

    def _counters(self, signal: Signal | None) -> tuple[_Counter, _Counter] | None:
        """(bad, total) increases over [begin, end]."""
        world = self._world
        match signal:
            case Signal.AVAILABILITY:
                return world.failed_probes, world.probes
            case Signal.ERRORS:
                return world.errors, world.requests
            case Signal.LATENCY:
                return world.slow_requests, world.requests
            case _:
                return None

    def _good_slice(self, signal: Signal | None, threshold: re.Match[str]) -> Callable[[float], bool] | None:
        """Whether the slice around an instant satisfies `query op limit`. A limit of 10 or more is taken for
        milliseconds, one above 1 for percent."""
        world, compare, step = self._world, _COMPARE[threshold["op"]], int(threshold["step"])
        limit = float(threshold["limit"])
        match signal:
            case Signal.AVAILABILITY:
                return lambda at: world.probe_ok(at, step)
            case Signal.LATENCY:
                scale = 1.0 if limit >= 10.0 else 0.001
                return lambda at: compare(scale * world.p99_ms(at), limit)
            case Signal.ERRORS if 0.5 < limit < 1.0 or compare in (operator.gt, operator.ge):  # a share of good ones
                return lambda at: compare(1.0 - world.error_share(at), limit)
            case Signal.ERRORS:
                factor = 100.0 if limit >= 0.5 else 1.0
                return lambda at: compare(factor * world.error_share(at), limit)
            case _:
                return None

    def _grid(self, at: float, span: float, step: int) -> list[float]:
        """The instants of a subquery: unix times that `step` divides, in (at - span, at]."""
        epoch = self._world.start.timestamp()
        first, last = math.floor((epoch + at - span) / step) + 1, math.floor((epoch + at) / step)
        return [number * step - epoch for number in range(first, last + 1)]


def _squeezed(expr: str) -> str:
    """An expression without its blanks, to be found in another one."""
    return "".join(expr.split())


_Counter = Callable[[float, float], float]


def _signal(objective: Objective, sli: Sli) -> Signal | None:
    return signal_of(objective.name, objective.title, sli.part, sli.total)
