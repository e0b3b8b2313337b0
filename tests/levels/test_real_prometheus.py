"""The same traffic in a real Prometheus: the console's figures, and promtool's of the raw expressions.

How far they may differ, and why (Prometheus 2.42; all of it is `increase`, none of it the sums):

* Samples on the slices' edges: nothing is lost between two slices, and both are the same to 1e-9, over restarts, too.
* A gap: `increase` over the whole window counts what happened meanwhile, and spreads it evenly; the slices leave it out
  and say how much they cover. They differ by at most the share of events within the gap.
* Samples off the edges (17 s after them): the ranges begin a scrape earlier, and every step between two samples is
  counted once, to 1e-9: the sums are what the counters grew by between the samples. The raw expression scales what
  lies between its first and its last sample to its length, a minute of a day more.
* A counter near zero: `increase` does not reach back to below it, and up to a sixth of its first events is missing.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SimulatedClock
from console.engine.filling import Filling
from console.engine.metrics import MetricRounds
from console.engine.offload import in_place
from console.integrations.prometheus import Prometheus
from console.journal.slices import SqliteSlices
from console.model import scrapes
from console.model.reading import ReadingState
from console.model.sli import Sli, averaged, filled, of_bool_gauge, of_counters, of_deltas, sliced
from console.model.slo import Objective, SloGauge
from console.model.window import Rolling
from console.ports import Query
from console.settings.config import HttpSource
from tests import servers
from tests.levels.history import History

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("levels")]

HOURS = 50
DAY = timedelta(days=1)
RESTARTS = (-701, -71)
"""Each a minute before an error: what begins at zero, and stays there for a while, is the business of `born`."""


def requests(minute: int) -> int:
    """All requests until a minute: 40 to 70 each, as the day goes."""
    minute += 100_000
    return 55 * minute + (minute % 1440) // 48


def failures(minute: int) -> int:
    """A few of them fail, and in two bursts many."""
    steady = (minute + 100_000) // 10
    return steady + sum(30 * min(max(minute - start, 0), length) for start, length in ((-1000, 7), (-130, 23)))


def since(value: Callable[[int], int], *restarts: int) -> Callable[[int], float]:
    """The counter of a process that was started anew after these minutes."""
    return lambda minute: float(value(minute) - max((value(at) for at in restarts if at < minute), default=0))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    on, off = History(time.time(), HOURS), History(time.time(), HOURS, offset=17)
    missing = range(-500, -440)
    for history, name in ((on, "even"), (off, "odd")):
        history.put(name, "counter", '{code="all"}', since(requests, *RESTARTS), "_total")
        history.put(name, "counter", '{code="bad"}', since(failures, *RESTARTS), "_total")
    for code, value in (("all", requests), ("bad", failures)):
        on.put("gap", "counter", f'{{code="{code}"}}', lambda m, v=value: None if m in missing else v(m), "_total")
        on.put("delta", "gauge", f'{{code="{code}"}}', lambda m, v=value: v(m) - v(m - 1))
    on.put("hour", "counter", '{code="all"}', lambda m: 1e8 + (60 * m if m >= -60 else 6000 * m + 356_400), "_total")
    on.put("hour", "counter", '{code="bad"}', lambda m: 1e8 + 60 * max(m + 60, 0), "_total")
    for pod, rate, bad in (("a", 999, 0.0), ("b", 1, 0.5)):
        on.put("pods", "counter", f'{{code="all",pod="{pod}"}}', lambda m, r=rate: 1e7 + r * m, "_total")
        on.put("pods", "counter", f'{{code="bad",pod="{pod}"}}', lambda m, r=bad: 1e7 + r * m, "_total")
    off.put("rare", "counter", '{code="all"}', lambda m: 1e6 + 100 * (m + 1e4), "_total")
    off.put("rare", "counter", '{code="bad"}', lambda m: 1e3 + (m + 10_000) // 9, "_total")
    off.put("born", "counter", '{code="all"}', lambda m: 1e6 + 100 * (m + 1e4), "_total")
    off.put("born", "counter", '{code="bad"}', lambda m: float(m >= -33), "_total")
    on.gauge("probe", lambda m: 0 if m in (-12, -11, -10) else 1)
    text = on.text().removesuffix("# EOF\n") + off.text()
    with servers.Prometheus(tmp_path_factory.mktemp("real"), history=text) as running:
        running.now = on.now
        yield running


def raw(server, expression: str, at: float) -> float:
    """What promtool says of an expression."""
    out = subprocess.run(
        [servers.promtool_binary(), "query", "instant", server.url, expression, f"--time={at:.3f}"],
        check=True, capture_output=True, text=True, timeout=20,
    ).stdout  # fmt: skip
    return float(out.split("=>")[1].split("@")[0])


async def figures(server, folder: Path, sli: Sli, at: float, *, target: float = 0.999, restarts: int = 1) -> SloGauge:
    """The gauge over a day, of a console that was begun some hours earlier, and anew since."""
    clock = SimulatedClock(datetime.fromtimestamp(at, UTC) - timedelta(hours=5) * restarts)
    told = Objective("x", "X", "s", target, Rolling(DAY), "Occurrences", sli)
    source = Prometheus(HttpSource("prometheus", server.url), clock)
    for _ in range(restarts + 1):
        store = SqliteSlices(folder / "slices.db", clock)
        rounds = MetricRounds(Still(source), [told], None, clock, store, "here")
        rounds.read()
        filling = Filling(rounds.levels, clock, in_place, nothing)
        await filling.finish(50)
        (found,) = rounds.levels.gauges()
        store.close()
        clock.leap(clock.now() + timedelta(hours=5))
    source.close()
    return found


async def nothing() -> None:
    pass


class Still:
    """A source whose clock is ours: it is asked about the past, and its Date header would say so."""

    def __init__(self, source: Prometheus) -> None:
        self._source, self.name, self.skew_seconds = source, source.name, 0.0

    def read(self, queries, *, at=None, seconds=300.0):
        return {
            name: reading if reading.at is None else reading.__class__(
                reading.state, reading.value, at, reading.source, reading.n, reading.note
            )
            for name, reading in self._source.read(queries, at=at, seconds=seconds).items()
        }  # fmt: skip

    def read_range(self, *arguments):
        return self._source.read_range(*arguments)

    def rows(self, expr):
        return self._source.rows(expr)


def ratio(name: str, window: str) -> str:
    return f'sum(increase({name}_total{{code="bad"}}[{window}])) / sum(increase({name}_total{{code="all"}}[{window}]))'


def counters(name: str) -> Sli:
    return of_counters(f'{name}_total{{code="all"}}', bad=f'{name}_total{{code="bad"}}')


WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d")


@pytest.mark.parametrize("minutes", [0, -125, -995])
async def test_samples_on_the_edges_are_the_raw_expression(server, tmp_path, minutes) -> None:
    at = server.now + 60 * minutes
    found = await figures(server, tmp_path, counters("even"), at)
    assert found.ratio.state is ReadingState.OK
    for window in WINDOWS:
        assert found.burns[window].value == pytest.approx(raw(server, ratio("even", window), at) / 0.001, rel=1e-9)
    share = raw(server, ratio("even", "1d"), at)
    assert found.ratio.value == pytest.approx(1 - share, rel=1e-9)
    assert found.budget_left.value == pytest.approx(1 - share / 0.001, rel=1e-9)


async def test_a_gap_is_left_out_and_the_raw_expression_fills_it(server, tmp_path) -> None:
    found = await figures(server, tmp_path, counters("gap"), server.now)
    share = raw(server, ratio("gap", "1d"), server.now)
    within = 65 / 1440  # of the events, with the slices at its ends
    assert found.coverage == pytest.approx(1 - 60 / 1440, abs=2 / 288)
    assert found.ratio.state is ReadingState.OK
    assert abs(1 - found.ratio.value - share) <= within * max(share, 1 / 550)
    assert 1 - found.ratio.value != pytest.approx(share, rel=1e-6)
    for window in ("5m", "30m", "1h", "2h", "6h"):  # it lies before them
        assert found.burns[window].value == pytest.approx(
            raw(server, ratio("gap", window), server.now) / 0.001, rel=1e-9
        )


def between(value: Callable[[int], float], minutes: int) -> float:
    """What a counter of the past grew by in so many minutes before now, by its samples off the edges: the newest one
    within each minute is that of the minute before, 17 s after its begin."""
    return value(-1) - value(-1 - minutes)


async def test_samples_off_the_edges_are_counted_once(server, tmp_path) -> None:
    """Over restarts, with bursts that begin and end in the middle of slices, and single errors."""
    found = await figures(server, tmp_path, counters("odd"), server.now)
    for window, minutes in (("30m", 30), ("1h", 60), ("2h", 120), ("6h", 360)):
        share = between(failures, minutes) / between(requests, minutes)
        assert found.burns[window].value * 0.001 == pytest.approx(share, rel=1e-9)
    share = between(failures, 1440) / between(requests, 1440)
    assert (found.ratio.state, 1 - found.ratio.value) == (ReadingState.OK, pytest.approx(share, rel=1e-9))


async def test_a_raw_expression_is_a_minute_of_a_day_off(server, tmp_path) -> None:
    found = await figures(server, tmp_path, counters("odd"), server.now)
    share = raw(server, ratio("odd", "1d"), server.now)
    assert 1 - found.ratio.value == pytest.approx(share, rel=1 / 300)
    assert 1 - found.ratio.value != pytest.approx(share, rel=1e-6)


@pytest.mark.parametrize("window", ["5m", "30m", "1h", "2h", "6h"])
async def test_single_errors_are_single_errors(server, tmp_path, window) -> None:
    """One each nine minutes, off step with the slices, and sampled off their edges."""
    found = await figures(server, tmp_path, counters("rare"), server.now)
    minutes = {"5m": 5, "30m": 30, "1h": 60, "2h": 120, "6h": 360}[window]
    errors = between(lambda m: (m + 10_000) // 9, minutes)
    assert found.burns[window].value * 0.001 * 100 * minutes == pytest.approx(errors, rel=1e-9)
    assert errors in (minutes // 9, minutes // 9 + 1)


async def test_the_first_error_of_a_process_counts_up_to_a_sixth_less(server, tmp_path) -> None:
    found = await figures(server, tmp_path, counters("born"), server.now)
    errors = found.burns["1h"].value * 0.001 * 100 * 60
    assert 300 / 360 <= errors <= 1


async def test_the_interval_is_asked_of_the_server(server) -> None:
    clock = SimulatedClock(datetime.fromtimestamp(server.now + 37, UTC))
    source = Prometheus(HttpSource("prometheus", server.url), clock)
    at = datetime.fromtimestamp(server.now + 37, UTC)
    names = ("odd_total", 'even_total{code="bad"}', "nothing_total", "probe")
    queries = [Query(name, scrapes.question(name)) for name in names]
    found = source.read(queries, at=at)
    source.close()
    assert [scrapes.interval(found[name]) for name in names] == [60.0, 60.0, 0.0, 60.0]
    assert found["odd_total"].value == 60.0


async def test_deltas_and_probes(server, tmp_path) -> None:
    deltas = of_deltas('delta{code="all"}', bad='delta{code="bad"}')
    found = await figures(server, tmp_path / "a", deltas, server.now)
    shorter = f"{86_400_000 - 1}ms"
    bad, total = (f'sum_over_time(delta{{code="{code}"}}[{shorter}])' for code in ("bad", "all"))
    share = raw(server, f"{bad} / on () {total}", server.now)
    assert 1 - found.ratio.value == pytest.approx(share, rel=1e-9)
    probe = await figures(server, tmp_path / "b", of_bool_gauge("probe"), server.now)
    assert probe.burns["1h"].value == pytest.approx(3 / 60 / 0.001, rel=1e-9)


async def test_three_methods_of_budgeting_and_three_answers(server, tmp_path) -> None:
    """23 h of 6000 a minute without an error, then one of 60 of which all fail (2.3)."""
    hour = counters("hour")
    events = await figures(server, tmp_path / "a", hour, server.now)
    assert 1 - events.ratio.value == pytest.approx(3600 / 8_283_600, rel=1e-9)
    assert 1 - events.ratio.value == pytest.approx(raw(server, ratio("hour", "1d"), server.now), rel=1e-9)
    means = await figures(server, tmp_path / "b", averaged(hour, 300), server.now)
    assert 1 - means.ratio.value == pytest.approx(12 / 288, rel=1e-9)
    whole = await figures(server, tmp_path / "c", sliced(hour, 300, 0.95), server.now)
    assert 1 - whole.ratio.value == pytest.approx(12 / 288, rel=1e-9)


async def test_two_pods_are_one_sum(server, tmp_path) -> None:
    found = await figures(server, tmp_path, counters("pods"), server.now)
    assert 1 - found.ratio.value == pytest.approx(0.0005, rel=1e-9)
    bad, total = (f'increase(pods_total{{code="{code}"}}[10m])' for code in ("bad", "all"))
    assert raw(server, f"avg({bad} / ignoring (code) {total})", server.now) == pytest.approx(0.25, rel=1e-9)


async def test_the_tail_is_the_raw_expression(server, tmp_path) -> None:
    """Between two slices' ends: the running slice, and those before it that fit."""
    at, sli = server.now - 60, counters("even")
    found = await figures(server, tmp_path, sli, at)
    seconds = 240 + 11 * 300
    part, total = (raw(server, filled(text, seconds), at) for text in (sli.part, sli.total))
    assert found.burn.value == pytest.approx(part / total / 0.001, rel=1e-9)


def test_the_study_s_vectors(shared_dir) -> None:
    """33 expressions and 8 alerts, judged by promtool itself."""
    done = subprocess.run(
        [servers.promtool_binary(), "test", "rules", "slo_promtool_test.yml"],
        cwd=shared_dir / "vectors", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
