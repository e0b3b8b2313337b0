"""The gauges of the objectives in full, as JSON."""

from __future__ import annotations

from console.model.board import Board
from console.model.slo import SloGauge
from console.reports.baseline.data import note_data
from console.reports.snapshot import slo_data
from console.reports.values import Json, instant


def gauges(board: Board) -> Json:
    """All of them, with where and when they were read."""
    return {
        "at": instant(board.at),
        "environment": str(board.target),
        "slos": [gauge_data(gauge) for gauge in board.slos],
    }


def gauge_data(gauge: SloGauge) -> Json:
    """A gauge with its definition."""
    objective = gauge.objective
    return slo_data(gauge) | {
        "window": objective.window.name,
        "method": objective.method,
        "description": objective.description,
        "labels": dict(objective.labels),
        "group": dict(objective.group),
        "queries": dict(objective.queries),
        "baseline": gauge.baseline and note_data(gauge.baseline),
    }
