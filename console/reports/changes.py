"""What changed from one Board to the next, in lines: for `oncall watch` and for plain mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from console.model.board import Board
from console.model.incident import Incident
from console.model.message import DeliveryState
from console.model.reading import ReadingState
from console.model.rollout import Guardrail, Level, Rollout
from console.model.verdict import Judged, Verdict
from console.reports.values import instant
from console.view.changes import word
from console.view.deliveries import not_sent
from console.view.response_events import reached
from console.view.rollout_words import VERDICTS, judged_of, to_roll_back
from console.view.values import number


class Fact(NamedTuple):
    """Something that holds. Only a change of `state` is news; `detail` goes with it.

    `gone` is what to say when it holds no more; empty for nothing.
    """

    state: str
    detail: str = ""
    gone: str = ""


def facts(board: Board) -> dict[str, Fact]:
    """Everything whose change is worth a line, by what it is about."""
    return dict(_facts(board))


def changes(before: Board | None, after: Board) -> list[str]:
    """One line for each change, `what: now (was before)`. From nothing, every fact is a change."""
    old = facts(before) if before is not None else {}
    new = facts(after)
    lines = []
    for subject, fact in new.items():
        known = old.get(subject)
        if known is None or known.state != fact.state:
            was = f" (was {known.state})" if known is not None else ""
            lines.append(f"{subject}: {fact.state}{was}" + (f": {fact.detail}" if fact.detail else ""))
    lines += [f"{subject}: {fact.gone}" for subject, fact in old.items() if subject not in new and fact.gone]
    return lines


def stamped(board: Board, line: str) -> str:
    """A line of a log: when, in which mode, where, what."""
    return f"{instant(board.at)} {board.mode} {board.target} {line}"


def _facts(board: Board) -> Iterator[tuple[str, Fact]]:
    lease = board.lease
    yield "engine", Fact(f"run by {lease.holder}" if lease.holder else "ESCALATION NOT RUNNING")
    if board.fault:
        yield "console", Fact("FAULT", board.fault, "well again")
    yield "journal", Fact("NOT SAVED", board.not_saved) if board.not_saved else Fact("writable")
    if board.spooled:
        yield "spool", Fact("events wait", board.spooled, "merged")
    for source in board.sources:
        if source.at is not None or source.error:  # not before it was asked
            yield f"source {source.name}", Fact(source.state.value, source.error)
    yield from _world(board)
    yield from _response(board)


def _world(board: Board) -> Iterator[tuple[str, Fact]]:
    if board.rollout is not None:
        yield from _rollout(board, board.rollout)
    if any(proof.at is not None for proof in board.readiness.proofs):
        yield "can roll back", Fact(board.readiness.can.value)
    for row in board.health:
        if row.up.known:
            yield f"component {row.component}", Fact("up" if row.up.value else "DOWN", row.up.note)
    feed = board.feed
    if feed.at is not None:
        evidence = feed.evidence is ReadingState.OK
        yield "alerting", Fact("evidence" if evidence else "NO EVIDENCE OF ALERTING", feed.note)
        for alert in feed.alerts:
            if alert.name != feed.watchdog:
                name = f"alert {alert.name} {alert.fingerprint[:8]}"
                yield name, Fact(alert.state.value, alert.annotation("summary"), "left the feed")
                care = board.care.get(alert.fingerprint)
                if care is not None and care.acknowledges(alert):
                    yield f"owner of {name}", Fact(care.acknowledged_by, care.via, "nobody has it")


def _rollout(board: Board, rollout: Rollout) -> Iterator[tuple[str, Fact]]:
    if rollout.percent.value is not None:
        yield f"rollout {rollout.plan.name}", Fact(f"{number(rollout.percent.value, 1)} %")
    for item in rollout.guardrails:
        fact = _guardrail(item, judged_of(board, item.rule.name))
        if fact is not None:
            yield f"guardrail {item.rule.name}", fact
    if board.progress is not None and (found := to_roll_back(board.progress)):
        why = "; ".join(f"{title}: {why}" for title, why in found)
        yield "recommended", Fact("ROLL BACK", why, "no rollback is recommended any more")


def _guardrail(item: Guardrail, judged: Judged | None) -> Fact | None:
    """How it is judged, beside what its value alone says where that is worse; its value alone, where nothing judges."""
    value, level = item.value.value, item.level
    read = f"{value:.4g} {item.rule.unit}".strip() if value is not None else ""
    if judged is None or level is Level.NOT_IN_PHASE:
        return Fact(level.value, read) if value is not None else None
    verdict, _ = VERDICTS[judged.verdict]
    unsure = judged.verdict is Verdict.INCONCLUSIVE and level is Level.UNKNOWN
    alone = judged.verdict is Verdict.BREACH or level is Level.OK or unsure
    state = verdict if alone else f"{level.value}, {verdict}"
    said = "" if judged.value == value else read  # what is judged by its value says it already
    return Fact(state, "; ".join(filter(None, (said, judged.why, judged.caveat))))


def _response(board: Board) -> Iterator[tuple[str, Fact]]:
    for incident in board.incidents:
        name = incident.label if incident.number else incident.id[:8]
        lead = incident.commander or ("NOT ACKNOWLEDGED IN TIME" if incident.acknowledge_overdue else "nobody leads")
        yield f"incident {name}", Fact(f"{incident.severity} {incident.state}, {lead}", incident.title)
        yield from _told(incident, name)
    for run in board.runs:
        name = run.label if run.number else run.id[:8]
        yield f"run {name}", Fact(run.status.value, run.playbook.title)
        for step in run.playbook.steps:
            progress = run.steps[step.id]
            if progress.started_at is not None:
                late = progress.overdue_fired and progress.ended_at is None
                state = f"{progress.status}, attempt {progress.attempt}{', OVERDUE' if late else ''}"
                yield f"step {step.id} of {name}", Fact(state, progress.observed or progress.reason)
    if board.shift is not None:
        yield "shift", Fact(board.shift.operator, gone="nobody is on shift")
    for handoff in board.handoffs:
        yield f"handoff {handoff.label}", Fact(f"offered to {handoff.to}", gone="answered or withdrawn")
    for change in board.changes:
        if change.owed(board.at):
            yield f"change {change.label}", Fact(word(change, board.at)[0].strip(), change.what, "not owed any more")
    for message in not_sent(board, board.at):
        given_up = message.state is DeliveryState.FAILED
        subject = f"message to {message.channel} {message.id[:8]}"
        yield subject, Fact("NOT SENT, given up" if given_up else "NOT SENT", message.error, "sent, or not needed")


def _told(incident: Incident, name: str) -> Iterator[tuple[str, Fact]]:
    """Who was told, what PagerDuty says, and how the updates go."""
    if incident.escalations:
        last = incident.escalations[-1]
        whom = f"policy {last.pager}" if last.pager else reached(last.people)
        if last.nobody:
            whom = f"NOBODY ON CALL {whom}".strip()
        yield f"escalation of {name}", Fact(f"level {last.level} {last.role}".strip(), whom)
    for page in incident.pages.values():
        yield f"page {page.pager_id} of {name}", Fact(page.status.value, f"by {page.by}" if page.by else "")
    if incident.open and incident.update_overdue:
        yield f"update of {name}", Fact("OVERDUE", gone="sent, or not asked for any more")
