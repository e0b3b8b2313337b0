"""Guardrails and invariants: what they say, what they become on the screen, and the schemas of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
import yaml

from console.model.guard import Action, Invariant, Limit, NoData, PhaseGuard
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout import Guardrail, GuardrailRule, Level
from console.settings.slo import guards, schema
from console.settings.slo.guards import Guard
from tests.settings.conftest import Folder
from tests.settings.slo import lines, read, slo

GUARDRAIL = """\
apiVersion: oncall/v1
kind: Guardrail
metadata: {name: canary-p99, title: P99 of the canary}
spec:
  description: slow
  appliesTo: {rollout: checkout-v2, phases: [5, 25]}
  query: max(p99{track="canary"}[{{.window}}])
  samples: sum(increase(requests_count{track="canary"}[{{.window}}]))
  window: 5m
  must: {op: lt, value: 0.3, unit: s}
  minSamples: 300
  onNoData: inconclusive
  onBreach: {after: 2, of: 3, action: recommend-rollback}
""".replace('max(p99{track="canary"}[{{.window}}])', 'max(max_over_time(p99{track="canary"}[{{.window}}]))')
REF = """\
apiVersion: oncall/v1
kind: Guardrail
metadata: {name: canary-errors}
spec: {sliRef: checkout, selectorPatch: {track: canary}, window: 5m, must: {op: lte, value: 0.01}, minSamples: 400}
"""
INVARIANT = """\
apiVersion: oncall/v1
kind: Invariant
metadata: {name: no-violations}
spec:
  counter: 'violations_total{job="x"}'
  since: rollout-start
  must: {op: eq, value: 0}
  onNoData: unknown
  onBreach: {severity: sev1}
"""


def guard(*texts: str) -> Guard:
    levels, problems = read(*texts)
    problems.check()
    (one,) = levels.guards
    return one


def test_a_guardrail():
    one = guard(GUARDRAIL).item
    assert one == PhaseGuard(
        "canary-p99",
        "P99 of the canary",
        'max(max_over_time(p99{track="canary"}[$inner]))',
        timedelta(minutes=5),
        Limit("<", 0.3, "s"),
        'sum(increase(requests_count{track="canary"}[$window]))',
        300,
        NoData.INCONCLUSIVE,
        2,
        3,
        Action.RECOMMEND_ROLLBACK,
        "checkout-v2",
        (5, 25),
        "slow",
        "a.yaml:7",
    )
    assert one.rule == GuardrailRule(
        "canary-p99",
        "P99 of the canary",
        '(max(max_over_time(p99{track="canary"}[299999ms]))) and on() '
        '((sum(increase(requests_count{track="canary"}[300s]))) >= 300)',
        None,
        0.3,
        "s",
        ">=",
        (5, 25),
        'sum(increase(requests_count{track="canary"}[300s]))',
        300,
        after=2,
        of=3,
    )


def test_a_guardrail_on_an_sli_asks_for_its_own_labels():
    one = guard(slo('bad_total{track="all",code="500"}', "all_total"), REF)
    bad, total = 'bad_total{code="500",track="canary"}', 'all_total{track="canary"}'
    part, whole = f"sum(increase({bad}[$window]))", f"sum(increase({total}[$window]))"
    assert one.item.query == f"(({part}) or ({whole}) * 0) / ({whole})"
    assert one.item.samples == whole
    assert one.rule.breach == ">"

    good = guard(slo("good_total", "all_total", of="good"), REF.replace("selectorPatch: {track: canary}, ", "")).item
    assert good.query == "1 - (sum(increase(good_total[$window]))) / (sum(increase(all_total[$window])))"


def test_an_sli_without_counts_guards_nothing():
    raw = slo().replace("bad: {metricSource: {spec: {query: 'bad_total'}}}", "raw: {metricSource: {spec: {query: r}}}")
    raw = raw.replace("        total: {metricSource: {spec: {query: 'all_total'}}}", "        rawType: failure")
    (line,) = lines(raw, REF)
    assert "found 'checkout', which is no ratio of counts, expected an SLI with good or bad, and total" in line


def test_an_invariant_counts_a_counter_that_is_born_above_zero():
    one = guard(INVARIANT).item
    assert one == Invariant(
        "no-violations", "no-violations", 'violations_total{job="x"}', None, NoData.INCONCLUSIVE, "SEV1", "", "a.yaml:5"
    )
    counter = 'violations_total{job="x"}'
    assert one.rule == GuardrailRule(
        "no-violations",
        "no-violations",
        f"sum((max_over_time({counter}[86400s]) unless last_over_time({counter}[1h] offset 86400s))"
        f" or increase({counter}[86400s]))",
        None,
        0.0,
        "in 1 d",
        ">",
        template=one.query,
        reach=timedelta(days=1),
        covers=f"count_over_time(group({counter})[$window:300s]) / ($seconds / 300)",
    )
    assert one.rule.covering == f"count_over_time(group({counter})[86400s:300s]) / (86400 / 300)"
    since = guard(INVARIANT.replace("rollout-start", "2h")).item
    assert (since.since, since.rule.unit) == (timedelta(hours=2), "in 2 h")
    assert since.rule.over(timedelta(days=3)) == since.rule
    longer = one.rule.over(timedelta(days=3))
    assert (longer.unit, longer.expr.count("[259200s]"), longer.expr.count("offset 259200s")) == ("in 3 d", 2, 1)


@pytest.mark.parametrize(
    ("op", "value", "level"),
    [
        ("lt", 0.3, Level.CRITICAL),
        ("lt", 0.29, Level.OK),
        ("lte", 0.3, Level.OK),
        ("lte", 0.31, Level.CRITICAL),
        ("gt", 0.3, Level.CRITICAL),
        ("gt", 0.31, Level.OK),
        ("gte", 0.3, Level.OK),
        ("gte", 0.29, Level.CRITICAL),
    ],
)
def test_what_must_hold_is_critical_when_it_does_not(op: str, value: float, level: Level):
    rule = guard(GUARDRAIL.replace("op: lt", f"op: {op}")).rule
    assert Guardrail(rule, Reading(ReadingState.OK, value), within=True).level is level
    assert Guardrail(rule, missing(ReadingState.NO_DATA, "x", ""), within=True).level is Level.UNKNOWN


# --- in a folder -----------------------------------------------------------------------------------------------------


def test_a_guard_is_of_the_rollout_that_there_is(folder: Folder):
    folder.replace("slo/guards.yaml", "rollout: lighthouse-elicitation", "rollout: lighthouse-elicitatio")
    assert folder.lines() == [
        "slo/guards.yaml:13:14: spec.appliesTo.rollout: "
        "found the unknown rollout 'lighthouse-elicitatio', expected 'lighthouse-elicitation'"
    ]


def test_a_guard_has_a_name_of_its_own_among_all_guardrails(folder: Folder):
    folder.replace("slo/guards.yaml", "name: undelivered", "name: p99")
    assert folder.lines() == [
        "slo/guards.yaml:9:9: metadata.name: "
        "found 'p99', which is a guardrail of rollout.yaml, expected a name of its own"
    ]


def test_a_broken_guard_is_one_line_though_playbooks_read_it(folder: Folder):
    folder.replace("slo/guards.yaml", "name: security", "name: Security")
    (line,) = folder.lines()
    assert line.startswith("slo/guards.yaml:28:9: metadata.name: found 'Security'")


# --- schemas ---------------------------------------------------------------------------------------------------------

WHOLE = {guards.GUARDRAIL: GUARDRAIL, guards.INVARIANT: INVARIANT}
each = pytest.mark.parametrize("kind", [guards.GUARDRAIL, guards.INVARIANT])


@each
def test_is_published_as_it_is(kind: str):
    assert schema.FILES[kind].read_text() == schema.published(kind), "python -m console.settings.slo.schema"
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.published(kind)))


def test_has_every_key_of_the_reader_and_no_other():
    guardrail, invariant = schema.schema(guards.GUARDRAIL), schema.schema(guards.INVARIANT)
    spec = guardrail["properties"]["spec"]["properties"]
    assert tuple(guardrail["properties"]) == tuple(invariant["properties"]) == guards.TOP
    assert tuple(guardrail["properties"]["metadata"]["properties"]) == guards.METADATA
    assert tuple(spec) == guards.GUARDRAIL_SPEC
    assert tuple(spec["appliesTo"]["properties"]) == guards.APPLIES
    assert tuple(spec["must"]["properties"]) == guards.MUST
    assert tuple(spec["onBreach"]["properties"]) == guards.ON_BREACH
    assert spec["onBreach"]["properties"]["action"]["enum"] == [*map(str, Action)]
    spec = invariant["properties"]["spec"]["properties"]
    assert tuple(spec) == guards.INVARIANT_SPEC
    assert tuple(spec["must"]["properties"]) == guards.INVARIANT_MUST
    assert tuple(spec["onBreach"]["properties"]) == guards.INVARIANT_BREACH


def nodes(at: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, value in at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ():
        yield from nodes(value, (*path, key))


VALUES: tuple[Any, ...] = ("", None, 7, -1, 1e9, True, "x y", [], ["x"], {}, {"x": "y"}, "x" * 5000, "forever", [[]])


def mutants(kind: str, count: int) -> Iterator[tuple[str, Any]]:
    """A key deleted or renamed, or given a value of another shape."""
    chance = random.Random(5)
    whole = yaml.safe_load(WHOLE[kind])
    for _ in range(count):
        mutant = deepcopy(whole)
        path = chance.choice([path for path in nodes(mutant) if path])
        parent = mutant
        for key in path[:-1]:
            parent = parent[key]
        what = chance.choice(["delete", "rename", "value", "value"])
        if what == "delete":
            del parent[path[-1]]
        elif what == "rename" and isinstance(parent, dict):
            parent[f"{path[-1]}x"] = parent.pop(path[-1])
        else:
            parent[path[-1]] = chance.choice(VALUES)
        yield f"{path} {what}", mutant


@each
def test_what_the_schema_refuses_the_reader_refuses(kind: str):
    judge = jsonschema.Draft202012Validator(schema.schema(kind))
    assert (list(judge.iter_errors(yaml.safe_load(WHOLE[kind]))), lines(WHOLE[kind])) == ([], [])
    refused, both = 0, 0
    for what, mutant in mutants(kind, 250):
        found = [error.message[:200] for error in judge.iter_errors(mutant)]
        wrong = lines(yaml.dump(mutant, Dumper=yaml.CSafeDumper))
        refused += bool(wrong)
        both += bool(found)
        assert wrong or not found, f"{what}: the reader takes what the schema refuses: {found}"
    assert both >= 100
    assert both >= 0.8 * refused, "an editor finds most of what is wrong in the shape of a file"
