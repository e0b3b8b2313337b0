"""The canary flag is toggled, so that the write path is proven before it is needed.

Both writes are one act: whoever breaks off waits until the flag has been set back. What came of it is in the record
after, its intent before.
"""

from __future__ import annotations

import asyncio
from functools import partial

from console.engine import faults
from console.engine.context import Moments
from console.engine.effects import note_outcome
from console.engine.outcome import Denied, Done, Outcome
from console.engine.record import Record
from console.engine.world import World
from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch
from console.model.decide.proofs import Toggled, stands, toggled
from console.model.flag import FlagAnswer
from console.model.people import Actor
from console.model.text import safe
from console.ports import Flags, SourceError, Uncertain


class Proving:
    """Toggles the canary flag for one operator."""

    def __init__(self, world: World, actor: Actor, record: Record, moments: Moments) -> None:
        self._world, self._actor, self._record, self._moments = world, actor, record, moments

    async def toggle(self, command: cmd.ProveWritePath, intended: Done) -> Outcome:
        """Carries out what was decided and recorded. Done only when both writes were read back."""
        task = asyncio.create_task(self._toggle(command, intended), name="prove")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    async def _toggle(self, command: cmd.ProveWritePath, intended: Done) -> Outcome:
        flags = self._world.flags
        assert flags is not None  # decide() refuses it where nothing can set flags.
        effect = next(item for item in intended.events if isinstance(item.payload, ev.EffectIntended))
        ledger = next(item for item in intended.events if isinstance(item.payload, ev.ChangeIntended))
        try:
            found = await self._world.offload(partial(_both, flags, command))
        except Uncertain as error:
            return _unknown(command, str(error))
        except Exception as error:  # A fault of ours, before or after the far side was asked: nobody can tell.
            faults.note("fault while the canary was toggled", error)
            return _unknown(command, f"fault ({type(error).__name__})")
        why = ""

        def follows() -> list[Batch]:
            nonlocal why
            context, change = self._moments.context(self._actor), ledger.stream.partition(":")[2]
            batches, why = toggled(self._record.state, command, change, effect.payload.effect, found, context)
            return batches

        recorded, saved = await note_outcome(self._record, self._actor, effect.id, follows)
        unsaved = "" if saved else self._world.spool.where
        if why:
            return Denied(why + (f"; NOT SAVED, it waits in {unsaved}" if unsaved else ""), unknown=found.unknown)
        return Done((*intended.events, *recorded), unsaved=unsaved)


def _both(flags: Flags, command: cmd.ProveWritePath) -> Toggled:
    """Both writes, one after the other, each only while the flag is where it was left. Raises Uncertain when nobody
    knows what came of the first."""
    there = _set(flags, command.flag, command.other, command.before)
    if isinstance(there, Uncertain):
        raise there
    if isinstance(there, str) or not stands(there, command.other):
        return Toggled(there)
    back = _set(flags, command.flag, command.before, command.other)
    if isinstance(back, Uncertain):
        return Toggled(there, safe(str(back), 300), unknown=True)
    return Toggled(there, back)


def _set(flags: Flags, flag: str, percent: float, expected: float) -> FlagAnswer | str | Uncertain:
    try:
        return flags.set_percent(flag, percent, expected)
    except Uncertain as error:
        return error
    except SourceError as error:
        return safe(str(error), 300)


def _unknown(command: cmd.ProveWritePath, why: str) -> Denied:
    move = f"{command.flag} from {command.before:g} to {command.other:g} %"
    return Denied(f"OUTCOME UNKNOWN of setting {move}: {why}; look before it is tried again", unknown=True)
