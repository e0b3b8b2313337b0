"""Temporary changes: stream "change:<uuid>". The intent stands before the far side is asked, the answer after."""

from __future__ import annotations

from datetime import datetime

from console.model.change import ChangeKind
from console.model.events.registry import event
from console.model.silence import Silence
from console.model.value import value


@event("change.intended")
@value
class ChangeIntended:
    kind: ChangeKind
    target: str
    what: str
    undo: str
    incident: str = ""
    expires_at: datetime | None = None
    silence: Silence | None = None
    """What is asked for, when it is a silence; with an id, one that somebody else made and that is taken over."""


@event("change.made")
@value
class ChangeMade:
    answer: str
    """What the far side said, or what a person saw who made it by hand."""
    remote: str = ""
    expires_at: datetime | None = None


@event("change.refused")
@value
class ChangeRefused:
    """It is not in force: the far side said no, or somebody looked."""

    answer: str


@event("change.extend_intended")
@value
class ExtendIntended:
    expires_at: datetime


@event("change.extend_refused")
@value
class ExtendRefused:
    """It ends when it would have ended before."""

    answer: str


@event("change.extended")
@value
class ChangeExtended:
    expires_at: datetime
    answer: str
    remote: str = ""
    """The id it has now, where the far side gives a new one."""


@event("change.undo_intended")
@value
class UndoIntended:
    reason: str = ""


@event("change.undo_refused")
@value
class UndoRefused:
    """It is still in force."""

    answer: str


@event("change.undone")
@value
class ChangeUndone:
    answer: str


@event("change.tied")
@value
class ChangeTied:
    """It belongs to this incident from now on: the one that its own was merged into."""

    incident: str


@event("change.handed_over")
@value
class ChangeHandedOver:
    to: str
    reason: str
