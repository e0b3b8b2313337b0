"""Deadlines that have passed become events, while this console holds the lease."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from console.engine.context import Moments
from console.engine.fenced import Fenced, Written
from console.engine.lease import LeaseKeeper
from console.engine.record import Record
from console.engine.tasks import PATIENCE, Tasks
from console.model.decide import fire_deadlines, next_deadline
from console.model.people import Actor
from console.ports import Clock

_IDLE = timedelta(minutes=1)


class Deadlines:
    """The work of the task `deadlines`. `present` says in the record, before anything fires, that this console is here;
    it answers whether that is saved. `fired` is called when there is something new to show."""

    def __init__(
        self,
        record: Record,
        lease: LeaseKeeper,
        clock: Clock,
        actor: Actor,
        tasks: Tasks,
        moments: Moments,
        present: Callable[[], Awaitable[bool]],
        fired: Callable[[], None],
    ) -> None:
        self._record, self._lease, self._clock, self._actor = record, lease, clock, actor
        self._tasks, self._moments, self._present, self._fired = tasks, moments, present, fired
        self._fenced = Fenced(record, lease, moments, actor)
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something happened: there may be other deadlines now."""
        self._wake.set()

    def wake_if_late(self) -> None:
        """Wakes when a deadline has passed."""
        due = self._due()
        if due is not None and due <= self._clock.now():
            self._wake.set()

    async def watch(self) -> None:
        """Waits for the next deadline and fires what is due."""
        while True:
            self._wake.clear()
            if self._tasks.recovered("deadlines"):
                self._fired()
            now = self._clock.now()
            due = self._due()
            if due is None or self._lease.fence is None:
                until = now + _IDLE
            elif due > now:
                until = min(due, now + _IDLE)
            else:
                until = now if await self._fire() else now + PATIENCE
            await self._clock.wait(self._wake, until)

    def _due(self) -> datetime | None:
        moments = self._moments
        return next_deadline(
            self._record.state, moments.target, moments.severities, moments.pager_unheard(), moments.console
        )

    async def _fire(self) -> bool:
        """Whether all of them are in the record now."""
        if not await self._present():
            return False
        saved = True
        for batches in fire_deadlines(self._record.state, self._moments.context(self._actor)):
            written = await self._fenced.write(batches)
            if written is Written.NO_LEASE:
                return False
            saved = saved and written is not Written.FAILED
        self._fired()
        return saved
