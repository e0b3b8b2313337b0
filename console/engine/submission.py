"""How a command becomes part of the record, or is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from console.engine.context import Moments
from console.engine.outcome import Denied, Done, Outcome, Unsaved
from console.engine.record import AT_ONCE, Record
from console.engine.world import World
from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Refusal, decide
from console.model.people import Actor
from console.model.text import safe
from console.ports import Append, Conflict, JournalUnusable, NotSaved, Refused

_RETRIES = 20
"""How often a command is decided anew because others appended first."""


def _raises(appends: list[Append]) -> bool:
    """Whether a step of a playbook sets a share of traffic that is no smaller one: that can wait for the record."""
    writes = (event.payload for append in appends for event in append.events)
    return any(isinstance(write, ev.WriteIntended) and 0 < write.percent >= write.before for write in writes)


class Submission:
    """Decides and records the commands of one operator."""

    def __init__(self, world: World, actor: Actor, record: Record, moments: Moments) -> None:
        self._world, self._actor, self._record, self._moments = world, actor, record, moments
        self._failed: tuple[cmd.Command, list[Append]] | None = None

    def refusal(self, command: cmd.Command) -> str:
        """Why the rules would refuse a command now; empty where they would not. Nothing is recorded."""
        try:
            decide(self._record.state, command, self._moments.context(self._actor))
        except Refusal as refusal:
            return str(refusal)
        return ""

    async def record(self, command: cmd.Command, unsaved: bool) -> Outcome:
        """Decides and appends one command. `unsaved`: what may proceed, goes to the spool where it cannot be saved."""
        if len(getattr(command, "alerts", ())) > AT_ONCE:
            await asyncio.sleep(0)  # To name so many takes a while, and to decide, too: a key fits in between.
        if isinstance(command, cmd.Correct) and (refusal := await self._nothing_to_correct(command)):
            return Denied(refusal)
        for _ in range(_RETRIES):
            # A write that failed may turn up after all, when the journal is recovered. So the same command, given
            # again, writes the same events by the same ids: they can be in the record once, and not twice.
            failed, self._failed = self._failed, None
            if failed is not None and failed[0] == command:
                appends = failed[1]
            else:
                try:
                    batches = decide(self._record.state, command, self._moments.context(self._actor))
                except Refusal as refusal:
                    return Denied(str(refusal))
                appends = await self._record.prepared(batches, self._actor)
            try:
                return Done(await self._record.append(appends))
            except Conflict as conflict:
                if not await self._record.caught_up(appends):
                    return Denied(f"{conflict}; {self._record.fault}")
            except Refused as refused:
                return Denied(str(refused))
            except NotSaved as error:
                may_proceed = cmd.may_proceed(command) and not _raises(appends)
                if not (unsaved and may_proceed):
                    self._failed = (command, appends)
                    return Unsaved(str(error), may_proceed)
                # What happened, happened, whatever else was written meanwhile: no expected version.
                aside = [replace(append, expected=None) for append in appends]
                return Done(self._record.put_aside(aside), unsaved=self._world.spool.where)
        return Denied("other consoles kept changing the same thing; try again")

    async def _nothing_to_correct(self, command: cmd.Correct) -> str:
        """Why there is no event to correct: the state keeps no events, so their stream is read. What names no incident
        or no event at all is for the rules to refuse."""
        incident, wanted = self._record.state.incidents.get(command.incident), command.event_id.strip()
        if incident is None or not wanted:
            return ""
        try:
            events = await self._record.timeline([incident.stream])
        except JournalUnusable as error:
            return str(error)
        if any(event.id == wanted for event in events):
            return ""
        last = f", the last of which is {events[-1].id} ({events[-1].kind})" if events else ""
        return f"{safe(wanted, 80)} is no event of {incident.label}; expected the id of one of its {len(events)}{last}"
