"""Programs of runs: started once their intent is in the record, heard while they run, and their outcome written down.

A console starts what was asked of it alone, and what is tried again for it. It keeps hold of the steps that it has, so
that their deadlines know that somebody is there. What it does not hear the end of stays open in the record: it shows as
*outcome unknown*, and is never repeated unasked.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.engine.context import Moments
from console.engine.effects import note_outcome
from console.engine.outcome import Done, Outcome
from console.engine.record import Record
from console.engine.tasks import PATIENCE, Tasks
from console.engine.world import World
from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch, effect_outcome
from console.model.decide.runs.telling import told_by
from console.model.people import Actor
from console.model.playbook import ACTING, Program, Step, StepKind
from console.model.run import HELD, Job, Run, RunStatus, StepRun, StepStatus
from console.model.text import safe
from console.ports import Ended, SourceError, Uncertain

RENEW = timedelta(minutes=2)
"""When less than this is left of a step's hold, it is renewed."""
TAIL = 20
"""Lines that are shown of a program under way."""
SHOW_EVERY = 0.25
"""Seconds between two Boards that show nothing new but a program's lines."""
CLOSING = 15.0
"""Seconds that programs have to be ended in when the console closes: their grace, and the outcome's way to the disk."""
_IDLE = timedelta(minutes=1)

Submit = Callable[[cmd.Command], Awaitable[Outcome]]


@dataclass(slots=True)
class _Running:
    """A program under way."""

    run: str
    step: str
    effect: str
    intent: str
    """The id of the event that says what was intended."""
    program: Program
    started_at: datetime
    show: Callable[[], None]
    tail: tuple[str, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    why: str = ""
    """Why it was stopped."""

    def tell(self, line: str) -> None:
        """From the program's thread."""
        self.tail = (*self.tail[1 - TAIL :], safe(line))  # a new one: the loop may be reading
        self.show()


class Jobs:
    """The work of the task `jobs`, and of one more for each program. `submit` takes a command as the operator's;
    `changed` is called when there is something new to show, `ended` when an outcome was written down."""

    def __init__(
        self,
        world: World,
        record: Record,
        moments: Moments,
        actor: Actor,
        console: str,
        tasks: Tasks,
        submit: Submit,
        changed: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._world, self._record, self._moments, self._actor = world, record, moments, actor
        self._console, self._tasks, self._submit = console, tasks, submit
        self._changed, self._ended = changed, ended
        self._running: dict[str, _Running] = {}
        self._waited: set[asyncio.Task[None]] = set()
        self._refused: dict[tuple[str, str], datetime] = {}
        """When a step that could not be renewed or tried again is looked at again."""
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shown: asyncio.TimerHandle | None = None
        self._asked_to_show = False

    # -- for the console ----------------------------------------------------------------------------------------------

    def board(self) -> tuple[Job, ...]:
        """What runs now, oldest first."""
        return tuple(
            Job(item.run, item.step, item.program.argv, item.started_at, item.tail) for item in self._running.values()
        )

    async def refusal(self, command: cmd.RunProgram) -> str:
        """Why the program of a step may not be run from here; empty when it may."""
        run = self._record.state.runs.get(command.run)
        step = run.playbook.step(command.step) if run is not None and command.step in run.steps else None
        if step is None or step.program is None:
            return ""  # The rules say it better.
        if self._world.programs is None:
            return f"nothing here can run {safe(step.program.argv[0], 80)}: do it by hand and type what you observe"
        programs, program = self._world.programs, step.program
        try:
            said: str = await self._world.offload(lambda: programs.refusal(program))
        except Exception as error:  # A fault of ours: nothing is started that could not be judged.
            said = f"fault while it was judged ({type(error).__name__})"
        return f"not run: {said}" if said else ""

    def begin(self, intended: Done) -> None:
        """Starts what a recorded `RunProgram` intends."""
        event = next(event for event in intended.events if isinstance(event.payload, ev.EffectIntended))
        intent: ev.EffectIntended = event.payload
        run = self._record.state.runs[event.stream.partition(":")[2]]
        program = run.playbook.step(intent.step).program
        assert program is not None, "decide() refuses a step without a program"
        now = self._world.clock.now()
        job = _Running(run.id, intent.step, intent.effect, event.id, program, now, self._show_soon)
        self._running[job.effect] = job
        self._loop = asyncio.get_running_loop()
        task = asyncio.create_task(self._carry_out(job), name=f"job {run.number}.{intent.step}")
        self._waited.add(task)
        task.add_done_callback(self._waited.discard)

    def stop(self, run: str, step: str, why: str = "") -> bool:
        """Ends the programs of a step, and all that they started. Whether there were any here."""
        found = [item for item in self._running.values() if (item.run, item.step) == (run, step)]
        for item in found:
            item.why = item.why or why or f"stopped by {self._actor.name}"
            item.stop.set()
        return bool(found)

    async def finish(self) -> None:
        """Waits until every program has ended and its outcome is written down."""
        while self._waited:
            await asyncio.wait(set(self._waited))

    async def close(self) -> None:
        """Ends every program, for the console closes."""
        for item in self._running.values():
            item.why = item.why or "stopped: the console was closed"
            item.stop.set()
        if self._waited:
            await asyncio.wait(set(self._waited), timeout=CLOSING)
        if self._shown is not None:
            self._shown.cancel()

    def wake(self) -> None:
        """Something happened: a step of ours may be due to be tried again. Without one it sleeps on."""
        if self._ours():
            self._wake.set()

    async def watch(self) -> None:
        """Renews the hold on this console's steps, and tries again what is due."""
        while True:
            self._wake.clear()
            if self._tasks.recovered("jobs"):
                self._changed()
            await self._world.clock.wait(self._wake, await self.keep())

    async def keep(self) -> datetime:
        """One look at this console's steps. When to look again."""
        clock = self._world.clock
        until = clock.now() + _IDLE
        for run, step, progress in self._ours():
            assert progress.held_until is not None
            now, key = clock.now(), (run.id, step.id)
            renew_at = progress.held_until - RENEW
            command: cmd.Command | None = None
            if self._to_be_tried(run, step, progress):
                command = _again(run, step)
            elif not now < renew_at <= now + HELD:
                command = cmd.TakeStep(run.id, step.id)
            if command is None:
                until = min(until, renew_at)
            elif (rest := self._refused.get(key)) is not None and now < rest <= now + PATIENCE:
                until = min(until, rest)
            elif isinstance(await self._submit(command), Done):
                self._refused.pop(key, None)
                until = min(until, clock.now() + (HELD - RENEW))
            else:
                self._refused[key] = clock.now() + PATIENCE
                until = min(until, self._refused[key])
        return until

    # -- one program --------------------------------------------------------------------------------------------------

    async def _carry_out(self, job: _Running) -> None:
        programs = self._world.programs
        assert programs is not None, "`refusal` was asked"
        output = digest = ""
        try:
            ended: Ended = await self._world.offload(lambda: programs.run(job.program, job.tell, job.stop))
        except Uncertain as error:
            outcome, detail = "unknown", str(error)
        except SourceError as error:
            outcome, detail = "refused", str(error)
        except Exception as error:  # A fault of ours, before or after it was started: nobody can tell.
            outcome, detail = "unknown", f"fault ({type(error).__name__})"
        else:
            outcome, detail = judged(job.program, ended, job.why)
            output, digest = ended.output, ended.digest
        try:
            await self._conclude(job, outcome, safe(detail, 300), output, digest)
        finally:
            self._running.pop(job.effect, None)
            self._ended()

    async def _conclude(self, job: _Running, outcome: str, detail: str, output: str, digest: str) -> None:
        """Writes down how it ended. That must not be lost, whatever else was written meanwhile."""

        def follows() -> list[Batch]:
            context = self._moments.context(self._actor)
            return effect_outcome(
                self._record.state, job.run, job.step, job.effect, outcome, detail, output, digest, context
            )

        await note_outcome(self._record, self._actor, job.intent, follows)

    # -- what is ours -------------------------------------------------------------------------------------------------

    def _ours(self) -> list[tuple[Run, Step, StepRun]]:
        """The steps under way that this console holds."""
        return [
            (run, run.playbook.step(progress.id), progress)
            for run in self._record.state.runs.values()
            if run.status is RunStatus.RUNNING and run.held_at is None
            for progress in run.active
            if progress.status is StepStatus.ACTIVE
            and progress.holder == self._console
            and progress.held_until is not None
        ]

    def _to_be_tried(self, run: Run, step: Step, progress: StepRun) -> bool:
        """Whether somebody asked for it, and nothing was done about it in this attempt yet."""
        if step.kind not in ACTING or progress.asked_by is None or run.effects_of(step.id, progress.attempt):
            return False
        if step.kind is StepKind.NOTIFY:
            return not told_by(self._record.state, run, step, progress.attempt)
        return True

    # -- the screen ---------------------------------------------------------------------------------------------------

    def _show_soon(self) -> None:
        """From any thread: lets a Board show the lines, at most every `SHOW_EVERY`."""
        if not self._asked_to_show and self._loop is not None:
            self._asked_to_show = True
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody looks any more.
                self._loop.call_soon_threadsafe(self._show_later)

    def _show_later(self) -> None:
        self._shown = asyncio.get_running_loop().call_later(SHOW_EVERY, self._show)

    def _show(self) -> None:
        self._asked_to_show, self._shown = False, None
        self._changed()


def judged(program: Program, ended: Ended, why: str = "") -> tuple[str, str]:
    """The outcome of a program that has ended, and it in words. One that somebody stopped may have done half of its
    work: that is for people to find out, and nothing to try again."""
    seconds = f"{ended.seconds:.1f} s"
    if ended.status is None and why:
        return "unknown", f"{why} after {seconds}"
    if ended.status is None:
        return "refused", ended.why
    if ended.status in program.exits:
        return "done", f"exit status {ended.status} after {seconds}"
    return "refused", f"exit status {ended.status} after {seconds}"


def _again(run: Run, step: Step) -> cmd.Command:
    if step.kind is StepKind.FLAG:
        return cmd.SetFlag(run.id, step.id)
    if step.kind is StepKind.NOTIFY:
        return cmd.SendNotice(run.id, step.id)
    return cmd.RunProgram(run.id, step.id)
