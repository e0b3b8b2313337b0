"""Clocks: real waiting is exact and notices steps; driven time moves only when all wait, and repeats."""

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.engine.clocks import SeededIds, SimulatedClock, SystemClock, SystemIds
from tests.timing import soon

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


class SteppedClock(SystemClock):
    """A machine whose wall clock is set by hand."""

    step = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.step


async def drive(clock: SimulatedClock, until: datetime, *tasks: asyncio.Task[None]) -> None:
    await clock.run(until, lambda: sum(not task.done() for task in tasks), patience_seconds=60)
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


class TestSystemClock:
    async def test_reads_aware_utc(self):
        assert SystemClock().now().utcoffset() == timedelta(0)

    async def test_sleeps_to_the_instant(self):
        clock = SystemClock()

        async def late() -> float:
            when = clock.now() + seconds(0.05)
            await clock.sleep_until(when)
            assert clock.now() >= when
            return (clock.now() - when).total_seconds()

        await soon(0.1, late)

    async def test_the_past_takes_no_time(self):
        clock = SystemClock()

        async def slept() -> float:
            began = clock.monotonic()
            await clock.sleep_until(clock.now() - timedelta(days=1))
            return clock.monotonic() - began

        await soon(0.05, slept)

    async def test_a_clock_stepped_forward_wakes_sleepers_within_about_a_second(self):
        async def woken() -> float:
            clock = SteppedClock()
            sleeper = asyncio.create_task(clock.sleep_until(clock.now() + timedelta(hours=1)))
            await asyncio.sleep(0.01)
            clock.step = timedelta(hours=2)
            began = time.monotonic()
            await asyncio.wait_for(sleeper, 30)
            return time.monotonic() - began

        await soon(1.5, woken)

    async def test_a_clock_stepped_back_ends_the_wait_within_about_a_second(self):
        """A poll that is due in 15 s is not due in an hour and 15 s because the clock lost an hour."""

        async def ended() -> float:
            clock = SteppedClock()
            sleeper = asyncio.create_task(clock.sleep_until(clock.now() + seconds(15)))
            waiter = asyncio.create_task(clock.wait(asyncio.Event(), clock.now() + seconds(15)))
            await asyncio.sleep(0.01)
            clock.step = -timedelta(hours=1)
            began = time.monotonic()
            await asyncio.wait_for(sleeper, 30)
            assert not await asyncio.wait_for(waiter, 30)
            return time.monotonic() - began

        await soon(1.5, ended)

    async def test_a_clock_stepped_back_does_not_end_the_wait_for_an_event_alone(self):
        clock, event = SteppedClock(), asyncio.Event()
        waiter = asyncio.create_task(clock.wait(event, None))
        await asyncio.sleep(0.01)
        clock.step = -timedelta(hours=1)
        _, pending = await asyncio.wait({waiter}, timeout=1.3)
        assert pending
        event.set()
        assert await asyncio.wait_for(waiter, 30)

    async def test_the_event_wins_over_a_far_instant(self):
        clock, event = SystemClock(), asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, event.set)
        assert await asyncio.wait_for(clock.wait(event, clock.now() + timedelta(days=400)), 30)

    async def test_the_instant_wins_over_a_silent_event(self):
        clock = SystemClock()
        assert not await clock.wait(asyncio.Event(), clock.now() + seconds(0.02))

    async def test_an_event_alone_can_be_awaited(self):
        clock, event = SystemClock(), asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, event.set)
        assert await asyncio.wait_for(clock.wait(event, None), 30)

    async def test_an_event_that_is_set_and_cleared_at_once_is_not_lost(self):
        clock, event = SystemClock(), asyncio.Event()
        waiting = asyncio.create_task(clock.wait(event, None))
        await asyncio.sleep(0.01)
        event.set()
        event.clear()
        assert await asyncio.wait_for(waiting, 30)

    async def test_nothing_ticks_after_the_last_sleeper(self):
        clock = SystemClock()
        await clock.sleep_until(clock.now() + seconds(0.01))
        assert not clock._alarms
        await asyncio.sleep(1.1)
        assert clock._ticking is None

    def test_a_clock_outlives_its_loop(self):
        clock = SteppedClock()
        asyncio.run(clock.sleep_until(clock.now() + seconds(0.01)))

        async def stepped() -> None:
            sleeper = asyncio.create_task(clock.sleep_until(clock.now() + timedelta(hours=1)))
            await asyncio.sleep(0)
            clock.step = timedelta(hours=2)
            await asyncio.wait_for(sleeper, 30)

        asyncio.run(stepped())

    @pytest.mark.serial
    async def test_twenty_waiting_tasks_cost_next_to_nothing(self):
        clock = SystemClock()
        tasks = [asyncio.create_task(clock.sleep_until(clock.now() + timedelta(hours=1))) for _ in range(20)]
        await asyncio.sleep(0.1)
        before = time.process_time()
        await asyncio.sleep(3)
        assert (time.process_time() - before) / 3 < 0.003
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class TestPacedClock:
    async def test_runs_faster_than_life(self):
        async def slept() -> float:
            clock = SimulatedClock(START, speed=600)
            began = time.monotonic()
            await clock.sleep_until(START + seconds(60))
            took = time.monotonic() - began
            assert took > 0.09
            assert START + seconds(60) <= clock.now()
            assert 60 <= clock.monotonic() < 600 * (time.monotonic() - began + 0.05)
            return took

        await soon(0.5, slept)

    async def test_waits_for_event_or_instant(self):
        clock, event = SimulatedClock(START, speed=100), asyncio.Event()
        assert not await clock.wait(event, START + seconds(2))
        event.set()
        assert await clock.wait(event, START + timedelta(days=1))

    async def test_cannot_be_driven(self):
        with pytest.raises(RuntimeError, match="runs by itself"):
            await SimulatedClock(START, speed=1).run(START + seconds(1), lambda: 0)

    @pytest.mark.parametrize("speed", [0, -1, float("nan")])
    def test_needs_a_speed(self, speed):
        with pytest.raises(ValueError, match="speed"):
            SimulatedClock(START, speed=speed)


class TestDrivenClock:
    async def test_time_stands_still_by_itself(self):
        clock = SimulatedClock(START)
        await asyncio.sleep(0.01)
        assert (clock.now(), clock.monotonic()) == (START, 0.0)

    async def test_wakes_at_the_very_instant(self):
        clock, seen = SimulatedClock(START), []

        async def work() -> None:
            for number in range(1, 4):
                await clock.sleep_until(START + seconds(number / 3))
                seen.append(clock.now())

        await drive(clock, START + seconds(10), asyncio.create_task(work()))
        assert seen == [START + seconds(number / 3) for number in range(1, 4)]
        assert clock.now() == START + seconds(10)
        assert clock.monotonic() == 10.0

    async def test_does_not_pass_its_end(self):
        clock, woken = SimulatedClock(START), []

        async def work(after: float) -> None:
            await clock.sleep_until(START + seconds(after))
            woken.append(after)

        tasks = [asyncio.create_task(work(after)) for after in (5, 10, 10.001)]
        await drive(clock, START + seconds(10), *tasks)
        assert woken == [5, 10]

    async def test_never_advances_while_a_task_is_busy_elsewhere(self):
        clock, seen = SimulatedClock(START), []

        async def busy() -> None:
            await clock.sleep_until(START + seconds(1))
            before = clock.now()
            await asyncio.to_thread(time.sleep, 0.05)
            seen.append(clock.now() - before)
            await clock.sleep_until(START + seconds(100))

        async def idle() -> None:
            for number in range(1, 100):
                await clock.sleep_until(START + seconds(number))

        await drive(clock, START + seconds(50), asyncio.create_task(busy()), asyncio.create_task(idle()))
        assert seen == [timedelta(0)]

    @pytest.mark.parametrize("names", [("", "", ""), ("c", "b", "a")])
    async def test_one_instant_wakes_one_task_at_a_time_in_order(self, names):
        clock, log = SimulatedClock(START), []

        async def work(label: str) -> None:
            await clock.sleep_until(START + seconds(1))
            log.append(f"{label} in")
            await asyncio.to_thread(time.sleep, 0.002)
            log.append(f"{label} out")
            await clock.sleep_until(START + seconds(9))

        tasks = [asyncio.create_task(work(name or str(number)), name=name or None) for number, name in enumerate(names)]
        await drive(clock, START + seconds(5), *tasks)
        labels = sorted(names) if any(names) else ["0", "1", "2"]
        assert log == [f"{label} {way}" for label in labels for way in ("in", "out")]

    async def test_an_event_wakes_before_time_moves_on(self):
        clock, event, log = SimulatedClock(START), asyncio.Event(), []

        async def waits() -> None:
            log.append((await clock.wait(event, START + seconds(60)), clock.monotonic()))
            event.clear()
            log.append((await clock.wait(event, START + seconds(60)), clock.monotonic()))
            await clock.wait(event, None)

        async def sets() -> None:
            await clock.sleep_until(START + seconds(7))
            event.set()
            await clock.sleep_until(START + seconds(90))

        await drive(clock, START + seconds(80), asyncio.create_task(waits()), asyncio.create_task(sets()))
        assert log == [(True, 7.0), (False, 60.0)]

    async def test_an_event_set_and_cleared_at_once_is_not_lost(self):
        clock, event, log = SimulatedClock(START), asyncio.Event(), []

        async def waits() -> None:
            log.append((await clock.wait(event, START + seconds(60)), clock.monotonic()))
            await clock.sleep_until(START + seconds(99))

        async def pulses() -> None:
            await clock.sleep_until(START + seconds(7))
            event.set()
            event.clear()
            await clock.sleep_until(START + seconds(8))
            await clock.sleep_until(START + seconds(99))

        await drive(clock, START + seconds(80), asyncio.create_task(waits()), asyncio.create_task(pulses()))
        assert log == [(True, 7.0)]

    async def test_a_cancelled_sleeper_is_forgotten(self):
        clock = SimulatedClock(START)
        task = asyncio.create_task(clock.wait(asyncio.Event(), START + seconds(1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert not clock._waiters

    async def test_says_who_keeps_time_from_moving(self):
        clock = SimulatedClock(START)
        sleeper = asyncio.create_task(clock.sleep_until(START + seconds(1)), name="poll")
        with pytest.raises(RuntimeError, match=r"stands still at 09:00:00: 1 of 2 tasks.*\(poll\)"):
            await clock.run(START + seconds(5), lambda: 2, patience_seconds=0.02)
        sleeper.cancel()
        await asyncio.wait({sleeper})

    async def test_can_be_driven_on_in_parts(self):
        clock, seen = SimulatedClock(START), []

        async def work() -> None:
            for number in range(1, 9):
                await clock.sleep_until(START + seconds(number))
                seen.append(number)

        task = asyncio.create_task(work())
        await clock.run(START + seconds(3.5), lambda: 1)
        assert (seen, clock.monotonic()) == ([1, 2, 3], 3.5)
        await drive(clock, START + seconds(6), task)
        assert seen == [1, 2, 3, 4, 5, 6]

    async def test_a_day_passes_without_real_sleeping(self):
        clock, rounds = SimulatedClock(START), []

        async def poll() -> None:
            while True:
                await clock.sleep_until(clock.now() + seconds(15))
                rounds.append(clock.now())

        began = time.process_time()
        await drive(clock, START + timedelta(days=1), *(asyncio.create_task(poll()) for _ in range(4)))
        assert len(rounds) == 4 * 5760
        assert time.process_time() - began < 4  # about 0.5 s; twice and more for a noisy machine

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=6), min_size=1, max_size=5))
    def test_runs_repeat(self, plans):
        def run() -> list[tuple[str, float]]:
            log: list[tuple[str, float]] = []

            async def scenario() -> None:
                clock, event = SimulatedClock(START), asyncio.Event()

                async def work(pauses: list[int]) -> None:
                    name = asyncio.current_task().get_name()  # type: ignore[union-attr]
                    for pause in pauses:
                        if await clock.wait(event, clock.now() + seconds(pause)):
                            event.clear()
                        log.append((name, clock.monotonic()))
                        if pause == 5:
                            await asyncio.sleep(0)
                            event.set()

                tasks = [asyncio.create_task(work(plan), name=f"w{i}") for i, plan in enumerate(plans)]
                await drive(clock, START + seconds(40), *tasks)

            asyncio.run(scenario())
            return log

        first = run()
        assert first == run()
        assert [at for _, at in first] == sorted(at for _, at in first)


class TestIds:
    def test_real_ones_are_uuids_and_differ(self):
        ids = SystemIds()
        assert uuid.UUID(ids.new()).version == 4
        assert ids.new() != ids.new()
        assert 0 <= ids.jitter() < 1

    def test_seeded_ones_repeat_and_look_alike(self):
        one, two, other = SeededIds(7), SeededIds(7), SeededIds(8)
        drawn = [one.new() for _ in range(50)]
        assert drawn == [two.new() for _ in range(50)]
        assert len({*drawn, *(other.new() for _ in range(50))}) == 100
        assert all(uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text for text in drawn)

    def test_jitter_repeats_and_fills_its_range(self):
        one, two = SeededIds(7), SeededIds(7)
        drawn = [one.jitter() for _ in range(200)]
        assert drawn == [two.jitter() for _ in range(200)]
        assert min(drawn) < 0.1 < 0.9 < max(drawn) < 1

    async def test_what_a_named_task_draws_does_not_depend_on_its_neighbours(self):
        async def draw(ids: SeededIds, number: int) -> list[str]:
            return [ids.new() for _ in range(number)]

        alone, together = SeededIds(7), SeededIds(7)
        expected = await asyncio.create_task(draw(alone, 3), name="b")
        await asyncio.create_task(draw(together, 9), name="a")
        assert await asyncio.create_task(draw(together, 3), name="b") == expected
