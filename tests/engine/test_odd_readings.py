"""Whatever a metric says, there is a Board, and the way back is open."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from random import Random

import pytest

from console.engine.console import Console
from console.engine.outcome import Done
from console.model import commands as cmd
from console.model.rollback import Can, ProofState
from console.model.run import RunStatus
from console.reports.snapshot import snapshot
from console.view import rollback_detail, rollout_detail
from console.view.look import Look
from tests.engine.bench import CONFIG, PLAN, Bench
from tests.engine.test_history import WAY_BACK, Values, past, start

ALL = replace(
    WAY_BACK,
    legacy_capacity="l",
    compatible="d",
    backup_age="b",
    backup_within=WAY_BACK.objective,
    restore_age="r",
    restore_every=WAY_BACK.objective,
    backlog="q",
    throughput="t",
    restore_step="clear",
)
ODD = (1e300, -1e300, 1e308, -1e308, 1e-308, -1e-308, 5e-324, inf, -inf, nan, 1e12, 1e9, 1e-9, -5.0, 0.0, 1.0, 300.0)
READ = (
    "rollback.inflight", "rollback.completions", "rollback.arrivals", "rollback.backlog", "rollback.throughput",
    "rollback.no_return", "rollback.legacy_capacity", "rollback.compatible", "rollback.backup_age",
    "rollback.restore_age", "rollout.percent", "rollout.since", "rollout.samples",
)  # fmt: skip


@pytest.fixture
def values(bench: Bench) -> Values:
    found = Values(bench.clock)
    bench.metrics = found
    bench.config = replace(CONFIG, rollout=replace(PLAN, rollback=ALL))
    return found


def shown(console: Console) -> None:
    """All that is made of a Board can be made."""
    board, look = console.board, Look()
    for page in (rollback_detail.page, rollout_detail.page):
        assert page(board, board.at, 100, look)
    assert snapshot(board)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rollback.inflight", 1e300), ("rollback.completions", 1e308), ("rollback.completions", 1e-308),
        ("rollback.arrivals", -1e308), ("rollback.throughput", 1e-308), ("rollback.backlog", 1e308),
    ],
)  # fmt: skip
async def test_one_absurd_value_stops_nothing(bench: Bench, values: Values, name: str, value: float) -> None:
    await past(bench)
    values.values |= {"rollback.backlog": 10.0, "rollback.throughput": 1.0, name: value}
    console = await bench.console()
    await bench.run(40)
    assert console.board.fault == ""
    assert console.board.readings[name].value == value
    shown(console)
    run = await start(console)
    assert console.state.runs[run].status is RunStatus.RUNNING


async def test_whatever_is_read_there_is_a_board(bench: Bench, values: Values) -> None:
    await past(bench)
    console, dice = await bench.console(), Random(6)
    await start(console)
    for _ in range(60):
        values.values |= {name: dice.choice(ODD) for name in READ}
        before = console.board.at
        await bench.run(15)
        assert console.board.at > before
        assert console.board.fault == "", values.values
        assert console.board.readiness.can is not Can.YES
        shown(console)


async def test_a_fault_in_the_proofs_leaves_them_unknown(
    bench: Bench, values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = await bench.console()
    await bench.run(20)
    assert any(proof.state is ProofState.PROVEN for proof in console.board.readiness.proofs)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(console._boards._readiness, "make", broken)
    await bench.run(20)
    board = console.board
    assert "fault in the proofs: ZeroDivisionError" in board.fault
    assert {proof.state for proof in board.readiness.proofs} == {ProofState.UNKNOWN}
    assert board.readiness.can is Can.UNVERIFIED
    assert board.progress is not None
    assert board.readiness.estimate.p95 is None
    shown(console)
    assert await start(console)


async def test_where_no_board_can_be_made_the_last_one_says_so_and_commands_go_on(
    bench: Bench, values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = await bench.console()
    await bench.run(20)
    last = console.board

    def broken(_: int) -> None:
        raise OverflowError

    monkeypatch.setattr(console._boards, "make", broken)
    await bench.run(40)
    assert console.board.at == last.at
    assert console.board.number > last.number
    assert console.board.fault.count("no Board can be made (OverflowError)") == 1
    outcome = await console.submit(cmd.DeclareIncident("P99 is high", CONFIG.severities[0].severity))
    assert isinstance(outcome, Done)
    run = await start(console)
    assert console.state.runs[run].status is RunStatus.RUNNING
    monkeypatch.undo()
    await bench.run(20)
    assert console.board.fault == ""
    assert console.board.at > last.at
