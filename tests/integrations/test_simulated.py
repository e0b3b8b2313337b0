"""The simulated lighthouse: one answer to every question, numbers that agree, and a story that runs to time."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.engine.clocks import SimulatedClock
from console.integrations.simulated import (
    BREAKABLE,
    SimulatedAlerts,
    SimulatedFlags,
    SimulatedHealth,
    SimulatedMetrics,
    SimulatedSilences,
    World,
)
from console.integrations.simulated.curves import Curve, noise
from console.model.alert import AlertState, Matcher
from console.model.board import Target
from console.model.pager import ActOutcome
from console.model.reading import ReadingState
from console.model.rollout import GuardrailRule, RolloutPlan
from console.model.silence import Silence
from console.model.sli import Part, Sli, of_counters, of_threshold
from console.model.slo import Objective
from console.model.window import Rolling
from console.ports import Query, SourceError
from console.settings.config import Component

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

PLAN = RolloutPlan(
    name="lighthouse-elicitation",
    new_path="elicitation",
    legacy_path="wait-for-messages",
    phases=(5.0, 25.0, 50.0, 75.0, 100.0),
    bake=timedelta(minutes=30),
    percent_expr="max(lighthouse_rollout_percent)",
    since_expr="max(lighthouse_rollout_phase_started_timestamp_seconds)",
    flag="lighthouse-elicitation",
    guardrails=(
        GuardrailRule("p99", "P99 latency", "max(p99_latency_milliseconds)", 300, 500, "ms"),
        GuardrailRule("errors", "Error ratio", "100 * rate(elicitation_requests_total[5m])", 1, 5, "%"),
        GuardrailRule("security", "Security violations", "security_violations_total", None, 1),
        GuardrailRule("moon", "Phase of the moon", "moon_phase", None, 1),
    ),
)


def objective(name: str, target: float, sli: Sli) -> Objective:
    return Objective(name, name.title(), "lighthouse", target, Rolling(timedelta(days=30)), "Occurrences", sli)


SLICES = of_threshold("p99_latency_milliseconds", "<", 300, 300)
OBJECTIVES = (
    objective("availability", 0.9995, of_threshold("probe_success", ">=", 1, 60)),
    objective("errors", 0.999, of_counters("requests_total", bad="errors_total")),
    objective("latency", 0.99, replace(of_counters("count", good="bucket"), fallback=SLICES)),
    objective("probes", 0.9995, of_counters("probe_total", good="probe_success_total")),
    objective("tides", 0.99, of_counters("moon_total", good="ebb_total")),
)
HOUR, DAY = 3600, 86_400
COMPONENTS = tuple(
    Component(name, f"http://127.0.0.1/{name}", legacy=name == "wait-for-messages")
    for name in ("bridge", "event-store", "elicitation", "wait-for-messages")
)


class StillClock(SimulatedClock):
    """A clock that is set by hand."""

    def at(self, seconds: float) -> None:
        self._now = START + timedelta(seconds=seconds)


class Lighthouse:
    """A world with its sources, for tests that move its clock by hand."""

    def __init__(self, seed: int = 1, plan: RolloutPlan = PLAN) -> None:
        self.clock = StillClock(START)
        target = Target("lighthouse", "demo", production=False)
        self.world = World(self.clock, seed, plan, OBJECTIVES, COMPONENTS, START, target=target)
        self.metrics = SimulatedMetrics(self.world)
        self.alerts = SimulatedAlerts(self.world)
        self.health = SimulatedHealth(self.world)
        self.flags = SimulatedFlags(self.world)

    def reading(self, name: str, at: float | None = None, seconds: float = 300):
        if at is not None:
            self.clock.at(at)
        return self.metrics.read([Query(name, "")], seconds=seconds)[name]

    def value(self, name: str, at: float | None = None, seconds: float = 300) -> float:
        found = self.reading(name, at, seconds)
        assert found.ok, f"{name}: {found}"
        return found.value

    def share(self, name: str, at: float, seconds: float) -> float:
        """The bad share of an objective."""
        counts = next(item.sli.counts for item in OBJECTIVES if item.name == name)
        part, total = (self.value(f"slo.{name}.{what}", at, seconds) for what in ("part", "total"))
        return (part if counts is Part.BAD else total - part) / total

    def firing(self, at: float) -> dict[str, object]:
        self.clock.at(at)
        return {alert.name: alert for alert in self.alerts.read().alerts}

    def first(self, name: str, begin: int, end: int) -> int:
        """The first second at which an alert stands."""
        return next(at for at in range(begin, end) if name in self.firing(at))

    def roll_back(self, at: float) -> str:
        self.clock.at(at)
        return self.flags.set_percent("lighthouse-elicitation", 0)


NAMES = [
    *(f"slo.{item.name}.{part}" for item in OBJECTIVES[:4] for part in ("part", "total")),
    "slo.latency.fallback.part",
    *(f"guardrail.{rule.name}" for rule in PLAN.guardrails[:3]),
    "rollout.percent",
    "rollout.since",
    "p99",
    "errors",
    "traffic",
    "inflight.elicitation",
    "inflight.wait-for-messages",
]


class TestCurves:
    @given(st.integers(0, 2**64), st.text(max_size=9), st.integers(-(10**9), 10**9))
    def test_noise_has_no_memory(self, seed, name, slot):
        first = noise(seed, name, slot)
        noise.cache_clear()
        assert 0 <= first < 1
        assert noise(seed, name, slot) == first

    steps = st.lists(st.tuples(st.floats(0, 300), st.floats(0, 1.5)), max_size=5, unique_by=lambda step: step[0]).map(
        sorted
    )

    @given(steps, st.sampled_from([0.0, 1 / 30]), st.floats(-50, 400), st.floats(0, 300), st.floats(0, 1))
    def test_integrals_are_right_and_add_up(self, steps, rate, begin, span, cut):
        curve = Curve.following(steps, tau=20.0, rate=rate)
        middle, end = begin + cut * span, begin + span
        whole = curve.integral(begin, end)
        assert curve.integral(begin, middle) + curve.integral(middle, end) == pytest.approx(whole, abs=1e-6)
        count = 2000
        width = span / count
        riemann = sum(curve.value(begin + (index + 0.5) * width) for index in range(count)) * width
        assert whole == pytest.approx(riemann, abs=0.2)

    @given(steps, st.sampled_from([0.0, 1 / 30]), st.floats(0.05, 1.4), st.floats(-10, 600))
    def test_above_says_where_it_is_above(self, steps, rate, level, at):
        curve = Curve.following(steps, tau=20.0, rate=rate)
        intervals = curve.above(level)
        if abs(curve.value(at) - level) > 1e-6:
            assert any(begin <= at < end for begin, end in intervals) is (curve.value(at) > level)


class TestOneAnswer:
    @settings(max_examples=25, deadline=None)
    @given(
        st.integers(0, 5),
        st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-3600, 7200)), min_size=1, max_size=8),
        st.randoms(use_true_random=False),
    )
    def test_does_not_depend_on_what_was_asked_before(self, seed, questions, random):
        def ask(order):
            house = Lighthouse(seed)
            return {(name, at): [house.reading(name, at, seconds) for seconds in (300, DAY)] for name, at in order}

        shuffled = [*questions, *random.choices(questions, k=3)]
        random.shuffle(shuffled)
        assert ask(questions) == ask(shuffled)

    def test_nor_on_questions_about_the_future_before_the_flag_was_set(self):
        nosy, plain = Lighthouse(), Lighthouse()
        for name in NAMES:
            nosy.reading(name, 3000)
        for house in (nosy, plain):
            house.roll_back(200)
        assert [nosy.reading(name, 3000) for name in NAMES] == [plain.reading(name, 3000) for name in NAMES]

    def test_alerts_depend_on_the_instant_alone(self):
        one, other = Lighthouse(), Lighthouse()
        times = range(0, 900, 35)
        seen = {at: one.firing(at) for at in times}
        assert seen == {at: other.firing(at) for at in reversed(times)}

    def test_seeds_differ(self):
        assert Lighthouse(1).value("slo.errors.part") != Lighthouse(2).value("slo.errors.part")

    def test_many_threads_get_the_same_answers(self):
        async def ask() -> list[object]:
            house = Lighthouse()
            house.clock.at(400)
            queries = [Query(name, "") for name in NAMES]
            return await asyncio.gather(*(asyncio.to_thread(house.metrics.read, queries) for _ in range(8)))

        answers = asyncio.run(ask())
        assert all(answer == answers[0] for answer in answers)


class TestNumbersAgree:
    @pytest.mark.parametrize("name", ["availability", "errors", "latency", "probes"])
    @pytest.mark.parametrize("part", ["part", "total"])
    @pytest.mark.parametrize("hours", [24, 60])
    def test_hours_make_days(self, name, part, hours):
        house, now = Lighthouse(), 5432.1
        counted = sum(house.value(f"slo.{name}.{part}", now - HOUR * back, HOUR) for back in range(hours))
        assert counted == pytest.approx(house.value(f"slo.{name}.{part}", now, hours * HOUR), rel=1e-9)

    @pytest.mark.parametrize("days", [0, 1, 10])
    @pytest.mark.parametrize("name", ["availability", "errors", "latency", "probes"])
    def test_slices_are_the_same_history(self, name, days):
        house, end = Lighthouse(), START + timedelta(seconds=1800) - timedelta(days=days)
        house.clock.at(1800)
        queries = [Query(f"slo.{name}.{part}", "") for part in ("part", "total")]
        found = house.metrics.read_range(queries, end - timedelta(seconds=3300), end, 300)
        for query in queries:
            series = found[query.name]
            assert (len(series.values), series.step_seconds) == (12, 300)
            whole = house.value(query.name, (end - START).total_seconds(), HOUR)
            assert sum(series.values) == pytest.approx(whole, rel=1e-9)

    def test_the_future_has_no_values(self):
        house = Lighthouse()
        series = house.metrics.read_range([Query("p99", "")], START, START + timedelta(seconds=60), 30)["p99"]
        assert series.values[0] is not None
        assert series.values[1:] == (None, None)

    def test_a_calm_day_keeps_its_objectives(self):
        for seed in range(10):
            house = Lighthouse(seed)
            for item in OBJECTIVES[1:4]:
                assert house.share(item.name, 0, DAY) < 0.5 * item.budget

    def test_a_calm_month_keeps_its_objectives(self):
        for seed in range(5):
            house = Lighthouse(seed)
            for item in OBJECTIVES[:4]:
                assert 0 < house.share(item.name, 0, 30 * DAY) < 0.8 * item.budget

    def test_a_month_of_slices_is_cheap(self):
        """In calls of the noise, which is what it costs."""
        noise.cache_clear()
        house = Lighthouse()
        queries = [Query(f"slo.{item.name}.{part}", "") for item in OBJECTIVES[:4] for part in ("part", "total")]
        house.metrics.read_range(queries, START - timedelta(days=30), START, 300)
        assert noise.cache_info().misses < 15_000

    def test_traffic_follows_the_day(self):
        house = Lighthouse()
        night, noon = (house.world.requests(at, at + 3600) for at in (-7 * 3600, 5 * 3600))
        assert 2 < noon / night < 4

    def test_slices_are_counted_where_there_is_no_histogram(self):
        house = Lighthouse()
        assert house.value("slo.latency.fallback.total", 3600, HOUR) == 12
        assert house.value("slo.latency.fallback.part", 3599, HOUR) == 1  # the slice at the start was good

    def test_readings_are_dated_and_sourced(self):
        found = Lighthouse().reading("guardrail.p99", 30)
        assert (found.state, found.at) == (ReadingState.OK, START + timedelta(seconds=30))
        assert found.source == "simulated prometheus"

    @pytest.mark.parametrize(
        "name",
        ["nonsense", "slo.nope.part", "slo.errors.fallback.part", "slo.tides.part", "slo.tides.trend",
         "guardrail.moon", "guardrail.nope"],
    )  # fmt: skip
    def test_what_it_does_not_know_has_no_data(self, name):
        house = Lighthouse()
        assert house.reading(name).state is ReadingState.NO_DATA
        assert house.metrics.read_range([Query(name, "")], START, START, 60)[name].values == (None,)

    def test_extras_may_be_asked_as_readings(self):
        house = Lighthouse()
        assert house.value("reading.inflight.elicitation") == house.value("inflight.elicitation")

    def test_a_plan_that_begins_above_the_story_still_stands_at_25_percent(self):
        house = Lighthouse(plan=replace(PLAN, phases=(50.0, 100.0)))
        assert house.value("rollout.percent") == 25


@pytest.mark.parametrize("seed", range(5))
class TestStory:
    def test_the_rollout_has_stood_at_25_percent_for_twenty_minutes(self, seed):
        house = Lighthouse(seed)
        assert house.value("rollout.percent", 0) == 25
        assert house.value("rollout.since", 0) == (START - timedelta(minutes=20)).timestamp()
        assert house.value("rollout.percent", -1201) == 5
        assert house.value("rollout.percent", -86_400) == 0

    def test_it_begins_calm(self, seed):
        house = Lighthouse(seed)
        for at in range(-1200, 60, 15):
            assert house.value("guardrail.p99", at) < 250
            assert house.value("guardrail.errors", at) < 0.5
        quiet = {"Watchdog", "DiskFillingUp", "CertificateExpiresSoon", "ReplicaLagHigh"}
        assert house.firing(59).keys() <= quiet

    def test_it_turns_bad_within_two_minutes(self, seed):
        house = Lighthouse(seed)
        assert 60 <= house.world.onset < 90
        assert all(house.value("guardrail.p99", at) >= 500 for at in range(105, 600, 5))
        assert all(580 < house.value("guardrail.p99", at) < 660 for at in range(110, 600, 5))
        assert all(2 < house.value("guardrail.errors", at) < 3 for at in range(130, 600, 5))
        assert house.value("guardrail.security", 300) == 0
        high = house.first("P99LatencyHigh", 60, 121)
        errors = house.first("ErrorRateHigh", 60, 160)
        assert house.world.onset + 15 < high < errors
        assert house.firing(200)["P99LatencyHigh"].severity == "critical"
        assert house.firing(200)["ErrorRateHigh"].severity == "warning"

    def test_budgets_burn(self, seed):
        house = Lighthouse(seed)

        def burn(name: str, budget: float, at: float) -> float:
            return house.share(name, at, HOUR) / budget

        assert burn("errors", 0.001, 0) < 1 < burn("errors", 0.001, 400)
        assert burn("errors", 0.001, 3600) > 14.4
        assert burn("latency", 0.01, 0) < 1 < burn("latency", 0.01, 400)

    def test_it_heals_when_the_flag_is_off(self, seed):
        house = Lighthouse(seed)
        house.roll_back(300)
        assert house.value("rollout.percent", 301.9) == 25
        assert house.value("rollout.percent", 302) == 0
        assert house.value("rollout.since", 310) == START.timestamp() + 302
        assert all(house.value("guardrail.p99", at) < 250 for at in range(360, 1200, 5))
        assert all(house.value("guardrail.errors", at) < 1 for at in range(360, 1200, 5))
        assert "P99LatencyHigh" in house.firing(360)
        assert not {"P99LatencyHigh", "ErrorRateHigh", "BridgeQueueDepthHigh"} & house.firing(460).keys()

    def test_requests_in_flight_drain_and_never_rise(self, seed):
        house = Lighthouse(seed)
        assert house.value("inflight.elicitation", 0) > 50
        house.roll_back(300)
        drain = [house.value("inflight.elicitation", at) for at in range(302, 1200)]
        assert drain == sorted(drain, reverse=True)
        assert drain[0] > 50
        assert drain[30] > 0
        assert drain[240] == drain[-1] == 0
        assert house.value("inflight.wait-for-messages", 900) > house.value("inflight.wait-for-messages", 300)

    def test_a_rollback_in_time_prevents_it(self, seed):
        house = Lighthouse(seed)
        house.roll_back(30)
        assert all(house.value("guardrail.p99", at) < 250 for at in range(30, 900, 15))
        assert "P99LatencyHigh" not in house.firing(300)


class TestStoryOnwards:
    def test_less_traffic_on_the_new_path_helps_less_than_none(self):
        house = Lighthouse()
        house.clock.at(300)
        house.flags.set_percent("lighthouse-elicitation", 10)
        assert 300 < house.value("guardrail.p99", 600) < 450

    def test_the_fault_comes_back_with_the_traffic_and_the_alert_is_a_new_one(self):
        house = Lighthouse()
        first = house.firing(200)["P99LatencyHigh"]
        house.roll_back(300)
        house.clock.at(900)
        house.flags.set_percent("lighthouse-elicitation", 25)
        second = house.firing(1000)["P99LatencyHigh"]
        assert second.fingerprint == first.fingerprint
        assert second.starts_at > first.starts_at
        assert house.value("guardrail.p99", 1000) > 500

    def test_a_short_dip_does_not_resolve_the_alert(self):
        house = Lighthouse()
        since = house.firing(200)["P99LatencyHigh"].starts_at
        house.roll_back(300)
        house.clock.at(315)
        house.flags.set_percent("lighthouse-elicitation", 25)
        assert all(house.firing(at)["P99LatencyHigh"].starts_at == since for at in range(300, 500, 5))


class TestAlerts:
    def test_the_watchdog_always_fires(self):
        house = Lighthouse()
        for at in (-3600, 0, 200, 86_400):
            house.clock.at(at)
            assert house.alerts.read().watchdog_seen

    def test_one_is_silenced_and_one_is_inhibited(self):
        alerts = Lighthouse().firing(200)
        silenced, inhibited = alerts["CertificateExpiresSoon"], alerts["BridgeQueueDepthHigh"]
        assert silenced.state is inhibited.state is AlertState.SUPPRESSED
        assert silenced.silenced_by
        assert inhibited.inhibited_by == (alerts["P99LatencyHigh"].fingerprint,)
        assert {name for name, alert in alerts.items() if alert.state is AlertState.ACTIVE} >= {
            "Watchdog", "P99LatencyHigh", "ErrorRateHigh", "DiskFillingUp"
        }  # fmt: skip

    def test_identity_and_beginning_are_stable(self):
        house = Lighthouse()
        seen = {(a.fingerprint, a.starts_at) for at in range(140, 500, 10) for a in house.firing(at).values()}
        assert len(seen) == len({fingerprint for fingerprint, _ in seen})
        assert len({alert.fingerprint for alert in house.firing(200).values()}) == len(house.firing(200))

    def test_none_begins_in_the_future(self):
        house = Lighthouse()
        for at in range(0, 1200, 1):
            assert all(alert.starts_at <= house.clock.now() for alert in house.firing(at).values())

    def test_changes_are_told_once(self):
        house = Lighthouse()
        house.clock.at(60)
        assert house.alerts.read().changed == {alert.fingerprint for alert in house.firing(60).values()}
        assert house.alerts.read().changed == frozenset()
        house.clock.at(200)
        snapshot = house.alerts.read()
        assert {a.name for a in snapshot.alerts if a.fingerprint in snapshot.changed} >= {"P99LatencyHigh"}

    def test_a_missing_watchdog_can_be_had(self):
        house = Lighthouse()
        house.world.break_source("watchdog")
        assert not house.alerts.read().watchdog_seen

    def test_labels_name_the_target(self):
        alert = Lighthouse().firing(200)["P99LatencyHigh"]
        assert alert.label("service") == "lighthouse"
        assert alert.label("environment") == "demo"
        assert alert.label("component") == "elicitation"
        assert alert.annotation("summary")


class TestFlags:
    def test_says_what_it_did(self):
        answer = Lighthouse().roll_back(100)
        assert answer.text == "simulated flags: lighthouse-elicitation was at 25 %, is set to 0 %"

    @pytest.mark.parametrize(
        ("flag", "percent"),
        [("other", 0), ("", 0), ("lighthouse-elicitation", -1), ("lighthouse-elicitation", 101),
         ("lighthouse-elicitation", float("nan"))],
    )  # fmt: skip
    def test_refuses_what_it_has_not(self, flag, percent):
        house = Lighthouse()
        with pytest.raises(SourceError, match="simulated flags"):
            house.flags.set_percent(flag, percent)
        assert house.value("rollout.percent", 100) == 25


class TestBreaking:
    @pytest.mark.parametrize("name", [name for name in BREAKABLE if name not in ("watchdog", "programs")])
    def test_a_source_breaks_and_heals_and_no_other_does(self, name):
        house = Lighthouse()
        house.world.break_source(name, after=timedelta(seconds=60), for_=timedelta(seconds=30))
        calls = {
            "prometheus": lambda: house.metrics.read([]),
            "alertmanager": house.alerts.read,
            "health": house.health.read,
            "flags": lambda: house.flags.set_percent("lighthouse-elicitation", 25),
        }
        for at, broken in ((59.9, False), (60, True), (89.9, True), (90, False)):
            house.clock.at(at)
            for source, call in calls.items():
                if broken and source == name:
                    with pytest.raises(SourceError, match=f"simulated {name}"):
                        call()
                else:
                    call()

    def test_ranges_break_too(self):
        house = Lighthouse()
        house.world.break_source("prometheus")
        with pytest.raises(SourceError):
            house.metrics.read_range([], START, START, 60)

    def test_a_component_goes_down(self):
        house = Lighthouse()
        house.world.break_source("event-store")
        found = house.health.read().components
        assert {name: reading.value for name, reading in found.items()} == {
            "bridge": True, "event-store": False, "elicitation": True, "wait-for-messages": True
        }  # fmt: skip
        assert all(reading.ok and reading.source == "simulated health" for reading in found.values())

    def test_only_what_there_is(self):
        with pytest.raises(ValueError, match="'grafana' cannot be broken; expected one of prometheus"):
            Lighthouse().world.break_source("grafana")


async def test_a_simulated_hour_of_all_sources_takes_no_real_hour():
    clock = SimulatedClock(START)
    world = World(clock, 1, PLAN, OBJECTIVES, COMPONENTS, START)
    metrics, alerts, health = SimulatedMetrics(world), SimulatedAlerts(world), SimulatedHealth(world)
    queries = [Query(name, "") for name in NAMES]
    asks = [lambda: metrics.read(queries), alerts.read, health.read]

    async def poll(ask) -> None:
        while True:
            ask()
            await clock.sleep_until(clock.now() + timedelta(seconds=15))

    tasks = [asyncio.create_task(poll(ask)) for ask in asks]
    began = time.process_time()
    await clock.run(START + timedelta(hours=1), lambda: len(tasks))
    assert time.process_time() - began < 10  # about 1 s
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class TestSilences:
    def test_what_somebody_takes_care_of_is_silenced_from_the_start(self):
        house = Lighthouse()
        silences = SimulatedSilences(house.world)
        [found] = silences.read()
        assert house.firing(200)["CertificateExpiresSoon"].silenced_by == (found.id,)
        assert silences.expire(found.id).outcome is ActOutcome.DONE
        assert house.firing(200)["CertificateExpiresSoon"].state is AlertState.ACTIVE

    def test_a_silence_ends_by_itself_and_hides_what_comes_later(self):
        house = Lighthouse()
        house.clock.at(30)
        now = house.clock.now()
        wanted = Silence((Matcher("alertname", "=~", ".*P99.*"),), now, now + timedelta(seconds=270), "ana", "known")
        made = SimulatedSilences(house.world).create(wanted)
        high = house.firing(200)["P99LatencyHigh"]
        assert (high.state, high.silenced_by) == (AlertState.SUPPRESSED, (made.ref,))
        assert house.firing(301)["P99LatencyHigh"].state is AlertState.ACTIVE

    def test_an_inhibited_alert_may_be_silenced_too(self):
        house = Lighthouse()
        house.clock.at(200)
        now = house.clock.now()
        matcher = Matcher("alertname", "=", "BridgeQueueDepthHigh")
        made = SimulatedSilences(house.world).create(Silence((matcher,), now, now + timedelta(hours=1), "ana", "c"))
        found = house.firing(200)["BridgeQueueDepthHigh"]
        assert (bool(found.inhibited_by), found.silenced_by) == (True, (made.ref,))

    def test_ids_are_the_same_on_every_machine_and_others_for_another_seed(self):
        ids = {}
        for seed in (1, 1, 2):
            house = Lighthouse(seed)
            now = house.clock.now()
            silences = SimulatedSilences(house.world)
            made = silences.create(Silence((Matcher("a", "=", "b"),), now, now + timedelta(hours=1), "ana", "c"))
            ids.setdefault(seed, set()).update({made.ref, *(item.id for item in silences.read())})
        assert len(ids[1]) == len(ids[2]) == 2
        assert not ids[1] & ids[2]
