"""How long a rollback takes, on the Board: from the record, the readings, the histogram; and what is written of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import exp

import pytest

from console.engine.clocks import SimulatedClock
from console.engine.console import Console
from console.engine.durations import lasting_of
from console.engine.history import History, prediction
from console.engine.inflight import cut_after
from console.engine.outcome import Done
from console.model import commands as cmd
from console.model import events as ev
from console.model.draining import DURATION
from console.model.estimate import Estimate
from console.model.people import Severity
from console.model.playbook import Do, Reaction
from console.model.reading import Reading, ReadingState
from console.model.rolling import Breach, RolloutRecord, RolloutState
from console.model.rollout_plan import RollbackPlan
from console.ports import Append, NewEvent, Query, Row, SourceError
from console.reports.snapshot import snapshot
from tests.engine.bench import CONFIG, PLAN, START, Bench, Metrics
from tests.model.life import ALICE, ENGINE, ROLLBACK

TARGET = "lighthouse/production"
STREAM = f"rollback:{TARGET}"
WAY_BACK = RollbackPlan(
    "emergency-rollback",
    timedelta(minutes=20),
    no_return="n",
    inflight="i",
    durations="seconds_bucket",
    completions="c",
    arrivals="a",
    drain_step="drain",
)
MEAN = 20.0
LES = (1.0, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0)
TOTALS = (12.1, 14.8, 13.2, 17.5, 15.0)


class Values(Metrics):
    """Answers what the test says, 1 otherwise, and None for what cannot be read."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(clock)
        self.values: dict[str, float | None] = {
            "rollback.inflight": 300.0, "rollback.completions": 15.0, "rollback.arrivals": 0.0,
            "rollback.no_return": 0.0, "rollout.percent": 25.0,
        }  # fmt: skip
        self.no_rows = ""
        self.asked_rows: list[tuple[datetime, str]] = []

    def read(self, queries: Sequence[Query], **more: object) -> Mapping[str, Reading[float]]:
        found = dict(super().read(queries, **more))
        now = self.clock.now()
        for name in found.keys() & self.values.keys():
            value = self.values[name]
            state = ReadingState.OK if value is not None else ReadingState.NO_DATA
            found[name] = Reading(state, value, now, "prometheus")
        return found

    def rows(self, expr: str) -> tuple[Row, ...]:
        if "seconds_bucket" not in expr:
            return ()
        self.asked_rows.append((self.clock.now(), expr))
        if self.no_rows:
            raise SourceError(self.no_rows)
        counts = [*((f"{le:g}", 1.0 - exp(-le / MEAN)) for le in LES[:-1]), ("300", 1.0), ("+Inf", 1.0)]
        return tuple(Row({"le": le}, count) for le, count in counts)


@pytest.fixture
def values(bench: Bench) -> Values:
    found = Values(bench.clock)
    bench.metrics = found
    bench.config = replace(CONFIG, rollout=replace(PLAN, rollback=WAY_BACK))
    return found


async def past(bench: Bench, count: int = 5, hash_: str = ROLLBACK.hash) -> None:
    """Rollbacks of the record: five minutes of each were the drain."""
    events = [
        NewEvent(
            ev.RollbackMeasured(
                f"r{place}", 60 * total, "real", "emergency-rollback", hash_,
                (("disable", 30.0), ("drain", 300.0), ("clear", 60 * total - 400.0), ("validate", 70.0)),
                human=("alert", "clear", "validate"),
            ),
            START - timedelta(days=1),
            bench.ids.new(),
        )
        for place, total in enumerate(TOTALS[:count])
    ]  # fmt: skip
    await bench.journal.append([Append(STREAM, None, tuple(events), ENGINE)])


def history(console: Console) -> History:
    return console._boards.history


async def start(console: Console) -> str:
    declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    assert isinstance(declared, Done)
    started = await console.submit(cmd.StartRun(declared.subject, ROLLBACK))
    assert isinstance(started, Done)
    return started.subject


async def close(console: Console, run: str, *steps: str) -> None:
    for name in steps:
        typed = f"CLEAR {TARGET}" if name == "clear" else ""
        done = cmd.CompleteStep(run, name, "done", "", typed, "seen", "alone")
        outcome = await console.submit(done)
        assert isinstance(outcome, Done), outcome


# -- how long ---------------------------------------------------------------------------------------------------------


async def test_the_board_has_an_estimate_with_the_drain_as_it_is_now(bench: Bench, values: Values) -> None:
    await past(bench)
    console = await bench.console()
    await bench.run(20)
    found = console.board.readiness.estimate
    assert (found.runs, found.human_only) == (5, False)
    assert found.drain is not None
    assert (found.drain.bound, found.drain.items) == (DURATION, 300.0)
    assert found.drain.at == console.board.readings["rollback.inflight"].at
    # Five minutes of each were the drain; now the last of 300 items of 20 s ends within about two.
    assert found.drain.p50 == pytest.approx(130, rel=0.15)
    assert found.p50 == pytest.approx(864 - 300 + (found.drain.p50 or 0), rel=0.05)
    assert [item.step for item in found.drivers if item.live] == ["drain"]
    values.values["rollback.inflight"] = 0.0
    await bench.run(30)
    fewer = console.board.readiness.estimate
    assert fewer.p50 == pytest.approx(864 - 300, rel=0.05)


async def test_without_a_past_there_is_no_number(bench: Bench, values: Values) -> None:
    console = await bench.console()
    await bench.run(20)
    found = console.board.readiness.estimate
    assert (found.runs, found.p50, found.within) == (0, None, ())
    assert found.statement == "no rollback and no drill was measured"
    assert found.drain is not None
    block = snapshot(console.board)["rollback"]
    assert (block["minutes"], block["p_within"], block["runs"]) == (None, None, 0)


async def test_without_a_plan_it_says_so(bench: Bench) -> None:
    console = await bench.console()
    await bench.run(20)
    assert console.board.readiness.estimate.statement.startswith("no rollback is configured")


async def test_what_a_source_does_not_say_is_not_known(bench: Bench, values: Values) -> None:
    await past(bench)
    values.no_rows = "no such metric"
    values.values["rollback.completions"] = None
    console = await bench.console()
    await bench.run(20)
    found = console.board.readiness.estimate
    assert found.drain is not None
    assert found.drain.p50 is None
    assert "neither how long items last nor how many end per second" in found.drain.why
    assert found.p50 == pytest.approx(864, rel=0.01)  # the past drains stand for it
    values.values["rollback.inflight"] = None
    await bench.run(30)
    assert console.board.readiness.estimate.drain is None


async def test_arrivals_that_were_not_read_are_not_none(bench: Bench, values: Values) -> None:
    values.values["rollback.arrivals"] = None
    console = await bench.console()
    await bench.run(20)
    drain = console.board.readiness.estimate.drain
    assert drain is not None
    assert (drain.p50, drain.never, drain.why) == (None, False, "how much still arrives was not read")


async def test_more_arrives_than_ends(bench: Bench, values: Values) -> None:
    await past(bench)
    values.values["rollback.arrivals"] = 20.0
    console = await bench.console()
    await bench.run(20)
    found = console.board.readiness.estimate
    assert found.drain is not None
    assert found.drain.never
    assert found.p50 is None


async def test_another_playbook_than_was_measured(bench: Bench, values: Values) -> None:
    await past(bench, hash_="sha256:older")
    console = await bench.console()
    await bench.run(20)
    assert console.board.readiness.estimate.plan_changed is True


async def test_the_histogram_is_read_once_a_minute(bench: Bench, values: Values) -> None:
    await bench.console()
    await bench.run(180)
    times = [at for at, _ in values.asked_rows]
    assert 3 <= len(times) <= 4
    assert values.asked_rows[0][1] == "sum by (le) (rate(seconds_bucket[30m]))"


async def test_it_is_computed_anew_only_when_something_has_changed(bench: Bench, values: Values) -> None:
    await past(bench)
    console = await bench.console()
    await bench.run(20)
    first = console.board.readiness.estimate
    console._publish()
    assert console.board.readiness.estimate == first
    assert console.board.readiness.estimate.drivers is first.drivers
    await bench.run(60)  # read again, and the same: only the instant of the drain is another one
    second = console.board.readiness.estimate
    assert second.drivers is first.drivers
    assert second.drain is not None
    assert first.drain is not None
    assert second.drain.at is not None
    assert first.drain.at is not None
    assert second.drain.at > first.drain.at
    values.values["rollback.inflight"] = 200.0
    await bench.run(20)
    assert console.board.readiness.estimate.p50 != first.p50


# -- the snapshot -----------------------------------------------------------------------------------------------------


async def test_the_snapshot_says_minutes_and_probabilities(bench: Bench, values: Values) -> None:
    values.values["rollback.inflight"] = None
    await past(bench)
    console = await bench.console()
    await bench.run(20)
    block = snapshot(console.board)["rollback"]
    assert {name: round(value, 1) for name, value in block["minutes"].items()} == {
        "p50": 14.4, "p80": 16.6, "p95": 20.0,
    }  # fmt: skip
    assert {name: round(value, 3) for name, value in block["p_within"].items()} == {"15": 0.597, "20": 0.95}
    assert (block["runs"], block["no_return_at"]) == (5, None)
    assert block["can"] != "yes"


# -- when, and how much longer ----------------------------------------------------------------------------------------


async def test_a_breach_sets_the_moment_to_start_by(bench: Bench, values: Values) -> None:
    await past(bench)
    console = await bench.console()
    await bench.run(20)
    board = console.board
    assert board.progress is not None
    # No budget burns fast enough to bound it: every query answers 1.
    since = board.at - timedelta(minutes=1)
    breached = {"p99": Breach("p99", since, "slow")}
    record = RolloutRecord(TARGET, state=RolloutState.BAKING, started_at=START, breaches=breached)
    progress, known = replace(board.progress, record=record), replace(board, slos=())
    found = history(console).completed(console.state, known, progress).deadline
    p95 = board.readiness.estimate.p95
    assert p95 is not None
    assert found.at is not None
    assert found.at == pytest.approx(since + timedelta(minutes=20) - timedelta(seconds=p95), abs=timedelta(seconds=1))
    assert "the objective of 20 min after the breach" in found.why
    # What was kept of it is no answer for another time, or for another record.
    late = replace(known, at=found.at + timedelta(seconds=1))
    assert not found.passed
    assert history(console).completed(console.state, late, progress).deadline == replace(found, passed=True)
    assert history(console).completed(console.state, known, progress).deadline == found
    over = replace(board.progress, record=replace(record, state=RolloutState.ROLLED_BACK))
    assert history(console).completed(console.state, known, over).deadline.at is None
    block = snapshot(replace(known, readiness=replace(board.readiness, deadline=found)))["rollback"]
    assert block["no_return_at"] is not None


async def test_the_point_of_no_return_is_passed(bench: Bench, values: Values) -> None:
    await past(bench)
    values.values["rollback.no_return"] = 1.0
    console = await bench.console()
    await bench.run(20)
    found = console.board.readiness.deadline
    assert (found.passed, found.why) == (True, "the point of no return is passed")


async def test_what_is_left_is_told_anew_after_each_step(bench: Bench, values: Values) -> None:
    values.values["rollback.inflight"] = None
    await past(bench)
    console = await bench.console()
    await bench.run(20)
    run = await start(console)
    await bench.run(1)
    first = console.board.readiness.remaining
    assert first is not None
    assert (first.run, first.within) == (run, timedelta(minutes=20))
    assert first.p50 == pytest.approx(864, rel=0.02)
    assert console.board.readiness.deadline.why == "a rollback is under way"
    await bench.run(29)
    await close(console, run, "alert", "disable")
    second = console.board.readiness.remaining
    assert second is not None
    assert second.p50 == pytest.approx(864 - 30, rel=0.03)
    assert second.elapsed == pytest.approx(30, abs=1)
    await bench.run(300)
    await close(console, run, "drain")
    third = console.board.readiness.remaining
    assert third is not None
    assert third.p50 == pytest.approx(864 - 330, rel=0.05)


async def test_a_drain_is_fitted_to_what_is_seen_of_it(bench: Bench, values: Values) -> None:
    await past(bench)
    console = await bench.console()
    await bench.run(20)
    run = await start(console)
    await close(console, run, "alert", "disable")
    began = bench.clock.now()
    for _ in range(12):
        left = 300.0 * exp(-(bench.clock.now() - began).total_seconds() / 60.0)  # three times as long as before
        values.values |= {"rollback.inflight": left, "rollback.completions": left / 60.0}
        console.refresh()
        await bench.run(10)
    drain = console.board.readiness.estimate.drain
    assert drain is not None
    assert drain.bound == DURATION
    assert "completions fall with what is in flight" in drain.why
    assert drain.p50 == pytest.approx(60 * 4.1, rel=0.35)
    await close(console, run, "drain", "clear", "validate")
    await bench.run(20)
    after = console.board.readiness.estimate.drain
    assert after is not None
    assert "slope" not in after.why  # the next one begins anew


# -- what is written --------------------------------------------------------------------------------------------------


async def test_a_rollback_is_foretold_measured_and_scored_once(bench: Bench, values: Values) -> None:
    values.values["rollback.inflight"] = None
    await past(bench)
    console = await bench.console()
    await bench.run(20)
    run = await start(console)
    await bench.run(5)
    (said,) = [event.payload for event in bench.journal.stream(STREAM) if event.kind == "rollback.predicted"]
    assert (said.run, said.runs, round(said.p80 / 60, 1)) == (run, 5, 16.6)
    await bench.run(25)
    await close(console, run, "alert", "disable")
    await bench.run(300)
    await close(console, run, "drain")
    await bench.run(400)
    await close(console, run, "clear", "validate")
    await bench.run(120)
    measured = [event for event in bench.journal.stream(STREAM) if event.kind == "rollback.measured"]
    assert len(measured) == 6
    event = measured[-1]
    assert (event.payload.run, event.payload.source, event.actor.name) == (run, "real", "engine")
    assert event.payload.seconds == pytest.approx(730, abs=2)
    assert event.occurred_at == console.state.runs[run].ended_at
    assert 0.05 < event.payload.quantile < 0.5
    assert dict(event.payload.steps)["drain"] == pytest.approx(300, abs=1)
    found = console.board.readiness.estimate
    assert (found.runs, found.scored, found.inside) == (6, 1, 1)
    assert console.board.readiness.remaining is None
    again = await bench.console("bob")
    await bench.run(30)
    assert len([event for event in bench.journal.stream(STREAM) if event.kind == "rollback.measured"]) == 6
    assert again.board.readiness.estimate.runs == 6


async def test_a_drill_of_the_record_counts_for_people_alone(bench: Bench, values: Values) -> None:
    console = await bench.console()
    await bench.run(20)
    run = await start(console)
    drill = NewEvent(ev.DrillStarted("rollback", run), bench.clock.now(), bench.ids.new())
    await bench.journal.append([Append("drill:d1", None, (drill,), ALICE)])
    await close(console, run, "alert", "disable", "drain")
    await bench.run(300)
    await close(console, run, "clear", "validate")
    await bench.run(30)
    (measured,) = console.state.rollbacks[TARGET].measured
    assert measured.origin == "simulated"
    found = console.board.readiness.estimate
    assert (found.runs, found.p50) == (1, None)
    assert found.statement.startswith("the only one: 5.0 min")


async def test_a_demos_rollbacks_count_for_no_live_console(bench: Bench, values: Values) -> None:
    bench.journal._mode = "demo"
    await past(bench)
    bench.journal._mode = "live"
    console = await bench.console()
    await bench.run(20)
    assert len(console.state.rollbacks[TARGET].measured) == 5
    assert console.board.readiness.estimate.runs == 0


def test_of_people_alone_nothing_is_foretold() -> None:
    whole = Estimate(runs=3, p50=1.0, p80=2.0, p95=3.0, within=((15, 0.5), (20, 0.6)))
    assert prediction("r", whole) == cmd.PredictRollback("r", 3, 1.0, 2.0, 3.0, 0.5, 0.6)
    assert prediction("r", replace(whole, human_only=True)) == cmd.PredictRollback("r", 3)


# -- parts ------------------------------------------------------------------------------------------------------------


def test_buckets_that_are_none() -> None:
    assert lasting_of(()) is None
    assert lasting_of((Row({}, 1.0),)) is None
    assert lasting_of((Row({"le": "x"}, 1.0), Row({"le": "+Inf"}, 1.0))) is None
    assert lasting_of((Row({"le": "1"}, 1.0), Row({"le": "2"}, 1.0))) is None
    assert lasting_of((Row({"le": "1"}, float("nan")), Row({"le": "+Inf"}, 1.0))) is None
    assert lasting_of((Row({"le": "1"}, float("inf")), Row({"le": "+Inf"}, float("inf")))) is None
    assert lasting_of((Row({"le": "-1"}, 0.0), Row({"le": "0"}, 0.0), Row({"le": "+Inf"}, 1.0))) is None
    found = lasting_of((Row({"le": "+Inf"}, 4.0), Row({"le": "2"}, 4.0), Row({"le": "1"}, 2.0)))
    assert found is not None
    assert found.mean == pytest.approx(1.0)


def test_a_playbook_that_goes_on_cuts_its_drain() -> None:
    playbook = ROLLBACK.playbook
    assert cut_after(playbook, "drain") is None
    going = replace(playbook.step("drain"), on_overdue=(Reaction(Do.GO_ON),))
    steps = tuple(going if step.id == "drain" else step for step in playbook.steps)
    assert cut_after(replace(playbook, steps=steps), "drain") == 300.0
    assert cut_after(playbook, "unheard of") is None
