"""When a budget will be spent, if the near future is like the near past."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.value import value


@value
class Forecast:
    """Time to exhaustion of a budget. `p10`, `p50` and `p90` are quantiles over resampled futures, None for "not
    within the horizon"; `never` is the share of futures in which it is not spent within it."""

    at: datetime
    horizon: timedelta
    p10: timedelta | None
    p50: timedelta | None
    p90: timedelta | None
    never: float
    n: int
    """Slices that were resampled."""

    @property
    def is_never(self) -> bool:
        """Whether "never" is the answer: more than nine futures in ten end with budget left."""
        return self.never > 0.9
