"""The Rollback screen: can we, how long, until when, on what all of that rests, and the clock of one under way."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.board import Board
from console.model.estimate import Drain, Estimate, Remaining
from console.model.rollback import Can, ProofState, Readiness
from console.model.rolling import RolloutState
from console.model.run import Run, StepStatus
from console.view.line import EMPTY, Line, Tone, clip, fit, labelled, line, span
from console.view.look import Look
from console.view.rollback import (
    basis,
    drivers,
    proof_lines,
    time_line,
    to_go,
    until_lines,
    verdict,
    worst_first,
)
from console.view.rollout_words import minutes, urgent
from console.view.times import age, count, past, timebox
from console.view.values import heading

_ADVICE = {
    Can.YES: "R starts it. Nothing here is in doubt.",
    Can.NO: "R starts it all the same: nothing blocks a rollback. Know what has failed.",
    Can.UNVERIFIED: "R starts it all the same: nothing blocks a rollback. What is unknown may take longer.",
}


def first(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """Can we, how long, what takes longest, until when; while one runs, its clock."""
    readiness = board.readiness
    told = urgent(board, now)
    lines = told.lines(width, look) if told is not None else []
    running = board.progress is not None and board.progress.record.state is RolloutState.ROLLING_BACK
    if running:
        return [*lines, *clock_lines(board, now, width, look)]
    return [
        *lines,
        verdict(readiness, now, width, look),
        time_line(readiness.estimate, now, width, look),
        *until_lines(readiness, now, width, look),
        drivers(readiness.estimate, width),
        *labelled("", _ADVICE[readiness.can_at(now)], width, 9, Tone.DIM),
    ]


def proofs(readiness: Readiness, now: datetime, width: int, look: Look) -> list[Line]:
    """Every proof, the worst first: its state, what it was seen by, how old it is, and until when it counts."""
    states = [proof.state_at(now) for proof in readiness.proofs]
    counted = ", ".join(f"{states.count(state)} {state}" for state in ProofState if states.count(state))
    lines = [heading("PROOFS", line(span(counted or "none", Tone.DIM)), width, look)]
    if not readiness.proofs:
        return [*lines, line(span("nothing is known of a rollback", Tone.UNKNOWN))]
    return [*lines, *(row for proof in worst_first(readiness, now) for row in proof_lines(proof, now, width, look))]


def clock_lines(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """The step clock: how long it has run, how much longer, against its objective, and each step."""
    assert board.progress is not None
    record, remaining = board.progress.record, board.readiness.remaining
    lines = [_elapsed(record.rollback_since, remaining, now, width)]
    if remaining is not None:
        lines.append(to_go(remaining, now, width))
    run = board.run(record.run)
    if run is None:
        return [*lines, line(span("its checklist is not on the board", Tone.UNKNOWN))]
    return [*lines, *(_step(run, step_id, board.readiness.estimate, now, width, look) for step_id in run.steps)]


def _elapsed(since: datetime | None, remaining: Remaining | None, now: datetime, width: int) -> Line:
    head = span(fit("CLOCK", 9), Tone.STRONG)
    if since is None:
        return line(head, span("unknown since when", Tone.UNKNOWN))
    within = remaining.within if remaining is not None else None
    took = now - since
    text = line(head, span(past(took), Tone.STRONG), " elapsed")
    if within is None:
        return clip(text, width)
    if took > within:
        return clip(
            line(text, "  ", span(f" {past(took - within)} PAST THE OBJECTIVE ", Tone.ALARM), f" of {timebox(within)}"),
            width,
        )
    return clip(
        line(text, f" of {timebox(within)}, ", span(f"{count(within - took)} left of the objective", Tone.STRONG)),
        width,
    )


def _step(run: Run, step_id: str, estimate: Estimate, now: datetime, width: int, look: Look) -> Line:
    step, progress = run.playbook.step(step_id), run.steps[step_id]
    took = ""
    if progress.started_at is not None:
        took = past((progress.ended_at or now) - progress.started_at)
    expected = next((item.seconds for item in estimate.drivers if item.step == step_id), None)
    usual = f"usually {past(timedelta(seconds=expected))}" if expected is not None else "usually ?"
    late = progress.status is StepStatus.ACTIVE and expected is not None and progress.started_at is not None
    slow = late and expected is not None and (now - progress.started_at).total_seconds() > expected  # type: ignore[operator]
    return clip(
        line(
            look.marks.of_step(progress.status),
            span(fit(step.title, 36) + " ", Tone.STRONG if progress.status is StepStatus.ACTIVE else Tone.NORMAL),
            span(fit(took, 7), Tone.WARNING if slow else Tone.NORMAL),
            span(usual, Tone.DIM),
        ),
        width,
    )


def measured(readiness: Readiness, now: datetime, width: int, look: Look) -> list[Line]:
    """On what the time rests: runs, drain, and how often earlier predictions held."""
    estimate = readiness.estimate
    lines = [heading("MEASURED", line(span(basis(estimate, now, look), Tone.DIM)), width, look)]
    if estimate.p50 is None:
        lines += labelled("time", f"unknown: {estimate.statement}", width, 12, Tone.UNKNOWN)
    else:
        told = f"P50 {minutes(estimate.p50)}, P80 {minutes(estimate.p80)}, P95 {minutes(estimate.p95)} min"
        lines += labelled("time", told, width, 12)
    if estimate.human_only:
        lines += labelled("", "from drills alone: no machine time is in it", width, 12, Tone.UNKNOWN)
    if estimate.scored:
        held = f"{estimate.inside} of the last {estimate.scored} predictions ended inside their 80 % bound"
        lines += labelled("calibration", held, width, 12)
    else:
        lines += labelled("calibration", "no prediction was scored yet", width, 12, Tone.UNKNOWN)
    return [*lines, *_drain(estimate.drain, now, width, look)]


def _drain(drain: Drain | None, now: datetime, width: int, look: Look) -> list[Line]:
    if drain is None:
        return labelled("drain", "unknown: what is in flight is not read", width, 12, Tone.UNKNOWN)
    if drain.never:
        return labelled("drain", f"NEVER: more arrives than ends. {drain.why}".strip(), width, 12, Tone.CRITICAL)
    if drain.p50 is None:
        return labelled("drain", f"unknown: {drain.why or 'no durations'}", width, 12, Tone.UNKNOWN)
    most = f"99 % in {minutes(drain.most)} min, " if drain.most is not None else ""
    last = f"the last of {drain.items:,.0f} in {minutes(drain.p50)} to {minutes(drain.p95)} min"
    cut = (
        f"; cut off after {minutes(drain.cut_after)} min loses {drain.cut:,.0f}"
        if drain.cut_after and drain.cut
        else ""
    )
    seen = f", {age(drain.at, now, look)} ago" if drain.at is not None else ""
    return labelled("drain", f"{most}{last}{cut} ({drain.bound}-bound{seen})", width, 12)


def page(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """All of it in one column."""
    below = [proofs(board.readiness, now, width, look), measured(board.readiness, now, width, look)]
    return [*main(board, now, width, look), *(item for part in below for item in (EMPTY, *part))]


def main(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """What is read first; while one runs, what was said before it, too."""
    lines = first(board, now, width, look)
    if board.progress is not None and board.progress.record.state is RolloutState.ROLLING_BACK:
        lines += [EMPTY, *_as_before(board, now, width, look)]
    return lines


def _as_before(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    readiness = board.readiness
    return [verdict(readiness, now, width, look), time_line(readiness.estimate, now, width, look)]
