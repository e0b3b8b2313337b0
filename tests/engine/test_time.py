"""What time does to a running engine: tests 23 and 28 of the study, with a clock that is set by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.engine.clocks import SimulatedClock
from console.engine.outcome import Done
from console.model import commands as cmd
from console.model.board import Board
from console.model.people import Severity
from console.model.reading import ReadingState
from tests.engine.bench import START, Bench
from tests.model.life import ROLLBACK

HOUR = timedelta(hours=1)


class HandSetClock(SimulatedClock):
    """A wall clock that somebody sets, beside a monotonic one that goes on; or a process that is stopped."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._set_by = 0.0

    def monotonic(self) -> float:
        return super().monotonic() - self._set_by

    def set(self, by: timedelta) -> None:
        """Moves the wall clock. Set back, it ends every wait for an instant, as the port says."""
        self._now += by
        self._set_by += by.total_seconds()
        if by < timedelta(0):
            for waiter in list(self._waiters):
                if waiter.until is not None and not waiter.alarm.done():
                    waiter.alarm.set_result(None)

    def stop(self, length: timedelta) -> None:
        """What SIGSTOP does: time passes, by either clock, and nothing runs."""
        self._now += length


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path, HandSetClock(START))
    yield made
    for console in list(made.consoles):
        await made.kill(console)


def clock_of(bench: Bench) -> HandSetClock:
    assert isinstance(bench.clock, HandSetClock)
    return bench.clock


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
async def test_23_a_wall_clock_that_is_set_during_a_step_changes_no_deadline_and_is_in_the_record(
    bench: Bench, by: timedelta
) -> None:
    console = await bench.console()
    declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    assert isinstance(declared, Done)
    begun = await console.submit(cmd.StartRun(declared.subject, ROLLBACK))
    assert isinstance(begun, Done)
    await bench.run(20)
    run = console.state.runs[begun.subject]
    deadlines = {step.id: step.deadline for step in run.active}
    answer = console.state.incidents[declared.subject].acknowledge_by
    asked = bench.metrics.asked

    clock_of(bench).set(by)
    await bench.run(40)

    run = console.state.runs[begun.subject]
    assert {step.id: step.deadline for step in run.active} == deadlines
    assert console.state.incidents[declared.subject].acknowledge_by == answer
    assert bench.metrics.asked >= asked + 2, "sources are asked on, and not in an hour"
    assert all(source.state is ReadingState.OK for source in console.board.sources)
    assert console.board.lease.mine
    (stepped,) = (event.payload for event in bench.journal.read() if event.kind == "engine.clock_stepped")
    assert stepped.seconds == pytest.approx(by.total_seconds(), abs=1)
    assert not console.board.fault

    await bench.run(2 * 3_600)
    for kind in ("incident.acknowledge_overdue", "run.step_overdue"):
        fired = [(event.stream, event.payload.due_at) for event in bench.journal.read() if event.kind == kind]
        assert len(fired) == len(set(fired)) > 0, "each fires, and once"
    assert [event.seq for event in bench.journal.read()] == list(range(1, len(bench.journal.read()) + 1))


async def test_23_how_long_an_answer_took_is_no_matter_of_the_wall_clock(bench: Bench) -> None:
    """A source whose answer seems to have taken an hour would be asked once in ten hours."""
    console = await bench.console()
    await bench.run(20)
    poller = console._pollers["prometheus"]
    read = poller.read

    def slow() -> object:
        clock_of(bench).set(HOUR)
        poller.read = read
        return read()

    poller.read = slow
    await bench.run(60)
    assert poller.next_try_at is not None
    assert poller.next_try_at - bench.clock.now() < timedelta(seconds=20)


async def test_a_source_that_is_slow_is_asked_less_often_and_is_never_stale_by_that(bench: Bench) -> None:
    """One whose every answer takes 15 s would be asked after 150 s, and be stale after 66 s."""
    console = await bench.console()
    await bench.run(31)
    poller = console._pollers["prometheus"]
    asked = []

    async def late(function: Callable[[], Any]) -> Any:
        asked.append(bench.clock.now())
        await bench.clock.sleep_until(bench.clock.now() + timedelta(seconds=15))
        return function()

    poller.offload = late
    for _ in range(60):
        await bench.run(10)
        assert poller.status(bench.clock.now()).state is ReadingState.OK
    assert 600 / 55 - 2 < len(asked) < 600 / 45 + 2


@pytest.mark.parametrize("read_only", [False, True])
async def test_28_after_ten_minutes_of_sigstop_all_is_stale_at_once_though_every_source_hangs(
    bench: Bench, read_only: bool
) -> None:
    """Nobody waits for an answer, or for a deadline that passes without one, to hear how old the last one is."""
    console = await bench.console(read_only=read_only)
    await bench.run(31)
    assert console.board.blind_spots == ()
    boards: list[Board] = []
    console.subscribe(boards.append)

    async def late(function: Callable[[], Any]) -> Any:
        await bench.clock.sleep_until(bench.clock.now() + timedelta(seconds=15))
        return function()

    for poller in console._pollers.values():
        poller.offload = late
    clock_of(bench).stop(timedelta(minutes=10))
    woken = bench.clock.now()
    await bench.run(0)
    assert boards
    assert boards[0].at == woken
    assert {source.state for source in boards[0].sources} == {ReadingState.STALE}
    assert not boards[0].slos[0].burn.ok
    assert boards[0].feed.evidence is not ReadingState.OK
    await bench.run(30)
    assert console.board.blind_spots == ()


async def test_28_after_ten_minutes_of_sigstop_the_timers_are_right(bench: Bench) -> None:
    console = await bench.console()
    declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    assert isinstance(declared, Done)
    await bench.run(31)
    clock_of(bench).stop(timedelta(minutes=10))
    woken = bench.clock.now()
    await bench.run(30)
    assert console.board.blind_spots == ()
    (overdue,) = (event for event in bench.journal.read() if event.kind == "incident.acknowledge_overdue")
    assert overdue.payload.due_at == START + timedelta(minutes=5)
    assert overdue.payload.late_seconds == pytest.approx((woken - overdue.payload.due_at).total_seconds(), abs=4)
    assert bench.kinds("engine.clock_stepped") == []  # by no clock did it move more than time passed
    assert console.board.lease.mine
