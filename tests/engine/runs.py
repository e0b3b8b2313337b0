"""Playbooks under way in simulated time: what their steps wait for, and the programs that they run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from console.engine.console import Console
from console.engine.outcome import Done
from console.model import commands as cmd
from console.model.people import Severity
from console.model.playbook import (
    Check,
    Do,
    LoadedPlaybook,
    OnFailure,
    Playbook,
    Probe,
    Program,
    Reaction,
    Step,
    StepKind,
)
from console.model.reading import Reading, ReadingState
from console.model.run import Run, StepRun
from console.ports import Ended, PlaybookSnapshot, Query
from console.settings.library import Library
from tests.engine.bench import Bench, Metrics
from tests.model.life import step

MINUTE = timedelta(minutes=1)
EXPR = "max(queue_depth)"
QUEUE = f"query: {EXPR}"
HEALTH = Probe("http://bridge/health")
ESCALATE = (Reaction(Do.ESCALATE),)


def drained(hold: timedelta = MINUTE) -> Check:
    """The queue is empty, for so long."""
    return Check(QUEUE, "<=", 0.0, EXPR, hold)


def program(name: str = "restart", **fields: Any) -> Step:
    """A step that runs `restart bridge`."""
    fields.setdefault("program", Program(("restart", "bridge")))
    return step(name, kind=StepKind.COMMAND, **fields)


def playbook(*steps: Step, name: str = "bridge-down", hash_: str = "hash-1") -> LoadedPlaybook:
    """As read from a file."""
    made = Playbook(name, "Bridge down", (Severity.SEV1,), "platform", "2026-11-01", steps)
    return LoadedPlaybook(made, hash_, f"{name}.yaml")


TRIES = OnFailure(3, timedelta(seconds=10), ESCALATE)


class Values(Metrics):
    """Answers every query by its name with what the test says: a number, a reading, nothing; 1 by default."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench.clock)
        self.values: dict[str, float | Reading[float] | None] = {}
        self.queries: list[str] = []

    def read(self, queries: Sequence[Query], **_: object) -> Mapping[str, Reading[float]]:
        found = dict(super().read(queries))
        self.queries += [query.name for query in queries]
        for query in queries:
            if query.name in self.values:
                given = self.values[query.name]
                if isinstance(given, float):
                    found[query.name] = replace(found[query.name], value=given)
                elif given is None:
                    del found[query.name]
                else:
                    found[query.name] = given
        return found


class Probes:
    """One health endpoint."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.value, self.asked = bench, 0.0, 0

    def read(self, probe: Probe) -> Reading[float]:
        self.asked += 1
        return Reading(ReadingState.OK, self.value, self.bench.clock.now(), "probe")


@dataclass
class Going:
    """A program that was started: it ends when the test says so."""

    program: Program
    tell: Callable[[str], None]
    stop: threading.Event
    answer: asyncio.Future[Ended]

    def end(self, status: int | None = 0, output: str = "ok", why: str = "") -> None:
        self.answer.set_result(Ended(status, 2.0, output, "sha256:1", why))


@dataclass
class Programs:
    """Starts what it is given, and lets it run until the test ends it; or ends it at once with `at_once`."""

    going: list[Going] = field(default_factory=list)
    at_once: list[Ended | Exception] = field(default_factory=list)
    refused: str = ""

    def refusal(self, program: Program) -> str:
        return self.refused

    def run(self, program: Program, tell: Callable[[str], None], stop: threading.Event) -> Any:
        going = Going(program, tell, stop, asyncio.get_running_loop().create_future())
        self.going.append(going)
        if self.at_once:
            answer = self.at_once.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return going.answer


async def offload(function: Callable[[], Any]) -> Any:
    """In place; what the test is to end, is waited for."""
    answer = function()
    return await answer if isinstance(answer, asyncio.Future) else answer


class Files:
    """The playbooks' files as the test has them."""

    def __init__(self, snapshot: PlaybookSnapshot) -> None:
        self.snapshot = snapshot

    def read(self) -> PlaybookSnapshot:
        return self.snapshot


class Night:
    """A bench with one playbook, and consoles on it."""

    def __init__(self, bench: Bench, *steps: Step) -> None:
        self.bench = bench
        self.playbook = playbook(*steps)
        self.values = bench.metrics = Values(bench)
        self.values.values[QUEUE] = 5.0
        self.probes, self.programs = Probes(bench), Programs()
        bench.config = replace(bench.config, library=Library.of(self.playbook))
        bench.outside = {"probes": self.probes, "programs": self.programs, "offload": offload}
        self.id = ""

    async def begin(self, console: Console) -> str:
        """Declares an incident and starts the run in it."""
        declared = await console.submit(cmd.DeclareIncident("The bridge is down", Severity.SEV1))
        assert isinstance(declared, Done)
        begun = await console.submit(cmd.StartRun(declared.subject, self.playbook))
        assert isinstance(begun, Done), begun
        self.id = begun.subject
        return self.id

    async def ask(self, console: Console, name: str = "restart") -> Done:
        """Asks for a program."""
        done = await console.submit(cmd.RunProgram(self.id, name))
        assert isinstance(done, Done), done
        await self.settled()
        return done

    async def settled(self) -> None:
        """Lets everything that waits for no time come to rest."""
        await self.bench.run(0)

    def run(self, console: Console) -> Run:
        """The run as a console has it."""
        found = console.board.run(self.id)
        assert found is not None
        return found

    def step(self, console: Console, name: str) -> StepRun:
        """One step as a console has it."""
        return self.run(console).steps[name]
