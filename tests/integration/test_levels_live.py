"""Service levels against the real server: the same traffic, counted by us and by raw expressions."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from console.engine.clocks import SystemClock
from console.engine.filling import Filling
from console.engine.metrics import MetricAnswers, MetricRounds
from console.engine.offload import in_place
from console.integrations.prometheus import Prometheus
from console.journal.slices import SqliteSlices
from console.model.reading import ReadingState
from console.model.sli import Bucket, of_counters, of_threshold
from console.model.slices import SLICE
from console.model.slo import Objective
from console.model.window import Rolling
from console.settings.config import HttpSource
from tests import servers

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prometheus")]

DAYS = 3
FRESH_MINUTES = 20


class Traffic:
    """Counters, a sample a minute, from `DAYS` ago to some minutes ahead; they restart every eleven hours."""

    def __init__(self) -> None:
        self.now = int(time.time()) // 60 * 60
        self.begin = (self.now - DAYS * 86_400) // SLICE * SLICE - SLICE
        self.lines: list[str] = []

    def counter(self, name: str, per_minute, gap=range(0)) -> None:
        value = 0.0
        for number, at in enumerate(range(self.begin, self.now + 60 * FRESH_MINUTES, 60)):
            value = 0.0 if number % 660 == 0 else value + per_minute(number)
            if number not in gap:
                self.lines.append(f"{name} {value:.6f} {at}")

    def text(self, *families: tuple[str, str, list]) -> str:
        for family, kind, series in families:
            self.lines.append(f"# TYPE {family} {kind}")
            for args in series:
                self.counter(*args)
        return "\n".join([*self.lines, "# EOF\n"])


def bad(number: int) -> float:
    return 6.0 if 2000 <= number % 2160 < 2060 else 0.25


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    gap = range(1000, 1100)
    history = Traffic().text(
        (
            "calls",
            "counter",
            [
                ('calls_total{code="200",agent="a"}', lambda number: 100.0 + number % 50),
                ('calls_total{code="200",agent="b"}', lambda number: 200.0),
                ('calls_total{code="500",agent="a"}', bad),
                ('calls_total{code="500",agent="b"}', lambda number: 0.1),
            ],
        ),
        (
            "holed",
            "counter",
            [('holed_total{code="200"}', lambda _: 50.0, gap), ('holed_total{code="500"}', lambda _: 0.5, gap)],
        ),
        (
            "took_seconds",
            "histogram",
            [
                (f'took_seconds_bucket{{le="{le}"}}', lambda _, rate=rate: rate)
                for le, rate in (("0.25", 98.0), ("0.5", 99.5), ("+Inf", 100.0))
            ]
            + [("took_seconds_count", lambda _: 100.0), ("took_seconds_sum", lambda _: 20.0)],
        ),
    )
    with servers.Prometheus(tmp_path_factory.mktemp("levels"), history=history) as running:
        yield running


CALLS = of_counters("calls_total", bad='calls_total{code="500"}')
HOLED = of_counters("holed_total", bad='holed_total{code="500"}')
TYPO = of_counters("calls_total", good='calls_total{code="OK"}')
LATENCY = replace(
    of_counters("took_seconds_count", good='took_seconds_bucket{le="0.3"}'), bucket=Bucket("took_seconds_bucket", 0.3)
)
BUSY = of_threshold("sum(rate(calls_total[2m])) * 60", ">", 310.0, 60)


def objective(name, sli, target=0.999, **more):
    return Objective(name, name, "s", target, Rolling(timedelta(days=DAYS)), "Occurrences", sli, **more)


OBJECTIVES = [
    objective("calls", CALLS),
    objective("holed", HOLED),
    objective("typo", TYPO),
    objective("latency", LATENCY, 0.99),
    objective("busy", BUSY),
    objective("agents", CALLS, groups=("agent",)),
]


class Watched:
    def __init__(self, server, path) -> None:
        self.clock = SystemClock()
        self.source = Prometheus(HttpSource("prometheus", server.url, timeout=timedelta(seconds=20)), self.clock)
        self.store = SqliteSlices(path, self.clock)
        self.rounds = MetricRounds(self.source, OBJECTIVES, None, self.clock, self.store, server.url)
        self.filling = Filling(self.rounds.levels, self.clock, in_place, self.told)
        self.answers = MetricAnswers()

    async def told(self) -> None:
        pass

    def gauges(self):
        self.answers = self.rounds.read()
        return {found.objective.name: found for found in self.answers.gauges}


def raw(server, expression: str) -> float:
    command = [servers.promtool_binary(), "query", "instant", server.url, expression]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(said.split("=>")[1].split("@")[0])


async def test_gauges_agree_with_raw_expressions_and_a_restart_changes_nothing(server, tmp_path) -> None:
    watched = Watched(server, tmp_path / "slices.db")
    watched.gauges()
    await watched.filling.finish(200)
    found = watched.gauges()

    for name, window in (("calls", f"{DAYS}d"),):
        share = raw(
            server, f'sum(increase(calls_total{{code="500"}}[{window}])) / sum(increase(calls_total[{window}]))'
        )
        # The far end of the window is off by at most half a slice, and increase() extrapolates by less than a minute.
        assert 1 - found[name].ratio.value == pytest.approx(share, rel=0.01)
        assert found[name].budget_left.value == pytest.approx(1 - share / 0.001, rel=0.01)
        assert (found[name].ratio.state, found[name].coverage) == (ReadingState.OK, 1)
    for window in ("1h", "6h", "1d"):
        share = raw(
            server, f'sum(increase(calls_total{{code="500"}}[{window}])) / sum(increase(calls_total[{window}]))'
        )
        assert found["calls"].burns[window].value * 0.001 == pytest.approx(share, rel=0.06)
    slices = watched.rounds.levels.history("calls")
    assert slices is not None
    whole = [item for item in slices.slices if item is not None and (item.index * 5) % 660 > 10]
    assert len(whole) > 800

    assert found["holed"].coverage == pytest.approx(1 - 100 / (DAYS * 1440), abs=0.005)
    assert found["holed"].burn.value == pytest.approx(0.5 / 50.5 / 0.001, rel=1e-6)
    assert (found["typo"].ratio.state, found["typo"].ratio.value) == (ReadingState.NO_DATA, None)
    assert found["latency"].bounds == pytest.approx((0.98, 0.995), abs=1e-6)
    assert found["latency"].burn.note.startswith("no bucket at 0.3")
    assert found["busy"].ratio.ok
    assert 0.5 < found["busy"].ratio.value < 1
    assert {name for name in found if name.startswith("agents")} == {"agents[a]", "agents[b]"}
    assert found["agents[b]"].burn.value == pytest.approx(0.1 / 200.1 / 0.001, rel=1e-6)
    watched.store.close()

    again = Watched(server, tmp_path / "slices.db")
    after = again.gauges()
    assert after.keys() == found.keys()
    for name in ("calls", "holed", "busy", "agents[a]", "agents[b]"):
        assert after[name].ratio.value == pytest.approx(found[name].ratio.value, rel=1e-3)
        assert after[name].coverage == pytest.approx(found[name].coverage, abs=1e-2)
    again.store.close()


async def test_a_bad_expression_and_a_server_that_goes(server, tmp_path) -> None:
    watched = Watched(server, tmp_path / "slices.db")
    bad_one = objective("broken", of_counters("sum(calls_total", bad="nothing"))
    watched.rounds = MetricRounds(watched.source, [OBJECTIVES[0], bad_one], None, watched.clock, None, "x")
    found = watched.gauges()
    assert found["calls"].burn.ok
    assert found["broken"].burn.state is ReadingState.NO_DATA
    assert "bad_data" in found["broken"].burn.note
    watched.store.close()
