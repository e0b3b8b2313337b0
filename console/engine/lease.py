"""The lease: one engine acts, and the header says which."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from console.engine.record import Record
from console.model import events as ev
from console.model.board import LeaseView
from console.model.people import Actor
from console.ports import Append, Clock, Ids, Lease, NewEvent, NotSaved, Refused

TTL_SECONDS = 9.0
RENEW_SECONDS = 3.0
"""With these, a dead holder is replaced within TTL + RENEW = 12 s."""


class LeaseKeeper:
    """Holds the lease while it can. `fence` is the epoch to act under, None while somebody else holds it."""

    def __init__(self, record: Record, clock: Clock, ids: Ids, holder: str, actor: Actor, target: str) -> None:
        self._record, self._clock, self._ids, self._holder, self._actor = record, clock, ids, holder, actor
        self._target = target
        self._seen: Lease | None = None

    @property
    def fence(self) -> int | None:
        """The epoch, while the lease is held and has not run out."""
        seen = self._living()
        return seen.epoch if seen is not None and seen.holder == self._holder else None

    def _living(self) -> Lease | None:
        """The lease, unless it has run out, or runs for longer than any engine asks for: the clock was set back, or
        somebody wrote it by hand."""
        seen, now = self._seen, self._clock.now()
        return seen if seen is not None and now < seen.expires_at <= now + timedelta(seconds=TTL_SECONDS + 1) else None

    def view(self) -> LeaseView:
        """Who runs the engine; nobody once the lease has run out."""
        seen = self._living()
        if seen is None:
            return LeaseView()
        return LeaseView(seen.holder, seen.holder == self._holder, seen.expires_at)

    async def renew(self) -> bool:
        """Renews or takes the lease. Whether its holder changed. A journal that cannot be written has no holder."""
        before = self._seen
        try:
            self._seen = await self._record.journal.renew(self._holder, TTL_SECONDS)
        except (NotSaved, Refused):
            self._seen = None
        after = self._seen
        taken = after is not None and after.holder == self._holder and (before is None or before.epoch != after.epoch)
        if taken and after is not None:
            previous = before.holder if before is not None and before.holder != self._holder else ""
            await self.log(ev.LeaseTaken(self._holder, after.epoch, previous, self._target))
        return (before.holder if before else "") != (after.holder if after else "")

    def look(self) -> bool:
        """Reads who holds the lease, without wanting it. Whether the holder changed."""
        before, self._seen = self._seen, self._record.journal.lease()
        return (before.holder if before else "") != (self._seen.holder if self._seen else "")

    async def release(self) -> None:
        """Gives the lease back, so that another engine need not wait for it to run out."""
        if self.fence is None:
            return
        with contextlib.suppress(NotSaved, Refused):  # It runs out by itself.
            epoch = self._seen.epoch if self._seen else 0
            await self.log(ev.LeaseReleased(self._holder, epoch, self._target))
            await self._record.journal.release(self._holder)
        self._seen = None

    async def log(self, payload: ev.LeaseTaken | ev.LeaseReleased | ev.ClockStepped) -> None:
        """Writes down what became of the engine."""
        event = NewEvent(payload, self._clock.now(), self._ids.new())
        with contextlib.suppress(NotSaved, Refused):  # The lease is what counts; its trace is not worth failing for.
            await self._record.append([Append("engine", None, (event,), self._actor)])
