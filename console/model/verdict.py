"""What a guardrail's evidence comes to: pass, breach or inconclusive."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from console.model.value import value


class Verdict(StrEnum):
    """INCONCLUSIVE is neither: there is too little evidence, or none that can be relied on. It never counts as a
    pass."""

    PASS = "pass"
    BREACH = "breach"
    INCONCLUSIVE = "inconclusive"


class Speed(StrEnum):
    """By which rule it was judged: FAST trips at once, SLOW wants evidence."""

    FAST = "fast"
    SLOW = "slow"


@value
class Counts:
    """Bad and all events of one slice of one minute. None where it could not be read."""

    bad: float | None
    total: float | None


@value
class Judged:
    """One guardrail as it was judged. Shares are 0 to 1. `low` and `high` bound the share of the new path, `legacy` is
    that of the legacy path in the same slices; `margin` is `limit - value`. `more` is about how much longer the present
    traffic must go on until it is conclusive; None: unknown, or it is."""

    guardrail: str
    title: str
    verdict: Verdict
    speed: Speed = Speed.SLOW
    value: float | None = None
    limit: float = 0.0
    low: float | None = None
    high: float | None = None
    samples: int = 0
    unit: str = ""
    legacy: float | None = None
    legacy_samples: int = 0
    more: timedelta | None = None
    why: str = ""
    """In a few words: "3.1 % of 1,204 failed, the limit is 1 %"."""
    at: datetime | None = None
    caveat: str = ""
    """What a pass does not say: "of this bake; in the long run up to 1.4 %"."""

    @property
    def margin(self) -> float | None:
        """How far the value is from its limit; below 0 when it is beyond."""
        return None if self.value is None else self.limit - self.value
