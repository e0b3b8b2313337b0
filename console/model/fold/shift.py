"""The folds of the shifts and of the handoffs."""

from __future__ import annotations

from dataclasses import replace

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.rules import Rules
from console.model.shift import Answer, Handoff, Shift, WatchItem

SHIFTS, HANDOFFS = Rules(), Rules()


@SHIFTS.born(ev.ShiftBegan)
def _shift_began(recorded: Recorded, payload: ev.ShiftBegan) -> Shift:
    return Shift(
        recorded.stream.partition(":")[2],
        recorded.seq,
        recorded.version,
        payload.operator,
        recorded.occurred_at,
        payload.previous,
    )


@SHIFTS.changed(ev.ShiftEnded)
def _shift_ended(shift: Shift, recorded: Recorded, payload: ev.ShiftEnded) -> Shift:
    return replace(shift, ended_at=recorded.occurred_at, next_shift=payload.next_shift)


@SHIFTS.changed(ev.WatchItemAdded)
def _watch_added(shift: Shift, recorded: Recorded, payload: ev.WatchItemAdded) -> Shift:
    item = WatchItem(payload.item, payload.text, recorded.occurred_at, recorded.actor, payload.until)
    return replace(shift, watch={**shift.watch, payload.item: item})


@SHIFTS.changed(ev.WatchItemClosed)
def _watch_closed(shift: Shift, recorded: Recorded, payload: ev.WatchItemClosed) -> Shift:
    item = shift.watch.get(payload.item)
    if item is None:
        return shift
    closed = replace(item, closed_at=recorded.occurred_at, reason=payload.reason)
    return replace(shift, watch={**shift.watch, payload.item: closed})


@SHIFTS.changed(ev.NoteAdded)
def _note(shift: Shift, recorded: Recorded, payload: ev.NoteAdded) -> Shift:
    return replace(shift, notes=(*shift.notes, (recorded.occurred_at, recorded.actor.name, payload.text)))


@HANDOFFS.born(ev.HandoffOffered)
def _handoff_offered(recorded: Recorded, payload: ev.HandoffOffered) -> Handoff:
    return Handoff(
        id=recorded.stream.partition(":")[2],
        number=recorded.seq,
        version=recorded.version,
        shift=payload.shift,
        offered_by=recorded.actor,
        to=payload.to,
        offered_at=recorded.occurred_at,
        items=payload.items,
        anchor=payload.anchor,
        summary=payload.summary,
    )


@HANDOFFS.changed(ev.HandoffItemAnswered)
def _item_answered(handoff: Handoff, recorded: Recorded, payload: ev.HandoffItemAnswered) -> Handoff:
    answer = Answer(payload.answer, payload.read_back, recorded.actor, recorded.occurred_at)
    return replace(handoff, answers={**handoff.answers, payload.item: answer})


@HANDOFFS.changed(ev.HandoffAccepted)
def _handoff_accepted(handoff: Handoff, recorded: Recorded, payload: ev.HandoffAccepted) -> Handoff:
    return replace(
        handoff,
        accepted_at=recorded.occurred_at,
        accepted_by=recorded.actor,
        shared_login=payload.shared_login,
    )


@HANDOFFS.changed(ev.HandoffWithdrawn)
def _handoff_withdrawn(handoff: Handoff, _: Recorded, payload: ev.HandoffWithdrawn) -> Handoff:
    return replace(handoff, withdrawn=payload.reason)
