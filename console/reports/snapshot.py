"""What `oncall status --json` prints: the Board as plain data, the same to the byte for the same Board."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from console.model.alert import Alert
from console.model.board import AlertFeed, Board, Health, SourceStatus
from console.model.estimate import Drain, Estimate, Remaining
from console.model.message import ChannelProof
from console.model.progress import Progress
from console.model.reading import Reading, ReadingState
from console.model.rollback import Readiness
from console.model.rollout import Guardrail, Level, Rollout
from console.model.shift import Shift
from console.model.slo import SloGauge
from console.model.verdict import Judged, Verdict
from console.reports.rollout import judged_data
from console.reports.runs import summary
from console.reports.values import Json, instant, number, reading_data
from console.view.rollout_words import to_roll_back


def snapshot(board: Board) -> Json:
    """The Board under the keys `at, mode, environment, sources, slos, rollout, rollback, alerts, incidents, shift,
    channels`.

    Everything measured is a `{state, value, at, source, n}`, with further keys beside them.
    """
    return {
        "at": instant(board.at),
        "mode": board.mode,
        "environment": str(board.target),
        "sources": [_source(status, board) for status in board.sources],
        "slos": [slo_data(gauge) for gauge in board.slos],
        "rollout": _rollout(board.rollout, board.progress, board.at) if board.rollout is not None else None,
        "rollback": rollback_data(board.readiness, board.at),
        "alerts": _alerts(board.feed),
        "incidents": [summary(item, board.runs, board.at) for item in board.incidents],
        "shift": shift_data(board.shift) if board.shift is not None else None,
        "channels": [
            proof_data(board.proofs.get(name, ChannelProof(name)), board.at)
            for name in dict.fromkeys([*(channel.name for channel in board.channels), *sorted(board.proofs)])
        ],
    }


def proof_data(proof: ChannelProof, now: datetime) -> Json:
    """When a channel, or an Alertmanager, was last proven by a test: proven, failed, or unproven."""
    age = None if proof.proven_at is None else (now - proof.proven_at).total_seconds()
    return {
        "name": proof.channel,
        "state": proof.standing,
        "proven_at": instant(proof.proven_at),
        "age_seconds": None if age is None else number(max(age, 0.0)),
        "by": proof.by,
        "evidence": proof.evidence,
        "failed_at": instant(proof.failed_at),
        "error": proof.error,
    }


def _source(status: SourceStatus, board: Board) -> Json:
    answers = None if status.state is ReadingState.NO_DATA else status.state is not ReadingState.UNREACHABLE
    data: Json = {
        "name": status.name,
        "state": status.state.value,
        "value": answers,
        "at": instant(status.at),
        "source": status.name,
        "n": None,
        "error": status.error,
        "note": status.note,
    }
    if status.name == "health":
        data["components"] = [_component(row, board.at) for row in board.health]
    return data


def _component(row: Health, now: datetime) -> Json:
    return {"name": row.component, **reading_data(row.up), "legacy": row.legacy, "critical": row.critical(now)}


def slo_data(gauge: SloGauge) -> Json:
    """A gauge. Durations are in seconds; what was computed from a reading has its evidence."""
    objective, hour, window = gauge.objective, gauge.burn, gauge.ratio
    forecast = gauge.forecast
    return {
        "name": objective.name,
        "title": objective.title,
        "service": objective.service,
        "objective": number(objective.target),
        "window_seconds": int(objective.period.total_seconds()),
        "basis": gauge.basis,
        "where": objective.where,
        "ratio": reading_data(gauge.ratio),
        "budget_left": reading_data(gauge.budget_left),
        "to_date": reading_data(gauge.to_date) if gauge.to_date is not None else None,
        "burn": reading_data(gauge.burn),
        "burns": {name: reading_data(reading) for name, reading in gauge.burns.items()},
        "alerts": [
            {
                "urgency": item.rule.urgency.value,
                "long": item.rule.long,
                "short": item.rule.short,
                "factor": number(item.factor),
                "firing": item.firing,
            }
            for item in gauge.alerts
        ],
        "coverage": _from(window, gauge.coverage),
        "bounds": None if gauge.bounds is None else _from(window, [number(item) for item in gauge.bounds]),
        "interval": None if gauge.interval is None else _from(hour, [number(item) for item in gauge.interval]),
        "forecast": forecast
        and {
            **_from(
                gauge.budget_left,
                {
                    "p10": _seconds(forecast.p10),
                    "p50": _seconds(forecast.p50),
                    "p90": _seconds(forecast.p90),
                    "never": number(forecast.never),
                    "horizon": _seconds(forecast.horizon),
                },
            ),
            "at": instant(forecast.at),
            "n": forecast.n,
        },
    }


def _from(reading: Reading[Any], value: Any) -> Json:
    """A value with the evidence of the reading that it was computed from."""
    return {**reading_data(reading), "value": number(value) if isinstance(value, float) else value}


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else number(length.total_seconds())


def _rollout(rollout: Rollout, progress: Progress | None, now: datetime) -> Json:
    left = progress.bake_left(now) if progress is not None else None
    judged = {item.guardrail: item for item in progress.judged} if progress is not None else {}
    back = to_roll_back(progress) if progress is not None else []
    return {
        "name": rollout.plan.name,
        "phases": [number(phase) for phase in rollout.plan.phases],
        "phase": rollout.phase,
        "percent": reading_data(rollout.percent),
        "since": reading_data(rollout.since),
        "bake_left_seconds": None if left is None else number(left.total_seconds()),
        "level": rollout.level.value,
        "guardrails": [_guardrail(item, judged.get(item.rule.name)) for item in rollout.guardrails],
        "verdict": _verdict(rollout, judged),
        "recommendation": (
            {"act": "roll back", "why": [{"guardrail": title, "why": why} for title, why in back]} if back else None
        ),
    }


def _verdict(rollout: Rollout, judged: Mapping[str, Judged]) -> str | None:
    """That of all guardrails of the phase: a breach of one is one, a pass is a pass of each. None: nothing judges."""
    verdicts = {item.verdict for item in judged.values()}
    asked = {item.rule.name for item in rollout.guardrails if item.level is not Level.NOT_IN_PHASE}
    if Verdict.BREACH in verdicts:
        return Verdict.BREACH.value
    if not verdicts:
        return None
    passed = verdicts == {Verdict.PASS} and asked <= judged.keys()
    return Verdict.PASS.value if passed else Verdict.INCONCLUSIVE.value


def _guardrail(item: Guardrail, judged: Judged | None) -> Json:
    rule = item.rule
    return {
        "name": rule.name,
        "title": rule.title,
        "unit": rule.unit,
        "warning": rule.warning,
        "critical": rule.critical,
        "breach": rule.breach,
        "phases": [number(phase) for phase in rule.phases],
        "min_samples": rule.min_samples,
        "samples": None if item.samples is None else reading_data(item.samples),
        "level": item.level.value,
        "judged": None if judged is None else judged_data(judged),
        **reading_data(item.value),
    }


def rollback_data(readiness: Readiness, now: datetime) -> Json:
    """Whether a rollback is possible, how long it would take and until when it may begin. `minutes` and `p_within` are
    of the whole; what drills alone say of people's steps is in `human_minutes`. None: nobody knows, and where it stands
    for `estimated_at`, that it is of now."""
    estimate, deadline = readiness.estimate, readiness.deadline
    minutes = None if estimate.p50 is None else _minutes(estimate)
    return {
        "can": readiness.can_at(now).value,
        "proofs": [
            {
                "name": proof.name,
                "title": proof.title,
                "state": proof.state_at(now).value,
                "at": instant(proof.at),
                "expires_at": instant(proof.expires_at),
                "evidence": proof.evidence,
                "source": proof.source,
                "value": None if proof.value is None else number(proof.value),
                "unit": proof.unit,
            }
            for proof in readiness.proofs
        ],
        "minutes": None if estimate.human_only else minutes,
        "human_minutes": minutes if estimate.human_only else None,
        "p_within": {str(limit): number(share) for limit, share in estimate.within} or None,
        "runs": estimate.runs,
        "runs_effective": number(estimate.effective),
        "newest_at": instant(estimate.newest),
        "plan_changed": estimate.plan_changed,
        "statement": estimate.statement,
        "estimated_at": instant(estimate.at),
        "calibration": {"scored": estimate.scored, "inside_80": estimate.inside},
        "drivers": [
            {"step": item.step, "title": item.title, "minutes": number(item.seconds / 60), "live": item.live}
            for item in estimate.drivers
        ],
        "drain": None if estimate.drain is None else _drain(estimate.drain),
        "no_return_at": instant(deadline.at),
        "no_return": {"passed": deadline.passed, "why": deadline.why},
        "remaining": None if readiness.remaining is None else _remaining(readiness.remaining),
    }


def _minutes(found: Estimate | Drain | Remaining) -> Json:
    said = {"p50": found.p50, "p80": found.p80, "p95": found.p95}
    return {name: None if seconds is None else number(seconds / 60) for name, seconds in said.items()}


def _drain(drain: Drain) -> Json:
    return {
        "at": instant(drain.at),
        "items": number(drain.items),
        "bound": drain.bound or None,
        "never": drain.never,
        "minutes": None if drain.p50 is None else _minutes(drain),
        "most_minutes": None if drain.most is None else number(drain.most / 60),
        "cut_after_minutes": None if drain.cut_after is None else number(drain.cut_after / 60),
        "cut_items": None if drain.cut is None else number(drain.cut),
        "why": drain.why,
    }


def _remaining(left: Remaining) -> Json:
    return {
        "run": left.run,
        "elapsed_minutes": number(left.elapsed / 60),
        "minutes": None if left.p50 is None else _minutes(left),
        "pace": number(left.pace),
        "estimated_at": instant(left.at),
        "objective_minutes": None if left.within is None else number(left.within.total_seconds() / 60),
    }


def _alerts(feed: AlertFeed) -> Json:
    known = feed.at is not None
    return {
        "state": feed.evidence.value,
        "value": len(feed.active) if known else None,
        "at": instant(feed.at),
        "source": "alertmanager",
        "n": len(feed.alerts) if known else None,
        "note": feed.note,
        "items": [alert_data(alert) for alert in feed.alerts],
    }


def alert_data(alert: Alert) -> Json:
    """One alert as its source tells it."""
    return {
        "fingerprint": alert.fingerprint,
        "name": alert.name,
        "severity": alert.severity,
        "state": alert.state.value,
        "starts_at": instant(alert.starts_at),
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "silenced_by": list(alert.silenced_by),
        "inhibited_by": list(alert.inhibited_by),
        "group": alert.group,
        "source": alert.source,
    }


def shift_data(shift: Shift) -> Json:
    """One shift with its watch items and notes."""
    return {
        "id": shift.id,
        "operator": shift.operator,
        "began_at": instant(shift.began_at),
        "ended_at": instant(shift.ended_at),
        "watch": [
            {
                "id": item.id,
                "text": item.text,
                "until": instant(item.until),
                "added_at": instant(item.added_at),
                "by": str(item.by),
                "closed_at": instant(item.closed_at),
                "reason": item.reason,
            }
            for item in shift.watch.values()
        ],
        "notes": [{"at": instant(at), "by": who, "text": text} for at, who, text in shift.notes],
    }
