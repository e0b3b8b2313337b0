"""The response as plain data: what an incident is made of, alerts with their owners, silences, changes, messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.model.alert import Alert
from console.model.board import Board
from console.model.care import AlertCare
from console.model.change import Change
from console.model.escalation import Reach
from console.model.incident import Incident
from console.model.message import Delivery
from console.model.pager import PagerIncident
from console.model.response import Task
from console.model.run import Run
from console.model.silence import Silence
from console.reports import snapshot
from console.reports.runs import summary
from console.reports.values import Json, instant


def incident_data(incident: Incident, runs: Sequence[Run], now: datetime) -> Json:
    """One incident with everything that its own stream says, and its runs."""
    return {
        **summary(incident, runs, now),
        "estimated": sorted(incident.estimated),
        "acknowledged_via": incident.acknowledged_via,
        "level": incident.level,
        "escalate_at": instant(incident.escalate_at),
        "escalations": [
            {
                "level": item.level,
                "role": item.role,
                "at": instant(item.at),
                "people": [reach_data(reach) for reach in item.people],
                "reason": item.reason,
                "pager": item.pager,
                "by": item.by,
                "late_seconds": item.late_seconds,
                "nobody": item.nobody,
            }
            for item in incident.escalations
        ],
        "update_due": instant(incident.update_due),
        "update_overdue": incident.update_overdue,
        "updates": [
            {
                "at": instant(item.at),
                "by": str(item.by),
                "conditions": item.conditions,
                "actions": item.actions,
                "needs": item.needs,
                "next_due": instant(item.next_due),
            }
            for item in incident.updates
        ],
        "tasks": [task_data(item) for item in incident.tasks.values()],
        "decisions": [
            {
                "id": item.id,
                "at": instant(item.at),
                "by": str(item.by),
                "choice": item.choice,
                "reason": item.reason,
                "options": list(item.options),
                "objections": item.objections,
                "expected": item.expected,
                "check_at": instant(item.check_at),
                "observed": item.observed,
                "observed_at": instant(item.observed_at),
            }
            for item in incident.decisions.values()
        ],
        "impact": [
            {"what": item.what, "value": item.value, "evidence": item.evidence, "at": instant(item.at)}
            for item in incident.impact
        ],
        "pages": [
            {
                "pager_id": item.pager_id,
                "adopted": item.adopted,
                "status": item.status.value,
                "by": item.by,
                "level": item.level,
                "policy": item.policy,
                "silent_since": instant(item.silent_since),
                "assigned_to": list(item.assigned_to),
                "url": item.url,
            }
            for item in incident.pages.values()
        ],
        "merged_into": incident.merged_into,
        "merged_label": incident.merged_label,
        "merged": list(incident.merged),
    }


def task_data(task: Task) -> Json:
    """One task, or action item; `outcome` is empty while it is open."""
    return {
        "id": task.id,
        "kind": task.kind,
        "text": task.text,
        "owner": task.owner,
        "added_at": instant(task.added_at),
        "due_at": instant(task.due_at),
        "outcome": task.outcome,
        "result": task.result,
        "ended_at": instant(task.ended_at),
    }


def reach_data(reach: Reach) -> Json:
    """One person, and every way there is to them."""
    return {"person": reach.person, "ways": [{"way": way, "address": address} for way, address in reach.ways]}


def change_data(change: Change, now: datetime) -> Json:
    """One temporary change. `in_force` is true, too, where nobody knows."""
    return {
        "id": change.id,
        "label": change.label,
        "kind": change.kind.value,
        "target": change.target,
        "what": change.what,
        "undo": change.undo,
        "state": change.state.value,
        "in_force": change.in_force(now),
        "owed": change.owed(now),
        "incident": change.incident or None,
        "made_at": instant(change.made_at),
        "made_by": str(change.made_by),
        "expires_at": instant(change.expires_at),
        "remote": change.remote,
        "answer": change.answer,
        "handed_to": change.handed_to,
        "ended_at": instant(change.ended_at),
        "ended_by": str(change.ended_by) if change.ended_by else None,
    }


def delivery_data(delivery: Delivery) -> Json:
    """One message of the outbox."""
    return {
        "id": delivery.id,
        "channel": delivery.channel,
        "act": delivery.act.value,
        "state": delivery.state.value,
        "title": delivery.message.title,
        "label": delivery.message.label,
        "subject": delivery.message.subject,
        "queued_at": instant(delivery.queued_at),
        "ended_at": instant(delivery.ended_at),
        "attempts": delivery.attempts,
        "error": delivery.error,
        "receipt": delivery.receipt,
    }


def silence_data(silence: Silence) -> Json:
    """One silence as its Alertmanager keeps it."""
    return {
        "id": silence.id,
        "cluster": silence.cluster,
        "state": silence.state.value,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "starts_at": instant(silence.starts_at),
        "ends_at": instant(silence.ends_at),
        "created_by": silence.created_by,
        "comment": silence.comment,
    }


def alert_data(alert: Alert, board: Board) -> Json:
    """One alert with its owner, its page, its verdict and the incidents that it is linked to."""
    care = board.care.get(alert.fingerprint, AlertCare(alert.fingerprint))
    mine = care.acknowledges(alert)
    page = board.feed.pages.get(alert.fingerprint)
    return {
        **snapshot.alert_data(alert),
        "muted_by": list(alert.muted_by),
        "receivers": list(alert.receivers),
        "paged": alert.paged,
        "acknowledged_by": care.acknowledged_by if mine else None,
        "acknowledged_at": instant(care.acknowledged_at) if mine else None,
        "acknowledged_via": care.via if mine else "",
        "verdict": care.verdict.value if care.verdict else None,
        "notes": [{"at": instant(at), "by": who, "text": text} for at, who, text in care.notes],
        "page": page_data(page) if page is not None else None,
        "incidents": [
            incident.label
            for incident in board.incidents
            if any(item.fingerprint == alert.fingerprint for item in incident.alerts)
        ],
    }


def care_data(care: AlertCare) -> Json:
    """What people said about an alert. The owner is that of the firing at `firing`."""
    return {
        "fingerprint": care.fingerprint,
        "name": care.name,
        "acknowledged_by": care.acknowledged_by or None,
        "acknowledged_at": instant(care.acknowledged_at),
        "via": care.via,
        "firing": instant(care.firing),
        "verdict": care.verdict.value if care.verdict else None,
        "verdict_by": str(care.verdict_by) if care.verdict_by else None,
        "verdict_note": care.verdict_note,
        "notes": [{"at": instant(at), "by": who, "text": text} for at, who, text in care.notes],
    }


def page_data(page: PagerIncident) -> Json:
    """The PagerDuty incident that pages for an alert."""
    return {
        "id": page.id,
        "number": page.number,
        "status": page.status.value,
        "urgency": page.urgency,
        "policy": page.escalation_policy,
        "level": page.level,
        "assigned_to": list(page.assigned_to),
        "acknowledged_by": page.acknowledged_by,
        "url": page.url,
    }
