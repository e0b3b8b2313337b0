"""The gauges of the objectives in full, as JSON."""

from __future__ import annotations

from typing import Any

from console.model.board import Board
from console.model.slo import SloGauge
from console.reports.snapshot import Json, instant, number, reading_data, slo_data


def gauges(board: Board) -> Json:
    """All of them, with where and when they were read."""
    return {
        "at": instant(board.at),
        "environment": str(board.target),
        "slos": [gauge_data(gauge) for gauge in board.slos],
    }


def gauge_data(gauge: SloGauge) -> Json:
    """A gauge with its definition and its evidence. Durations are in seconds."""
    objective, forecast = gauge.objective, gauge.forecast
    return slo_data(gauge) | {
        "window": objective.window.name,
        "method": objective.method,
        "description": objective.description,
        "labels": dict(objective.labels),
        "group": dict(objective.group),
        "queries": dict(objective.queries),
        "where": objective.where,
        "coverage": _number(gauge.coverage),
        "burns": {name: reading_data(reading) for name, reading in gauge.burns.items()},
        "alerts": [
            {
                "urgency": item.rule.urgency.value,
                "long": item.rule.long,
                "short": item.rule.short,
                "factor": number(item.factor),
                "firing": item.firing,
            }
            for item in gauge.alerts
        ],
        "to_date": reading_data(gauge.to_date) if gauge.to_date is not None else None,
        "interval": _pair(gauge.interval),
        "bounds": _pair(gauge.bounds),
        "forecast": forecast
        and {
            "horizon": forecast.horizon.total_seconds(),
            "p10": _seconds(forecast.p10),
            "p50": _seconds(forecast.p50),
            "p90": _seconds(forecast.p90),
            "never": number(forecast.never),
            "n": forecast.n,
        },
    }


def _number(value: float | None) -> float | None:
    return None if value is None else number(value)


def _pair(pair: tuple[float, float] | None) -> list[float | None] | None:
    return None if pair is None else [number(value) for value in pair]


def _seconds(length: Any) -> float | None:
    return None if length is None else number(length.total_seconds())
