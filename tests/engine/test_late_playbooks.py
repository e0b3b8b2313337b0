"""A console whose playbooks were not read yet: it starts without them, and nothing that needs them goes without."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from threading import Event, current_thread, main_thread

import pytest

from console.engine.outcome import Done
from console.model import commands as cmd
from console.model.people import Severity
from console.model.playbook import Option, StepKind
from console.model.run import RunStatus
from console.settings.library import Library, Shelf
from tests.engine.bench import Bench
from tests.engine.runs import Night, playbook, program
from tests.model.life import step

CALLED = replace(playbook(step("look")), hash="hash-called")
CALLED = replace(CALLED, playbook=replace(CALLED.playbook, name="called"))


@pytest.fixture
def reads(bench: Bench) -> list[int]:
    """How often they were read."""
    found: list[int] = []

    def read() -> Shelf:
        found.append(1)
        return Shelf((CALLED,))

    bench.config = replace(bench.config, library=Library(read))
    return found


async def test_a_start_and_an_incident_read_none(bench: Bench, reads: list[int]) -> None:
    console = await bench.console()
    assert isinstance(await console.submit(cmd.DeclareIncident("It is slow", Severity.SEV2)), Done)
    await bench.run(120)
    assert reads == []
    assert (console.board.playbooks, console.board.playbooks_read, console.board.files) == ((), False, {})


async def test_who_asks_for_them_gets_a_board_with_them_once(bench: Bench, reads: list[int]) -> None:
    console = await bench.console()
    for _ in range(2):
        await console.read_playbooks()
        assert (console.board.playbooks, console.board.playbooks_read) == ((CALLED,), True)
    assert reads == [1]
    assert console.board.files == {"called": "hash-called"}


async def test_a_run_that_calls_another_playbook_finds_it(bench: Bench, reads: list[int]) -> None:
    calls = step("first", kind=StepKind.PLAYBOOK, call="called")
    console = await bench.console()
    declared = await console.submit(cmd.DeclareIncident("It is slow", Severity.SEV2))
    assert isinstance(declared, Done)
    begun = await console.submit(cmd.StartRun(declared.subject, playbook(calls)))
    assert isinstance(begun, Done)
    assert reads == [1]
    runs = {run.playbook.name: run.status for run in console.board.runs}
    assert runs["called"] is RunStatus.RUNNING


@pytest.mark.parametrize("way", ["call", "option"])
async def test_a_command_that_may_need_one_waits_and_nothing_else_does(bench: Bench, way: str) -> None:
    """A choice, or a call, of another playbook: they are read by a thread, and the loop goes on meanwhile."""
    gate, reading, readers = Event(), Event(), []

    def read() -> Shelf:
        readers.append(current_thread())
        reading.set()
        assert gate.wait(60)
        return Shelf((CALLED,))

    bench.config = replace(bench.config, library=Library(read))
    bench.outside = {**bench.outside, "offload": asyncio.to_thread}
    console = await bench.console()
    declared = await console.submit(cmd.DeclareIncident("It is slow", Severity.SEV2))
    plain = await console.submit(cmd.StartRun(declared.subject, playbook(step("look"))))
    assert isinstance(await console.submit(cmd.CompleteStep(plain.subject, "look", "seen")), Done)
    assert readers == []

    options = (Option("there", "There", playbook="called"), Option("here", "Here"))
    if way == "call":
        leads = playbook(step("first", kind=StepKind.PLAYBOOK, call="called"))
    else:
        leads = playbook(step("first", kind=StepKind.DECISION, options=options))
    starting = asyncio.ensure_future(console.submit(cmd.StartRun(declared.subject, leads)))
    await asyncio.to_thread(reading.wait, 60)
    assert isinstance(await console.submit(cmd.AddNote(declared.subject, "the loop is free")), Done)
    assert not starting.done()
    gate.set()
    begun = await starting
    assert isinstance(begun, Done)
    if way == "option":
        assert isinstance(await console.submit(cmd.CompleteStep(begun.subject, "first", "so", option="there")), Done)
    assert {run.playbook.name: run.status for run in console.board.runs}["called"] is RunStatus.RUNNING
    assert len(readers) == 1
    assert readers[0] is not main_thread()


async def test_a_program_is_judged_by_what_was_read(bench: Bench) -> None:
    night = Night(bench, program())
    bench.config = replace(bench.config, library=Library(lambda: Shelf((night.playbook,))))
    console = await bench.console()
    await night.begin(console)
    outcome = await console.submit(cmd.RunProgram(night.id, "restart"))
    assert isinstance(outcome, Done), outcome
    await bench.run(60)


async def test_what_others_of_the_process_have_read_is_on_the_board_too(bench: Bench, reads: list[int]) -> None:
    console = await bench.console()
    assert console.settings.playbooks == (CALLED,)
    await console.read_playbooks()
    assert (console.board.playbooks, reads) == ((CALLED,), [1])
