"""The conductor of the rollout: what is seen of it becomes events, in the one engine that holds the lease.

It compares the record with the newest Board: a phase that is entered, a share that somebody else set, guardrails that
are breached or hold again, a rollback that has come to its end. Where the plan wants it, a breach starts a countdown
that everybody sees and anybody cancels, and its end starts the rollback; only while a rollback is known to be possible.
What is seen twice is written once: each rule says nothing where the record says it already, and an append that somebody
else was faster with is looked at anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta

from console.engine.context import Moments
from console.engine.fenced import Fenced, Written
from console.engine.lease import LeaseKeeper
from console.engine.outcome import Denied, Outcome
from console.engine.progress import Judges
from console.engine.record import Record
from console.engine.tasks import PATIENCE, Tasks
from console.engine.world import World
from console.model import commands as cmd
from console.model.board import Board
from console.model.decide import Refusal
from console.model.decide.rollout import rollback_run
from console.model.decide.rollout_back import counts_down
from console.model.decide.rollout_seen import not_judged, observe_share
from console.model.decision import SKEW
from console.model.events import CountdownCancelled
from console.model.people import Actor
from console.model.playbook import Step, StepKind
from console.model.progress import Progress
from console.model.reading import Reading
from console.model.rollback import Can
from console.model.rolling import RolloutRecord, RolloutState, same_share
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.model.verdict import Judged, Speed, Verdict

LATE = timedelta(seconds=30)
"""A countdown that ended longer ago than this ended while nobody was there: it is counted anew."""
AGAIN, TRIES = timedelta(seconds=5), 6
"""How soon a step that could not set the flag is tried again the first time, twice as long each time after; and how
often it is tried at most: the attempts that are left are people's."""
_IDLE = timedelta(minutes=1)
_ROUNDS = 5
"""How often it is looked anew because something was written."""


class Conductor:
    """The work of the task `rollout`. `board` gives the newest Board; `submit` carries out a step for the engine;
    `changed` is called when something was written."""

    def __init__(
        self,
        world: World,
        record: Record,
        lease: LeaseKeeper,
        moments: Moments,
        actor: Actor,
        tasks: Tasks,
        judges: Judges,
        board: Callable[[], Board],
        read_playbooks: Callable[[], Awaitable[None]],
        submit: Callable[[cmd.SetFlag], Awaitable[Outcome]],
        changed: Callable[[], None],
    ) -> None:
        self._submitted = submit
        self._world, self._record, self._lease, self._moments = world, record, lease, moments
        self._actor, self._tasks, self._judges = actor, tasks, judges
        self._fenced = Fenced(record, lease, moments, actor)
        self._board, self._read_playbooks, self._changed = board, read_playbooks, changed
        self._wake = asyncio.Event()
        self._differs: tuple[float, datetime] | None = None
        """The share that is set, and since when the measured one has been seen to be another without a break."""
        self._moved: tuple[float, datetime] | None = None
        """A share of the flag that is not the one that was set, and when it was read first."""

        self._final: tuple[str, str, int] | None = None
        """The run, step and attempt whose refusal would be the same again."""

    def wake(self) -> None:
        """Something was read or happened."""
        self._wake.set()

    async def watch(self) -> None:
        """Looks at every new Board, and when a time has come."""
        clock = self._world.clock
        while True:
            self._wake.clear()
            self._tasks.recovered("rollout")
            saved = await self._look()
            now = clock.now()
            await clock.wait(self._wake, min([*self._due(now), now + (_IDLE if saved else PATIENCE)]))

    async def _look(self) -> bool:
        """Whether all that was seen is in the record."""
        for _ in range(_ROUNDS):
            if self._lease.fence is None:
                self._differs = self._moved = None  # Who holds it now has seen for itself.
                return True
            board = self._board()
            progress, record = board.progress, self._known()
            if progress is None or record is None:
                return True
            wrote = False
            for command in [*self._seen(board, progress, record)]:
                written = await self._submit(command)
                if written is None:
                    return False
                wrote = wrote or written
            wrote = await self._turned_off() or wrote
            if not wrote:
                return True
            self._changed()
        return True

    def _known(self) -> RolloutRecord | None:
        """The record of what is under way or on its way back; None where nothing is."""
        record = self._record.state.rollouts.get(self._moments.target)
        if record is None or not (record.under_way or record.state is RolloutState.ROLLING_BACK):
            return None
        return record

    def _due(self, now: datetime) -> Iterator[datetime]:
        """The instants at which something has to be looked at anew."""
        record, plan = self._known(), self._moments.plan
        if record is None or plan is None or self._lease.fence is None:
            return
        run = self._ended(record)
        for at in (
            record.countdown.at if record.countdown is not None else None,
            self._differs[1] + plan.share_for if self._differs is not None else None,
            run.ended_at + plan.share_for if run is not None and run.ended_at is not None else None,
        ):
            if at is not None and at > now:
                yield at
        for run_, _, progress in self._switches():
            again = self._again_at(run_, progress)
            if again is not None and again > now:
                yield again

    # -- what is seen -------------------------------------------------------------------------------------------------

    def _seen(self, board: Board, progress: Progress, record: RolloutRecord) -> Iterator[cmd.Command]:
        yield self._share(progress, record)
        if record.state is RolloutState.ROLLING_BACK:
            yield from self._on_the_way_back(progress, record)
        else:
            yield from self._guardrails(progress, record)
            yield from self._countdown(board, progress, record)

    def _share(self, progress: Progress, record: RolloutRecord) -> cmd.ObserveShare:
        flag = self._flag(progress.flag, record)
        measured = _since(progress.share, record)
        return cmd.ObserveShare(flag, measured, self._judges.revision(), self._differing(progress, record, measured))

    def _flag(self, reading: Reading[float], record: RolloutRecord) -> float | None:
        """What the flag gives. Another share than the one that was set has to be read twice: one that was asked for
        before the last write, and answered after it, says nothing."""
        share = _since(reading, record)
        if share is None or reading.at is None:
            return None
        if record.percent is not None and same_share(share, record.percent):
            self._moved = None
            return share
        first, self._moved = self._moved, self._moved or (share, reading.at)
        if first is None or not same_share(first[0], share):
            self._moved = (share, reading.at)
            return None
        return share if reading.at > first[1] else None

    def _differing(self, progress: Progress, record: RolloutRecord, measured: float | None) -> datetime | None:
        """Since when the measured share has been another one than is set; one that is unknown ends that."""
        share = record.percent
        if share is None or measured is None or record.open_write is not None or progress.plan.agrees(share, measured):
            self._differs = None
        elif self._differs is None or self._differs[0] != share:
            self._differs = (share, self._world.clock.now())
        return self._differs[1] if self._differs is not None else None

    def _guardrails(self, progress: Progress, record: RolloutRecord) -> Iterator[cmd.ObserveGuardrail]:
        """What has turned. Only a pass ends a breach: what is inconclusive is not known to be over. One of a guardrail
        that is not judged where the rollout is now ends with that: nothing would ever pass."""
        left = {name: why for name in record.breaches if (why := not_judged(record, progress.plan, name))}
        for name, why in left.items():
            yield cmd.ObserveGuardrail(name, False, why)
        if not record.percent:
            return
        for item in progress.judged:
            known = record.breaches.get(item.guardrail)
            if item.guardrail in left:
                continue
            fast = item.speed is Speed.FAST
            if item.verdict is Verdict.BREACH and (known is None or (fast and not known.fast)):
                yield _judged(item, breached=True)
            elif item.verdict is Verdict.PASS and known is not None and (item.at is None or item.at > known.since):
                yield _judged(item, breached=False)

    def _countdown(self, board: Board, progress: Progress, record: RolloutRecord) -> Iterator[cmd.Command]:
        now, counted = self._world.clock.now(), record.countdown
        can = board.readiness.can_at(now)
        why = "; ".join(f"{breach.guardrail}: {breach.why}" for breach in record.breaches.values())
        if counted is None:
            if progress.plan.auto is not None and can is Can.YES and counts_down(record):
                yield cmd.StartCountdown(why)
            return
        against = self._against(progress, record, can, now - counted.at)
        if against:
            yield cmd.CancelCountdown(against, again=True)
        elif counted.at <= now:
            yield cmd.StartRollback(counted.why, automatic=True)

    def _against(self, progress: Progress, record: RolloutRecord, can: Can, late: timedelta) -> str:
        """Why the countdown is not the one that was promised any more."""
        if progress.plan.auto is None:
            return "auto_rollback was turned off"
        if not record.breaches:
            return "no guardrail is breached any more"
        if can is not Can.YES:
            return f"whether a rollback is possible is {can}: somebody has to decide"
        return "it ended while no engine was running" if late > LATE else ""

    def _on_the_way_back(self, progress: Progress, record: RolloutRecord) -> Iterator[cmd.Command]:
        run = self._ended(record)
        if run is not None and run.ended_at is not None:
            flag, measured = (_after(reading, run.ended_at) for reading in (progress.flag, progress.share))
            waited = self._world.clock.now() - run.ended_at
            yield cmd.ObserveRollback(record.run, flag, measured, given_up=waited >= progress.plan.share_for)

    def _ended(self, record: RolloutRecord) -> Run | None:
        """The rollback's run, once it has ended; None while it is under way."""
        if record.state is not RolloutState.ROLLING_BACK:
            return None
        run = rollback_run(self._record.state, record)
        return run if run is not None and run.status is not RunStatus.RUNNING else None

    def _switches(self) -> Iterator[tuple[Run, Step, StepRun]]:
        """The steps under way that set the flag to 0 %, where the console began the rollback by itself: whoever did not
        cancel it wants the traffic gone. All other steps are people's."""
        record, plan = self._known(), self._moments.plan
        run = self._record.state.runs.get(record.run) if record is not None and record.automatic else None
        if record is None or run is None or plan is None or record.state is not RolloutState.ROLLING_BACK:
            return
        for progress in run.active if run.status is RunStatus.RUNNING and run.held_at is None else ():
            step = run.playbook.step(progress.id)
            if step.kind is StepKind.FLAG and step.flag == plan.flag and step.percent == 0 and not step.irreversible:
                yield run, step, progress

    def _again_at(self, run: Run, progress: StepRun) -> datetime | None:
        """When a step that we tried in vain is started anew; None where that is for people, or for the playbook."""
        tried = run.effects_of(progress.id, progress.attempt)
        ours = progress.status is StepStatus.FAILED and progress.asked_by == self._actor and progress.retry_at is None
        refused = bool(tried) and tried[-1].outcome == "refused"
        final = progress.attempt >= TRIES or (run.id, progress.id, progress.attempt) == self._final
        if not (ours and refused) or final or progress.ended_at is None:
            return None
        return progress.ended_at + AGAIN * float(2 ** (progress.attempt - 1))

    async def _turned_off(self) -> bool:
        """That step is carried out, once in each attempt. When nothing came of it, people are paged; what may pass is
        tried again, later and later, in attempts of its own. Whether anything was done."""
        for run, step, progress in self._switches():
            free = progress.status is StepStatus.ACTIVE and not progress.held_by
            if free and not run.effects_of(step.id, progress.attempt):
                why = "the rollback began by itself, and nobody cancelled it"
                outcome = await self._submitted(cmd.SetFlag(run.id, step.id, break_glass=why))
                if not isinstance(outcome, Denied):
                    return True
                if not outcome.passing:
                    self._final = (run.id, step.id, progress.attempt)
                return bool(await self._paged(run, f"could not set {step.flag} to 0 % by itself", outcome.reason))
            again = self._again_at(run, progress)
            if again is not None and again <= self._world.clock.now():
                return bool(await self._submit(cmd.RetryStep(run.id, step.id)))
        return False

    async def _paged(self, run: Run, what: str, why: str) -> bool | None:
        """Tells the next level of its incident, once for each run."""
        incident = self._record.state.incidents.get(run.incident)
        said = f"{run.label} {what}"
        if incident is None or any(item.reason.startswith(said) for item in incident.escalations):
            return False
        return await self._submit(cmd.Escalate(incident.id, incident.level, f"{said}: {why}"))

    async def _cancelled_aside(self) -> str:
        """Who has cancelled the countdown, and why, where that could not be saved and waits beside the journal; empty
        where nobody has. It is looked for once, before the rollback begins."""
        record = self._known()
        counted = record.countdown if record is not None else None
        plan = self._moments.plan
        if record is None or counted is None or plan is None or plan.auto is None:
            return ""
        since = counted.at - plan.auto.countdown - SKEW
        for item in await self._record.aside(record.stream):
            for event in item.events:
                payload = event.payload
                if isinstance(payload, CountdownCancelled) and not payload.again and event.occurred_at >= since:
                    return f"{item.actor} cancelled it, which is not saved yet: {payload.reason}"
        return ""

    # -- what is written ----------------------------------------------------------------------------------------------

    async def _submit(self, command: cmd.Command) -> bool | None:
        """Whether anything was written; None where it could not be."""
        state = self._record.state
        if isinstance(command, cmd.ObserveShare) and not observe_share(
            state, command, self._moments.brief(self._actor)
        ):
            return False  # Nearly always: no Board is made for it.
        if isinstance(command, cmd.StartRollback):
            if cancelled := await self._cancelled_aside():
                return await self._submit(cmd.CancelCountdown(cancelled))
            await self._read_playbooks()
        heard = isinstance(command, cmd.CancelCountdown) and not command.again
        # A disk that is full stops no rollback that nobody cancelled, and no cancelling.
        unsaved = heard or isinstance(command, cmd.StartRollback | cmd.RetryStep | cmd.Escalate)
        try:
            written = await self._fenced.submit(command, unsaved=unsaved)
        except Refusal as refusal:
            if isinstance(command, cmd.StartRollback):  # It is not tried again and again in silence.
                return await self._submit(cmd.CancelCountdown(f"the rollback could not be started: {refusal}"))
            return False  # Somebody has done it, or it must not be done.
        if written is Written.FAILED:
            return None
        return written in (Written.SAVED, Written.ASIDE, Written.OVERTAKEN)  # The others' events are new, too.


def _judged(item: Judged, *, breached: bool) -> cmd.ObserveGuardrail:
    fast = item.speed is Speed.FAST
    return cmd.ObserveGuardrail(item.guardrail, breached, item.why, fast, item.value, item.limit, item.samples)


def _since(reading: Reading[float], record: RolloutRecord) -> float | None:
    """What was read since the flag was written last; None for what is less than ok, or older."""
    written = record.write.ended_at if record.write is not None else None
    return _after(reading, written)


def _after(reading: Reading[float], when: datetime | None) -> float | None:
    if not reading.ok or reading.at is None or (when is not None and reading.at < when):
        return None
    return reading.value
