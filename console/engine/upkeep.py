"""What keeps a console in step with the others: the record is followed, the lease renewed or watched."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

from console.engine.deadlines import Deadlines
from console.engine.lease import RENEW_SECONDS, LeaseKeeper
from console.engine.record import Record
from console.engine.tasks import Tasks
from console.engine.world import World
from console.model import events as ev
from console.ports import NotSaved, Refused

LATE_SECONDS = 5.0
"""A renewal that comes so much later, or sooner, than it was meant to: the process was stopped, or the clock set."""
STEP_SECONDS = 2.0
"""A wall clock that moved so much more than time passed is worth a line in the record; less is what NTP does."""
LOOK_EVERY = 4
"""Every how many renewals the spool is looked through for what processes that are gone have left."""


class Upkeep:
    """Two tasks' work, `keep_lease` and `follow_record`. `changed` is called when there is something new to show."""

    def __init__(
        self,
        world: World,
        record: Record,
        lease: LeaseKeeper,
        deadlines: Deadlines,
        tasks: Tasks,
        changed: Callable[[], None],
        *,
        read_only: bool,
    ) -> None:
        self._world, self._record, self._lease, self._deadlines = world, record, lease, deadlines
        self._tasks, self._changed, self._read_only = tasks, changed, read_only

    async def keep_lease(self) -> None:
        """Renews the lease and brings home what waits in the spool; while read-only, only looks who holds it."""
        clock = self._world.clock
        for renewal in itertools.count():
            began, counted = clock.now(), clock.monotonic()
            await clock.sleep_until(began + timedelta(seconds=RENEW_SECONDS))
            passed = (clock.now() - began).total_seconds()
            stepped = passed - (clock.monotonic() - counted)
            if abs(passed - RENEW_SECONDS) > LATE_SECONDS:
                self._changed()  # Whatever was read before is that much older now: nobody waits for a source to say so.
            if self._read_only:
                changed = self._lease.look()
            else:
                changed = await self._lease.renew()
                if abs(stepped) >= STEP_SECONDS and self._lease.fence is not None:
                    await self._lease.log(ev.ClockStepped(round(stepped, 3)))
                changed = await self._retry_spool(look=renewal % LOOK_EVERY == 0) or changed
                # A process that was stopped and goes on holds its lease again, and is late.
                self._deadlines.wake_if_late()
            if self._tasks.recovered("lease") or changed:
                self._changed()

    async def _retry_spool(self, *, look: bool) -> bool:
        try:
            if look:
                await self._world.offload(self._world.spool.look)
            return await self._record.merge()
        except (NotSaved, Refused):
            return False

    async def follow_record(self) -> None:
        """Folds what others append. It waits in the journal, not in the clock."""
        while True:
            changed = await self._record.catch_up()
            if self._tasks.recovered("record") or changed:
                self._changed()
            await self._world.journal.changed(self._record.state.seq)
