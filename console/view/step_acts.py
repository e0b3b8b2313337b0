"""What a step carries out: exactly what would run, be set or be sent, where; what became of it; its evidence."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta

from console.model.board import Board
from console.model.playbook import PROBE, Check, Program, Step, StepKind
from console.model.run import HELD, Effect, Job, Run, StepRun, StepStatus
from console.view.line import Line, Tone, clip, labelled, line, span, wrap
from console.view.look import Look
from console.view.run_plan import place
from console.view.times import clock, past, timebox

TAIL = 3
"""Lines of a program's output on the card."""
RENEWED = timedelta(minutes=3, seconds=15)
"""A console that is there has renewed its hold by then."""


def job_of(run: Run, step: Step, board: Board) -> Job | None:
    """The program of a step, while this console runs it."""
    return next((job for job in board.jobs if (job.run, job.step) == (run.id, step.id)), None)


def child_of(run: Run, step: Step, board: Board) -> Run | None:
    """The newest run that a step called."""
    called = [item for item in board.runs if (item.parent, item.parent_step) == (run.id, step.id)]
    return called[-1] if called else None


def unanswered(run: Run, step: Step) -> Effect | None:
    """What was begun for a step, and gave no answer yet."""
    return next((item for item in run.effects_of(step.id) if not item.outcome), None)


def carried_out(run: Run, step: Step, progress: StepRun) -> bool:
    """Whether the console has done in this attempt what the step carries out."""
    if step.kind is StepKind.NOTIFY:
        return progress.asked_by is not None
    return any(item.outcome in ("done", "unknown") for item in run.effects_of(step.id, progress.attempt))


def program_lines(program: Program, target: str, width: int) -> list[Line]:
    """The argument vector as it is passed, argument by argument, and all that it is given."""
    lines = labelled("runs", shlex.join(program.argv), width, tone=Tone.STRONG)
    exits = ", ".join(map(str, program.exits))
    given = [f"on {target}", f"at most {timebox(program.timeout)}", f"success is exit {exits}"]
    if program.cwd:
        given.append(f"in {program.cwd}")
    names = (*program.env, *(f"{name}={value}" for name, value in program.set_env))
    given.append(f"with {', '.join(names)} and no other variables" if names else "with PATH, HOME, LANG")
    lines += labelled("", "; ".join(given), width, tone=Tone.DIM)
    if program.dry_run:
        lines += labelled("dry run", shlex.join((*program.argv, *program.dry_run)), width, tone=Tone.DIM)
    return lines


def act_lines(run: Run, step: Step, board: Board, width: int) -> list[Line]:
    """What the step carries out, exactly; nothing for one that carries nothing out."""
    if step.kind is StepKind.COMMAND and step.program is not None:
        return program_lines(step.program, run.target, width)
    if step.kind is StepKind.FLAG:
        act = f"{step.flag} to {step.percent:g} %"
        if board.flags:
            return labelled("sets", f"{act}, with {board.flags}", width)
        return labelled("sets", f"nothing: set {act} by hand, then type what you observe", width)
    if step.kind is StepKind.NOTIFY and step.notice is not None:
        return labelled("sends", f"to {step.notice.channel}: {step.notice.text}", width)
    if step.kind is StepKind.PLAYBOOK:
        child = child_of(run, step, board)
        if child is None:
            return labelled("calls", step.call, width)
        done = sum(item.over for item in child.steps.values())
        text = f"{child.label} {child.playbook.title}: {child.status}, {done} of {len(child.steps)} steps; o opens it"
        return labelled("calls", text, width)
    return []


def source_lines(check: Check, width: int) -> list[Line]:
    """What is read for the step alone: its query or its probe."""
    if not check.watched:
        return []
    label = "probe" if check.reading.startswith(PROBE) else "query"
    return labelled(label, check.expr or check.reading.partition(": ")[2], width, tone=Tone.DIM)[:2]


def came_out(outcome: str, answer: str, digest: str) -> str:
    """The word for an outcome of the record. What was refused was not done; a program that ran has failed."""
    ran = bool(digest) or answer.startswith("exit ")
    return "failed" if outcome == "refused" and ran else outcome


def outcome_word(effect: Effect) -> str:
    """The same, of an effect."""
    return came_out(effect.outcome, effect.answer, effect.digest)


def not_heard(progress: StepRun, now: datetime) -> str:
    """That the console which holds a step has not renewed its hold when it should have; empty when it has."""
    heard = progress.held_until - HELD if progress.held_until is not None else now
    gone = now - heard
    return f"NOT HEARD OF since {clock(heard, seconds=True)} ({past(gone)})" if gone > RENEWED else ""


def _elsewhere(progress: StepRun, now: datetime, width: int, look: Look) -> list[Line]:
    """What is known of a program that another console has begun: not whether it runs, but when that was heard of."""
    assert progress.held_until is not None
    since, until = clock(progress.held_until - HELD, seconds=True), clock(progress.held_until, seconds=True)
    if silent := not_heard(progress, now):
        text = f"{progress.holder} began it, and is {silent}: it may be gone"
        text += f"; its hold ends {until}. Whether the program runs is not known; m takes the step"
    else:
        text = f"{progress.holder} began it, last heard of at {since}; its hold lasts until {until}, its outcome is "
        text += "not known yet; m takes the step"
    shown = wrap(text, width - 2)
    mark = look.marks.of(Tone.WARNING)
    return [line(mark if not index else "  ", span(part, Tone.WARNING)) for index, part in enumerate(shown)][:3]


def effect_lines(run: Run, step: Step, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """What became of what was begun: running, done, failed, refused, or nobody knows."""
    progress = run.steps[step.id]
    job = job_of(run, step, board)
    lines: list[Line] = []
    for effect in run.effects_of(step.id):
        if not effect.outcome and job is not None:
            continue
        if not effect.outcome and effect.kind == "command" and progress.held_elsewhere(board.console, now):
            lines += _elsewhere(progress, now, width, look)
        elif not effect.outcome:
            what = f"{effect.kind} {effect.target}, {effect.detail}"
            again = "Set it again (e), or look" if step.repeatable else "Look"
            text = f"OUTCOME UNKNOWN: {what}. {again}, then close the step by hand (c), or say that it failed (f)."
            lines += [line(span(part, Tone.ALARM)) for part in wrap(text, width)][:3]
        else:
            tone = {"done": Tone.OK, "refused": Tone.CRITICAL}.get(effect.outcome, Tone.UNKNOWN)
            try_of = f" (attempt {effect.attempt})" if effect.attempt != progress.attempt else ""
            what = effect.target if effect.kind == "flag" else f"on {effect.target}"
            text = f"{effect.kind} {what}: {outcome_word(effect)}{try_of}: {effect.answer}"
            lines.append(clip(line(look.marks.of(tone), span(text, tone)), width))
    return lines


def tail_lines(run: Run, step: Step, board: Board, width: int, rows: int = TAIL) -> list[Line]:
    """The last lines of the program's output: live while it runs here, as it was kept afterwards."""
    job = job_of(run, step, board)
    if job is not None:
        written = job.tail[-rows:] or ("(nothing yet)",)
        return _output(written, width)
    progress = run.steps[step.id]
    output, digest = written_by(run, step, progress)
    kept = [text for text in output.splitlines() if text.strip()][-rows:]
    return _output(kept, width) + (labelled("digest", digest, width, tone=Tone.DIM) if digest else [])


def _output(written: Sequence[str], width: int) -> list[Line]:
    return [
        clip(line(span(f"{'output' if not number else '':10}", Tone.DIM), text), width)
        for number, text in enumerate(written)
    ]


def written_by(run: Run, step: Step, progress: StepRun) -> tuple[str, str]:
    """What the program of a step wrote last, and its digest."""
    if progress.output or progress.digest:
        return progress.output, progress.digest
    kept = [item for item in run.effects_of(step.id) if item.output or item.digest]
    return (kept[-1].output, kept[-1].digest) if kept else ("", "")


def evidence_lines(progress: StepRun, width: int) -> list[Line]:
    """What closed a step, or made it fail: what was seen, by whom, on what proof."""
    if progress.ended_at is None and progress.status is not StepStatus.FAILED:
        return []
    by = f" (by {progress.by}{f' {clock(progress.ended_at, seconds=True)}' if progress.ended_at else ''})"
    said = "; ".join(part for part in (progress.observed, progress.reason) if part) or progress.status.value
    lines = labelled(progress.status.value, f"{said}{by if progress.by else ''}", width)
    if progress.evidence:
        lines += labelled("evidence", progress.evidence, width)
    if progress.override:
        lines += labelled("NO PROOF", f"closed all the same: {progress.override}", width, tone=Tone.WARNING)
    if progress.break_glass:
        lines += labelled("ALONE", f"broke the glass: {progress.break_glass}", width, tone=Tone.WARNING)
    for link in progress.links:
        lines += labelled("link", link, width)
    return lines


def earlier_lines(progress: StepRun, width: int) -> list[Line]:
    """What came of a step before, oldest first."""
    lines: list[Line] = []
    for item in progress.earlier:
        at = f" {clock(item.ended_at, seconds=True)}" if item.ended_at else ""
        parts = (item.observed, item.reason, item.evidence, item.override, item.digest)
        said = "; ".join(part for part in parts if part)
        word = "left open when the run ended" if item.status is StepStatus.ACTIVE else item.status.value
        told = f"attempt {item.attempt}: {word}{at}{f': {said}' if said else ''}"
        lines += labelled("earlier", told, width, tone=Tone.DIM)
    return lines


def describes(run: Run, step: Step) -> str:
    """What the step carries out, in one short phrase."""
    if step.kind is StepKind.COMMAND and step.program is not None:
        return f"run {step.program.argv[0].rpartition('/')[2]}"
    if step.kind is StepKind.FLAG:
        return f"set {step.flag} to {step.percent:g} %"
    if step.kind is StepKind.NOTIFY and step.notice is not None:
        return f"send to {step.notice.channel}"
    return f"carry out step {place(run.playbook, step.id)}"
