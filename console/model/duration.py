"""Lengths of time as people type them."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
PATTERN = re.compile(r"(?:[0-9]+[smhdw])+")
_PART = re.compile(r"([0-9]+)([smhdw])")


def duration(text: str) -> timedelta:
    """A duration such as 90s, 5m, 1h30m, 30d or 4w: all that the settings take. Raises ValueError."""
    if not PATTERN.fullmatch(text):
        raise ValueError(f"{text!r} is no duration; expected one such as 90s, 5m or 1h30m")
    try:
        return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text)))
    except OverflowError:
        raise ValueError(f"{text!r} is longer than anybody waits") from None
