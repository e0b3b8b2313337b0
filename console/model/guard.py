"""What no objective says: a limit that a rollout must keep in its phases, and what may never happen.

Both are read off a query over a window. A guardrail counts for nothing below its number of samples: of 100 requests
without a failure, up to 3.7 % may fail (Wilson, 95 %).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil, isfinite

from console.model.reading import Reading, ReadingState
from console.model.rollout import GuardrailRule
from console.model.sli import SECONDS, WINDOW, filled
from console.model.slices import COMPLETE
from console.model.value import value
from console.model.window import days

LOOKBACK, FARTHEST = timedelta(days=1), timedelta(days=7)
"""How far back an invariant looks that is to look back to the start of the rollout: at least, also while nobody knows
when that was; and at most, since every sample of the range is read again in each round."""
_HOUR = 3600
_SLOT, _SHORT = 300, 15
"""Seconds between two looks at whether a counter had a series; of a range below an hour."""


def began(before: float | None, since: Reading[float], percent: Reading[float]) -> float | None:
    """When the rollout began, in unix seconds, as far as that was seen: the first phase that was entered. A phase is
    entered again where there was no traffic on the new path."""
    if since.value is None or not isfinite(since.value):
        return before
    if before is None or (percent.ok and percent.value == 0):
        return since.value
    return min(before, since.value)


def lookback(start: float | None, now: datetime) -> timedelta:
    """How far back it is to look when the rollout began at `start`, in whole hours."""
    if start is None:
        return LOOKBACK
    hours = ceil(min(max(now.timestamp() - start, 0.0), FARTHEST.total_seconds()) / _HOUR)
    return max(timedelta(hours=hours), LOOKBACK)


def covered(reading: Reading[float], rule: GuardrailRule, share: float | None) -> Reading[float]:
    """The value of a rule by the share of its reach that there are samples of, None: unknown. Partial below `COMPLETE`,
    with how much it is. A value that is no evidence already stays as it is."""
    length = rule.reach
    if not rule.covers or length is None or not reading.ok:
        return reading
    if share is None or not isfinite(share):
        note = f"how much of {days(length)} it covers is not known"
    elif share < COMPLETE:
        note = f"covers {_span(length * max(share, 0.0))} of {days(length)}"
    else:
        return reading
    return replace(reading, state=ReadingState.PARTIAL, note=note)


def _span(length: timedelta) -> str:
    """`55 min`, `3.5 h`."""
    minutes = length.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.3g} h"


_BREACH = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
"""What must hold -> what breaks it."""


class NoData(StrEnum):
    """What it means that there is nothing to compare."""

    INCONCLUSIVE = "inconclusive"
    BREACH = "breach"


class Action(StrEnum):
    """What a breach asks for."""

    RECOMMEND_ROLLBACK = "recommend-rollback"
    HOLD = "hold"
    NOTIFY = "notify"


@value
class Limit:
    """`value op limit`, in `unit`; `op` is <, <=, > or >=."""

    op: str
    limit: float
    unit: str = ""


@value
class PhaseGuard:
    """A limit in the phases of a rollout, by their percent (all of them when `phases` is empty). `query` and `samples`
    are templates. A breach counts when it is seen `after` times of `of` evaluations, in the generated rules and where
    the rollout is judged; the gauge shows the last value. In other phases it is not judged."""

    name: str
    title: str
    query: str
    window: timedelta
    must: Limit
    samples: str = ""
    min_samples: int = 0
    on_no_data: NoData = NoData.INCONCLUSIVE
    after: int = 1
    of: int = 1
    action: Action = Action.RECOMMEND_ROLLBACK
    rollout: str = ""
    phases: tuple[float, ...] = ()
    description: str = ""
    where: str = ""

    @property
    def rule(self) -> GuardrailRule:
        """It as a rule that is shown beside the rollout's own: without a number while there are too few samples."""
        seconds = self.window.total_seconds()
        expr, samples, least = filled(self.query, seconds), "", 0
        if self.samples and self.min_samples:
            samples, least = filled(self.samples, seconds), self.min_samples
            expr = f"({expr}) and on() (({samples}) >= {least})"
        return GuardrailRule(
            self.name,
            self.title,
            expr,
            None,
            self.must.limit,
            self.must.unit,
            _BREACH[self.must.op],
            self.phases,
            samples,
            least,
            after=self.after,
            of=self.of,
        )


@value
class Invariant:
    """A counter that must stay where it is. `since` None: since the rollout began, as far as that was `began`, within
    `LOOKBACK` and `FARTHEST` of now."""

    name: str
    title: str
    counter: str
    since: timedelta | None = None
    on_no_data: NoData = NoData.INCONCLUSIVE
    severity: str = ""
    description: str = ""
    where: str = ""

    @property
    def query(self) -> str:
        """How much it grew, as a template: a series that was born within the range counts in full, because `increase`
        does not see its first value. One that was there in the hour before the range was not born in it, even if no
        scrape succeeded when the range began."""
        born = f"(max_over_time({self.counter}[{WINDOW}]) unless last_over_time({self.counter}[1h] offset {WINDOW}))"
        return f"sum({born} or increase({self.counter}[{WINDOW}]))"

    @property
    def covers(self) -> str:
        """The share of the range in which the counter had a series, as a template. It is looked at slot by slot: a
        server that began a minute ago knows nothing of the day before, nor one that was down for half of it."""
        slot = _SLOT if self.since is None or self.since >= timedelta(seconds=_HOUR) else _SHORT
        return f"count_over_time(group({self.counter})[{WINDOW}:{slot}s]) / ({SECONDS} / {slot})"

    @property
    def rule(self) -> GuardrailRule:
        """It as a rule that is shown beside the rollout's own: anything above 0 is critical. One that follows the
        rollout is a rule over `LOOKBACK` until somebody knows better."""
        length = self.since or LOOKBACK
        expr = filled(self.query, length.total_seconds())
        return GuardrailRule(
            self.name,
            self.title,
            expr,
            None,
            0.0,
            f"in {days(length)}",
            ">",
            template="" if self.since else self.query,
            reach=length,
            covers=self.covers,
        )
