"""A week captured from a real Prometheus and compared with, by the commands that people type."""

from __future__ import annotations

import random
import time
from datetime import datetime

import pytest

from tests import servers
from tests.cli.conftest import oncall as oncall

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prometheus")]

DAYS = 8
SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: errors, displayName: Requests that succeed}
spec:
  service: lighthouse
  indicator:
    metadata: {name: errors}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{code="500"}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: http_requests_total}}}
  timeWindow: [{duration: 7d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: latency, displayName: Below 300 ms}
spec:
  service: lighthouse
  indicator:
    metadata: {name: latency}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'http_seconds_bucket{le=~"0\\\\.30*"}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: http_seconds_count}}}
  timeWindow: [{duration: 7d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: typo, displayName: Nothing is called so}
spec:
  service: lighthouse
  indicator:
    metadata: {name: typo}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'http_reqests_total{code="500"}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: http_reqests_total}}}
  timeWindow: [{duration: 7d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
"""


def history(now):
    """A sample a minute: 120 requests by day and 40 by night, 0.5 % of them fail, of the last 70 minutes 5 %. Two hours
    are missing four days ago, and every counter begins anew two days ago."""
    chance, end = random.Random(5), now // 60 * 60
    shares = {"0.1": 0.6, "0.3": 0.985, "0.5": 0.997, "1.0": 0.9995, "+Inf": 1.0}
    counts = {"200": 0.0, "500": 0.0} | dict.fromkeys(shares, 0.0)
    lines = {name: [] for name in counts}
    for minute in range(-DAYS * 1440, 6):
        at = end + 60 * minute
        volume = 120 if 8 <= at // 3600 % 24 < 20 else 40
        errors = 0.05 if minute > -70 else 0.005
        failed = sum(chance.random() < errors for _ in range(volume))
        counts["500"] += failed
        counts["200"] += volume - failed
        for le, share in shares.items():
            counts[le] += volume * share
        if minute == -2880:
            counts = dict.fromkeys(counts, 0.0)
        if not -5760 <= minute < -5640:
            for name, count in counts.items():
                lines[name].append(f"{count:.4f} {at}")
    text = ["# TYPE http_requests counter"]
    text += [f'http_requests_total{{code="{code}"}} {line}' for code in ("200", "500") for line in lines[code]]
    text.append("# TYPE http_seconds histogram")
    text += [f'http_seconds_bucket{{le="{le}"}} {line}' for le in shares for line in lines[le]]
    text += [f"http_seconds_count {line}" for line in lines["+Inf"]]
    return "\n".join([*text, "# EOF\n"])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("baseline")
    with servers.Prometheus(folder, history=history(int(time.time()))) as running:
        yield running


@pytest.fixture
def there(oncall, server):
    oncall.edit(r"url: http://127.0.0.1:1\n", f"url: {server.url}\n")
    for file in (oncall.config / "slo").glob("*.yaml"):
        file.unlink()
    (oncall.config / "slo" / "ours.yaml").write_text(SLO)
    return oncall


def test_a_week_is_captured_and_the_present_stands_out(there, server):
    captured = there("baseline", "capture", "--name", "week", "--until", "-2h", "--json", code=1)  # one SLI is a typo

    assert set(captured.json) == {"baseline", "file", "hash", "head", "saved"}  # docs/commands.md
    found = captured.json["baseline"]
    errors, latency = found["slis"]
    assert found["missing"] == {"typo": "no sample of its total"}
    assert (errors["slices"], errors["name"], latency["name"]) == (2016, "errors", "latency")
    assert 1985 <= errors["seen"] < 2016  # two hours are missing
    whole = errors["ratios"]["all"]
    assert whole["low"] < whole["value"] < whole["high"]
    assert whole["method"].startswith("circular day-block bootstrap")
    begin, end = (time_of(found[name]) for name in ("begin", "end"))
    (bad,) = server.query(f'sum(increase(http_requests_total{{code="500"}}[{end - begin}s] @ {end}))')
    assert errors["bad"] == pytest.approx(float(bad["value"][1]), rel=0.02)
    assert latency["bounds"] == [0.1, 0.3, 0.5, 1.0]
    p99 = next(item["estimate"] for item in latency["quantiles"] if (item["quantile"], item["load"]) == (0.99, "all"))
    assert p99["value"] == pytest.approx(0.3 + 0.2 * 5 / 12, rel=0.01)  # 98.5 % are below 0.3, 99.7 % below 0.5
    assert p99["bounds"] == [0.3, 0.5]
    assert "reading" in captured.err

    shown = there("baseline", "show", "week")
    assert "objective 90 % could be stricter" in shown.out
    assert set(there("baseline", "show", "week", "--json").json) == {"baseline"}
    answer = there("baseline", "compare", "--json").json
    assert set(answer) == {"advice", "baseline", "comparisons"}
    compared = answer["comparisons"]
    last = {(item["slo"], item["what"]): item for item in compared if item["hour"] == "last hour"}
    assert last["errors", "errors"]["standing"] == "higher"
    assert last["errors", "errors"]["difference"]["low"] > 0.02
    assert last["latency", "P99"]["standing"] == "within"
    assert last["latency", "P99"]["n"] >= 2000

    (gauge,) = (item for item in there("slo", "ls", "--json").json["slos"] if item["name"] == "errors")
    assert gauge["baseline"]["standing"] == "higher"
    assert gauge["baseline"]["baseline"] == "week"
    logged = there("log", "tail").out
    assert "baseline week captured" in logged
    assert captured.json["hash"][:12] in logged


def time_of(text):
    return int(datetime.fromisoformat(text).timestamp())
