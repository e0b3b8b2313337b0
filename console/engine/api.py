"""What a front end sees of the engine: the latest Board, and one way to say what the operator wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from console.engine.outcome import Outcome
from console.model.board import Board
from console.model.commands import Command
from console.model.events import Recorded


class Engine(Protocol):
    """A running console without a screen."""

    @property
    def board(self) -> Board:
        """The newest Board."""
        ...

    def subscribe(self, listener: Callable[[Board], None]) -> Callable[[], None]:
        """Calls `listener` on the event loop with every new Board; the answer unsubscribes."""
        ...

    async def submit(self, command: Command, *, unsaved: bool = False) -> Outcome:
        """Decides and records one command of this console's operator. `Done` means fsynced.

        With `unsaved`, a command of `ROLLBACK_SAFE` goes ahead although the journal cannot be written: its events go
        to the spool and are merged later.
        """
        ...

    async def timeline(self, *streams: str) -> list[Recorded]:
        """The events of some streams in the order they were recorded, spooled ones last."""
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
