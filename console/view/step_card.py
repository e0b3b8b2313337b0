"""A step of a run, large: what to do now, what to say, what it closes on, whose it is, and what happens by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from console.model.board import Board
from console.model.playbook import ACTING, OBSERVED, Do, Reaction, Step, StepKind
from console.model.run import Run, StepRun, StepStatus
from console.view.checks import advice, check_line, held, named, unverifiable
from console.view.line import Line, Tone, clip, fold, labelled, line, span, spread
from console.view.look import Look
from console.view.run_people import holders, second_person, starter
from console.view.run_plan import following, leads_to, may_not_run, next_words, place, reactions, told, untrusted
from console.view.runs import clock_of, try_words
from console.view.step_acts import (
    act_lines,
    carried_out,
    child_of,
    describes,
    earlier_lines,
    effect_lines,
    evidence_lines,
    job_of,
    not_heard,
    outcome_word,
    source_lines,
    tail_lines,
    unanswered,
)
from console.view.times import clock, count, past, timebox

MARGIN = 10


class Part(NamedTuple):
    """A part of the card. `rank`: how early it gives way where there is no room; 0 never does."""

    rank: int
    lines: Sequence[Line]


def card(run: Run, step: Step, board: Board, now: datetime, width: int, look: Look, rows: int = 1_000) -> list[Line]:
    """A step large, in at most `rows` lines: what matters least gives way, and the end says that there is more."""
    parts = _parts(run, step, board, now, width, look)
    total = sum(len(part.lines) for part in parts)
    cut = False
    for rank in sorted({part.rank for part in parts if part.rank}, reverse=True):
        if total <= rows - cut:
            break
        for index in range(len(parts) - 1, -1, -1):
            if parts[index].rank == rank and total > rows - 1:
                kept = list(parts[index].lines[: max(0, len(parts[index].lines) - (total - rows + 1))])
                total -= len(parts[index].lines) - len(kept)
                if kept:
                    kept[-1] = clip(line(clip(kept[-1], width - 2), span(" …", Tone.DIM)), width)
                parts[index] = Part(rank, kept)
                cut = True
    lines = [shown for part in parts for shown in part.lines]
    return [*lines, line(span(f"{'':{MARGIN}}d shows all of it", Tone.DIM))] if cut else lines


def whole(run: Run, step: Step, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """Everything that is known of a step, its evidence and its earlier attempts too."""
    lines = card(run, step, board, now, width, look)
    progress = run.steps[step.id]
    output = tail_lines(run, step, board, width, rows=200)
    extra = [*output, *earlier_lines(progress, width)]
    for effect in run.effects_of(step.id):
        at = f" {clock(effect.ended_at, seconds=True)}" if effect.ended_at else ""
        text = f"attempt {effect.attempt}: {effect.detail}: {outcome_word(effect) or 'no answer'}{at} {effect.answer}"
        extra += labelled(effect.kind, text, width, MARGIN, Tone.DIM)
    if step.undo:
        extra += labelled("undo", step.undo, width)
    return [*lines, (), *extra] if extra else lines


def _parts(run: Run, step: Step, board: Board, now: datetime, width: int, look: Look) -> list[Part]:
    progress = run.steps[step.id]
    number = f"STEP {place(run.playbook, step.id)} of {len(run.playbook.steps)}  "
    end = clock_of(run, progress, now) or line(span(progress.status.value, Tone.DIM))
    head = spread(line(span(number, Tone.TITLE), span(step.title.upper(), Tone.STRONG)), end, width)
    parts = [Part(0, [head]), Part(0, _now(run, step, board, now, width, look))]
    if step.irreversible and not progress.over:
        typed = f"IRREVERSIBLE: there is no way back. It must be typed: {run.confirmation(step)}"
        parts.append(Part(0, [clip(line(look.marks.of(Tone.CRITICAL), span(typed, Tone.CRITICAL)), width)]))
    parts.append(Part(1, effect_lines(run, step, board, now, width, look)))
    challenge = labelled("do", step.challenge, width, tone=Tone.STRONG)
    parts += [Part(0, challenge[:2]), Part(5, challenge[2:]), Part(4, labelled("expect", step.response, width))]
    for check in step.look_at:
        parts.append(Part(6, _folded("look at", check_line(check, board, now, look), width)))
    if step.verify is not None:
        label = "reads" if step.kind in OBSERVED else "closes on"
        parts.append(Part(1, _folded(label, check_line(step.verify, board, now, look), width)))
        parts.append(Part(8, source_lines(step.verify, width)))
    acts = act_lines(run, step, board, width) if not progress.over else []
    again = 8 if carried_out(run, step, progress) else 3
    parts += [Part(again, acts[:2]), Part(8, acts[2:]), Part(2, _options(run, step, board, width))]
    urgent = progress.status is StepStatus.FAILED or job_of(run, step, board) is not None
    parts.append(Part(2 if urgent else 7, tail_lines(run, step, board, width)))
    parts.append(Part(5, _owner(run, step, board, now, width) if not progress.over else ()))
    parts += [Part(3, _late(run, step, progress, now, width)), Part(7, _failing(run, step, progress, width))]
    # Of a step that waits for a person, `now` says why already.
    parts.append(Part(4, evidence_lines(progress, width) if progress.over else ()))
    parts.append(Part(9, _earlier(progress, width)))
    if step.kind is not StepKind.DECISION and not progress.over and run.ended_at is None:
        coming = line(span(next_words(run.playbook, step.id), Tone.DIM))
        parts.append(Part(6, labelled("next", coming, width)))
    return [part for part in parts if part.lines]


def _folded(label: str, body: Line, width: int) -> list[Line]:
    """A label in the margin, and a line that goes on below where it is too long."""
    pieces = fold(body, max(width - MARGIN, 8))
    return [found for index, piece in enumerate(pieces) for found in labelled("" if index else label, piece, width)]


# -- what to do now ---------------------------------------------------------------------------------------------------


def _now(run: Run, step: Step, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    tone, text = directive(run, step, board, now)
    if not text:
        return []
    mark = look.marks.of(tone) if tone in (Tone.OK, Tone.WARNING, Tone.CRITICAL, Tone.UNKNOWN) else ()
    return _folded("now", line(mark, span(text, tone)), width)[:3]


def directive(run: Run, step: Step, board: Board, now: datetime) -> tuple[Tone, str]:
    """The one thing to do about a step now, or what is waited for; empty once it is over."""
    progress = run.steps[step.id]
    if run.ended_at is not None or progress.over:
        return Tone.NORMAL, ""
    if run.held_at is not None:
        return Tone.WARNING, f"ON HOLD: {run.held_reason}. Nothing is done and no clock runs; u resumes"
    if progress.status is StepStatus.PENDING:
        return Tone.DIM, "not begun"
    if progress.held_elsewhere(board.console, now):
        until = f" until {clock(progress.held_until, seconds=True)}" if progress.held_until else ""
        if silent := not_heard(progress, now):
            return (
                Tone.WARNING,
                f"{progress.held_by} had it on {progress.holder}, {silent}; its hold ends{until[6:]}; m takes it",
            )
        return Tone.WARNING, f"{progress.held_by} has it on {progress.holder}{until}; m takes it over, with a reason"
    if progress.status is StepStatus.FAILED:
        return _failed(step, progress, now)
    job = job_of(run, step, board)
    if job is not None:
        limit = f" of {count(step.program.timeout)}" if step.program is not None else ""
        return (
            Tone.ACCENT,
            f"its program runs here, {past(now - job.started_at)}{limit}; it closes by itself, K stops it",
        )
    unknown = any(item.outcome == "unknown" for item in run.effects_of(step.id, progress.attempt))
    if unknown or unanswered(run, step) is not None:
        again = "e sets it again, or " if step.repeatable else ""
        return Tone.UNKNOWN, f"OUTCOME UNKNOWN: {again}look what came of it; c closes it by hand, f says that it failed"
    missing = second_person(run, step, progress, board)
    if missing:
        return Tone.WARNING, f"WAITS FOR A SECOND PERSON: {missing}"
    return _by_kind(run, step, progress, board, now)


def _failed(step: Step, progress: StepRun, now: datetime) -> tuple[Tone, str]:
    if progress.retry_at is not None:
        tries = f"try {max(progress.tries, 1) + 1} of {step.on_failure.tries}"
        left = count(progress.retry_at - now)
        return (
            Tone.WARNING,
            f"FAILED: {progress.reason}; {tries} at {clock(progress.retry_at, seconds=True)}, in {left}",
        )
    skip = "" if step.kind in (StepKind.DECISION, StepKind.APPROVAL) else ", s skips it"
    return Tone.CRITICAL, f"FAILED: {progress.reason} (t tries again{skip}, X aborts the run)"


def _by_kind(run: Run, step: Step, progress: StepRun, board: Board, now: datetime) -> tuple[Tone, str]:
    kind = step.kind
    if kind is StepKind.DECISION:
        return Tone.ACCENT, f"c chooses{f'; only the {step.role} may' if step.role else ''}"
    if kind is StepKind.APPROVAL:
        who = f"the {step.role}" if step.role else "somebody"
        began = starter(run, board)
        other = f"not {began}, who started the run" if began else "not who started the run"
        return Tone.WARNING, f"WAITS FOR APPROVAL: v approves, f refuses; {who}, {other}"
    if kind is StepKind.PLAYBOOK:
        child = child_of(run, step, board)
        label = child.label if child is not None else step.call
        return Tone.ACCENT, f"enter opens {label}; this step ends with it"
    if kind in ACTING and not carried_out(run, step, progress):
        return _to_carry_out(run, step, board)
    if step.verify is not None and kind is not StepKind.MANUAL:
        return _reading(step, board, now)
    if kind is StepKind.NOTIFY:
        return Tone.ACCENT, "it is on its way; it closes when the far side has taken it"
    if kind is StepKind.WAIT and progress.deadline is not None:
        return Tone.ACCENT, f"waits until {clock(progress.deadline, seconds=True)}; x ends the wait"
    seen = f", when {step.verify.reading} shows it" if step.verify is not None else ""
    return Tone.ACCENT, f"do it, then c with what you observe{seen}"


def _to_carry_out(run: Run, step: Step, board: Board) -> tuple[Tone, str]:
    if step.kind is StepKind.COMMAND and may_not_run(run, board):
        trust = f"oncall playbook trust {run.playbook.name}"
        return Tone.WARNING, f"its program may not run ({untrusted(run, board)}): {trust}, or do it by hand, then c"
    if step.kind is StepKind.FLAG and not board.flags:
        return Tone.ACCENT, "set it by hand, then c with what you observe"
    return Tone.ACCENT, f"e asks once, then does it: {describes(run, step)}"


def _reading(step: Step, board: Board, now: datetime) -> tuple[Tone, str]:
    assert step.verify is not None
    why = unverifiable(step.verify, board)
    way = "x ends the wait" if step.kind in OBSERVED else "c closes it before"
    if why:
        return Tone.UNKNOWN, f"CANNOT VERIFY ({why}): it does not close by itself; {way} with a reason"
    if held(step.verify, board, now):
        return Tone.OK, "it shows: the step closes by itself"
    return Tone.ACCENT, f"closes by itself once {named(step.verify)}; {way}, with a reason"


# -- the other parts --------------------------------------------------------------------------------------------------


def _options(run: Run, step: Step, board: Board, width: int) -> list[Line]:
    lines: list[Line] = []
    for number, option in enumerate(step.options, start=1):
        tag, why = advice(option, board)
        to = span(f"  {leads_to(option, run.playbook, step.id, board)}", Tone.DIM)
        lines.append(clip(line(span(f"  {number} ", Tone.ACCENT), tag or "", option.label, to), width))
        lines += labelled("", why, width, 4, Tone.DIM) if why else []
    return lines


def _owner(run: Run, step: Step, board: Board, now: datetime, width: int) -> list[Line]:
    progress = run.steps[step.id]
    role = step.role or progress.owner or step.owner
    who = holders(role, run, board)
    named = span(who, Tone.STRONG) if who else span("NOBODY has this role", Tone.WARNING)
    shown = line(f"{role}: ", named)
    if progress.holder and progress.held_until is not None and now < progress.held_until:
        here = progress.holder == board.console
        until = clock(progress.held_until, seconds=True)
        on = "here" if here else f"on {progress.holder}"
        shown = line(shown, span(f"; {progress.held_by} has it {on} until {until}", Tone.DIM if here else Tone.WARNING))
    if progress.confirmed_by is not None:
        shown = line(shown, span(f"; read back by {progress.confirmed_by}", Tone.OK))
    tries = try_words(step, progress)
    if tries:
        shown = line(shown, span(f"; {tries}", Tone.DIM))
    return _folded("owner", shown, width)


def _late(run: Run, step: Step, progress: StepRun, now: datetime, width: int) -> list[Line]:
    """What happens by itself when the step is late, and when; or that it has happened."""
    if progress.over or run.held_at is not None or run.ended_at is not None:
        return []
    late = reactions(run.playbook, step.on_overdue) or "it is announced, and waits for a person"
    if progress.deadline is None:
        pending = step.timebox is not None and progress.status is StepStatus.PENDING
        after = f"after {timebox(step.timebox)} by itself: {late}" if step.timebox is not None else ""
        return labelled("late", after, width, tone=Tone.DIM)[:2] if pending else []
    if progress.status is StepStatus.FAILED:
        return []
    at = clock(progress.deadline, seconds=True)
    if progress.overdue_fired:
        return labelled("late", f"since {at}; done by itself: {late}", width)[:2]
    due = " (due now)" if progress.deadline <= now else ""
    return labelled("late", f"at {at}{due} by itself: {late}", width)[:2]


def _failing(run: Run, step: Step, progress: StepRun, width: int) -> list[Line]:
    text = _on_failure(run, step)
    return labelled("fails", text, width, tone=Tone.DIM)[:2] if text and not progress.over else []


def _on_failure(run: Run, step: Step) -> str:
    wanted: tuple[Reaction, ...] = tuple(item for item in step.on_failure.then if item.do is not Do.ASK)
    tries = ""
    if step.on_failure.tries > 1:
        tries = f"tried {step.on_failure.tries} times, {timebox(step.on_failure.back_off)} apart at first"
    then = reactions(run.playbook, wanted)
    return "; then ".join(part for part in (tries, then) if part)


def _earlier(progress: StepRun, width: int) -> list[Line]:
    """The newest attempt before this one, and how many there were."""
    if not progress.earlier:
        return []
    return earlier_lines(progress, width)[-2:]


# -- small forms ------------------------------------------------------------------------------------------------------


def briefly(run: Run, board: Board, now: datetime) -> Line:
    """The step that holds up a run, on one line: hold or clock first, since an edge must not cut them."""
    current = run.current
    if current is None or run.ended_at is not None:
        return ()
    step = run.playbook.step(current.id)
    if run.held_at is not None:
        head = line(span(" ON HOLD ", Tone.ALARM), f" {past(now - run.held_at)}")
    else:
        head = clock_of(run, current, now)
    failed = span("FAILED ", Tone.CRITICAL) if current.status is StepStatus.FAILED else ""
    where = f"  {place(run.playbook, step.id)}/{len(run.steps)} of {run.label}"
    coming = following(run.playbook, step.id)
    then = f"; next {told(run.playbook, coming[0].id)}" if coming else "; the last one"
    elsewhere = current.held_elsewhere(board.console, now)
    whose = span(f" ({current.held_by} has it)", Tone.WARNING) if elsewhere else ""
    return line(head, "  ", failed, span(step.title, Tone.STRONG), whose, span(where + then, Tone.DIM))
