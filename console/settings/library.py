"""The playbooks of a configuration, read when they are first asked for: neither most commands nor the first screen need
any."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from console.model.playbook import LoadedPlaybook
from console.model.value import value


@value
class Shelf:
    """What was found in the playbooks' folder."""

    playbooks: tuple[LoadedPlaybook, ...] = ()
    broken: tuple[str, ...] = ()
    """One line for each mistake in a playbook that was left out for it."""
    warnings: tuple[str, ...] = ()
    """One line for each thing that was accepted but is probably not meant."""


class Library:
    """Reads once, in the thread of whoever asks first; others wait for that. What was read stays."""

    def __init__(self, read: Callable[[], Shelf], known: Shelf | None = None) -> None:
        self._read, self._lock = read, Lock()
        self.known = known
        """What was read; None before."""

    @staticmethod
    def of(*playbooks: LoadedPlaybook) -> Library:
        """These, which need not be read."""
        return Library(Shelf, Shelf(playbooks))

    def read(self) -> Shelf:
        """What is in it."""
        with self._lock:
            if self.known is None:
                self.known = self._read()
            return self.known
