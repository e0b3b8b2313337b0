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
from console.model.decide import Batch, Context, effect_outcome, flag_outcome, proofs, step_outcome, write_outcome
from console.model.events import Recorded
from console.model.flag import FlagAnswer, FlagOutcome
from console.model.pager import ActOutcome, ActResult
from console.model.people import Actor
from console.model.rolling import compared
from console.ports import Append, Conflict, NewEvent, NotSaved, Refused, Rejected, Silences, SourceError, Uncertain

T = TypeVar("T")

EFFECTS = (cmd.SetFlag, cmd.SetShare, cmd.ProveWritePath, cmd.CreateSilence, cmd.ExtendSilence, cmd.ExpireSilence)
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


class _End(NamedTuple):
    """How a write has ended: done, refused or unknown; in words, with the share that was read back, and what the
    provider answered. `passing`: what refused it may be over the next time."""

    outcome: str
    words: str
    observed: float | None
    answer: FlagAnswer | str
    passing: bool = False


class Effects:
    """Carries out, for one operator, what was decided and recorded."""

    def __init__(self, world: World, actor: Actor, record: Record, moments: Moments) -> None:
        self._world, self._actor, self._record, self._moments = world, actor, record, moments

    async def carry_out(self, command: cmd.Command, intended: Done, unsaved: bool) -> Outcome:
        """Does what a command of `EFFECTS` wants. The outcome, with its events after those of the intent."""
        if isinstance(command, cmd.SetFlag):
            return await self._set_flag(command, intended, unsaved)
        if isinstance(command, cmd.SetShare):
            return await self._set_share(command, intended, unsaved)
        if isinstance(command, cmd.ProveWritePath):
            from console.engine.proving import Proving  # rarely wanted

            return await Proving(self._world, self._actor, self._record, self._moments).toggle(command, intended)
        assert isinstance(command, _OnSilence)
        return await self._change(command, intended, unsaved)

    async def _set_share(self, command: cmd.SetShare, intended: Done, unsaved: bool) -> Outcome:
        """The flag is written and read back; how that ended is in the record before the operator hears of it."""
        flags = self._world.flags
        event = next(item for item in intended.events if isinstance(item.payload, ev.WriteIntended))
        intent: ev.WriteIntended = event.payload
        assert flags is not None  # decide() refuses a share that nothing here can set.
        expected = compared(intent.percent, intent.before)
        end = await self._written(lambda: flags.set_percent(intent.flag, intent.percent, expected))

        def follows() -> list[Batch]:
            context = self._moments.context(self._actor)
            state = self._record.state
            ended = write_outcome(state, intent.effect, end.outcome, end.words, end.observed, context)
            return [*ended, *self._proves(intent.flag, intent.percent, end, context)]

        recorded, saved = await note_outcome(self._record, self._actor, event.id, follows)
        return self._answer(intent.flag, end, intended, recorded, unsaved or not saved)

    async def _set_flag(self, command: cmd.SetFlag, intended: Done, unsaved: bool) -> Outcome:
        flags = self._world.flags
        event = next(item for item in intended.events if isinstance(item.payload, ev.EffectIntended))
        intent: ev.EffectIntended = event.payload
        run = self._record.state.runs[command.run]
        percent = run.playbook.step(command.step).percent
        assert flags is not None  # decide() refuses a flag step that nothing here can set.
        shares = (item.payload for item in intended.events if isinstance(item.payload, ev.WriteIntended))
        expected = next((compared(item.percent, item.before) for item in shares), None)
        end = await self._written(lambda: flags.set_percent(intent.target, percent, expected))
        ended = (end.outcome, end.words)

        def follows() -> list[Batch]:
            state, context = self._record.state, self._moments.context(self._actor)
            shared = step_outcome(state, intent.effect, *ended, end.observed, context)
            if end.outcome == "unknown":
                return shared  # The step's own effect stays open: somebody has to look.
            ledger = flag_outcome(state, run.id, command.step, *ended, context)
            step = effect_outcome(state, run.id, command.step, intent.effect, *ended, "", "", context)
            return [*step, *ledger, *shared, *self._proves(intent.target, percent, end, context)]

        recorded, saved = await note_outcome(self._record, self._actor, event.id, follows)
        return self._answer(intent.target, end, intended, recorded, unsaved or not saved)

    def _proves(self, flag: str, percent: float, end: _End, context: Context) -> list[Batch]:
        """What a write says of the write path; nothing where nothing was written, or nobody knows."""
        answer = end.answer
        silent = isinstance(answer, FlagAnswer) and answer.outcome in (FlagOutcome.ALREADY, FlagOutcome.LOST)
        if end.outcome == "unknown" or silent:
            return []
        return proofs.written(self._record.state, flag, percent, answer, context)

    async def _written(self, write: Callable[[], FlagAnswer]) -> _End:
        """How a write of the flag has ended. It is done only when it was read back."""
        answer = await self._asked(write)
        if isinstance(answer, Denied):
            return _End("unknown", answer.reason, None, answer.reason)
        if isinstance(answer, SourceError):
            return _End("refused", str(answer), None, str(answer), not isinstance(answer, Rejected))
        stands = answer.outcome in (FlagOutcome.DONE, FlagOutcome.ALREADY)
        return _End("done" if stands else "refused", answer.text, answer.after, answer)

    def _answer(self, flag: str, end: _End, intended: Done, recorded: tuple[Recorded, ...], unsaved: bool) -> Outcome:
        if end.outcome == "unknown":
            return Denied(end.words, unknown=True)
        if end.outcome == "refused":
            return Denied(f"{flag} was not set: {end.words}", passing=end.passing)
        return Done((*intended.events, *recorded), unsaved=self._world.spool.where if unsaved else "")

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
    """Writes down how an effect has ended, and what `follows` from it; `intent` is the id of the event that
    it is the outcome of. What was recorded, and whether it is saved: it must not be lost, whatever else was written
    meanwhile, for the world has been changed."""
    appends: list[Append] = []
    for _ in range(RETRIES):
        if not (following := follows()):
            return (), True
        appends = [_caused(append, intent) for append in record.appends(following, actor)]
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
        replace(event, causation=intent) if isinstance(event.payload, ev.EffectFinished | ev.WriteFinished) else event
        for event in append.events
    )
    return replace(append, events=events)
