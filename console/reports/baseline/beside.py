"""The present beside a baseline: the last hour, and the present hour of the wall clock so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from console.model.baseline import Baseline, BaselineNote, Detail, Measured, Standing, counted, definition, grid, sums
from console.model.comparison import Comparison, percentile
from console.model.histogram import QUANTILES, added
from console.model.value import value
from console.reports.baseline.capture import Slicing, Wanted

HOUR = 12
"""Slices."""


@value
class Beside:
    """One comparison: of which SLI, of which hour, of its errors or of a percentile."""

    name: str
    hour: str
    what: str
    note: BaselineNote


def besides(
    baseline: Baseline, details: Sequence[Detail], wanted: Sequence[Wanted], found: Sequence[Slicing], edge: int
) -> Iterator[Beside]:
    """Every comparison; `found` are the slices of the hour before `edge`."""
    by_name = {item.name: item for item in details}
    for item, slicing in zip(wanted, found, strict=True):
        name = item.objective.name
        measured = baseline.of(name)

        def unknown(why: str, name: str = name, item: Wanted = item) -> Beside:
            unit = item.sli.unit.value
            note = BaselineNote(baseline.name, baseline.captured_at, Standing.UNKNOWN, unit, why=why)
            return Beside(name, "last hour", "errors", note)

        if measured is None:
            yield unknown(baseline.missing.get(name, "the baseline does not have it"))
        elif measured.definition != definition(item.sli):
            yield unknown("its definition is another than when the baseline was captured")
        elif slicing.gone:
            yield unknown(slicing.gone)
        else:
            yield from _of(baseline, measured, by_name[name], item, slicing, edge)


def _of(
    baseline: Baseline, measured: Measured, detail: Detail, item: Wanted, slicing: Slicing, edge: int
) -> Iterator[Beside]:
    begin = grid(edge - HOUR, edge, baseline.zone).hours[-1][0]
    comparison = Comparison(baseline, measured)
    bad, total = counted(slicing.slices, item.sli)
    for hour, first, middle in (
        ("last hour", edge - HOUR, edge - HOUR // 2),
        ("present hour", begin, edge - 1),
    ):
        here = sums(bad, total, first, edge, edge - HOUR)
        note = comparison.ratio(here.bad if here.seen else None, here.total, middle)
        yield Beside(measured.name, hour, "errors", _whole(note, here.seen, here.slices))
        rows = [row for row in slicing.buckets[first - edge + HOUR :] if row is not None]
        if not measured.les or slicing.les != measured.les or not rows:
            if measured.les:
                why = "the histogram has other buckets now" if rows else "the histogram has no sample in this hour"
                unknown = BaselineNote(baseline.name, baseline.captured_at, Standing.UNKNOWN, "requests", why=why)
                yield Beside(measured.name, hour, "percentiles", unknown)
            continue
        counts = added(rows)
        for quantile in QUANTILES:
            found = percentile(baseline, measured, detail, counts, quantile, middle)
            yield Beside(measured.name, hour, f"P{100 * quantile:g}", _whole(found, len(rows), edge - first))


def _whole(note: BaselineNote, seen: int, slices: int) -> BaselineNote:
    """Of an hour of which slices are missing, only what is loud is believed."""
    if seen >= slices or note.standing not in (Standing.WITHIN, Standing.LOWER):
        return note
    return replace(note, standing=Standing.THIN, why=f"covers {5 * seen} of {5 * slices} min")
