"""The slices of service levels: how many requests they cost, and what becomes of gaps, restarts and bad answers."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.engine import filling
from console.engine.level import Level
from console.journal.slices import MemorySlices, SqliteSlices
from console.model import scrapes
from console.model.burn import WINDOWS, BurnRule, Urgency
from console.model.reading import ReadingState
from console.model.sli import Bucket, of_counters, of_deltas, of_ratio
from console.model.slices import SLICE
from console.model.window import Calendar, Rolling
from console.ports import Kept, Row, SourceError
from tests.engine.levels_bench import MONTH, NOW, bench, objective, sli

CALM = [(1.0, 10_000.0)] * MONTH


# -- requests ---------------------------------------------------------------------------------------------------------


async def test_fifty_objectives_cost_three_requests_to_the_first_gauges_and_one_or_two_a_round() -> None:
    keeper = bench(count=50, pairs=CALM[:400])
    keeper.round()
    assert all(gauge.burn.ok for gauge in keeper.answers.gauges)
    assert keeper.requests() == 3
    counted = []
    for _ in range(80):
        keeper.pass_(seconds=15)
        keeper.round()
        counted.append(keeper.requests())
    assert set(counted) == {1, 2}
    assert counted.count(2) == 20  # once a minute
    assert max(points for *_, points in keeper.history.asked or [(0,)]) <= 4


async def test_a_month_comes_in_the_background_newest_first_in_small_answers() -> None:
    keeper = bench(count=50, pairs=CALM)
    assert keeper.round().ratio.note == "covers 0.253 of 30 d, still being read"
    keeper.requests()
    seen = []
    while (pause := keeper.filling.step()) is filling.BREAK:
        found = keeper.rounds.again(keeper.answers).gauges
        seen.append(min(gauge.coverage or 0.0 for gauge in found))
    assert pause is filling.IDLE
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert all(count * points <= 20_500 for _, _, count, points in keeper.history.asked)
    ends = [end for kind, end, _, _ in keeper.history.asked if kind == "range"]
    assert ends == sorted(ends, reverse=True)
    assert 40 < len(ends) < 70
    found = await keeper.fill()
    assert (found.ratio.state, found.ratio.note, found.coverage) == (ReadingState.OK, "", 1)


async def test_a_small_month_is_a_handful_of_requests() -> None:
    keeper = bench(count=3, pairs=CALM)
    keeper.round()
    keeper.requests()
    await keeper.fill()
    assert keeper.requests() <= 3
    keeper.pass_(minutes=1)
    keeper.filling.step()
    assert keeper.requests() == 0


# -- how far apart samples are -----------------------------------------------------------------------------------------


def all_of(number: int = 0) -> str:
    return f'all_total{{n="{number}"}}'


async def test_counters_are_widened_by_the_interval_of_their_own_samples() -> None:
    keeper = bench(count=3, pairs=CALM[:400])
    keeper.history.scrapes = {all_of(0): 60.0, all_of(1): 14.96, all_of(2): 0.2}
    keeper.round()
    assert [keeper.history.widened[sli(number).part] for number in range(3)] == [60.0, 15.0, 0.0]
    assert [keeper.history.widened[sli(number).total] for number in range(3)] == [60.0, 15.0, 0.0]
    assert all(gauge.burn.ok for gauge in keeper.answers.gauges)


@pytest.mark.parametrize(
    ("said", "known"),
    [(60.0, 60.0), (59.98, 60.0), (7.5, 7.5), (150.0, 150.0), (300.0, 0.0), (0.5, 0.0), (0.0, 0.0), (-60.0, 0.0)],
)
def test_an_interval_that_nobody_has_is_not_believed(said: float, known: float) -> None:
    keeper = bench()
    keeper.history.scrapes = {all_of(): said}
    keeper.round()
    assert keeper.history.widened[sli().part] == known


async def test_it_is_asked_for_again_after_five_minutes_and_then_each_hour() -> None:
    keeper = bench(pairs=CALM[:400])
    keeper.round()
    keeper.history.widened.clear()
    found = []
    for minute in range(1, 131):
        keeper.pass_(minutes=1)
        keeper.round()
        keeper.history.scrapes = {all_of(): float(minute)}
        await keeper.fill(100)
        found.append(keeper.history.widened.get(scrapes.question(all_of())))
        keeper.history.widened.clear()
    assert [minute for minute, asked in enumerate(found, 1) if asked is not None] == [5, 65, 125]
    assert keeper.rounds.levels.levels()[0].own.queries[0].scrape == 125
    keeper.round()
    assert keeper.history.widened[sli().part] == 125


async def test_what_was_known_stays_while_nobody_says_otherwise_and_the_last_hours_are_read_by_what_is_new() -> None:
    keeper = bench(pairs=CALM[:400])
    keeper.history.scrapes = {all_of(): 30.0}
    keeper.round()
    await keeper.fill()
    keeper.history.scrapes = {}
    keeper.pass_(minutes=6)
    keeper.round()
    keeper.requests()
    await keeper.fill()
    assert keeper.requests() == 1
    keeper.pass_(minutes=1)
    keeper.round()
    assert keeper.history.widened[sli().part] == 30.0
    assert [points for kind, *_, points in keeper.history.asked if kind == "range"] == [3]
    keeper.history.scrapes = {all_of(): 15.0}
    keeper.pass_(hours=1)
    keeper.round()
    await keeper.fill()
    keeper.requests()
    keeper.pass_(minutes=1)
    keeper.round()
    assert [points for kind, *_, points in keeper.history.asked if kind == "range"] == [72]
    assert keeper.history.widened[sli().part] == 15.0


async def test_a_server_that_is_away_is_asked_for_it_when_it_is_back() -> None:
    keeper = bench(pairs=CALM[:400])
    keeper.history.scrapes = {all_of(): 60.0}
    keeper.history.broken = "away"
    for _ in range(2):
        with pytest.raises(SourceError):
            keeper.round()
        assert keeper.requests() == 1  # it is not waited for twice
    keeper.history.broken = ""
    keeper.round()
    assert keeper.history.widened[sli().part] == 0.0
    await keeper.fill(1)
    keeper.pass_(minutes=1)
    keeper.round()
    assert keeper.history.widened[sli().part] == 60.0


async def test_what_is_no_plain_counter_is_asked_as_it_is() -> None:
    deltas, ratio = of_deltas("all", bad="bad"), of_ratio("errors:ratio")
    keeper = bench()
    keeper.objectives = [
        objective(0, sli=deltas),
        objective(1, sli=ratio),
        objective(2, sli=replace(sli(), widens=False)),
    ]
    keeper.history.scrapes = {"all": 60.0, all_of(): 60.0}
    keeper.restart()
    keeper.round()
    assert keeper.requests() == 2
    assert set(keeper.history.widened.values()) == {0.0}


def test_counters_whose_ranges_are_widened_are_another_generation() -> None:
    """What was measured without is a quarter off, here and there."""
    keys = {Level(objective(sli=kind), "here").own.key for kind in (sli(), replace(sli(), widens=False))}
    assert len(keys) == 2


# -- restarts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["file", "memory"])
async def test_after_a_restart_only_what_was_missed_is_read(tmp_path, kind) -> None:
    keeper = bench(pairs=CALM)
    clock = keeper.history.clock
    keeper.store = SqliteSlices(tmp_path / "slices.db", clock) if kind == "file" else MemorySlices()
    keeper.restart()
    keeper.round()
    before = await keeper.fill()
    keeper.pass_(hours=20)
    keeper.history.put(sli(), int(NOW.timestamp() // SLICE), [(3.0, 10_000.0)] * 240)
    if kind == "file":
        keeper.store.close()
        keeper.store = SqliteSlices(tmp_path / "slices.db", clock)
    keeper.restart()
    keeper.requests()
    first = keeper.round()
    assert first.coverage == pytest.approx(1 - 14 / 720, abs=0.001)
    assert first.ratio.value == pytest.approx(before.ratio.value, abs=1e-5)
    whole = await keeper.fill()
    assert whole.coverage == 1
    assert sum(points for kind, _, _, points in keeper.history.asked if kind == "range") < 500
    assert (before.ratio.value or 0) > (whole.ratio.value or 0)
    assert whole.ratio.value == pytest.approx(1 - (8400 + 720) / 86_400_000, abs=1e-9)
    keeper.store.close()


async def test_a_changed_definition_is_measured_anew(tmp_path) -> None:
    keeper = bench(MemorySlices(), pairs=CALM)
    keeper.round()
    await keeper.fill()
    other = of_counters("all_total", bad="bad_total")
    keeper.history.put(other, int(NOW.timestamp() // SLICE) - 300, [(2.0, 10_000.0)] * 300)
    keeper.objectives = [replace(objective(), sli=other)]
    keeper.restart()
    found = keeper.round()
    assert found.ratio.state is ReadingState.PARTIAL
    assert found.ratio.value == pytest.approx(0.9998)
    keeper.objectives = [objective()]  # and back: it is still there
    keeper.restart()
    assert keeper.round().ratio.ok


async def test_a_window_longer_than_the_memory_of_the_server_is_known_after_a_while() -> None:
    """Day after day, what has left the server stays in the store."""
    keeper = bench(MemorySlices(), pairs=CALM[: 10 * 288])
    keeper.history.retention = 3 * 288
    keeper.round()
    found = await keeper.fill()
    assert found.coverage == pytest.approx(0.1, abs=0.001)
    assert found.ratio.note == "covers 3 of 30 d"
    for number in range(1, 6):
        keeper.pass_(days=1)
        keeper.history.put(sli(), int(NOW.timestamp() // SLICE) + 288 * (number - 1), CALM[:288])
        keeper.restart()
        keeper.round()
        found = await keeper.fill()
    assert found.coverage == pytest.approx(8 / 30, abs=0.001)


async def test_what_a_server_does_not_have_is_not_asked_for_all_the_time() -> None:
    keeper = bench(MemorySlices(), pairs=CALM[:288])
    keeper.history.retention = 288
    keeper.round()
    await keeper.fill()
    keeper.restart()
    keeper.round()
    keeper.requests()
    await keeper.fill()
    assert keeper.requests("range") == 0
    asked = 0
    for _ in range(24 * 12):
        keeper.pass_(minutes=5)
        keeper.history.put(sli(), int(keeper.history.clock.now().timestamp() // SLICE) - 1, CALM[:1])
        keeper.round()
        keeper.requests()
        await keeper.fill()
        asked += keeper.requests("range")
    assert 2 < asked < 40


# -- what comes late --------------------------------------------------------------------------------------------------


async def test_samples_that_come_within_a_quarter_of_an_hour_count() -> None:
    keeper = bench(pairs=CALM[:100])
    keeper.history.late = 3
    keeper.round()
    last = int(NOW.timestamp() // SLICE)
    assert keeper.rounds.levels.levels()[0].own.slices.newest == last - 4
    keeper.pass_(minutes=1)
    keeper.history.late = 0
    assert keeper.round().burns["30m"].ok
    assert keeper.rounds.levels.levels()[0].own.slices.newest == last - 2


async def test_samples_that_come_hours_later_count_too() -> None:
    """Some pods push late: the total had a value before, so there is no gap."""
    keeper = bench(count=3, pairs=CALM[:1000])
    keeper.objectives = [objective(number, window=Rolling(timedelta(days=1))) for number in range(3)]
    keeper.restart()
    last = int(NOW.timestamp() // SLICE)
    keeper.round()
    await keeper.fill()

    async def hours(count: int) -> list[int]:
        asked = []
        for _ in range(6 * count):
            keeper.pass_(minutes=10)
            for item in keeper.objectives:
                keeper.history.put(item.sli, int(keeper.history.clock.now().timestamp() // SLICE) - 2, CALM[:2])
            keeper.round()
            keeper.requests()
            await keeper.fill()
            asked.append(keeper.requests("range"))
        return asked

    def counted(begin: int, count: int) -> tuple[float, float]:
        sums = keeper.rounds.levels.levels()[0].own.slices.sums(begin, begin + count)
        return sums.part, sums.total

    await hours(2)
    keeper.history.put(sli(), last + 2, [(300.0, 10_000.0)] * 8)
    assert counted(last + 2, 8) == (8.0, 80_000.0)
    asked = await hours(1)
    assert counted(last + 2, 8) == (2400.0, 80_000.0)
    assert sum(asked) == 1  # for all of them
    await hours(10)
    keeper.history.put(sli(), last + 2, [(400.0, 10_000.0)] * 8)
    assert sum(await hours(6)) <= 5 + 2
    assert counted(last + 2, 8) == (3200.0, 80_000.0)


async def test_a_backfill_is_found() -> None:
    keeper = bench(pairs=[*CALM[:-50], *[None] * 40, *CALM[:10]])
    keeper.round()
    found = await keeper.fill()
    assert found.coverage == pytest.approx(1 - 40 / MONTH, abs=1e-4)
    keeper.history.put(sli(), int(NOW.timestamp() // SLICE) - 50, [(500.0, 10_000.0)] * 40)
    for _ in range(60):
        keeper.pass_(minutes=1)
        keeper.history.put(sli(), int(keeper.history.clock.now().timestamp() // SLICE) - 1, CALM[:1])
        keeper.round()
        found = await keeper.fill()
    assert found.coverage == 1


async def test_after_a_sleep_the_hours_missed_are_read_at_once() -> None:
    keeper = bench(pairs=CALM[:400])
    keeper.round()
    keeper.pass_(hours=5)
    keeper.history.put(sli(), int(NOW.timestamp() // SLICE), [(50.0, 10_000.0)] * 60)
    keeper.requests()
    found = keeper.round()
    assert keeper.requests() == 2
    assert found.burns["2h"].ok
    assert found.burns["2h"].value == pytest.approx(5)


async def test_the_slices_lie_in_the_servers_own_time() -> None:
    """Its clock is 100 s ahead: after the first answer it is known, and asked again at once, for the first time."""
    keeper = bench(pairs=CALM[:400], now=NOW - timedelta(seconds=100))
    keeper.history.skew = 100.0
    keeper.history.put(sli(), int(NOW.timestamp() // SLICE) - 1, [(9.0, 10_000.0)])
    found = keeper.round()
    assert keeper.requests() == 5
    assert found.burns["5m"].value == pytest.approx(0.9)
    assert found.burn.at == NOW - timedelta(seconds=100)
    keeper.pass_(seconds=15)
    keeper.round()
    assert keeper.requests() == 1


# -- bad answers ------------------------------------------------------------------------------------------------------


async def test_one_bad_expression_blanks_one_gauge() -> None:
    keeper = bench(count=3, pairs=CALM[:400])
    keeper.history.faults[sli(1).total] = "bad_data: parse error"
    keeper.round()
    states = [gauge.burn.state for gauge in keeper.answers.gauges]
    assert states == [ReadingState.OK, ReadingState.NO_DATA, ReadingState.OK]
    assert keeper.answers.gauges[1].burn.note == "bad_data: parse error"
    await keeper.fill(100)
    assert keeper.answers.gauges[0].coverage == pytest.approx(400 / MONTH, rel=0.01)


async def test_an_objective_whose_arithmetic_fails_blanks_one_gauge() -> None:
    keeper = bench(count=3, pairs=CALM[:400])
    keeper.objectives[1] = replace(keeper.objectives[1], target=1.0)
    keeper.restart()
    keeper.round()
    await keeper.fill()
    found = keeper.answers.gauges
    assert [gauge.burn.state for gauge in found] == [ReadingState.OK, ReadingState.NO_DATA, ReadingState.OK]
    assert {found[1].ratio.note, found[1].budget_left.note} == {"fault in its arithmetic: ZeroDivisionError"}


async def test_the_windows_of_its_own_rules_are_read_too() -> None:
    keeper = bench(pairs=CALM)
    rules = (BurnRule(Urgency.TICKET, "7d", "12h", 50.0),)
    keeper.objectives = [objective(window=Rolling(timedelta(hours=12)), rules=rules)]
    keeper.restart()
    keeper.round()
    found = await keeper.fill()
    assert found.burns["7d"].ok


async def test_a_bad_count_of_errors_is_not_no_errors() -> None:
    keeper = bench(pairs=CALM[:400])
    keeper.history.faults[sli().part] = "2 series, expected one"
    found = keeper.round()
    assert (found.burn.value, found.burn.state, found.burn.note) == (
        None,
        ReadingState.NO_DATA,
        "2 series, expected one",
    )
    keeper.history.faults.clear()
    keeper.pass_(minutes=1)
    keeper.round()
    await keeper.fill()
    keeper.history.faults[sli().part] = "query timed out"
    keeper.pass_(seconds=15)
    found = keeper.round()
    assert {found.burn.state, found.ratio.state} == {ReadingState.STALE}
    assert found.burn.note == "query timed out"


async def test_what_the_server_warns_of_is_partial_and_read_again() -> None:
    keeper = bench(pairs=CALM[:400])
    keeper.history.warned = {sli().total}
    assert keeper.round().burn.state is ReadingState.PARTIAL
    keeper.history.warned.clear()
    keeper.pass_(minutes=1)
    found = keeper.round()
    assert found.burns["5m"].ok
    assert found.burn.state is ReadingState.PARTIAL  # the hour still has slices that it warned of


async def test_what_the_server_warned_of_is_asked_for_again_until_it_does_not() -> None:
    keeper = bench(MemorySlices(), pairs=CALM)
    keeper.objectives = [objective(window=Rolling(timedelta(days=5)))]
    keeper.restart()
    keeper.history.warned = {sli().total}
    keeper.round()
    found = await keeper.fill()
    keeper.restart()

    async def pass_(minutes: int) -> None:
        nonlocal found
        for _ in range(minutes // 5):
            keeper.pass_(minutes=5)
            keeper.history.put(sli(), int(keeper.history.clock.now().timestamp() // SLICE) - 1, CALM[:1])
            keeper.round()
            found = await keeper.fill()

    keeper.requests()
    await pass_(24 * 60)
    assert found.ratio.state is ReadingState.PARTIAL
    assert found.ratio.note == "the server warned that its answer is not complete"
    assert keeper.requests("range") - 288 < 90  # besides those of the rounds
    keeper.history.warned.clear()
    await pass_(20)
    assert found.ratio.state is ReadingState.PARTIAL
    await pass_(6 * 60)
    assert found.ratio.ok
    keeper.requests()
    await pass_(50)
    assert keeper.requests("range") <= 10 + 1


async def test_what_it_warns_of_does_not_take_the_place_of_what_it_said_without() -> None:
    keeper = bench(pairs=CALM)
    keeper.round()
    await keeper.fill()
    keeper.history.warned = {sli().total}
    last = int(NOW.timestamp() // SLICE)
    keeper.history.put(sli(), last - 288, [(0.0, 10.0)] * 288)
    keeper.pass_(hours=1)
    keeper.history.put(sli(), last, [(1.0, 9.0)] * 12)
    keeper.round()
    await keeper.fill()
    slices = keeper.rounds.levels.levels()[0].own.slices
    before, since = slices.sums(last - 288, last - 2), slices.sums(last, last + 11)
    assert (before.total, before.doubtful) == (286 * 10_000.0, 0)
    assert (since.total, since.doubtful) == (11 * 9.0, 11)


async def test_what_cannot_be_answered_does_not_hold_up_the_others() -> None:
    keeper = bench(count=2, pairs=CALM)
    keeper.history.faults[sli(0).total] = "query timed out"
    keeper.round()
    keeper.requests()
    await keeper.fill(100)
    assert keeper.requests() < 20
    assert keeper.answers.gauges[1].coverage == 1
    keeper.history.faults.clear()
    keeper.pass_(minutes=2)
    keeper.round()
    await keeper.fill(100)
    assert keeper.answers.gauges[0].coverage == 1


async def test_a_source_that_goes_away_while_older_slices_are_read() -> None:
    keeper = bench(pairs=CALM)
    keeper.round()
    keeper.history.broken = "away"
    await keeper.fill(5)
    with pytest.raises(SourceError):
        keeper.round()
    keeper.history.broken = ""
    keeper.pass_(minutes=2)
    keeper.round()
    assert (await keeper.fill()).coverage == 1


async def test_traffic_that_is_no_number_is_no_traffic() -> None:
    keeper = bench(pairs=[(math.nan, math.nan)] * MONTH)
    keeper.round()
    found = await keeper.fill()
    assert {found.burn.state, found.ratio.state} == {ReadingState.NO_TRAFFIC}
    assert found.coverage == 1


# -- what else there may be -------------------------------------------------------------------------------------------


async def test_the_fallback_is_used_while_the_total_was_never_seen() -> None:
    other = replace(of_counters("other_total", bad="other_bad"), basis="other")
    keeper = bench()
    keeper.objectives = [objective(sli=replace(sli(), fallback=other))]
    keeper.history.put(other, int(NOW.timestamp() // SLICE) - 400, CALM[:400])
    keeper.restart()
    found = keeper.round()
    assert (found.basis, found.burn.value) == ("other", pytest.approx(0.1))
    assert (await keeper.fill()).coverage == pytest.approx(400 / MONTH, rel=0.01)
    keeper.history.put(sli(), int(NOW.timestamp() // SLICE) - 1, [(5.0, 10_000.0)])
    keeper.pass_(minutes=1)
    keeper.round()
    found = keeper.round()
    assert (found.basis, found.burn.value) == ("Occurrences", pytest.approx(0.5))
    keeper.requests()
    keeper.round()
    assert keeper.history.asked[-1][2] == 2  # the other one is not asked for any more


GROUPED = of_counters("calls_total", bad='calls_total{code="500"}')


def of_agent(name: str):
    return of_counters(f'calls_total{{agent="{name}"}}', bad=f'calls_total{{code="500",agent="{name}"}}')


async def test_each_group_has_a_gauge_and_one_that_is_gone_is_missed_by_name() -> None:
    keeper = bench(MemorySlices())
    keeper.objectives = [objective(sli=GROUPED, groups=("agent",))]
    keeper.restart()
    first = int(NOW.timestamp() // SLICE) - 400
    for name, bad in (("a", 1.0), ("b\x1b[31m", 20.0)):
        keeper.history.put(of_agent(name), first, [(bad, 10_000.0)] * 400)
    keeper.history.scrapes = {"calls_total": 60.0}  # of all groups at once
    table = keeper.history.tables["group by (agent) (calls_total)"] = [
        Row({"agent": name, filling.MARK: "0"}, 1.0) for name in ("a", "b\x1b[31m")
    ]
    found = keeper.round()
    assert (found.burn.state, found.burn.note) == (ReadingState.NO_DATA, "not read yet")
    keeper.filling.step()
    keeper.round()
    names = [gauge.objective.name for gauge in keeper.answers.gauges]
    assert names == ["o0[a]", "o0[b\ufffd[31m]"]
    assert {keeper.history.widened[of_agent(name).part] for name in ("a", "b\x1b[31m")} == {60.0}
    assert [gauge.burns["5m"].value for gauge in keeper.answers.gauges] == [pytest.approx(0.1), pytest.approx(2)]
    await keeper.fill()
    assert all(gauge.burn.ok for gauge in keeper.answers.gauges)
    del table[1]
    keeper.history.counts = {text: known for text, known in keeper.history.counts.items() if "31m" not in text}
    keeper.restart()
    keeper.pass_(hours=1)
    keeper.history.put(of_agent("a"), int(NOW.timestamp() // SLICE), [(1.0, 10_000.0)] * 12)
    keeper.round()
    keeper.filling.step()
    keeper.round()
    present, gone = keeper.answers.gauges
    assert present.burn.ok
    assert (gone.objective.name, gone.ratio.state) == ("o0[b\ufffd[31m]", ReadingState.STALE)
    assert gone.burn.state is ReadingState.NO_DATA


class Waiting(MemorySlices):
    """A store on a slow disk: somebody else wants the gauges while it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.free: list[bool] = []
        self.lock: threading.RLock | None = None

    def load(self, key: str, begin: int) -> Kept:
        def look() -> None:
            assert self.lock is not None
            self.free.append(self.lock.acquire(blocking=False))
            if self.free[-1]:
                self.lock.release()

        if self.lock is not None:
            other = threading.Thread(target=look)
            other.start()
            other.join()
        return super().load(key, begin)


async def test_the_gauges_do_not_wait_for_the_disk() -> None:
    """Neither when groups are found, nor when buckets are, nor when others' objectives are."""
    store = Waiting()
    keeper = bench(store)
    keeper.objectives = [objective(sli=GROUPED, groups=("agent",)), objective(1, target=0.99, sli=latency())]
    first = int(NOW.timestamp() // SLICE) - 400
    keeper.history.put(of_agent("a"), first, [(1.0, 10_000.0)] * 400)
    keeper.history.put(of_counters("took_count", good='took_bucket{le="0.25"}'), first, [(9.0, 10.0)] * 400)
    keeper.history.tables["group by (agent) (calls_total)"] = [Row({"agent": "a", filling.MARK: "0"}, 1.0)]
    keeper.history.tables["group by (le) (took_bucket)"] = [Row({"le": "0.25"}, 1.0)]
    keeper.restart()
    store.lock = keeper.rounds.levels.lock
    keeper.round()
    opened = len(store.free)
    await keeper.fill()
    found = len(store.free)
    keeper.rounds.levels.discovered([objective(2)])
    assert opened < found < len(store.free)
    assert all(store.free)


async def test_no_group_at_all_is_no_data_and_says_so() -> None:
    keeper = bench()
    keeper.objectives = [objective(sli=GROUPED, groups=("agent",))]
    keeper.restart()
    keeper.round()
    keeper.filling.step()
    found = keeper.round()
    assert (found.burn.state, found.burn.note) == (ReadingState.NO_DATA, "no series has the labels agent")


def latency(le: float = 0.3):
    good = of_counters("took_count", good='took_bucket{le="0.3"}')
    return replace(good, bucket=Bucket("took_bucket", le))


async def test_without_the_bucket_the_truth_is_between_its_neighbours() -> None:
    keeper = bench()
    keeper.objectives = [objective(target=0.99, sli=latency())]
    keeper.history.scrapes = {"took_count": 30.0}
    first = int(NOW.timestamp() // SLICE) - 400
    for le, good in (("0.1", 500.0), ("0.25", 980.0), ("0.5", 995.0), ("+Inf", 1000.0)):
        other = of_counters("took_count", good=f'took_bucket{{le="{le}"}}')
        keeper.history.put(other, first, [(good, 1000.0)] * 400)
    rows = [Row({"le": le}, 1.0) for le in ("0.1", "0.25", "0.5", "+Inf", "odd")]
    keeper.history.tables["group by (le) (took_bucket)"] = rows
    keeper.restart()
    found = keeper.round()
    assert (found.ratio.state, found.ratio.value) == (ReadingState.NO_DATA, None)
    keeper.round()
    await keeper.fill()
    keeper.pass_(seconds=15)
    found = keeper.round()
    assert found.bounds == pytest.approx((0.98, 0.995))
    assert (found.burn.state, found.burn.value) == (ReadingState.PARTIAL, pytest.approx(2))
    assert found.burn.note == "no bucket at 0.3: the truth is between the buckets next to it"
    assert {seconds for text, seconds in keeper.history.widened.items() if "took_bucket" in text} == {30.0}


async def test_the_bucket_may_be_written_in_another_way() -> None:
    keeper = bench()
    keeper.objectives = [objective(target=0.99, sli=latency())]
    other = of_counters("took_count", good='took_bucket{le="0.30"}')
    keeper.history.put(other, int(NOW.timestamp() // SLICE) - 400, [(991.0, 1000.0)] * 400)
    keeper.history.tables["group by (le) (took_bucket)"] = [Row({"le": le}, 1.0) for le in ("0.1", "0.30", "1")]
    keeper.restart()
    keeper.round()
    await keeper.fill()
    keeper.pass_(seconds=15)
    found = keeper.round()
    assert (found.burn.state, found.burn.value, found.bounds) == (ReadingState.OK, pytest.approx(0.9), None)


# -- against an oracle ------------------------------------------------------------------------------------------------

SLOTS = st.one_of(
    st.none(),
    st.tuples(st.one_of(st.none(), st.integers(0, 10**6)), st.integers(1, 10**6)),
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(SLOTS, st.integers(1, 60)), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=5),
    st.sampled_from(
        [
            Rolling(timedelta(hours=6)),
            Rolling(timedelta(days=2)),
            Calendar(1, "d", datetime(2026, 1, 1), "Europe/Berlin"),  # noqa: DTZ001
            Calendar(1, "w", datetime(2026, 1, 5), "Europe/Berlin"),  # noqa: DTZ001
        ]
    ),
    st.sampled_from([datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC)]),
)
async def test_budgets_are_ratios_of_sums_over_restarts_gaps_and_changes_of_the_clocks(
    runs, steps, window, now
) -> None:
    pairs = [
        None if slot is None else (None if slot[0] is None else float(min(slot)), float(max(slot[0] or 0, slot[1])))
        for slot, count in runs
        for _ in range(count)
    ]
    known = len(pairs) - sum(count for count, _ in steps)
    if known < 1:
        return
    keeper = bench(MemorySlices(), pairs=pairs[:known], now=now)
    keeper.objectives = [objective(window=window)]
    keeper.restart()
    edge = int(now.timestamp() // SLICE)
    keeper.round()
    await keeper.fill()
    for count, restarted in steps:
        keeper.pass_(seconds=SLICE * count)
        keeper.history.put(sli(), edge, pairs[known : known + count])
        edge, known = edge + count, known + count
        if restarted:
            keeper.restart()
        keeper.round()
        await keeper.fill()
    found = keeper.round()
    rows = dict(enumerate(pairs, edge - len(pairs)))

    def oracle(begin: float) -> tuple[float, float]:
        seen = [row for index, row in rows.items() if row is not None and index * SLICE >= begin]
        return math.fsum(row[0] or 0.0 for row in seen), math.fsum(row[1] for row in seen)

    at = keeper.history.clock.now()
    begin, end = window.span(at)
    bad, total = oracle(begin.timestamp())
    if found.ratio.value is None:
        assert total == 0 or found.ratio.state is ReadingState.NO_DATA
    else:
        assert found.ratio.value == pytest.approx(1 - bad / total, rel=1e-9, abs=1e-9)
        spent = bad / total / 0.001 * ((at - begin) / (end - begin))
        assert found.budget_left.value == pytest.approx(1 - spent, rel=1e-9, abs=1e-9)
        assert found.ratio.n == round(total)
    for name, length in WINDOWS.items():
        bad, total = oracle(at.timestamp() - length.total_seconds())
        burn = found.burns[name]
        if burn.value is not None:
            assert burn.value == pytest.approx(bad / total / 0.001, rel=1e-9, abs=1e-9)


# -- forecasts --------------------------------------------------------------------------------------------------------


async def test_what_burns_has_a_forecast_and_what_does_not_when_somebody_looks() -> None:
    keeper = bench(count=2, pairs=[(2.0 if at % 288 > 200 else 16.0, 10_000.0) for at in range(MONTH)])
    keeper.history.put(sli(1), int(NOW.timestamp() // SLICE) - MONTH, [(2.0, 10_000.0)] * MONTH)
    keeper.round()
    await keeper.fill()
    burning, calm = keeper.answers.gauges
    assert burning.forecast is not None
    assert calm.forecast is None
    made = burning.forecast
    keeper.rounds.levels.history("o1")
    await keeper.fill()
    assert keeper.answers.gauges[1].forecast is not None
    assert keeper.answers.gauges[1].forecast.is_never
    assert keeper.answers.gauges[0].forecast is made
    for number in range(6):
        keeper.pass_(minutes=1)
        keeper.history.put(sli(), int(NOW.timestamp() // SLICE) + number // 5, [(16.0, 10_000.0)])
        keeper.round()
        await keeper.fill()
    assert keeper.answers.gauges[0].forecast is not made


async def test_never_is_not_said_of_a_month_that_was_not_seen() -> None:
    keeper = bench(pairs=[(2.0, 10_000.0)] * (MONTH // 2))
    keeper.round()
    keeper.rounds.levels.history("o0")
    found = await keeper.fill()
    assert found.forecast is None
    assert found.forecast_note.startswith("covers 15 of 30 d")


async def test_while_the_source_is_away_at_the_start_what_was_kept_is_shown_as_stale() -> None:
    keeper = bench(MemorySlices(), pairs=CALM)
    keeper.round()
    await keeper.fill()
    keeper.pass_(hours=1)
    keeper.history.broken = "away"
    keeper.restart()
    with pytest.raises(SourceError):
        keeper.round()
    (found,) = keeper.rounds.kept
    assert (found.ratio.state, found.ratio.value) == (ReadingState.STALE, pytest.approx(0.9999))
    assert found.ratio.note == "no sample since 01 Mar 11:55 UTC"
