"""Hours of the week in a zone, as they are written: `Mon-Fri 08:00-17:00 Europe/Berlin`."""

from __future__ import annotations

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.model.value import value

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EXAMPLE = "hours such as Mon-Fri 08:00-17:00 Europe/Berlin"

_DAY = "|".join(DAYS)
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_HOURS = re.compile(rf"(?:({_DAY})(?:-({_DAY}))? )?({_TIME})-({_TIME}|24:00)(?: (\S{{1,60}}))?")


@value
class Hours:
    """The days of the week (0 is Monday) from `begin` until `end`, which is the next day's where it is not after
    `begin`. The day is the one on which it begins."""

    days: tuple[int, ...]
    begin: time
    end: time
    zone: str

    def hold(self, at: datetime) -> bool:
        """Whether an instant lies in them."""
        local = at.astimezone(ZoneInfo(self.zone))
        now, day = local.time(), local.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= now < self.end
        return (day in self.days and now >= self.begin) or ((day - 1) % 7 in self.days and now < self.end)


def parse_hours(text: str) -> Hours:
    """Hours as they are written; every day where none is named, UTC without a zone. Raises ValueError."""
    found = _HOURS.fullmatch(" ".join(text.split()))
    if found is None:
        raise ValueError(EXAMPLE)
    first, last, begin, end, zone = found.groups()
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"a time zone such as Europe/Berlin, not {zone}") from None
    start = DAYS.index(first) if first else 0
    count = (DAYS.index(last or first) - start) % 7 + 1 if first else 7
    until = time(0) if end == "24:00" else time.fromisoformat(end)
    return Hours(tuple((start + day) % 7 for day in range(count)), time.fromisoformat(begin), until, zone or "UTC")
