"""Service levels to look at, made by the model itself from slices: one for every way in which they may stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from console.model.alert import Alert, AlertState
from console.model.budget import Counted, bounded, gauge
from console.model.forecast import Forecast
from console.model.reading import ReadingState, missing
from console.model.sli import Part, Unit, of_bool_gauge, of_counters
from console.model.slices import SLICE, History, Slice, Slices, Sums, slot
from console.model.slo import Objective
from console.model.window import Calendar, Rolling
from tests.view import boards

NOW = boards.NOW
EDGE = slot(NOW)
MONTH = Rolling(timedelta(days=30))
WHOLE = 30 * 288
JANUARY = datetime(2025, 1, 1)  # noqa: DTZ001  # a wall clock's time


def objective(name, title="", target=0.999, window=MONTH, method="Occurrences", **more):
    total = f'http_requests_total{{job="{name}"}}'
    bad = f'http_requests_total{{job="{name}",code=~"5.."}}'
    return Objective(
        name,
        title or name.replace("-", " ").capitalize(),
        "lighthouse",
        target,
        window,
        method,
        more.pop("sli", of_counters(total, bad=bad)),
        **{
            "description": "What callers of the API see.",
            "queries": (("bad", f"sum(rate({bad}[$window]))"), ("total", f"sum(rate({total}[$window]))")),
            "where": f"slo/{name}.yaml:7",
            "annotations": (("dashboard", f"https://grafana.example/d/{name}"),),
            "alert": f"{name}-burns",
            **more,
        },
    )


def forecast(low=None, high=None, never=0.0):
    days = [None if item is None else timedelta(days=item) for item in (low, high)]
    middle = None if low is None or high is None else timedelta(days=(low + high) / 2)
    return Forecast(NOW, timedelta(days=60), days[0], middle, days[1], never, 2016)


def level(spec, bad, total=lambda back: 600.0, tail=True, source="prometheus", **more):
    """The gauge and its history. `bad` gives the share that failed in the slice so many slices ago, None where the
    slice was not seen; `total` how much there was."""
    found, begin = [], EDGE - WHOLE
    if isinstance(spec.window, Calendar):
        begin = min(slot(spec.window.span(NOW)[0]), EDGE - 4 * 288)
    for index in range(begin, EDGE):
        back = EDGE - index
        share = bad(back)
        if share is not None:
            found.append(Slice(index, total(back), share * total(back) if spec.sli.counts is Part.BAD else
                               (1 - share) * total(back)))  # fmt: skip
    slices = Slices(found)
    seconds = NOW.timestamp() - EDGE * SLICE
    many = total(0) * seconds / SLICE
    share = bad(0)
    part = (share or 0.0) * many if spec.sli.counts is Part.BAD else (1 - (share or 0.0)) * many
    last = Sums(part, many, 1, 1, 0, 1) if tail and share is not None else Sums(expected=1)
    made = gauge(spec, Counted(slices, EDGE, last, NOW - timedelta(seconds=5), source))
    begin = EDGE - WHOLE if not isinstance(spec.window, Calendar) else slot(spec.window.span(NOW)[0])
    history = History(begin, tuple(slices.between(begin, EDGE)), spec.sli)
    return replace(made, **more), history


def lost(spec):
    """Nothing can be read any more."""
    made, history = level(spec, lambda back: 0.0002)
    gone = missing(ReadingState.UNREACHABLE, "prometheus", "connection refused")
    bare = replace(
        made, ratio=gone, budget_left=gone, burn=gone, burns=dict.fromkeys(made.burns, gone), trend=(), coverage=None,
        alerts=tuple(replace(alert, long=gone, short=gone) for alert in made.alerts),
    )  # fmt: skip
    return bare, history


def gapped(back):
    """Lately well; two days of which nothing is known."""
    return None if 600 < back < 600 + 2 * 288 else 0.0002


def _bounds():
    """Two queries that can be read, and none that says it."""
    between = level(objective("latency-300ms", "Latency 300 ms", 0.99), lambda back: 0.008)
    best = level(objective("latency-300ms", "Latency 300 ms", 0.99), lambda back: 0.003)
    return bounded(between[0], between[0], best[0], 0.3), between[1]


_MADE = {
    "healthy": lambda: level(objective("availability"), lambda back: 0.0002, forecast=forecast(never=1.0)),
    "burning": lambda: level(
        objective("error-ratio", "Error ratio"),
        lambda back: 0.021 if back < 14 else 0.0001,
        forecast=forecast(0.9, 2.4),
    ),
    "slow": lambda: level(
        objective("delivery", "Message delivery"),
        lambda back: 0.0014 if back < 3 * 288 else 0.0002,
        forecast=forecast(3.1, 7.4),
    ),
    "exhausted": lambda: level(objective("checkout"), lambda back: 0.04 if 900 < back < 1200 else 0.0003),
    "no_data": lambda: level(objective("agent-sessions"), lambda back: None, tail=False),
    "partial": lambda: level(objective("search"), lambda back: None if back > 15.2 * 288 else 0.0002),
    "gaps": lambda: level(objective("gateway"), gapped, forecast=forecast(never=0.97)),
    "stale": lambda: level(objective("inbox"), lambda back: None if back < 9 else 0.0002, tail=False),
    "no_traffic": lambda: level(objective("batch-import"), lambda back: 0.0, lambda back: 0.0),
    "unreachable": lambda: lost(objective("profile")),
    "bounds": _bounds,
    "low_traffic": lambda: level(
        objective("webhooks", target=0.99), lambda back: 0.1 if back == 7 else 0.0, lambda back: 1.0
    ),
    "calendar": lambda: level(
        objective(
            "uptime", "Uptime", 0.995, Calendar(1, "M", JANUARY, "Europe/Berlin"), "Timeslices",
            sli=replace(of_bool_gauge('up{job="edge"}'), unit=Unit.SLICES),
        ),
        lambda back: 1.0 if 60 < back < 64 else 0.0,
        lambda back: 5.0,
        forecast=forecast(20.0, None, 0.4),
    ),
}  # fmt: skip


@cache
def _made(name):
    return _MADE[name]()


class _Cases(Mapping):
    """By name: a gauge and its history. Each is made once, when it is asked for: a month of slices takes a while."""

    def __getitem__(self, name):
        return _made(name)

    def __iter__(self):
        return iter(_MADE)

    def __len__(self):
        return len(_MADE)


CASES = _Cases()


def alert(name, state=AlertState.ACTIVE, minutes=12, **labels):
    """One that a generated rule fires."""
    found = (("alertname", f"{name}-burns"), ("severity", "page"), ("sloth_slo", name), *labels.items())
    return Alert(f"fp-{name}", found, (("summary", f"{name} burns"),), state, NOW - timedelta(minutes=minutes))


def board(*names, base=None, more=()):
    """A Board with these cases, all of them by default."""
    found = [CASES[name][0] for name in (names or CASES)]
    base = base or boards.busy()
    burning = (alert("error-ratio"),) if any(item.objective.name == "error-ratio" for item in found) else ()
    return replace(base, slos=(*found, *more), feed=replace(base.feed, alerts=(*base.feed.alerts, *burning)))


def histories():
    """By the objective's name."""
    return {item.objective.name: history for item, history in CASES.values()}
