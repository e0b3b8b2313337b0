"""The rules of shifts and handoffs."""

from __future__ import annotations

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.incident import COMMANDER
from console.model.people import are_two_people
from console.model.shift import Handoff, Shift
from console.model.state import State


def _open(state: State, shift_id: str) -> Shift:
    shift = state.shifts.get(shift_id)
    if shift is None or shift.ended_at is not None:
        raise Refusal("that shift is not open")
    return shift


def begin(state: State, _: cmd.BeginShift, context: Context) -> list[Batch]:
    """One shift at a time: a running one is taken over by a handoff, or ended first."""
    running = state.shift
    if running is not None:
        raise Refusal(f"{running.operator} is on shift since {running.began_at:%H:%M}Z: take it over by a handoff")
    return [Batch(f"shift:{context.fresh()}", 0, (ev.ShiftBegan(context.actor.name),))]


def end(state: State, command: cmd.EndShift, _: Context) -> list[Batch]:
    """Without a successor: with a reason, since nobody is on shift afterwards."""
    shift = _open(state, command.shift)
    return [Batch(shift.stream, shift.version, (ev.ShiftEnded(required(command.reason, "the reason")),))]


def add_watch(state: State, command: cmd.AddWatchItem, context: Context) -> list[Batch]:
    """Something to keep an eye on."""
    shift = _open(state, command.shift)
    if command.until is not None and command.until <= context.now:
        raise Refusal(f"{command.until:%H:%M}Z has passed")
    item = ev.WatchItemAdded(f"W{len(shift.watch) + 1}", required(command.text, "the watch item"), command.until)
    return [Batch(shift.stream, shift.version, (item,))]


def close_watch(state: State, command: cmd.CloseWatchItem, _: Context) -> list[Batch]:
    """With a reason."""
    shift = _open(state, command.shift)
    item = shift.watch.get(command.item)
    if item is None or item.closed_at is not None:
        raise Refusal(f"watch item {command.item} is not open")
    closed = ev.WatchItemClosed(item.id, required(command.reason, "the reason"))
    return [Batch(shift.stream, shift.version, (closed,))]


def offer(state: State, command: cmd.OfferHandoff, context: Context) -> list[Batch]:
    """The open shift, to somebody else; one offer at a time."""
    shift = _open(state, command.shift)
    to = required(command.to, "the receiver")
    if to == context.actor.name:
        raise Refusal("a shift is handed to somebody else")
    for handoff in state.handoffs.values():
        if handoff.open and handoff.shift == shift.id:
            raise Refusal(f"{handoff.label} to {handoff.to} is open: withdraw it first")
    offered = ev.HandoffOffered(shift.id, to, command.items, command.anchor, command.summary.strip())
    return [Batch(f"handoff:{context.fresh()}", 0, (offered,))]


def _for_receiver(state: State, handoff_id: str, context: Context) -> Handoff:
    handoff = state.handoffs.get(handoff_id)
    if handoff is None or not handoff.open:
        raise Refusal(f"handoff {handoff.label if handoff else handoff_id} is not open")
    if context.actor.name != handoff.to:
        raise Refusal(f"{handoff.label} was offered to {handoff.to}, and you are {context.actor.name}")
    return handoff


def answer_item(state: State, command: cmd.AnswerHandoffItem, context: Context) -> list[Batch]:
    """Accepted, with an optional read-back, or questioned, with the question."""
    handoff = _for_receiver(state, command.handoff, context)
    if command.item not in {item.id for item in handoff.items}:
        raise Refusal(f"{handoff.label} has no item {command.item!r}")
    if command.answer not in ("accepted", "questioned"):
        raise Refusal(f"{command.answer!r} is no answer; expected accepted or questioned")
    read_back = command.read_back.strip()
    if command.answer == "questioned":
        read_back = required(read_back, "the question")
    answered = ev.HandoffItemAnswered(command.item, command.answer, read_back)
    return [Batch(handoff.stream, handoff.version, (answered,))]


def accept(state: State, command: cmd.AcceptHandoff, context: Context) -> list[Batch]:
    """Takes the shift over, in one step: the old one ends, the new one begins with the open watch items.

    Giver and receiver must be two people. Where both act from one login that cannot be known: a reason lets it through,
    and the record shows it.
    """
    handoff = _for_receiver(state, command.handoff, context)
    if handoff.pending:
        left = ", ".join(item.id for item in handoff.pending)
        raise Refusal(f"{len(handoff.pending)} items are not accepted yet: {left}")
    reason = command.shared_login.strip()
    if are_two_people(handoff.offered_by, context.actor):
        reason = ""
    elif not reason:
        raise Refusal(
            f"{handoff.offered_by.name} and {context.actor.name} act from one login ({context.actor.login}), which "
            "does not show two people: give a reason to accept all the same"
        )
    shift = _open(state, handoff.shift)
    new = context.fresh()
    watch = tuple(
        ev.WatchItemAdded(f"W{number}", item.text, item.until) for number, item in enumerate(shift.open_watch, start=1)
    )
    return [
        *_led(state, handoff, context),
        Batch(handoff.stream, handoff.version, (ev.HandoffAccepted(reason),)),
        Batch(shift.stream, shift.version, (ev.ShiftEnded(f"handed over by {handoff.label}", new),)),
        Batch(f"shift:{new}", 0, (ev.ShiftBegan(context.actor.name, shift.id), *watch)),
    ]


def _led(state: State, handoff: Handoff, context: Context) -> list[Batch]:
    """Live incidents that nobody leads are the receiver's from now on: what is handed over has an owner."""
    named = [
        state.incidents[item.ref] for item in handoff.items if item.kind == "incident" and item.ref in state.incidents
    ]
    return [
        Batch(incident.stream, incident.version, (ev.RoleAssigned(COMMANDER, context.actor.name),))
        for incident in named
        if incident.open and not incident.commander
    ]


def withdraw(state: State, command: cmd.WithdrawHandoff, context: Context) -> list[Batch]:
    """By the giver or the receiver; the shift stays where it is."""
    handoff = state.handoffs.get(command.handoff)
    if handoff is None or not handoff.open:
        raise Refusal("that handoff is not open")
    if context.actor.name not in (handoff.to, handoff.offered_by.name):
        raise Refusal(f"{handoff.label} is between {handoff.offered_by.name} and {handoff.to}")
    withdrawn = ev.HandoffWithdrawn(required(command.reason, "the reason"))
    return [Batch(handoff.stream, handoff.version, (withdrawn,))]
