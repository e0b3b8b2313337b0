"""The post-incident review of one incident, as far as the record can fill it in, as data and as Markdown.

Nothing in it is guessed, and it says nothing about now: the same record gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo

from console import __version__
from console.model import events as ev
from console.model.alert import AlertRef
from console.model.message import Delivery, DeliveryState
from console.model.reading import ReadingState
from console.model.run import Run, StepRun
from console.reports import lanes, timeline
from console.reports.blind import blind_spots
from console.reports.history import BEFORE, History, Spell, worst
from console.reports.metrics import metrics, minutes, source, times_rows
from console.reports.render import Fixed, render
from console.reports.response import change_data, delivery_data, incident_data
from console.reports.values import Json, instant, number
from console.view.deliveries import pointless

Zone = Callable[[datetime], tzinfo | None]
"""The reader's own time zone at an instant."""

TURNS = ("mitigated", "resolved")
"""At these, what the incident has cost is read off."""
_BUDGET, _LEFT = "slo.", ".budget_left"


def document(history: History) -> Json:
    """The report, part by part."""
    incident, now = history.incident, history.end
    recorded = sorted(history.events, key=lambda item: (not item.saved, item.seq))
    told = timeline.document(incident, history.runs, recorded, history.changes)
    everything = incident_data(incident, history.runs, now)
    own = [item.seq for item in history.events if item.saved and not item.stream.startswith("rollout:")]
    return {
        "header": {
            "id": incident.id,
            "label": incident.label,
            "title": incident.title,
            "severity": incident.severity.value,
            "severity_max": worst(history).value,
            "state": incident.state.value,
            "kind": "real" if incident.mode == "live" else incident.mode.upper(),
            "environment": everything["environment"],
            "merged_into": incident.merged_label or incident.merged_into,
            "merged": [payload.label for _, payload in history.payloads(ev.IncidentMergedIn)],
            "oncall": __version__,
            "first_seq": min(own, default=None),
            "last_seq": max(own, default=None),
            "anchor": told["anchor"],
            "saved": all(item.saved for item in history.events),
        },
        "mode": incident.mode,
        "summary": _summary(history),
        "times": times_rows(history),
        "metrics": metrics(history),
        "impact": everything["impact"],
        "budgets": list(_budgets(history)),
        "rollout": _rollout(history),
        "roles": [_spell(spell) for spell in history.roles],
        "severities": [_spell(spell) for spell in history.severities],
        "timeline": [
            {"id": item.id, **row}
            for row, item in zip(told["events"], history.events, strict=True)
            if _worth(item, history)
        ],
        "lane": told["lane"],
        "decisions": everything["decisions"],
        "runs": [_run(run, data) for run, data in zip(history.runs, everything["runs"], strict=True)],
        "updates": list(_updates(history)),
        "updates_overdue": [
            {"due_at": instant(payload.due_at), "noticed_at": instant(item.occurred_at), **source(item)}
            for item, payload in history.payloads(ev.UpdateOverdue)
        ],
        "deliveries": _deliveries(history.deliveries),
        "escalations": everything["escalations"],
        "changes": [change_data(change, now) for change in history.changes],
        "tasks": [task for task in everything["tasks"] if task["kind"] == "task"],
        "action_items": [task for task in everything["tasks"] if task["kind"] != "task"],
        "blind_spots": list(blind_spots(history)),
        "alerts": [_alert(alert, history) for alert in incident.alerts],
        "pages": everything["pages"],
        "participants": _participants(history),
    }


def markdown(data: Json, zone: Zone = lambda _: None) -> str:
    """The document for people, with their own time beside UTC where `zone` gives one."""

    def local(text: str | None) -> str:
        if text is None:
            return "-"
        at = datetime.fromisoformat(text)
        here = zone(at)
        return "-" if here is None else at.astimezone(here).isoformat(sep=" ", timespec="seconds")

    def src(item: Json) -> str:
        return Fixed(f"#{item['seq']}") if item["seq"] else "not saved" if item["event"] else "-"

    return render(
        "incident.md.j2",
        **data,
        mark=timeline.mark,
        who=timeline.who,
        day=timeline.day,
        local=local,
        src=src,
        lanes=lanes.drawn(data["lane"]),
        span=lambda seconds: "-" if seconds is None else minutes(timedelta(seconds=seconds)),
        percent=lambda share: "-" if share is None else f"{share * 100:.4g} %",
    )


def _worth(item: ev.Recorded, history: History) -> bool:
    """Whether it belongs into the timeline: evidence has tables of its own, and a phase may have begun long before."""
    if isinstance(item.payload, ev.PhaseObserved):
        return item.occurred_at >= _began(history) - BEFORE
    return not isinstance(item.payload, ev.EvidenceTaken)


def _began(history: History) -> datetime:
    return history.time("impact_started") or history.incident.declared_at


def _summary(history: History) -> Json:
    """What can be said without a guess. The cause is what was said when it was identified."""
    declared = next((payload for _, payload in history.payloads(ev.IncidentDeclared)), None)
    causes = [p.reason for _, p in history.payloads(ev.IncidentStateChanged) if p.state == "identified" and p.reason]
    names = list(dict.fromkeys(alert.name for alert in declared.alerts)) if declared is not None else []
    by = f"alert {', '.join(names)}" if names else f"declared by {history.incident.declared_by}, no alert"
    return {
        "declared_by": str(history.incident.declared_by),
        "declared_at": instant(history.incident.declared_at),
        "detected_by": by,
        "cause": causes[-1] if causes else "",
    }


# -- what it cost -----------------------------------------------------------------------------------------------------


def _readings(history: History) -> dict[str, dict[str, ev.ReadingNote]]:
    """By moment, the last time it came, then by name. A moment without evidence is absent."""
    found = {payload.moment: payload.readings for _, payload in history.payloads(ev.EvidenceTaken)}
    return {moment: {note.name: note for note in notes} for moment, notes in found.items()}


def _budgets(history: History) -> Iterator[Json]:
    """Of each SLO: how much of its window's error budget the incident has used, or why that cannot be said."""
    evidence = _readings(history)
    first = next((p.readings for _, p in history.payloads(ev.EvidenceTaken) if p.moment == "declared"), ())
    before = {note.name: note for note in first}
    names = {name for notes in evidence.values() for name in notes if name.startswith(_BUDGET) and name.endswith(_LEFT)}
    for name in sorted(names):
        for turn in TURNS:
            if turn not in history.times:
                continue
            one, other = before.get(name), evidence.get(turn, {}).get(name)
            why = _unusable("declared", one) or _unusable(turn, other)
            spent = left = None
            if not why and one is not None and other is not None and one.value is not None and other.value is not None:
                spent, left = number(one.value - other.value), other.value
            yield {
                "slo": name.removeprefix(_BUDGET).removesuffix(_LEFT),
                "until": turn,
                "before": _note(one),
                "after": _note(other),
                "spent": spent,
                "exhausted": None if left is None else left <= 0,
                "why_not": why,
            }


def _unusable(moment: str, note: ev.ReadingNote | None) -> str:
    if note is None:
        return f"no reading when {moment}"
    if note.state is not ReadingState.OK or note.value is None:
        return f"the reading when {moment} was {note.state.value.replace('_', ' ')}"
    return ""


def _note(note: ev.ReadingNote | None) -> Json | None:
    if note is None:
        return None
    return {
        "name": note.name,
        "state": note.state.value,
        "value": None if note.value is None else number(note.value),
        "at": instant(note.at),
        "source": note.source,
        "n": note.n,
    }


def _rollout(history: History) -> Json:
    """Which phase was live when it began, and since when; what changed in the hour before; the guardrails."""
    began = _began(history)
    phases = [(item, payload) for item, payload in history.payloads(ev.PhaseObserved)]
    live = next(((item, payload) for item, payload in reversed(phases) if item.occurred_at <= began), None)
    return {
        "reference": "impact started" if history.time("impact_started") else "declared",
        "percent": None if live is None else number(live[1].percent),
        "since": None if live is None else instant(live[0].occurred_at),
        "baked_seconds": None if live is None else number((began - live[0].occurred_at).total_seconds()),
        "changes_before": [
            {"at": instant(item.occurred_at), "percent": number(payload.percent), "before": payload.before}
            for item, payload in phases
            if began - BEFORE <= item.occurred_at <= began
        ],
        "changes_during": [
            {"at": instant(item.occurred_at), "percent": number(payload.percent), "before": payload.before}
            for item, payload in phases
            if item.occurred_at > began
        ],
        "readings": [
            {"moment": payload.moment, "readings": [_note(note) for note in payload.readings]}
            for _, payload in history.payloads(ev.EvidenceTaken)
        ],
    }


# -- who did and said what --------------------------------------------------------------------------------------------


def _spell(spell: Spell) -> Json:
    return {
        "what": spell.what,
        "who": spell.who,
        "from": instant(spell.start),
        "to": instant(spell.end),
        **source(spell.event),
    }


def _run(run: Run, data: Json) -> Json:
    """A run with what its playbook had planned, and what each step took."""
    objective = run.playbook.objective
    return {
        **data,
        "title": run.playbook.title,
        "objective_seconds": None if objective is None else [number(item.total_seconds()) for item in objective],
        "steps": [{**step, "took_seconds": _took(run.steps[step["id"]])} for step in data["steps"]],
    }


def _took(step: StepRun) -> float | None:
    if step.started_at is None or step.ended_at is None:
        return None
    return number((step.ended_at - step.started_at).total_seconds())


def _updates(history: History) -> Iterator[Json]:
    posted = [item for item, _ in history.payloads(ev.UpdatePosted)]
    told: dict[str, list[Delivery]] = {}
    for one in history.deliveries:
        if posted and one.message.kind == posted[0].kind:  # made at the same moment, to the fraction of a second
            at = one.message.at
            nearest = min(posted, key=lambda item: abs(item.recorded_at - at))
            told.setdefault(nearest.id, []).append(one)
    for item, payload in history.payloads(ev.UpdatePosted):
        due = history.due.get(item.id)
        late = None if due is None else max((item.occurred_at - due).total_seconds(), 0.0)
        sent = told.get(item.id, [])
        yield {
            "at": instant(item.occurred_at),
            "by": str(item.actor),
            **source(item),
            "conditions": payload.conditions,
            "actions": payload.actions,
            "needs": payload.needs,
            "due_at": instant(due),
            "late_seconds": None if late is None else number(late),
            "sent_to": sorted({one.channel for one in sent if one.state is DeliveryState.SENT}),
            "not_sent_to": sorted({one.channel for one in sent if _not_sent(one)}),
        }


def _deliveries(deliveries: list[Delivery]) -> Json:
    """How many went out by channel, and each one that should have and did not."""
    sent: dict[str, int] = {}
    for item in deliveries:
        if item.state is DeliveryState.SENT:
            sent[item.channel] = sent.get(item.channel, 0) + 1
    return {
        "sent": dict(sorted(sent.items())),
        "not_sent": [delivery_data(item) for item in deliveries if _not_sent(item)],
        "not_needed": sum(pointless(item) for item in deliveries),
    }


def _not_sent(delivery: Delivery) -> bool:
    return delivery.state is not DeliveryState.SENT and not pointless(delivery)


def _alert(alert: AlertRef, history: History) -> Json:
    stream = f"alert:{alert.fingerprint}"
    return {
        "fingerprint": alert.fingerprint,
        "name": alert.name,
        "summary": alert.summary,
        "labels": dict(alert.labels),
        "starts_at": instant(alert.starts_at),
        "judged": [p.verdict.value for item, p in history.payloads(ev.AlertJudged) if item.stream == stream],
    }


def _participants(history: History) -> list[Json]:
    """Everybody who wrote something into the record of it, and what they were there."""
    found: dict[str, set[str]] = {}
    for item in history.events:
        if item.actor.name != "engine" and not item.stream.startswith("rollout:"):
            found.setdefault(str(item.actor), set())
    for spell in history.roles:
        key = next((name for name in found if name.partition(" (")[0] == spell.who), spell.who)
        found.setdefault(key, set()).add(spell.what)
    return [{"who": name, "roles": sorted(roles)} for name, roles in sorted(found.items())]
