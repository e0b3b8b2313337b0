"""Programs of runs: started once their intent is in the record, heard while they run, and their outcome written down.

A console starts what was asked of it alone, and tries that again: what it was asked for it knows by itself, and not by
the record, which others write too. Whatever ends a step ends its program. It keeps hold of the steps that it has, so
that their deadlines know that somebody is there, and gives them back when it closes. What it does not hear the end of
stays open in the record: it shows as *outcome unknown*, and is never repeated unasked.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.engine.context import Moments
from console.engine.effects import RETRIES, note_outcome
from console.engine.outcome import Denied, Done, Outcome, Unsaved
from console.engine.record import Record
from console.engine.tasks import PATIENCE, Tasks
from console.engine.world import World
from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch, effect_outcome
from console.model.decide.runs.telling import told_by
from console.model.people import Actor
from console.model.playbook import ACTING, LoadedPlaybook, Program, Step, StepKind
from console.model.run import HELD, Job, Run, RunStatus, StepRun, StepStatus
from console.model.text import safe
from console.ports import Append, Conflict, Ended, NewEvent, NotSaved, Refused, Rejected, SourceError, Uncertain

RENEW = timedelta(minutes=2)
"""When less than this is left of a step's hold, it is renewed."""
TAIL = 20
"""Lines that are shown of a program under way."""
SHOW_EVERY = 0.25
"""Seconds between two Boards that show nothing new but a program's lines."""
CLOSING = 15.0
"""Seconds that programs have to be ended in when the console closes: their grace, and the outcome's way to the disk."""
_IDLE = timedelta(minutes=1)
_OVER = {
    StepStatus.SKIPPED: "the step was skipped",
    StepStatus.FAILED: "the step failed",
    StepStatus.DONE: "the step was closed",
    StepStatus.EXPIRED: "the step was ended",
    StepStatus.PASSED_OVER: "the step was passed over",
    StepStatus.PENDING: "the run went back",
}
"""Why a program is stopped whose step is not under way any more."""
_ENDED = {
    RunStatus.ABORTED: "the run was aborted",
    RunStatus.COMPLETED: "the run has ended",
    RunStatus.CONTINUED: "another playbook took over",
}

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
    twice: bool = False
    """A program of the same step runs still: this one is not started."""
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
    `playbooks` are those that this console has read last; `changed` is called when there is something new to show,
    `ended` when an outcome was written down."""

    def __init__(
        self,
        world: World,
        record: Record,
        moments: Moments,
        actor: Actor,
        console: str,
        tasks: Tasks,
        submit: Submit,
        playbooks: Callable[[], Iterable[LoadedPlaybook]],
        changed: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._world, self._record, self._moments, self._actor = world, record, moments, actor
        self._console, self._tasks, self._submit = console, tasks, submit
        self._playbooks, self._changed, self._ended = playbooks, changed, ended
        self._running: dict[str, _Running] = {}
        self._asked: dict[tuple[str, str], Step] = {}
        """The steps that this process was asked to carry out, as they stood then. What the record says is no order."""
        self._read: set[str] = set()
        """The hashes of the playbooks that this process has read from its own files, and that others may not write."""
        self._doing = False
        """Whether something is being written down now."""
        self._closing = False
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
        if run is None or step is None or step.program is None:
            return ""  # The rules say it better.
        self._note_playbooks()
        if not run.untrusted and run.playbook_hash not in self._read | self._record.state.trusted.keys():
            name = run.playbook.name
            return (
                f"not run: {run.label} was started from a version of {name} that this console has not read from its "
                f"own files: read it, then `oncall playbook trust {name} --reason ...`, or do it by hand"
            )
        if self._runs(run.id, step.id):
            return f"not run: the program of an earlier attempt of {step.title!r} has not ended yet"
        if self._world.programs is None:
            return f"nothing here can run {safe(step.program.argv[0], 80)}: do it by hand and type what you observe"
        programs, program = self._world.programs, step.program
        try:
            said: str = await self._world.offload(lambda: programs.refusal(program))
        except Exception as error:  # A fault of ours: nothing is started that could not be judged.
            said = f"fault while it was judged ({type(error).__name__})"
        return f"not run: {said}" if said else ""

    def asked(self, command: cmd.Command) -> None:
        """This process was asked, and that is in the record: what the playbook tries again is tried again here."""
        if isinstance(command, cmd.RunProgram | cmd.SetFlag | cmd.SendNotice):
            run = self._record.state.runs[command.run]
            self._asked[run.id, command.step] = run.playbook.step(command.step)

    def begin(self, intended: Done) -> None:
        """Starts what a recorded `RunProgram` intends."""
        event = next(event for event in intended.events if isinstance(event.payload, ev.EffectIntended))
        intent: ev.EffectIntended = event.payload
        run = self._record.state.runs[event.stream.partition(":")[2]]
        program = run.playbook.step(intent.step).program
        assert program is not None, "decide() refuses a step without a program"
        now, twice = self._world.clock.now(), self._runs(run.id, intent.step)
        job = _Running(run.id, intent.step, intent.effect, event.id, program, now, self._show_soon, twice)
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

    @property
    def running(self) -> bool:
        """Whether a program has not ended, or its outcome is not written down."""
        return bool(self._running)

    @property
    def busy(self) -> bool:
        """Whether a program runs, or what this process was asked for is to be tried again by itself."""
        if self.running or self._doing:
            return True
        return any(
            self._next_try(run, step, progress)
            if progress.status is StepStatus.ACTIVE
            else progress.retry_at is not None and self._is_asked(run, step, progress)
            for run, step, progress in self._steps()
        )

    async def close(self, *, asked_only: bool = False) -> None:
        """Ends every program, for the console closes, and gives its steps back; with `asked_only` those alone that it
        has carried out."""
        self._closing = True
        for item in self._running.values():
            item.why = item.why or "stopped: the console was closed"
            item.stop.set()
        if self._waited:
            await asyncio.wait(set(self._waited), timeout=CLOSING)
        if self._shown is not None:
            self._shown.cancel()
        asked = set(self._asked)
        for run, step, _ in self._ours():
            if not asked_only or (run.id, step.id) in asked:
                await self._give_back(run, step)

    def wake(self) -> None:
        """Something happened: a step of ours may have ended, or be due to be tried again. Without one it sleeps on."""
        self._note_playbooks()
        self._stop_what_is_over()
        if self._asked:
            self._forget()
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
            if self._closing:
                break
            assert progress.held_until is not None
            now, key = clock.now(), (run.id, step.id)
            renew_at = progress.held_until - RENEW
            command: cmd.Command | None = None
            if self._next_try(run, step, progress):
                command = _again(run, step)
            elif not now < renew_at <= now + HELD:
                command = cmd.TakeStep(run.id, step.id)
            if command is None:
                until = min(until, renew_at)
            elif (rest := self._refused.get(key)) is not None and now < rest <= now + PATIENCE:
                until = min(until, rest)
            elif await self._do(command):
                self._refused.pop(key, None)
                until = min(until, clock.now() + (HELD - RENEW))
            else:
                self._refused[key] = clock.now() + PATIENCE
                until = min(until, self._refused[key])
        return until

    async def _do(self, command: cmd.Command) -> bool:
        """Has a command carried out for the operator. Whether that is in the record; a try that is refused is over."""
        self._doing = True
        try:
            outcome = await self._submit(command)
        finally:
            self._doing = False
        if isinstance(outcome, Denied) and isinstance(command, cmd.RunProgram | cmd.SendNotice):
            self._asked.pop((command.run, command.step), None)  # people look, and ask anew
            self._changed()
        return isinstance(outcome, Done)

    async def renew_late(self) -> bool:
        """Renews the holds that have run out while the record could not be written: nobody was gone. Whether that is
        in the record."""
        now, saved = self._world.clock.now(), True
        for run, step, progress in self._ours():
            if not self._closing and progress.held_until is not None and progress.held_until <= now:
                saved = not isinstance(await self._submit(cmd.TakeStep(run.id, step.id)), Unsaved) and saved
        return saved

    # -- one program --------------------------------------------------------------------------------------------------

    async def _carry_out(self, job: _Running) -> None:
        programs = self._world.programs
        assert programs is not None, "`refusal` was asked"
        output = digest = ""
        try:
            if job.twice:
                raise Rejected("not started: the program of an earlier attempt has not ended yet")
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

    def _steps(self) -> list[tuple[Run, Step, StepRun]]:
        """The open steps of the runs that go on."""
        return [
            (run, run.playbook.step(progress.id), progress)
            for run in self._record.state.runs.values()
            if run.status is RunStatus.RUNNING and run.held_at is None
            for progress in run.active
        ]

    def _ours(self) -> list[tuple[Run, Step, StepRun]]:
        """The steps under way that this console holds."""
        return [
            (run, step, progress)
            for run, step, progress in self._steps()
            if progress.status is StepStatus.ACTIVE
            and progress.holder == self._console
            and progress.held_until is not None
        ]

    def _runs(self, run: str, step: str) -> bool:
        return any((item.run, item.step) == (run, step) for item in self._running.values())

    def _is_asked(self, run: Run, step: Step, progress: StepRun) -> bool:
        """Whether this process was asked for it, and it is what it was then."""
        return progress.asked_by is not None and self._asked.get((run.id, step.id)) == step

    def _next_try(self, run: Run, step: Step, progress: StepRun) -> bool:
        """Whether it is to be carried out again now: asked for here, nothing was done about it in this attempt, and
        how the attempts before have ended is known."""
        if step.kind not in ACTING or not self._is_asked(run, step, progress) or self._runs(run.id, step.id):
            return False
        if run.effects_of(step.id, progress.attempt):
            return False
        began = progress.started_at
        for effect in run.effects_of(step.id)[-1:]:
            # What has done its work only after this attempt began, has done it for this attempt too.
            in_time = effect.ended_at is None or began is None or effect.ended_at <= began
            if effect.outcome != "refused" and not (effect.outcome == "done" and in_time):
                return False
        if step.kind is StepKind.NOTIFY:
            return not told_by(self._record.state, run, step, progress.attempt)
        return True

    def _forget(self) -> None:
        """What was asked for is over when its step is, and when the step waits for somebody to ask anew."""
        for run_id, step_id in list(self._asked):
            run = self._record.state.runs.get(run_id)
            if run is not None and (not run.steps[step_id].open or run.steps[step_id].asked_by is None):
                del self._asked[run_id, step_id]

    def _note_playbooks(self) -> None:
        self._read.update(item.hash for item in self._playbooks() if not item.untrusted)

    def _stop_what_is_over(self) -> None:
        """Ends the programs of steps that are not under way any more, whoever has ended them."""
        for item in list(self._running.values()):
            if not item.why and (why := self._over(item)):
                item.why = f"stopped: {why}"
                item.stop.set()

    def _over(self, item: _Running) -> str:
        """Why nobody waits for a program any more; empty while somebody does."""
        run = self._record.state.runs.get(item.run)
        effect = next((effect for effect in run.effects if effect.id == item.effect), None) if run is not None else None
        if run is None or effect is None:
            return ""  # The record is being read anew.
        progress = run.steps[item.step]
        if run.status in _ENDED:
            return _ENDED[run.status]
        if progress.status is not StepStatus.ACTIVE:
            return _OVER.get(progress.status, f"the step is {progress.status}")
        return "the step was started anew" if progress.attempt != effect.attempt else ""

    async def _give_back(self, run: Run, step: Step) -> None:
        """Lets go of a step: who closes the console is not somebody who is not heard of any more."""
        for _ in range(RETRIES):
            found = self._record.state.runs.get(run.id)
            now = self._world.clock.now()
            if found is None or not any((r.id, s.id) == (run.id, step.id) for r, s, _ in self._ours()):
                return
            payload = ev.StepTaken(step.id, now, "given back")
            event = NewEvent(payload, now, self._world.ids.new())
            try:
                await self._record.append([Append(found.stream, found.version, (event,), self._actor)])
            except Conflict:
                if await self._record.caught_up():
                    continue
            except (NotSaved, Refused):
                pass  # It runs out by itself.
            return

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
    """The outcome of a program that has ended, and it in words. One that was stopped, by somebody, its timeout or a
    signal, may have done half of its work: that is for people to find out, and nothing to try again."""
    seconds = f"{ended.seconds:.1f} s"
    if ended.status is None:
        return "unknown", f"{why} after {seconds}" if why else ended.why
    if ended.status in program.exits:
        return "done", f"exit status {ended.status} after {seconds}"
    if why:
        return "unknown", f"{why} after {seconds}, exit status {ended.status}"
    return "refused", f"exit status {ended.status} after {seconds}"


def _again(run: Run, step: Step) -> cmd.Command:
    if step.kind is StepKind.FLAG:
        return cmd.SetFlag(run.id, step.id)
    if step.kind is StepKind.NOTIFY:
        return cmd.SendNotice(run.id, step.id)
    return cmd.RunProgram(run.id, step.id)
