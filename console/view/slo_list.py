"""The list of objectives: what burns most comes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from console.model.reading import Reading
from console.model.slo import SloGauge
from console.view.line import Line, Tone, clip, fit, join, line, right, span
from console.view.look import Look
from console.view.slo_words import (
    allowance,
    bounds_words,
    burn_tone,
    covers,
    forecast_short,
    forecast_words,
    interval_words,
    judged,
    left_tone,
    left_words,
    thin,
    verdict,
)
from console.view.values import number, share, why

WIDE = 100
"""From this width on there is room for the coverage and for whole sentences."""


def ordered(gauges: Sequence[SloGauge]) -> list[SloGauge]:
    """What burns most first."""
    return [gauge for gauge, _, _ in judged(gauges)]


def counts(gauges: Sequence[SloGauge], *, short: bool = False) -> Line:
    """How many stand how, the worst first; `short`: all that cannot be judged as one."""
    verdicts = [(tone, word) for _, tone, word in judged(gauges)]
    if short:
        verdicts = [(tone, "not known") if tone is Tone.UNKNOWN else (tone, word) for tone, word in verdicts]
    return join([line(span(f"{n} {word}", tone)) for (tone, word), n in Counter(verdicts).items()])


def columns(width: int) -> Line:
    """The heads of the columns."""
    text = f"  {fit('SLO', _name(width))} {fit('state', 12)}{right('value', 8)}{right('target', 8)}{right('left', 7)}"
    text += f"{right('budget', 10)}{right('burn 1h', 8)} "
    return clip(line(span(text + ("forecast" if width < WIDE else " forecast, evidence"), Tone.DIM)), width)


def _name(width: int) -> int:
    return 30 if width >= WIDE else max(13, width - 66)


def _cell(reading: Reading[float], text: str, tone: Tone, width: int) -> Line:
    if reading.value is None:
        return line(span(right("-", width), Tone.UNKNOWN))
    if not reading.ok and tone in (Tone.OK, Tone.NORMAL):
        tone = Tone.DIM
    return line(span(right(text, width), tone))


def row(gauge: SloGauge, now: datetime, width: int, look: Look) -> Line:
    """One objective on one line."""
    tone, word = verdict(gauge)
    left, burn = gauge.budget_left, gauge.burn
    value = _cell(gauge.ratio, share(gauge.ratio.value or 0.0), Tone.NORMAL, 8)
    if gauge.bounds is not None:
        value = line(span(right(f"{look.marks.at_least}{share(gauge.bounds[0])}", 8), Tone.UNKNOWN))
    between = interval_words(gauge, look, "-")
    rate = between if between and len(between) < 8 else f"{number(burn.value or 0.0, 1)}{look.marks.times}"
    return clip(
        line(
            look.marks.of(tone),
            span(fit(gauge.objective.title, _name(width)) + " ", Tone.STRONG),
            span(fit(word, 12), tone),
            value,
            span(right(share(gauge.objective.target, 4), 8), Tone.DIM),
            _cell(left, left_words(left.value or 0.0), left_tone(left), 7),
            _cell(left, allowance(gauge).replace(" events", ""), Tone.NORMAL, 10),
            _cell(burn, rate, burn_tone(gauge), 8),
            " " if width < WIDE else "  ",
            *_end(gauge, now, width, look),
        ),
        width,
    )


def _end(gauge: SloGauge, now: datetime, width: int, look: Look) -> list[Line]:
    """The forecast, and where there is room what the figures rest on."""
    tone = Tone.WARNING if gauge.forecast is not None and not gauge.forecast.is_never else Tone.DIM
    if width < WIDE:
        return [line(span(forecast_short(gauge), tone))]
    told = [span(forecast_words(gauge), tone)]
    if gauge.bounds is not None:
        told.append(span(bounds_words(gauge), Tone.UNKNOWN))
    covered = covers(gauge)
    if not gauge.ratio.ok:
        told.append(span(gauge.ratio.note or why(gauge.ratio, now, look), Tone.UNKNOWN))
    elif covered:
        told.append(span(f"covers {covered}", Tone.UNKNOWN))
    if gauge.interval is not None:
        told.append(span(f"{thin(gauge)}: burn {interval_words(gauge, look)}", Tone.UNKNOWN))
    if gauge.basis and gauge.basis != "Occurrences":
        told.append(span(gauge.basis, Tone.DIM))
    told = [piece for piece in told if piece.text]
    return [line(*([piece, span("  ")] if place + 1 < len(told) else [piece])) for place, piece in enumerate(told)]


def label(gauge: SloGauge) -> str:
    """Its name in messages."""
    return gauge.objective.title or gauge.objective.name
