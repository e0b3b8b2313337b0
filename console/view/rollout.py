"""The rollout on the Overview and in plain text: the track, what to do now, and the guardrails."""

from __future__ import annotations

from datetime import datetime

from console.model.board import Board
from console.model.progress import Progress
from console.model.reading import Reading, ReadingState
from console.model.rolling import RolloutRecord, same_share
from console.model.rollout import Guardrail, GuardrailRule, Level, Rollout, RolloutPlan
from console.model.verdict import Judged, Verdict
from console.view.line import Line, Tone, clip, first_fit, fit, join, line, span
from console.view.look import Look
from console.view.rollout_words import VERDICTS, judged_of, next_decision, urgent
from console.view.times import span_of, timebox
from console.view.values import LEVEL_TONES, number, shown, why
from console.view.values import share as ratio

_FROM_ON = {">=": "", ">": "above ", "<=": "at or below ", "<": "below "}


def track(rollout: Rollout, look: Look, record: RolloutRecord | None = None) -> Line:
    """The phases, the present one marked."""
    return stops(rollout.plan, rollout.percent.value, rollout.percent.ok, look, record)


def stops(
    plan: RolloutPlan, percent: float | None, certain: bool, look: Look, record: RolloutRecord | None = None
) -> Line:
    """The phases of a plan, and at how many `percent` of the traffic it is among them, None when nobody knows. Of those
    behind it, the ones are marked that the record says to have baked, with this revision and without a breach."""
    baked = [stay.percent for stay in record.stays if stay.baked and stay.revision == record.revision] if record else []
    phase = plan.phase_of(percent)
    pieces = []
    if phase == -1 and percent is not None:
        pieces.append(line(span(f"[{look.marks.here}{number(percent, 1)}]", Tone.STRONG if certain else Tone.DIM)))
    for index, percent in enumerate(plan.phases):
        label = f"{percent:g}"
        if phase is None:
            pieces.append(line(span(label, Tone.DIM)))
        elif index < phase:
            done = any(same_share(percent, item) for item in baked)
            pieces.append(line(span(f"{look.marks.ok}{label}" if done else label, Tone.DIM)))
        elif index == phase:
            tone = Tone.STRONG if certain else Tone.DIM
            pieces.append(line(span(f"[{look.marks.here}{label}]", tone)))
        else:
            pieces.append(line(span(label, Tone.DIM)))
    return line(join(pieces, f" {look.marks.rule} "), span(" %", Tone.DIM))


def measured(rollout: Rollout, now: datetime, look: Look) -> Line:
    """The measured share of traffic on the new path."""
    return share("measured", rollout.percent, now, look)


def share(what: str, reading: Reading[float], now: datetime, look: Look) -> Line:
    """A share of traffic, and how it is known."""
    return line(span(f"{what} ", Tone.DIM), shown(reading, lambda value: f"{number(value, 1)} %", now, look))


def bake(progress: Progress | None, now: datetime) -> Line:
    """How much of the bake time is left."""
    left = progress.bake_left(now) if progress is not None else None
    head = span("bake ", Tone.DIM)
    if progress is None or left is None:
        reason = "unknown" if progress is None or progress.record.percent is None else "no phase entered"
        return line(head, span(reason, Tone.UNKNOWN if reason == "unknown" else Tone.DIM))
    planned = timebox(progress.plan.stage(progress.record.percent or 0.0).bake)
    if not left:
        return line(head, f"over ({planned})")
    return line(head, f"{span_of(left)} left", span(f" of {planned}", Tone.DIM))


def guardrail(shown_one: Guardrail, now: datetime, width: int, look: Look, judged: Judged | None = None) -> Line:
    """One guardrail: its level or verdict in a word, its value, its limits. Where it was judged by its evidence, the
    verdict stands, unless the reading is worse."""
    level, rule = shown_one.level, shown_one.rule
    tone = LEVEL_TONES[level]
    word = {Level.OK: "ok", Level.WARNING: "WARNING", Level.CRITICAL: "CRITICAL"}.get(level)
    if level is Level.NOT_IN_PHASE:
        word = "not in this phase"
    elif word is None:
        unsure = "PHASE UNKNOWN" if shown_one.phase_unknown else "UNKNOWN"
        word = shown_one.too_few or why(shown_one.value, now, look).split(",")[0].upper() or unsure
    ends = [_limits(shown_one), *([_phases(rule)] if level is Level.NOT_IN_PHASE else [])]
    silent = shown_one.value.value is None and level is Level.UNKNOWN
    if silent and shown_one.value.state is ReadingState.NO_DATA and shown_one.value.note:
        ends = [shown_one.value.note, *ends]  # what was said, and cannot be
    if judged is not None and (judged.verdict is Verdict.BREACH or (level in (Level.OK, Level.UNKNOWN) and not silent)):
        word, tone = VERDICTS[judged.verdict]
        if judged.verdict is not Verdict.PASS:
            ends = _reasons(judged)
        elif level is not Level.OK:
            tone = Tone.UNKNOWN  # the evidence passes, and the value itself is not known: no green
    value = shown(shown_one.value, lambda found: f"{number(found)} {rule.unit}".rstrip(), now, look, tone)
    if level is not Level.NOT_IN_PHASE and shown_one.value.value is None:
        value = line(span("no value", Tone.UNKNOWN))
    mark = span(f"{look.marks.skipped} ", tone) if level is Level.NOT_IN_PHASE else look.marks.of(tone)
    text = line(
        mark, span(fit(rule.title, 20) + " ", Tone.STRONG), span(fit(word, max(13, len(word) + 1)), tone), value
    )
    return first_fit(width, *(line(text, span(f"{gap}{end}", Tone.DIM)) for end in ends for gap in ("   ", " ")))


def _reasons(judged: Judged) -> list[str]:
    """Why a guardrail is no pass, the most telling first; what is cut off here stands on the Rollout screen in full."""
    more = f"{span_of(judged.more)} more" if judged.more is not None else ""
    figures = ""
    if judged.value is not None and not judged.unit:
        figures = f"{ratio(judged.value)} of {judged.samples:,}, limit {ratio(judged.limit)}"
    short = ", ".join(filter(None, (figures, more)))
    needs = f"needs about {more}" if more else ""
    return [item for item in dict.fromkeys((judged.why, short, figures if not more else "", needs)) if item] or [""]


def _limits(shown_one: Guardrail) -> str:
    rule = shown_one.rule
    from_on = _FROM_ON[rule.breach]
    limits = [f"critical {from_on}{number(rule.critical)} {rule.unit}".rstrip()]
    if rule.warning is not None:
        limits.insert(0, f"warning {from_on}{number(rule.warning)} {rule.unit}".rstrip())
    if shown_one.level is Level.NOT_IN_PHASE:
        limits.append(_phases(rule))
    return ", ".join(limits)


def _phases(rule: GuardrailRule) -> str:
    return "in " + ", ".join(f"{phase:g}" for phase in rule.phases) + " %"


def head(board: Board, now: datetime, width: int, look: Look) -> Line:
    """The track, the measured share, and when the next decision is."""
    rollout = board.rollout
    assert rollout is not None
    record = board.progress.record if board.progress is not None else None
    where, share_now = track(rollout, look, record), measured(rollout, now, look)
    left = brief = bake(board.progress, now)
    if board.progress is not None and board.progress.record.started_at is not None:
        left, brief = (next_decision(board.progress, now, brief=short) for short in (False, True))
    choices = (join([where, share_now, end], gap) for end in (left, brief) for gap in ("   ", " "))
    return first_fit(width, *choices)


def lines(board: Board, now: datetime, width: int, look: Look, *, roomy: bool = False) -> list[Line]:
    """The track, what must not be overlooked, in full where it is `roomy`, then each guardrail, without a heading."""
    rollout = board.rollout
    if rollout is None:
        return [line(span("No rollout is configured.", Tone.DIM))]
    told = urgent(board, now)
    rows = [(item, guardrail(item, now, width, look, judged_of(board, item.rule.name))) for item in rollout.guardrails]
    if told is None:
        return [head(board, now, width, look), *(shown_one for _, shown_one in rows)]
    # What is well gives its rows to what must not be overlooked.
    well = [item for item, shown_one in rows if shown_one and shown_one[0].tone is Tone.OK]
    if len(well) > 1:
        named = span(", ".join(item.rule.title for item in well), Tone.DIM)
        together = [clip(line(look.marks.of(Tone.OK), span("ok: ", Tone.OK), named), width)]
        listed = [*(shown_one for item, shown_one in rows if item not in well), *together]
    else:
        listed = [shown_one for _, shown_one in rows]
    above = told.lines(width, look) if roomy else [clip(told.line(look), width)]
    return [head(board, now, width, look), *above, *listed]
