"""The outbox: deliveries that are queued in the record are carried out, by the console that holds the lease.

Each channel has a task of its own, so that one that fails never stops the next. A delivery is tried until it went
through, was refused for good, or has lost its point; its outcome goes into the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from console.engine.context import Moments
from console.engine.lease import LeaseKeeper
from console.engine.record import Record
from console.engine.tasks import Tasks, Work
from console.engine.world import World
from console.model import events as ev
from console.model.decide.outbox import pointless
from console.model.message import Act, Delivery, DeliveryState
from console.model.people import Actor
from console.model.text import safe
from console.ports import Append, Busy, Channel, NewEvent, NotSaved, Refused, Rejected, SourceError

DEADLINE = timedelta(seconds=30)
"""How long one attempt may take."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
_IDLE = timedelta(minutes=1)

_PAGING, _SETTLING = (Act.PAGE, Act.TRIGGER, Act.ESCALATE), (Act.ACKNOWLEDGE, Act.RESOLVE)
"""What goes before all else that waits for the same channel, in this order: a page does not wait for acknowledgements
that time out."""


def _door(delivery: Delivery) -> tuple[str, bool]:
    """What has a rate limit of its own: PagerDuty takes triggers by its Events API, and all else by another."""
    return delivery.channel, delivery.act is Act.TRIGGER


def _rank(delivery: Delivery) -> int:
    return 0 if delivery.act in _PAGING else 1 if delivery.act in _SETTLING else 2


@dataclass(slots=True)
class _Trouble:
    """What went wrong with a delivery so far, in this process."""

    attempts: int
    error: str
    again_at: datetime


class Outbox:
    """The work of the tasks `deliver <channel>`. `changed` is called when there is something new to show."""

    def __init__(
        self,
        world: World,
        record: Record,
        lease: LeaseKeeper,
        moments: Moments,
        actor: Actor,
        tasks: Tasks,
        changed: Callable[[], None],
    ) -> None:
        self._world, self._record, self._lease, self._actor = world, record, lease, actor
        self._moments, self._tasks, self._changed = moments, tasks, changed
        self._wakes = {channel.name: asyncio.Event() for channel in world.channels}
        self._trouble: dict[str, _Trouble] = {}
        self._rest: dict[tuple[str, bool], datetime] = {}
        """Until when a door wants to be left alone, by `_door`."""

    def work(self) -> dict[str, Work]:
        """One task for each channel, by its name."""

        def serving(channel: Channel) -> Work:
            return lambda: self._serve(channel)

        return {f"deliver {channel.name}": serving(channel) for channel in self._world.channels}

    def wake(self) -> None:
        """Something happened: there may be something to deliver."""
        for wake in self._wakes.values():
            wake.set()

    def retries(self) -> dict[str, datetime]:
        """When what failed is tried again, by the delivery's id."""
        deliveries = self._record.state.deliveries
        for name in [name for name in self._trouble if name not in deliveries or not deliveries[name].open]:
            del self._trouble[name]  # another engine has ended it
        return {name: trouble.again_at for name, trouble in self._trouble.items()}

    async def flush(self) -> None:
        """Tries everything that waits once, while the lease is held: for one command without running tasks."""
        await asyncio.gather(*(self._round(channel) for channel in self._world.channels))

    async def _serve(self, channel: Channel) -> None:
        wake, clock = self._wakes[channel.name], self._world.clock
        while True:
            wake.clear()
            until = await self._round(channel)
            if self._tasks.recovered(f"deliver {channel.name}"):
                self._changed()
            await clock.wait(wake, until)

    async def _round(self, channel: Channel) -> datetime:
        """Carries out what is due for a channel. When to look again."""
        clock = self._world.clock
        while waiting := self._waiting(channel.name):
            now = clock.now()
            due = [(item, self._due(item, now)) for item in waiting]
            first = next((item for item, at in due if at <= now), None)
            if first is None:
                return min(at for _, at in due)
            await self._attempt(channel, first)
        return clock.now() + _IDLE

    def _waiting(self, channel: str) -> list[Delivery]:
        """What is ours to carry out. Without the lease, that is what could not be saved: while the journal cannot be
        written nobody holds the lease, and no other console knows of it."""
        ours = channel, self._moments.target
        every = self._record.state.deliveries.values()
        found = [item for item in every if item.open and (item.channel, item.message.target) == ours]
        if self._lease.fence is None:
            unsaved = {item.stream for item in self._record.unsaved if isinstance(item.payload, ev.DeliveryQueued)}
            found = [item for item in found if item.stream in unsaved]
        return sorted(found, key=lambda item: (_rank(item), item.queued_at))

    def _due(self, delivery: Delivery, now: datetime) -> datetime:
        """When to try it: now, unless it failed or its door is to be left alone, and until when these say so."""
        trouble = self._trouble.get(delivery.id)
        due = max(trouble.again_at if trouble is not None else now, self._rest.get(_door(delivery), now))
        return due if due <= now + 2 * LONGEST_PAUSE else now  # or the clock was set back since

    async def _attempt(self, channel: Channel, delivery: Delivery) -> None:
        """Tries one delivery, and notes what came of it."""
        clock = self._world.clock
        reason = pointless(self._record.state, delivery, clock.now())
        if reason:
            await self._end(delivery, ev.DeliveryFailed(reason, self._attempts(delivery)))
            return
        attempts = self._attempts(delivery) + 1
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                result = await self._world.offload(lambda: channel.deliver(self._labelled(delivery)))
        except Rejected as error:
            await self._end(delivery, ev.DeliveryFailed(safe(str(error), 300), attempts))
        except Busy as error:
            pause = timedelta(seconds=min(max(error.retry_after, 1.0), LONGEST_PAUSE.total_seconds()))
            self._rest[_door(delivery)] = clock.now() + pause
            await self._failing(delivery, attempts, str(error), pause)
        except SourceError as error:
            await self._failing(delivery, attempts, str(error), self._pause(attempts))
        except TimeoutError:
            await self._failing(delivery, attempts, f"no answer within {DEADLINE.seconds} s", self._pause(attempts))
        except Exception as error:  # A fault of ours in one channel must not end it.
            await self._failing(
                delivery, attempts, f"fault in {channel.name}: {type(error).__name__}", self._pause(attempts)
            )
        else:
            await self._end(delivery, ev.DeliverySent(safe(result.text, 300), attempts, safe(result.ref, 200)))

    def _labelled(self, delivery: Delivery) -> Delivery:
        """With the incident's number: at its declaration, when the message was written, it had none."""
        message = delivery.message
        incident = self._record.state.incidents.get(message.subject)
        if message.label or incident is None:
            return delivery
        return replace(delivery, message=replace(message, label=incident.label))

    def _attempts(self, delivery: Delivery) -> int:
        trouble = self._trouble.get(delivery.id)
        return trouble.attempts if trouble is not None else 0

    def _pause(self, attempts: int) -> timedelta:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * float(2 ** min(attempts - 1, 10)))
        return pause * (0.75 + 0.5 * self._world.ids.jitter())

    async def _failing(self, delivery: Delivery, attempts: int, error: str, pause: timedelta) -> None:
        self._trouble[delivery.id] = _Trouble(attempts, safe(error, 300), self._world.clock.now() + pause)
        if delivery.state is DeliveryState.QUEUED:
            await self._note(delivery, ev.DeliveryFailing(safe(error, 300)))
        else:
            self._changed()

    async def _end(self, delivery: Delivery, outcome: ev.DeliverySent | ev.DeliveryFailed) -> None:
        self._trouble.pop(delivery.id, None)
        await self._note(delivery, outcome)

    async def _note(
        self, delivery: Delivery, payload: ev.DeliveryFailing | ev.DeliverySent | ev.DeliveryFailed
    ) -> None:
        """What happened at the far side has happened: it is recorded whoever holds the lease now, and spooled where it
        cannot be."""
        event = NewEvent(payload, self._world.clock.now(), self._world.ids.new())
        append = Append(delivery.stream, None, (event,), self._actor)
        try:
            await self._record.append([append])
        except (NotSaved, Refused):
            # It has happened at the far side: what is not written down anywhere would happen there again.
            self._record.put_aside([append])
        finally:
            self._changed()
