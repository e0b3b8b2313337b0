"""What a reading shows of a check. No value, one that is less than ok, and one that is no number show nothing."""

from __future__ import annotations

from datetime import datetime
from math import isfinite

from console.model.decide.context import Context
from console.model.playbook import OBSERVED, Check, Step
from console.model.reading import Reading, ReadingState
from console.model.run import StepRun


def verdict(check: Check, reading: Reading[float] | None) -> tuple[bool, str]:
    """Whether a reading satisfies a check now, and the evidence in words."""
    if reading is None:
        return False, f"cannot verify {check}: no such reading"
    if reading.value is None or reading.state is not ReadingState.OK:
        note = f": {reading.note}" if reading.note else ""
        return False, f"cannot verify {check}: {reading.state.replace('_', ' ')}{note}"
    if not isfinite(reading.value):
        return False, f"cannot verify {check}: {reading.value} is no number"
    at = f" at {reading.at:%H:%M:%S}Z" if reading.at else ""
    held = check.holds(reading.value)
    value = f"{check.reading} = {reading.value:g}{at} ({reading.source})"
    return held, f"{value}, {'as' if held else 'not'} expected {check}"


def begun(step: Step, progress: StepRun) -> datetime | None:
    """From when on a step waits for what it observes: a wait that starts anew waits anew."""
    return progress.started_at if step.kind in OBSERVED else None


def shown(
    check: Check, context: Context, after: datetime | None = None, begun: datetime | None = None
) -> tuple[bool, str]:
    """Whether a check is seen to hold, and for as long as it must; the evidence in words. Only what was read since
    `after` and `begun` counts: an effect, and a step, are not shown by what was there before them."""
    reading = context.readings.get(check.reading)
    held, evidence = verdict(check, reading)
    if not held or reading is None:
        return False, evidence
    for first in (after, begun):
        if first is not None and reading.at is not None and reading.at < first:
            return False, f"cannot verify {check}: not read since {first:%H:%M:%S}Z"
    if not check.hold:
        return True, evidence
    since = context.held.get(str(check))
    if since is None:
        return False, f"{evidence}; not seen to hold for that long"
    since = max(item for item in (since, after, begun) if item is not None)
    if context.now - since < check.hold:
        return False, f"{evidence}; it holds since {since:%H:%M:%S}Z"
    return True, f"{evidence}, since {since:%H:%M:%S}Z"
