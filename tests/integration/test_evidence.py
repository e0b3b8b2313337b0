"""The evidence of a rollout, read from a real Prometheus: a scrape every 15 s, and one that is too rare."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.engine.clocks import SimulatedClock
from console.engine.metrics import MetricRounds
from console.engine.offload import in_place
from console.engine.tracks import LATE, Tracks
from console.integrations.prometheus import Prometheus
from console.model.progress import Progress
from console.model.reading import Reading, ReadingState
from console.model.rolling import RolloutRecord
from console.model.rollout import Rollout, RolloutPlan
from console.model.rollout_plan import Evidence
from console.model.sli import of_counters
from console.model.verdict import Judged, Verdict
from console.settings.config import HttpSource
from tests import servers
from tests.view.boards import quiet

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prometheus")]

NOW = int(time.time()) // 300 * 300
BAKE, HOURS = 30, 3


def series(
    name: str, labels: str, per_minute: float, *, every: int = 15, born: int = -HOURS * 60, late: int = 0
) -> str:
    """A counter that was there for long, or begins at 0 where it was born (minutes from now); None before that."""
    first = 0.0 if born > -HOURS * 60 else 1e6
    ends = range(NOW + 60 * born + late, NOW + 60, every)
    return "".join(f"{name}{labels} {first + per_minute * (at - ends[0]) / 60:g} {at}\n" for at in ends)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Prometheus]:
    text = "# TYPE requests counter\n"
    text += series("requests_total", '{path="legacy",code="200"}', 2979)
    text += series("requests_total", '{path="legacy",code="500"}', 21)
    text += series("requests_total", '{path="new",code="200"}', 1000, born=-BAKE - 1)
    text += series("requests_total", '{path="worse",code="200"}', 970, born=-BAKE - 1)
    text += series("requests_total", '{path="worse",code="500"}', 30, born=-BAKE + 5)
    text += series("requests_total", '{path="rare",code="200"}', 1000, every=60, late=17)
    text += "# TYPE build_info gauge\n"
    text += "".join(f'build_info{{revision="v2",pod="{pod}"}} 1 {NOW}\n' for pod in "ab")
    with servers.Prometheus(tmp_path_factory.mktemp("evidence"), history=text + "# EOF\n") as running:
        yield running


@pytest.fixture
def judged(server: servers.Prometheus) -> Callable[[str], Judged]:
    def of(path: str, legacy: str = "legacy", failed: str = "", **more: Any) -> Judged:
        new, old = (
            of_counters(f'requests_total{{path="{name}"}}', bad=failed or f'requests_total{{path="{name}",code="500"}}')
            for name in (path, legacy)
        )
        evidence = Evidence("errors", new.part, new.total, old.part, old.total, 0.01, fast=0.05)
        evidence = replace(evidence, **more)
        at = datetime.fromtimestamp(NOW + LATE + 1, UTC)
        plan = RolloutPlan("r", "new", "legacy", (25, 50), timedelta(minutes=BAKE), "", evidence=(evidence,))
        plan = replace(plan, revision_expr="last_over_time(build_info[1h])", revision_label="revision")
        clock = SimulatedClock(at)
        source = Prometheus(HttpSource("prometheus", server.url, timeout=timedelta(seconds=20)), clock)

        async def told() -> None:
            seen.append(tracks.revision())

        seen: list[str] = []
        tracks = Tracks(source, plan, clock, in_place, told, MetricRounds(source, [], plan, clock))
        since = datetime.fromtimestamp(NOW - 60 * BAKE, UTC)
        share = Reading(ReadingState.OK, 25.0, at)
        progress = Progress(plan, RolloutRecord("r", percent=25.0, bake_since=since), share)
        board = replace(quiet(), progress=progress, rollout=Rollout(plan, share, share))
        tracks.judged(board)
        asyncio.run(tracks.look())
        assert seen == ["v2"]
        return tracks.judged(board)[0]

    return of


def test_a_path_without_a_failure_passes(judged: Callable[..., Judged]) -> None:
    found = judged("new")
    assert found.verdict is Verdict.PASS, found
    assert (found.value, found.samples) == (0, pytest.approx(30_000, rel=1e-3)), "no series of failures was ever there"
    assert found.legacy == pytest.approx(0.007, rel=1e-3)
    assert found.legacy_samples == pytest.approx(90_000, rel=1e-3)


def test_a_path_with_four_times_the_failures_is_a_breach(judged: Callable[..., Judged]) -> None:
    found = judged("worse")
    assert found.verdict is Verdict.BREACH, found
    assert found.value == pytest.approx(25 * 30 / (25 * 30 + 30 * 970), rel=0.02)
    assert found.why.endswith("the limit is 1 %; the legacy path 0.7 %")


def test_what_is_scraped_once_a_minute_is_counted_over_five(judged: Callable[..., Judged]) -> None:
    found = judged("rare", "rare", absent_is_zero=True)
    assert found.verdict is Verdict.PASS, found
    assert found.samples == pytest.approx(30_000, rel=0.01)


def test_a_failure_that_was_never_counted_is_no_pass(judged: Callable[..., Judged]) -> None:
    found = judged("rare", "rare")
    assert (found.verdict, found.value) == (Verdict.INCONCLUSIVE, None)
    assert found.why.startswith("no bad event was ever counted on either path: is `bad` right?")
    found = judged("worse", failed='requests_total{path="worse",code="5OO"}')
    assert (found.verdict, found.value) == (Verdict.INCONCLUSIVE, None), "a slip of a hand hides a breach"


def test_a_bucket_that_is_missing_is_no_pass(judged: Callable[..., Judged]) -> None:
    all_, bucket = (f'sum(increase(requests_total{{path="worse"{le}}}[$window]))' for le in ("", ',le="0.3"'))
    found = judged("worse", bad=f"{all_} - {bucket}", absent_is_zero=True)
    assert (found.verdict, found.value) == (Verdict.INCONCLUSIVE, None)
    assert found.why == "`bad` is computed of several series, and one of them is missing: is `bad` right?"


def test_a_path_that_nothing_is_seen_of_is_a_breach_and_a_refused_query_unknown(judged: Callable[..., Judged]) -> None:
    assert judged("absent").why.startswith("the new path received nothing for 30 min")
    found = judged("new", bad='requests_total{path=~"["}')
    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, "the bad events cannot be read")
