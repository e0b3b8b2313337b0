"""How a rollback stands on the Board: from the readings of the sources' own rounds, without questions of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from console.model.board import HealthSnapshot
from console.model.escalation import OnCallRole
from console.model.pager import OnCall, PagerSnapshot
from console.model.people import Person
from console.model.reading import Reading, ReadingState
from console.model.rollback import TITLES, Can, ProofState
from console.ports import SourceError
from console.settings.outside import Component, HttpSource, Notify, PagerDuty
from tests.engine.bench import CONFIG, ENVIRONMENT, PLAN, Bench
from tests.engine.test_proving import ROLLBACK_PLAN, WANTED, Flags, flags

__all__ = ["flags"]

ROLLBACK = replace(
    ROLLBACK_PLAN,
    legacy_capacity="c",
    no_return="n",
    compatible="d",
    backup_age="b",
    backup_within=timedelta(hours=1),
    restore_age="r",
    restore_every=timedelta(days=30),
    inflight="i",
)


class Health:
    name = "health"

    def __init__(self, bench: Bench) -> None:
        self.bench, self.up, self.asked = bench, True, 0

    def read(self) -> HealthSnapshot:
        self.asked += 1
        now = self.bench.clock.now()
        return HealthSnapshot({"wait": Reading(ReadingState.OK, self.up, now, "health", note="200 OK")}, now)


class Pager:
    name = "pagerduty"

    def __init__(self, bench: Bench) -> None:
        self.bench, self.error = bench, ""

    def read(self) -> PagerSnapshot:
        if self.error:
            raise SourceError(self.error)
        on_calls = tuple(
            OnCall("policy", level, name, f"P{level}", "s", schedule_id=f"S{level}")
            for level, name in enumerate(("ada", "ben"), 1)
        )
        return PagerSnapshot((), on_calls, self.bench.clock.now())


PEOPLE = tuple(
    Person(name, name, pagerduty=f"P{number}", contacts=(("phone", str(number)),))
    for number, name in enumerate(("ada", "ben"), 1)
)


def whole(bench: Bench, flags: Flags) -> tuple[Health, Pager]:
    """Everything that is needed, in good order but for what no source can say."""
    bench.metrics.read = lambda queries, **_: {  # type: ignore[method-assign]
        query.name: Reading(
            ReadingState.OK, 0.0 if query.name in ("rollback.no_return", "rollback.inflight") else 1.0,
            bench.clock.now(), "prometheus",
        )
        for query in queries
    }  # fmt: skip
    health, pager = Health(bench), Pager(bench)
    bench.outside = {"health": health, "pager": pager}
    bench.flags = flags  # type: ignore[assignment]
    roles = tuple(OnCallRole(role, schedule=f"S{n}") for n, role in enumerate(("primary", "secondary"), 1))
    bench.config = replace(CONFIG, rollout=replace(PLAN, rollback=ROLLBACK), people=PEOPLE, on_call=roles)
    bench.environment = replace(
        ENVIRONMENT,
        components=(Component("wait", "http://x", legacy=True),),
        notify=Notify(pagerduty=PagerDuty(HttpSource("pagerduty", "http://x"))),
    )
    return health, pager


def states(console):
    return {proof.name: proof.state for proof in console.board.readiness.proofs}


async def test_it_is_read_with_the_rounds_and_asks_nothing_of_its_own(bench, flags):
    whole(bench, flags)
    reads: list[str] = []
    read = flags.read
    flags.read = lambda flag: reads.append(flag) or read(flag)  # type: ignore[func-returns-value]
    console = await bench.console(flags=True)
    await bench.run(130)
    await console.submit(WANTED)

    found = states(console)

    assert list(found) == list(TITLES)
    drilled = {"drill": ProofState.UNKNOWN}  # nobody has
    assert found == {**dict.fromkeys(TITLES, ProofState.PROVEN), **drilled}
    assert console.board.readiness.can is Can.UNVERIFIED
    assert len(reads) in range(8, 11)  # every 15 s, as the poller does
    assert flags.asked_scope == 1
    await bench.run(3600)
    assert flags.asked_scope in (6, 7)
    assert "it may read and write" in {p.name: p.evidence for p in console.board.readiness.proofs}["write-path"]


async def test_each_source_that_falls_silent_takes_its_proofs_with_it_after_two_minutes(bench, flags):
    _, pager = whole(bench, flags)
    console = await bench.console(flags=True)
    await bench.run(30)
    before = states(console)
    flags.rejects = "403: forbidden"
    pager.error = "no route to host"

    def gone(*_: object, **__: object) -> None:
        raise SourceError("connection refused")

    bench.metrics.read = gone  # type: ignore[method-assign]
    await bench.run(200)

    found = states(console)
    assert before["people"] is ProofState.PROVEN
    assert found["kill-switch"] is ProofState.FAILED  # it answers, and will not tell
    assert found["legacy"] is ProofState.PROVEN
    assert found["people"] is ProofState.UNKNOWN
    read = ("legacy-capacity", "share", "drain", "data", "no-return", "backup", "restore")
    assert {found[name] for name in read} <= {ProofState.EXPIRED, ProofState.UNKNOWN}
    assert console.board.readiness.can is Can.NO


async def test_a_source_that_never_answered_is_named_by_every_proof_that_it_would_have_read(bench, flags):
    whole(bench, flags)

    def gone(*_: object, **__: object) -> None:
        raise SourceError("connection refused")

    bench.metrics.read = gone  # type: ignore[method-assign]
    console = await bench.console(flags=True)
    await bench.run(30)
    found = {proof.name: proof for proof in console.board.readiness.proofs}
    for name in ("legacy-capacity", "share", "drain", "data", "no-return", "backup", "restore"):
        assert found[name].state is ProofState.UNKNOWN
        assert "prometheus: connection refused" in found[name].evidence, name
    lost = [reading for name, reading in console.board.readings.items() if name.startswith("rollback.")]
    assert lost
    assert {(reading.state, reading.source) for reading in lost} == {(ReadingState.UNREACHABLE, "prometheus")}


async def test_a_legacy_path_that_is_down_and_a_passed_point_of_no_return_say_no(bench, flags):
    health, _ = whole(bench, flags)
    health.up = False
    console = await bench.console(flags=True)
    await bench.run(20)

    assert states(console)["legacy"] is ProofState.FAILED
    assert console.board.readiness.can is Can.NO
    health.up = True
    await bench.run(20)
    assert console.board.readiness.can is not Can.NO


async def test_without_anything_configured_everything_is_unknown(bench):
    bench.config = replace(CONFIG, rollout=None)
    bench.environment = replace(ENVIRONMENT, prometheus=None)
    console = await bench.console()
    await bench.run(20)

    assert set(states(console).values()) == {ProofState.UNKNOWN}
    assert console.board.readiness.can is Can.UNVERIFIED
    assert all(proof.evidence for proof in console.board.readiness.proofs)
