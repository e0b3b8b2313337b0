"""A console with real programs, threads and time: the loop lives while they run, and they end when told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SystemClock, SystemIds
from console.engine.console import Console
from console.engine.outcome import Done
from console.engine.world import World
from console.integrations.program import LocalPrograms
from console.journal.memory import MemoryJournal
from console.journal.spool import FileSpool
from console.model import commands as cmd
from console.model.board import Board
from console.model.people import Actor, Severity
from console.model.playbook import Program
from console.model.run import Run
from console.settings.library import Library
from tests.engine.bench import CONFIG, ENVIRONMENT
from tests.engine.runs import playbook, program
from tests.model.life import ENGINE


class Real:
    """One console, and a run of one program in it."""

    def __init__(self, console: Console) -> None:
        self.console, self.id = console, ""

    async def begin(self, shell: str) -> None:
        made = program(program=Program(("sh", "-c", shell), timeout=timedelta(seconds=30)))
        declared = await self.console.submit(cmd.DeclareIncident("The bridge is down", Severity.SEV1))
        assert isinstance(declared, Done)
        begun = await self.console.submit(cmd.StartRun(declared.subject, playbook(made)))
        assert isinstance(begun, Done)
        self.id = begun.subject
        assert isinstance(await self.console.submit(cmd.RunProgram(self.id, "restart")), Done)

    async def until(self, wanted: object) -> Board:
        """The first Board of which `wanted` is true."""
        found: asyncio.Future[Board] = asyncio.get_running_loop().create_future()

        def look(board: Board) -> None:
            if not found.done() and wanted(board):  # type: ignore[operator]
                found.set_result(board)

        leave = self.console.subscribe(look)
        look(self.console.board)
        async with asyncio.timeout(60):
            board = await found
        leave()
        return board

    def run(self, board: Board) -> Run:
        run = board.run(self.id)
        assert run is not None
        return run


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Real]:
    clock, ids = SystemClock(), SystemIds()
    folder = tmp_path / "playbooks"
    folder.mkdir(mode=0o700)
    journal = MemoryJournal(clock, console="alice")
    spool = FileSpool([tmp_path / "spool"], clock, ids, ENGINE, console="alice", journal="memory")
    world = World(clock, ids, journal, spool, programs=LocalPrograms(folder, clock, grace=timedelta(seconds=0.5)))
    config = replace(CONFIG, library=Library.of(playbook(program())))
    console = Console(world, config, ENVIRONMENT, Actor("alice", "alice"), console="alice")
    await console.start()
    yield Real(console)
    await console.stop()
    spool.close()


async def test_its_lines_are_seen_while_it_runs_and_it_ends_when_told_to(real: Real) -> None:
    await real.begin("echo begun; trap '' TERM; sleep 100; sleep 100")
    board = await real.until(lambda board: board.jobs and "begun" in board.jobs[0].tail)
    assert real.run(board).effects[0].outcome == ""
    began = time.monotonic()
    assert real.console.stop_job(real.id, "restart")
    board = await real.until(lambda board: not board.jobs)
    (effect,) = real.run(board).effects
    assert effect.outcome == "unknown"
    assert effect.output == "begun"
    assert time.monotonic() - began < 50, "it would have gone on for 200 s"


async def test_a_console_that_closes_takes_its_programs_with_it(real: Real) -> None:
    await real.begin("echo begun; sleep 100")
    await real.until(lambda board: board.jobs and board.jobs[0].tail)
    began = time.monotonic()
    await real.console.stop()
    assert time.monotonic() - began < 50, "it would have gone on for 100 s"
    (effect,) = real.console.state.runs[real.id].effects
    assert effect.outcome == "unknown"
    assert effect.answer.startswith("stopped: the console was closed")


@pytest.mark.serial
async def test_the_loop_lives_while_a_program_writes_without_end(real: Real) -> None:
    await real.begin("yes a line of output | head -c 500000000")
    lags: list[float] = []
    ended = asyncio.create_task(real.until(lambda board: real.run(board).effects[0].outcome))
    while not ended.done():
        began = time.monotonic()
        await asyncio.wait({ended}, timeout=0.01)
        lags.append(time.monotonic() - began - 0.01)
    board = await ended
    assert real.run(board).effects[0].outcome == "done"
    lags.sort()
    median, worst = lags[len(lags) // 2], lags[-1]
    print(f"{len(lags)} turns: the median is {1000 * median:.1f} ms late, the worst {1000 * worst:.0f} ms")
    assert median < 0.02
    assert worst < 0.5
