"""The same Board as linear text, for pipes, logs, screen readers and `--plain`. No boxes, no columns, no lone marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from console.model.board import Board
from console.view import alerts, decision, incidents, rollback, runs, slos, sources
from console.view.header import bars, lease, tags
from console.view.line import Line, words
from console.view.look import ASCII, STATE_WORDS, Look
from console.view.rollout import bake, guardrail, measured
from console.view.rollout_words import judged_of, next_decision, urgent
from console.view.times import age, local, stamp

_WIDE = 10_000
"""Nothing is cut: a reader or a pipe has no edge."""


def report(board: Board, now: datetime, look: Look | None = None) -> list[str]:
    """The whole Board, one fact a line, most urgent first."""
    look = look or Look(ASCII)
    here = local(now, look.zone)
    on_shift = f"{board.shift.operator} since {stamp(board.shift.began_at)}" if board.shift else "nobody on shift"
    lines = [
        f"{words(tags(board)).strip()}: {board.target} at {stamp(now)}{f' ({here})' if here else ''}",
        f"Acting as {board.actor}. {words(lease(board, look)).strip('X ')}.",
        f"Shift: {on_shift}.",
        *(words(bar).strip() for bar in bars(board, now, _WIDE, look)),
        "",
        *_incidents(board, now, look),
        *_runs(board, now, look),
        "",
        *_section("SLO", (slos.sentence(gauge, now, look) for gauge in board.slos), "none is configured"),
        "",
        *_rollout(board, now, look),
        "",
        *_rollback(board, now, look),
        *(f"  {_tidy(rollback.proof_row(proof, now, _WIDE, look))}" for proof in board.readiness.proofs),
        "",
        *_alerts(board, now, look),
        "",
        *_section("Sources", (_source(board, index, now, look) for index in range(len(board.sources))), "none"),
        *_section("Components", (_tidy(sources.health_row(item, now, _WIDE, look)) for item in board.health), "none"),
    ]
    return [text.rstrip() for text in lines]


def _tidy(shown: Line) -> str:
    """The words of a line with its mark and the blanks of its columns taken out."""
    return " ".join(words(shown)[2:].split())


def _section(title: str, rows: Iterable[str], nothing: str) -> list[str]:
    found = [f"  {row}" for row in rows]
    return [f"{title}:", *found] if found else [f"{title}: {nothing}"]


def _incidents(board: Board, now: datetime, look: Look) -> Iterator[str]:
    opened = board.open_incidents
    if not opened:
        yield " ".join(words(part).strip("! ") for part in incidents.banner(board, now, _WIDE, look))
    for incident in opened:
        yield f"Incident {_tidy(incidents.headline(incident, now, _WIDE, look))}"
    for deadline in incidents.deadlines(board):
        yield f"  Due: {' '.join(words(incidents.due(deadline, now)).split())}"


def _runs(board: Board, now: datetime, look: Look) -> Iterator[str]:
    for run in board.runs:
        if run.ended_at is None:
            yield f"Run {' '.join(words(runs.title(run, now)).split())}"
            for step in run.playbook.steps:
                status = run.steps[step.id].status
                yield f"  {status}: {_tidy(runs.row(run, step, now, 400, look))}"


def _rollout(board: Board, now: datetime, look: Look) -> Iterator[str]:
    rollout = board.rollout
    if rollout is None:
        yield "Rollout: none is configured"
        return
    phase = rollout.phase
    where = (
        "phase unknown"
        if phase is None
        else "not begun"
        if phase < 0
        else f"phase {phase + 1} of {len(rollout.plan.phases)}"
    )
    facts = ", ".join([where, words(measured(rollout, now, look)), words(bake(board.progress, now))])
    yield f"Rollout {rollout.plan.name}: {facts}"
    told = urgent(board, now)
    if told is not None:
        yield f"  {_tidy(told.line(look))}"
    elif board.progress is not None:
        yield f"  {words(next_decision(board.progress, now))}"
    for item in rollout.guardrails:
        yield f"  {_tidy(guardrail(item, now, _WIDE, look, judged_of(board, item.rule.name)))}"
    if board.progress is not None and board.progress.proposal is not None:
        yield "Decision: " + "; ".join(
            " ".join(words(part).split()).strip("+!X? ") for part in decision.headline(board, now, _WIDE, look)[-3:]
        )
        for finding in decision.ordered(board.progress.proposal):
            yield f"  {_tidy(decision.row(finding, now, _WIDE, look))}"


def _rollback(board: Board, now: datetime, look: Look) -> Iterator[str]:
    readiness = board.readiness
    yield words(rollback.verdict(readiness, now, _WIDE, look))[2:]
    for part in (
        rollback.time_line(readiness.estimate, now, _WIDE, look),
        rollback.drivers(readiness.estimate, _WIDE),
        rollback.until(readiness, now, _WIDE, look),
    ):
        yield " ".join(words(part).split())


def _alerts(board: Board, now: datetime, look: Look) -> Iterator[str]:
    yield f"Alerts: {words(alerts.counts(board.feed))}, {words(alerts.source(board.feed, now, look))[2:]}"
    missing = alerts.no_evidence(board.feed)
    if missing:
        yield f"  {words(missing)}"
    for alert in alerts.ordered(board.feed):
        yield f"  {_tidy(alerts.row(alert, board, now, _WIDE, look))}"


def _source(board: Board, index: int, now: datetime, look: Look) -> str:
    source = board.sources[index]
    error = f": {source.error or source.note}" if source.error or source.note else ""
    seen = f"read {age(source.at, now, look)} ago" if source.at else "never read"
    return f"{source.name} {STATE_WORDS[source.state]}, {seen}{error}"
