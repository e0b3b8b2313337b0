"""What a front end sees of the engine: the latest Board, and one way to say what the operator wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from console.engine.lookups import FlagLook, Found
from console.engine.outcome import Outcome
from console.model.alert import Alert
from console.model.board import Board
from console.model.commands import Command
from console.model.events import Recorded
from console.model.slices import History
from console.settings.config import Config


class Lookups(Protocol):
    """What is asked only when somebody looks. Nothing here raises."""

    async def history(self, alert: Alert) -> Found:
        """When the alert fired during the last day."""
        ...

    async def runbook(self, alert: Alert) -> Found:
        """Its runbook as Markdown."""
        ...

    async def flag(self, name: str) -> FlagLook:
        """A feature flag as it is now, and what the credentials allow on it."""
        ...

    async def levels(self, name: str) -> History | None:
        """The slices of an objective's window, by the objective's name; None when nothing is known of it."""
        ...

    async def page_log(self, pager_id: str) -> Found:
        """A PagerDuty incident's own history."""
        ...


class Engine(Protocol):
    """A running console without a screen."""

    @property
    def board(self) -> Board:
        """The newest Board."""
        ...

    @property
    def settings(self) -> Config:
        """What the configuration says."""
        ...

    @property
    def lookups(self) -> Lookups:
        """Answers on demand."""
        ...

    def subscribe(self, listener: Callable[[Board], None]) -> Callable[[], None]:
        """Calls `listener` on the event loop with every new Board; the answer unsubscribes."""
        ...

    async def submit(self, command: Command, *, unsaved: bool = False) -> Outcome:
        """Decides and records one command of this console's operator. `Done` means fsynced.

        With `unsaved`, a command that `may_proceed` goes ahead although the journal cannot be written: its events go
        to the spool and are merged later.
        """
        ...

    async def timeline(self, *streams: str) -> list[Recorded]:
        """The events of some streams in the order they were recorded, spooled ones last."""
        ...

    def stop_job(self, run: str, step: str) -> bool:
        """Ends the program of a step, where this console runs it. Whether it did; the outcome follows in the record."""
        ...

    async def read_playbooks(self) -> None:
        """Reads the playbooks where nobody has yet: a start does without. The Board that follows has them."""
        ...

    def refresh(self) -> None:
        """Asks every source now, also those that are backing off."""
        ...

    async def start(self) -> None:
        """Reads the record and starts the sources, the deadlines and the lease."""
        ...

    async def stop(self) -> None:
        """Stops everything, gives the lease back, and closes the journal."""
        ...
