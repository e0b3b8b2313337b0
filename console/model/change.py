"""Temporary changes: what somebody altered for now, how it is undone, and who still owes that.

A silence, a flag, an override, a maintenance window. Closing an incident waits until each is undone or handed over.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from console.model.people import Actor
from console.model.silence import Silence
from console.model.value import value


class ChangeKind(StrEnum):
    """What was altered for now."""

    SILENCE = "silence"
    FLAG = "flag"
    OVERRIDE = "override"
    MAINTENANCE = "maintenance"
    OTHER = "other"


class ChangeStatus(StrEnum):
    """Intended without an answer is *outcome unknown*: it may or may not be in force, and nobody repeats it unasked."""

    INTENDED = "intended"
    IN_FORCE = "in force"
    REFUSED = "refused"
    UNDOING = "undoing"
    UNDONE = "undone"
    HANDED_OVER = "handed over"


@value
class Change:
    """One temporary change. `remote` is the far side's id (a silence's), `incident` the incident it was made for, if
    any."""

    id: str
    number: int
    version: int
    kind: ChangeKind
    target: str
    what: str
    undo: str
    made_at: datetime
    made_by: Actor
    state: ChangeStatus
    incident: str = ""
    expires_at: datetime | None = None
    remote: str = ""
    silence: Silence | None = None
    answer: str = ""
    ended_at: datetime | None = None
    ended_by: Actor | None = None
    handed_to: str = ""

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"change:{self.id}"

    @property
    def label(self) -> str:
        """CHG-<seq of its first event>."""
        return f"CHG-{self.number}" if self.number else "CHG-? (NOT SAVED)"

    def in_force(self, now: datetime) -> bool:
        """Whether it may still act on the world: also when nobody knows."""
        if self.state in (ChangeStatus.REFUSED, ChangeStatus.UNDONE):
            return False
        return self.expires_at is None or self.expires_at > now

    def owed(self, now: datetime) -> bool:
        """Whether somebody of this incident still has to undo it or to hand it over."""
        return self.in_force(now) and self.state is not ChangeStatus.HANDED_OVER
