"""The newest Board, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from console.engine import faults
from console.model.board import Board

Make = Callable[[int], Board]
"""Makes the Board of this moment, of such a number."""


class Published:
    """Keeps the newest Board that `make` has made."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._listeners: list[Callable[[Board], None]] = []
        self._number = -1
        self._board: Board | None = None

    @property
    def board(self) -> Board:
        """The newest one."""
        assert self._board is not None, "asked only once one is published"
        return self._board

    def subscribe(self, listener: Callable[[Board], None]) -> Callable[[], None]:
        """Calls `listener` with every new one; the answer unsubscribes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self) -> None:
        """Makes one, and tells everybody."""
        self._number += 1
        self._board = self.build()
        for listener in list(self._listeners):
            listener(self._board)

    def build(self, make: Make | None = None) -> Board:
        """The Board of now. Where a fault of ours lets none be made, it is the last one, which says so: a rollback
        needs the record, and not a Board."""
        try:
            return (make or self._make)(self._number)
        except Exception as error:
            last = self._board
            if last is None:
                raise
            told = f"fault: no Board can be made ({type(error).__name__}); this is that of {last.at:%H:%M:%S}Z"
            if told not in last.fault:  # once, and not with every Board
                faults.note(told, error)
                return replace(last, number=self._number, fault="; ".join(filter(None, (last.fault, told))))
            return replace(last, number=self._number)
