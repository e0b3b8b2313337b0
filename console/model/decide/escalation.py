"""The levels of the severity matrix: who is told, in what order, and once.

Levels count on and on, so that "escalated as of level 1" names one moment: what is told after the last level, because
an acknowledgement was lost or somebody asked for more, is told to the last role again, as a level of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import AlertRef
from console.model.decide.context import Batch, Context, Refusal
from console.model.decide.find import find_urgent, on
from console.model.decide.foresight import foresee
from console.model.escalation import Reach, Team
from console.model.incident import Incident, IncidentState
from console.model.people import ESCALATION, Severity
from console.model.state import State


def roles(severity: Severity, context: Context) -> tuple[str, ...]:
    """The roles that are told, level by level."""
    rule = context.rule(severity)
    return (rule.escalation if rule is not None else ()) or ESCALATION


def paged_elsewhere(incident: Incident, context: Context) -> bool:
    """Whether a policy of PagerDuty pages for it in our place. Whoever escalates or declares while PagerDuty does not
    answer wants somebody to be told now, by whatever way is left."""
    return bool(incident.paged_by) and not context.pager_silent


def levels_left(incident: Incident, context: Context) -> bool:
    """Whether there is a level that was not told yet, of a severity that asks for an answer at all."""
    asks = context.rule(incident.severity) is not None and incident.state is not IncidentState.TRIAGE
    return asks and incident.level < len(roles(incident.severity, context))


def matched_teams(alerts: Iterable[AlertRef], context: Context) -> list[tuple[Team, tuple[Reach, ...]]]:
    """The teams whose labels one of the alerts carries."""
    labels = [dict(alert.labels) for alert in alerts]
    return [
        (team, people)
        for team, people in context.teams
        if any(all(matcher.matches(one) for matcher in team.matchers) for one in labels)
    ]


def told_now(
    incident: Incident,
    context: Context,
    *,
    reason: str = "",
    due_at: datetime | None = None,
    late_seconds: float = 0.0,
) -> list[ev.IncidentEscalated]:
    """The next level, and at once the one after it where nobody can be reached. In triage one level, and no clock."""
    ladder = roles(incident.severity, context)
    triage = incident.state is IncidentState.TRIAGE
    clock = context.acknowledge_by(incident.severity)
    events: list[ev.IncidentEscalated] = []
    level = incident.level
    while True:
        level += 1
        role = ladder[min(level, len(ladder)) - 1]
        people = _holders(role, level, incident, context)
        reached, last = any(reach.ways for reach in people), triage or level >= len(ladder)
        next_at = None if last else clock if reached else context.now
        events.append(ev.IncidentEscalated(level, role, people, next_at, due_at, late_seconds, reason))
        if reached or last:
            return events


def _holders(role: str, level: int, incident: Incident, context: Context) -> tuple[Reach, ...]:
    """Whoever holds the role, and on the first level the teams; each person once."""
    found = list(context.rota.get(role, ()))
    if level == 1:
        found += [reach for _, people in matched_teams(incident.alerts, context) for reach in people]
    persons: dict[str, Reach] = {}
    for reach in found:
        persons.setdefault(reach.person, reach)
    return tuple(persons.values())


def given_back(incident: Incident, reason: str, via: str, context: Context) -> list[Any]:
    """The loss of an acknowledgement, and the escalation that goes on with it."""
    lost = ev.IncidentUnacknowledged(reason, context.acknowledge_by(incident.severity), via=via)
    after = foresee(incident, incident.stream, [lost], context)
    asks = context.rule(after.severity) is not None and after.state is not IncidentState.TRIAGE
    goes_on = asks and not paged_elsewhere(after, context)
    return [lost, *(told_now(after, context) if goes_on else ())]


def escalate(state: State, command: cmd.Escalate, context: Context) -> list[Batch]:
    """Tells the next level now, also while somebody has it: they may need more people. Two who press it at once have
    escalated once."""
    incident = find_urgent(state, command.incident, "an escalation")
    if incident.level != command.as_of_level:
        last = incident.escalations[-1] if incident.escalations else None
        if last is None:
            raise Refusal(f"{incident.label} is not escalated yet: it stands at level 0")
        to = f"level {last.level} ({last.pager or last.role})"
        raise Refusal(f"{incident.label} was escalated to {to} by {last.by} at {last.at:%H:%M:%S}Z")
    return on(incident, *next_level(incident, command.reason.strip(), context))


def next_level(incident: Incident, reason: str, context: Context) -> list[ev.IncidentEscalated]:
    """What tells the next level because somebody, or a step of a playbook, asks for it: PagerDuty does where its policy
    pages, and our own rota where not, or where PagerDuty does not answer."""
    if paged_elsewhere(incident, context):
        return [ev.IncidentEscalated(incident.level + 1, "", (), reason=reason, pager=incident.paged_by)]
    if incident.paged_by or incident.pager_silent_since:
        reason = "; ".join(filter(None, (reason, "PagerDuty does not answer")))
    return told_now(incident, context, reason=reason)
