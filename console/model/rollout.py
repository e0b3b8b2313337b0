"""The rollout: where it is, and whether its guardrails hold."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from console.model.reading import Reading, ReadingState, missing
from console.model.rollout_plan import (
    AutoRollback,
    Capacity,
    CriterionRule,
    Evidence,
    RollbackPlan,
    Stage,
)
from console.model.sli import filled
from console.model.value import value
from console.model.window import days


class Level(StrEnum):
    """How a guardrail stands. UNKNOWN is shown as such and is never OK. NOT_IN_PHASE is neither OK nor a breach: the
    guardrail is not for the phase that the rollout is in."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    NOT_IN_PHASE = "not_in_phase"


REACHED = 0.5
"""By how many percent a phase may be missed and be reached."""

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
    phases: tuple[float, ...] = ()
    """The phases that it is for, by their percent; all of them, and before the first, when there are none."""
    samples: str = ""
    """The expression that counts what the value rests on. `expr` itself has no value below `min_samples`."""
    min_samples: int = 0
    template: str = ""
    """Of `expr`, where its range follows the rollout."""
    reach: timedelta | None = None
    """How far back it looks, where that is known."""
    covers: str = ""
    """The template of the share of its reach that there are samples of (0 to 1). What covers less is no evidence that
    nothing happened. Empty: nobody can tell."""
    after: int = 1
    of: int = 1
    """A breach counts when it is seen `after` times in `of` evaluations, one a minute."""

    def over(self, length: timedelta) -> GuardrailRule:
        """It over so much time, where its range follows the rollout: the unit says over how much."""
        if not self.template:
            return self
        expr = filled(self.template, length.total_seconds())
        return replace(self, expr=expr, unit=f"in {days(length)}", reach=length)

    @property
    def covering(self) -> str:
        """The expression of how much of its reach is covered; empty where nobody can tell."""
        return filled(self.covers, self.reach.total_seconds()) if self.covers and self.reach is not None else ""

    def breaks(self, reading: float, limit: float) -> bool:
        """Whether a reading breaks a limit."""
        return bool(_BREACHES[self.breach](reading, limit))


@value
class Guardrail:
    """A rule with its present reading, and that of its samples. `within`: whether the rollout is in one of its phases,
    None while nobody knows; it says nothing of a rule without phases."""

    rule: GuardrailRule
    value: Reading[float]
    samples: Reading[float] | None = None
    within: bool | None = None

    @property
    def too_few(self) -> str:
        """`12 of 300 samples`, while it has fewer than it needs."""
        count = self.samples.value if self.samples is not None else None
        if count is None or not count < self.rule.min_samples:
            return ""
        return f"{max(0, int(count))} of {self.rule.min_samples} samples"

    @property
    def phase_unknown(self) -> bool:
        """Whether it is for some phases, and nobody knows which one the rollout is in."""
        return bool(self.rule.phases) and self.within is None

    @property
    def level(self) -> Level:
        """CRITICAL and WARNING also from a stale or partial value, and while the phase is unknown; OK only from an ok
        one."""
        value = self.value.value
        if self.rule.phases and self.within is False:
            return Level.NOT_IN_PHASE
        if value is None or self.too_few:
            return Level.UNKNOWN
        if self.rule.breaks(value, self.rule.critical):
            return Level.CRITICAL
        if self.rule.warning is not None and self.rule.breaks(value, self.rule.warning):
            return Level.WARNING
        return Level.OK if self.value.state is ReadingState.OK and not self.phase_unknown else Level.UNKNOWN

    @property
    def told(self) -> Reading[float]:
        """Its value for the checks of playbooks: none where it is not judged, and none to rely on where it is not OK
        only because the phase is unknown."""
        value = self.value
        if self.level is Level.NOT_IN_PHASE:
            return missing(ReadingState.NO_DATA, value.source, "not in this phase", value.at)
        if self.too_few:
            return missing(ReadingState.NO_DATA, value.source, self.too_few, value.at)
        if self.level is Level.UNKNOWN and value.ok:
            return replace(value, state=ReadingState.PARTIAL, note="the phase is unknown")
        return value


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
    stages: tuple[Stage, ...] = ()
    """What each phase asks for, in the order of `phases`; empty: nothing but the bake."""
    samples_expr: str = ""
    """Template that counts the requests on the new path."""
    share_points: float = 3.0
    share_for: timedelta = timedelta(minutes=2)
    """By how many points the measured share may differ from the one that is set, and for how long."""
    revision_expr: str = ""
    revision_label: str = ""
    """The expression whose one series names the revision that is rolled out, in this label."""
    evidence: tuple[Evidence, ...] = ()
    capacities: tuple[Capacity, ...] = ()
    criteria: tuple[CriterionRule, ...] = ()
    rollback: RollbackPlan | None = None
    auto: AutoRollback | None = None
    """None: the console only recommends."""
    before: str = ""
    """The playbook with the checks before the first phase."""
    smoke: str = ""
    """The playbook with the smoke checks after each phase."""
    hash: str = ""
    """`sha256:` over the file that it was read from."""

    def tolerance(self, share: float) -> float:
        """By how many points the measured share may be off so large a share: never by more than half of it, for none at
        all is not 2 %."""
        return min(self.share_points, share / 2) if share > 0 else self.share_points

    def agrees(self, share: float, measured: float | None) -> bool:
        """Whether the measured share says what is set; an unknown one does not."""
        return measured is not None and abs(measured - share) <= self.tolerance(share)

    def stage(self, percent: float) -> Stage:
        """What the phase at so many percent asks for."""
        for stage in self.stages:
            if abs(stage.percent - percent) < REACHED:
                return stage
        return Stage(percent, self.bake)

    def phase_of(self, percent: float | None) -> int | None:
        """Index of the highest phase reached at so many percent; -1 before the first; None when that is unknown."""
        if percent is None:
            return None
        return sum(1 for phase in self.phases if percent >= phase - REACHED) - 1

    def next_phase(self, percent: float) -> float | None:
        """The phase that follows so many percent; None after the last one."""
        return next((phase for phase in self.phases if phase >= percent + REACHED), None)

    def within(self, phases: Sequence[float], percent: Reading[float]) -> bool | None:
        """Whether so many percent are one of these phases, which need not all be the plan's; None when the percent is
        not known, or no longer."""
        if percent.value is None or not percent.ok:
            return None
        reached = [phase for phase in {*self.phases, *phases} if percent.value >= phase - REACHED]
        return bool(reached) and max(reached) in phases


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
        return self.plan.phase_of(self.percent.value)

    @property
    def level(self) -> Level:
        """The worst guardrail of this phase; UNKNOWN when none breaches and one cannot be read, or there is none."""
        levels = [level for item in self.guardrails if (level := item.level) is not Level.NOT_IN_PHASE]
        for level in (Level.CRITICAL, Level.WARNING, Level.UNKNOWN):
            if level in levels:
                return level
        return Level.OK if levels else Level.UNKNOWN
