"""What people type: durations and times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(?:[0-9]+[smhd])+")
_PART = re.compile(r"([0-9]+)([smhd])")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?Z?")


def duration(text: str) -> timedelta:
    """A duration such as 90s, 5m, 1h30m or 30d. Raises ValueError."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration; expected one such as 90s, 5m or 1h30m")
    try:
        return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text)))
    except OverflowError:
        raise ValueError(f"{text!r} is longer than anybody waits") from None


def moment(text: str, now: datetime) -> datetime:
    """A time: `14:32` (UTC, the last one that has been), `-5m`, `+30m`, or ISO 8601 (UTC where it names no zone).

    Raises ValueError.
    """
    if text[:1] in ("-", "+") and _DURATION.fullmatch(text[1:]):
        try:
            return now + duration(text[1:]) * (1 if text[0] == "+" else -1)
        except OverflowError:
            raise ValueError(f"{text!r} lies beyond the calendar") from None
    try:
        if found := _CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in found.groups())
            when = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
            return when if when <= now else when - timedelta(days=1)
        when = datetime.fromisoformat(text)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time; expected 14:32 (UTC), -5m, or 2025-11-03T14:32Z") from None


class DurationType(click.ParamType[timedelta]):
    """A duration option."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Fails with one line."""
        if isinstance(value, timedelta):
            return value
        try:
            return duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = DurationType()
