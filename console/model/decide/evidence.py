"""What the sources said at a turn of an incident: a copy for the record, since readings are not kept."""

from __future__ import annotations

from math import isfinite

from console.model import events as ev
from console.model.decide.context import Context

_KEPT = ("slo.", "guardrail.", "rollout.percent")


def evidence(moment: str, context: Context) -> tuple[ev.EvidenceTaken, ...]:
    """The readings of this moment; nothing where there are none."""
    notes = tuple(
        ev.ReadingNote(
            name,
            reading.state,
            reading.value if reading.value is not None and isfinite(reading.value) else None,
            reading.at,
            reading.source,
            reading.n,
        )
        for name, reading in sorted(context.readings.items())
        if name.startswith(_KEPT)
    )
    return (ev.EvidenceTaken(moment, notes),) if notes else ()
