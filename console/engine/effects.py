"""What commands do to the outside world, between the intent that is in the record and the outcome that follows it."""

from __future__ import annotations

from console.engine.outcome import Denied, Done, Outcome
from console.engine.record import Record
from console.engine.world import World
from console.model import commands as cmd
from console.model import events as ev
from console.model.people import Actor
from console.ports import Append, NewEvent, NotSaved, Refused, SourceError


class Effects:
    """Carries out, for one operator, what was decided and recorded."""

    def __init__(self, world: World, actor: Actor, record: Record) -> None:
        self._world, self._actor, self._record = world, actor, record

    async def carry_out(self, command: cmd.SetFlag, intended: Done, unsaved: bool) -> Outcome:
        """Sets the flag. The outcome, with its events after those of the intent."""
        flags = self._world.flags
        intent: ev.EffectIntended = intended.events[0].payload
        run = self._record.state.runs[command.run]
        percent = run.playbook.step(command.step).percent
        assert flags is not None  # decide() refuses a flag step that nothing here can set.
        try:
            answer = await self._world.offload(lambda: flags.set_percent(intent.target, percent))
            finished = ev.EffectFinished(intent.effect, "done", answer)
        except SourceError as error:
            finished = ev.EffectFinished(intent.effect, "refused", str(error))
        event = NewEvent(finished, self._world.clock.now(), self._world.ids.new(), intended.events[0].id)
        append = Append(run.stream, None, (event,), self._actor)
        try:
            recorded = await self._record.append([append])
        except (NotSaved, Refused):
            # The change has been made: its outcome must not be lost, whatever was confirmed before.
            recorded = self._record.put_aside([append])
            unsaved = True
        if finished.outcome == "refused":
            return Denied(f"{intent.target} was not set: {finished.detail}")
        return Done((*intended.events, *recorded), unsaved=self._world.spool.where if unsaved else "")
