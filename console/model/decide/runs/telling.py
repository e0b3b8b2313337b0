"""Whom a run tells by itself: the next level of its incident, and channels by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from console.model import events as ev
from console.model.decide.announce import message_of
from console.model.decide.context import Context
from console.model.decide.escalation import next_level
from console.model.decide.foresight import Draft
from console.model.decide.wording import Words, facts
from console.model.incident import QUIET
from console.model.message import Act, ChannelSpec
from console.model.playbook import Do, Reaction, Step
from console.model.run import Run
from console.model.state import State


def channels(name: str, context: Context) -> tuple[ChannelSpec, ...]:
    """Those that a playbook means: the channel of that name, or every one of that kind, which can carry a message."""
    able = [spec for spec in context.channels if Act.POST in spec.acts]
    return tuple(spec for spec in able if spec.name == name) or tuple(spec for spec in able if spec.kind == name)


def escalate(draft: Draft, run: Run, reason: str) -> None:
    """Tells the next level of the run's incident, as somebody who presses the key would. Nobody is woken for what is
    over."""
    incident = draft.state.incidents.get(run.incident)
    if incident is not None and incident.state not in QUIET:
        draft.add(incident.stream, *next_level(incident, reason, draft.context))


def queue(draft: Draft, run: Run, name: str, payload: Any, said: Words, ref: str = "") -> None:
    """A message to the channels of that name; `payload` is the event that it is about."""
    context = draft.context
    message = message_of(payload, said, context, draft.state.incidents.get(run.incident))
    for spec in channels(name, context):
        told = ev.DeliveryQueued(spec.name, Act.POST, message, ref, (), run.stream)
        draft.add(f"delivery:{context.fresh()}", told)


def react(draft: Draft, run: Run, step: Step, reactions: Iterable[Reaction], payload: Any, what: str) -> None:
    """What is told of a step that is late, has failed or was skipped: by its reactions, and where it is critical.
    `what` says so in a few words."""
    reactions = tuple(reactions)
    failed = not isinstance(payload, ev.StepOverdue)
    said = Words(
        f"step {what}: {step.title} ({run.playbook.title})",
        getattr(payload, "reason", ""),
        facts(("owner", step.owner), ("undo", step.undo if failed else "")),
    )
    if any(item.do is Do.ESCALATE for item in reactions) or (step.critical and failed):
        escalate(draft, run, "; ".join(part for part in (said.title, said.text) if part))
    for name in dict.fromkeys(item.to for item in reactions if item.do is Do.NOTIFY):
        queue(draft, run, name, payload, said)


def notice_ref(run: Run, step: Step, attempt: int) -> str:
    """What marks the deliveries of a notify step's attempt."""
    return f"run:{run.id}:{step.id}:{attempt}"


def told_by(state: State, run: Run, step: Step, attempt: int) -> tuple[Any, ...]:
    """The deliveries of a notify step's attempt."""
    ref = notice_ref(run, step, attempt)
    return tuple(item for item in state.deliveries.values() if item.ref == ref)
