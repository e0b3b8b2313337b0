"""What the engine writes by itself: saved under its lease, or said why not."""

from __future__ import annotations

import pytest

from console.engine.console import Console
from console.engine.fenced import Fenced, Written
from console.engine.outcome import Done
from console.model import commands as cmd
from console.model.decide import Refusal
from console.model.people import Severity
from tests.engine.bench import Bench
from tests.model.life import ENGINE


def fenced(console: Console) -> Fenced:
    return Fenced(console._record, console._lease, console._moments, ENGINE)


async def declared(console: Console) -> str:
    outcome = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    assert isinstance(outcome, Done)
    return outcome.subject


async def test_it_is_saved_and_nothing_is_nothing(bench: Bench) -> None:
    console = await bench.console()
    note = cmd.AddNote(await declared(console), "seen by the engine")
    assert await fenced(console).submit(note) is Written.SAVED
    assert await fenced(console).write(()) is Written.NOTHING
    assert bench.journal.read()[-1].actor == ENGINE
    with pytest.raises(Refusal, match="neither an incident nor a shift"):
        await fenced(console).submit(cmd.AddNote("unheard of", "x"))


async def test_without_the_lease_nothing_is_written(bench: Bench) -> None:
    await bench.console()
    second = await bench.console("bob")
    note, before = cmd.AddNote(await declared(second), "x"), len(bench.journal.read())
    assert second._lease.fence is None
    assert await fenced(second).submit(note) is Written.NO_LEASE
    assert await fenced(second).submit(note, unsaved=True) is Written.NO_LEASE
    assert len(bench.journal.read()) == before


async def test_who_was_overtaken_knows_what_the_others_wrote(bench: Bench) -> None:
    console, other = await bench.console(), await bench.console("bob")
    incident = await declared(console)
    await bench.run(10)
    assert isinstance(await other.submit(cmd.AddNote(incident, "first")), Done)
    assert await fenced(console).submit(cmd.AddNote(incident, "second")) is Written.OVERTAKEN
    assert console.state.incidents[incident].notes == 1
    assert await fenced(console).submit(cmd.AddNote(incident, "second")) is Written.SAVED


async def test_where_it_cannot_be_saved_it_fails_or_goes_ahead(bench: Bench) -> None:
    console = await bench.console()
    incident = await declared(console)
    note = cmd.AddNote(incident, "x")
    bench.journal.problem = "disk full"
    assert await fenced(console).submit(note) is Written.FAILED
    assert console.state.incidents[incident].notes == 0
    assert await fenced(console).submit(note, unsaved=True) is Written.ASIDE
    assert console.state.incidents[incident].notes == 1
    assert console._record.unsaved
