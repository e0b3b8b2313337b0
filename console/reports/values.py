"""How values stand in what the console prints as JSON: instants, numbers, readings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from console.model.reading import Reading

Json = dict[str, Any]

SIGNIFICANT = 9
"""Digits kept of a measured number: more would be noise of the arithmetic."""


def dump(data: Any) -> str:
    """JSON with sorted keys, in ASCII: nothing in it that a terminal would obey. Ends without a line feed."""
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False)


def instant(when: datetime | None) -> str | None:
    """UTC with six fraction digits, as in the record."""
    return None if when is None else when.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def number(value: float) -> float | None:
    """A measured number without the noise of its last digits; None where it is not finite, which JSON cannot say."""
    if isinstance(value, bool | int):
        return value
    short = float(f"{value:.{SIGNIFICANT}g}")
    return short if abs(short) != float("inf") and short == short else None


def reading_data(reading: Reading[Any]) -> Json:
    """A reading; `note` says why its state is less than ok."""
    value = reading.value
    return {
        "state": reading.state.value,
        "value": number(value) if isinstance(value, float) else value,
        "at": instant(reading.at),
        "source": reading.source,
        "n": reading.n,
        "note": reading.note,
    }
