"""Baselines as JSON. Ratios are error ratios, percentiles in the histogram's own unit."""

from __future__ import annotations

from typing import Any

from console.model.advice import Advice, advise
from console.model.baseline import Baseline, BaselineNote, Estimate, Measured, Span
from console.model.slices import instant as at_slice
from console.reports.values import Json, instant, number


def listed(baseline: Baseline) -> Json:
    """One of a list."""
    return {
        "name": baseline.name,
        "environment": baseline.environment,
        "captured_at": instant(baseline.captured_at),
        "by": baseline.by,
        "source": baseline.source,
        "zone": baseline.zone,
        "begin": instant(at_slice(baseline.begin)),
        "end": instant(at_slice(baseline.end)),
        "days": number(baseline.days),
        "slis": [item.name for item in baseline.measured],
        "missing": dict(baseline.missing),
        "notes": list(baseline.notes),
    }


def whole(baseline: Baseline) -> Json:
    """All of it but the slices."""
    return listed(baseline) | {"hash": baseline.hash, "slis": [_measured(item) for item in baseline.measured]}


def _measured(item: Measured) -> Json:
    return {
        "name": item.name,
        "title": item.title,
        "definition": item.definition,
        "unit": item.unit.value,
        "slices": item.slices,
        "seen": item.seen,
        "doubtful": item.doubtful,
        "coverage": number(item.coverage),
        "bad": number(item.bad),
        "total": number(item.total),
        "deff": number(item.deff),
        "target": item.target,
        "peak_hours_of_week": list(item.peak),
        "hours": [_span(span) for span in item.hours],
        "days": [_span(span) for span in item.days],
        "ratios": {load.value: estimate(found) for load, found in item.ratios.items()},
        "quantiles": [
            {"load": one.load.value, "quantile": one.quantile, "estimate": estimate(one.estimate)}
            for one in item.quantiles
        ],
        "bounds": list(item.les),
        "histogram": item.histogram,
        "note": item.note,
        "advice": [advice_data(one) for one in advise(item)],
    }


def _span(span: Span) -> Json:
    begin = instant(at_slice(span.begin))
    return {
        "begin": begin,
        "slices": span.slices,
        "seen": span.seen,
        "bad": number(span.bad),
        "total": number(span.total),
    }


def advice_data(advice: Advice) -> Json:
    """One piece of advice, with what it rests on."""
    return {
        "kind": advice.kind.value,
        "suggested": _number(advice.suggested),
        "quantile": advice.quantile or None,
        "evidence": estimate(advice.evidence),
    }


def note_data(note: BaselineNote) -> Json:
    """The present beside the same hours."""
    return {
        "baseline": note.baseline,
        "captured_at": instant(note.captured_at),
        "standing": note.standing.value,
        "value": _number(note.value),
        "at_least": note.at_least,
        "n": note.n,
        "unit": note.what,
        "same": note.same and estimate(note.same),
        "same_hour": note.hour,
        "difference": note.difference and estimate(note.difference),
        "compared": note.compared,
        "like": note.like,
        "low": _number(note.low),
        "high": _number(note.high),
        "why": note.why,
    }


def estimate(found: Estimate) -> dict[str, Any]:
    """A number with its evidence."""
    return {
        "value": number(found.value),
        "low": _number(found.low),
        "high": _number(found.high),
        "n": found.n,
        "method": found.method,
        "bounds": [_number(item) for item in found.bounds] if found.bounds is not None else None,
        "at_least": found.at_least,
    }


def _number(value: float | None) -> float | None:
    return None if value is None else number(value)
