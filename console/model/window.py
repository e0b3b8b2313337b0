"""The window of an objective: a rolling length of time, or periods of the calendar in a time zone."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from console.model.value import value

_FIXED = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_WORDS = {"m": "min", "h": "h", "d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}


@value
class Rolling:
    """The last `length` of time, at any instant."""

    length: timedelta

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """From when to when it is, at `now`."""
        return now - self.length, now

    @property
    def name(self) -> str:
        """`30 d`."""
        return days(self.length)


@value
class Calendar:
    """Periods of `count` units (m minutes, h hours, d days, w weeks, M months, Q quarters, Y years; real ones, of their
    own lengths), one after the other since `start`, a wall clock's time in `zone`, without a time zone of its own."""

    count: int
    unit: str
    start: datetime
    zone: str = "UTC"

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """The period that `now` lies in, [begin, end): aware, in UTC. Before `start`, the first one."""
        number = max(0, self._guess(now))
        while number > 0 and self._begin(number) > now:
            number -= 1
        while self._begin(number + 1) <= now:
            number += 1
        return self._begin(number), self._begin(number + 1)

    @property
    def name(self) -> str:
        """`calendar month`."""
        return "calendar " + (f"{self.count} " if self.count > 1 else "") + _WORDS[self.unit]

    def _guess(self, now: datetime) -> int:
        """A period near the one at `now`."""
        local = now.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        if self.unit in _MONTHS:
            months = 12 * (local.year - self.start.year) + local.month - self.start.month
            return months // (_MONTHS[self.unit] * self.count)
        step = _FIXED.get(self.unit) or timedelta(days=_DAYS[self.unit])
        return (local - self.start) // (step * self.count)

    def _begin(self, number: int) -> datetime:
        """When a period begins. A day of the month that the month does not have is its last."""
        number *= self.count
        zone = ZoneInfo(self.zone)
        if self.unit in _FIXED:
            return self.start.replace(tzinfo=zone).astimezone(UTC) + number * _FIXED[self.unit]
        if self.unit in _DAYS:
            local = self.start + timedelta(days=number * _DAYS[self.unit])
        else:
            local = _months_later(self.start, number * _MONTHS[self.unit])
        return local.replace(tzinfo=zone).astimezone(UTC)


Window = Rolling | Calendar


def days(length: timedelta) -> str:
    """`30 d`, `12 h`, `5 min`: the largest unit that needs no fraction, else days with one."""
    seconds = length.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % size == 0 and seconds:
            return f"{seconds / size:g} {unit}"
    return f"{seconds / 86_400:.1f} d"


def _months_later(start: datetime, months: int) -> datetime:
    year, month = divmod(12 * start.year + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))
