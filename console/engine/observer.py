"""What the engine sees happen elsewhere becomes events: acknowledged in PagerDuty, somebody else on call, a new phase.

Readings are not stored; what changed is. Only the console that holds the lease writes it down, so that it is there
once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

from console.engine.context import Moments
from console.engine.fenced import Fenced, Written
from console.engine.lease import LeaseKeeper
from console.engine.record import Record
from console.engine.tasks import PATIENCE, Tasks
from console.engine.world import World
from console.model import commands as cmd
from console.model.alert import AlertRef, reference
from console.model.board import Board
from console.model.decide import Refusal
from console.model.decide.pager import PAGERDUTY, own_key
from console.model.incident import Incident
from console.model.pager import PagerIncident, PagerSnapshot, PagerStatus
from console.model.people import Actor
from console.model.reading import ReadingState
from console.ports import SourceError

_IDLE = timedelta(minutes=1)


class Observer:
    """The work of the task `observe`. `board` gives the newest Board, `due` what else is to be written down by it."""

    def __init__(
        self,
        world: World,
        record: Record,
        lease: LeaseKeeper,
        moments: Moments,
        actor: Actor,
        tasks: Tasks,
        board: Callable[[], Board],
        changed: Callable[[], None],
        due: Callable[[Board], Iterable[cmd.Command]] = lambda _: (),
    ) -> None:
        self._due = due
        self._world, self._record, self._lease, self._moments = world, record, lease, moments
        self._tasks, self._board, self._changed = tasks, board, changed
        self._fenced = Fenced(record, lease, moments, actor)
        self._wake = asyncio.Event()
        self._seen: PagerSnapshot | None = None

    def wake(self) -> None:
        """Something was read or happened."""
        self._wake.set()

    async def watch(self) -> None:
        """Looks at every new Board."""
        clock = self._world.clock
        while True:
            self._wake.clear()
            self._tasks.recovered("observe")
            until = clock.now() + (_IDLE if await self._look() else PATIENCE)
            await clock.wait(self._wake, until)

    async def _look(self) -> bool:
        """Whether all that was seen is in the record."""
        if self._lease.fence is None:
            return True
        board = self._board()
        seen = [*self._phase(board), *self._due(board)]
        if board.pager is not None and board.pager is not self._seen:
            seen += [*self._on_call(board.pager), *self._acknowledged(board), *await self._pages(board)]
        before = self._record.state.seq
        saved = [await self._submit(command) for command in seen]
        if all(saved):
            self._seen = board.pager
        if self._record.state.seq > before:
            self._changed()
        return all(saved)

    def _phase(self, board: Board) -> Iterable[cmd.Command]:
        percent = board.rollout.percent if board.rollout is not None else None
        if percent is None or percent.state is not ReadingState.OK or percent.value is None:
            return
        yield cmd.ObservePhase(percent.value, percent.source)

    def _on_call(self, snapshot: PagerSnapshot) -> Iterable[cmd.Command]:
        if snapshot.on_calls:
            yield cmd.ObserveOnCall(snapshot.on_calls)

    def _acknowledged(self, board: Board) -> Iterable[cmd.Command]:
        """Firings that somebody took in PagerDuty: all of one page together, as they were taken together."""
        taken: dict[str, tuple[PagerIncident, list[AlertRef]]] = {}
        for alert in board.feed.alerts:
            page = board.feed.pages.get(alert.fingerprint)
            if page is None or page.status is not PagerStatus.ACKNOWLEDGED:
                continue
            care = self._record.state.care.get(alert.fingerprint)
            if care is None or care.may_be_taken(alert, page.acknowledged_at):
                taken.setdefault(page.id, (page, []))[1].append(reference(alert))
        for page, alerts in taken.values():
            yield cmd.AcknowledgeAlerts(tuple(alerts), page.acknowledged_by or page.changed_by, PAGERDUTY)

    async def _pages(self, board: Board) -> list[cmd.Command]:
        """The PagerDuty incidents that page for ours, where they are new or have changed."""
        assert board.pager is not None
        by_id = {page.id: page for page in board.pager.incidents}
        by_key = {key: page for page in board.pager.incidents for key in page.keys}
        found: list[cmd.Command] = []
        for incident in list(self._record.state.incidents.values()):  # others may be declared while we ask
            if not incident.open or incident.target != self._moments.target:
                continue
            pages = await self._pages_of(incident, board, by_id, by_key)
            found += [cmd.LinkPager(incident.id, page, adopted) for page, adopted in pages]
        return found

    async def _pages_of(
        self, incident: Incident, board: Board, by_id: dict[str, PagerIncident], by_key: dict[str, PagerIncident]
    ) -> list[tuple[PagerIncident, bool]]:
        pages: dict[str, tuple[PagerIncident, bool]] = {}
        own = by_key.get(own_key(incident.id))
        if own is not None:
            pages[own.id] = own, False
        for alert in incident.alerts:
            page = board.feed.pages.get(alert.fingerprint)
            if page is not None:
                pages[page.id] = page, True
        for known in incident.pages.values():
            if known.pager_id in pages or known.status is PagerStatus.RESOLVED:
                continue
            last = by_id.get(known.pager_id) or await self._again(known.pager_id)
            if last is not None:
                pages[last.id] = last, known.adopted
        return list(pages.values())

    async def _again(self, pager_id: str) -> PagerIncident | None:
        """An incident that left the list of the open ones: how it ended."""
        pager = self._world.pager
        if pager is None:
            return None
        try:
            found: PagerIncident = await self._world.offload(lambda: pager.incident(pager_id))
        except SourceError:
            return None  # The next round asks again.
        return found

    async def _submit(self, command: cmd.Command) -> bool:
        try:
            return await self._fenced.submit(command) in (Written.SAVED, Written.NOTHING)
        except Refusal:
            return True  # Nothing new for the record.
