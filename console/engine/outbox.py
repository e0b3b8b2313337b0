"""The outbox: deliveries that are queued in the record are carried out, by the console that holds the lease.

Each channel has a task of its own, so that one that fails never stops the next. A delivery is tried until it went
through, was refused for good, or has lost its point; its outcome goes into the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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

_URGENT = (Act.PAGE, Act.TRIGGER, Act.ESCALATE, Act.ACKNOWLEDGE, Act.RESOLVE)
"""What goes before everything else that waits for the same channel."""


@dataclass(slots=True)
class _Trouble:
    """What went wrong with a delivery so far, in this process."""

    attempts: int
    error: str
    again_at: datetime


class Outbox:
    """The work of the tasks `deliver <channel>`. `changed` is called when there is something new to show."""

    def __init__(
        self, world: World, record: Record, lease: LeaseKeeper, actor: Actor, tasks: Tasks, changed: Callable[[], None]
    ) -> None:
        self._world, self._record, self._lease, self._actor = world, record, lease, actor
        self._tasks, self._changed = tasks, changed
        self._wakes = {channel.name: asyncio.Event() for channel in world.channels}
        self._trouble: dict[str, _Trouble] = {}
        self._rest: dict[str, datetime] = {}
        """Until when a channel wants to be left alone."""

    def work(self) -> dict[str, Work]:
        """One task for each channel, by its name."""

        def serving(channel: Channel) -> Work:
            return lambda: self._serve(channel)

        return {f"deliver {channel.name}": serving(channel) for channel in self._world.channels}

    def wake(self) -> None:
        """Something happened: there may be something to deliver."""
        for wake in self._wakes.values():
            wake.set()

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
        while self._lease.fence is not None:
            now = clock.now()
            waiting = self._waiting(channel.name)
            due = [item for item in waiting if self._due(item) <= now]
            if not due or self._rest.get(channel.name, now) > now:
                return min([self._due(item) for item in waiting], default=now + _IDLE)
            if not await self._attempt(channel, due[0]):
                return clock.now() + FIRST_PAUSE
        return clock.now() + _IDLE

    def _waiting(self, channel: str) -> list[Delivery]:
        found = [item for item in self._record.state.deliveries.values() if item.open and item.channel == channel]
        return sorted(found, key=lambda item: (item.act not in _URGENT, item.queued_at))

    def _due(self, delivery: Delivery) -> datetime:
        trouble = self._trouble.get(delivery.id)
        due = trouble.again_at if trouble is not None else delivery.queued_at
        return max(due, self._rest.get(delivery.channel, due))

    async def _attempt(self, channel: Channel, delivery: Delivery) -> bool:
        """Tries one delivery. Whether its outcome, if it has one, is in the record."""
        clock = self._world.clock
        reason = pointless(self._record.state, delivery, clock.now())
        if reason:
            return await self._end(delivery, ev.DeliveryFailed(reason, self._attempts(delivery)))
        attempts = self._attempts(delivery) + 1
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                result = await self._world.offload(lambda: channel.deliver(self._labelled(delivery)))
        except Rejected as error:
            return await self._end(delivery, ev.DeliveryFailed(safe(str(error), 300), attempts))
        except Busy as error:
            pause = timedelta(seconds=min(max(error.retry_after, 1.0), LONGEST_PAUSE.total_seconds()))
            self._rest[channel.name] = clock.now() + pause
            return await self._failing(delivery, attempts, str(error), pause)
        except SourceError as error:
            return await self._failing(delivery, attempts, str(error), self._pause(attempts))
        except TimeoutError:
            return await self._failing(
                delivery, attempts, f"no answer within {DEADLINE.seconds} s", self._pause(attempts)
            )
        except Exception as error:  # A fault of ours in one channel must not end it.
            return await self._failing(
                delivery, attempts, f"fault in {channel.name}: {type(error).__name__}", self._pause(attempts)
            )
        return await self._end(delivery, ev.DeliverySent(safe(result.text, 300), attempts, safe(result.ref, 200)))

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

    async def _failing(self, delivery: Delivery, attempts: int, error: str, pause: timedelta) -> bool:
        self._trouble[delivery.id] = _Trouble(attempts, safe(error, 300), self._world.clock.now() + pause)
        if delivery.state is DeliveryState.QUEUED:
            return await self._note(delivery, ev.DeliveryFailing(safe(error, 300)))
        self._changed()
        return True

    async def _end(self, delivery: Delivery, outcome: ev.DeliverySent | ev.DeliveryFailed) -> bool:
        self._trouble.pop(delivery.id, None)
        return await self._note(delivery, outcome)

    async def _note(
        self, delivery: Delivery, payload: ev.DeliveryFailing | ev.DeliverySent | ev.DeliveryFailed
    ) -> bool:
        """What happened at the far side has happened: it is recorded whoever holds the lease now, and spooled where it
        cannot be."""
        event = NewEvent(payload, self._world.clock.now(), self._world.ids.new())
        append = Append(delivery.stream, None, (event,), self._actor)
        try:
            await self._record.append([append])
        except NotSaved:
            self._record.put_aside([append])
        except Refused:
            return False
        finally:
            self._changed()
        return True
