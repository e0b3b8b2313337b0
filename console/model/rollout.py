"""The rollout: where it is, and whether its guardrails hold."""

from __future__ import annotations

import operator
from datetime import datetime, timedelta
from enum import StrEnum

from console.model.reading import Reading, ReadingState
from console.model.value import value


class Level(StrEnum):
    """How a guardrail stands. UNKNOWN is shown as such and is never OK."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


_BREACHES = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


@value
class GuardrailRule:
    """A limit pair on one expression, in `unit`. It is a warning or critical when `value breach limit` holds: at or
    above the limit, unless said otherwise."""

    name: str
    title: str
    expr: str
    warning: float | None
    critical: float
    unit: str = ""
    breach: str = ">="
    """>=, >, <= or <."""

    def breaks(self, reading: float, limit: float) -> bool:
        """Whether a reading breaks a limit."""
        return bool(_BREACHES[self.breach](reading, limit))


@value
class Guardrail:
    """A rule with its present reading."""

    rule: GuardrailRule
    value: Reading[float]

    @property
    def level(self) -> Level:
        """CRITICAL and WARNING also from a stale or partial value; OK only from an ok one."""
        value = self.value.value
        if value is None:
            return Level.UNKNOWN
        if self.rule.breaks(value, self.rule.critical):
            return Level.CRITICAL
        if self.rule.warning is not None and self.rule.breaks(value, self.rule.warning):
            return Level.WARNING
        return Level.OK if self.value.state is ReadingState.OK else Level.UNKNOWN


@value
class RolloutPlan:
    """The declared plan: `phases` in percent, how long each bakes, and the expressions that tell where it is.

    `percent_expr` gives the share of traffic on the new path in percent, `since_expr` the unix time at which the
    present phase was entered; an empty expression leaves that unknown.
    """

    name: str
    new_path: str
    legacy_path: str
    phases: tuple[float, ...]
    bake: timedelta
    percent_expr: str
    since_expr: str = ""
    flag: str = ""
    guardrails: tuple[GuardrailRule, ...] = ()
    readings: tuple[tuple[str, str], ...] = ()
    """(name, expression) of further readings that playbooks look at, as `reading.<name>`."""


@value
class SeenPhase:
    """The share of traffic of a target when it was last seen to be another one, and what it was before."""

    target: str
    version: int = 0
    percent: float | None = None
    before: float | None = None
    at: datetime | None = None
    source: str = ""


@value
class Rollout:
    """The plan with its readings."""

    plan: RolloutPlan
    percent: Reading[float]
    since: Reading[float]
    """Unix seconds."""
    guardrails: tuple[Guardrail, ...] = ()

    @property
    def phase(self) -> int | None:
        """Index of the highest phase reached; -1 before the first; None when the percent is unknown."""
        percent = self.percent.value
        if percent is None:
            return None
        return sum(1 for phase in self.plan.phases if percent >= phase - 0.5) - 1

    def bake_left(self, now: datetime) -> timedelta | None:
        """Bake time still to run, zero when it is over; None when it is unknown or no phase is entered."""
        if self.since.value is None or self.phase is None or self.phase < 0:
            return None
        spent = timedelta(seconds=now.timestamp() - self.since.value)
        return max(self.plan.bake - spent, timedelta(0))

    @property
    def level(self) -> Level:
        """The worst guardrail; UNKNOWN when none breaches and one cannot be read."""
        levels = [guardrail.level for guardrail in self.guardrails]
        for level in (Level.CRITICAL, Level.WARNING, Level.UNKNOWN):
            if level in levels:
                return level
        return Level.OK if levels else Level.UNKNOWN
