"""Silences: which are in force, until when, and what one would hide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from console.model.alert import Alert
from console.model.silence import Silence, SilenceState
from console.view.line import Line, Tone, clip, fit, labelled, line, span
from console.view.look import Look
from console.view.times import age, span_of, stamp

SOON = timedelta(minutes=10)
EXPIRED_SHOWN = timedelta(hours=24)
"""For how long an expired silence is offered to be made anew."""
_ORDER = {SilenceState.ACTIVE: 0, SilenceState.PENDING: 1, SilenceState.UNKNOWN: 2, SilenceState.EXPIRED: 3}


def ordered(silences: Iterable[Silence], now: datetime) -> list[Silence]:
    """Those in force by how soon they end, then those to come, then those that expired lately, the last one first."""
    kept = [item for item in silences if item.state is not SilenceState.EXPIRED or item.ends_at > now - EXPIRED_SHOWN]

    def key(item: Silence) -> tuple[int, float]:
        ends = item.ends_at.timestamp()
        return _ORDER[item.state], -ends if item.state is SilenceState.EXPIRED else ends

    return sorted(kept, key=key)


def when(silence: Silence, now: datetime) -> tuple[str, Tone]:
    """How long it still hides, or since when it does not."""
    if silence.state is SilenceState.EXPIRED:
        return f"expired {span_of(now - silence.ends_at, seconds=True)} ago", Tone.DIM
    if silence.state is SilenceState.PENDING:
        return f"begins in {span_of(silence.starts_at - now, seconds=True)}", Tone.NORMAL
    if silence.state is SilenceState.UNKNOWN:
        return "state unknown", Tone.UNKNOWN
    left = silence.ends_at - now
    return f"{span_of(left, seconds=True)} left", Tone.WARNING if left < SOON else Tone.NORMAL


def row(silence: Silence, hides: int | None, now: datetime, width: int, look: Look) -> Line:
    """One silence on one line; `hides` is how many alerts it fits now, None where that is not known."""
    text, tone = when(silence, now)
    dim = silence.state is SilenceState.EXPIRED
    fits = "fits ?" if hides is None else f"fits {hides}"
    return clip(
        line(
            span(fit(silence.state.value, 8) + " ", Tone.DIM if dim else Tone.STRONG),
            span(fit(text, 18) + " ", tone),
            span(fit(fits, 10) + " ", Tone.DIM if dim else Tone.NORMAL),
            span(silence.text + " ", Tone.DIM if dim else Tone.ACCENT),
            span(f"{silence.created_by}: {silence.comment}", Tone.DIM),
        ),
        width,
    )


def details(silence: Silence, hidden: Sequence[Alert] | None, now: datetime, width: int, look: Look) -> list[Line]:
    """Everything about one silence, and what it hides."""
    text, tone = when(silence, now)
    lines = [
        line(span(silence.state.value, Tone.STRONG), "  ", span(text, tone)),
        *labelled("matchers", silence.text, width, tone=Tone.ACCENT),
        *labelled("comment", silence.comment, width),
        *labelled("by", silence.created_by, width),
        *labelled("from", stamp(silence.starts_at), width),
        *labelled("until", stamp(silence.ends_at), width),
        *labelled("where", silence.cluster or "not known", width),
        *labelled("id", silence.id or "none yet", width),
        (),
    ]
    return [*lines, *blast(hidden, now, width, look, most=200)]


def blast(
    hidden: Sequence[Alert] | None, now: datetime, width: int, look: Look, *, most: int, verb: str = "hides"
) -> list[Line]:
    """What matchers fit: the count, and the names of the first ones."""
    if hidden is None:
        return [line(span("What it hides cannot be told: a matcher is not understood here.", Tone.UNKNOWN))]
    if not hidden:
        return [line(span(f"It {verb} no alert that fires now.", Tone.WARNING))]
    noun = "alert that fires" if len(hidden) == 1 else "alerts that fire"
    lines = [line(span(f"It {verb} {len(hidden)} {noun} now:", Tone.STRONG))]
    for alert in hidden[:most]:
        told = ", ".join(f"{name}={value}" for name, value in alert.labels if name not in ("alertname", "severity"))
        lines.append(
            clip(
                line(
                    span(f"  {fit(alert.severity or 'no severity', 9)} ", Tone.WARNING),
                    span(f"{fit(alert.name, 24)} ", Tone.STRONG),
                    span(f"{fit(age(alert.starts_at, now, look), 8)} ", Tone.DIM),
                    span(told, Tone.DIM),
                ),
                width,
            )
        )
    if len(hidden) > most:
        lines.append(line(span(f"  and {len(hidden) - most} more", Tone.DIM)))
    return lines
