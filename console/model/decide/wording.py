"""What is said of an event to people elsewhere: one line, a text, and facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from console.model import events as ev
from console.model.alert import AlertRef
from console.model.decision import the_step
from console.model.escalation import Reach
from console.model.incident import COMMANDER, Incident, IncidentState
from console.model.people import Actor
from console.model.run import Run
from console.model.value import value

NAMED = 5
"""How many alerts are named; the others are counted."""


@value
class Words:
    """`title` stands behind the incident's label; `facts` are (name, value) pairs."""

    title: str
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()


def clock(when: datetime | None) -> str:
    """An instant as messages say it; empty for none."""
    return f"{when:%Y-%m-%d %H:%M:%S}Z" if when is not None else ""


def facts(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Those that say something."""
    return tuple((name, what) for name, what in pairs if what)


def names(alerts: Iterable[AlertRef]) -> str:
    """The alerts' names, each once."""
    known = list(dict.fromkeys(alert.name for alert in alerts))
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return ", ".join(known[:NAMED]) + more


def persons(people: Iterable[Reach]) -> str:
    """People by name, and as Slack knows them."""
    return ", ".join(
        f"{reach.person} ({handle})" if (handle := dict(reach.ways).get("slack")) else reach.person for reach in people
    )


def told(level: ev.IncidentEscalated) -> str:
    """Who was told on a level: loudly, when that is nobody."""
    if level.pager:
        return f"{level.pager} in PagerDuty" + (f": {persons(level.people)}" if level.people else "")
    if any(reach.ways for reach in level.people):
        return f"{level.role}: {persons(level.people)}"
    return f"NOBODY can be reached as {level.role}"


def _late(seconds: float) -> tuple[str, str]:
    return "late", f"{seconds:.0f} s" if seconds else ""


def _declared(payload: ev.IncidentDeclared | ev.IncidentOpened, _: Incident | None, after: Incident) -> Words:
    triage = isinstance(payload, ev.IncidentOpened)
    return Words(
        f"in triage, {payload.severity} proposed: {payload.title}" if triage else payload.title,
        "",
        facts(
            ("alerts", names(payload.alerts)),
            ("impact since", clock(payload.impact_started_at)),
            ("acknowledge by", clock(payload.acknowledge_by)),
            *(("told", _level(item)) for item in after.escalations),
        ),
    )


def _level(item: Any) -> str:
    return told(ev.IncidentEscalated(item.level, item.role, item.people, pager=item.pager))


def _acknowledged(payload: ev.IncidentAcknowledged, _: Incident | None, after: Incident) -> Words:
    via = f" in {payload.via}" if payload.via else ""
    return Words(f"acknowledged{via} by {after.acknowledged_by}: {after.title}")


def _unacknowledged(payload: ev.IncidentUnacknowledged, before: Incident | None, after: Incident) -> Words:
    who = f" by {before.acknowledged_by}" if before is not None and before.acknowledged_by else ""
    due = facts(("acknowledge by", clock(payload.acknowledge_by)))
    return Words(f"no longer acknowledged{who}: {after.title}", payload.reason, due)


def _acknowledge_overdue(payload: ev.AcknowledgeOverdue, _: Incident | None, after: Incident) -> Words:
    due = facts(("due", clock(payload.due_at)), _late(payload.late_seconds))
    return Words(f"NOT ACKNOWLEDGED in time: {after.title}", "", due)


def _escalated(payload: ev.IncidentEscalated, _: Incident | None, after: Incident) -> Words:
    said = facts(("told", told(payload)), ("next level at", clock(payload.next_at)), _late(payload.late_seconds))
    return Words(f"escalated to level {payload.level}: {after.title}", payload.reason, said)


def _reassigned(payload: ev.PageReassigned, _: Incident | None, after: Incident) -> Words:
    people = ", ".join(reach.person for reach in payload.people)
    return Words(f"the page goes to {people}: {after.title}", payload.reason)


def _state_changed(payload: ev.IncidentStateChanged, _: Incident | None, after: Incident) -> Words:
    return Words(f"{payload.state}: {after.title}", payload.reason)


def _severity_changed(payload: ev.SeverityChanged, before: Incident | None, after: Incident) -> Words:
    was = f" (was {before.severity})" if before is not None else ""
    return Words(f"now {payload.severity}{was}: {after.title}", payload.reason)


def _role_assigned(payload: ev.RoleAssigned, before: Incident | None, _: Incident) -> Words | None:
    if payload.role != COMMANDER:
        return None
    was = f", after {before.commander}" if before is not None and before.commander else ""
    return Words(f"{payload.person} is {COMMANDER} now{was}")


def _update_posted(payload: ev.UpdatePosted, _: Incident | None, after: Incident) -> Words:
    parts = (("Conditions", payload.conditions), ("Actions", payload.actions), ("Needs", payload.needs))
    text = "\n".join(f"{name}: {what}" for name, what in parts if what)
    said = facts(("state", after.state.value), ("next update", clock(payload.next_due)))
    return Words(f"update: {after.title}", text, said)


def _update_overdue(payload: ev.UpdateOverdue, _: Incident | None, after: Incident) -> Words:
    due = facts(("due", clock(payload.due_at)), _late(payload.late_seconds), ("leads", after.commander or "nobody"))
    return Words(f"status update OVERDUE: {after.title}", "", due)


def _decision(payload: ev.DecisionRecorded, _: Incident | None, __: Incident) -> Words:
    return Words(
        f"decided: {payload.choice}",
        payload.reason,
        facts(
            ("options", "; ".join(payload.options)),
            ("objections", payload.objections),
            ("expected", payload.expected),
            ("check at", clock(payload.check_at)),
        ),
    )


def _merged(payload: ev.IncidentMerged, _: Incident | None, after: Incident) -> Words:
    into = payload.label or "another incident"
    return Words(f"{IncidentState.MERGED.value} into {into}: {after.title}", payload.reason)


def _note(payload: ev.NoteAdded, _: Incident | None, after: Incident) -> Words:
    return Words(f"note: {after.title}", payload.text)


_WORDS: Mapping[type[Any], Callable[[Any, Incident | None, Incident], Words | None]] = {
    ev.IncidentDeclared: _declared,
    ev.IncidentOpened: _declared,
    ev.IncidentAcknowledged: _acknowledged,
    ev.IncidentUnacknowledged: _unacknowledged,
    ev.AcknowledgeOverdue: _acknowledge_overdue,
    ev.IncidentEscalated: _escalated,
    ev.PageReassigned: _reassigned,
    ev.IncidentStateChanged: _state_changed,
    ev.SeverityChanged: _severity_changed,
    ev.RoleAssigned: _role_assigned,
    ev.UpdatePosted: _update_posted,
    ev.UpdateOverdue: _update_overdue,
    ev.DecisionRecorded: _decision,
    ev.IncidentMerged: _merged,
    ev.NoteAdded: _note,
}


def words(payload: Any, before: Incident | None, after: Incident) -> Words | None:
    """What is said of an event of an incident; None for what is nobody's business elsewhere."""
    rule = _WORDS.get(type(payload))
    return rule(payload, before, after) if rule is not None else None


# -- runs of playbooks ------------------------------------------------------------------------------------------------


def _step_overdue(payload: ev.StepOverdue, run: Run, _: Actor) -> Words:
    step = run.playbook.step(payload.step)
    owner = run.steps[step.id].owner or step.owner
    due = facts(("owner", owner), ("due", clock(payload.due_at)))
    return Words(f"step OVERDUE: {step.title} ({run.playbook.title})", "", due)


def _glass_broken(payload: ev.StepCompleted | ev.StepAsked | ev.StepSkipped, run: Run, actor: Actor) -> Words | None:
    if not payload.break_glass:
        return None
    title = f"GLASS BROKEN by {actor}: {run.playbook.step(payload.step).title} ({run.playbook.title})"
    return Words(title, payload.break_glass, facts(("target", run.target)))


def _held(payload: ev.RunHeld, run: Run, _: Actor) -> Words:
    return Words(f"ON HOLD: {run.playbook.title}", payload.reason)


def _resumed(payload: ev.RunResumed, run: Run, _: Actor) -> Words:
    return Words(f"goes on: {run.playbook.title}", payload.reason)


_RUN_WORDS: Mapping[type[Any], Callable[[Any, Run, Actor], Words | None]] = {
    ev.StepOverdue: _step_overdue,
    ev.StepCompleted: _glass_broken,
    ev.StepAsked: _glass_broken,
    ev.StepSkipped: _glass_broken,
    ev.RunHeld: _held,
    ev.RunResumed: _resumed,
}

RUN_EVENTS = tuple(_RUN_WORDS)
"""The events of a run that may be told."""


def run_words(payload: Any, run: Run, actor: Actor) -> Words | None:
    """What is said of an event of a run; None for what is only in the record."""
    rule = _RUN_WORDS.get(type(payload))
    return rule(payload, run, actor) if rule is not None else None


def against(payload: Any) -> Words | None:
    """What is said of a decision to go on against its findings; None of any other."""
    if not isinstance(payload, ev.DecisionCertified) or not payload.override or payload.status == "NO-GO":
        return None
    waived = [f"{item.title}: {item.outcome}" for item in payload.findings if item.waived]
    step = the_step(payload.from_percent, payload.to_percent)
    alone = "" if payload.second else ", ALONE: the glass is broken"
    return Words(
        f"rollout: {payload.status} for {step} against the findings{alone}",
        payload.override,
        facts(
            ("against", "; ".join(waived)),
            ("by the rule", payload.verdict),
            ("agreed", payload.second),
            ("why alone", payload.break_glass),
            ("dissent", payload.dissent),
        ),
    )
