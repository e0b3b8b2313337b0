"""What the pieces of a gauge are called: its verdict, its forecast, what its budget still allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from console.model.burn import BurnAlert, Urgency
from console.model.forecast import Forecast
from console.model.reading import Reading, ReadingState
from console.model.sli import Unit
from console.model.slo import TICKET_BURN, SloGauge
from console.model.window import days
from console.view.line import Tone
from console.view.look import STATE_WORDS, Look
from console.view.values import number, share

_ORDER = list(ReadingState)


def firing(gauge: SloGauge) -> BurnAlert | None:
    """The most urgent burn alert that fires."""
    found = [alert for alert in gauge.alerts if alert.firing]
    return min(found, key=lambda alert: alert.rule.urgency is not Urgency.PAGE, default=None)


def verdict(gauge: SloGauge) -> tuple[Tone, str]:
    """How an objective stands, in a tone and a word. OK needs an ok value, an ok burn rate, and burn alerts of which
    all can be told."""
    burn, left, ratio = gauge.burn.value, gauge.budget_left.value, gauge.ratio
    if left is not None and left <= 0:
        return Tone.CRITICAL, "SPENT"
    alert = firing(gauge)
    if alert is not None:
        page = alert.rule.urgency is Urgency.PAGE
        return (Tone.CRITICAL, "PAGE BURN") if page else (Tone.WARNING, "TICKET BURN")
    if burn is not None and burn > TICKET_BURN:
        return Tone.WARNING, "BURNING"
    if ratio.value is not None and ratio.value < gauge.objective.target:
        return Tone.WARNING, "BELOW"
    worst = worst_of(gauge)
    if not worst.ok:
        return Tone.UNKNOWN, STATE_WORDS[worst.state].upper()
    return Tone.OK, "ok"


def worst_of(gauge: SloGauge) -> Reading[float]:
    """The reading that keeps it from being ok, if one does: of value, burn, and the alerts that cannot be told."""
    unsure = [reading for alert in gauge.alerts if alert.firing is None for reading in (alert.long, alert.short)]
    first = gauge.ratio if not gauge.ratio.ok else gauge.burn
    if not first.ok:
        return first
    return max(unsure, key=lambda reading: _ORDER.index(reading.state), default=first)


def left_tone(left: Reading[float]) -> Tone:
    """How loud what is left of a budget is: nothing left is critical, and the verdict says SPENT."""
    return Tone.CRITICAL if left.value is not None and left.value <= 0 else Tone.NORMAL


def left_words(left: float, digits: int = 0) -> str:
    """What is left of a budget, in percent. 0 % is nothing at all: what is not quite spent, or hardly overspent, says
    so."""
    text = number(left * 100, digits)
    if left == 0 or text.strip("-0."):
        return f"{text} %"
    return f"<{10**-digits:g} %" if left > 0 else "<0 %"


def burn_tone(gauge: SloGauge) -> Tone:
    """How loud the burn rate is, whatever is left of the budget."""
    alert, burn = firing(gauge), gauge.burn.value
    if alert is not None:
        return Tone.CRITICAL if alert.rule.urgency is Urgency.PAGE else Tone.WARNING
    return Tone.WARNING if burn is not None and burn > TICKET_BURN else Tone.NORMAL


def rank(gauge: SloGauge) -> tuple[int, float, str]:
    """What burns most comes first: spent, page, ticket, burning, below, unknown, ok; within these by burn rate."""
    tone, word = verdict(gauge)
    loud = ("SPENT", "PAGE BURN", "TICKET BURN", "BURNING", "BELOW")
    place = loud.index(word) if word in loud else len(loud) + (tone is Tone.OK)
    burn = gauge.burn.value
    return place, -burn if burn is not None else 1.0, gauge.objective.name


class _Judged:
    """The newest gauges, judged once: a screen is drawn more often than they are read."""

    def __init__(self) -> None:
        self._gauges: Sequence[SloGauge] = ()
        self._found: list[tuple[SloGauge, Tone, str]] = []

    def __call__(self, gauges: Sequence[SloGauge]) -> list[tuple[SloGauge, Tone, str]]:
        """Each with its verdict, what burns most first."""
        if gauges is not self._gauges:
            found = [(gauge, *verdict(gauge)) for gauge in sorted(gauges, key=rank)]
            self._gauges, self._found = gauges, found
        return self._found


judged = _Judged()


def forecast_words(gauge: SloGauge) -> str:
    """`spent in 3.1 to 7.4 d`, `never`, `spent`; empty while there is no forecast."""
    left, forecast = gauge.budget_left.value, gauge.forecast
    if left is not None and left <= 0:
        return "spent"
    if forecast is None:
        return ""
    if forecast.is_never or forecast.p10 is None:
        return "never"
    if forecast.p90 is None:
        return f"spent in {_one(forecast.p10)} or later, or never"
    return f"spent in {span_words(forecast.p10, forecast.p90)}"


def forecast_short(gauge: SloGauge) -> str:
    """The same in a cell: `3.1-7.4 d`, `> 3.1 d`."""
    told, forecast = forecast_words(gauge), gauge.forecast
    if forecast is None or forecast.p10 is None or told in ("", "spent", "never"):
        return told
    if forecast.p90 is None:
        return f">{_one(forecast.p10)}"
    return span_words(forecast.p10, forecast.p90, "-")


def horizon(forecast: Forecast) -> str:
    """How far the forecast looks, and what `never` means."""
    return f"{forecast.never * 100:.0f} % of futures last {days(forecast.horizon)}, n {forecast.n:,} slices"


def span_words(low: timedelta, high: timedelta, joint: str = " to ") -> str:
    """`3.1 to 7.4 d`: two lengths in the unit that suits the longer one."""
    size, unit = _unit(high)
    first, second = (number(item / size, 1) for item in (low, high))
    return f"{first}{joint}{second} {unit}" if first != second else f"{second} {unit}"


def _one(length: timedelta) -> str:
    size, unit = _unit(length)
    return f"{number(length / size, 1)} {unit}"


def _unit(length: timedelta) -> tuple[timedelta, str]:
    for size, unit in ((timedelta(days=1), "d"), (timedelta(hours=1), "h")):
        if length >= 2 * size:
            return size, unit
    return timedelta(minutes=1), "min"


def allowance(gauge: SloGauge) -> str:
    """What the budget left is in events, or in minutes where slices are counted: `412 events`, `-22 min`; empty while
    that is not known."""
    left = gauge.budget_left.value
    if left is None:
        return ""
    objective, n = gauge.objective, gauge.ratio.n
    if objective.sli.unit is Unit.EVENTS and objective.method == "Occurrences":
        return f"{amount(left * objective.budget * n)} events" if n else ""
    return f"{amount(left * objective.budget * objective.period.total_seconds() / 60)} min"


def amount(value: float) -> str:
    """A count in at most five cells: `12`, `4.2k`, `1.3M`."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(size, 9_999.5):
            return f"{number(value / size, 1)}{sign}"
    return number(value, 1 if abs(value) < 10 else 0)


def bounds_words(gauge: SloGauge, joint: str = " to ") -> str:
    """`98.0 to 99.5 %`; empty where the value is known."""
    if gauge.bounds is None:
        return ""
    low, high = (share(item).removesuffix(" %") for item in gauge.bounds)
    return f"{low}{joint}{high} %"


def interval_words(gauge: SloGauge, look: Look, joint: str = " to ") -> str:
    """`0.4 to 12×`, or with another word between: within which burn rates the truth is on low traffic; else empty."""
    if gauge.interval is None:
        return ""
    low, high = (number(item, 1) for item in gauge.interval)
    return f"{low}{joint}{high}{look.marks.times}"


def thin(gauge: SloGauge) -> str:
    """Why a burn rate is only known to lie between two: `low traffic`, or where slices or samples are counted, too few
    of these."""
    return "low traffic" if gauge.objective.sli.unit is Unit.EVENTS else f"few {gauge.objective.sli.unit.value}"


def covers(gauge: SloGauge) -> str:
    """`15.2 of 30 d`; empty while that is not known, or all of it was seen."""
    if gauge.coverage is None or gauge.coverage >= 0.9995:
        return ""
    whole = gauge.objective.period
    size, unit = _unit(whole)
    return f"{gauge.coverage * (whole / size):.3g} of {whole / size:.3g} {unit}"


def names(gauge: SloGauge) -> frozenset[str]:
    """The names by which alerts may speak of it."""
    objective = gauge.objective
    return frozenset(filter(None, (objective.name, objective.short)))
