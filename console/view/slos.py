"""SLO gauges: value against objective, what is left of the error budget, burn rate, trend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from console.model.board import Board
from console.model.reading import Reading, ReadingState
from console.model.slo import SloGauge
from console.view.line import Line, Span, Tone, clip, fit, line, line_width, span
from console.view.look import STATE_WORDS, Look, Marks
from console.view.slo_words import (
    bounds_words,
    burn_tone,
    covers,
    firing,
    forecast_short,
    forecast_words,
    interval_words,
    judged,
    left_tone,
    left_words,
    thin,
    verdict,
)
from console.view.times import age
from console.view.values import number, share, shown, why


def sparkline(trend: Sequence[float | None], cells: int, marks: Marks, target: float) -> str:
    """The newest `cells` slices. The foot is twice the error budget below 1; a gap is `·`."""
    low = min(0.999999, 1 - 2 * (1 - target))
    steps = len(marks.spark) - 1
    drawn = ""
    for value in list(trend)[-cells:] if cells > 0 else []:
        if value is None:
            drawn += marks.coming
        else:
            drawn += marks.spark[round(min(max((value - low) / (1 - low), 0.0), 1.0) * steps)]
    return drawn


def _cell(reading: Reading[float], text: str, tone: Tone, width: int) -> Line:
    if reading.value is None:
        word = STATE_WORDS[reading.state]
        return line(span(fit(word if len(word) < width else "?", width), Tone.UNKNOWN))
    if not reading.ok and tone in (Tone.OK, Tone.NORMAL):
        tone = Tone.DIM
    return line(span(fit(text, width), tone))


def row(gauge: SloGauge, now: datetime, width: int, look: Look) -> Line:
    """One gauge on one line of about 80 cells; what explains it, and the sparkline, take what is left."""
    tone, word = verdict(gauge)
    target = gauge.objective.target
    value = "" if gauge.ratio.value is None else f"{share(gauge.ratio.value)} "
    sign = look.marks.below if gauge.ratio.value is not None and gauge.ratio.value < target else look.marks.at_least
    left, burn = gauge.budget_left, gauge.burn
    budget = "" if left.value is None else left_words(left.value)
    rate = "" if burn.value is None else f"{number(burn.value, 1)}{look.marks.times}"
    between = interval_words(gauge, look, "-")
    if between and burn.value is not None and len(between) < 6:
        rate = between
    value_cell = _cell(gauge.ratio, f"{value}{sign} {share(target)}", Tone.NORMAL, 19)
    if gauge.ratio.value is None:
        value_cell = line(span(fit("no value", 19), Tone.UNKNOWN))
    elif gauge.bounds is not None:
        value_cell = line(span(fit(bounds_words(gauge), 19), Tone.UNKNOWN))
    body = line(
        look.marks.of(tone),
        span(fit(gauge.objective.title, 16 if width < 92 else 21) + " ", Tone.STRONG),
        span(fit(word, 12), tone),
        value_cell,
        span("budget ", Tone.DIM),
        _cell(left, budget, left_tone(left), 6),
        span("burn ", Tone.DIM),
        _cell(burn, rate, burn_tone(gauge), 6),
    )
    room = width - line_width(body) - 1
    told = next((item for item in _told(gauge, now, look) if len(item.text) <= room), None)
    spark = sparkline(gauge.trend, min(room, 24), look.marks, target)
    if told is not None:
        beside = sparkline(gauge.trend, min(room - len(told.text) - 1, 24), look.marks, target)
        beside = f"{beside} " if len(beside) > 5 else ""
        return clip(line(body, span(beside, Tone.DIM), told), width)
    return clip(line(body, span(spark, Tone.DIM)), width)


def _told(gauge: SloGauge, now: datetime, look: Look) -> Iterator[Span]:
    """What is to be said of it beside its figures, in a few words; the most telling that fits is shown."""
    if not gauge.ratio.ok:
        yield span(gauge.ratio.note or why(gauge.ratio, now, look), Tone.UNKNOWN)
    forecast = forecast_words(gauge)
    if forecast and forecast not in ("never", "spent"):
        yield span(forecast, Tone.WARNING)
        yield span(forecast_short(gauge), Tone.WARNING)
    if gauge.interval is not None:
        yield span(f"{thin(gauge)}: burn {interval_words(gauge, look)}", Tone.UNKNOWN)
        yield span(thin(gauge), Tone.UNKNOWN)


def coverage(board: Board) -> str:
    """Why the budgets are less than ok, where it is the same for all: `budget covers 1 of 30 d`."""
    notes = {gauge.budget_left.note for gauge in board.slos if gauge.budget_left.state is ReadingState.PARTIAL}
    return f"budget {notes.pop()}" if len(notes) == 1 else ""


def gauges(board: Board, now: datetime, width: int, look: Look, most: int = 1_000_000) -> list[Line]:
    """The gauges, without a heading: as they are configured, or, of more than `most`, those that burn most and how many
    more there are."""
    if not board.slos:
        return [line(span("No SLO is configured: add one under slo/ in the configuration.", Tone.UNKNOWN))]
    if len(board.slos) <= most:
        return [row(gauge, now, width, look) for gauge in board.slos]
    ordered = judged(board.slos)
    rest = ordered[most - 1 :]
    good = sum(tone is Tone.OK for _, tone, _ in rest)
    end = "" if good == len(rest) else f", {len(rest) - good} of them not ok"
    more = span(f"  and {len(rest)} more{end}: 9 shows all", Tone.UNKNOWN if end else Tone.DIM)
    return [*(row(gauge, now, width, look) for gauge, _, _ in ordered[: most - 1]), clip(line(more), width)]


def source_of(board: Board) -> tuple[str, ReadingState]:
    """Where the gauges come from, and the worst state among them."""
    readings = [gauge.ratio for gauge in board.slos]
    names = sorted({reading.source for reading in readings if reading.source})
    states = [reading.state for reading in readings] or [ReadingState.NO_DATA]
    return ", ".join(names) or "no source", max(states, key=list(ReadingState).index)


def sentence(gauge: SloGauge, now: datetime, look: Look) -> str:
    """One gauge as a sentence, for plain output."""
    _, word = verdict(gauge)
    parts = [f"{gauge.objective.title}: {word}"]
    alert = firing(gauge)
    if alert is not None:
        parts.append(
            f"{alert.rule.urgency.value} alert fires: burn above {number(alert.factor, 1)}x over {alert.rule.long}"
        )
    parts.append(f"objective {share(gauge.objective.target)} over {gauge.objective.window.name}")
    for name, reading, write in (
        ("value", gauge.ratio, share),
        ("budget left", gauge.budget_left, left_words),
        ("budget left to date", gauge.to_date, left_words),
        ("burn rate", gauge.burn, lambda value: f"{number(value, 1)}x"),
    ):
        if reading is None:
            continue
        text = "".join(piece.text for piece in shown(reading, write, now, look))
        note = f" ({reading.note})" if reading.note and not reading.ok else ""
        parts.append(f"{name} {text}{note}")
        if reading is gauge.ratio and gauge.bounds is not None:
            parts.append(f"somewhere in {bounds_words(gauge)}")
        if reading is gauge.burn and gauge.interval is not None:
            parts.append(f"""{thin(gauge)}, so between {interval_words(gauge, look, " and ")}""")
    told = forecast_words(gauge)
    if told and told != "spent":
        parts.append("budget never spent at this pace" if told == "never" else f"budget {told}")
    covered = covers(gauge)
    if covered and covered not in gauge.ratio.note:
        parts.append(f"covers {covered}")
    seen = f"read {age(gauge.ratio.at, now, look)} ago" if gauge.ratio.at else "never read"
    return ", ".join([*parts, seen])
