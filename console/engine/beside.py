"""The gauges beside a baseline: how the last hour compares with the same hours of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.model.baseline import Baseline, BaselineNote, Standing, definition
from console.model.comparison import Comparison
from console.model.reading import ReadingState
from console.model.sli import Sli
from console.model.slices import SLICE
from console.model.slo import SloGauge

HOUR = "1h"
"""The burn rate that says what the last hour was."""
_HALF = 1800
"""Seconds: the middle of the last hour says which hour it is."""


class Beside:
    """Notes on the gauges of the environment that a baseline is of."""

    def __init__(self, baseline: Baseline) -> None:
        self.baseline = baseline
        self._comparisons: dict[str, Comparison] = {}
        self._definitions: dict[str, tuple[Sli, str]] = {}

    def noted(self, gauges: Sequence[SloGauge]) -> tuple[SloGauge, ...]:
        """The gauges, each with its note."""
        return tuple(replace(gauge, baseline=self._note(gauge)) for gauge in gauges)

    def _note(self, gauge: SloGauge) -> BaselineNote:
        baseline, objective = self.baseline, gauge.objective
        measured, reading = baseline.of(objective.name), gauge.burns.get(HOUR, gauge.burn)

        def unknown(why: str) -> BaselineNote:
            what = objective.sli.unit.value
            return BaselineNote(baseline.name, baseline.captured_at, Standing.UNKNOWN, what, why=why)

        if measured is None:
            return unknown(baseline.missing.get(objective.name, "the baseline does not have it"))
        if measured.definition != self._definition(gauge):
            return unknown("its definition is another than when the baseline was captured")
        if reading.value is None or reading.n is None or reading.at is None:
            return unknown(reading.note or "the last hour is not known")
        if reading.state is ReadingState.STALE:
            return unknown(reading.note or "the last hour is stale")
        comparison = self._comparisons.get(objective.name)
        if comparison is None:
            comparison = self._comparisons[objective.name] = Comparison(baseline, measured)
        bad = reading.value * objective.budget * reading.n
        found = comparison.ratio(bad, reading.n, int((reading.at.timestamp() - _HALF) // SLICE))
        if not reading.ok and found.standing in (Standing.WITHIN, Standing.LOWER):
            return replace(found, standing=Standing.THIN, why=reading.note)
        return found

    def _definition(self, gauge: SloGauge) -> str:
        own, name = gauge.objective.sli, gauge.objective.name
        shown = own.fallback if own.fallback is not None and gauge.basis == own.fallback.basis else own
        known = self._definitions.get(name)
        if known is None or known[0] is not shown:
            known = self._definitions[name] = shown, definition(shown)
        return known[1]
