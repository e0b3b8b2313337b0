"""Everything about one objective: how it stands, what that rests on, its alerts, what it is and where that is said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from console.model.alert import Alert, AlertState
from console.model.burn import WINDOWS, BurnAlert
from console.model.sli import Sli, Unit, filled
from console.model.slo import SloGauge
from console.model.window import Calendar, days
from console.view.baseline import gauge_words
from console.view.line import EMPTY, Line, Tone, clip, fit, fold, labelled, line, right, span, wrap
from console.view.look import STATE_WORDS, Look
from console.view.slo_words import (
    allowance,
    amount,
    bounds_words,
    covers,
    firing,
    forecast_words,
    horizon,
    interval_words,
    left_tone,
    left_words,
    names,
    thin,
    verdict,
    worst_of,
)
from console.view.times import age, stamp
from console.view.values import heading, number, share, shown, why

MARGIN = 11
"""Cells of the labels."""
BARS = 20
"""Cells of the longest bar of a burn rate."""


def told_alerts(gauge: SloGauge, alerts: Iterable[Alert]) -> list[Alert]:
    """The alerts of the feed that speak of it: by the labels that Sloth and Pyrra set, or by its alert's name."""
    known, objective = names(gauge), gauge.objective
    found = []
    for alert in alerts:
        service = alert.label("sloth_service") or alert.label("service")
        named = alert.label("sloth_slo") in known or alert.label("slo") in known
        ours = named and (not service or not objective.service or service == objective.service)
        if ours or (objective.alert and alert.name == objective.alert):
            found.append(alert)
    return found


def head(gauge: SloGauge, now: datetime, width: int, look: Look) -> list[Line]:
    """How it stands, in a few lines: the verdict and why, value, budget, burn, forecast, evidence."""
    objective = gauge.objective
    tone, word = verdict(gauge)
    end = line(span(f"{objective.method}, {objective.window.name}", Tone.DIM))
    value = shown(gauge.ratio, share, now, look)
    if gauge.bounds is not None:
        value = line(span(f"between {bounds_words(gauge, ' and ')}", Tone.UNKNOWN))
    left = shown(gauge.budget_left, _percent, now, look, left_tone(gauge.budget_left))
    allowed = allowance(gauge)
    facts = [
        ("value", line(value, span(f"   objective {share(objective.target, 4)}", Tone.DIM))),
        ("budget", line(left, span(f" left{f': {allowed}' if allowed else ''}", Tone.NORMAL))),
    ]
    if gauge.to_date is not None:
        whole = " left to date; above, of the whole period if the traffic goes on like this"
        facts.append(
            (
                "to date",
                line(shown(gauge.to_date, _percent, now, look, left_tone(gauge.to_date)), span(whole, Tone.DIM)),
            )
        )
    unsure = interval_words(gauge, look, " and ")
    low = span(f"   {thin(gauge).upper()}: between {unsure} (95 %)", Tone.UNKNOWN) if unsure else span("")
    facts.append(("burn 1h", line(shown(gauge.burn, lambda value: _times(value, look), now, look), low)))
    told, forecast = forecast_words(gauge), gauge.forecast
    if forecast is not None and told != "spent":
        loud = Tone.DIM if forecast.is_never else Tone.WARNING
        facts.append(("forecast", line(span(told, loud), span(f"   {horizon(forecast)}", Tone.DIM))))
    if gauge.baseline is not None:
        beside, words = gauge_words(gauge.baseline)
        facts.append(("baseline", line(span(words, beside))))
    facts.append(("evidence", _evidence(gauge, now, look)))
    because = line(look.marks.of(tone), span(word, tone), span(f"  {_because(gauge, now, look)}"))
    return [
        heading(objective.title, end, width, look),
        *fold(because, width),
        *(item for name, body in facts for item in _fact(name, body, width)),
    ]


def _fact(name: str, body: Line, width: int) -> list[Line]:
    """A dim label and a line that wraps beside it."""
    return [
        line(span(fit(name if place == 0 else "", MARGIN), Tone.DIM), part)
        for place, part in enumerate(fold(body, width - MARGIN))
    ]


def _because(gauge: SloGauge, now: datetime, look: Look) -> str:
    """What the verdict rests on, and so what to look at first."""
    _, word = verdict(gauge)
    alert = firing(gauge)
    if alert is not None:
        rates = ", ".join(
            f"{_times(reading.value or 0.0, look)} over {name}"
            for reading, name in ((alert.long, alert.rule.long), (alert.short, alert.rule.short))
        )
        return f"{alert.rule.urgency.value} alert fires: {rates}, above {_times(alert.factor, look)}"
    if word == "SPENT":
        return "no error budget is left: freeze what can wait"
    if word == "BURNING":
        return "faster than the window allows"
    if word == "BELOW":
        return "the value is below the objective, with budget left"
    if word == "ok":
        never = forecast_words(gauge) == "never"
        return "within its budget, never spent at this pace" if never else "within its budget"
    worst = worst_of(gauge)
    return f"cannot be judged: {worst.note or why(worst, now, look)}"


def _times(value: float, look: Look) -> str:
    return f"{number(value, 1)}{look.marks.times}"


def _evidence(gauge: SloGauge, now: datetime, look: Look) -> Line:
    reading, unit = gauge.ratio, gauge.objective.sli.unit
    pieces = [STATE_WORDS[reading.state], reading.source or "no source"]
    pieces.append(f"read {age(reading.at, now, look)} ago" if reading.at else "never read")
    if reading.n is not None:
        pieces.append(f"n {amount(reading.n)} {unit.value}")
    covered = covers(gauge)
    pieces.append(f"covers {covered}" if covered else "covers its window" if gauge.coverage else "")
    if gauge.basis and gauge.basis != gauge.objective.method:
        pieces.append(f"measured by {gauge.basis}")
    quiet = Tone.NORMAL if reading.ok else Tone.UNKNOWN
    note = f": {reading.note}" if reading.note and not reading.ok and gauge.bounds is None else ""
    return line(span(", ".join(piece for piece in pieces if piece), Tone.DIM), span(note, quiet))


def _percent(left: float) -> str:
    return left_words(left, 1)


# -- burn rates and alerts --------------------------------------------------------------------------------------------


def burns(gauge: SloGauge, now: datetime, width: int, look: Look) -> list[Line]:
    """The burn rate over each window, against the factors of the alerts that look at it."""
    lines = [heading("BURN RATES", line(span("1 spends the budget just in time", Tone.DIM)), width, look)]
    highest = max([1.0, *(alert.factor for alert in gauge.alerts)])
    for name in WINDOWS:
        reading = gauge.burns.get(name)
        if reading is None:
            continue
        above = [alert for alert in gauge.alerts if name in (alert.rule.long, alert.rule.short)]
        over = reading.value is not None and any(reading.value > alert.factor for alert in above)
        tone = Tone.WARNING if over else Tone.NORMAL if reading.ok else Tone.DIM
        value = "-" if reading.value is None else f"{number(reading.value, 2)}{look.marks.times}"
        cells = 0 if reading.value is None else min(round(max(reading.value, 0.0) / highest * BARS), BARS)
        bar = look.marks.spark[-2] * cells + look.marks.coming * (BARS - cells)
        limits = ", ".join(f"{alert.rule.urgency.value} {number(alert.factor, 1)}{look.marks.times}" for alert in above)
        state = "" if reading.ok else why(reading, now, look)
        lines.append(
            clip(
                line(
                    span(fit(name, 5), Tone.DIM),
                    span(right(value, 8), tone if reading.value is not None else Tone.UNKNOWN),
                    span(f" {bar} ", tone),
                    span(limits, Tone.DIM),
                    span(f"  {state}" if state else "", Tone.UNKNOWN),
                ),
                width,
            )
        )
    return lines


def alert_lines(gauge: SloGauge, alerts: Iterable[Alert], now: datetime, width: int, look: Look) -> list[Line]:
    """Each burn alert: firing, not firing, or not known; and what the feed says of this objective."""
    lines = [heading("ALERTS", (), width, look)]
    for alert in gauge.alerts:
        lines.append(clip(_alert(gauge, alert, now, look), width))
    if not gauge.alerts:
        lines.append(line(span("No burn alert is defined for it.", Tone.UNKNOWN)))
    found = told_alerts(gauge, alerts)
    for item in found:
        tone = Tone.WARNING if item.state is AlertState.ACTIVE else Tone.DIM
        told = line(
            look.marks.of(tone if tone is Tone.WARNING else Tone.UNKNOWN),
            span(f"{item.name} ", Tone.STRONG),
            span(f"{item.state.value} {age(item.starts_at, now, look)}, {item.source}", tone),
        )
        lines.append(clip(told, width))
    if not found:
        lines.append(line(span("The alert feed holds none that names it.", Tone.DIM)))
    return lines


def _alert(gauge: SloGauge, alert: BurnAlert, now: datetime, look: Look) -> Line:
    rule = alert.rule
    text = f"{rule.urgency.value} {rule.long}/{rule.short} above {number(alert.factor, 1)}{look.marks.times}"
    if alert.firing:
        tone, word = (Tone.CRITICAL if rule.urgency.value == "page" else Tone.WARNING), "FIRING"
    elif alert.firing is False:
        tone, word = Tone.OK, "not firing"
    else:
        worst = alert.long if not alert.long.ok else alert.short
        tone, word = Tone.UNKNOWN, f"not known: {worst.note or why(worst, now, look)}"
    never = "" if rule.can_fire(gauge.objective.target, gauge.objective.period) else "  CAN NEVER FIRE"
    return line(look.marks.of(tone), span(fit(text, 26), Tone.NORMAL), span(word, tone), span(never, Tone.WARNING))


# -- what it is -------------------------------------------------------------------------------------------------------


def queries(gauge: SloGauge) -> list[tuple[str, str]]:
    """Its queries by what they count, as somebody wrote them; else those that are sent."""
    sli: Sli = gauge.objective.sli
    return list(gauge.objective.queries) or [
        (sli.counts.value, filled(sli.part, 300)),
        ("total", filled(sli.total, 300)),
    ]


def definition(gauge: SloGauge, now: datetime, width: int, look: Look) -> list[Line]:
    """Objective, window, method, source line, query text."""
    objective = gauge.objective
    lines = [heading("DEFINITION", line(span(objective.where or "no file", Tone.DIM)), width, look)]
    if objective.description:
        lines += labelled("", objective.description, width, 0)
    lines += labelled("name", f"{objective.name} of {objective.service or 'no service'}", width, MARGIN)
    budget = f"{share(objective.target, 4)} good; {share(objective.budget, 4)} may be bad"
    if objective.sli.unit is not Unit.EVENTS or objective.method != "Occurrences":
        budget += (
            f", {number(objective.budget * objective.period.total_seconds() / 60, 1)} min of {days(objective.period)}"
        )
    lines += labelled("objective", budget, width, MARGIN)
    lines += labelled("window", _window(gauge, now), width, MARGIN)
    basis = f", measured by {gauge.basis}" if gauge.basis and gauge.basis != objective.method else ""
    lines += labelled("method", f"{objective.method}, counts {objective.sli.unit.value}{basis}", width, MARGIN)
    for key, value in (*objective.group, *objective.labels):
        lines += labelled("label", f"{key}={value}", width, MARGIN)
    for name, text in queries(gauge):
        lines.append(line(span(f"query: {name}", Tone.DIM)))
        lines += [line(span("  " + part, Tone.ACCENT)) for part in wrap(text, max(width - 2, 20))]
    return lines


def _window(gauge: SloGauge, now: datetime) -> str:
    window = gauge.objective.window
    begin, end = window.span(now)
    if isinstance(window, Calendar):
        return f"{window.name}, {window.zone}: {stamp(begin)} to {stamp(end)}"
    return f"the last {window.name}, since {stamp(begin)}"


def below(gauge: SloGauge, alerts: Iterable[Alert], now: datetime, width: int, look: Look) -> list[Line]:
    """What stands under the curves."""
    return [
        EMPTY,
        *burns(gauge, now, width, look),
        EMPTY,
        *alert_lines(gauge, alerts, now, width, look),
        EMPTY,
        *definition(gauge, now, width, look),
    ]
