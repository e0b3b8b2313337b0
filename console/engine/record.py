"""The record as this console sees it: the fold, kept in step with the journal, and what waits in the spool."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

from console.engine.poller import Offload
from console.model.decide import Batch
from console.model.events import Recorded, kind_of
from console.model.people import Actor
from console.model.state import State, apply
from console.ports import Append, Clock, Ids, Journal, JournalUnusable, NewEvent, NotSaved, Spool

SNAPSHOT_EVERY = 1_000
_CHUNK = 10_000
AT_ONCE = 250
"""So many events are prepared or folded before the keys are let in: a few milliseconds."""


class Record:
    """Reads, folds, appends. Only the engine's loop calls it."""

    def __init__(
        self,
        journal: Journal,
        spool: Spool,
        clock: Clock,
        ids: Ids,
        console: str,
        mode: str,
        offload: Offload,
    ) -> None:
        self.journal, self.spool = journal, spool
        self._clock, self._ids, self._console, self._mode, self._offload = clock, ids, console, mode, offload
        self.state = State()
        self.unsaved: list[Recorded] = []
        self.not_saved = ""
        """Why the last append could not be saved; empty after one that was."""
        self.head = ""
        """`SEQ:HASH` of the last event folded in."""
        self.fault = ""
        """Why the record cannot be read now; empty when it can."""
        self._snapshot_seq = 0
        self._merging = asyncio.Lock()
        self._reading = asyncio.Lock()
        """Held while events are fetched and folded: two at once would skip what neither of them folded."""

    async def load(self) -> None:
        """Rebuilds the state: newest snapshot, the events since, and on top what waits in the spool.

        Raises JournalUnusable; the state is then as it was.
        """
        async with self._reading:
            self._snapshot_seq, self.head, self.state = await self._offload(self._replay)
            self.unsaved = []
            for append in self.spool.pending():
                self._fold_unsaved(append)
        await self.catch_up()  # what was appended while the replay was under way

    def _replay(self) -> tuple[int, str, State]:
        snapshot = self.journal.load_snapshot()
        snapshot_seq, state = snapshot if snapshot is not None else (0, State())
        head = str(self.journal.head())
        while events := self.journal.read(state.seq, _CHUNK):
            for recorded in events:
                apply(state, recorded)
                head = f"{recorded.seq}:{recorded.hash}"
        return snapshot_seq, head, state

    async def catch_up(self) -> bool:
        """Folds what others appended. Whether there was anything. Raises JournalUnusable."""
        async with self._reading:
            before = self.state.seq
            while events := await self._offload(partial(self.journal.read, self.state.seq, _CHUNK)):
                await self._fold(events)
                if events[0].seq > self.state.seq + 1:
                    raise JournalUnusable(
                        f"event {self.state.seq + 1} is missing from the record: see `oncall log verify`"
                    )
            self.fault = ""
            return self.state.seq > before

    async def caught_up(self, refused: Sequence[Append] = ()) -> bool:
        """Folds what others appended, and what was forgotten of the alerts that the `refused` appends are about.
        Whether the record could be read; else `fault` says why not."""
        try:
            await self.catch_up()
            await self._recall([item.stream for item in refused if item.expected == 0])
        except JournalUnusable as error:
            self.fault = str(error)
        return not self.fault

    async def _recall(self, streams: Sequence[str]) -> None:
        """Reads alerts again that the fold has forgotten, or never knew."""
        forgotten = [name for name in streams if name.startswith("alert:") and not self._version(name)]

        def read() -> list[Recorded]:
            return [recorded for name in forgotten for recorded in self.journal.stream(name)]

        known = State()  # Folded by themselves: in between, what is old would be forgotten again.
        for recorded in await self._offload(read) if forgotten else ():
            apply(known, recorded)
        self.state.care.update(known.care)
        self.state.told += known.told

    async def _fold(self, events: Sequence[Recorded]) -> None:
        """Folds what comes next. An event that was folded meanwhile is passed over; one beyond a gap waits."""
        for number, recorded in enumerate(events, start=1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            if recorded.seq == self.state.seq + 1:
                apply(self.state, recorded)
                self.head = f"{recorded.seq}:{recorded.hash}"

    def appends(self, batches: Sequence[Batch], actor: Actor) -> list[Append]:
        """Batches as appends, with ids and instants."""
        now = self._clock.now()
        return [
            Append(
                batch.stream,
                batch.expected,
                tuple(NewEvent(payload, batch.occurred_at or now, self._ids.new()) for payload in batch.payloads),
                actor,
            )
            for batch in batches
        ]

    async def prepared(self, batches: Sequence[Batch], actor: Actor) -> list[Append]:
        """As `appends`, for what may be thousands: the keys are let in between."""
        found = self.appends(batches[:AT_ONCE], actor)
        for start in range(AT_ONCE, len(batches), AT_ONCE):
            await asyncio.sleep(0)
            found += self.appends(batches[start : start + AT_ONCE], actor)
        return found

    async def append(self, appends: Sequence[Append], *, fence: int | None = None) -> tuple[Recorded, ...]:
        """Saves and folds. Raises what `Journal.append` raises; before it, what waits in the spool is merged.

        Once saved, it answers so, whatever becomes of the fold: that is caught up later.
        """
        try:
            await self.merge()
            recorded = await self.journal.append(appends, fence=fence)
        except NotSaved as error:
            self.not_saved = str(error)
            raise
        self.not_saved = ""
        if len(recorded) < AT_ONCE:
            await self._fold(recorded)
        else:
            async with self._reading:  # Who follows the journal would read all of it again meanwhile.
                await self._fold(recorded)
        if recorded and self.state.seq < recorded[-1].seq:
            try:
                await self.catch_up()
            except JournalUnusable as error:
                self.fault = str(error)
        await self._snapshot()
        return recorded

    async def merge(self) -> bool:
        """Brings what waits in the spool into the journal and rebuilds the state. Raises NotSaved."""
        async with self._merging:
            waits = bool(self.spool.pending())
            await self.spool.merge(self.journal)  # what waits there and cannot be read is told in any case
            if not waits:
                return False
            self.not_saved = ""
            await self.load()
            return True

    async def aside(self, stream: str) -> list[Append]:
        """What others have put aside for a stream and this console has not folded: it is not in the journal yet."""
        others = await self._offload(self.spool.others)
        waiting = [item for item in (*self.spool.pending(), *others) if item.stream == stream]
        if not waiting:
            return []
        known = {event.id for event in self.unsaved}
        with contextlib.suppress(JournalUnusable):
            known |= {event.id for event in await self._offload(partial(self.journal.stream, stream))}
        return [item for item in waiting if not any(event.id in known for event in item.events)]

    def put_aside(self, appends: Sequence[Append]) -> tuple[Recorded, ...]:
        """Spools appends and folds them as not saved."""
        before = len(self.unsaved)
        for append in appends:
            self.spool.put(append)
            self._fold_unsaved(append)
        return tuple(self.unsaved[before:])

    def _fold_unsaved(self, append: Append) -> None:
        version = self._version(append.stream)
        for event in append.events:
            version += 1
            kind, kind_version = kind_of(event.payload)
            recorded = Recorded(
                seq=0,
                stream=append.stream,
                version=version,
                kind=kind,
                kind_version=kind_version,
                id=event.id,
                occurred_at=event.occurred_at,
                recorded_at=event.occurred_at,
                actor=append.actor,
                console=self._console,
                causation=event.causation,
                mode=self._mode,
                payload=event.payload,
            )
            self.unsaved.append(recorded)
            apply(self.state, recorded)

    def _version(self, stream: str) -> int:
        table, entity = self.state.place(stream)
        known = (table or {}).get(entity)
        return known.version if known is not None else 0

    async def _snapshot(self) -> None:
        if self.state.seq - self._snapshot_seq < SNAPSHOT_EVERY or self.unsaved:
            return
        self._snapshot_seq = self.state.seq
        with contextlib.suppress(NotSaved):  # Disposable: the next one will do.
            await self.journal.save_snapshot(self.state.seq, self.state.copy())

    async def timeline(self, streams: Sequence[str]) -> list[Recorded]:
        """The events of some streams in recorded order, spooled ones last."""

        def read() -> list[Recorded]:
            return [recorded for stream in streams for recorded in self.journal.stream(stream)]

        saved = sorted(await self._offload(read), key=lambda recorded: recorded.seq)
        return saved + [recorded for recorded in self.unsaved if recorded.stream in streams]
