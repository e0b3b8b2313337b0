"""The folds of what is told to other systems, and of what they say: deliveries, channels, who is on call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from console.model import events as ev
from console.model.events import Recorded
from console.model.fold.rules import Rules
from console.model.message import ChannelProof, Delivery, DeliveryState
from console.model.pager import KnownOnCalls

KEPT = 200
"""How many finished deliveries are remembered."""


def _too_many(deliveries: Mapping[str, Delivery]) -> list[str]:
    if len(deliveries) <= KEPT:
        return []
    ended = sorted((when, item.id) for item in deliveries.values() if (when := _ended(item)) is not None)
    return [name for _, name in ended[:-KEPT]]


def _ended(delivery: Delivery) -> datetime | None:
    return None if delivery.open else delivery.ended_at


DELIVERIES = Rules(forgotten=_too_many)
PROOFS = Rules(blank=ChannelProof)
ON_CALL = Rules(blank=KnownOnCalls)


@DELIVERIES.born(ev.DeliveryQueued)
def _queued(recorded: Recorded, payload: ev.DeliveryQueued) -> Delivery:
    return Delivery(
        id=recorded.stream.partition(":")[2],
        channel=payload.channel,
        act=payload.act,
        message=payload.message,
        queued_at=recorded.occurred_at,
        ref=payload.ref,
        args=payload.args,
        subject_stream=payload.subject_stream,
        version=recorded.version,
    )


@DELIVERIES.changed(ev.DeliveryQueued)
def _queued_again(delivery: Delivery, recorded: Recorded, _: ev.DeliveryQueued) -> Delivery:
    if delivery.open:
        return delivery
    return replace(delivery, state=DeliveryState.QUEUED, queued_at=recorded.occurred_at, ended_at=None)


@DELIVERIES.changed(ev.DeliveryFailing)
def _failing(delivery: Delivery, _: Recorded, payload: ev.DeliveryFailing) -> Delivery:
    return replace(delivery, state=DeliveryState.FAILING, error=payload.error) if delivery.open else delivery


@DELIVERIES.changed(ev.DeliverySent)
def _sent(delivery: Delivery, recorded: Recorded, payload: ev.DeliverySent) -> Delivery:
    return replace(
        delivery,
        state=DeliveryState.SENT,
        error="",
        receipt=payload.receipt,
        ref=delivery.ref or payload.ref,
        attempts=payload.attempts,
        ended_at=recorded.occurred_at,
    )


@DELIVERIES.changed(ev.DeliveryFailed)
def _failed(delivery: Delivery, recorded: Recorded, payload: ev.DeliveryFailed) -> Delivery:
    if delivery.state is DeliveryState.SENT:
        return delivery  # It went through at least once, whatever another console saw.
    return replace(
        delivery,
        state=DeliveryState.FAILED,
        error=payload.error,
        attempts=payload.attempts,
        ended_at=recorded.occurred_at,
    )


@PROOFS.changed(ev.ChannelProven)
def _proven(proof: ChannelProof, recorded: Recorded, payload: ev.ChannelProven) -> ChannelProof:
    return replace(
        proof,
        proven_at=recorded.occurred_at,
        by=recorded.actor.name,
        evidence=payload.evidence,
        failed_at=None,
        error="",
    )


@PROOFS.changed(ev.ChannelTestFailed)
def _test_failed(proof: ChannelProof, recorded: Recorded, payload: ev.ChannelTestFailed) -> ChannelProof:
    return replace(proof, failed_at=recorded.occurred_at, error=payload.error)


@ON_CALL.changed(ev.OnCallChanged)
def _on_call_changed(known: KnownOnCalls, recorded: Recorded, payload: ev.OnCallChanged) -> KnownOnCalls:
    return replace(known, at=recorded.occurred_at, on_calls=payload.on_calls)
