"""Playbooks rehearsed: the real engine and the real rules, in simulated time, on a world that stands in a table.

As in the demo, no real integration is imported: nothing outside can be reached, for what could reach it is not there.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Outcome
    from console.engine.world import World
    from console.journal.memory import MemoryJournal
    from console.model.commands import Command
    from console.model.events import Recorded
    from console.model.incident import Incident
    from console.model.playbook import LoadedPlaybook, Playbook, Step, Variable
    from console.model.run import Run, StepRun
    from console.ports import Append, Journal, Spool
    from console.settings.config import Config, Environment
    from console.settings.playbook_tests import Answer, Case, PlaybookTest

START = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
"""A bad night."""
OPERATOR = "operator"
"""Who acts where a table does not say."""
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LONGEST_WALK = 200
"""Steps that are walked through at most in a playbook that another one has called."""
GRACE = timedelta(minutes=3)
"""How long it is waited for what does not come, after the last deadline that could bring it."""
MARGIN = timedelta(seconds=150)
"""What is left to run of a span that passes at once: a console renews its hold on a step two minutes before its end."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One way that a run can take at a step, in words."""

    step: str
    way: str

    def __str__(self) -> str:
        return f"{self.step}: {self.way}" if self.step else self.way


COMPLETED = Branch("", "the end of the playbook")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a case came to: nothing in `differences` is well."""

    case: Case
    differences: tuple[str, ...]
    steps: frozenset[str]
    branches: frozenset[Branch]

    @property
    def passed(self) -> bool:
        """Whether it came to what was expected."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class PlaybookResult:
    """The cases of one playbook, and what none of them reached."""

    playbook: Playbook
    cases: tuple[CaseResult, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """Every step, in order."""
        return tuple(step.id for step in self.playbook.steps)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Every branch, in order."""
        return tuple(branches_of(self.playbook))

    @property
    def missed_steps(self) -> tuple[str, ...]:
        """The steps that no case started."""
        reached = {step for case in self.cases for step in case.steps}
        return tuple(step for step in self.steps if step not in reached)

    @property
    def missed_branches(self) -> tuple[Branch, ...]:
        """The branches that no case took."""
        reached = {branch for case in self.cases for branch in case.branches}
        return tuple(branch for branch in self.branches if branch not in reached)

    @property
    def passed(self) -> bool:
        """Whether every case came to what was expected, and nothing was left out."""
        well = all(case.passed for case in self.cases)
        return well and not self.missed_steps and not self.missed_branches


def branches_of(playbook: Playbook) -> Iterator[Branch]:
    """Every way that a run can take: each option, what happens by itself, and the end."""
    from console.model.playbook import Do

    for step in playbook.steps:
        yield from (Branch(step.id, f"option {option.id}") for option in step.options)
        late = [item for item in step.on_overdue if item.do is not Do.ASK]
        yield from (Branch(step.id, f"overdue, {item.do}{f' {item.to}' if item.to else ''}") for item in late)
        if step.on_failure.tries > 1:
            yield Branch(step.id, "tried again")
        failed = [item for item in step.on_failure.then if item.do is not Do.ASK]
        yield from (Branch(step.id, f"failed, {item.do}{f' {item.to}' if item.to else ''}") for item in failed)
    last = playbook.steps[-1]
    if not last.options or not all(option.goto or option.playbook for option in last.options):
        yield COMPLETED


@dataclass(frozen=True, slots=True)
class _Job:
    """One case to be played."""

    config: Config
    environment: Environment
    loaded: LoadedPlaybook
    case: Case


_jobs: list[_Job] = []
"""Those of this process and of what it forks."""


def rehearse(
    config: Config, environment: Environment, tests: Iterable[PlaybookTest], names: Sequence[str] = ()
) -> Iterator[PlaybookResult]:
    """Runs every case of the playbooks named, or of all; a playbook without a table has no cases."""
    from console.settings.library import Library

    config = replace(config, library=Library.of(*(replace(item, untrusted="") for item in config.playbooks)))
    environment = _calm(environment)
    by_name: dict[str, list[Case]] = {}
    for test in tests:
        by_name.setdefault(test.playbook, []).extend(test.cases)
    wanted = [item for item in config.playbooks if not names or item.playbook.name in names]
    _jobs[:] = [
        _Job(config, environment, loaded, case) for loaded in wanted for case in by_name.get(loaded.playbook.name, [])
    ]
    with contextlib.closing(_played()) as results:
        for loaded in wanted:
            cases = by_name.get(loaded.playbook.name, [])
            yield PlaybookResult(loaded.playbook, tuple(CaseResult(case, *next(results)) for case in cases))


_Found = tuple[tuple[str, ...], frozenset[str], frozenset[Branch]]


def _played() -> Generator[_Found, None, None]:
    """What each case came to, in order. They know nothing of each other: every processor plays some of them, where a
    process can be copied without harm."""
    import multiprocessing
    import threading

    processes = min(len(os.sched_getaffinity(0)), len(_jobs))
    if processes < 2 or threading.active_count() > 1:
        yield from map(_play, range(len(_jobs)))
        return
    with multiprocessing.get_context("fork").Pool(processes, _leave_signals) as pool:
        yield from pool.imap(_play, range(len(_jobs)))


def _leave_signals() -> None:
    """Ctrl+c ends the command, and the command ends its helpers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _play(number: int) -> _Found:
    import asyncio

    job = _jobs[number]
    result = asyncio.run(_Night(job.config, job.environment, job.loaded, job.case).play())
    return result.differences, result.steps, result.branches


def _calm(environment: Environment) -> Environment:
    """With sources that are read once a minute: what changes here changes when the table says so, and is read then."""
    prometheus = environment.prometheus
    return replace(
        environment,
        prometheus=replace(prometheus, interval=MINUTE) if prometheus is not None else None,
        alertmanagers=tuple(
            replace(item, source=replace(item.source, interval=MINUTE)) for item in environment.alertmanagers
        ),
        health_interval=MINUTE,
    )


def _spoken_of(config: Config, loaded: LoadedPlaybook, case: Case) -> Config:
    """Without the objectives that neither the playbook nor the case speaks of: they are most of what is read."""
    checks = [
        check
        for step in loaded.playbook.steps
        for check in (*step.look_at, step.verify, *(option.when for option in step.options))
        if check is not None
    ]
    names = {*case.readings, *(check.reading for check in checks), *(n for a in case.answers for n in a.readings)}
    objectives = tuple(item for item in config.objectives if any(n.startswith(f"slo.{item.name}.") for n in names))
    return replace(config, objectives=objectives)


def _asked_of(environment: Environment, case: Case) -> Environment:
    """Without the components that the table says nothing of: there is no data of them."""
    names = {*case.readings, *(name for answer in case.answers for name in answer.readings)}
    names |= {name for told in case.programs.values() for item in told for name in item.changes or ()}
    names |= {n for a in case.answers for told in a.programs.values() for item in told for n in item.changes or ()}
    components = tuple(item for item in environment.components if f"health.{item.name}" in names)
    return replace(environment, components=components)


class _Off(Exception):
    """The case cannot go on as the table says. The message is one line."""


class _Seat:
    """The journal of the case, as one of its consoles writes to it."""

    def __init__(self, journal: MemoryJournal, console: str) -> None:
        self._journal, self._console = journal, console

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def append(self, appends: Sequence[Append], *, fence: int | None = None) -> tuple[Recorded, ...]:
        """Appends under the console's name."""
        self._journal.console = self._console
        return await self._journal.append(appends, fence=fence)


class _Night:
    """One case, from the alert to the end of its run."""

    def __init__(self, config: Config, environment: Environment, loaded: LoadedPlaybook, case: Case) -> None:
        from console.engine.clocks import SeededIds, SimulatedClock
        from console.integrations.simulated.table import Table, TableAlerts
        from console.journal.memory import MemoryJournal

        config, environment = _spoken_of(config, loaded, case), _asked_of(environment, case)
        self.config, self.environment, self.loaded, self.case = config, environment, loaded, case
        self._clock = SimulatedClock(START)
        self._ids = SeededIds(1)
        self._journal = MemoryJournal(self._clock, console="rehearsal", mode="drill")
        self._table = Table(self._clock, config.objectives, case.readings, case.programs)
        labels = case.alerts or (fitting_alert(loaded.playbook),)
        self._alerts = [
            TableAlerts(self._table, item.source.name, environment.watchdog, labels)
            for item in environment.alertmanagers[:1]
        ]
        self._consoles: dict[str, Console] = {}
        self._main = main = self._console(OPERATOR)
        self._table.runs = lambda: main.state.runs.values()
        self._run = ""

    async def play(self) -> CaseResult:
        """Plays it, and compares."""
        main = self._main
        await main.start()
        try:
            differences = await self._played()
            events = self._journal.read(limit=1_000_000)
            steps, branches = self._reached(events)
            return CaseResult(self.case, tuple(differences), steps, branches)
        finally:
            await main.stop()

    async def _played(self) -> list[str]:
        at = ""
        try:
            await self._pass(SECOND)
            incident = await self._begin()
            before = len(incident.escalations)
            for number, answer in enumerate(self.case.answers, 1):
                at = f"answer {number} ({answer.place}): "
                await self._answer(answer)
            await self._end()
        except _Off as off:
            return [f"{at}{off}", *([self._where()] if self._run else [])]
        return list(self._compared(before))

    # -- the world ----------------------------------------------------------------------------------------------------

    def _console(self, name: str) -> Console:
        """The console of a person; the first one runs the engine."""
        from console.engine.console import Console
        from console.journal.spool import FileSpool
        from console.model.people import Actor

        who = Actor(name, name)
        spool = FileSpool([], self._clock, self._ids, who, console=name, journal="memory")
        return Console(self._world(spool, name), self.config, self.environment, who, console=name, mode="drill")

    def _world(self, spool: Spool, name: str) -> World:
        from console.engine.offload import in_place
        from console.engine.world import World
        from console.integrations.simulated import table
        from console.model.message import Act, ChannelSpec

        chosen, world = self.environment, self._table
        names = chosen.notify.channels
        return World(
            self._clock,
            self._ids,
            cast("Journal", _Seat(self._journal, name)),
            spool,
            metrics=table.TableMetrics(world),
            alerts=tuple(self._alerts),
            health=table.TableHealth(world, [component.name for component in chosen.components]),
            flags=table.TableFlags(world),
            channels=tuple(table.TableChannel(world, name) for name in names),
            specs=tuple(ChannelSpec(name, (Act.POST,)) for name in names),
            probes=table.TableProbes(world),
            programs=table.TablePrograms(world),
            offload=in_place,
        )

    async def _by(self, name: str) -> Console:
        """The console of somebody else, with the record as it is now."""
        if not name or name == OPERATOR:
            return self._main
        if name not in self._consoles:
            self._consoles[name] = self._console(name)
        await self._consoles[name].open()
        await self._consoles[name].ask()
        return self._consoles[name]

    async def _pass(self, span: timedelta) -> None:
        """Lets time pass. Where nothing can happen any more before the next deadline, it passes at once."""
        began = self._clock.now()
        until = began + span
        while (calm := self._calm_at(began)) < until:
            if self._clock.now() < calm:
                await self._run_to(calm)
                continue  # what was read meanwhile may hold now
            self._leap(until)
            began = self._clock.now()
        await self._run_to(until)

    async def _run_to(self, until: datetime) -> None:
        await self._clock.run(until, lambda: self._main.clock_tasks)

    def _leap(self, until: datetime) -> None:
        """Hours in which nothing is due, and everything was read for long enough."""
        due = self._due()
        until = min(until, due) if due is not None else until
        if until - MARGIN > self._clock.now():
            self._clock.leap(until - MARGIN)

    def _due(self) -> datetime | None:
        from console.model.decide import next_deadline

        return next_deadline(self._main.state, str(self.environment.target), self.config.severities, None)

    def _calm_at(self, began: datetime) -> datetime:
        """After this, what is read has shown itself since `began`, and what holds has held for as long as it must. What
        does not hold by then never will by itself: the world stands in a table."""
        held, last = self._main.board.held, began
        for run in self._main.state.runs.values():
            for item in run.active:
                verify, ends = run.playbook.step(item.id).verify, item.started_at or began
                if verify is not None and str(verify) in held:
                    ends = max(ends, held[str(verify)]) + verify.hold
                last = max(last, ends)
        return last + GRACE

    def _settled_after(self) -> timedelta:
        """After this, what is read has held for as long as any step wants."""
        steps = [step for run in self._main.state.runs.values() for step in run.playbook.steps]
        holds = [step.verify.hold for step in steps if step.verify is not None]
        return max([timedelta(0), *holds]) + GRACE

    async def _until(self, holds: Callable[[], Any]) -> bool:
        """Lets time pass until it holds, or until nothing that is due any more can make it hold."""
        stride, began = SECOND, self._clock.now()
        while not holds():
            now = self._clock.now()
            if now > self._patience() or self._state_run().ended_at is not None:
                return False
            if now > self._calm_at(began):
                self._leap(self._patience())
                began = self._clock.now()
            await self._run_to(self._clock.now() + stride)
            stride = min(stride * 2, 10 * SECOND)
        return True

    def _patience(self) -> datetime:
        """Nothing happens by itself after this."""
        due = [
            when
            for run in self._main.state.runs.values()
            for item in run.active
            for when in (item.deadline, item.retry_at)
            if when is not None and not (when == item.deadline and item.overdue_fired)
        ]
        began = [item.started_at for run in self._main.state.runs.values() for item in run.active if item.started_at]
        return max([*due, *began, START]) + self._settled_after()

    # -- the run ------------------------------------------------------------------------------------------------------

    async def _begin(self) -> Incident:
        from console.model import commands as cmd
        from console.model.alert import reference

        alerts = tuple(reference(alert) for alert in self._alerts[0].alerts) if self._alerts else ()
        playbook = self.loaded.playbook
        declared = await self._do(cmd.DeclareIncident(f"REHEARSAL: {playbook.title}", self.case.severity, alerts))
        incident = declared.subject
        await self._do(cmd.AcknowledgeIncident(incident))
        for role, person in self._roles().items():
            if self._main.state.incidents[incident].roles.get(role) != person:
                await self._do(cmd.AssignRole(incident, role, person))
        variables = self._variables(self._main.state.incidents[incident])
        started = await self._do(cmd.StartRun(incident, self.loaded, tuple(variables.items())))
        self._run = started.subject
        await self._pass(SECOND)
        return self._main.state.incidents[incident]

    def _roles(self) -> dict[str, str]:
        """Every role that the playbook needs is held by whoever acts in it."""
        playbook = self.loaded.playbook
        acting = {answer.step: answer.by for answer in self.case.answers if answer.by}
        found: dict[str, str] = {}
        for step in playbook.steps:
            if step.role:
                found[step.role] = acting.get(step.id) or found.get(step.role, "")
        needed = dict.fromkeys((*playbook.roles, *found), OPERATOR)
        return needed | {role: person for role, person in found.items() if person} | dict(self.case.roles)

    def _variables(self, incident: Incident) -> dict[str, str]:
        """The answers of the table, and something of the right type for what it leaves out."""
        from console.model.binding import asked

        wanted = asked(self.loaded.playbook, incident, self.config.variables)
        given = {variable.name: default or _sample(variable) for variable, default in wanted}
        return given | dict(self.case.variables)

    async def _do(self, command: Command, by: str = "") -> Any:
        """Carries out one command that cannot be refused."""
        from console.engine.outcome import Done

        outcome = await self._submit(command, by)
        if not isinstance(outcome, Done):
            raise _Off(f"{type(command).__name__} was refused: {outcome.reason}")
        return outcome

    async def _submit(self, command: Command, by: str = "") -> Outcome:
        console = await self._by(by)
        outcome = await console.submit(command)
        await self._pass(timedelta(0))
        return outcome

    def _state_run(self) -> Run:
        return self._main.state.runs[self._run]

    def _progress(self, step_id: str) -> StepRun:
        return self._state_run().steps[step_id]

    async def _answer(self, answer: Answer) -> None:
        from console.settings.playbook_tests import Act

        if answer.act is Act.AFTER:
            await self._pass(answer.after)
        elif answer.act is Act.WORLD:
            self._table.change(answer.readings, answer.programs)
            self._main.refresh()
            await self._pass(SECOND)
        elif answer.act is Act.CHILD:
            await self._wait_for(answer)
            await self._end_child(answer)
        elif answer.step:
            await self._wait_for(answer)
            await self._say(answer, lambda: self._command(answer))
        else:
            await self._say(answer, lambda: self._command(answer))

    async def _wait_for(self, answer: Answer) -> None:
        from console.model.run import StepStatus
        from console.settings.playbook_tests import Act

        statuses = {StepStatus.ACTIVE}
        if answer.act in (Act.SKIP, Act.EXPIRE, Act.RETRY):
            statuses = {StepStatus.FAILED} if answer.act is Act.RETRY else {StepStatus.ACTIVE, StepStatus.FAILED}
        if answer.refused is not None:
            statuses = set(StepStatus) - {StepStatus.PENDING}
        if not await self._until(lambda: self._progress(answer.step).status in statuses):
            raise _Off(f"step {answer.step} is {self._progress(answer.step).status}: it never came to this answer")

    async def _say(self, answer: Answer, command: Callable[[], Command]) -> None:
        """Submits an answer. One that must wait for a reading is said again until it is taken."""
        from console.engine.outcome import Done
        from console.settings.playbook_tests import Act

        outcome = await self._submit(command(), answer.by)
        if answer.refused is not None:
            if isinstance(outcome, Done):
                raise _Off("it was taken, and a refusal was expected")
            if answer.refused.lower() not in outcome.reason.lower():
                raise _Off(f"refused with other words than {answer.refused!r}: {outcome.reason}")
            return
        limit = self._patience()
        while not isinstance(outcome, Done):
            step = self.loaded.playbook.step(answer.step) if answer.step else None
            waits = answer.act is Act.OBSERVED and step is not None and step.verify is not None
            if not waits or self._clock.now() > limit:
                raise _Off(f"refused: {outcome.reason}")
            await self._pass(5 * SECOND)
            outcome = await self._submit(command(), answer.by)
        await self._pass(SECOND)

    async def _end_child(self, answer: Answer) -> None:
        """Ends the run that a step has called, by the shortest way."""
        from console.model import commands as cmd

        runs = self._main.state.runs
        child = next((run for run in runs.values() if (run.parent, run.parent_step) == (self._run, answer.step)), None)
        if child is None:
            raise _Off(f"step {answer.step} has called no playbook")
        if answer.text == "aborted":
            await self._do(cmd.AbortRun(child.id, "rehearsed"))
        else:
            await self._walk(child.id)
        await self._pass(SECOND)

    async def _walk(self, run_id: str) -> None:
        """Skips what may be skipped, and takes the first way on where one must be chosen."""
        from console.model import commands as cmd
        from console.model.playbook import StepKind

        for _ in range(LONGEST_WALK):
            run = self._main.state.runs[run_id]
            if run.ended_at is not None or not run.active:
                return
            item = run.active[0]
            step = run.playbook.step(item.id)
            if step.kind is StepKind.PLAYBOOK:
                inner = [other for other in self._main.state.runs.values() if other.parent_step == step.id]
                await self._walk(next(other.id for other in inner if other.parent == run_id))
            elif step.kind is StepKind.DECISION:
                ways = [option.id for option in step.options if not option.playbook] or [step.options[0].id]
                option = ways[(item.attempt - 1) % len(ways)]
                await self._do(cmd.CompleteStep(run_id, step.id, "rehearsed", option, break_glass="rehearsed"))
            elif step.kind is StepKind.APPROVAL:
                await self._do(cmd.CompleteStep(run_id, step.id, "rehearsed", break_glass="rehearsed"), "approver")
            else:
                await self._do(cmd.SkipStep(run_id, step.id, "rehearsed"))

    def _command(self, answer: Answer) -> Command:
        from console.model import commands as cmd
        from console.model.playbook import StepKind
        from console.settings.playbook_tests import Act

        run = self._state_run()
        if answer.act in (Act.HOLD, Act.RESUME, Act.ABORT):
            made: Mapping[Act, Callable[[str, str], Command]] = {
                Act.HOLD: cmd.HoldRun,
                Act.RESUME: cmd.ResumeRun,
                Act.ABORT: cmd.AbortRun,
            }
            return made[answer.act](run.id, answer.text)
        step = run.playbook.step(answer.step)
        typed = answer.typed if answer.typed is not None else run.confirmation(step)
        match answer.act:
            case Act.RUN:
                kinds: Mapping[StepKind, Callable[..., Command]] = {
                    StepKind.COMMAND: cmd.RunProgram,
                    StepKind.FLAG: cmd.SetFlag,
                    StepKind.NOTIFY: cmd.SendNotice,
                }
                if step.kind not in kinds:
                    raise _Off(f"step {step.id} is of kind {step.kind}: there is nothing to carry out")
                return kinds[step.kind](run.id, step.id, typed, answer.break_glass)
            case Act.FAIL:
                return cmd.FailStep(run.id, step.id, answer.text)
            case Act.SKIP:
                return cmd.SkipStep(run.id, step.id, answer.text)
            case Act.EXPIRE:
                return cmd.ExpireStep(run.id, step.id, answer.text, answer.reason or answer.text)
            case Act.RETRY:
                return cmd.RetryStep(run.id, step.id)
            case Act.CONFIRM:
                return cmd.ConfirmStep(run.id, step.id, answer.typed if answer.typed is not None else run.target)
            case Act.TAKE:
                return cmd.TakeStep(run.id, step.id, answer.text)
            case _:
                if step.kind is StepKind.APPROVAL and answer.text == "no":
                    return cmd.FailStep(run.id, step.id, answer.reason or "not approved")
                return cmd.CompleteStep(
                    run.id, step.id, answer.text, answer.option, typed, answer.override, answer.break_glass
                )

    async def _end(self) -> None:
        """Waits until the run has ended, unless it is expected to go on."""
        from console.model.run import RunStatus

        if self.case.expected.outcome is RunStatus.RUNNING:
            await self._pass(SECOND)
        else:
            await self._until(lambda: False)

    # -- what it came to ----------------------------------------------------------------------------------------------

    def _where(self) -> str:
        """Where the run is now."""
        run = self._state_run()
        here = ", ".join(f"{item.id} ({item.status}{self._why(item)})" for item in run.active)
        reason = f": {run.reason}" if run.reason else ""
        return f"the run is {run.status}{reason}" + (f", at {here}" if here else "")

    def _why(self, item: StepRun) -> str:
        step = self.loaded.playbook.step(item.id)
        if item.reason:
            return f": {item.reason}"
        if step.verify is None:
            return ""
        reading = self._main.board.readings.get(step.verify.reading)
        value = "no reading" if reading is None else reading.state if reading.value is None else f"{reading.value:g}"
        return f": closes on {step.verify}, found {value}"

    def _compared(self, escalated_before: int) -> Iterator[str]:
        expected, run = self.case.expected, self._state_run()
        if run.status is not expected.outcome:
            yield f"outcome: expected {expected.outcome}, found {run.status}; {self._where()}"
        if expected.next:
            after = self._main.state.runs.get(run.next_run)
            found = after.playbook.name if after is not None else "none"
            if found != expected.next:
                yield f"next: expected {expected.next}, found {found}"
        for step, status in expected.steps.items():
            if run.steps[step].status is not status:
                progress = run.steps[step]
                why = f" ({progress.reason})" if progress.reason else ""
                yield f"step {step}: expected {status}, found {progress.status}{why}"
        if expected.overdue is not None:
            late = self._late()
            if late != expected.overdue:
                yield f"overdue: expected {_names(expected.overdue)}, found {_names(late)}"
        if expected.escalated is not None:
            levels = len(self._main.state.incidents[run.incident].escalations) - escalated_before
            if levels != expected.escalated:
                yield f"escalated: expected {expected.escalated} levels, found {levels}"

    def _late(self) -> frozenset[str]:
        from console.model import events as ev

        stream = self._state_run().stream
        payloads = [event.payload for event in self._journal.stream(stream)]
        return frozenset(payload.step for payload in payloads if isinstance(payload, ev.StepOverdue))

    def _reached(self, events: Iterable[Recorded]) -> tuple[frozenset[str], frozenset[Branch]]:
        """What the case has shown of its playbook."""
        from console.model import events as ev

        playbook = self.loaded.playbook
        ours = {run.stream for run in self._main.state.runs.values() if run.playbook.name == playbook.name}
        steps: set[str] = set()
        taken: set[Branch] = set()
        known = {step.id: step for step in playbook.steps}
        for event in events:
            if event.stream not in ours:
                continue
            payload = event.payload
            if isinstance(payload, ev.RunFinished) and payload.outcome == "completed":
                taken.add(COMPLETED)
            step = known.get(getattr(payload, "step", ""))
            if step is None:
                continue
            if isinstance(payload, ev.StepStarted):
                steps.add(step.id)
            taken.update(_taken(step, payload))
        return frozenset(steps), frozenset(taken)


def _taken(step: Step, payload: Any) -> Iterator[Branch]:
    """The branches that an event of a step shows."""
    from console.model import events as ev

    if isinstance(payload, ev.StepCompleted) and payload.option:
        yield Branch(step.id, f"option {payload.option}")
    elif isinstance(payload, ev.StepOverdue):
        for item in step.on_overdue:
            yield Branch(step.id, f"overdue, {item.do}{f' {item.to}' if item.to else ''}")
    elif isinstance(payload, ev.StepFailed):
        if payload.retry_at is not None:
            yield Branch(step.id, "tried again")
        else:
            for item in step.on_failure.then:
                yield Branch(step.id, f"failed, {item.do}{f' {item.to}' if item.to else ''}")


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def fitting_alert(playbook: Playbook) -> dict[str, str]:
    """The labels of an alert that a playbook is for: each of its matchers holds, where that can be told."""
    from console.model.alert import parse_matcher

    labels = {"alertname": "Rehearsal"}
    for text in playbook.match:
        matcher = parse_matcher(text)
        if matcher.op == "=":
            labels[matcher.name] = matcher.value
        elif matcher.op == "=~":
            labels[matcher.name] = re.sub(r"[.][*+]|[()?^$\\]", "", matcher.value.partition("|")[0])
    for variable in playbook.variables:
        origin, _, name = variable.source.partition(".")
        if origin == "alert" and name not in labels:
            labels[name] = variable.default or _sample(variable)
    return labels


def _sample(variable: Variable) -> str:
    """A value of a variable's type."""
    from console.model.playbook import VariableType as Type

    if variable.choices:
        return variable.choices[0]
    return {
        Type.INTEGER: "1",
        Type.NUMBER: "1",
        Type.BOOLEAN: "true",
        Type.DURATION: "5m",
        Type.HOST: "host-1:9100",
        Type.URL: "https://host-1.example.com/",
    }.get(variable.type, "sample")
