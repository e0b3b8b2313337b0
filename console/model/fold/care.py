"""The fold of what people say about alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from console.model import events as ev
from console.model.care import AlertCare
from console.model.events import Recorded
from console.model.fold.rules import Rules

KEPT = 20_000
"""So many alerts are remembered in any case."""
LONG = timedelta(days=30)
"""Of the others, those that were taken or given back within this time before the newest; and all that were judged, or
have a note. What the fold has forgotten the record still holds: who takes such an alert again reads it there."""
_STEP = 1_000


def _forgotten(table: Mapping[str, AlertCare]) -> list[str]:
    if len(table) <= KEPT or len(table) % _STEP:
        return []
    told = {name: at for name, care in table.items() if (at := _last(care)) is not None}
    newest = max(told.values(), default=None)
    old = [
        (at, name)
        for name, at in told.items()
        if newest is not None and newest - at > LONG and table[name].verdict is None and not table[name].notes
    ]
    return [name for _, name in sorted(old)[: len(table) - KEPT]]


def _last(care: AlertCare) -> datetime | None:
    return max((at for at in (care.acknowledged_at, care.given_back_at) if at is not None), default=None)


RULES = Rules(blank=AlertCare, forgotten=_forgotten, at_birth=True)


@RULES.changed(ev.AlertAcknowledged)
def _acknowledged(care: AlertCare, recorded: Recorded, payload: ev.AlertAcknowledged) -> AlertCare:
    if care.has(payload.alert.starts_at):
        return care  # The first one stands; the record keeps both.
    return replace(
        care,
        name=payload.alert.name,
        acknowledged_at=recorded.occurred_at,
        acknowledged_by=payload.by or recorded.actor.name,
        via=payload.via,
        firing=payload.alert.starts_at,
    )


@RULES.changed(ev.AlertUnacknowledged)
def _unacknowledged(care: AlertCare, recorded: Recorded, _: ev.AlertUnacknowledged) -> AlertCare:
    return replace(
        care, acknowledged_at=None, acknowledged_by="", via="", firing=None, given_back_at=recorded.occurred_at
    )


@RULES.changed(ev.AlertJudged)
def _judged(care: AlertCare, recorded: Recorded, payload: ev.AlertJudged) -> AlertCare:
    return replace(
        care,
        name=payload.name,
        verdict=payload.verdict,
        verdict_by=recorded.actor,
        verdict_at=recorded.occurred_at,
        verdict_note=payload.note,
    )


@RULES.changed(ev.NoteAdded)
def _note(care: AlertCare, recorded: Recorded, payload: ev.NoteAdded) -> AlertCare:
    return replace(care, notes=(*care.notes, (recorded.occurred_at, recorded.actor.name, payload.text)))
