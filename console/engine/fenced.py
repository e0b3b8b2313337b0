"""What the engine writes down by itself: under the fence of its lease, so that no two engines write the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto

from console.engine.context import Moments
from console.engine.lease import LeaseKeeper
from console.engine.record import Record
from console.model import commands as cmd
from console.model.decide import Batch, decide
from console.model.people import Actor
from console.ports import Conflict, LeaseLost, NotSaved, Refused


class Written(Enum):
    """What came of it. SAVED is in the record; ASIDE could not be saved, and is kept beside the journal. OVERTAKEN:
    others wrote first, and what they wrote is folded. FAILED: try again later."""

    NOTHING = auto()
    SAVED = auto()
    ASIDE = auto()
    OVERTAKEN = auto()
    NO_LEASE = auto()
    FAILED = auto()


class Fenced:
    """Writes in the name of one engine, as long as it holds the lease."""

    def __init__(self, record: Record, lease: LeaseKeeper, moments: Moments, actor: Actor) -> None:
        self._record, self._lease, self._moments, self._actor = record, lease, moments, actor

    async def submit(self, command: cmd.Command, *, unsaved: bool = False) -> Written:
        """Decides one command and writes what follows from it. `unsaved`: it goes ahead where that cannot be saved.
        Raises Refusal."""
        return await self.write(decide(self._record.state, command, self._moments.context(self._actor)), unsaved)

    async def write(self, batches: Sequence[Batch], unsaved: bool = False) -> Written:
        """Writes all of it, or nothing."""
        if not batches:
            return Written.NOTHING
        appends = await self._record.prepared(batches, self._actor)
        fence = self._lease.fence  # Read once: it may be lost at any moment, and None would fence nothing.
        if fence is None:
            return Written.NO_LEASE
        try:
            await self._record.append(appends, fence=fence)
        except Conflict:
            return Written.OVERTAKEN if await self._record.caught_up(appends) else Written.FAILED
        except NotSaved:
            if not unsaved:
                return Written.FAILED
            # What happened, happened, whatever else was written meanwhile: no expected version.
            self._record.put_aside([replace(append, expected=None) for append in appends])
            return Written.ASIDE
        except (LeaseLost, Refused):
            return Written.FAILED
        return Written.SAVED
