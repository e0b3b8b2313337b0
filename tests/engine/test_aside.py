"""How long a rollback takes is drawn at random, thousands of times: never on the loop, and nothing waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from console.engine.aside import Answer, Aside
from console.engine.clocks import SimulatedClock
from console.engine.offload import in_place, in_thread
from console.engine.outcome import Done
from console.model import commands as cmd
from console.model import predict
from console.model.people import Severity
from console.reports.snapshot import snapshot
from console.reports.values import instant
from console.view import rollback
from console.view.look import Look
from tests.engine.bench import CONFIG, PLAN, SECOND, START, Bench
from tests.engine.test_history import STREAM, WAY_BACK, Values, past, start


@pytest.fixture
def values(bench: Bench) -> Values:
    found = Values(bench.clock)
    bench.metrics = found
    bench.config = replace(CONFIG, rollout=replace(PLAN, rollback=WAY_BACK))
    return found


class Gate:
    """Stands before the sampling: in which threads it ran, and whether it may go on."""

    def __init__(self, draws: Callable[..., list[float]]) -> None:
        self._draws = draws
        self.threads: list[threading.Thread] = []
        self.entered, self.open = threading.Event(), threading.Event()
        self.open.set()

    def __call__(self, *given: Any) -> list[float]:
        self.threads.append(threading.current_thread())
        self.entered.set()
        assert self.open.wait(60)
        return self._draws(*given)

    def shut(self) -> None:
        self.entered.clear()
        self.open.clear()

    async def until_entered(self) -> None:
        await asyncio.to_thread(self.entered.wait, 60)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    found = Gate(predict.LogT.draws)
    monkeypatch.setattr(predict.LogT, "draws", lambda *given: found(*given))
    yield found
    found.open.set()


# -- on the Board -----------------------------------------------------------------------------------------------------


async def test_no_call_on_the_loop_takes_the_sampling(bench: Bench, values: Values, gate: Gate) -> None:
    await past(bench)
    bench.outside = {"offload": in_thread}
    console = await bench.console()
    await bench.run(20)
    before = console.board.readiness.estimate
    assert before.p50 is not None
    values.values["rollback.inflight"] = 200.0
    await bench.run(20)
    assert console.board.readiness.estimate.p50 not in (None, before.p50)
    run = await start(console)
    await bench.run(20)
    remaining = console.board.readiness.remaining
    assert remaining is not None
    assert (remaining.run, remaining.at) == (run, None)
    assert remaining.p50 is not None
    assert len(gate.threads) >= 3
    assert threading.current_thread() not in gate.threads


async def test_meanwhile_the_board_has_the_last_estimate_and_says_of_when(
    bench: Bench, values: Values, gate: Gate
) -> None:
    await past(bench)
    bench.outside = {"offload": in_thread}
    console = await bench.console()
    await bench.run(20)
    last, began = console.board.readiness.estimate, console.board.at
    assert last.at is None
    gate.shut()
    values.values["rollback.inflight"] = 200.0
    poller = console._pollers["prometheus"]
    await poller.ask()
    console._publish()
    await gate.until_entered()
    # The loop is free: a Board is made, and a command carried out.
    assert isinstance(await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1)), Done)
    board = console.board
    assert board.readings["rollback.inflight"].value == 200.0
    waiting = board.readiness.estimate
    assert waiting.at == began
    assert (waiting.p50, waiting.within) == (last.p50, last.within)
    assert waiting.drain is not None
    assert waiting.drain.items == 300.0
    block = snapshot(board)["rollback"]
    assert block["estimated_at"] == instant(began)
    late = rollback.time_line(waiting, began + 30 * SECOND, 200, Look())
    assert f"of {began:%H:%M:%S}Z: what it rests on has changed since" in "".join(part.text for part in late)
    soon = rollback.time_line(waiting, began, 200, Look())
    assert "has changed" not in "".join(part.text for part in soon)
    gate.open.set()
    await bench.run(0)
    found = console.board.readiness.estimate
    assert found.at is None
    assert found.p50 not in (None, last.p50)
    assert found.drain is not None
    assert found.drain.items == 200.0
    assert snapshot(console.board)["rollback"]["estimated_at"] is None


async def test_a_fault_in_it_is_said_and_is_over_with_the_next_answer(
    bench: Bench, values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    await past(bench)
    console = await bench.console()
    await bench.run(20)

    def broken(*_: object) -> None:
        raise KeyError("p99")

    with monkeypatch.context() as patched:
        patched.setattr(predict.LogT, "draws", broken)
        values.values["rollback.inflight"] = 200.0
        await bench.run(20)
        board = console.board
        assert board.fault == "fault in the time of a rollback: KeyError"
        assert board.readiness.estimate.p50 is None
        assert "a fault of ours" in board.readiness.estimate.statement
        assert board.readiness.proofs
        assert await start(console)  # nothing stands in its way
        await bench.run(1)
        assert "fault in the time that is left of a rollback: KeyError" in console.board.fault
        assert console.board.readiness.remaining is None
        assert not [event for event in bench.journal.stream(STREAM) if event.kind == "rollback.predicted"]
    values.values["rollback.inflight"] = 100.0
    await bench.run(20)
    assert console.board.fault == ""
    assert console.board.readiness.estimate.p50 is not None
    assert console.board.readiness.remaining is not None
    # What could not be said when it began is said while it still helps.
    assert len([event for event in bench.journal.stream(STREAM) if event.kind == "rollback.predicted"]) == 1


async def test_a_console_stops_while_it_is_computed(bench: Bench, values: Values, gate: Gate) -> None:
    await past(bench)
    bench.outside = {"offload": in_thread}
    console = await bench.console()
    await bench.run(20)
    gate.shut()
    run = await start(console)
    await gate.until_entered()
    async with asyncio.timeout(30):
        await console.stop()
    bench.consoles.remove(console)
    gate.open.set()
    # What was in the record is there, and the next console says what this one did not come to say.
    again = await bench.console("bob")
    await bench.run(20)
    assert run in again.state.runs
    (said,) = [event.payload for event in bench.journal.stream(STREAM) if event.kind == "rollback.predicted"]
    assert (said.run, said.runs) == (run, 5)


async def test_one_command_has_the_estimate_of_what_it_has_asked(bench: Bench, values: Values, gate: Gate) -> None:
    await past(bench)
    bench.outside = {"offload": in_thread}
    console = await bench.console(start=False)
    await console.ask()
    found = console.board.readiness.estimate
    assert found.at is None
    assert found.p50 is not None
    assert found.drain is not None
    assert threading.current_thread() not in gate.threads


# -- by itself --------------------------------------------------------------------------------------------------------


def aside() -> tuple[Aside, dict[str, str], list[int]]:
    faults: dict[str, str] = {}
    told: list[int] = []
    return Aside(SimulatedClock(START), in_place, faults, lambda: told.append(1)), faults, told


async def test_of_what_was_asked_for_only_the_newest_is_computed() -> None:
    found, _, told = aside()
    made: list[int] = []

    def make(number: int) -> Callable[[], int]:
        return lambda: made.append(number) or number  # type: ignore[func-returns-value]

    assert found.get("it", 1, START, make(1)) is None
    assert found.get("it", 2, START, make(2)) is None
    assert found.get("other", 7, START, make(7)) is None
    await found.settle()
    assert (made, len(told)) == ([2, 7], 2)
    assert found.get("it", 2, START + SECOND, make(2)) == Answer(2)
    assert found.get("it", 3, START + 2 * SECOND, make(3)) == Answer(2, START + SECOND)
    assert found.get("it", 2, START + 3 * SECOND, make(2)) == Answer(2)  # it is again as it was
    await found.settle()
    assert made == [2, 7]


async def test_what_changes_while_it_is_computed_is_computed_anew() -> None:
    found, _, _ = aside()

    def first() -> str:
        assert found.get("it", 2, START + SECOND, lambda: "second") is None
        return "first"

    assert found.get("it", 1, START, first) is None
    await found.settle()
    assert found.get("it", 2, START + SECOND, lambda: "third") == Answer("second")


async def test_a_fault_in_one_leaves_the_others() -> None:
    found, faults, told = aside()
    found.get("it", 1, START, lambda: 1 // 0)
    found.get("other", 1, START, lambda: 5)
    await found.settle()
    assert faults == {"fault in it": "fault in it: ZeroDivisionError"}
    assert found.get("it", 1, START, lambda: 1) == Answer(None)
    assert found.get("other", 1, START, lambda: 6) == Answer(5)
    found.get("it", 2, START, lambda: 2)
    await found.settle()
    assert faults == {}
    assert found.get("it", 2, START, lambda: 3) == Answer(2)
    assert len(told) == 3
