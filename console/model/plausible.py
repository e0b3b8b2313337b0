"""Whether what a source says can be: a share of traffic, a count. What cannot is not known, and its note says what it
was."""

from __future__ import annotations

from dataclasses import replace

from console.model.reading import Reading, ReadingState
from console.model.rollout import GuardrailRule

MOST = 1e15
"""More than that nobody counted: a counter loses single events beyond 2^53."""
BEYOND = 3.0
"""Points by which a measured share may be below 0 or above 100 %: rates are extrapolated."""


def share(reading: Reading[float]) -> Reading[float]:
    """A share of traffic, in percent."""
    return _within(reading, -BEYOND, 100 + BEYOND, "% is no share")


def count(reading: Reading[float]) -> Reading[float]:
    """A number of events."""
    return _within(reading, 0.0, MOST, "is no possible count")


def of_rule(rule: GuardrailRule, reading: Reading[float]) -> Reading[float]:
    """The value of a guardrail: of an invariant, which counts, or of a limit on whatever there is."""
    return count(reading) if rule.covers else reading


def _within(reading: Reading[float], least: float, most: float, words: str) -> Reading[float]:
    if reading.value is None or least <= reading.value <= most:
        return reading
    return replace(reading, state=ReadingState.NO_DATA, value=None, note=f"{reading.value:.3g} {words}")
