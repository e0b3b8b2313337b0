"""What an incident becomes by events that are not in the record yet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from console.model.decide.context import Context
from console.model.events import Recorded, kind_of
from console.model.fold.response import RULES
from console.model.incident import Incident


def foresee(
    incident: Incident | None, stream: str, payloads: Iterable[Any], context: Context, at: datetime | None = None
) -> Incident:
    """`incident` after `payloads`; None before the first, which declares it. One without a number has no label yet."""
    entity = stream.partition(":")[2]
    table = {} if incident is None else {entity: incident}
    version = incident.version if incident is not None else 0
    for number, payload in enumerate(payloads, start=version + 1):
        kind, kind_version = kind_of(payload)
        recorded = Recorded(
            seq=incident.number if incident is not None else 0,
            stream=stream,
            version=number,
            kind=kind,
            kind_version=kind_version,
            id="",
            occurred_at=at or context.now,
            recorded_at=context.now,
            actor=context.actor,
            console="",
            causation="",
            mode=context.mode,
            payload=payload,
        )
        RULES.fold(table, entity, recorded)
    return table[entity]
