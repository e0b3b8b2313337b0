"""Multiwindow, multi-burn-rate alerts (SRE workbook, ch. 5, iteration 6).

A rule fires while the burn rate over its long window and over its short one is above its factor. The factor spends
`percent` of the budget of the objective's window within the long window: percent / 100 x window / long. For 30 d these
are 14.4, 6, 3 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache

from console.model.duration import duration
from console.model.reading import Reading
from console.model.value import value


class Urgency(StrEnum):
    """Who hears of it: somebody at once, or whoever reads tickets."""

    PAGE = "page"
    TICKET = "ticket"


@value
class BurnRule:
    """Windows as they are written in PromQL; `percent` of the budget, spent within the long one."""

    urgency: Urgency
    long: str
    short: str
    percent: float

    def factor(self, window: timedelta) -> float:
        """The burn rate above which it fires, for an objective over `window`."""
        return self.percent / 100.0 * (window / _span(self.long))

    def can_fire(self, target: float, window: timedelta) -> bool:
        """Whether a full outage is above the factor: the highest burn rate there is, is 1 / (1 - target)."""
        return self.factor(window) * (1.0 - target) < 1.0


RULES = (
    BurnRule(Urgency.PAGE, "1h", "5m", 2.0),
    BurnRule(Urgency.PAGE, "6h", "30m", 5.0),
    BurnRule(Urgency.TICKET, "1d", "2h", 10.0),
    BurnRule(Urgency.TICKET, "3d", "6h", 10.0),
)
"""The workbook's: quick and slow, to page and for a ticket."""

_span = lru_cache(duration)

WINDOWS: Mapping[str, timedelta] = {name: duration(name) for name in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")}
"""The windows of `RULES`, shortest first."""


def windows(rules: Iterable[BurnRule]) -> Mapping[str, timedelta]:
    """`WINDOWS` and those of other rules, shortest first."""
    others = {name: duration(name) for rule in rules for name in (rule.long, rule.short) if name not in WINDOWS}
    if not others:
        return WINDOWS
    return dict(sorted((*WINDOWS.items(), *others.items()), key=lambda item: item[1]))


@value
class BurnAlert:
    """A rule with the burn rates of its windows."""

    rule: BurnRule
    factor: float
    long: Reading[float]
    short: Reading[float]

    @property
    def firing(self) -> bool | None:
        """Whether both are above the factor; None when it cannot be said."""
        long, short = self.long.value, self.short.value
        if long is not None and short is not None and long > self.factor and short > self.factor:
            return True
        calm = any(reading.ok and (reading.value or 0.0) <= self.factor for reading in (self.long, self.short))
        return False if calm else None


def burn_alerts(
    rules: Iterable[BurnRule], window: timedelta, burns: Mapping[str, Reading[float]]
) -> tuple[BurnAlert, ...]:
    """Every rule with its readings; those whose windows were not read are left out."""
    return tuple(
        BurnAlert(rule, rule.factor(window), burns[rule.long], burns[rule.short])
        for rule in rules
        if rule.long in burns and rule.short in burns
    )
