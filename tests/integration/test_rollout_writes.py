"""Writes of a flag on a real Unleash that do not go as they should: what the step or the promotion says then, and that
it stays open. And two operators who promote at once, on the same decision."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SystemClock, SystemIds
from console.engine.console import Console
from console.engine.outcome import Denied, Done, Outcome
from console.engine.world import World
from console.integrations.unleash import Unleash
from console.journal.spool import FileSpool
from console.journal.sqlite import SqliteJournal
from console.model import commands as cmd
from console.model.board import Board, Target
from console.model.certificate import wanted
from console.model.decision import Status
from console.model.events import WriteFinished
from console.model.people import Actor, Severity
from console.model.playbook import Check, LoadedPlaybook, Playbook, StepKind
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import CriterionKind, CriterionRule, RollbackPlan
from console.settings.config import Config, Environment, HttpSource
from console.settings.library import Library
from console.settings.outside import SecretRef, UnleashFlags
from tests.fakes.door import Door
from tests.integrations.fault_server import Behaviour, Connection, answer, hang, reset
from tests.model.life import step
from tests.unleash_server import ENVIRONMENT, PROJECT, VIEWER
from tests.unleash_server import Unleash as Server

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("unleash")]

SECOND = timedelta(seconds=1)
TARGET = Target("lighthouse", "production")
PATIENCE = 120.0
_names = (f"live-{number}" for number in itertools.count())


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
        criteria=(CriterionRule("bake", "Baked", CriterionKind.BAKE),), rollback=RollbackPlan("rollback"),
        hash="sha256:plan",
    )  # fmt: skip
    gone = Check("rollout.percent", "<=", 0)
    book = Playbook(
        "rollback", "Rollback", (Severity.SEV1,), "platform", "2026-11-01",
        (step("disable", kind=StepKind.FLAG, flag=flag, percent=0, verify=gone), step("say")),
    )  # fmt: skip
    library = Library.of(LoadedPlaybook(book, "hash", "rollback.yaml"))
    return Config(Path(), (Environment(TARGET, source, flags=unleash),), (), (), plan, (), library)


class Site:
    """Consoles on one record, with Unleash behind the door; nothing measures the traffic."""

    def __init__(self, folder: Path, flag: str, door: Door, token: str) -> None:
        self.folder, self.door, self.token = folder, door, token
        self.config = configuration(flag)
        self.clock = SystemClock()

    @asynccontextmanager
    async def console(self, name: str = "alice") -> AsyncIterator[Console]:
        environment, ids, who = self.config.environments[0], SystemIds(), Actor(name, name)
        assert isinstance(environment.flags, UnleashFlags)
        source = replace(environment.flags.source, url=self.door.url_of("u"), token=SecretRef("env", "T"))
        flags = Unleash(replace(environment.flags, source=source), self.clock, lambda _: self.token)
        journal = SqliteJournal(self.folder / "journal.db", self.clock, console=name)
        spool = FileSpool([self.folder / name], self.clock, ids, who, console=name, journal="journal")
        world = World(self.clock, ids, journal, spool, flags=flags)
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


async def run_of(console: Console) -> str:
    declared = done(await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1)))
    book = console.board.playbooks[0]
    return done(await console.submit(cmd.StartRun(declared.subject, book))).subject


def dropped(connection: Connection) -> None:
    answer(200, {})(connection)


def writes(door: Door, behave: Behaviour) -> Behaviour:
    def fault(connection: Connection) -> None:
        (door.pass_on if connection.request.method == "GET" else behave)(connection)

    return fault


FAULTS: Mapping[str, tuple[Behaviour, str, bool]] = {
    "without effect": (dropped, "it reads {:g} %", False),
    "403": (answer(403, {"message": "no permission"}), "403", False),
    "time-out": (hang, "no complete answer within 2 s", True),
    "lost answer": (reset, "may or may not have been carried out", True),
}
"""What may happen to a write, what is said of it, and whether its outcome is unknown."""


@pytest.mark.parametrize(("behave", "words", "unknown"), FAULTS.values(), ids=FAULTS.keys())
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
        assert (denied.unknown, words.format(50) in denied.reason) == (unknown, True), denied.reason
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


async def decided(console: Console, share: float) -> str:
    """A GO for the next phase is recorded; its id."""
    board = console.board
    assert board.progress is not None
    assert board.progress.proposal is not None
    done(await console.submit(wanted(board, board.progress.proposal, Status.GO)))
    (decision,) = [item for item in console.state.decisions.values() if item.to_percent == share]
    return decision.id


async def test_of_two_operators_at_once_one_wins_and_both_are_told(unleash: Server, door: Door, tmp_path: Path) -> None:
    flag = unleash.flag(next(_names), "0", on=False)
    site = Site(tmp_path, flag, door, unleash.token)
    async with site.console("alice") as alice, site.console("bob") as bob:
        for console in (alice, bob):
            await until(console, lambda it: value(it, "flag.percent") == 0.0, "0 %")
        done(await alice.submit(cmd.BeginRollout("rev-1")))
        decision = await decided(alice, 5)
        await until(bob, lambda _: decision in bob.state.decisions, "the decision")

        promote = cmd.SetShare(5, 0, promote=True, decision=decision)
        both: tuple[Awaitable[Outcome], ...] = (alice.submit(promote), bob.submit(promote))
        outcomes = await asyncio.gather(*both)

        winners = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        losers = [outcome for outcome in outcomes if isinstance(outcome, Denied)]
        assert (len(winners), len(losers)) == (1, 1), outcomes
        name = "alice" if outcomes[0] in winners else "bob"
        assert re.search(rf"{name} (is setting|set) it to 5 %", losers[0].reason), losers[0].reason
        finished = [event.payload for event in winners[0].events if isinstance(event.payload, WriteFinished)]
        assert [(item.outcome, item.observed) for item in finished] == [("done", 5)]
        assert unleash.rollout(flag) == (True, "5")
        for console in (alice, bob):
            await until(console, lambda it: it.progress is not None and it.progress.record.percent == 5, "5 %")
        write = bob.state.rollouts[str(TARGET)].write
        assert write is not None
        assert (write.by.name, write.decision) == (name, decision)


@pytest.mark.parametrize(("behave", "words", "unknown"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_promotion_whose_write_fails_says_why_and_enters_nothing(
    unleash: Server, door: Door, tmp_path: Path, behave: Behaviour, words: str, unknown: bool
) -> None:
    flag = unleash.flag(next(_names), "0", on=False)
    async with Site(tmp_path, flag, door, unleash.token).console() as console:
        await until(console, lambda it: value(it, "flag.percent") == 0.0, "0 %")
        done(await console.submit(cmd.BeginRollout("rev-1")))
        decision = await decided(console, 5)
        door.fault = writes(door, behave)

        denied = await console.submit(cmd.SetShare(5, 0, promote=True, decision=decision))

        assert isinstance(denied, Denied)
        assert (denied.unknown, words.format(0) in denied.reason) == (unknown, True), denied.reason
        record = console.state.rollouts[str(TARGET)]
        assert (record.percent, record.stay) == (0, None)
        assert (record.open_write is not None) == unknown
        again = await console.submit(cmd.SetShare(5, 0, promote=True, decision=decision)) if unknown else denied
        assert isinstance(again, Denied)
        assert not unknown or "only 0 % can be set" in again.reason
        assert unleash.rollout(flag)[0] is False
