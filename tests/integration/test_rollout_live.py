"""A rollout on a real Unleash and a real Prometheus: 5, 25, 50 %, too slow at 50, back to 0 by the playbook; each step
is believed when it is measured. And what a flag step says when the write does not go as it should."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SystemClock, SystemIds
from console.engine.console import Console
from console.engine.outcome import Denied, Done, Outcome
from console.engine.world import World
from console.integrations.prometheus import Prometheus
from console.integrations.unleash import Unleash
from console.journal.spool import FileSpool
from console.journal.sqlite import SqliteJournal
from console.model import commands as cmd
from console.model.board import Board, Target
from console.model.people import Actor, Severity
from console.model.playbook import Check, LoadedPlaybook, Playbook, StepKind
from console.model.rolling import RolloutState
from console.model.rollout import GuardrailRule, Level, RolloutPlan
from console.model.rollout_plan import RollbackPlan
from console.model.run import StepStatus
from console.settings.config import Config, Environment, HttpSource
from console.settings.library import Library
from console.settings.outside import SecretRef, UnleashFlags
from tests import servers
from tests.fakes.door import Door
from tests.integrations.fault_server import Behaviour, Connection, answer, hang, reset
from tests.model.life import step
from tests.unleash_server import ENVIRONMENT, PROJECT, VIEWER
from tests.unleash_server import Unleash as Server

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("unleash")]

SECOND = timedelta(seconds=1)
TARGET = Target("lighthouse", "production")
GLASS = "there is nobody to decide"
PATIENCE = 120.0
_names = (f"live-{number}" for number in itertools.count())


class Service:
    """What the flag steers: it asks Unleash as a client does, sends that share of its traffic on the new path, and says
    so to whoever scrapes it. The new path is slow above a quarter of the traffic."""

    def __init__(self, unleash: Server, flag: str) -> None:
        self.unleash, self.flag = unleash, flag
        self.exporter = servers.Exporter()
        self._stop = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.exporter.stop()

    def _follow(self) -> None:
        while not self._stop.wait(0.2):
            self._look()

    def _look(self) -> None:
        on, rollout = self.unleash.rollout(self.flag)
        share = float(rollout) if on else 0.0
        self.exporter.set(f"new_path_percent {share:g}\nnew_path_p99_ms {612 if share > 25 else 180}")


@pytest.fixture
def service(unleash: Server) -> Iterator[Service]:
    """Its flag is there, and off."""
    found = Service(unleash, unleash.flag(next(_names), "0", on=False))
    yield found
    found.close()


@pytest.fixture
def door(unleash: Server) -> Iterator[Door]:
    """Between the console and Unleash."""
    found = Door({"u": unleash.url})
    yield found
    found.close()


def configuration(flag: str) -> Config:
    source = HttpSource("prometheus", "http://prometheus", SECOND, timedelta(seconds=10))
    unleash = UnleashFlags(HttpSource("unleash", "http://unleash", SECOND, timedelta(seconds=2)), PROJECT, ENVIRONMENT)
    plan = RolloutPlan(
        "r", "elicitation", "wait-for-messages", (5, 25, 50, 100), timedelta(minutes=30), "new_path_percent", "", flag,
        (GuardrailRule("p99", "P99", "new_path_p99_ms", 300, 500, "ms"),),
        rollback=RollbackPlan("rollback"), hash="sha256:plan",
    )  # fmt: skip
    gone = Check("rollout.percent", "<=", 0)
    book = Playbook(
        "rollback", "Rollback", (Severity.SEV1,), "platform", "2026-11-01",
        (step("disable", kind=StepKind.FLAG, flag=flag, percent=0, verify=gone), step("say")),
    )  # fmt: skip
    library = Library.of(LoadedPlaybook(book, "hash", "rollback.yaml"))
    return Config(Path(), (Environment(TARGET, source, flags=unleash),), (), (), plan, (), library)


class Site:
    """Consoles on one record, with Unleash behind the door and, where it is wanted, Prometheus."""

    def __init__(self, folder: Path, flag: str, door: Door, token: str, prometheus: str = "") -> None:
        self.folder, self.door, self.token, self.prometheus = folder, door, token, prometheus
        self.config = configuration(flag)
        self.clock = SystemClock()

    @asynccontextmanager
    async def console(self, name: str = "alice") -> AsyncIterator[Console]:
        environment, ids, who = self.config.environments[0], SystemIds(), Actor(name, name)
        assert isinstance(environment.flags, UnleashFlags)
        assert environment.prometheus is not None
        source = replace(environment.flags.source, url=self.door.url_of("u"), token=SecretRef("env", "T"))
        flags = Unleash(replace(environment.flags, source=source), self.clock, lambda _: self.token)
        journal = SqliteJournal(self.folder / "journal.db", self.clock, console=name)
        spool = FileSpool([self.folder / name], self.clock, ids, who, console=name, journal="journal")
        metrics = (
            Prometheus(replace(environment.prometheus, url=self.prometheus), self.clock) if self.prometheus else None
        )
        world = World(self.clock, ids, journal, spool, metrics, flags=flags)
        console = Console(world, self.config, environment, who, console=name)
        await console.start()
        try:
            yield console
        finally:
            await console.stop()
            flags.close()


async def until(console: Console, holds: Callable[[Board], object], what: str) -> Board:
    """The first Board of which it holds."""
    seen: asyncio.Future[Board] = asyncio.get_running_loop().create_future()

    def look(board: Board) -> None:
        if not seen.done() and holds(board):
            seen.set_result(board)

    stop = console.subscribe(look)
    try:
        look(console.board)
        async with asyncio.timeout(PATIENCE):
            return await seen
    except TimeoutError:
        raise AssertionError(f"{what} did not come: {console.board.sources} {console.board.rollout}") from None
    finally:
        stop()


def value(board: Board, name: str) -> float | None:
    reading = board.readings.get(name)
    return reading.value if reading is not None and reading.ok else None


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


async def to(console: Console, share: float) -> Board:
    """Sets the share, and waits until it is entered: the flag gives it, and it is measured."""
    before = console.state.rollouts[str(TARGET)].percent or 0.0
    done(await console.submit(cmd.SetShare(share, before, break_glass=GLASS)))
    board = await until(
        console,
        lambda it: (
            console.state.rollouts[str(TARGET)].state is RolloutState.BAKING and value(it, "rollout.percent") == share
        ),
        f"{share:g} %",
    )
    assert value(board, "flag.percent") == share
    return board


async def run_of(console: Console) -> str:
    declared = done(await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1)))
    book = console.board.playbooks[0]
    return done(await console.submit(cmd.StartRun(declared.subject, book))).subject


async def test_up_to_50_too_slow_there_and_back_to_0_each_as_it_is_measured(
    service: Service, unleash: Server, door: Door, tmp_path: Path, start_prometheus: Callable[..., servers.Prometheus]
) -> None:
    prometheus = start_prometheus(scrape_targets={"service": service.exporter.address})
    prometheus.wait_for("new_path_percent")
    async with Site(tmp_path, service.flag, door, unleash.token, prometheus.url).console() as console:
        await until(console, lambda it: value(it, "flag.percent") == 0.0 and value(it, "rollout.percent") == 0.0, "0 %")
        done(await console.submit(cmd.BeginRollout("rev-1")))
        for share in (5.0, 25.0):
            board = await to(console, share)
            assert unleash.rollout(service.flag) == (True, f"{share:g}")
            assert value(board, "guardrail.p99") == 180.0
        await to(console, 50.0)
        board = await until(console, lambda it: value(it, "guardrail.p99") == 612.0, "the breach")
        assert board.rollout is not None
        assert board.rollout.guardrails[0].level is Level.CRITICAL

        run = await run_of(console)
        done(await console.submit(cmd.SetFlag(run, "disable")))
        assert unleash.rollout(service.flag) == (False, "0")
        board = await until(
            console,
            lambda it: (found := it.run(run)) is not None and found.steps["disable"].status is StepStatus.DONE,
            "the end of the step",
        )

        assert value(board, "rollout.percent") == 0.0, "it closed on what was measured"
        found = board.run(run)
        assert found is not None
        assert found.effects[0].outcome == "done"
        assert "was at 50 %, is set to 0 %" in found.effects[0].answer


def dropped(connection: Connection) -> None:
    answer(200, {})(connection)


def writes(door: Door, behave: Behaviour) -> Behaviour:
    def fault(connection: Connection) -> None:
        (door.pass_on if connection.request.method == "GET" else behave)(connection)

    return fault


@pytest.mark.parametrize(
    ("behave", "words", "unknown"),
    [
        (dropped, "it reads 50 %", False),
        (answer(403, {"message": "no permission"}), "403", False),
        (hang, "no complete answer within 2 s", True),
        (reset, "may or may not have been carried out", True),
    ],
    ids=["without effect", "403", "time-out", "lost answer"],
)
async def test_a_flag_step_stays_open_and_says_why(
    unleash: Server, door: Door, tmp_path: Path, behave: Behaviour, words: str, unknown: bool
) -> None:
    flag = unleash.flag(next(_names), "50")
    async with Site(tmp_path, flag, door, unleash.token).console() as console:
        await until(console, lambda it: value(it, "flag.percent") == 50.0, "50 %")
        run = await run_of(console)
        door.fault = writes(door, behave)

        denied = await console.submit(cmd.SetFlag(run, "disable"))

        assert isinstance(denied, Denied)
        assert (denied.unknown, words in denied.reason) == (unknown, True), denied.reason
        found = console.board.run(run)
        assert found is not None
        assert found.steps["disable"].open
        assert found.effects[0].outcome == ("" if unknown else "refused")
        assert unleash.rollout(flag) == (True, "50")


async def test_a_token_that_may_only_look_leaves_the_step_open(unleash: Server, door: Door, tmp_path: Path) -> None:
    flag = unleash.flag(next(_names), "50")
    token = unleash.token_of(next(_names), VIEWER)
    async with Site(tmp_path, flag, door, token).console() as console:
        run = await run_of(console)

        denied = await console.submit(cmd.SetFlag(run, "disable"))

        assert isinstance(denied, Denied)
        assert "UPDATE_FEATURE_ENVIRONMENT" in denied.reason
        assert unleash.rollout(flag) == (True, "50")


async def test_of_two_operators_at_once_one_wins_and_both_are_told(unleash: Server, door: Door, tmp_path: Path) -> None:
    flag = unleash.flag(next(_names), "0", on=False)
    site = Site(tmp_path, flag, door, unleash.token)
    async with site.console("alice") as alice, site.console("bob") as bob:
        for console in (alice, bob):
            await until(console, lambda it: value(it, "flag.percent") == 0.0, "0 %")
        done(await alice.submit(cmd.BeginRollout("rev-1")))
        await until(bob, lambda _: str(TARGET) in bob.state.rollouts, "the rollout")

        both: tuple[Awaitable[Outcome], ...] = (
            alice.submit(cmd.SetShare(5, 0, break_glass=GLASS)),
            bob.submit(cmd.SetShare(25, 0, break_glass=GLASS)),
        )
        outcomes = await asyncio.gather(*both)

        winners = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        losers = [outcome for outcome in outcomes if isinstance(outcome, Denied)]
        assert (len(winners), len(losers)) == (1, 1), outcomes
        name, share = ("alice", 5) if outcomes[0] in winners else ("bob", 25)
        assert name in losers[0].reason
        assert unleash.rollout(flag) == (True, f"{share}")
