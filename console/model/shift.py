"""Shifts and handoffs: who is responsible now, and what the next one must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from console.model.events import HandoffItem
from console.model.people import Actor
from console.model.value import value


@value
class WatchItem:
    """Something the next shift must keep an eye on, until `until` or until it is closed."""

    id: str
    text: str
    added_at: datetime
    by: Actor
    until: datetime | None = None
    closed_at: datetime | None = None
    reason: str = ""


@value
class Shift:
    """One operator's turn."""

    id: str
    number: int
    version: int
    operator: str
    began_at: datetime
    previous: str = ""
    ended_at: datetime | None = None
    watch: Mapping[str, WatchItem] = field(default_factory=dict)
    notes: tuple[tuple[datetime, str, str], ...] = ()
    """(occurred at, who, text)."""
    next_shift: str = ""

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"shift:{self.id}"

    @property
    def open_watch(self) -> tuple[WatchItem, ...]:
        """Watch items that are not closed, oldest first."""
        return tuple(item for item in self.watch.values() if item.closed_at is None)


@value
class Answer:
    """What the receiver said to one item."""

    answer: str
    read_back: str
    by: Actor
    at: datetime


@value
class Handoff:
    """An offer of a shift to somebody. It is complete when every item is accepted."""

    id: str
    number: int
    version: int
    shift: str
    offered_by: Actor
    to: str
    offered_at: datetime
    items: tuple[HandoffItem, ...]
    anchor: str
    summary: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    accepted_at: datetime | None = None
    accepted_by: Actor | None = None
    shared_login: str = ""
    withdrawn: str = ""

    @property
    def stream(self) -> str:
        """The stream of its events."""
        return f"handoff:{self.id}"

    @property
    def label(self) -> str:
        """HO-<seq of the offer>."""
        return f"HO-{self.number}"

    @property
    def pending(self) -> tuple[HandoffItem, ...]:
        """Items not yet accepted."""
        return tuple(
            item for item in self.items if item.id not in self.answers or self.answers[item.id].answer != "accepted"
        )

    @property
    def open(self) -> bool:
        """Whether it waits for the receiver."""
        return self.accepted_at is None and not self.withdrawn
