"""The fold of the rollout: where it stands, what was asked of the flag, and what people said of its criteria.

What is true of it is kept piece by piece (held, breached, a write without an outcome, the phase that was entered), and
its state follows from them, so that no order of events loses one of them. A rollout that has ended begins anew only
with another `RolloutBegun`; a rollback begins from everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.decisions import attested
from console.model.fold.rules import Rules
from console.model.people import Actor
from console.model.rolling import (
    Breach,
    Countdown,
    FlagWrite,
    Purpose,
    RolloutRecord,
    RolloutState,
    Stay,
    same_share,
)
from console.model.rollout import SeenPhase

F = TypeVar("F", bound=Callable[..., RolloutRecord])

RULES = Rules(blank=RolloutRecord)

STAYS = 100
"""How many phases are remembered."""


def _changed(kind: type[Any]) -> Callable[[F], F]:
    """Registers a rule after which the state is derived anew."""

    def register(rule: F) -> F:
        def both(record: RolloutRecord, recorded: Recorded, payload: Any) -> RolloutRecord:
            after = rule(record, recorded, payload)
            return replace(after, state=_state(after))

        RULES.changed(kind)(both)
        return rule

    return register


def _state(record: RolloutRecord) -> RolloutState:
    if not record.under_way:
        return record.state
    if record.held_by is not None:
        return RolloutState.HELD
    if record.open_write is not None:
        return RolloutState.RAMPING
    if record.stay is not None:
        return RolloutState.BAKING
    return RolloutState.RAMPING if record.percent else RolloutState.PENDING


@_changed(ev.PhaseObserved)
def _phase_observed(record: RolloutRecord, recorded: Recorded, payload: ev.PhaseObserved) -> RolloutRecord:
    seen = SeenPhase(
        record.target, recorded.version, payload.percent, payload.before, recorded.occurred_at, payload.source
    )
    return replace(record, seen=seen)


@_changed(ev.RolloutBegun)
def _begun(record: RolloutRecord, recorded: Recorded, payload: ev.RolloutBegun) -> RolloutRecord:
    """Another one: of the one before nothing stays but what is asked of the flag still."""
    if record.under_way or record.state is RolloutState.ROLLING_BACK:
        return record  # Two consoles that did not know of each other.
    return RolloutRecord(
        record.target,
        recorded.version,
        record.seen,
        payload.plan,
        payload.plan_hash,
        payload.revision,
        started_at=recorded.occurred_at,
        percent=payload.percent,
        write=record.write,
        doubtful=record.doubtful,
        unsaved=record.unsaved,
        begun_by=recorded.actor,
    )


# -- the share --------------------------------------------------------------------------------------------------------


@_changed(ev.WriteIntended)
def _write_intended(record: RolloutRecord, recorded: Recorded, payload: ev.WriteIntended) -> RolloutRecord:
    write = FlagWrite(
        payload.effect,
        payload.flag,
        payload.percent,
        payload.before,
        Purpose(payload.purpose),
        recorded.occurred_at,
        recorded.actor,
        payload.reason,
        payload.decision,
        break_glass=payload.break_glass,
    )
    before = record.write
    doubtful = (*record.doubtful, before) if before is not None and before.open else record.doubtful
    record = replace(record, write=write, doubtful=doubtful)
    return record if payload.safe is None else _baked(replace(record, safe=payload.safe), True)


@_changed(ev.WriteFinished)
def _write_finished(record: RolloutRecord, recorded: Recorded, payload: ev.WriteFinished) -> RolloutRecord:
    """The first outcome stands; a word of what nobody knew comes after it."""
    at, by = recorded.occurred_at, recorded.actor

    def ended(write: FlagWrite) -> FlagWrite:
        return replace(write, outcome=payload.outcome, answer=payload.answer, observed=payload.observed, ended_at=at)

    newest = record.write
    if newest is not None and newest.effect == payload.effect and newest.open:
        done = payload.outcome == "done"
        share = payload.observed if payload.observed is not None else newest.percent if done else None
        after = replace(record, write=ended(newest), doubtful=() if done else record.doubtful)
        return _looked(after, ended(newest), share, by, at)
    doubted = next((write for write in record.doubtful if write.effect == payload.effect), None)
    if doubted is not None:
        left = tuple(
            ended(write) if write.effect == payload.effect else write
            for write in record.doubtful
            if write.effect != payload.effect or payload.outcome not in ("done", "refused")
        )
        return _looked(replace(record, doubtful=left), ended(doubted), payload.observed, by, at)
    return record


def _looked(record: RolloutRecord, write: FlagWrite, share: float | None, by: Actor, at: datetime) -> RolloutRecord:
    """With the share that was read at the end of a write. A higher one that the write did not set, on a decision or on
    broken glass, is somebody else's: the rollout is held, as where it is seen first."""
    before = record.percent if record.percent is not None else write.before
    raised = share is not None and share > before and not same_share(share, before)
    rests = write.outcome == "done" and (write.decision or write.break_glass)
    record = _at(record, share, at)
    if share is None or not raised or (rests and same_share(share, write.percent)):
        return record
    return _raised_outside(record, share, by, at)


def _raised_outside(record: RolloutRecord, percent: float, by: Actor, at: datetime) -> RolloutRecord:
    if record.held_by is not None or not record.under_way:
        return record
    return _held(record, by, at, f"somebody else set the flag to {percent:g} %")


def _at(record: RolloutRecord, percent: float | None, at: datetime) -> RolloutRecord:
    """With the share that was read back. Another one than before ends the phase, and what was said of its share."""
    if percent is None or (record.percent is not None and same_share(percent, record.percent)):
        return record
    return replace(_left(record, at), percent=percent, disagrees_since=None)


def _baked(record: RolloutRecord, baked: bool) -> RolloutRecord:
    """With what is known of the phase that it is in."""
    stay = record.stay
    return record if stay is None else replace(record, stays=(*record.stays[:-1], replace(stay, baked=baked)))


def _left(record: RolloutRecord, at: datetime) -> RolloutRecord:
    stay = record.stay
    stays = (*record.stays[:-1], replace(stay, left_at=at)) if stay is not None else record.stays
    return replace(record, stays=stays, bake_since=None)


@_changed(ev.ShareMoved)
def _moved(record: RolloutRecord, recorded: Recorded, payload: ev.ShareMoved) -> RolloutRecord:
    raised = payload.before is None or payload.percent > payload.before
    record = _at(record, payload.percent, recorded.occurred_at)
    return _raised_outside(record, payload.percent, recorded.actor, recorded.occurred_at) if raised else record


@_changed(ev.PhaseEntered)
def _entered(record: RolloutRecord, recorded: Recorded, payload: ev.PhaseEntered) -> RolloutRecord:
    at = recorded.occurred_at
    by = record.write.by if record.write is not None and record.write.effect == payload.effect else recorded.actor
    stay = Stay(payload.percent, record.revision, at, by, payload.measured)
    record = _left(record, at)
    return replace(
        record,
        percent=payload.percent,
        stays=(*record.stays, stay)[-STAYS:],
        bake_since=at,
        breached_at=at if record.breaches else None,
    )


@_changed(ev.RevisionChanged)
def _revision_changed(record: RolloutRecord, recorded: Recorded, payload: ev.RevisionChanged) -> RolloutRecord:
    """Another one bakes anew, and what people said of the one before does not count for it. One that was only unknown
    until now was the same all the time."""
    record = replace(record, revision=payload.revision)
    return replace(_anew(record, recorded.occurred_at), attestations=()) if payload.before else record


def _anew(record: RolloutRecord, at: datetime) -> RolloutRecord:
    """The bake begins anew, where something bakes."""
    if record.bake_since is None:
        return record
    return replace(_baked(record, False), bake_since=at, breached_at=at if record.breaches else None)


@_changed(ev.ShareDisagreed)
def _disagreed(record: RolloutRecord, _: Recorded, payload: ev.ShareDisagreed) -> RolloutRecord:
    return replace(record, disagrees_since=payload.since)


@_changed(ev.ShareAgreed)
def _agreed(record: RolloutRecord, _: Recorded, __: ev.ShareAgreed) -> RolloutRecord:
    return replace(record, disagrees_since=None)


# -- held, given up, finished -----------------------------------------------------------------------------------------


def _held(record: RolloutRecord, by: Actor, at: datetime, reason: str) -> RolloutRecord:
    return replace(record, held_by=by, held_at=at, held_reason=reason)


@_changed(ev.RolloutHeld)
def _on_hold(record: RolloutRecord, recorded: Recorded, payload: ev.RolloutHeld) -> RolloutRecord:
    if record.held_by is not None or not record.under_way:
        return record
    return _held(record, recorded.actor, recorded.occurred_at, payload.reason)


@_changed(ev.RolloutReleased)
def _released(record: RolloutRecord, recorded: Recorded, payload: ev.RolloutReleased) -> RolloutRecord:
    if record.held_by is None:
        return record
    record = replace(record, held_by=None, held_at=None, held_reason="")
    return _anew(record, recorded.occurred_at) if payload.bake_anew else record


@_changed(ev.RolloutAborted)
def _aborted(record: RolloutRecord, recorded: Recorded, payload: ev.RolloutAborted) -> RolloutRecord:
    return _over(record, recorded, RolloutState.ABORTED, payload.reason)


@_changed(ev.RolloutFinished)
def _finished(record: RolloutRecord, recorded: Recorded, payload: ev.RolloutFinished) -> RolloutRecord:
    return _over(record, recorded, RolloutState.PROMOTED, payload.reason)


def _over(record: RolloutRecord, recorded: Recorded, state: RolloutState, reason: str) -> RolloutRecord:
    return replace(
        record,
        state=state,
        ended_at=recorded.occurred_at,
        reason=reason,
        held_by=None,
        held_at=None,
        held_reason="",
        countdown=None,
        disagrees_since=None,
    )


# -- guardrails -------------------------------------------------------------------------------------------------------


@_changed(ev.GuardrailBreached)
def _breached(record: RolloutRecord, recorded: Recorded, payload: ev.GuardrailBreached) -> RolloutRecord:
    at = recorded.occurred_at
    known = record.breaches.get(payload.guardrail)
    breach = Breach(payload.guardrail, known.since if known is not None else at, payload.why, payload.fast)
    record = _baked(record, False)
    return replace(record, breaches={**record.breaches, payload.guardrail: breach}, breached_at=at)


@_changed(ev.GuardrailRecovered)
def _recovered(record: RolloutRecord, recorded: Recorded, payload: ev.GuardrailRecovered) -> RolloutRecord:
    """The bake begins anew with the end of the last breach: a phase passes on a bake without one."""
    left = {name: breach for name, breach in record.breaches.items() if name != payload.guardrail}
    last = bool(record.breaches) and not left
    record = replace(record, breaches=left)
    return _anew(record, recorded.occurred_at) if last else record


# -- the rollback -----------------------------------------------------------------------------------------------------


@_changed(ev.CountdownStarted)
def _countdown_started(record: RolloutRecord, _: Recorded, payload: ev.CountdownStarted) -> RolloutRecord:
    return replace(record, countdown=Countdown(payload.at, payload.why))


@_changed(ev.CountdownCancelled)
def _countdown_cancelled(record: RolloutRecord, recorded: Recorded, payload: ev.CountdownCancelled) -> RolloutRecord:
    cancelled = record.cancelled_at if payload.again else recorded.occurred_at
    return replace(record, countdown=None, cancelled_at=cancelled)


@_changed(ev.RollbackBegun)
def _rollback_begun(record: RolloutRecord, recorded: Recorded, payload: ev.RollbackBegun) -> RolloutRecord:
    return replace(
        _over(record, recorded, RolloutState.ROLLING_BACK, payload.reason),
        ended_at=None,
        run=payload.run,
        rollback_since=recorded.occurred_at,
        automatic=payload.automatic,
    )


@_changed(ev.RollbackEnded)
def _rollback_ended(record: RolloutRecord, recorded: Recorded, payload: ev.RollbackEnded) -> RolloutRecord:
    """One that was not carried out to its end leaves the rollout held where it is."""
    at = recorded.occurred_at
    if record.state is not RolloutState.ROLLING_BACK or payload.run != record.run:
        return record
    if payload.completed:
        record = replace(_settled(_at(record, 0.0, at), at), state=RolloutState.ROLLED_BACK, ended_at=at)
        return _left(record, at)
    cancelled = at if payload.aborted else record.cancelled_at
    record = replace(record, state=RolloutState.PENDING, started_at=record.started_at or at, cancelled_at=cancelled)
    return _held(record, recorded.actor, at, f"the rollback ended before its end: {payload.answer}")


def _settled(record: RolloutRecord, at: datetime) -> RolloutRecord:
    """The share was observed at 0 %: of what was written before, nobody is in doubt any more."""
    write = record.write
    if write is not None and write.open:
        outcome, seen = "done" if write.percent == 0 else "refused", "the share is at 0 %, the rollback is over"
        write = replace(write, outcome=outcome, answer=seen, observed=0.0, ended_at=at)
    return replace(record, write=write, doubtful=())


# -- what people say of its criteria ----------------------------------------------------------------------------------


@_changed(ev.CriterionAttested)
def _attested(record: RolloutRecord, recorded: Recorded, payload: ev.CriterionAttested) -> RolloutRecord:
    return replace(record, attestations=attested(record.attestations, recorded, payload))


@_changed(ev.PhaseApproved)
def _approved(record: RolloutRecord, recorded: Recorded, payload: ev.PhaseApproved) -> RolloutRecord:
    return replace(record, attestations=attested(record.attestations, recorded, payload))
