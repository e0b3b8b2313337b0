"""Files that somebody broke: every one is refused at the line that was broken."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.servers import REPO
from tests.settings.slo import lines, read
from tests.settings.test_slo import ALPHA, CONDITION, POLICY, PYRRA, SLOTH, WINDOWS

OURS = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout
  displayName: Check out
  labels: {team: [a, b]}
spec:
  description: carts
  service: shop
  indicator:
    metadata: {name: failed-carts}
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            type: Prometheus
            spec: {query: bad_total}
        total:
          metricSource:
            type: Prometheus
            spec: {query: all_total}
  timeWindow:
    - duration: 1M
      isRolling: false
      calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}
  budgetingMethod: Timeslices
  objectives:
    - displayName: ours
      target: 0.999
      timeSliceTarget: 0.95
      timeSliceWindow: 1m
"""
LATENCY = PYRRA % "latency: {success: {metric: 'x_bucket{le=\"0.25\"}'}, total: {metric: x_count}}"
GUARDS = (REPO / "config/slo/guards.yaml").read_text()
GUARDRAIL = GUARDS[GUARDS.index("apiVersion") : GUARDS.index("\n---\n")].replace(
    "sliRef: message-delivery", "query: max(x)\n  samples: sum(y)"
)
GUARDRAIL = "\n".join(line for line in GUARDRAIL.splitlines() if "selectorPatch" not in line) + "\n"
INVARIANT = GUARDS[GUARDS.rindex("apiVersion") :]

MUTANTS: list[tuple[str, str, str, str]] = [
    # OpenSLO v1
    (OURS, "openslo/v1", "openslo/v3", "1:13: apiVersion: "),
    (OURS, "kind: SLO", "kind: Slo", "2:7: kind: "),
    (OURS, "metadata:\n  name", "metdata:\n  name", "3:1: metdata: found an unknown key, expected 'metadata'"),
    (OURS, "name: checkout", "name: Check_Out", "4:9: metadata.name: found 'Check_Out'"),
    (OURS, "name: checkout", f"name: {'x' * 64}", "4:9: metadata.name: "),
    (OURS, "name: checkout", "nam: checkout", "4:3: metadata.nam: "),
    (OURS, "[a, b]", "[a, [b]]", "6:22: metadata.labels.team[1]: "),
    (OURS, "service: shop", "service: [shop]", "9:12: spec.service: found a list"),
    (OURS, "counter: true", "counter: yes", "14:18: spec.indicator.spec.ratioMetric.counter: found 'yes'"),
    (OURS, "        bad:", "        wrong:", "15:9: spec.indicator.spec.ratioMetric.wrong: found an unknown key"),
    (OURS, "        total:", "        totals:", "19:9: spec.indicator.spec.ratioMetric.totals: "),
    (
        OURS,
        "type: Prometheus\n            spec: {query: bad",
        "type: Datadog\n            spec: {query: bad",
        "17:19: ",
    ),
    (OURS, "{query: bad_total}", "{}", "18:19: spec.indicator.spec.ratioMetric.bad.metricSource.spec: found an empty"),
    (
        OURS,
        "{query: bad_total}",
        "{expr: bad_total}",
        "18:19: spec.indicator.spec.ratioMetric.bad.metricSource.spec.query: ",
    ),
    (OURS, "query: bad_total", "query: 'rate(bad_total[5m])'", "18:27: "),
    (OURS, "query: bad_total", "query: 'bad_total{'", "18:27: "),
    (OURS, "query: all_total", "query: ''", "22:27: "),
    (
        OURS,
        "ratioMetric:",
        "thresholdMetric:",
        "14:9: spec.indicator.spec.thresholdMetric.counter: found an unknown key",
    ),
    (OURS, "duration: 1M", "duration: 1 month", "24:17: spec.timeWindow[0].duration: "),
    (OURS, "duration: 1M", "duration: 99Y", "24:17: spec.timeWindow[0].duration: found '99Y'"),
    (OURS, "isRolling: false", "isRolling: true", "26:7: spec.timeWindow[0].calendar: "),
    (OURS, "2026-01-01 00:00:00", "01/01/2026", "26:29: spec.timeWindow[0].calendar.startTime: "),
    (OURS, "2026-01-01 00:00:00", "'2026-01-01T00:00:00Z'", "26:29: spec.timeWindow[0].calendar.startTime: "),
    (OURS, "2026-01-01 00:00:00", "0001-01-01", "26:29: spec.timeWindow[0].calendar.startTime: "),
    (OURS, "Europe/Berlin", "Berlin", "26:60: spec.timeWindow[0].calendar.timeZone: found 'Berlin'"),
    (OURS, "Europe/Berlin", "../../etc/passwd", "26:60: spec.timeWindow[0].calendar.timeZone: "),
    (
        OURS,
        "  timeWindow:\n",
        "  timeWindow:\n    - duration: 1d\n",
        "24:5: spec.timeWindow: found 2 windows, expected one",
    ),
    (OURS, "Timeslices", "Timeslice", "27:20: spec.budgetingMethod: found 'Timeslice', expected 'Timeslices'"),
    (OURS, "target: 0.999", "target: 1.0", "30:15: spec.objectives[0].target: "),
    (OURS, "target: 0.999", "target: 99.9", "30:15: spec.objectives[0].target: "),
    (OURS, "target: 0.999", "target: .nan", "30:15: spec.objectives[0].target: found '.nan'"),
    (OURS, "target: 0.999", "target: 0", "30:15: spec.objectives[0].target: "),
    (OURS, "target: 0.999", "targetPercent: 100", "30:22: spec.objectives[0].targetPercent: "),
    (OURS, "target: 0.999", "target: 0.9\n      targetPercent: 90", "31:22: spec.objectives[0].targetPercent: "),
    (OURS, "timeSliceTarget: 0.95", "timeSliceTarget: 95", "31:24: spec.objectives[0].timeSliceTarget: "),
    (OURS, "timeSliceWindow: 1m", "timeSliceWindow: 0", "32:24: spec.objectives[0].timeSliceWindow: "),
    (OURS, "timeSliceWindow: 1m", "timeSliceWindow: 2d", "32:24: spec.objectives[0].timeSliceWindow: "),
    (OURS, "displayName: ours", "displayname: ours", "29:7: spec.objectives[0].displayname: found an unknown key"),
    (OURS, "  objectives:\n", "  objectives: []\n  x:\n", "28:15: spec.objectives: found an empty list"),
    (OURS, "  service: shop", "\tservice: shop", "9:1: (syntax): found a tab"),
    (CONDITION % ("page", "gt"), "threshold: 14", "threshold: many", "6:50: spec.condition.threshold: found 'many'"),
    (CONDITION % ("page", "gt"), "kind: burnrate", "kind: errors", "6:21: spec.condition.kind: found 'errors'"),
    (CONDITION % ("page", "gt"), "lookbackWindow: 2h", "lookbackWindow: 2 h", "6:70: spec.condition.lookbackWindow: "),
    (POLICY, "[{conditionRef: burns}]", "[]", "6:15: spec.conditions: found an empty list"),
    # OpenSLO v1alpha
    (ALPHA, "unit: Month", "unit: Moon", "7:34: spec.timeWindows[0].unit: found 'Moon'"),
    (ALPHA, "count: 1", "count: 0", "7:25: spec.timeWindows[0].count: "),
    (ALPHA, "source: prometheus", "source: graphite", "13:24: spec.objectives[0].ratioMetrics.good.source: "),
    (ALPHA, "query: good_total", "query: good total", "13:62: spec.objectives[0].ratioMetrics.good.query: "),
    # Sloth
    (SLOTH, "prometheus/v1", "prometheus/v2", "1:10: version: "),
    (SLOTH, "service: shop", "service: ''", "2:10: service: found an empty text"),
    (SLOTH, "objective: 99.9", "objective: 101", "6:16: slos[0].objective: found '101'"),
    (SLOTH, "objective: 99.9", "objective: 100", "6:16: slos[0].objective: "),
    (SLOTH, "      events:", "      event:", "10:7: slos[0].sli.event: found an unknown key, expected 'events'"),
    (SLOTH, "(bad_total[{{.window}}])", "(bad_total[5m])", "11:22: slos[0].sli.events.error_query: "),
    (SLOTH, "(all_total[{{.window}}])", "(all_total[{{.slot}}])", "12:22: slos[0].sli.events.total_query: "),
    (SLOTH, "disable: true", "disable: 1", "18:31: slos[0].alerting.ticket_alert.disable: "),
    (SLOTH, "name: carts", "name: '-carts'", "5:11: slos[0].name: "),
    (WINDOWS, "sloPeriod: 30d", "sloPeriod: month", "4:14: spec.sloPeriod: "),
    (
        WINDOWS,
        "shortWindow: 15m",
        "shortWindow: 5h",
        "7:48: spec.page.slow.shortWindow: found '5h', expected less than 3h",
    ),
    (WINDOWS, "errorBudgetPercent: 2", "errorBudgetPercent: 0", "7:32: spec.page.slow.errorBudgetPercent: "),
    # Pyrra
    (LATENCY, "target: '99.5'", "target: high", "5:11: spec.target: found 'high'"),
    (LATENCY, "window: 2w", "window: two weeks", "6:11: spec.window: "),
    (LATENCY, 'le="0.25"', 'path="x"', "9:33: spec.indicator.latency.success.metric: "),
    (LATENCY, "x_count", "sum(x_count)", "9:73: spec.indicator.latency.total.metric: "),
    (LATENCY, "    latency:", "    latencies:", "9:5: spec.indicator.latencies: "),
    # our own
    (GUARDRAIL, "kind: Guardrail", "kind: GuardRail", "2:7: kind: found the kind 'GuardRail', expected 'Guardrail'"),
    (GUARDRAIL, "query: max(x)", "query: max(x", "10:10: spec.query: "),
    (GUARDRAIL, "window: 5m", "window: 5 minutes", "12:11: spec.window: "),
    (GUARDRAIL, "op: lt", "op: less", "13:14: spec.must.op: found 'less'"),
    (GUARDRAIL, "minSamples: 100", "minSamples: -1", "14:15: spec.minSamples: "),
    (GUARDRAIL, "  samples: sum(y)\n", "", "13:15: spec.minSamples: found a number of samples that nothing counts"),
    (GUARDRAIL, "onNoData: inconclusive", "onNoData: pass", "15:13: spec.onNoData: found 'pass'"),
    (GUARDRAIL, "after: 2, of: 3", "after: 4, of: 3", "16:21: spec.onBreach.after: found '4'"),
    (GUARDRAIL, "[5, 25,", "[0, 25,", "9:14: spec.appliesTo.phases[0]: found '0'"),
    (GUARDRAIL, "query: max(x)", "query: max(x)\n  sliRef: y", "11:3: spec.sliRef: found `sliRef` beside `query`"),
    (
        GUARDRAIL,
        "query: max(x)\n  samples: sum(y)",
        "sliRef: nobody",
        "10:11: spec.sliRef: found the unknown SLI 'nobody'",
    ),
    (INVARIANT, "value: 0", "value: 1", "9:25: spec.must.value: found '1', expected 0; another limit is a Guardrail"),
    (INVARIANT, "op: eq", "op: lt", "9:14: spec.must.op: "),
    (INVARIANT, "since: 1d", "since: ever", "8:10: spec.since: found 'ever'"),
    (INVARIANT, "counter: security_violations_total", "counter: rate(x[5m])", "7:12: spec.counter: "),
    (INVARIANT, "onNoData: unknown", "onNoData: ok", "10:13: spec.onNoData: "),
    (INVARIANT, "sev1", "sev9", "11:24: spec.onBreach.severity: "),
]


@pytest.mark.parametrize(("text", "old", "new", "line"), MUTANTS, ids=[f"{index}" for index in range(len(MUTANTS))])
def test_is_refused_at_its_line(text: str, old: str, new: str, line: str):
    assert lines(text) == [], "whole, it is read"
    assert text.count(old) >= 1
    found = lines(text.replace(old, new, 1))
    assert any(one.startswith(f"a.yaml:{line}") for one in found), found


def test_all_mistakes_of_a_file_are_said_at_once():
    text = OURS
    for old, new in (
        ("counter: true", "counter: 1"),
        ("0.999", "9"),
        ("Timeslices", "x"),
        ("Berlin", "x"),
        ("shop", "S"),
    ):
        text = text.replace(old, new, 1)
    assert [one.split(":")[1] for one in lines(text)] == ["9", "14", "26", "27", "30"]


def nodes(at: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, value in at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ():
        yield from nodes(value, (*path, key))


VALUES: tuple[Any, ...] = (None, "", "x y", "{{", 7, -1, 1e300, True, [], ["x"], {}, {"x": "y"}, [[]], "é" * 5000)


@pytest.mark.parametrize("seed", range(10))
def test_whatever_stands_in_a_file_it_loads_or_is_refused(seed: int):
    """No mutant of any format ends in an exception, and none that is refused is also used."""
    chance = random.Random(seed)
    for _ in range(40):
        text = chance.choice(
            [OURS, ALPHA, SLOTH, WINDOWS, LATENCY, GUARDRAIL, INVARIANT, CONDITION % ("x", "gt"), POLICY]
        )
        mutant = yaml.load(text, Loader=yaml.CBaseLoader)
        path = chance.choice([path for path in nodes(mutant) if path])
        parent = mutant
        for key in path[:-1]:
            parent = parent[key]
        if chance.random() < 0.2:
            del parent[path[-1]]
        else:
            parent[path[-1]] = chance.choice(VALUES)
        broken = yaml.safe_dump(mutant)
        levels, problems = read(broken)
        silent = text.startswith((WINDOWS, POLICY, CONDITION[:60]))
        assert levels.objectives or levels.guards or problems.found or silent, broken
