"""The two paths of the simulated service, and what a rollback of it takes: all from the same world.

The regression is the new path's alone: whatever is counted beyond the calm is counted there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from console.integrations.simulated.world import World
from console.model.rollout_plan import Capacity
from console.ports import Row

REVISION = "2.14.0"
"""The revision that is rolled out."""
IN_FLIGHT_MEAN_SECONDS = 18.0
"""How long an elicitation is under way: exponentially distributed, which is how the world drains, too."""
NO_RETURN_SECONDS = 3600.0
"""How long after 100 % the new path begins to write what the legacy path cannot read."""

_LIMITS = (1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 120.0, 180.0, 300.0)
_RANGE_SECONDS = 600.0
_DAY = 86_400.0
_BACKUP_EVERY, _BACKUP_TAKES = 1800.0, 120.0
_REPLAYED_PER_SECOND = 250.0
_KINDS = {
    "replicas": re.compile(r"replica|pods?\b", re.IGNORECASE),
    "connections": re.compile(r"connection|pool", re.IGNORECASE),
    "memory": re.compile(r"memory", re.IGNORECASE),
}
_MOST = {"replicas": 10.0, "connections": 100.0, "memory": 40.0}


def requests(world: World, begin: float, end: float, *, legacy: bool) -> float:
    """Requests on one path over [begin, end]."""
    return sum(share * world.requests(left, right) for left, right, share in _shares(world, begin, end, legacy))


def bad(world: World, kind: str, begin: float, end: float, *, legacy: bool) -> float:
    """Of them, those that count as "errors", "slow" (over 300 ms) or "very slow" (over 500 ms)."""
    counts = {"errors": world.errors, "slow": world.slow_requests, "very slow": world.very_slow_requests}
    total = 0.0
    for left, right, share in _shares(world, begin, end, legacy):
        calm = world.without_regression(kind, left, right)
        total += share * calm
        if not legacy and share > 0.0:
            total += min(counts[kind](left, right) - calm, share * world.requests(left, right))
    return total


def _shares(world: World, begin: float, end: float, legacy: bool) -> Iterator[tuple[float, float, float]]:
    """The parts of [begin, end] with a constant share of the traffic on a path, 0 to 1."""
    cuts = [begin, *(at for at, _ in world.steps if begin < at < end), end]
    for left, right in pairwise(cuts):
        share = world.percent(left) / 100.0
        yield left, right, 1.0 - share if legacy else share


def capacity(world: World, item: Capacity, part: str) -> Callable[[float], float] | None:
    """How much of it is "used", or its "limit"; None for what the simulated service knows nothing of."""
    kinds = [kind for kind, words in _KINDS.items() if words.search(item.name) or words.search(item.title)]
    if not kinds:
        return None
    kind = kinds[0]
    if part == "limit":
        return lambda _: _MOST[kind]

    def used(at: float) -> float:
        share, sick = world.percent(at) / 100.0, min(1.0, world.sickness.value(at))
        if kind == "replicas":
            return float(min(10, math.ceil(2.0 + 8.0 * share + 2.0 * share * sick)))
        if kind == "connections":
            return float(round(20.0 + 62.0 * share + 12.0 * sick))
        return round(5.0 + 24.0 * share + 1.5 * sick, 1)

    return used


def no_return(world: World, at: float) -> bool:
    """Whether the new path has begun to write what the legacy path cannot read."""
    since = world.phase_since(at)
    return since is not None and world.percent(at) >= 100.0 and at - since > NO_RETURN_SECONDS


def rollback(world: World) -> Mapping[str, Callable[[float], float]]:
    """What the expressions of a rollback's plan give, by their names."""
    epoch = world.start.timestamp()

    def backup_age(at: float) -> float:
        return (epoch + at) % _BACKUP_EVERY + _BACKUP_TAKES

    def backlog(at: float) -> float:
        return float(round(36_000.0 * world.percent(at) / 100.0 + 20_000.0 * min(1.0, world.sickness.value(at))))

    return {
        "legacy_capacity": lambda at: 1.25 if world.percent(at) < 100.0 else 0.7,
        "no_return": lambda at: float(no_return(world, at)),
        "compatible": lambda at: float(not no_return(world, at)),
        "backup_age": backup_age,
        "restore_age": lambda at: 12.0 * _DAY + at,
        "inflight": lambda at: float(world.in_flight(at)),
        "completions": lambda at: world.in_flight(at) / IN_FLIGHT_MEAN_SECONDS,
        "arrivals": lambda _: 0.0,
        "backlog": backlog,
        "throughput": lambda _: _REPLAYED_PER_SECOND,
    }


def durations(world: World, at: float) -> tuple[Row, ...]:
    """How long elicitations took, as the buckets of a histogram."""
    count = world.in_flight(at) / IN_FLIGHT_MEAN_SECONDS * _RANGE_SECONDS
    rows = [Row({"le": f"{limit:g}"}, count * -math.expm1(-limit / IN_FLIGHT_MEAN_SECONDS)) for limit in _LIMITS]
    return (*rows, Row({"le": "+Inf"}, count))
