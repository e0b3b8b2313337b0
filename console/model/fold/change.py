"""The fold of the temporary changes."""

from __future__ import annotations

from dataclasses import replace

from console.model import events as ev
from console.model.change import Change, ChangeStatus
from console.model.events import Recorded
from console.model.fold.rules import Rules

RULES = Rules()


@RULES.born(ev.ChangeIntended)
def _intended(recorded: Recorded, payload: ev.ChangeIntended) -> Change:
    return Change(
        id=recorded.stream.partition(":")[2],
        number=recorded.seq,
        version=recorded.version,
        kind=payload.kind,
        target=payload.target,
        what=payload.what,
        undo=payload.undo,
        made_at=recorded.occurred_at,
        made_by=recorded.actor,
        state=ChangeStatus.INTENDED,
        incident=payload.incident,
        expires_at=payload.expires_at,
        silence=payload.silence,
    )


@RULES.changed(ev.ChangeMade)
def _made(change: Change, _: Recorded, payload: ev.ChangeMade) -> Change:
    if change.state is not ChangeStatus.INTENDED:
        return change  # A late answer to what somebody settled meanwhile.
    return replace(
        change,
        state=ChangeStatus.IN_FORCE,
        answer=payload.answer,
        remote=payload.remote or change.remote,
        expires_at=payload.expires_at or change.expires_at,
    )


@RULES.changed(ev.ChangeRefused)
def _refused(change: Change, recorded: Recorded, payload: ev.ChangeRefused) -> Change:
    return _ended(change, recorded, ChangeStatus.REFUSED, payload.answer)


@RULES.changed(ev.ExtendIntended)
def _extend_intended(change: Change, _: Recorded, payload: ev.ExtendIntended) -> Change:
    return replace(change, answer=f"asked to last until {payload.expires_at:%Y-%m-%d %H:%M}Z: no answer yet")


@RULES.changed(ev.ChangeExtended)
def _extended(change: Change, _: Recorded, payload: ev.ChangeExtended) -> Change:
    remote = payload.remote or change.remote
    return replace(change, expires_at=payload.expires_at, answer=payload.answer, remote=remote)


@RULES.changed(ev.ExtendRefused)
def _extend_refused(change: Change, _: Recorded, payload: ev.ExtendRefused) -> Change:
    return replace(change, answer=payload.answer)


@RULES.changed(ev.UndoIntended)
def _undo_intended(change: Change, _: Recorded, __: ev.UndoIntended) -> Change:
    return replace(change, state=ChangeStatus.UNDOING)


@RULES.changed(ev.UndoRefused)
def _undo_refused(change: Change, _: Recorded, payload: ev.UndoRefused) -> Change:
    back = ChangeStatus.HANDED_OVER if change.handed_to else ChangeStatus.IN_FORCE
    return replace(change, state=back, answer=payload.answer)


@RULES.changed(ev.ChangeUndone)
def _undone(change: Change, recorded: Recorded, payload: ev.ChangeUndone) -> Change:
    return _ended(change, recorded, ChangeStatus.UNDONE, payload.answer)


@RULES.changed(ev.ChangeHandedOver)
def _handed_over(change: Change, _: Recorded, payload: ev.ChangeHandedOver) -> Change:
    return replace(change, state=ChangeStatus.HANDED_OVER, handed_to=payload.to)


@RULES.changed(ev.ChangeTied)
def _tied(change: Change, _: Recorded, payload: ev.ChangeTied) -> Change:
    return replace(change, incident=payload.incident)


def _ended(change: Change, recorded: Recorded, state: ChangeStatus, answer: str) -> Change:
    if change.ended_at is not None:
        return change
    return replace(change, state=state, answer=answer, ended_at=recorded.occurred_at, ended_by=recorded.actor)
