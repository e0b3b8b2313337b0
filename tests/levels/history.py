"""A day and two hours of series for a real Prometheus, a sample a minute: some are well, of each other something is
missing."""

from __future__ import annotations

from collections.abc import Callable

HOURS = 26
Value = Callable[[int], float | str | None]
"""The sample of a minute before (or after) now; None for no sample."""


class History:
    """OpenMetrics text, from `HOURS` ago to ten minutes ahead, so that the newest edge is never missing."""

    def __init__(self, now: float, hours: int = HOURS, ahead: int = 11, offset: int = 0) -> None:
        self.now, self._families = int(now) // 300 * 300 + offset, dict[str, list[str]]()
        self.minutes = range(-hours * 60, ahead)

    def put(self, name: str, kind: str, labels: str, value: Value, suffix: str = "") -> None:
        """One series of a family; a counter's samples end in `_total`."""
        rows = self._families.setdefault(f"# TYPE {name} {kind}", [])
        found = ((minute, value(minute)) for minute in self.minutes)
        rows += [
            f"{name}{suffix}{labels} {number} {self.now + 60 * minute}"
            for minute, number in found
            if number is not None
        ]

    def counter(self, name: str, labels: str, per_minute: float, when: Callable[[int], bool] = lambda _: True) -> None:
        """A counter of a process that has run for long."""
        self.put(
            name,
            "counter",
            labels,
            lambda minute: 1e6 + per_minute * (minute + 1e5) if when(minute) else None,
            "_total",
        )

    def gauge(self, name: str, value: Value, labels: str = "") -> None:
        self.put(name, "gauge", labels, value)

    def histogram(self, name: str, buckets: dict[str, float]) -> None:
        for le, rate in buckets.items():
            self.put(
                name, "histogram", f'{{le="{le}"}}', lambda minute, rate=rate: 1e6 + rate * (minute + 1e5), "_bucket"
            )
        rate = buckets["+Inf"]
        self.put(name, "histogram", "", lambda minute: 1e6 + rate * (minute + 1e5), "_count")
        self.put(name, "histogram", "", lambda minute: 1e6, "_sum")

    def text(self) -> str:
        return "\n".join([row for head, rows in self._families.items() for row in (head, *rows)] + ["# EOF\n"])


def pair(history: History, name: str, when: Callable[[int], bool] = lambda _: True, labels: str = "") -> None:
    """600 requests a minute, of which few fail."""
    history.counter(name, f'{{code="200"{labels}}}', 600.0, when)
    history.counter(name, f'{{code="500"{labels}}}', 0.001, when)


def broken_worlds(now: float) -> str:
    """One server's series for every case of the table that is asked of a real one."""
    history = History(now)
    pair(history, "req")
    pair(history, "gapped", lambda minute: not -480 <= minute < -360)
    pair(history, "blinking", lambda minute: minute % 60 > 12)
    pair(history, "stopped", lambda minute: minute < -20)
    pair(history, "fresh", lambda minute: minute >= -90)
    history.counter("first", '{code="200"}', 600.0)
    history.put("first", "counter", '{code="500"}', lambda minute: 5.0 if minute >= -10 else None, "_total")
    for code in ("200", "500"):
        history.put("idle", "counter", f'{{code="{code}"}}', lambda minute: 5000.0, "_total")
        history.put("born", "counter", f'{{code="{code}"}}', lambda minute: 5.0 if minute >= -10 else None, "_total")
    history.histogram("took", {"0.25": 599.99, "0.5": 599.999, "+Inf": 600.0})
    history.histogram("padded", {"0.30": 599.999, "+Inf": 600.0})
    history.histogram("still", {"0.3": 0.0, "+Inf": 0.0})
    history.gauge("nan_ratio", lambda minute: "NaN")
    history.gauge("percent_ratio", lambda minute: 99.9)
    history.gauge("gone_ratio", lambda minute: 0.00001 if minute < -30 else None)
    return history.text()
