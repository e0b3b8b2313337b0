"""The counts of both paths, minute by minute, and how the guardrails are judged by them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from console.engine.clocks import SimulatedClock
from console.engine.metrics import MetricRounds
from console.engine.offload import in_place
from console.engine.tracks import LATE, LONGEST, STALE, Tracks
from console.model.progress import Progress
from console.model.reading import Reading, ReadingState
from console.model.rolling import RolloutRecord
from console.model.rollout import Guardrail, GuardrailRule, Rollout
from console.model.rollout_plan import Evidence
from console.model.verdict import Judged, Speed, Verdict
from console.ports import Query, Row, Series, SourceError
from tests.engine.bench import PLAN, START, Bench
from tests.view.boards import quiet

MINUTE = timedelta(minutes=1)
ERRORS = Evidence("errors", "bad", "all", "legacy_bad", "legacy_all", 0.01, fast=0.05)
SECURITY = GuardrailRule("security", "Security violations", "v", None, 0, breach=">")
PLANNED = replace(
    PLAN,
    guardrails=(SECURITY, GuardrailRule("errors", "Error ratio", "e", 1, 5, "%")),
    evidence=(ERRORS,),
    revision_expr="info",
    revision_label="revision",
)


class Counted:
    """A server that counts so much in every minute, on request by the minute's end; None: no sample."""

    name, skew_seconds = "prometheus", 0.0

    def __init__(self) -> None:
        self.per_minute: dict[str, Any] = {"bad": 2.0, "total": 1000.0, "legacy_bad": 21.0, "legacy_total": 3000.0}
        self.asked: list[tuple[datetime, datetime, float]] = []
        self.error, self.refused, self.doubtful = "", set[str](), set[str]()
        self.revisions: tuple[str, ...] = ("v2",)

    def read(self, queries: Sequence[Query], **_: object) -> Mapping[str, Reading[float]]:
        raise AssertionError("the round asks, and not this")

    def read_range(
        self, queries: Sequence[Query], start: datetime, end: datetime, step_seconds: float
    ) -> Mapping[str, Series]:
        self.asked.append((start, end, step_seconds))
        if self.error:
            raise SourceError(self.error)
        count = round((end - start).total_seconds() / step_seconds) + 1
        ends = [start + timedelta(seconds=step_seconds) * at for at in range(count)]
        found = {}
        for query in queries:
            part = query.name.rsplit(".", 1)[1]
            if part not in self.refused:
                value = self.per_minute[part]
                values = [value(at, step_seconds) if callable(value) else value for at in ends]
                found[query.name] = Series(tuple(values), start, step_seconds, part in self.doubtful)
        return found

    def rows(self, expr: str) -> tuple[Row, ...]:
        return tuple(Row({"revision": name}, 1.0) for name in self.revisions)


class Life:
    """Tracks in simulated time, in the hands of a test."""

    def __init__(self, **plan: Any) -> None:
        self.clock, self.source, self.told = SimulatedClock(START), Counted(), 0
        self.plan = replace(PLANNED, **plan)
        self.rounds = MetricRounds(self.source, [], self.plan, self.clock)  # type: ignore[arg-type]
        self.tracks = Tracks(self.source, self.plan, self.clock, in_place, self.tell, self.rounds)
        self.record = RolloutRecord("r", percent=25.0, bake_since=START)
        self.violations = 0.0
        self.reading: Reading[float] | None = None
        """That of the violations, instead of one of this moment."""

    async def tell(self) -> None:
        self.told += 1

    def judged(self) -> dict[str, Judged]:
        reading = Reading(ReadingState.OK, 25.0, self.clock.now())
        violations = self.reading or Reading(ReadingState.OK, self.violations, self.clock.now())
        board = replace(
            quiet(),
            progress=Progress(self.plan, self.record, reading),
            rollout=Rollout(self.plan, reading, reading, (Guardrail(self.plan.guardrails[0], violations),)),
        )
        return {item.guardrail: item for item in self.tracks.judged(board)}

    def look(self, after: timedelta = timedelta(0)) -> Judged:
        """How the errors stand after a read, so much later."""
        self.clock.leap(self.clock.now() + after)
        self.judged()
        asyncio.run(self.tracks.look())
        return self.judged()["errors"]


@pytest.fixture
def life() -> Life:
    return Life()


def test_one_request_a_minute_for_the_whole_bake_and_one_for_the_day_before(life: Life) -> None:
    found = life.look(30 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.samples, found.legacy_samples) == (Verdict.PASS, 30_000, 90_000)
    (bake, day) = life.source.asked
    assert bake == (START + MINUTE, START + 30 * MINUTE, 60)
    assert day == (START - timedelta(days=1) + MINUTE, START, 60)
    assert life.look(MINUTE).samples == 31_000
    assert life.source.asked[2:] == [(START + MINUTE, START + 31 * MINUTE, 60)]
    assert life.tracks.revision() == "v2"


def test_a_bake_of_days_is_read_for_the_last_one(life: Life) -> None:
    life.look(timedelta(days=9))
    begin, end, step = life.source.asked[0]
    assert (end - begin).total_seconds() + step == LONGEST


def test_the_minute_that_is_not_over_is_not_read_nor_the_one_the_bake_began_in(life: Life) -> None:
    life.record = replace(life.record, bake_since=START + timedelta(seconds=15))
    found = life.look(timedelta(seconds=110 + LATE))
    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, "the first minute is not over")
    assert life.look(timedelta(seconds=15)).samples == 1000


def test_its_clock_is_the_servers(life: Life) -> None:
    life.source.skew_seconds = 300
    life.look(10 * MINUTE + timedelta(seconds=LATE))
    assert life.source.asked[0] == (START + 6 * MINUTE, START + 15 * MINUTE, 60)


def test_another_bake_has_evidence_of_its_own_and_tells_the_rounds(life: Life) -> None:
    assert life.look(20 * MINUTE).verdict is Verdict.PASS
    assert life.rounds.bake_since == START
    life.record = replace(life.record, bake_since=life.clock.now(), percent=50.0)
    assert (life.judged()["errors"].verdict, life.judged()["errors"].why) == (Verdict.INCONCLUSIVE, "not counted yet")
    assert life.rounds.bake_since == life.clock.now()
    life.record = replace(life.record, bake_since=None)
    assert life.look().why == "no phase bakes"
    assert life.rounds.bake_since is None


def test_late_samples_are_not_known_and_come_in_later(life: Life) -> None:
    holes = {START + 3 * MINUTE, START + 7 * MINUTE, START + 10 * MINUTE}
    for part, number in list(life.source.per_minute.items()):
        life.source.per_minute[part] = lambda at, _, number=number: None if at in holes else number
    found = life.look(10 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.samples) == (Verdict.INCONCLUSIVE, 7000)
    assert found.why == "3 of 10 minutes are not known"
    holes.clear()
    found = life.look()
    assert (found.verdict, found.samples) == (Verdict.PASS, 10_000)


def test_bad_events_without_a_series_are_0_where_the_legacy_path_counted_the_same(life: Life) -> None:
    life.source.per_minute["bad"] = None
    found = life.look(20 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.value, found.samples) == (Verdict.PASS, 0, 20_000)
    life.source.per_minute["bad"] = lambda at, _: 1.0 if at == START + 5 * MINUTE else None
    assert life.look().samples == 5000, "known until it was seen first"
    life.source.per_minute["total"] = None
    assert life.look().value is None


NEVER = "no bad event was ever counted on either path: is `bad` right? `absent: zero` in the plan says that it is"


def test_bad_events_that_were_never_counted_anywhere_are_no_pass(life: Life) -> None:
    life.source.per_minute |= {"bad": None, "legacy_bad": None}
    found = life.look(20 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.value, found.why) == (Verdict.INCONCLUSIVE, None, NEVER)
    life.source.per_minute["legacy_bad"] = lambda at, _: 1.0 if at == START + 21 * MINUTE else None
    found = life.look(MINUTE)
    assert (found.verdict, found.value) == (Verdict.PASS, 0), "the first one on the legacy path shows that it counts"
    life.source.per_minute["legacy_bad"] = None
    assert life.look(MINUTE).verdict is Verdict.PASS, "what was seen once is right"


def test_the_day_before_tells_that_bad_events_are_counted(life: Life) -> None:
    life.source.per_minute |= {"legacy_bad": None}
    life.source.per_minute["bad"] = lambda at, _: 1.0 if at == START - 5 * 60 * MINUTE else None
    found = life.look(20 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.value) == (Verdict.PASS, 0)


def test_a_slip_of_a_hand_on_the_new_path_alone_is_no_pass() -> None:
    life = Life(evidence=(replace(ERRORS, bad='all{code="5OO"}', legacy_bad='legacy_all{code="500"}'),))
    life.source.per_minute["bad"] = None
    found = life.look(20 * MINUTE + timedelta(seconds=LATE))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.why.startswith(
        "no bad event was ever counted on this path, and the legacy path's `bad` asks something"
    )


def test_the_plan_may_say_that_none_is_0_and_of_a_difference_it_may_not() -> None:
    life = Life(evidence=(replace(ERRORS, absent_is_zero=True),))
    life.source.per_minute |= {"bad": None, "legacy_bad": None}
    found = life.look(20 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.value, found.legacy) == (Verdict.PASS, 0, 0)
    life = Life(evidence=(replace(ERRORS, bad='sum(all) - sum(bucket{le="0.3"})', absent_is_zero=True),))
    life.source.per_minute |= {"bad": None}
    found = life.look(20 * MINUTE + timedelta(seconds=LATE))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.why == "`bad` is computed of several series, and one of them is missing: is `bad` right?"


def test_a_fast_rule_that_never_counted_anything_lets_nothing_pass_and_hinders_no_breach() -> None:
    life = Life(evidence=(replace(ERRORS, fast_bad='all{code="5OO"}'),))
    life.source.per_minute["fast_bad"] = None
    found = life.look(20 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.value) == (Verdict.INCONCLUSIVE, 0.002)
    assert "is `fast: bad` right?" in found.why
    life.source.per_minute["bad"] = 100.0
    assert life.look(20 * MINUTE).verdict is Verdict.BREACH


@pytest.mark.parametrize(
    ("part", "what", "why"),
    [
        ("bad", "refused", "the bad events cannot be read"),
        ("total", "refused", "the events cannot be read"),
        ("bad", "doubtful", "the server warns of what it says of the bad events"),
    ],
)
def test_what_the_server_does_not_say_is_not_known(life: Life, part: str, what: str, why: str) -> None:
    getattr(life.source, what).add(part)
    found = life.look(20 * MINUTE)
    assert (found.verdict, found.value, found.why) == (Verdict.INCONCLUSIVE, None, why)


@pytest.mark.parametrize("number", [math.nan, math.inf, -3.0, -1e308, 1e300])
@pytest.mark.parametrize("part", ["bad", "total"])
def test_what_is_no_count_is_not_known(life: Life, number: float, part: str) -> None:
    life.source.per_minute[part] = number
    found = life.look(20 * MINUTE)
    assert (found.verdict, found.value) == (Verdict.INCONCLUSIVE, None)
    words = "bad events" if part == "bad" else "events"
    assert found.why == f"what the server says of the {words} is no possible count: {number:.3g}"


def test_more_bad_events_than_events_are_not_known(life: Life) -> None:
    life.source.per_minute["bad"] = 1005.0
    assert life.look(20 * MINUTE).value == 1.0, "increases are extrapolated"
    life.source.per_minute["bad"] = 5000.0
    found = life.look(MINUTE)
    assert (found.verdict, found.value) == (Verdict.INCONCLUSIVE, None)
    assert found.why == "more bad events were counted than events: is `bad` a part of `total`?"


def test_a_source_that_went_away_takes_the_pass_back_and_not_the_breach(life: Life) -> None:
    assert life.look(20 * MINUTE).verdict is Verdict.PASS
    life.source.error = "prometheus: connection refused"
    assert life.look(MINUTE).verdict is Verdict.PASS
    found = life.look(STALE)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.why == "not read for 4 min: prometheus: connection refused"
    life.source.error, life.source.per_minute["bad"] = "", 40.0
    assert life.look(MINUTE).verdict is Verdict.BREACH
    life.source.error = "prometheus: connection refused"
    assert life.look(10 * MINUTE).verdict is Verdict.BREACH
    life.record = replace(life.record, bake_since=life.clock.now())
    assert life.look(3 * MINUTE).why == "prometheus: connection refused"


def test_a_clock_that_is_set_back_makes_no_pass_young_again(life: Life) -> None:
    class SetBack(SimulatedClock):
        back = timedelta(0)

        def now(self) -> datetime:
            return super().now() - self.back

    life.clock = clock = SetBack(START)
    life.tracks = Tracks(life.source, life.plan, clock, in_place, life.tell, life.rounds)  # type: ignore[arg-type]
    assert life.look(20 * MINUTE).verdict is Verdict.PASS
    life.source.error = "prometheus: connection refused"
    clock.leap(START + 30 * MINUTE)
    clock.back = 15 * MINUTE
    found = life.judged()["errors"]
    assert (found.verdict, found.why) == (
        Verdict.INCONCLUSIVE,
        "not read for 10 min: no answer",
    )


def test_the_day_before_is_asked_for_again_later(life: Life) -> None:
    whole = life.source.read_range

    def bake_only(queries: Sequence[Query], start: datetime, *rest: Any) -> Mapping[str, Series]:
        found = whole(queries, start, *rest)
        if start < START:
            raise SourceError("too much")
        return found

    life.source.read_range = bake_only  # type: ignore[method-assign]
    assert life.look(5 * MINUTE).samples > 0
    life.look(MINUTE)
    assert len(life.source.asked) == 3, "not in every minute"
    life.source.read_range = whole  # type: ignore[method-assign]
    life.look(10 * MINUTE)
    life.look(10 * MINUTE)
    assert len(life.source.asked) == 6, "read at last, and never again"


def test_minutes_that_hold_no_two_samples_are_five(life: Life) -> None:
    for part, number in list(life.source.per_minute.items()):
        life.source.per_minute[part] = lambda at, step, number=number: 5 * number if step == 300 else None
    found = life.look(20 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.samples) == (Verdict.PASS, 20_000)
    life.source.asked.clear()
    life.look(5 * MINUTE)
    assert [step for _, _, step in life.source.asked] == [300]


def scraped_once_a_minute(life: Life, *parts: str) -> None:
    """A minute holds one sample of them, and nothing can be said of it; what is longer holds several."""
    for part in parts:
        number = life.source.per_minute[part]
        life.source.per_minute[part] = lambda at, step, number=number: number * step / 60 if step > 60 else None


def test_a_new_path_that_is_scraped_once_a_minute_is_not_silent_and_is_counted_in_longer_slices(life: Life) -> None:
    """Beside a legacy path that is scraped every 15 s, and so has samples in every minute."""
    scraped_once_a_minute(life, "bad", "total")
    life.clock.leap(START + timedelta(seconds=LATE))
    found = [life.look(MINUTE) for _ in range(4)]
    assert [item.verdict for item in found] == [Verdict.INCONCLUSIVE] * 4
    assert found[2].why == "the new path is scraped too rarely to be counted minute by minute"
    for part in ("legacy_bad", "legacy_total"):
        number = life.source.per_minute[part]
        life.source.per_minute[part] = lambda at, step, number=number: number * step / 60
    found = [life.look(MINUTE) for _ in range(16)]
    assert Verdict.BREACH not in {item.verdict for item in found}
    assert (found[-1].verdict, found[-1].samples) == (Verdict.PASS, 20_000)


@pytest.mark.parametrize("before", [0, 1, 2, 10])
@pytest.mark.parametrize("ends", [None, 0.0])
def test_a_path_that_ends_is_a_breach_as_soon_as_before(life: Life, before: int, ends: float | None) -> None:
    """Its series is gone, or counts nothing, after so many minutes: no longer slice is waited for."""
    gone, last = START + before * MINUTE, timedelta(seconds=15)

    def total(at: datetime, step: float) -> float | None:
        held = (gone - (at - timedelta(seconds=step))) / timedelta(seconds=60)
        alive = held * 1000.0 if gone < at else 1000.0 * step / 60
        return alive if held * MINUTE > last else ends

    life.source.per_minute |= {"total": total, "bad": 0.0}
    life.clock.leap(gone + timedelta(seconds=LATE))
    waits = 3 if ends is None else 1
    found = [life.look(MINUTE) for _ in range(waits)]
    assert [item.verdict is Verdict.BREACH for item in found] == [False] * (waits - 1) + [True]
    assert found[-1].why.startswith(f"the new path received nothing for {waits} min")


def test_a_path_that_is_scraped_seldom_and_receives_nothing_is_silent(life: Life) -> None:
    life.source.per_minute |= {"total": 0.0, "bad": 0.0}
    scraped_once_a_minute(life, "bad", "total")
    assert life.look(3 * MINUTE + timedelta(seconds=LATE)).why.startswith("the new path received nothing for 3 min")


def test_a_regression_trips_and_a_path_without_traffic_too(life: Life) -> None:
    life.source.per_minute["bad"] = lambda at, _: 100.0 if at >= START + 10 * MINUTE else 2.0
    found = life.look(10 * MINUTE + timedelta(seconds=LATE))
    assert (found.verdict, found.speed) == (Verdict.BREACH, Speed.FAST)
    life.source.per_minute |= {"bad": 0.0, "total": 0.0}
    assert life.look(MINUTE).why.startswith("the new path received nothing")


def test_values_are_evaluated_once_a_minute_and_violations_at_once(life: Life) -> None:
    assert life.judged()["security"].verdict is Verdict.PASS
    life.violations = 1.0
    assert life.judged()["security"].verdict is Verdict.BREACH
    life.clock.leap(life.clock.now() + MINUTE)
    life.violations, rule = 0.0, replace(SECURITY, after=2, of=3)
    life.plan = replace(life.plan, guardrails=(rule, life.plan.guardrails[1]))
    verdicts = []
    for violations in (0, 0, 0, 1, 0, 1, 1):
        life.violations = float(violations)
        life.clock.leap(life.clock.now() + MINUTE)
        life.judged()
        verdicts.append(life.judged()["security"].verdict.value[0])
    assert "".join(verdicts) == "iipiibb", "a breach of a minute ago, none, and two of three"


def test_what_was_read_once_counts_once() -> None:
    """A value that stays the newest one is not seen again every minute."""
    life = Life(guardrails=(replace(SECURITY, after=3, of=5), PLANNED.guardrails[1]), evidence=())
    life.violations = 1.0
    verdicts = []
    for at, state in ((0, "ok"), (0, "ok"), (0, "stale"), (0, "stale"), (0, "stale"), (5, "ok"), (6, "ok")):
        life.reading = Reading(ReadingState(state), 1.0, START + at * MINUTE, "prometheus", None, state)
        verdicts.append((life.judged()["security"].verdict, life.judged()["security"].why))
        life.clock.leap(life.clock.now() + MINUTE)
    once, unread = (
        (Verdict.INCONCLUSIVE, "1, the limit is 0: seen 1 times, 3 of 5 count"),
        (Verdict.INCONCLUSIVE, "stale"),
    )
    twice = (Verdict.INCONCLUSIVE, "1, the limit is 0: seen 2 times, 3 of 5 count")
    assert verdicts == [once, once, unread, unread, unread, twice, twice]


def test_a_pass_stays_while_its_value_is_not_read_anew_but_ok() -> None:
    life = Life(guardrails=(replace(SECURITY, after=1, of=2), PLANNED.guardrails[1]), evidence=())
    passes = []
    for at, state in ((0, "ok"), (1, "ok"), (1, "ok"), (1, "stale"), (4, "ok"), (5, "ok")):
        life.reading = Reading(ReadingState(state), 0.0, START + at * MINUTE, "prometheus")
        passes.append(life.judged()["security"].verdict is Verdict.PASS)
        life.clock.leap(life.clock.now() + MINUTE)
    assert passes == [False, True, True, False, False, True]


@pytest.mark.parametrize(
    ("past", "verdict"),
    [
        ((0, 0), Verdict.PASS),
        ((1, 0), Verdict.INCONCLUSIVE),
        ((None, 0), Verdict.INCONCLUSIVE),
        ((math.nan, 0), Verdict.INCONCLUSIVE),
    ],
)
def test_what_a_value_was_before_anybody_looked_counts(past: tuple[float | None, float], verdict: Verdict) -> None:
    life = Life(guardrails=(replace(SECURITY, after=2, of=3), PLANNED.guardrails[1]), evidence=())
    life.source.per_minute["security"] = lambda at, _: past[0] if at == START + 8 * MINUTE else past[1]
    life.clock.leap(START + 10 * MINUTE)
    assert life.judged()["security"].verdict is Verdict.INCONCLUSIVE
    asyncio.run(life.tracks.look())
    assert life.judged()["security"].verdict is verdict
    assert life.source.asked == [(START + 8 * MINUTE, START + 9 * MINUTE, 60)]
    life.violations = 1.0
    assert (life.judged()["security"].verdict is Verdict.BREACH) == (past[0] == 1)
    asyncio.run(life.tracks.look())
    assert len(life.source.asked) == 1


def test_a_bake_has_no_past() -> None:
    life = Life(guardrails=(replace(SECURITY, after=2, of=3), PLANNED.guardrails[1]), evidence=())
    life.judged()
    asyncio.run(life.tracks.look())
    assert life.source.asked == []
    assert life.judged()["security"].verdict is Verdict.INCONCLUSIVE


def test_only_those_of_the_phase_are_judged_in_the_order_of_the_plan() -> None:
    assert list(Life().judged()) == ["security", "errors"]
    late = replace(PLANNED.guardrails[1], phases=(50, 75))
    assert list(Life(guardrails=(late, SECURITY)).judged()) == []
    assert list(Life(guardrails=(replace(late, phases=(25,)), SECURITY)).judged()) == ["errors"]


@pytest.mark.parametrize(("names", "known"), [((), ""), (("v1", "v2"), ""), (("v2", "v2"), "v2"), (("",), "")])
def test_a_revision_is_one_alone(life: Life, names: tuple[str, ...], known: str) -> None:
    life.source.revisions = names
    life.look()
    assert life.tracks.revision() == known


def test_a_fault_of_ours_judges_nothing_and_is_said(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    assert life.look(20 * MINUTE).verdict is Verdict.PASS
    monkeypatch.setattr("console.engine.tracks.judge", None)
    asyncio.run(life.tracks.look())
    monkeypatch.undo()
    found = life.judged()["errors"]
    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, "the evidence of the rollout: fault: TypeError")


def test_it_reads_by_itself_after_the_end_of_each_minute(life: Life) -> None:
    async def watched() -> None:
        life.judged()
        task = asyncio.create_task(life.tracks.watch())
        await life.clock.run(START + 3 * MINUTE, lambda: 1)
        task.cancel()

    asyncio.run(watched())
    ends = [end for start, end, _ in life.source.asked if start > START]
    assert ends == [START + MINUTE, START + 2 * MINUTE]


async def test_a_console_has_the_guardrails_judged_on_its_board(bench: Bench) -> None:
    plan = replace(bench.config.rollout or PLAN, evidence=(Evidence("p99", "slow", "all", limit=0.01),))
    bench.config = replace(bench.config, rollout=plan)
    console = await bench.console()
    await bench.run(90)
    assert console.board.progress is not None
    (found,) = console.board.progress.judged
    assert (found.guardrail, found.verdict, found.why) == ("p99", Verdict.INCONCLUSIVE, "no phase bakes")
    bench.config = replace(bench.config, rollout=PLAN)
    other = await bench.console("bob")
    await bench.run(90)
    assert other.board.progress is not None
    (found,) = other.board.progress.judged
    assert (found.guardrail, found.verdict, found.why) == ("p99", Verdict.PASS, "1 ms, the limit is 500 ms")
