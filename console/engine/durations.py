"""How long what is in flight lasts, by the histogram of its durations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import isfinite
from typing import TYPE_CHECKING

from console.ports import Clock, MetricSource, Row, SourceError

if TYPE_CHECKING:
    from console.model.draining import Residual

EVERY = timedelta(minutes=1)
OVER = "30m"
"""How often the histogram of durations is read, and over how much."""


class Durations:
    """How long what is in flight lasts, by its histogram. Asked in the thread of the metric poller, after a round."""

    def __init__(self, metrics: MetricSource, selector: str, clock: Clock) -> None:
        self._metrics, self._clock = metrics, clock
        self._expr = f"sum by (le) (rate({selector}[{OVER}]))"
        self._due = 0.0
        self.lasting: Residual | None = None

    def look(self, _: object) -> None:
        """Asks, when it is time. Never raises: what cannot be read is not known."""
        if self._clock.monotonic() < self._due:
            return
        self._due = self._clock.monotonic() + EVERY.total_seconds()
        try:
            found = lasting_of(self._metrics.rows(self._expr))
        except SourceError:
            found = None
        if found != self.lasting:
            self.lasting = found


def lasting_of(rows: Sequence[Row]) -> Residual | None:
    """Of the buckets of one histogram; None where they are none."""
    from console.model.draining import residual

    try:
        bounds = {float(row.labels["le"]): row.value for row in rows}
    except (KeyError, ValueError):
        return None
    counts = {le: count for le, count in bounds.items() if le > 0.0}  # nothing lasts shorter than that
    les = sorted(counts)
    if len(les) < 2 or les[-1] != float("inf") or not all(map(isfinite, counts.values())):
        return None
    return residual(les[:-1], [counts[le] for le in les])
