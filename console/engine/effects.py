"""What commands do to the outside world, between the intent that is in the record and the outcome that follows it.

The operator waits for the answer. An outcome that nobody knows (the request went out and nothing came back) is left
open in the record: it shows as *outcome unknown*, and is never repeated unasked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from console.engine.context import Moments
from console.engine.outcome import Denied, Done, Outcome
from console.engine.record import Record
from console.engine.world import World
from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch, effect_outcome, flag_outcome
from console.model.events import Recorded
from console.model.flag import FlagOutcome
from console.model.pager import ActOutcome, ActResult
from console.model.people import Actor
from console.ports import Append, Conflict, NewEvent, NotSaved, Refused, Silences, SourceError, Uncertain

T = TypeVar("T")

EFFECTS = (cmd.SetFlag, cmd.CreateSilence, cmd.ExtendSilence, cmd.ExpireSilence)
"""Commands whose events are followed by an act on the outside."""

RETRIES = 20
"""How often it is decided anew what follows from an outcome, because others appended first."""

_OnSilence = cmd.CreateSilence | cmd.ExtendSilence | cmd.ExpireSilence


class _Act(NamedTuple):
    """How a command on a silence is carried out, and the event that its answer becomes."""

    what: str
    """It stands in "not silenced: why"."""
    ask: Callable[[Silences], ActResult]
    refused: Callable[[str], Any]
    made: Callable[[ActResult], Any]


def _act(command: _OnSilence) -> _Act:
    silence = command.silence
    if isinstance(command, cmd.CreateSilence):
        return _Act(
            "silenced",
            lambda silences: silences.create(silence),
            ev.ChangeRefused,
            lambda result: ev.ChangeMade(result.text, result.ref, silence.ends_at),
        )
    if isinstance(command, cmd.ExtendSilence):
        ends_at = command.ends_at
        return _Act(
            "extended",
            lambda silences: silences.extend(silence.id, ends_at),
            ev.ExtendRefused,
            lambda result: ev.ChangeExtended(ends_at, result.text, result.ref),
        )
    return _Act(
        "expired",
        lambda silences: silences.expire(silence.id),
        ev.UndoRefused,
        lambda result: ev.ChangeUndone(result.text),
    )


class Effects:
    """Carries out, for one operator, what was decided and recorded."""

    def __init__(self, world: World, actor: Actor, record: Record, moments: Moments) -> None:
        self._world, self._actor, self._record, self._moments = world, actor, record, moments

    async def carry_out(self, command: cmd.Command, intended: Done, unsaved: bool) -> Outcome:
        """Does what a command of `EFFECTS` wants. The outcome, with its events after those of the intent."""
        if isinstance(command, cmd.SetFlag):
            return await self._set_flag(command, intended, unsaved)
        assert isinstance(command, _OnSilence)
        return await self._change(command, intended, unsaved)

    async def _set_flag(self, command: cmd.SetFlag, intended: Done, unsaved: bool) -> Outcome:
        flags = self._world.flags
        event = next(item for item in intended.events if isinstance(item.payload, ev.EffectIntended))
        intent: ev.EffectIntended = event.payload
        run = self._record.state.runs[command.run]
        percent = run.playbook.step(command.step).percent
        assert flags is not None  # decide() refuses a flag step that nothing here can set.
        answer = await self._asked(lambda: flags.set_percent(intent.target, percent))
        if isinstance(answer, Denied):
            return answer
        ended = ("refused", str(answer))
        if not isinstance(answer, SourceError):
            stands = answer.outcome in (FlagOutcome.DONE, FlagOutcome.ALREADY)
            ended = ("done" if stands else "refused", answer.text)

        def follows() -> list[Batch]:
            state, context = self._record.state, self._moments.context(self._actor)
            ledger = flag_outcome(state, run.id, command.step, *ended, context)
            return [*effect_outcome(state, run.id, command.step, intent.effect, *ended, "", "", context), *ledger]

        recorded, saved = await note_outcome(self._record, self._actor, event.id, follows)
        if ended[0] == "refused":
            return Denied(f"{intent.target} was not set: {ended[1]}")
        where = self._world.spool.where if unsaved or not saved else ""
        return Done((*intended.events, *recorded), unsaved=where)

    async def _change(self, command: _OnSilence, intended: Done, unsaved: bool) -> Outcome:
        act = _act(command)
        result = await self._ask(command.silence.cluster, act.ask)
        if isinstance(result, Denied):
            return result
        stream = intended.events[0].stream
        if isinstance(result, str):
            return await self._conclude(stream, act.refused(result), intended, unsaved, f"not {act.what}: {result}")
        return await self._conclude(stream, act.made(result), intended, unsaved)

    async def _ask(self, cluster: str, act: Callable[[Silences], ActResult]) -> ActResult | str | Denied:
        """What the cluster answered: the result, why nothing was changed, or that nobody knows."""
        silences = next((item for item in self._world.silences if item.cluster == cluster), None)
        if silences is None:
            return f"no Alertmanager of the cluster {cluster!r} is configured"
        found: Silences = silences
        result = await self._asked(lambda: act(found))
        if isinstance(result, Denied):
            return result
        if isinstance(result, SourceError):
            return str(result)
        return result.text if result.outcome is ActOutcome.LOST else result

    async def _asked(self, act: Callable[[], T]) -> T | SourceError | Denied:
        """What the far side answered, or why it did nothing; Denied when nobody knows what it did."""
        try:
            answer: T = await self._world.offload(act)
            return answer
        except Uncertain as error:
            return Denied(f"outcome unknown: {error}; look before you do it again", unknown=True)
        except SourceError as error:
            return error
        except Exception as error:  # A fault of ours, before or after the far side was asked: nobody can tell.
            return Denied(f"outcome unknown: fault ({type(error).__name__}); look before you do it again", unknown=True)

    async def _conclude(
        self,
        stream: str,
        payload: Any,
        intended: Done,
        unsaved: bool,
        refused: str = "",
    ) -> Outcome:
        event = NewEvent(payload, self._world.clock.now(), self._world.ids.new(), intended.events[0].id)
        # What happened, happened, whatever else was written meanwhile: no expected version.
        appends = [Append(stream, None, (event,), self._actor)]
        try:
            recorded = await self._record.append(appends)
        except (NotSaved, Refused):
            # The world has been changed: the outcome must not be lost, whatever was confirmed before.
            recorded = self._record.put_aside(appends)
            unsaved = True
        if refused:
            return Denied(refused)
        return Done((*intended.events, *recorded), unsaved=self._world.spool.where if unsaved else "")


async def note_outcome(
    record: Record, actor: Actor, intent: str, follows: Callable[[], list[Batch]]
) -> tuple[tuple[Recorded, ...], bool]:
    """Writes down how an effect of a step has ended, and what `follows` from it; `intent` is the id of the event that
    it is the outcome of. What was recorded, and whether it is saved: it must not be lost, whatever else was written
    meanwhile, for the world has been changed."""
    appends: list[Append] = []
    for _ in range(RETRIES):
        appends = [_caused(append, intent) for append in record.appends(follows(), actor)]
        try:
            return await record.append(appends), True
        except Conflict:
            if not await record.caught_up():
                break
        except (NotSaved, Refused):
            break
    return record.put_aside([replace(append, expected=None) for append in appends]), False


def _caused(append: Append, intent: str) -> Append:
    events = tuple(
        replace(event, causation=intent) if isinstance(event.payload, ev.EffectFinished) else event
        for event in append.events
    )
    return replace(append, events=events)
