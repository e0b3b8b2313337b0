"""Headroom: what a phase needs beside what there is."""

from __future__ import annotations

from console.model.reading import Reading, ReadingState
from console.model.rollout import Level
from console.model.rollout_plan import Capacity
from console.model.value import value


@value
class Headroom:
    """One capacity now and at the next phase. `need` is what the next phase takes, in its unit; `basis` says where that
    is from: "declared" or "measured" (the present use, scaled to the next share)."""

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
