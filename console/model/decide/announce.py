"""Whom an event is told to: the deliveries that are queued in the same append.

Two tables decide: which acts an event asks for, and to whom each act goes. `decide` and `fire_deadlines` call
`announce`, so that no rule can forget it. What came from PagerDuty (`via`) is told to people and not back to PagerDuty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from console.model import events as ev
from console.model.alert import AlertRef
from console.model.decide import rollout_wording, wording
from console.model.decide.context import Batch, Context
from console.model.decide.escalation import matched_teams
from console.model.decide.foresight import foresee
from console.model.decide.pager import PAGERDUTY, own_key
from console.model.events import kind_of
from console.model.incident import Incident, IncidentState
from console.model.links import told
from console.model.message import PAGER_ACTS, Act, ChannelSpec, DeliveryState, Message, Topic
from console.model.pager import PagerStatus
from console.model.people import Severity
from console.model.response import PagerLink
from console.model.rolling import RolloutRecord
from console.model.state import State
from console.model.text import safe
from console.model.value import value

_ASKS: Mapping[type[Any], tuple[Act, ...]] = {
    ev.IncidentOpened: (Act.POST,),
    ev.IncidentDeclared: (Act.POST, Act.TRIGGER, Act.ANNOTATE),
    ev.IncidentAcknowledged: (Act.POST, Act.ACKNOWLEDGE),
    ev.IncidentUnacknowledged: (Act.POST, Act.NOTE),
    ev.AcknowledgeOverdue: (Act.POST,),
    ev.IncidentEscalated: (Act.POST, Act.PAGE, Act.ESCALATE, Act.RESPOND),
    ev.PageReassigned: (Act.POST, Act.REASSIGN),
    ev.IncidentStateChanged: (Act.POST, Act.RESOLVE, Act.NOTE, Act.ANNOTATE),
    ev.SeverityChanged: (Act.POST, Act.NOTE),
    ev.RoleAssigned: (Act.POST,),
    ev.UpdatePosted: (Act.POST, Act.STATUS_UPDATE),
    ev.UpdateOverdue: (Act.POST,),
    ev.DecisionRecorded: (Act.POST, Act.ANNOTATE),
    ev.IncidentMerged: (Act.POST, Act.RESOLVE, Act.NOTE, Act.ANNOTATE),
    ev.NoteAdded: (Act.NOTE,),
}

_DECLARED = "incident.declared"

_OVER = (IncidentState.RESOLVED, IncidentState.CANCELLED, IncidentState.MERGED)
"""States in which its page is resolved, and its annotation has an end."""


@value
class _Moment:
    """One event of an incident, with what the incident was before it and is after all events of its batch."""

    state: State
    context: Context
    payload: Any
    before: Incident | None
    after: Incident
    together: tuple[Any, ...]

    @property
    def declaring(self) -> bool:
        """Whether it stands beside the declaration, which tells of it; or beside the beginning of a triage."""
        return isinstance(self.together[0], ev.IncidentDeclared | ev.IncidentOpened)


_Args = tuple[tuple[str, str], ...]
_Addressed = Iterator[tuple[ChannelSpec, Act, str, _Args]]
"""(channel, act, ref, args) of each delivery."""


def announce(state: State, batches: Sequence[Batch], context: Context) -> list[Batch]:
    """The deliveries that tell of `batches`."""
    if not context.channels:
        return []
    queued = [
        *_alerts(batches, context),
        *(
            item
            for batch in batches
            for item in _TELLERS.get(batch.stream.partition(":")[0], _nothing)(state, batch, context)
        ),
    ]
    return [Batch(f"delivery:{context.fresh()}", 0, (item,)) for item in queued]


def _nothing(_: State, __: Batch, ___: Context) -> Iterator[ev.DeliveryQueued]:
    return iter(())


# -- incidents --------------------------------------------------------------------------------------------------------


def _incident(state: State, batch: Batch, context: Context) -> Iterator[ev.DeliveryQueued]:
    before = state.incidents.get(batch.stream.partition(":")[2])
    after = foresee(before, batch.stream, batch.payloads, context, batch.occurred_at)
    for payload in batch.payloads:
        said = wording.words(payload, before, after)
        if said is None:
            continue
        message = message_of(payload, said, context, after)
        moment = _Moment(state, context, payload, before, after, batch.payloads)
        back = getattr(payload, "via", "") == PAGERDUTY
        for act in _ASKS[type(payload)]:
            if not (back and act in PAGER_ACTS):
                for channel, does, ref, args in _ADDRESSES[act](moment):
                    yield ev.DeliveryQueued(channel.name, does, message, ref, args, after.stream)


def message_of(
    payload: Any,
    said: wording.Words,
    context: Context,
    incident: Incident | None = None,
    alerts: Sequence[AlertRef] = (),
) -> Message:
    """What channels are told of an event: `said` of it, and the incident or the alerts that it is about."""
    about = incident.alerts if incident is not None else alerts
    return Message(
        kind_of(payload)[0],
        safe(said.title),
        context.now,
        incident.id if incident is not None else "",
        incident.label if incident is not None and incident.number else "",
        incident.severity if incident is not None else None,
        incident.target if incident is not None else str(context.target),
        "\n".join(safe(line) for line in said.text.splitlines()),
        tuple((name, safe(what)) for name, what in said.facts),
        tuple((safe(link.title), link.url) for link in told(about, context.alerts, context.pages)),
        getattr(payload, "by", "") or context.actor.name,
        context.mode,
    )


def _able(context: Context, act: Act) -> Iterator[ChannelSpec]:
    return (channel for channel in context.channels if act in channel.acts)


def _topics(alerts: Iterable[AlertRef], context: Context, *always: Topic) -> set[Topic]:
    """What it is about: always these, and the teams that the alerts' labels name."""
    alerts = list(alerts)
    named = {team.name for team, _ in matched_teams(alerts, context)}
    named |= {dict(alert.labels).get("team", "") for alert in alerts}
    return {*always, *(topic for topic in (Topic.SECURITY, Topic.PERFORMANCE) if topic.value in named)}


def _hearing(context: Context, topics: set[Topic], *severities: Severity) -> Iterator[ChannelSpec]:
    """The channels that want to hear of it, where it is severe enough for them, or was."""
    for channel in _able(context, Act.POST):
        severe = not severities or min(item.rank for item in severities) <= channel.least.rank
        if severe and topics.intersection(channel.topics):
            yield channel


def _post(moment: _Moment) -> _Addressed:
    """To every channel that hears of it. An escalation goes as a page, where a channel can: that is urgent, and loses
    its point when somebody has the incident."""
    escalates = isinstance(moment.payload, ev.IncidentEscalated)
    if escalates and moment.declaring:
        return
    known = (moment.before, moment.after)
    severities = [item.severity for item in known if item is not None]
    topics = _topics(moment.after.alerts, moment.context, Topic.INCIDENTS)
    for channel in _hearing(moment.context, topics, *severities):
        pages = escalates and Act.PAGE in channel.acts and not _direct(channel, moment.payload)
        yield channel, Act.PAGE if pages else Act.POST, "", ()


def _page(moment: _Moment) -> _Addressed:
    """To the people themselves, where a channel is one of their ways."""
    for channel in _able(moment.context, Act.PAGE):
        to = _direct(channel, moment.payload)
        if to:
            yield channel, Act.PAGE, "", tuple(("to", address) for address in to)


def _direct(channel: ChannelSpec, level: ev.IncidentEscalated) -> tuple[str, ...]:
    if level.pager:
        return ()
    found = (address for reach in level.people for way, address in reach.ways if way == channel.name)
    return tuple(dict.fromkeys(found))


def _trigger(moment: _Moment) -> _Addressed:
    """Only where nothing pages for any of its alerts already: neither a page that is there, nor Alertmanager."""
    context = moment.context
    covered = any(
        alert.fingerprint in context.paged or alert.fingerprint in context.pages for alert in moment.after.alerts
    )
    if covered:
        return
    for channel in _able(context, Act.TRIGGER):
        if moment.after.severity.rank <= channel.least.rank:
            yield channel, Act.TRIGGER, own_key(moment.after.id), ()


def _at_pages(act: Act, wanted: Callable[[_Moment, PagerLink], bool] = lambda _, __: True) -> Any:
    """To every open page of it; to its own by its key while PagerDuty has not said which it is."""

    def addressed(moment: _Moment) -> _Addressed:
        incident = moment.after
        for channel in _able(moment.context, act):
            for link in incident.pages.values():
                if link.status is not PagerStatus.RESOLVED and wanted(moment, link):
                    ref = link.pager_id if link.adopted else own_key(incident.id)
                    yield channel, act, ref, (("incident", link.pager_id), *_details(act, moment))
            if not incident.pages and _triggered(moment) and wanted(moment, _own(incident)):
                yield channel, act, own_key(incident.id), _details(act, moment)

    return addressed


def _own(incident: Incident) -> PagerLink:
    return PagerLink("", own_key(incident.id), False)


def _triggered(moment: _Moment) -> bool:
    key = own_key(moment.after.id)
    return any(
        item.ref == key and item.act is Act.TRIGGER and item.state is not DeliveryState.FAILED
        for item in moment.state.deliveries.values()
    )


def _details(act: Act, moment: _Moment) -> _Args:
    """What else an act must know: the level it was decided on, the users it is for."""
    if act is Act.ESCALATE:
        return (("level", str(moment.payload.level - 1)),)
    if act is Act.REASSIGN:
        return tuple(("person", reach.person_id) for reach in moment.payload.people)
    return ()


def _resolves(moment: _Moment, link: PagerLink) -> bool:
    """Resolved is resolved there, too. What was cancelled or merged ends only the page that we opened for it."""
    ended = moment.after.state
    changed = isinstance(moment.payload, ev.IncidentMerged) or moment.payload.state == ended.value
    return changed and (ended is IncidentState.RESOLVED or (ended in _OVER and not link.adopted))


def _notes(moment: _Moment, link: PagerLink) -> bool:
    """What has no act of its own in PagerDuty is a note there."""
    if isinstance(moment.payload, ev.IncidentStateChanged | ev.IncidentMerged):
        return not _resolves(moment, link) and moment.after.state is not IncidentState.CLOSED
    return True


def _respond(moment: _Moment) -> _Addressed:
    """Where a page has no policy of its own, the level's people are asked to join."""
    persons = tuple(("person", reach.person_id) for reach in moment.payload.people if reach.person_id)
    if not persons or moment.payload.pager:
        return
    for channel in _able(moment.context, Act.RESPOND):
        for link in moment.after.pages.values():
            if link.status is not PagerStatus.RESOLVED and not link.policy:
                yield channel, Act.RESPOND, link.pager_id, (("incident", link.pager_id), *persons)


def _annotate(moment: _Moment) -> _Addressed:
    """Beginning, turns and end: the end is set on the annotation of the beginning, where its id is known."""
    payload = moment.payload
    if moment.before is not None and moment.after.times.get("declared") is None:
        return  # It was never declared, so no annotation has begun.
    ends = isinstance(payload, ev.IncidentMerged)
    if isinstance(payload, ev.IncidentStateChanged):
        ends = payload.state in _OVER
        if not ends and payload.state != IncidentState.MITIGATED:
            return
    for channel in _able(moment.context, Act.ANNOTATE):
        begun = _begun(moment, channel) if ends else ""
        yield channel, Act.ANNOTATE, "", (("annotation", begun),) if begun else ()


def _begun(moment: _Moment, channel: ChannelSpec) -> str:
    """The far side's id of the annotation that its declaration left; empty while that is not known."""
    about = (channel.name, Act.ANNOTATE, _DECLARED, moment.after.id)
    for item in moment.state.deliveries.values():
        if (item.channel, item.act, item.message.kind, item.message.subject) == about:
            return item.ref
    return ""


_ADDRESSES: Mapping[Act, Callable[[_Moment], _Addressed]] = {
    Act.POST: _post,
    Act.PAGE: _page,
    Act.TRIGGER: _trigger,
    Act.ACKNOWLEDGE: _at_pages(Act.ACKNOWLEDGE),
    Act.RESOLVE: _at_pages(Act.RESOLVE, _resolves),
    Act.ESCALATE: _at_pages(Act.ESCALATE, lambda moment, link: bool(moment.payload.pager and link.policy)),
    Act.REASSIGN: _at_pages(Act.REASSIGN),
    Act.RESPOND: _respond,
    Act.NOTE: _at_pages(Act.NOTE, _notes),
    Act.STATUS_UPDATE: _at_pages(Act.STATUS_UPDATE),
    Act.ANNOTATE: _annotate,
}


# -- alerts -----------------------------------------------------------------------------------------------------------


def _alerts(batches: Sequence[Batch], context: Context) -> Iterator[ev.DeliveryQueued]:
    """Firings that somebody has taken: one message for all that were taken together, and each page once."""
    taken = [item for batch in batches for item in batch.payloads if isinstance(item, ev.AlertAcknowledged)]
    if not taken:
        return
    alerts = [item.alert for item in taken]
    who = taken[0].by or context.actor.name
    via = f" in {taken[0].via}" if taken[0].via else ""
    count = f"{len(alerts)} alerts" if len(alerts) > 1 else "an alert"
    said = wording.Words(f"{who} acknowledged {count}{via}", wording.names(alerts))
    message = message_of(taken[0], said, context, alerts=alerts)
    for channel in _hearing(context, _topics(alerts, context, Topic.ALERTS)):
        yield ev.DeliveryQueued(channel.name, Act.POST, message, subject_stream=f"alert:{alerts[0].fingerprint}")
    if taken[0].via == PAGERDUTY:
        return
    found = (context.pages.get(alert.fingerprint) for alert in alerts)
    pages = {page.id: page for page in found if page is not None and page.status is PagerStatus.TRIGGERED}
    for channel in _able(context, Act.ACKNOWLEDGE):
        for page in pages.values():
            yield ev.DeliveryQueued(channel.name, Act.ACKNOWLEDGE, message, page.id, (("incident", page.id),))


def _alert(_: State, batch: Batch, context: Context) -> Iterator[ev.DeliveryQueued]:
    """An alert that was given back: PagerDuty knows no such act, and is told in a note."""
    page = context.pages.get(batch.stream.partition(":")[2])
    for payload in batch.payloads:
        if isinstance(payload, ev.AlertUnacknowledged) and payload.via != PAGERDUTY and page is not None:
            said = wording.Words("given back", f"given back by {context.actor.name}: {payload.reason}")
            for channel in _able(context, Act.NOTE):
                message = message_of(payload, said, context)
                yield ev.DeliveryQueued(
                    channel.name, Act.NOTE, message, page.id, (("incident", page.id),), batch.stream
                )


# -- the rollout, and runs of playbooks -------------------------------------------------------------------------------


def _rollout(state: State, batch: Batch, context: Context) -> Iterator[ev.DeliveryQueued]:
    """A phase that was entered: a change event and an annotation; the first look is no change. What people should know
    of it is a message."""
    target = batch.stream.partition(":")[2]
    record = state.rollouts.get(target) or RolloutRecord(target)
    for payload in batch.payloads:
        if isinstance(payload, ev.PhaseObserved) and payload.before is not None:
            said = wording.Words(f"rollout: {payload.percent:g} % of the traffic (was {payload.before:g} %)")
            message = message_of(payload, said, context)
            for act in (Act.CHANGE, Act.ANNOTATE):
                for channel in _able(context, act):
                    yield ev.DeliveryQueued(channel.name, act, message, subject_stream=batch.stream)
        told = rollout_wording.rollout_words(payload, record, context.actor)
        if told is not None:
            performance = isinstance(payload, rollout_wording.PERFORMANCE)
            topics = {Topic.INCIDENTS, *((Topic.PERFORMANCE,) if performance else ())}
            message = message_of(payload, told, context)
            for channel in _hearing(context, topics):
                yield ev.DeliveryQueued(channel.name, Act.POST, message, subject_stream=batch.stream)


def _run(state: State, batch: Batch, context: Context) -> Iterator[ev.DeliveryQueued]:
    """What the people of its incident should know of a run."""
    run = state.runs.get(batch.stream.partition(":")[2])
    incident = state.incidents.get(run.incident) if run is not None else None
    if run is None or incident is None:
        return
    for payload in batch.payloads:
        said = wording.run_words(payload, run, context.actor)
        if said is not None:
            message = message_of(payload, said, context, incident)
            topics = _topics(incident.alerts, context, Topic.INCIDENTS)
            for channel in _hearing(context, topics, incident.severity):
                yield ev.DeliveryQueued(channel.name, Act.POST, message, subject_stream=batch.stream)


def _decision(_: State, batch: Batch, context: Context) -> Iterator[ev.DeliveryQueued]:
    """A decision to go on against the findings. One that follows them is in the record alone."""
    for payload in batch.payloads:
        said = wording.against(payload)
        if said is not None:
            message = message_of(payload, said, context)
            for channel in _hearing(context, {Topic.INCIDENTS}):
                yield ev.DeliveryQueued(channel.name, Act.POST, message, subject_stream=batch.stream)


_TELLERS: Mapping[str, Callable[[State, Batch, Context], Iterator[ev.DeliveryQueued]]] = {
    "incident": _incident,
    "alert": _alert,
    "rollout": _rollout,
    "run": _run,
    "decision": _decision,
}
"""By the first part of a stream's name."""
