"""The running console: sources, record, deadlines, lease and commands, joined into one Board.

Everything here happens on one event loop; sources and the journal do their waiting in threads. Screens subscribe to
Boards and submit commands, and need nothing else. Each job is done in a module of its own; here they are joined.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

from console.engine.aside import Aside
from console.engine.board import BoardMaker
from console.engine.context import Moments
from console.engine.deadlines import Deadlines
from console.engine.deciding import Deciding
from console.engine.effects import EFFECTS, Effects
from console.engine.filling import Filling
from console.engine.lease import LeaseKeeper
from console.engine.lookups import Lookups
from console.engine.observer import Observer
from console.engine.outbox import Outbox
from console.engine.outcome import Denied, Done, Outcome
from console.engine.progress import Judges
from console.engine.published import Published
from console.engine.record import Record
from console.engine.runs import Watching
from console.engine.runs_jobs import Jobs
from console.engine.sources import METRICS, PLAYBOOKS, metric_rounds, pollers
from console.engine.submission import Submission
from console.engine.tasks import Tasks, Work
from console.engine.upkeep import Upkeep
from console.engine.world import World
from console.model import commands as cmd
from console.model.board import Board
from console.model.events import Recorded
from console.model.people import Actor
from console.model.state import State
from console.settings.config import Config, Environment

if TYPE_CHECKING:
    from console.engine.conductor import Conductor
    from console.engine.tracks import Tracks

QUESTIONS = 12
"""How many a command asks at most for the slices that it lacks."""


class Console:
    """Implements `engine.api.Engine`."""

    def __init__(
        self,
        world: World,
        config: Config,
        environment: Environment,
        actor: Actor,
        *,
        console: str,
        mode: str = "live",
        read_only: bool = False,
    ) -> None:
        self._world, self._config, self._read_only = world, config, read_only
        self._published = Published(lambda number: self._boards.make(number))
        engine = Actor("engine", actor.login)
        self._record = record = Record(world.journal, world.spool, world.clock, world.ids, console, mode, world.offload)
        self._lease = lease = LeaseKeeper(record, world.clock, world.ids, console, engine, str(environment.target))
        self._rounds = rounds = metric_rounds(world, config, environment)
        found = pollers(world, config, environment, self._changed, rounds)
        self._pollers = {poller.name: poller for poller in found}
        self._filling = Filling(rounds.levels, world.clock, world.offload, self._better) if rounds is not None else None
        self._tasks = tasks = Tasks(world.clock, self._publish)
        self._aside = aside = Aside(world.clock, world.offload, tasks.faults, self._changed)
        asks = self._pollers.get(world.pager.name) if world.pager is not None else None
        self._moments = moments = Moments(
            world,
            config,
            environment,
            record,
            lambda: self._published.build(self._boards.without_evidence),
            lambda: self._published.build(),
            mode,
            asks,
            console,
        )
        self._deadlines = Deadlines(
            record, lease, world.clock, engine, tasks, moments, lambda: self._jobs.renew_late(), self._fired
        )
        self._outbox = Outbox(world, record, lease, moments, engine, tasks, self._delivered)
        self._observer = Observer(
            world,
            record,
            lease,
            moments,
            engine,
            tasks,
            lambda: self._published.board,
            self._fired,
            lambda board: self._boards.history.due(record.state, board.at, board.readiness.estimate),
        )
        self._watching = Watching(
            world,
            record,
            lease,
            moments,
            engine,
            tasks,
            lambda: self._published.build(self._boards.without_evidence),
            self._publish,
            self._settled,
        )
        self._jobs = Jobs(
            world,
            record,
            moments,
            actor,
            console,
            tasks,
            self.submit,
            lambda: self._published.board.playbooks,
            self._publish,
            self._settled,
        )
        deciding = Deciding(config.on_call, config.risks, lambda: self._boards.schedule())
        self._judges = Judges(
            headroom=deciding.headroom,
            risks=deciding.risks,
            proposal=deciding.proposal,
            readiness=lambda board, progress: self._boards.timed(board, progress),
        )
        self._tracks = tracks = self._evidence()
        if tracks is not None:
            self._judges.judged, self._judges.revision = tracks.judged, tracks.revision
        self._conductor = self._conducting(engine)
        self._upkeep = Upkeep(world, record, lease, self._deadlines, tasks, self._changed, read_only=read_only)
        self._boards = BoardMaker(
            world,
            config,
            environment,
            actor,
            record,
            lease,
            self._pollers,
            tasks.faults,
            self._outbox.retries,
            self._watching,
            self._jobs.board,
            aside,
            console=console,
            mode=mode,
            read_only=read_only,
            kept=lambda: rounds.kept if rounds is not None else (),
            judges=self._judges,
        )
        self._submission = Submission(world, actor, record, moments)
        self._effects = Effects(world, actor, record, moments)
        self._own = Submission(world, engine, record, moments), Effects(world, engine, record, moments)
        self._lookups = Lookups(world, rounds.levels if rounds is not None else None)
        self._started = False
        self._publish()

    # -- for front ends -----------------------------------------------------------------------------------------------

    @property
    def board(self) -> Board:
        """The newest Board."""
        return self._published.board

    @property
    def settings(self) -> Config:
        """The configuration it runs on."""
        return self._config

    @property
    def state(self) -> State:
        """The fold of the whole record, to look at; the Board shows the part that matters now."""
        return self._record.state

    def subscribe(self, listener: Callable[[Board], None]) -> Callable[[], None]:
        """Calls `listener` on the event loop with every new Board; the answer unsubscribes."""
        return self._published.subscribe(listener)

    def refresh(self) -> None:
        """Asks every source now, also those that are backing off."""
        for poller in self._pollers.values():
            poller.refresh()

    async def timeline(self, *streams: str) -> list[Recorded]:
        """The events of some streams in the order they were recorded, spooled ones last."""
        return await self._record.timeline(streams)

    @property
    def lookups(self) -> Lookups:
        """What is asked only when somebody looks."""
        return self._lookups

    async def submit(self, command: cmd.Command, *, unsaved: bool = False) -> Outcome:
        """Decides and records one command of this console's operator. `Done` means fsynced."""
        if refusal := await self._unready(command):
            return Denied(refusal)
        outcome = await self._submission.record(command, unsaved)
        if isinstance(outcome, Done):
            self._jobs.asked(command)
        if isinstance(outcome, Done) and isinstance(command, cmd.RunProgram):
            self._jobs.begin(outcome)
        if isinstance(outcome, Done) and isinstance(command, EFFECTS):
            outcome = await self._effects.carry_out(command, outcome, unsaved)
            self.refresh()
        self._changed()
        return outcome

    async def refusal(self, command: cmd.Command) -> str:
        """Why a command would be refused now; empty where it would not. Nothing is recorded: whoever asks a person
        before something is done knows first whether it can be."""
        return await self._unready(command) or self._submission.refusal(command)

    async def _unready(self, command: cmd.Command) -> str:
        """What stands against a command before the rules are asked; empty where nothing does. They may need the
        playbooks."""
        if self._read_only:
            return "this console is read-only"
        if isinstance(command, cmd.RunProgram | cmd.StartRollback) or self._leads_elsewhere(command):
            await self.read_playbooks()
        return await self._jobs.refusal(command) if isinstance(command, cmd.RunProgram) else ""

    async def _by_itself(self, command: cmd.SetFlag) -> Outcome:
        """A step that the engine carries out in its own name, of a rollback: saved or not."""
        submission, effects = self._own
        outcome = await submission.record(command, unsaved=True)
        if isinstance(outcome, Done):
            outcome = await effects.carry_out(command, outcome, unsaved=bool(outcome.unsaved))
            self.refresh()
        return outcome

    def _leads_elsewhere(self, command: cmd.Command) -> bool:
        """Whether the rules may have to look a playbook up: the run calls one, goes on in one, or was called."""
        if isinstance(command, cmd.StartRun):
            return command.playbook.playbook.leads_elsewhere
        run = self._record.state.runs.get(getattr(command, "run", ""))
        return run is not None and (bool(run.parent) or run.playbook.leads_elsewhere)

    # -- from opening to closing --------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Reads the record and nothing more: for one command, without sources, deadlines or lease."""
        await self._record.load()
        self._lease.look()
        self._publish()

    async def read_playbooks(self) -> None:
        """Reads the playbooks where nobody has yet, out of the loop's way. The Board has them then."""
        if not self._published.board.playbooks_read:
            await self._world.offload(self._config.library.read)
            self._publish()

    async def ask(self, *, without: Collection[str] = ()) -> None:
        """Asks every source but these once, each within its own deadline, and when none is left out, also what the
        steps under way wait for. For an opened console; a started one asks by itself. The playbooks are no source."""
        wanted = (poller for name, poller in self._pollers.items() if name not in (PLAYBOOKS, *without))
        await asyncio.gather(*(poller.ask() for poller in wanted))
        if self._filling is not None and not without:
            await self._filling.finish(QUESTIONS)
        if self._tracks is not None and not without:
            await self._tracks.look()
        if not without:  # who needs a few sources alone does not look at runs
            await self._watching.look(anew=True)
        self._publish()
        if not without:
            await self._aside.settle()

    def stop_job(self, run: str, step: str) -> bool:
        """Ends the programs of a step that this console runs, and all that they started. Whether there were any."""
        return self._jobs.stop(run, step)

    async def finish_jobs(self) -> None:
        """For one command of an opened console: waits until its programs have ended and that is in the record, and what
        the playbook tries again by itself was tried; meanwhile it renews its hold on their steps, and hears what others
        do. Then closes what can be closed by it, unless another engine does."""
        if self._jobs.busy:
            self._tasks.start({"record": self._upkeep.follow_record, "jobs": self._jobs.watch})
            try:
                await self._until(lambda: not self._jobs.running)
                if self._jobs.busy:
                    await self._lead()
                    await self._until(lambda: not self._jobs.busy)
            finally:
                await self._tasks.stop()
        view = self._lease.view()
        if view.mine or not view.holder:
            await self._lease.renew()
        await self._watching.look(anew=True)
        self._publish()

    async def _lead(self) -> None:
        """What waits for a time needs an engine: this console is one until nothing waits, where there is no other."""
        await self._lease.renew()
        self._publish()
        work: dict[str, Work] = {"lease": self._upkeep.keep_lease, "runs": self._watching.watch}
        self._tasks.start({**work, "deadlines": self._deadlines.watch, **self._outbox.work()})

    async def _until(self, wanted: Callable[[], bool]) -> None:
        """Waits for a Board of which `wanted` is true."""
        seen = asyncio.Event()
        leave = self.subscribe(lambda _: seen.set())
        try:
            while not wanted():
                seen.clear()
                await seen.wait()
        finally:
            leave()

    async def start(self) -> None:
        """Reads the record and starts the sources, the deadlines and the lease."""
        await self._record.load()
        if not self._read_only:
            await self._lease.renew()
        else:
            self._lease.look()
        self._publish()
        work: dict[str, Work] = {f"poll {poller.name}": poller.run for poller in self._pollers.values()}
        if self._filling is not None:
            work["slices"] = self._filling.watch
        if self._tracks is not None:
            work["evidence"] = self._tracks.watch
        work |= {"lease": self._upkeep.keep_lease, "record": self._upkeep.follow_record, "runs": self._watching.watch}
        work["aside"] = self._aside.watch
        if not self._read_only:
            work |= {"deadlines": self._deadlines.watch, "observe": self._observer.watch, "jobs": self._jobs.watch}
            if self._conductor is not None:
                work["rollout"] = self._conductor.watch
            work |= self._outbox.work()
        self._started = True
        self._tasks.start(work)

    async def stop(self) -> None:
        """Stops everything, the programs that it runs too, gives its steps and the lease back, and closes the journal.
        What one command has taken without carrying it out, it keeps: that is what it was for."""
        await self._jobs.close(asked_only=not self._started)
        await self._tasks.stop()
        await self._lease.release()
        if self._world.slices is not None:
            self._world.slices.close()
        await self._world.journal.close()

    async def deliver(self) -> str:
        """For one command of an opened console: carries out what waits in the outbox, unless another engine does; what
        could not be saved in any case. Why not all, in one line; empty when all was tried."""
        view = self._lease.view()
        if view.mine or not view.holder:
            await self._lease.renew()
        await self._outbox.flush()
        self._publish()
        if self._lease.fence is not None:
            return ""
        holder = self._lease.view().holder
        return f"{holder} delivers" if holder else "ESCALATION NOT RUNNING: the lease cannot be taken"

    @property
    def clock_tasks(self) -> int:
        """How many running tasks wait in the clock whenever they have nothing to do: all but the one that follows the
        journal. Simulated time advances only when that many wait."""
        return sum(1 for task in self._tasks if not task.done() and task.get_name() != "record")

    def _evidence(self) -> Tracks | None:
        """What judges the guardrails; None without a rollout, or without metrics."""
        world, plan = self._world, self._config.rollout
        if self._rounds is None or world.metrics is None or plan is None:
            return None
        from console.engine.tracks import Tracks  # with a rollout alone

        return Tracks(world.metrics, plan, world.clock, world.offload, self._evident, self._rounds)

    def _conducting(self, engine: Actor) -> Conductor | None:
        """What takes a rollout further; None without one."""
        if self._config.rollout is None:
            return None
        from console.engine.conductor import Conductor

        return Conductor(
            self._world,
            self._record,
            self._lease,
            self._moments,
            engine,
            self._tasks,
            self._judges,
            lambda: self._published.board,
            self.read_playbooks,
            self._by_itself,
            self._conducted,
        )

    def _rollout_wake(self) -> None:
        if self._conductor is not None:
            self._conductor.wake()

    async def _evident(self) -> None:
        """A guardrail was judged anew."""
        self._changed()

    async def _better(self) -> None:
        """More is known of the service levels than when the last round was read."""
        poller, rounds = self._pollers[METRICS], self._rounds
        if rounds is not None and poller.value is not None:
            poller.value = await self._world.offload(partial(rounds.again, poller.value))
            self._publish()

    # -- the Board ----------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        if self._filling is not None:
            self._filling.wake()
        self._deadlines.wake()
        self._outbox.wake()
        self._observer.wake()
        self._watching.wake()
        self._jobs.wake()
        self._publish()
        self._rollout_wake()

    def _conducted(self) -> None:
        """The rollout has turned: what follows has deadlines, messages and steps of its own. The conductor itself looks
        again anyway."""
        self._deadlines.wake()
        self._observer.wake()
        self._outbox.wake()
        self._watching.wake()
        self._jobs.wake()
        self._publish()

    def _fired(self) -> None:
        """The engine has written something down itself. It knows of its own deadlines: they are not woken."""
        self._outbox.wake()
        self._watching.wake()
        self._jobs.wake()
        self._publish()
        self._rollout_wake()

    def _settled(self) -> None:
        """A step or a program has come to its end: what follows has deadlines, messages and tries of its own."""
        self._deadlines.wake()
        self._fired()

    def _delivered(self) -> None:
        """A message was sent or given up: a step may have waited for it."""
        self._watching.wake()
        self._publish()

    def _publish(self) -> None:
        self._published.publish()
