"""The rollout track and its guardrails."""

from __future__ import annotations

from datetime import datetime

from console.model.board import Board
from console.model.rollout import Guardrail, Level, Rollout
from console.view.line import Line, Tone, clip, first_fit, fit, join, line, span
from console.view.look import Look
from console.view.times import span_of, timebox
from console.view.values import LEVEL_TONES, number, shown, why

_FROM_ON = {">=": "", ">": "above ", "<=": "at or below ", "<": "below "}


def track(rollout: Rollout, look: Look) -> Line:
    """The phases, the present one marked."""
    phase = rollout.phase
    pieces = []
    for index, percent in enumerate(rollout.plan.phases):
        label = f"{percent:g}"
        if phase is None:
            pieces.append(line(span(label, Tone.DIM)))
        elif index < phase:
            pieces.append(line(span(f"{look.marks.ok}{label}", Tone.DIM)))
        elif index == phase:
            tone = Tone.STRONG if rollout.percent.ok else Tone.DIM
            pieces.append(line(span(f"[{look.marks.here}{label}]", tone)))
        else:
            pieces.append(line(span(label, Tone.DIM)))
    return line(join(pieces, f" {look.marks.rule} "), span(" %", Tone.DIM))


def measured(rollout: Rollout, now: datetime, look: Look) -> Line:
    """The measured share of traffic on the new path."""
    return line(span("measured ", Tone.DIM), shown(rollout.percent, lambda value: f"{number(value, 1)} %", now, look))


def bake(rollout: Rollout, now: datetime, look: Look) -> Line:
    """How much of the bake time is left."""
    left = rollout.bake_left(now)
    head = span("bake ", Tone.DIM)
    if left is None:
        reason = "no phase entered" if rollout.phase == -1 else "unknown"
        return line(head, span(reason, Tone.UNKNOWN if reason == "unknown" else Tone.DIM))
    planned = timebox(rollout.plan.bake)
    if not left:
        return line(head, f"over ({planned})")
    return line(head, f"{span_of(left)} left", span(f" of {planned}", Tone.DIM))


def guardrail(shown_one: Guardrail, now: datetime, width: int, look: Look) -> Line:
    """One guardrail: its level in a word, its value, its limits."""
    level, rule = shown_one.level, shown_one.rule
    tone = LEVEL_TONES[level]
    word = {Level.OK: "ok", Level.WARNING: "WARNING", Level.CRITICAL: "CRITICAL"}.get(level)
    if level is Level.NOT_IN_PHASE:
        word = "not in this phase"
    elif word is None:
        unsure = "PHASE UNKNOWN" if shown_one.phase_unknown else "UNKNOWN"
        word = shown_one.too_few or why(shown_one.value, now, look).split(",")[0].upper() or unsure
    from_on = _FROM_ON[rule.breach]
    limits = [f"critical {from_on}{number(rule.critical)}"]
    if rule.warning is not None:
        limits.insert(0, f"warning {from_on}{number(rule.warning)}")
    value = shown(shown_one.value, lambda found: f"{number(found)} {rule.unit}".rstrip(), now, look, tone)
    if level is Level.NOT_IN_PHASE:
        limits.append("in " + ", ".join(f"{phase:g}" for phase in rule.phases) + " %")
    elif shown_one.value.value is None:
        value = line(span("no value", Tone.UNKNOWN))
    mark = span(f"{look.marks.skipped} ", tone) if level is Level.NOT_IN_PHASE else look.marks.of(tone)
    text = line(
        mark, span(fit(rule.title, 20) + " ", Tone.STRONG), span(fit(word, max(13, len(word) + 1)), tone), value
    )
    return clip(line(text, span("   " + ", ".join(limits), Tone.DIM)), width)


def lines(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """The track, then each guardrail, without a heading."""
    rollout = board.rollout
    if rollout is None:
        return [line(span("No rollout is configured.", Tone.DIM))]
    where, share_now, left = track(rollout, look), measured(rollout, now, look), bake(rollout, now, look)
    first = first_fit(width, join([where, share_now, left], "   "), join([where, share_now, left], " "))
    return [first, *(guardrail(item, now, width, look) for item in rollout.guardrails)]
