"""The Rollout screen: where it is, the evidence for and against it, capacity, what happened, and the risks."""

from __future__ import annotations

from datetime import datetime

from console.model.board import Board
from console.model.capacity import Headroom
from console.model.progress import LiveRisk, Progress
from console.model.rolling import RolloutState
from console.model.rollout import Level
from console.model.verdict import Judged, Speed, Verdict
from console.view import decision, rollback
from console.view.line import EMPTY, Line, Tone, clip, fit, fold, join, labelled, line, span, width_of
from console.view.look import Look
from console.view.rollout import guardrail, share, stops
from console.view.rollout_words import VERDICTS, next_decision, percent, samples_missing, urgent
from console.view.times import age, clock, span_of, timebox
from console.view.values import LEVEL_TONES, heading, number, shown
from console.view.values import share as ratio

NO_PLAN = "No rollout is planned: rollout.yaml describes one (docs/rollout.md)."
STAYS = 8
"""Phases of the history that are shown, the newest."""
_MARGIN = 10


def headline(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """What is to be done now; where nothing is, how it stands."""
    progress = board.progress
    if progress is None:
        return [line(span(NO_PLAN, Tone.DIM))]
    told = urgent(board, now)
    if told is not None:
        return told.lines(width, look)
    state = progress.state(now)
    tone = Tone.UNKNOWN if state is RolloutState.PENDING else Tone.STRONG
    word = line(span(look.marks.here + " ", Tone.ACCENT), span(f"{state.upper()} ", tone))
    return [clip(line(word, next_decision(progress, now)), width)]


def where(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """The track, the three shares beside each other, the bake, the last safe point, the revision."""
    progress = board.progress
    if progress is None:
        return []
    record, plan = progress.record, progress.plan
    known = record.percent if record.percent is not None else progress.share.value
    shares = [
        line(
            span("set ", Tone.DIM),
            span(percent(record.percent), Tone.STRONG if record.percent is not None else Tone.UNKNOWN),
        ),
        share("flag", progress.flag, now, look),
        share("measured", progress.share, now, look),
    ]
    lines = [
        clip(line(span(fit("TRACK", _MARGIN), Tone.DIM), stops(plan, known, progress.share.ok, look, record)), width),
        clip(line(span(fit("SHARE", _MARGIN), Tone.DIM), join(shares, look.marks.dot), _apart(progress)), width),
    ]
    if record.started_at is None:
        begun = "b begins it, so that phases, breaches and decisions are recorded"
        return [*lines, *labelled("", begun, width, _MARGIN, Tone.UNKNOWN), *_may(board, now, width, look)]
    lines.append(clip(line(span(fit("BAKE", _MARGIN), Tone.DIM), _bake(progress, now)), width))
    lines += _may(board, now, width, look)
    safe = f"{record.safe:g} %" if record.safe else "0 %: nothing has baked without a breach"
    revision = record.revision or "unknown"
    pieces = [
        line(span("last safe point ", Tone.DIM), safe),
        line(span("revision ", Tone.DIM), span(revision, Tone.NORMAL if record.revision else Tone.UNKNOWN)),
        line(span("plan ", Tone.DIM), _plan(progress)),
    ]
    return [*lines, clip(line(span(fit("SAFE", _MARGIN), Tone.DIM), join(pieces, look.marks.dot)), width)]


def _may(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """Whether the evidence allows the next phase, and whether and until when there is a way back."""
    assert board.progress is not None
    lines = [labelled("BACK", rollback.brief(board.readiness, now, width - _MARGIN, look), width, _MARGIN)]
    if board.progress.proposal is not None:
        lines.insert(0, labelled("NEXT", decision.brief(board.progress, now, width - _MARGIN, look), width, _MARGIN))
    return [item for part in lines for item in part]


def _plan(progress: Progress) -> Line:
    if progress.record.plan_hash and progress.plan.hash and progress.record.plan_hash != progress.plan.hash:
        return line(span("CHANGED since it was begun", Tone.WARNING))
    return line(progress.plan.name)


def _apart(progress: Progress) -> Line:
    """How far the measured share is from the one that is set, where that is too much."""
    set_to, seen = progress.record.percent, progress.share.value
    if set_to is None or seen is None or progress.plan.agrees(set_to, seen):
        return EMPTY
    since = progress.record.disagrees_since
    told = f"{abs(seen - set_to):.1f} points apart"
    return line(
        "  ", span(f"{told}, DISAGREES" if since is not None else told, Tone.CRITICAL if since else Tone.WARNING)
    )


def _bake(progress: Progress, now: datetime) -> Line:
    record = progress.record
    baking = progress.state(now) in (RolloutState.BAKING, RolloutState.DECIDING, RolloutState.HELD)
    if record.percent is None or record.bake_since is None or not baking:
        return line(span("nothing bakes", Tone.DIM))
    stage, left = progress.plan.stage(record.percent), progress.bake_left(now)
    spent = span_of(now - record.bake_since)
    requests = "requests unknown" if progress.samples.value is None else f"{progress.samples.value:,.0f} requests"
    least = f" ({stage.min_samples:,} needed)" if stage.min_samples else ""
    over = "over, " if left is not None and not left else ""
    tone = Tone.UNKNOWN if samples_missing(progress) else Tone.NORMAL
    return line(f"{over}{spent} of {timebox(stage.bake)}  ", span(f"{requests}{least}", tone))


# -- guardrails -------------------------------------------------------------------------------------------------------

_COLUMNS = ("VERDICT", 13), ("NEW", 7), ("LIMIT", 8), ("MARGIN", 10), ("LEGACY", 8), ("SAMPLES", 9)


def guardrails(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """A row for each one that is judged by evidence, with why it is no pass; then those by their reading alone."""
    progress = board.progress
    if progress is None:
        return []
    room = max(14, width - 2 - sum(length for _, length in _COLUMNS))
    head = "".join(f"{name:>{length}}" if index else fit(name, length) for index, (name, length) in enumerate(_COLUMNS))
    lines = [heading("GUARDRAILS", line(span("share of bad requests, new beside legacy", Tone.DIM)), width, look)]
    if progress.judged:
        lines.append(clip(line(span(f"  {fit('', room)}{head}", Tone.DIM)), width))
    told = urgent(board, now)
    shares = {item.guardrail for item in progress.plan.evidence}
    for item in progress.judged:
        shown_already = told.why if told is not None else ""
        lines += _judged(item, room, width, look, shown_already, counted=item.guardrail in shares)
    named = {item.guardrail for item in progress.judged}
    others = [item for item in board.rollout.guardrails if item.rule.name not in named] if board.rollout else []
    if not progress.judged:
        lines += labelled("", "none is judged by evidence: unknown, and never a pass", width, 2, Tone.UNKNOWN)
    return [*lines, *(guardrail(item, now, width, look) for item in others)]


def _judged(item: Judged, room: int, width: int, look: Look, told: str, *, counted: bool) -> list[Line]:
    """`told` is what stands above already. `counted`: it is judged by counts, and its values are shares."""
    word, tone = VERDICTS[item.verdict]
    word += " fast" if item.verdict is Verdict.BREACH and item.speed is Speed.FAST else ""
    cells = (
        _value(item, item.value, counted),
        _value(item, item.limit, counted),
        _margin(item, counted),
        _ratio(item.legacy) if counted else "-",
        f"{item.samples:,}" if item.samples else "?" if counted and item.value is None else "-",
    )
    text = "".join(f"{cell:>{length}}" for cell, (_, length) in zip(cells, _COLUMNS[1:], strict=True))
    row = line(
        look.marks.of(tone),
        span(fit(item.title, room - 1) + " ", Tone.STRONG),
        span(fit(word, _COLUMNS[0][1]), tone),
        span(text, Tone.NORMAL if item.value is not None else Tone.UNKNOWN),
    )
    if item.verdict is Verdict.PASS and item.caveat:
        return [clip(row, width), *labelled("", item.caveat, width, 4, Tone.DIM)]
    if item.verdict is Verdict.PASS or (item.speed is Speed.SLOW and item.why and item.why in told):
        return [clip(row, width)]
    return [
        clip(row, width),
        *labelled("", f"{item.why}{_needs(item)}", width, 4, Tone.STRONG if tone is Tone.CRITICAL else Tone.UNKNOWN),
    ]


def _value(item: Judged, value: float | None, counted: bool) -> str:
    """In its own unit where it is judged by its reading, else as a share."""
    return _ratio(value) if counted or value is None else _in_its_unit(number(value), item.unit)


def _margin(item: Judged, counted: bool) -> str:
    """How far it is from its limit: in points of a share, or in its own unit."""
    if item.margin is None:
        return "?"
    if counted:
        return f"{item.margin * 100:+.2f} pt"
    sign = "+" if item.margin >= 0 else ""
    told = number(item.margin) if abs(item.margin) >= 100 else f"{item.margin:.3g}"
    return _in_its_unit(f"{sign}{told}", item.unit)


def _in_its_unit(text: str, unit: str) -> str:
    """With its unit where that is short; a long one stands in the reason."""
    return f"{text} {unit}" if unit and width_of(unit) <= 2 else text


def _ratio(value: float | None) -> str:
    return "?" if value is None else ratio(value)


def _needs(item: Judged) -> str:
    known = item.low is not None and item.high is not None
    return f"; between {_ratio(item.low)} and {_ratio(item.high)}" if known else ""


# -- capacity, history, risks -----------------------------------------------------------------------------------------


def capacity(progress: Progress, now: datetime, width: int, look: Look) -> list[Line]:
    """What there is, what is used, what the next phase takes."""
    following = progress.next_percent
    at = f"at {following:g} %" if following is not None else "after the last phase"
    lines = [heading("CAPACITY", line(span(f"now, and {at}", Tone.DIM)), width, look)]
    if not progress.headroom:
        return [*lines, line(span("none is configured: unknown whether the next phase fits", Tone.UNKNOWN))]
    across = max(len(_fits(item)) for item in progress.headroom) + 2
    return [*lines, *(_headroom(item, across, now, width, look) for item in progress.headroom)]


def _fits(item: Headroom) -> str:
    return {Level.OK: "fits", Level.WARNING: "SCARCE", Level.CRITICAL: "DOES NOT FIT"}.get(item.level, "UNKNOWN")


def _headroom(item: Headroom, across: int, now: datetime, width: int, look: Look) -> Line:
    tone, unit = LEVEL_TONES[item.level], f" {item.capacity.unit}".rstrip()
    used = shown(item.used, number, now, look)
    limit = shown(item.limit, number, now, look)
    now_used = line(used, span(" of ", Tone.DIM), limit, span(unit, Tone.DIM))
    if item.used.value is None and item.limit.value is None and used == limit:
        now_used = used
    part = f", {item.share * 100:.0f} %" if item.share is not None else ""
    then: Line = EMPTY
    if item.need is not None:
        share_then = f", {item.next_share * 100:.0f} %" if item.next_share is not None else ""
        basis = f" ({item.basis})" if width >= 90 else ""
        alone = unit if item.used.value is None and item.need.known else ""  # no unit was said yet
        need = shown(item.need, number, now, look)
        then = line(span("; then ", Tone.DIM), need, span(alone + share_then + basis, Tone.DIM))
    return clip(
        line(
            look.marks.of(tone),
            span(fit(item.capacity.title, 24 if width < 90 else 28) + " ", Tone.STRONG),
            span(fit(_fits(item), across), tone),
            now_used,
            span(part, Tone.DIM),
            then,
        ),
        width,
    )


def history(progress: Progress, now: datetime, width: int, look: Look) -> list[Line]:
    """The phases that were entered, newest first, with who set them and how long they lasted."""
    lines = [heading("HISTORY", line(span(f"last safe point {progress.record.safe:g} %", Tone.DIM)), width, look)]
    if not progress.record.stays:
        return [*lines, line(span("no phase was entered yet", Tone.DIM))]
    for stay in reversed(progress.record.stays[-STAYS:]):
        lasted = span_of((stay.left_at or now) - stay.entered_at)
        seen = f"measured {number(stay.measured, 1)} %" if stay.measured is not None else "not measured"
        mark = look.marks.here if stay.left_at is None else look.marks.coming
        lines.append(
            clip(
                line(
                    span(f"{mark} ", Tone.ACCENT if stay.left_at is None else Tone.DIM),
                    span(f"{stay.percent:>4g} % ", Tone.STRONG),
                    f"{clock(stay.entered_at)} for {fit(lasted, 8)} by {stay.by}  ",
                    span(f"{seen}  {stay.revision}".rstrip(), Tone.DIM),
                ),
                width,
            )
        )
    return lines


def risks(progress: Progress, now: datetime, width: int, look: Look) -> list[Line]:
    """The register, what shows itself first."""
    lines = [heading("RISKS", line(span("with their live signals", Tone.DIM)), width, look)]
    if not progress.risks:
        return [*lines, line(span("the register is empty (risks.yaml)", Tone.DIM))]
    order = sorted(progress.risks, key=lambda item: (item.live is not True, item.live is not None))
    return [*lines, *(row for item in order for row in _risk(item, now, width, look))]


def _risk(item: LiveRisk, now: datetime, width: int, look: Look) -> list[Line]:
    risk = item.risk
    tone, word = {True: (Tone.CRITICAL, "LIVE"), False: (Tone.OK, "quiet"), None: (Tone.UNKNOWN, "UNKNOWN")}[item.live]
    seen = f" {age(item.reading.at, now, look)}" if item.reading is not None and item.reading.at is not None else ""
    does = f"{risk.mitigation}" + (f" ({risk.playbook})" if risk.playbook else "")
    head = line(look.marks.of(tone), span(fit(f"{word}{seen}", 14), tone))
    told = line(span(f"{risk.title} ", Tone.STRONG), span(f"{risk.severity}, {risk.probability}: {does}", Tone.DIM))
    parts = fold(told, max(width - 16, 8))
    return [line(head if index == 0 else " " * 16, part) for index, part in enumerate(parts)]


def page(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """All of it in one column."""
    progress = board.progress
    if progress is None:
        return headline(board, now, width, look)
    below = [capacity, history, risks]
    lines = [*first(board, now, width, look)]
    for part in below:
        lines += [EMPTY, *part(progress, now, width, look)]
    return lines


def first(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """What is read first: what to do, where it is, the guardrails."""
    return [
        *headline(board, now, width, look),
        *where(board, now, width, look),
        *guardrails(board, now, width, look),
    ]


def beside(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """The rest, for a second column."""
    progress = board.progress
    if progress is None:
        return []
    return [
        *capacity(progress, now, width, look),
        EMPTY,
        *history(progress, now, width, look),
        EMPTY,
        *risks(progress, now, width, look),
    ]
