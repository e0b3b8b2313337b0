"""Service level objectives: what is promised, and how it stands.

e(w) is the error ratio over a window w, B = 1 - objective the budget, b(w) = e(w) / B the burn rate (SRE workbook,
ch. 5). All of them are sums over slices, put together in `budget`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from console.model.burn import RULES, BurnAlert, BurnRule
from console.model.forecast import Forecast
from console.model.reading import Reading
from console.model.sli import Sli
from console.model.value import value
from console.model.window import Rolling, Window

if TYPE_CHECKING:
    from console.model.baseline import BaselineNote  # not at every start: few consoles have a baseline

PAGE_BURN = 14.4
"""Burn rate over one hour that spends 2 % of a 30 d budget (SRE workbook, table 5-8)."""
TICKET_BURN = 1.0


@value
class Alerting:
    """What the alerts of one urgency carry; `off` when there are to be none."""

    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    off: bool = False


@value
class Objective:
    """One SLO. `target` is a ratio in (0, 1); `method` is the budgeting method's OpenSLO name. `queries` are the
    expressions as somebody wrote them, by what they count, and `where` is their `FILE:LINE`. One with `groups`
    stands for one objective for each combination of these labels' values; `group` is the combination it stands for."""

    name: str
    title: str
    service: str
    target: float
    window: Window
    method: str
    sli: Sli
    description: str = ""
    queries: tuple[tuple[str, str], ...] = ()
    where: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    group: tuple[tuple[str, str], ...] = ()
    rules: tuple[BurnRule, ...] = RULES
    alert: str = ""
    """The name of its alerts."""
    page: Alerting = field(default_factory=Alerting)
    ticket: Alerting = field(default_factory=Alerting)
    short: str = ""
    """Its name within its service, where `name` says more because another service has one of that name."""

    @property
    def id(self) -> str:
        """What tells its recorded series and its rules from others': Sloth's `sloth_id`."""
        return f"{self.service}-{self.short or self.name}"

    @property
    def budget(self) -> float:
        """B = 1 - target."""
        return 1.0 - self.target

    @property
    def period(self) -> timedelta:
        """How long the window is, of a calendar's as it is without knowing when: a month has 30 d."""
        if isinstance(self.window, Rolling):
            return self.window.length
        sizes = {"m": 1 / 1440, "h": 1 / 24, "d": 1, "w": 7, "M": 30, "Q": 90, "Y": 365}
        return timedelta(days=sizes[self.window.unit] * self.window.count)


@value
class SloGauge:
    """An objective with what is known of it.

    `ratio` is the good share over the objective's window and `budget_left` the share of the error budget left of it
    (below 0 when overspent); `burn` the burn rate over one hour, `burns` those over `burn.WINDOWS`. Of a calendar
    window, `budget_left` is of the whole period, with as much traffic to come as there was, and `to_date` of the events
    so far.
    """

    objective: Objective
    ratio: Reading[float]
    budget_left: Reading[float]
    burn: Reading[float]
    trend: tuple[float | None, ...] = ()
    """The good share of recent slices, oldest first; None where there was no evidence."""
    basis: str = ""
    """How the SLI was measured: the budgeting method, or the fallback's name."""
    burns: Mapping[str, Reading[float]] = field(default_factory=dict)
    alerts: tuple[BurnAlert, ...] = ()
    to_date: Reading[float] | None = None
    interval: tuple[float, float] | None = None
    """On low traffic, between which burn rates the one over an hour is (95 %, Wilson)."""
    bounds: tuple[float, float] | None = None
    """Between which good shares the true one is, where no bucket of a histogram is at the threshold."""
    forecast: Forecast | None = None
    """None while there is none; from evidence that is not complete, only one that is no "never"."""
    forecast_note: str = ""
    """Why there is none, or what it lacks."""
    coverage: float | None = None
    """The share of the window's slices that was seen, 0 to 1."""
    baseline: BaselineNote | None = None
    """The last hour beside the same hours of the newest baseline; None where there is none."""

    def mapped(self, function: Callable[[Reading[float]], Reading[float]]) -> SloGauge:
        """It with each of its readings replaced by what the function makes of it."""
        return replace(
            self,
            ratio=function(self.ratio),
            budget_left=function(self.budget_left),
            burn=function(self.burn),
            burns={name: function(reading) for name, reading in self.burns.items()},
            alerts=tuple(replace(item, long=function(item.long), short=function(item.short)) for item in self.alerts),
            to_date=function(self.to_date) if self.to_date is not None else None,
        )
