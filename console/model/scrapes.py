"""How far apart the samples of plain counters are, as their own server has them: by so much their ranges begin earlier.

`increase` sees no step between the last sample of one slice and the first of the next: of a counter that is sampled
once a minute, that is one step in five, and what is there instead is a guess (`model.sli.filled`). The interval is not
configured, and asked for: the newest sample is so much newer than the newest one five minutes ago, and so many samples
lie between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.model.promql import selectors
from console.model.reading import Reading
from console.model.sli import INNER, WINDOW, Sli

LEAST, MOST = 1.0, 150.0
"""Seconds between two samples that are believed: below them nobody scrapes, and above a slice has one step or none."""
_NAME = "scrape."
_ROUNDING = 0.01
"""The share by which an interval may be off a whole second that is meant."""


def counter(sli: Sli) -> str:
    """The selector by which an SLI's interval is asked for; empty where its ranges are as they are."""
    if not sli.widens:
        return ""
    try:
        found = selectors(sli.total)
    except ValueError:
        return ""
    return str(found[0]) if len(found) == 1 else ""


def question(selector: str) -> str:
    """PromQL for the interval: that of the series with the shortest."""
    apart = f"timestamp({selector}) - timestamp({selector} offset {WINDOW})"
    return f"min(({apart}) / count_over_time({selector}[{INNER}]))"


def questions(slis: Iterable[Sli | None]) -> dict[str, str]:
    """What to ask, by the name of the query, of those that have a `counter`."""
    counters = dict.fromkeys(counter(sli) for sli in slis if sli is not None)
    return {_NAME + found: question(found) for found in counters if found}


def intervals(answers: Mapping[str, Reading[float]]) -> dict[str, float]:
    """The seconds between two samples, by `counter`, without those that are not known."""
    known = ((name.removeprefix(_NAME), interval(reading)) for name, reading in answers.items())
    return {found: seconds for found, seconds in known if seconds}


def interval(reading: Reading[float]) -> float:
    """The seconds that an answer says; 0 when they are not known."""
    seconds = reading.value or 0.0
    whole = float(round(seconds))
    if abs(seconds - whole) <= _ROUNDING * whole:
        seconds = whole
    return seconds if LEAST <= seconds <= MOST else 0.0
