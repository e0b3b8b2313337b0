"""A feature flag that sets a share of traffic, as its provider tells it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from console.model.value import value


@value
class FlagState:
    """`percent` is the share that the flag gives now: 0 while it is off, whatever its rule says. `detail` names the
    rule, or the provider's version of it, for people."""

    flag: str
    percent: float
    on: bool
    at: datetime
    detail: str = ""


@value
class FlagChange:
    """A change that the provider remembers, oldest first in a list. `percent` is None where it cannot be told."""

    id: str
    at: datetime
    by: str
    what: str
    before: float | None = None
    percent: float | None = None


class FlagOutcome(StrEnum):
    """How a write ended. DONE: what was read back is what was asked for. ALREADY: it was so before. LOST: somebody else
    was faster, and nothing was written. INEFFECTIVE: it was accepted, and what was read back is something else."""

    DONE = "done"
    ALREADY = "already"
    LOST = "lost"
    INEFFECTIVE = "ineffective"


@value
class FlagAnswer:
    """How a write ended, with the shares before and after, as they were read. `seconds` is how long it took until it
    was read back."""

    outcome: FlagOutcome
    text: str
    before: float | None = None
    after: float | None = None
    seconds: float | None = None
