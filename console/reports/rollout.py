"""The rollout as data: where the record says it is, and the evidence beside it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any

from console.model.capacity import Headroom
from console.model.decision import Proposal
from console.model.people import Actor
from console.model.progress import Progress
from console.model.rolling import FlagWrite, RolloutRecord
from console.model.verdict import Judged
from console.reports.values import Json, instant, number, reading_data


def record_data(record: RolloutRecord) -> Json:
    """What the record says."""
    return {
        "target": record.target,
        "plan": record.plan,
        "plan_hash": record.plan_hash,
        "revision": record.revision,
        "state": record.state.value,
        "percent": _number(record.percent),
        "started_at": instant(record.started_at),
        "begun_by": _who(record.begun_by),
        "ended_at": instant(record.ended_at),
        "reason": record.reason,
        "bake_since": instant(record.bake_since),
        "safe_percent": number(record.safe),
        "held": _held(record),
        "breaches": [
            {"guardrail": item.guardrail, "since": instant(item.since), "why": item.why, "fast": item.fast}
            for item in record.breaches.values()
        ],
        "disagrees_since": instant(record.disagrees_since),
        "countdown": (
            None if record.countdown is None else {"at": instant(record.countdown.at), "why": record.countdown.why}
        ),
        "rollback": (
            {"run": record.run, "since": instant(record.rollback_since), "automatic": record.automatic}
            if record.run
            else None
        ),
        "write": None if record.write is None else _write(record.write),
        "open_writes": [_write(item) for item in (record.write, *record.doubtful) if item is not None and item.open],
        "phases": [
            {
                "percent": number(stay.percent),
                "revision": stay.revision,
                "entered_at": instant(stay.entered_at),
                "left_at": instant(stay.left_at),
                "by": _who(stay.by),
                "measured": _number(stay.measured),
            }
            for stay in record.stays
        ],
        "saved": not record.unsaved,
    }


def progress_data(progress: Progress, now: datetime) -> Json:
    """The record with its evidence, as it stands at `now`."""
    plan = progress.plan
    left = progress.bake_left(now)
    return {
        "plan": {
            "name": plan.name,
            "hash": plan.hash,
            "flag": plan.flag,
            "phases": [number(phase) for phase in plan.phases],
            "auto_rollback_seconds": None if plan.auto is None else number(plan.auto.countdown.total_seconds()),
        },
        "state": progress.state(now).value,
        "next_percent": _number(progress.next_percent),
        "bake_left_seconds": None if left is None else number(left.total_seconds()),
        "flag": reading_data(progress.flag),
        "measured": reading_data(progress.share),
        "samples": reading_data(progress.samples),
        "guardrails": [judged_data(item) for item in progress.judged],
        "capacity": [_headroom(item) for item in progress.headroom],
        "proposal": None if progress.proposal is None else _proposal(progress.proposal),
        "decisions": [
            {"id": item.label, "from_percent": item.from_percent, "to_percent": item.to_percent, "status": item.status}
            for item in progress.decisions
        ],
        "risks": [{"id": item.risk.id, "title": item.risk.title, "live": item.live} for item in progress.risks],
        "record": record_data(progress.record),
    }


def _number(value: float | None) -> float | None:
    return None if value is None else number(value)


def _who(actor: Actor | None) -> str | None:
    return None if actor is None else actor.name


def _held(record: RolloutRecord) -> Json | None:
    if record.held_by is None:
        return None
    return {"by": record.held_by.name, "at": instant(record.held_at), "reason": record.held_reason}


def _write(write: FlagWrite) -> Json:
    return _plain(asdict(write)) | {"by": write.by.name}


def judged_data(item: Judged) -> Json:
    """How a guardrail was judged: the verdict, the value with its limit and the margin, what it rests on, and what is
    missing. Shares are 0 to 1, `more` is in seconds."""
    return _plain(asdict(item)) | {"margin": _number(item.margin)}


def _headroom(item: Headroom) -> Json:
    return {
        "name": item.capacity.name,
        "title": item.capacity.title,
        "unit": item.capacity.unit,
        "level": item.level.value,
        "used": reading_data(item.used),
        "limit": reading_data(item.limit),
        "need": None if item.need is None else reading_data(item.need),
        "share": _number(item.share),
        "next_share": _number(item.next_share),
    }


def _proposal(item: Proposal) -> Json:
    return {
        "from_percent": number(item.from_percent),
        "to_percent": number(item.to_percent),
        "answer": item.answer.value,
        "at": instant(item.at),
        "holding": [{"name": finding.name, "outcome": finding.outcome} for finding in item.holding],
    }


def _plain(fields: dict[str, Any]) -> Json:
    """Values as JSON has them: instants as texts, lengths in seconds."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return instant(value)
        if isinstance(value, Enum):
            return value.value
        if hasattr(value, "total_seconds"):
            return number(value.total_seconds())
        return number(value) if isinstance(value, float) else value

    return {name: plain(value) for name, value in fields.items()}
