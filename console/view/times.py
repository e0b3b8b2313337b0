"""Instants, ages and countdowns in words. UTC first; the reader's own time beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from console.view.look import Look


def clock(at: datetime, *, seconds: bool = False) -> str:
    """`07:32Z`."""
    return f"{at.astimezone(UTC):%H:%M:%S}Z" if seconds else f"{at.astimezone(UTC):%H:%M}Z"


def stamp(at: datetime) -> str:
    """`2026-11-21 07:32:10Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def local(at: datetime, zone: tzinfo | None) -> str:
    """`08:32 CET`; empty when the reader's clock shows the same."""
    if zone is None:
        return ""
    there = at.astimezone(zone)
    if there.utcoffset() == timedelta(0):
        return ""
    return f"{there:%H:%M} {there.tzname() or there.strftime('%z')}"


def age(since: datetime | None, now: datetime, look: Look) -> str:
    """How long ago: `8 s` or `<1 min`, `12 min`, `3 h 05`, `2 d 4 h`; `never` without an instant."""
    return "never" if since is None else span_of(now - since, seconds=look.seconds)


def span_of(length: timedelta, *, seconds: bool = False) -> str:
    """A length of time in its two leading units; below a minute in seconds only where they are wanted."""
    total = max(0, int(length.total_seconds()))
    if total < 60:
        return f"{total} s" if seconds else "<1 min"
    if total < 3600:
        return f"{total // 60} min"
    if total < 86400:
        return f"{total // 3600} h {total % 3600 // 60:02}"
    return f"{total // 86400} d {total % 86400 // 3600} h"


def count(length: timedelta) -> str:
    """A countdown: `4:12`, `1:04:12`. Whole seconds, rounded up, so that 0:00 means over."""
    total = -int(-max(length, timedelta(0)) // timedelta(seconds=1))
    hours, minutes = total // 3600, total % 3600 // 60
    return f"{hours}:{minutes:02}:{total % 60:02}" if hours else f"{minutes}:{total % 60:02}"


def past(length: timedelta) -> str:
    """How far past something is: like `count`, rounded down."""
    return count(timedelta(seconds=max(0, length // timedelta(seconds=1))))


def timebox(length: timedelta) -> str:
    """A planned length: `5 min`, `90 s`, `1 h 30`."""
    total = int(length.total_seconds())
    return f"{total} s" if total % 60 and total < 3600 else span_of(length, seconds=True)


_AHEAD = re.compile(r"\+?\s*(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*(?:m|min|$))?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*[zZ]?")
_AGO = re.compile(r"-\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*(?:m|min|$))?\s*(?:(\d+)\s*s)?")


def _today(text: str, now: datetime) -> datetime | None:
    """A time of day such as `14:32` or `14:32:10Z`, on the day it is now; None for anything else."""
    at = _CLOCK.fullmatch(text)
    if at is None:
        return None
    hour, minute, second = (int(part or 0) for part in at.groups())
    if hour > 23 or minute > 59 or second > 59:
        return None
    return now.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=0)


def instant(text: str, now: datetime) -> datetime | None:
    """When something happened, as an operator types it: `14:32` (UTC, the last time it was that late), `-5m`, `-1h30`,
    or nothing at all, which means now and gives None. Raises ValueError with one line."""
    text = text.strip()
    if not text:
        return None
    today = _today(text, now)
    if today is not None:
        return today if today <= now else today - timedelta(days=1)
    ago = _AGO.fullmatch(text)
    if ago is not None and any(ago.groups()):
        hours, minutes, seconds = (int(part or 0) for part in ago.groups())
        if hours <= 24 * 31 and minutes <= 60 * 24 * 31:
            return now - timedelta(hours=hours, minutes=minutes, seconds=min(seconds, 86400))
    raise ValueError(f"{text[:20]!r} is no time; expected 14:32 (UTC) or -5m")


def ahead(text: str, now: datetime) -> datetime | None:
    """When something shall be due or end, as an operator types it: `30m`, `1h30`, `2d`, `14:32` (UTC, the next time it
    is that late), or nothing at all, which gives None. Raises ValueError with one line."""
    text = text.strip()
    if not text:
        return None
    today = _today(text, now)
    if today is not None:
        return today if today > now else today + timedelta(days=1)
    length = _AHEAD.fullmatch(text)
    if length is not None and any(length.groups()):
        days, hours, minutes = (int(part or 0) for part in length.groups())
        if days <= 366 and hours <= 24 * 366 and minutes <= 60 * 24 * 366 and (days or hours or minutes):
            return now + timedelta(days=days, hours=hours, minutes=minutes)
    raise ValueError(f"{text[:20]!r} is no time ahead; expected 30m, 1h30 or 14:32 (UTC)")
