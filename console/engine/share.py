"""The measured share of traffic where the new path has no series, which is what 0 % looks like in Prometheus.

An answer without a series alone says nothing: the expression may be wrong, or nobody scrapes any more. It is 0 % where
the legacy path is counted by the same server in the same minute, the new path is not, or not any more, and the flag was
read at 0 %. While one of these is missing, it stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from console.model.reading import Reading, ReadingState
from console.model.rolling import same_share
from console.model.rollout import RolloutPlan
from console.model.sli import filled
from console.ports import NO_SERIES, Query

PERCENT, FLAG = "rollout.percent", "flag.percent"
NEW, LEGACY = "rollout.new_requests", "rollout.legacy_requests"
"""What was counted on either path in the last minute."""
OVER = timedelta(minutes=1)


def share_queries(plan: RolloutPlan | None) -> list[Query]:
    """What tells of both paths: the counts of the first evidence that knows both. None where there is none."""
    evidence = plan.evidence if plan is not None and plan.percent_expr.strip() else ()
    known = next((item for item in evidence if item.total.strip() and item.legacy_total.strip()), None)
    if known is None:
        return []
    seconds = OVER.total_seconds()
    return [Query(NEW, filled(known.total, seconds)), Query(LEGACY, filled(known.legacy_total, seconds))]


def measured(plan: RolloutPlan, readings: Mapping[str, Reading[float]], flag: Reading[float] | None) -> Reading[float]:
    """The measured share: as `percent` gives it, or 0 where it gives no series and all else says 0. Its source says on
    what that rests, and it is as old as the oldest of these."""
    given = readings[PERCENT]
    new, legacy = readings.get(NEW), readings.get(LEGACY)
    if not _no_series(given) or new is None or legacy is None or flag is None:
        return given
    if not (flag.ok and flag.value is not None and same_share(flag.value, 0.0)):
        return given
    if not (_no_series(new) or (new.ok and new.value == 0)) or not (legacy.ok and legacy.value):
        return given
    dates = [item.at for item in (flag, legacy, new) if item.at is not None]
    nothing = "no series" if _no_series(new) else "no request"
    words = f"{nothing} of {plan.new_path}, {legacy.value:,.0f} requests on {plan.legacy_path} in a minute"
    return Reading(ReadingState.OK, 0.0, min(dates), f"{legacy.source}: {words}, and the flag at 0 %")


def _no_series(reading: Reading[float]) -> bool:
    """Whether the server answered, and its answer was empty."""
    return reading.state is ReadingState.NO_DATA and reading.note == NO_SERIES
