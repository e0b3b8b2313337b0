"""What the engine sees elsewhere and writes down: PagerDuty, who is on call, the rollout's phase, proofs of channels.

What came from PagerDuty is marked so (`via`), and is never sent back there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import AlertRef
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decide.escalation import given_back, levels_left, roles, told_now
from console.model.decide.find import find_open, on
from console.model.decide.foresight import foresee
from console.model.escalation import Reach
from console.model.incident import QUIET, Incident
from console.model.message import DeliveryState
from console.model.pager import PagerIncident, PagerStatus
from console.model.response import PagerLink
from console.model.state import State

PAGERDUTY = "PagerDuty"
SAME_PERCENT = 0.5
"""Shares that are closer than this are one phase, measured twice."""


def own_key(incident_id: str) -> str:
    """The dedup key under which an incident of ours pages."""
    return f"oncall-{incident_id}"


def adopted(incident: Incident, alerts: Iterable[AlertRef], context: Context) -> list[Any]:
    """What follows from the PagerDuty incidents that page for these alerts already."""
    found = (context.pages.get(alert.fingerprint) for alert in alerts)
    pages = {page.id: page for page in found if page is not None and page.id not in incident.pages}
    events: list[Any] = []
    for page in pages.values():
        events += seen(foresee(incident, incident.stream, events, context), page, True, context)
    return events


def reassign(state: State, command: cmd.ReassignPage, context: Context) -> list[Batch]:
    """Only a page that is open, and people whom PagerDuty knows."""
    incident = find_open(state, command.incident)
    if not incident.open_pages:
        raise Refusal(f"no page of {incident.label} is open in {PAGERDUTY}: escalate tells people by other ways")
    known = {person.person: person for person in context.people}
    people = tuple(known.get(name, Reach(name)) for name in dict.fromkeys(command.people))
    strangers = [person.person for person in people if not person.person_id]
    if strangers or not people:
        named = ", ".join(strangers) or "nobody"
        raise Refusal(f"{named}: no `pagerduty` user id in people.yaml; one is needed to be paged there")
    return on(incident, ev.PageReassigned(people, command.reason.strip()))


def link(state: State, command: cmd.LinkPager, context: Context) -> list[Batch]:
    """A PagerDuty incident that pages for one of ours, or what has changed with it; nothing when nothing has."""
    incident = find_open(state, command.incident)
    events = seen(incident, command.page, command.adopted, context)
    return on(incident, *events) if events else []


def seen(incident: Incident, page: PagerIncident, is_adopted: bool, context: Context) -> list[Any]:
    """What a look at PagerDuty says. Acknowledged there is acknowledged here, and lost there is lost here; resolved
    there is shown, and resolves nothing here."""
    events: list[Any] = []
    before = incident.pages.get(page.id)
    if before is None:
        key = own_key(incident.id) if not is_adopted else page.keys[0] if page.keys else ""
        events.append(ev.PagerLinked(page.id, key, is_adopted, page.url, page.escalation_policy, page.level))
    known = foresee(incident, incident.stream, events, context).pages[page.id]
    if known.silent_since is not None or _differs(known, page):
        events.append(
            ev.PagerChanged(
                page.id, page.status, _who(page), page.level, page.assigned_to, page.escalation_policy or known.policy
            )
        )
    after = foresee(incident, incident.stream, events, context)
    status = before.status if before is not None else PagerStatus.TRIGGERED
    return [*events, *_turns(after, status, page, context)]


def _differs(known: PagerLink, page: PagerIncident) -> bool:
    policy = page.escalation_policy or known.policy
    seen_now = (page.status, page.level, page.assigned_to, policy)
    return (known.status, known.level, known.assigned_to, known.policy) != seen_now


def _turns(incident: Incident, before: PagerStatus, page: PagerIncident, context: Context) -> Iterable[Any]:
    """What has changed in PagerDuty and means something here."""
    has_it = incident.acknowledged_at is not None
    if incident.state in QUIET:
        return
    if page.level > incident.level and page.open and page.escalation_policy:
        people = tuple(Reach(name) for name in page.assigned_to)
        yield ev.IncidentEscalated(page.level, "", people, pager=page.escalation_policy, via=PAGERDUTY)
    if page.status is PagerStatus.ACKNOWLEDGED and before is not PagerStatus.ACKNOWLEDGED and not has_it:
        yield ev.IncidentAcknowledged(_who(page) or f"somebody in {PAGERDUTY}", PAGERDUTY)
    elsewhere = any(
        other.status is PagerStatus.ACKNOWLEDGED for other in incident.pages.values() if other.pager_id != page.id
    )
    lost = page.status is PagerStatus.TRIGGERED and before is PagerStatus.ACKNOWLEDGED
    if lost and has_it and not elsewhere:
        yield from given_back(incident, f"{page.id} is triggered again in {PAGERDUTY}", PAGERDUTY, context)
    over = page.status is PagerStatus.RESOLVED and before is not PagerStatus.RESOLVED and not incident.paged_by
    if over and not has_it and incident.escalate_at is None and levels_left(incident, context):
        # Nobody has it, and what paged in our place does not any more: our clock never ran, so it is due now.
        yield from told_now(incident, context)


def given_up(incident: Incident, since: datetime, due_at: datetime, late_seconds: float, context: Context) -> list[Any]:
    """PagerDuty says nothing for so long that its pages are no evidence any more: our clock goes on, and where it has
    nothing to wait for, the next level is told at once."""
    silent = ev.PagerSilent(since, late_seconds)
    after = foresee(incident, incident.stream, [silent], context)
    told = {item.role for item in after.escalations if not item.pager}
    waits = after.escalate_at is not None and after.escalate_at > context.now
    if waits or roles(after.severity, context)[-1] in told:
        return [silent]
    reason = unheard(after)
    return [silent, *told_now(after, context, reason=reason, due_at=due_at, late_seconds=late_seconds)]


def unheard(incident: Incident) -> str:
    """Why people are told whom PagerDuty may have paged; empty while it speaks."""
    since = incident.pager_silent_since
    if since is None:
        return ""
    return f"{PAGERDUTY} has not answered since {since:%H:%M:%S}Z: nobody knows whether its page reaches anybody"


def _who(page: PagerIncident) -> str:
    return page.acknowledged_by or page.changed_by if page.status is PagerStatus.ACKNOWLEDGED else page.changed_by


def observe_on_call(state: State, command: cmd.ObserveOnCall, context: Context) -> list[Batch]:
    """Only what differs from what is known. Who comes without contacts keeps those that are known: they are read a few
    at a time, may be forbidden for now, and are wanted when nothing else answers."""
    target = str(context.target)
    known = state.on_call.get(target)
    ways = {entry.person_id: entry.contacts for entry in known.on_calls} if known is not None else {}
    on_calls = tuple(
        entry if entry.contacts else replace(entry, contacts=ways.get(entry.person_id, ()))
        for entry in command.on_calls
    )
    if known is not None and known.on_calls == on_calls:
        return []
    version = known.version if known is not None else 0
    return [Batch(f"pager:{target}", version, (ev.OnCallChanged(on_calls),))]


def observe_phase(state: State, command: cmd.ObservePhase, context: Context) -> list[Batch]:
    """Only another share than the one that is known; none and all of the traffic are never "about the same"."""
    target = str(context.target)
    known = state.rollouts.get(target)
    before = known.seen.percent if known is not None and known.seen is not None else None
    if not isfinite(command.percent) or before == command.percent:
        return []
    if before is not None and command.percent not in (0, 100) and abs(command.percent - before) < SAME_PERCENT:
        return []
    version = known.version if known is not None else 0
    return [Batch(f"rollout:{target}", version, (ev.PhaseObserved(command.percent, command.source, before),))]


def record_proof(state: State, command: cmd.RecordProof, _: Context) -> list[Batch]:
    """How a test of a channel ended, with its evidence."""
    channel = required(command.channel, "the channel")
    known = state.proofs.get(channel)
    error = command.error.strip()
    proof: Any = ev.ChannelTestFailed(error) if error else ev.ChannelProven(required(command.evidence, "the evidence"))
    return [Batch(f"channel:{channel}", known.version if known is not None else 0, (proof,))]


def retry_delivery(state: State, command: cmd.RetryDelivery, _: Context) -> list[Batch]:
    """What was given up is queued again under its own id, so that the far side can still tell that it is the same."""
    delivery = state.deliveries.get(command.delivery)
    if delivery is None:
        raise Refusal(f"delivery {command.delivery} is not in this record any more")
    if delivery.state is not DeliveryState.FAILED:
        raise Refusal(f"that message to {delivery.channel} is {delivery.state}, not given up")
    queued = ev.DeliveryQueued(
        delivery.channel, delivery.act, delivery.message, delivery.ref, delivery.args, delivery.subject_stream
    )
    return [Batch(delivery.stream, delivery.version, (queued,))]
