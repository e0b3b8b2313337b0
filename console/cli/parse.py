"""What people type: durations and times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import click

from console.model.duration import PATTERN, duration

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?Z?")


def moment(text: str, now: datetime) -> datetime:
    """A time: `14:32` (UTC, the last one that has been), `-5m`, `+30m`, or ISO 8601 (UTC where it names no zone).

    Raises ValueError.
    """
    if text[:1] in ("-", "+") and PATTERN.fullmatch(text[1:]):
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


def later(text: str, now: datetime) -> datetime:
    """When something is due: `+30m`, `14:32` (UTC, the next time it is that late), or ISO 8601. Raises ValueError."""
    when = moment(text, now)
    return when + timedelta(days=1) if _CLOCK.fullmatch(text) and when <= now else when


def local(text: str, now: datetime) -> datetime:
    """When something ends, by the clock on the wall: `22:00` (the next one), `2025-11-03 22:00`, or ISO 8601 with its
    zone. Raises ValueError, also for a time that the clocks skip."""
    here = now.astimezone()
    try:
        if found := _CLOCK.fullmatch(text):
            if text.endswith("Z"):
                return later(text, now)
            hour, minute, second = (int(part or 0) for part in found.groups())
            when = _on_the_wall(here.replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None))
            tomorrow = (here + timedelta(days=1)).date()
            return when if when > now else _on_the_wall(datetime.combine(tomorrow, time(hour, minute, second)))
        when = datetime.fromisoformat(text)
        return when.astimezone(UTC) if when.tzinfo else _on_the_wall(when)
    except (ValueError, OverflowError) as error:
        said = str(error) if isinstance(error, Skipped) else "expected 22:00 (your time), or 2025-11-03T22:00"
        raise ValueError(f"{text!r} is no time; {said}") from None


class Skipped(ValueError):
    """A time that no clock on the wall ever shows: the hour that is skipped in spring."""


def _on_the_wall(naive: datetime) -> datetime:
    when = naive.astimezone(UTC)
    if when.astimezone().replace(tzinfo=None) != naive:
        raise Skipped("the clocks are set forward over it")
    return when


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
