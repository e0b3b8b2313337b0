"""What becomes of the record by events that are not in it yet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from console.model.decide.context import Batch, Context
from console.model.events import Recorded, kind_of
from console.model.fold.response import RULES
from console.model.incident import Incident
from console.model.run import Run
from console.model.state import State, apply


def foresee(
    incident: Incident | None, stream: str, payloads: Iterable[Any], context: Context, at: datetime | None = None
) -> Incident:
    """`incident` after `payloads`; None before the first, which declares it. One without a number has no label yet."""
    entity = stream.partition(":")[2]
    table = {} if incident is None else {entity: incident}
    version = incident.version if incident is not None else 0
    number = incident.number if incident is not None else 0
    for place, payload in enumerate(payloads, start=version + 1):
        RULES.fold(table, entity, _recorded(stream, place, payload, context, number, at))
    return table[entity]


def _recorded(
    stream: str, version: int, payload: Any, context: Context, number: int = 0, at: datetime | None = None
) -> Recorded:
    kind, kind_version = kind_of(payload)
    return Recorded(
        seq=number,
        stream=stream,
        version=version,
        kind=kind,
        kind_version=kind_version,
        id="",
        occurred_at=at or context.now,
        recorded_at=context.now,
        actor=context.actor,
        console=context.console,
        causation="",
        mode=context.mode,
        payload=payload,
    )


class Draft:
    """What is decided, event by event, in one append: `state` shows every event as soon as it is added, so that each
    rule sees what the rules before it have decided. What begins in it has no number yet."""

    def __init__(self, state: State, context: Context) -> None:
        self.state, self.context = state.copy(), context
        self._expected: dict[str, int] = {}
        self._payloads: dict[str, list[Any]] = {}

    def add(self, stream: str, *payloads: Any) -> None:
        """Further events of a stream."""
        for payload in payloads:
            table, entity = self.state.place(stream)
            known = table.get(entity) if table is not None else None
            version, number = (known.version, getattr(known, "number", 0)) if known is not None else (0, 0)
            self._expected.setdefault(stream, version)
            self._payloads.setdefault(stream, []).append(payload)
            apply(self.state, _recorded(stream, version + 1, payload, self.context, number))

    def take(self, batches: Iterable[Batch]) -> None:
        """What another rule has decided on `state`."""
        for batch in batches:
            self.add(batch.stream, *batch.payloads)

    def run(self, run_id: str) -> Run:
        """A run as it stands."""
        return self.state.runs[run_id]

    def batches(self) -> list[Batch]:
        """Everything that was added, in the order in which the streams were touched first."""
        return [Batch(stream, self._expected[stream], tuple(payloads)) for stream, payloads in self._payloads.items()]
