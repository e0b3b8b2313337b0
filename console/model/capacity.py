"""Headroom: what a phase needs beside what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from console.model.reading import Reading, ReadingState, combine, missing
from console.model.rollout import Level, RolloutPlan
from console.model.rollout_plan import Capacity
from console.model.value import value

DECLARED, MEASURED = "declared", "measured"


@value
class Headroom:
    """One capacity now and at the next phase. `need` is what the next phase takes, in its unit; `basis` says where that
    is from: declared in the plan, or measured (the present use, scaled to the next share)."""

    capacity: Capacity
    used: Reading[float]
    limit: Reading[float]
    need: Reading[float] | None = None
    basis: str = ""

    @property
    def share(self) -> float | None:
        """What is used of the limit, 0 to 1."""
        return _share(self.used, self.limit)

    @property
    def next_share(self) -> float | None:
        """What the next phase would use of the limit."""
        return None if self.need is None else _share(self.need, self.limit)

    @property
    def level(self) -> Level:
        """CRITICAL when the next phase does not fit, WARNING from the capacity's warning on; OK only from ok values."""
        shares = [share for share in (self.share, self.next_share) if share is not None]
        if any(share > 1.0 for share in shares):
            return Level.CRITICAL
        if any(share >= self.capacity.warning for share in shares):
            return Level.WARNING
        readings = (self.used, self.limit, *([self.need] if self.need is not None else []))
        known = shares and all(reading.state is ReadingState.OK for reading in readings)
        return Level.OK if known else Level.UNKNOWN


def _share(used: Reading[float], limit: Reading[float]) -> float | None:
    if used.value is None or limit.value is None or limit.value <= 0:
        return None
    return used.value / limit.value


def headrooms(
    plan: RolloutPlan, readings: Mapping[str, Reading[float]], share: Reading[float], to: float | None
) -> tuple[Headroom, ...]:
    """Every capacity of the plan now and at the phase `to` (None: there is none). `share` is the present share of the
    traffic on the new path, in percent."""
    return tuple(_headroom(plan, capacity, readings, share, to) for capacity in plan.capacities)


def _headroom(
    plan: RolloutPlan,
    capacity: Capacity,
    readings: Mapping[str, Reading[float]],
    share: Reading[float],
    to: float | None,
) -> Headroom:
    absent = missing(ReadingState.NO_DATA, "", "not read yet")
    used, limit = (readings.get(f"capacity.{capacity.name}.{part}", absent) for part in ("used", "limit"))
    if to is None:
        return Headroom(capacity, used, limit)
    declared = dict(plan.stage(to).needs).get(capacity.name)
    if declared is None:
        return Headroom(capacity, used, limit, _measured(capacity, used, share, to), MEASURED)
    if used.value is not None and used.value > declared:
        need, basis = _measured(capacity, used, share, to), f"{MEASURED}: {declared:g} were declared, more is used"
        # Whatever becomes of the share: it takes no less than it takes now.
        return Headroom(capacity, used, limit, need if need.known else replace(used, state=ReadingState.PARTIAL), basis)
    return Headroom(capacity, used, limit, Reading(ReadingState.OK, declared, used.at, "the plan"), DECLARED)


def _measured(capacity: Capacity, used: Reading[float], share: Reading[float], to: float) -> Reading[float]:
    """What it would take at another share. Of nothing that is used at 0 %, nothing can be scaled."""
    if not capacity.scales:
        return used
    if share.value is not None and share.value <= 0:
        return missing(ReadingState.NO_DATA, used.source, "no share of the traffic to scale from", used.at)
    found = combine(lambda now, percent: now * max(to / percent, 1.0), used, share, source=used.source)
    if found.known or not used.known:
        return found
    return replace(found, note=f"the present share is unknown{f': {share.note}' if share.note else ''}")
