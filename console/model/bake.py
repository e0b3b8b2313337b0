"""What is counted in a bake, slice by slice on both paths, and what is known of the rollout at large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from console.model.sequential import Spread
from console.model.value import value
from console.model.verdict import Counts

FALSE_ROLLBACKS = 0.05
"""How often at most a rollout is called a breach that is none, over all its phases and guardrails."""


@value
class Slice:
    """What was counted in one slice of time, on both paths. `fast`: what the fast rule counts, where it is something
    else than `new.bad`."""

    new: Counts
    legacy: Counts = Counts(None, None)
    fast: float | None = None


@value
class Course:
    """What is known of the rollout at large. `before`: how much a share varies by itself, measured before the bake.
    `percent`: the share of traffic that is set. `tests`: phases times guardrails, which share `FALSE_ROLLBACKS`.
    `seconds`: how long a slice is. `missing`: why there are no counts."""

    now: datetime
    before: Spread = Spread()
    percent: float | None = None
    tests: int = 1
    seconds: float = 60.0
    missing: str = ""

    @property
    def alpha(self) -> float:
        """The share of one guardrail in one phase."""
        return FALSE_ROLLBACKS / max(1, self.tests)


@value
class Sum:
    """Bad and all events of the slices that are known, and how many those are."""

    bad: float = 0.0
    total: float = 0.0
    slices: int = 0

    @property
    def share(self) -> float | None:
        """None without events."""
        return self.bad / self.total if self.total > 0 else None

    def plus(self, bad: float, total: float, slices: int) -> Sum:
        """With so much more."""
        return Sum(self.bad + bad, self.total + total, self.slices + slices)


def summed(items: Sequence[Counts]) -> Sum:
    """Those that are known, together."""
    bad = total = 0.0
    count = 0
    for one, all_ in clean(items):
        bad, total, count = bad + one, total + all_, count + 1
    return Sum(bad, total, count)


def clean(items: Sequence[Counts]) -> Iterator[tuple[float, float]]:
    """Those that are known. Increases are extrapolated: there may be a little more that is bad than there is at all."""
    for item in items:
        if item.bad is not None and item.total is not None:
            yield min(item.bad, item.total), item.total


def known(item: Counts) -> bool:
    """Whether both numbers are."""
    return item.bad is not None and item.total is not None
