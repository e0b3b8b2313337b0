"""What became of a command."""

from __future__ import annotations

from console.model.events import Recorded
from console.model.value import value


@value
class Done:
    """Carried out and saved (fsynced), unless `unsaved` says where the events wait instead."""

    events: tuple[Recorded, ...]
    unsaved: str = ""

    @property
    def subject(self) -> str:
        """The id in the first event's stream: of the incident declared, the run started, and so on."""
        return self.events[0].stream.partition(":")[2] if self.events else ""


@value
class Denied:
    """Not carried out; the reason is one line. `unknown`: nobody knows, for the request went out and no answer came.
    `passing`: nothing was sent, or taken, and the same again may well succeed."""

    reason: str
    unknown: bool = False
    passing: bool = False


@value
class Unsaved:
    """Not carried out because the journal could not be written. Whoever asked keeps the text and, when `may_proceed`,
    submits it again with `unsaved=True` after a typed confirmation."""

    reason: str
    may_proceed: bool


Outcome = Done | Denied | Unsaved
