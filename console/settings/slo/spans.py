"""Lengths of time as OpenSLO, Sloth and Pyrra write them, and the windows that are made of them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from console.model.slices import SLICE
from console.model.window import Calendar, Rolling, Window
from console.settings.nodes import LONGEST, Node
from console.settings.problems import shown
from console.settings.tree import Kind

MONTH = Rolling(timedelta(days=30))
"""What is taken where no window is given."""
DAYS = {"m": 1 / 1440, "h": 1 / 24, "d": 1, "w": 7, "M": 30, "Q": 90, "Y": 365}
"""How long OpenSLO's units are where they roll: a rolling month is 30 d."""
LEAST = timedelta(seconds=SLICE)
"""The shortest window of a burn rate."""
SLICES = "5m or more: what is counted is counted in slices of 5 minutes"
TAKEN = "5m, which it is taken for: a slice has 5 minutes"
LONGEST_SLICE = timedelta(days=1)

_ANY_START = datetime(2026, 1, 1)  # noqa: DTZ001  # a wall clock's
_SHORTHAND = re.compile(r"([1-9]\d{0,4})([mhdwMQY])")
_PROMETHEUS = re.compile(r"(?:(\d{1,2})y)?(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?"
                         r"(?:(\d{1,12})ms)?")  # fmt: skip
_SECONDS = (31_536_000, 604_800, 86_400, 3_600, 60, 1, 0.001)
_EXPECTED = "a duration such as 30d, 4w or 1M (m is minutes, M is months)"


def rolling(node: Node) -> timedelta:
    """How long a rolling window is."""
    found = _SHORTHAND.fullmatch(node.tree.text) if node.tree.kind is Kind.TEXT else None
    if found is None or found[2] in "hdw":
        length = node.duration(_EXPECTED)
    elif (length := int(found[1]) * timedelta(days=DAYS[found[2]])) > LONGEST:
        node.refuse(shown(node.tree.text), "at most ten years")
    elif found[2] == "m":
        _minutes(node, found)
    else:
        node.warn(f"{found[0]} that rolls", f"{length.days}d, which is what it is taken for")
    if timedelta(0) < length < timedelta(seconds=SLICE):
        node.refuse(shown(node.tree.text), SLICES)
    return length or MONTH.length


def calendar(node: Node, start: datetime, zone: str) -> Window:
    """Periods of the calendar since `start`."""
    text = node.text(_EXPECTED)
    found = _SHORTHAND.fullmatch(text)
    if found is None or int(found[1]) * DAYS[found[2]] > LONGEST.days:
        if text:
            node.refuse(shown(text), "one number and one unit, such as 1M, 1Q, 4w or 1d")
        return Calendar(1, "M", start, zone)
    if found[2] == "m":
        _minutes(node, found)
    return Calendar(int(found[1]), found[2], start, zone)


def _minutes(node: Node, found: re.Match[str]) -> None:
    node.warn(f"{found[0]}, which is {found[1]} minute{'s' * (found[1] != '1')}", f"{found[1]}M if months are meant")


def start_of(node: Node) -> datetime:
    """A wall clock's time such as `2026-01-01 00:00:00`, without a zone."""
    expected = "a time without a zone, such as 2026-01-01 00:00:00"
    text = node.text(expected)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or not 1970 <= found.year <= 2200:
        if text:
            node.refuse(shown(text), expected)
        return _ANY_START
    return found


def zone_of(node: Node) -> str:
    """The name of a time zone; UTC where there is none."""
    name = node.text("the name of a time zone", default="UTC")
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        if name:
            node.refuse(shown(name), "the name of a time zone, such as Europe/Berlin")
        return "UTC"
    return name


def slice_of(node: Node) -> int:
    """How long a time slice is, in seconds; a bare number is minutes."""
    text = node.tree.text
    if node.tree.kind is Kind.TEXT and text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text):
        length = timedelta(minutes=int(text))
    else:
        length = node.duration("a slice such as 1m or 5m; a bare number is minutes")
    if length > LONGEST_SLICE:
        node.refuse(shown(text), "a slice of at most 1d")
    return min(int(length.total_seconds()), 86_400) or 60


def prometheus(node: Node, expected: str = "a duration such as 5m, 7d or 4w") -> timedelta:
    """A duration as Prometheus writes it, such as `4w`, `1d12h` or `100ms`."""
    text = node.text(expected)
    found = _PROMETHEUS.fullmatch(text)
    parts = found.groups() if found else ()
    length = timedelta(seconds=sum(int(part or 0) * size for part, size in zip(parts, _SECONDS, strict=False)))
    if not timedelta(0) < length <= LONGEST:
        if text:
            node.refuse(shown(text), expected)
        return timedelta(0)
    return length


def period(window: Window) -> timedelta:
    """How long a window is; one of the calendar, as if it rolled."""
    return window.length if isinstance(window, Rolling) else timedelta(days=DAYS[window.unit] * window.count)


def unusable(long: timedelta, short: timedelta, percent: float, window: Window) -> str:
    """What a burn rule of an objective should be in place of what it is; empty when it can be used."""
    if min(long, short) < LEAST:
        return f"windows of {SLICES}"
    if short > long:
        return "a short window that is at most as long as the long one"
    if long > period(window):
        return f"windows of at most {window_written(window)}, which is the objective's"
    if not 0 < percent <= 100 * (1 + 1e-9):  # not so for NaN
        return "a percentage of the budget above 0, at most 100"
    return ""


def written(length: timedelta) -> str:
    """A duration as `model.duration` reads it: of the largest unit that it is a whole number of."""
    seconds = int(length.total_seconds())
    return next(f"{seconds // size}{unit}" for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
                if seconds % size == 0)  # fmt: skip


def window_written(window: Window) -> str:
    """The duration of a window, in OpenSLO's shorthand."""
    if isinstance(window, Calendar):
        return f"{window.count}{window.unit}"
    return written(window.length)
