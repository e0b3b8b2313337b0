"""Steps of playbooks close on what is observed, and on nothing else: study tests 47 to 49."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from console.engine.lease import LeaseKeeper
from console.engine.outcome import Denied, Done
from console.model import commands as cmd
from console.model.playbook import Check, Probe, StepKind
from console.model.reading import Reading, ReadingState, missing
from console.ports import PlaybookSnapshot
from tests.engine.bench import START, Bench
from tests.engine.runs import ESCALATE, EXPR, HEALTH, MINUTE, QUEUE, Files, Night, drained, playbook, program
from tests.model.life import step

ZERO = Check("rollout.percent", "<=", 0.0)


async def test_a_query_step_closes_when_its_value_has_held_for_that_long(bench: Bench) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=10 * MINUTE), step("next"))
    console = await bench.console()
    await night.begin(console)
    await bench.run(120)
    assert night.step(console, "drain").status == "active"
    assert console.board.readings[QUEUE].value == 5.0
    assert console.board.held == {}
    night.values.values[QUEUE] = 0.0
    await bench.run(55)
    assert night.step(console, "drain").status == "active"
    assert list(console.board.held) == [str(drained())]
    await bench.run(20)
    done = night.step(console, "drain")
    assert done.status == "done"
    assert EXPR in done.evidence
    assert done.ended_at is not None
    assert START + timedelta(seconds=180) <= done.ended_at <= START + timedelta(seconds=195)
    assert night.step(console, "next").status == "active"


async def test_an_interruption_begins_the_time_anew(bench: Bench) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=None))
    console = await bench.console()
    night.values.values[QUEUE] = 0.0
    await night.begin(console)
    for _ in range(5):
        await bench.run(40)
        night.values.values[QUEUE] = 1.0
        await bench.run(6)
        night.values.values[QUEUE] = 0.0
    assert night.step(console, "drain").status == "active"
    await bench.run(70)
    assert night.step(console, "drain").status == "done"


def unsure(value: float, state: ReadingState) -> Reading[float]:
    return Reading(state, value, START, "prometheus")


UNKNOWN = {
    "no data": missing(ReadingState.NO_DATA, "prometheus", "empty result"),
    "no answer": None,
    "NaN": math.nan,
    "infinite": -math.inf,
    "stale": unsure(0.0, ReadingState.STALE),
    "partial": unsure(0.0, ReadingState.PARTIAL),
    "unreachable": missing(ReadingState.UNREACHABLE, "prometheus", "connection refused"),
    "no traffic": missing(ReadingState.NO_TRAFFIC, "prometheus"),
}


@pytest.mark.parametrize("why", UNKNOWN)
async def test_48_what_is_not_known_verifies_nothing(bench: Bench, why: str) -> None:
    """It closes no step, it interrupts what has held, and who closes the step by hand says why."""
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=2 * MINUTE, on_overdue=ESCALATE))
    console = await bench.console()
    await night.begin(console)
    night.values.values[QUEUE] = 0.0
    await bench.run(40)
    night.values.values[QUEUE] = UNKNOWN[why]
    await bench.run(300)
    assert night.step(console, "drain").status == "active"
    assert console.board.held == {}
    assert night.step(console, "drain").overdue_fired
    denied = await console.submit(cmd.CompleteStep(night.id, "drain", "it looks empty"))
    assert isinstance(denied, Denied)
    assert denied.reason.startswith("cannot verify")
    closed = await console.submit(cmd.CompleteStep(night.id, "drain", "empty", override="counted by hand"))
    assert isinstance(closed, Done)
    assert night.step(console, "drain").override == "counted by hand"


@pytest.mark.parametrize("fault", ["error", "crash", "none"])
async def test_48_a_source_that_fails_verifies_nothing(bench: Bench, fault: str) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=None))
    console = await bench.console()
    await night.begin(console)
    night.values.values[QUEUE] = 0.0
    await bench.run(40)
    if fault == "error":
        bench.metrics.error = "503 from Prometheus"
    elif fault == "crash":
        night.values.values[QUEUE] = object()  # type: ignore[assignment]
        night.values.queries = None  # type: ignore[assignment]
    else:
        console._watching._world = replace(console._watching._world, metrics=None)
    await bench.run(120)
    assert night.step(console, "drain").status == "active"
    reading = console.board.readings[QUEUE]
    assert (reading.state, reading.value) == (ReadingState.UNREACHABLE, None)
    assert reading.note


async def test_nobody_vouches_for_a_time_in_which_nobody_looked(bench: Bench) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=None))
    console = await bench.console()
    night.values.values[QUEUE] = 0.0
    await night.begin(console)
    await bench.run(40)
    bench.clock._now += timedelta(hours=1)  # the machine slept
    await bench.run(10)
    assert night.step(console, "drain").status == "active"
    await bench.run(70)
    assert night.step(console, "drain").status == "done"


async def test_a_probe_closes_its_step(bench: Bench) -> None:
    check = Check(HEALTH.reading, "==", 1.0, hold=timedelta(seconds=30))
    night = Night(bench, step("health", kind=StepKind.HTTP, probe=HEALTH, verify=check))
    console = await bench.console()
    await night.begin(console)
    await bench.run(60)
    assert night.step(console, "health").status == "active"
    night.probes.value = 1.0
    await bench.run(45)
    assert night.step(console, "health").status == "done"
    assert night.run(console).status == "completed"


async def test_what_nobody_here_can_ask_verifies_nothing(bench: Bench) -> None:
    check = Check(HEALTH.reading, "==", 1.0)
    night = Night(bench, step("health", kind=StepKind.HTTP, probe=HEALTH, verify=check))
    del bench.outside["probes"]
    console = await bench.console()
    await night.begin(console)
    await bench.run(30)
    assert night.step(console, "health").status == "active"
    assert console.board.readings[HEALTH.reading].state is ReadingState.UNREACHABLE


# -- each by itself ---------------------------------------------------------------------------------------------------


class Hangs:
    """An endpoint that never answers."""

    def read(self, probe: Probe) -> Any:
        return asyncio.get_running_loop().create_future()


async def test_a_probe_that_hangs_holds_up_nothing_else(bench: Bench) -> None:
    hanging = Probe("http://hang/", timeout=timedelta(minutes=10))
    night = Night(
        bench,
        step("aside", kind=StepKind.HTTP, parallel=True, probe=hanging, verify=Check(hanging.reading, "==", 1.0)),
        step("drain", kind=StepKind.QUERY, verify=drained(), timebox=None),
        program(),
        step("next"),
    )
    bench.outside["probes"] = Hangs()
    night.values.values[QUEUE] = 0.0
    console = await bench.console()
    await night.begin(console)
    await bench.run(75)
    assert night.step(console, "drain").status == "done"
    assert night.step(console, "aside").status == "active"
    await night.ask(console)
    night.programs.going[0].end()
    await bench.run(1)
    assert night.step(console, "restart").status == "done"


async def test_a_check_that_is_read_too_rarely_has_not_held(bench: Bench) -> None:
    """Between two answers of the one endpoint is more than anybody can vouch for; the other check is not touched."""
    check = Check(HEALTH.reading, "==", 1.0, hold=MINUTE)
    night = Night(
        bench,
        step("health", kind=StepKind.HTTP, parallel=True, probe=HEALTH, verify=check, timebox=None),
        step("drain", kind=StepKind.QUERY, verify=drained(5 * MINUTE), timebox=None),
    )
    probes = Slow()
    bench.outside["probes"] = probes
    night.values.values[QUEUE] = 0.0
    console = await bench.console()
    await night.begin(console)
    for _ in range(8):
        await bench.run(25)
        assert str(drained(5 * MINUTE)) in console.board.held
        probes.answer(bench)
        await night.settled()
    assert night.step(console, "health").status == "active"
    for _ in range(20):
        await bench.run(5)
        probes.answer(bench)
        await night.settled()
    assert night.step(console, "health").status == "done"


class Slow:
    """An endpoint that answers when the test says so."""

    def __init__(self) -> None:
        self.going: list[asyncio.Future[Reading[float]]] = []

    def read(self, probe: Probe) -> Any:
        self.going.append(asyncio.get_running_loop().create_future())
        return self.going[-1]

    def answer(self, bench: Bench) -> None:
        for future in self.going:
            future.set_result(Reading(ReadingState.OK, 1.0, bench.clock.now(), "probe"))
        self.going.clear()


@pytest.mark.parametrize("what", ["runs.settle", "deadlines.fire_deadlines"])
async def test_a_lease_that_is_lost_in_between_writes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """An append without a fence would be one that nobody checks."""
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=MINUTE, on_overdue=ESCALATE))
    console = await bench.console()
    night.values.values[QUEUE] = 0.0
    await night.begin(console)
    await bench.run(30)
    module, _, name = what.partition(".")
    judge = getattr(import_module(f"console.engine.{module}"), name)
    found: list[Any] = []

    def lost(*given: Any) -> Any:
        answer = judge(*given)
        if answer:
            monkeypatch.setattr(LeaseKeeper, "fence", None)
            found.append(answer)
        return answer

    monkeypatch.setattr(f"console.engine.{what}", lost)
    unfenced: list[Any] = []
    append = console._world.journal.append

    async def noted(appends: Any, *, fence: int | None = None) -> Any:
        unfenced.extend(item.stream for item in appends if fence is None and item.stream.startswith("run:"))
        return await append(appends, fence=fence)

    monkeypatch.setattr(console._world.journal, "append", noted)
    if module == "deadlines":
        night.values.values[QUEUE] = 1.0
    await bench.run(40)
    assert found
    assert unfenced == []
    assert night.step(console, "drain").status == "active"


# -- 47: accepted, and no effect --------------------------------------------------------------------------------------


async def test_47_a_flag_that_was_set_and_changes_nothing_leaves_its_step_open_and_escalates(bench: Bench) -> None:
    night = Night(bench, step("disable", kind=StepKind.FLAG, flag="elicitation", verify=ZERO, on_overdue=ESCALATE))
    console = await bench.console(flags=True)
    await night.begin(console)
    assert isinstance(await console.submit(cmd.SetFlag(night.id, "disable")), Done)
    assert bench.flags.set == [("elicitation", 0.0)]
    incident = console.board.open_incidents[0]
    await bench.run(119)
    assert night.step(console, "disable").status == "active"
    assert console.board.open_incidents[0].level == incident.level
    await bench.run(3)
    assert night.step(console, "disable").status == "active"
    assert night.step(console, "disable").overdue_fired
    assert console.board.open_incidents[0].level == incident.level + 1
    denied = await console.submit(cmd.CompleteStep(night.id, "disable", "it says it is off"))
    assert isinstance(denied, Denied)
    assert "rollout.percent = 1" in denied.reason
    assert len(bench.kinds("run.step_overdue")) == 1
    night.values.values["rollout.percent"] = 0.0
    await bench.run(20)
    assert night.step(console, "disable").status == "done"
    assert bench.flags.set == [("elicitation", 0.0)], "it was asked for once"


async def test_47_a_program_that_ends_well_and_changes_nothing(bench: Bench) -> None:
    night = Night(bench, program(verify=drained(), on_overdue=ESCALATE))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    night.programs.going[0].end()
    level = console.board.open_incidents[0].level
    await bench.run(240)
    (effect,) = night.run(console).effects
    assert (effect.outcome, effect.answer) == ("done", "exit status 0 after 2.0 s")
    assert night.step(console, "restart").status == "active"
    assert night.step(console, "restart").overdue_fired
    assert console.board.open_incidents[0].level == level + 1
    night.values.values[QUEUE] = 0.0
    await bench.run(70)
    assert night.step(console, "restart").status == "done"
    assert len(night.programs.going) == 1


async def test_47_what_held_before_it_was_carried_out_is_no_effect_of_it(bench: Bench) -> None:
    night = Night(bench, program(verify=drained()))
    night.values.values[QUEUE] = 0.0
    console = await bench.console()
    await night.begin(console)
    await bench.run(90)
    assert night.step(console, "restart").status == "active", "nobody asked for it"
    await night.ask(console)
    night.programs.going[0].end()
    await bench.run(50)
    assert night.step(console, "restart").status == "active"
    await bench.run(20)
    assert night.step(console, "restart").status == "done"


# -- who closes -------------------------------------------------------------------------------------------------------


async def test_every_console_looks_and_the_one_with_the_lease_closes(bench: Bench) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=None))
    one, other = await bench.console("alice"), await bench.console("bob")
    watcher = await bench.console("eve", read_only=True)
    await night.begin(other)
    night.values.values[QUEUE] = 0.0
    await bench.run(40)
    for console in (one, other, watcher):
        assert console.board.readings[QUEUE].value == 0.0
        assert str(drained()) in console.board.held
    await bench.run(40)
    (closed,) = [event for event in bench.journal.read() if event.kind == "run.step_completed"]
    assert closed.console == "alice"
    assert [night.step(console, "drain").status for console in (one, other, watcher)] == ["done"] * 3


async def test_who_takes_over_has_looked_all_the_time(bench: Bench) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=None))
    one, other = await bench.console("alice"), await bench.console("bob")
    await night.begin(one)
    night.values.values[QUEUE] = 0.0
    await bench.run(40)
    await bench.kill(one)
    await bench.run(45)
    assert night.step(other, "drain").status == "done"
    assert len(bench.kinds("run.step_completed")) == 1


async def test_after_a_restart_the_time_begins_anew_and_the_deadline_does_not(bench: Bench) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=2 * MINUTE))
    console = await bench.console("alice")
    await night.begin(console)
    night.values.values[QUEUE] = 0.0
    await bench.run(40)
    await bench.kill(console)
    await bench.run(90)
    again = await bench.console("carol")
    await bench.run(1)
    (overdue,) = [event for event in bench.journal.read() if event.kind == "run.step_overdue"]
    assert overdue.payload.due_at == START + 2 * MINUTE
    assert overdue.payload.late_seconds > 0
    await bench.run(30)
    assert night.step(again, "drain").status == "active"
    await bench.run(60)
    assert night.step(again, "drain").status == "done"
    assert len(bench.kinds("run.step_overdue")) == 1


async def test_what_cannot_be_saved_is_closed_later(bench: Bench) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=None))
    console = await bench.console()
    await night.begin(console)
    night.values.values[QUEUE] = 0.0
    await bench.run(30)
    bench.journal.problem = "disk full"
    await bench.run(120)
    assert night.step(console, "drain").status == "active"
    bench.journal.problem = ""
    await bench.run(20)
    assert night.step(console, "drain").status == "done"


async def test_without_a_run_nothing_is_asked(bench: Bench) -> None:
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=drained(), timebox=None))
    console = await bench.console()
    await bench.run(300)
    assert QUEUE not in night.values.queries
    await night.begin(console)
    await bench.run(30)
    asked = night.values.queries.count(QUEUE)
    assert 5 <= asked <= 8
    assert isinstance(await console.submit(cmd.AbortRun(night.id, "it was a false alarm")), Done)
    await bench.run(60)
    assert night.values.queries.count(QUEUE) == asked
    assert QUEUE not in console.board.readings
    assert console.board.held == {}


async def test_one_look_of_a_console_that_was_only_opened(bench: Bench) -> None:
    now = drained(timedelta(0))
    night = Night(bench, step("drain", kind=StepKind.QUERY, verify=now, timebox=None))
    console = await bench.console()
    await night.begin(console)
    await bench.kill(console)
    night.values.values[QUEUE] = 0.0
    other = await bench.console("bob", start=False)
    await other.ask()
    assert other.board.readings[QUEUE].value == 0.0
    assert isinstance(await other.submit(cmd.CompleteStep(night.id, "drain", "0")), Done)


# -- 49: the file changes ---------------------------------------------------------------------------------------------


async def test_49_a_run_stays_what_it_was_started_from_and_drift_is_seen(bench: Bench) -> None:
    night = Night(bench, step("one"))
    files = Files(PlaybookSnapshot((night.playbook,), {"bridge-down": "hash-1"}))
    bench.outside["files"] = files
    console = await bench.console()
    await night.begin(console)
    await bench.run(20)
    assert console.board.files == {"bridge-down": "hash-1"}
    assert "playbooks" not in [source.name for source in console.board.sources]
    changed = playbook(step("other"), hash_="hash-2")
    files.snapshot = PlaybookSnapshot((changed,), {"bridge-down": "hash-2"})
    await bench.run(20)
    run = night.run(console)
    assert (run.playbook_hash, list(run.steps)) == ("hash-1", ["one"])
    assert console.board.files == {"bridge-down": "hash-2"}
    assert console.board.playbooks == (changed,)

    files.snapshot = PlaybookSnapshot((changed,), {"bridge-down": ""}, ("bridge-down.yaml:7: steps: found a list",))
    await bench.run(20)
    assert console.board.playbooks == (changed,), "a file with a mistake changes nothing that works"
    assert console.board.files == {"bridge-down": ""}
    (source,) = [source for source in console.board.sources if source.name == "playbooks"]
    assert source.note == "bridge-down.yaml:7: steps: found a list"
