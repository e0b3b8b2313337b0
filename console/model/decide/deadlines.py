"""Deadlines: absolute instants that survive a restart and become an event once.

Status updates and acknowledgements that are overdue, steps that are, and levels that are told next. That a task is due,
or that somebody should look what came of a decision, is shown and is no event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from console.model import events as ev
from console.model.decide.announce import announce
from console.model.decide.context import Batch, Context
from console.model.decide.escalation import told_now
from console.model.decide.foresight import Draft
from console.model.decide.pager import given_up, unheard
from console.model.decide.runs import due
from console.model.incident import QUIET, Incident, IncidentState
from console.model.people import SeverityRule
from console.model.state import State
from console.model.value import value

ON_TIME_SECONDS = 2.0
"""A deadline that fires within this is on time; later ones say by how much."""


@value
class _Deadline:
    """Something that is due. `event` says so; None: the next level is told."""

    at: datetime
    of: Incident
    event: Any = None

    def events(self, context: Context, late_seconds: float) -> list[Any]:
        """What has happened, by passing."""
        if self.event is None:
            reason = unheard(self.of)
            return [*told_now(self.of, context, reason=reason, due_at=self.at, late_seconds=late_seconds)]
        if isinstance(self.event, ev.PagerSilent):
            return given_up(self.of, self.event.since, self.at, late_seconds, context)
        return [replace(self.event, late_seconds=late_seconds)]


def _pending(
    state: State, target: str, severities: Iterable[SeverityRule], pager_unheard: datetime | None
) -> Iterator[_Deadline]:
    """Every deadline of the incidents on a target that has not fired."""
    for incident in state.incidents.values():
        if incident.state not in QUIET and incident.target == target:
            yield from _of_incident(incident)
            yield from _of_its_page(incident, severities, pager_unheard)


def _of_incident(incident: Incident) -> Iterator[_Deadline]:
    update = incident.update_due
    if update is not None and not incident.update_overdue:
        yield _Deadline(update, incident, ev.UpdateOverdue(update))
    if incident.acknowledged_at is not None:
        return
    answer = incident.acknowledge_by
    if answer is not None and not incident.acknowledge_overdue:
        yield _Deadline(answer, incident, ev.AcknowledgeOverdue(answer))
    level = _next_level(incident)
    if level is not None:
        yield _Deadline(level, incident)


def _next_level(incident: Incident) -> datetime | None:
    """When the next level is told. Where a policy of PagerDuty pages, its own clock does that; ours goes on once the
    page is resolved there and nobody has the incident."""
    if incident.escalate_at is None or incident.paged_by:
        return None
    over = [link.changed_at for link in incident.pages.values() if link.policy and link.changed_at is not None]
    return max([incident.escalate_at, *over])


def _of_its_page(
    incident: Incident, severities: Iterable[SeverityRule], pager_unheard: datetime | None
) -> Iterator[_Deadline]:
    """PagerDuty has paged for it, says nothing since, and the severity waits no longer for an answer."""
    if pager_unheard is None or incident.acknowledged_at is not None or not incident.paged_by:
        return
    if incident.state is IncidentState.TRIAGE:
        return
    # Whoever was the engine before may have heard of it later than we did.
    seen = [link.changed_at for link in incident.pages.values() if link.pages and link.changed_at is not None]
    since = max([pager_unheard, *seen])
    for rule in severities:
        if rule.severity is incident.severity:
            yield _Deadline(since + rule.acknowledge_within, incident, ev.PagerSilent(since))


def next_deadline(
    state: State,
    target: str,
    severities: Iterable[SeverityRule] = (),
    pager_unheard: datetime | None = None,
    console: str = "",
) -> datetime | None:
    """The earliest deadline on a target that has not fired, past ones included; None when nothing waits.
    `pager_unheard` and `console` as in `Context`."""
    of_incidents = (deadline.at for deadline in _pending(state, target, severities, pager_unheard))
    return min(chain(of_incidents, due.pending(state, target, console)), default=None)


def fire_deadlines(state: State, context: Context) -> list[list[Batch]]:
    """For each incident and each run of our target with passed deadlines what is to be appended together: their events,
    what follows from them, and the deliveries that tell of them. A conflict means that somebody else was first, and the
    others still fire.

    What was due while nobody was there fires once, and says how late it is.
    """
    fired: dict[str, Batch] = {}
    for deadline in _pending(state, str(context.target), context.severities, context.pager_unheard):
        if deadline.at > context.now:
            continue
        late = (context.now - deadline.at).total_seconds()
        new = deadline.events(context, round(late, 3) if late > ON_TIME_SECONDS else 0.0)
        stream, version = deadline.of.stream, deadline.of.version
        known = fired.get(stream, Batch(stream, version, ()))
        fired[stream] = Batch(stream, version, (*known.payloads, *new))
    told = [[batch, *announce(state, [batch], context)] for batch in fired.values()]
    if fired:
        draft = Draft(state, context)
        draft.take(fired.values())
        state = draft.state
    for before, made in due.fire(state, context, ON_TIME_SECONDS):
        batches = made.batches()
        told.append([*batches, *announce(before, batches, context)])
    return told
