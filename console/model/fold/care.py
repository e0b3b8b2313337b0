"""The fold of what people say about alerts."""

from __future__ import annotations

from dataclasses import replace

from console.model import events as ev
from console.model.care import AlertCare
from console.model.events import Recorded
from console.model.fold.rules import Rules

RULES = Rules(blank=AlertCare)


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
