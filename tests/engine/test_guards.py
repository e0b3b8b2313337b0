"""Guardrails in a round: those of other phases, and those that rest on too little."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from console.engine.clocks import SimulatedClock
from console.engine.metrics import MetricAnswers, MetricRounds, rollout
from console.engine.said import metric_panels
from console.model.board import SourceStatus
from console.model.guard import Invariant
from console.model.judge import judge_value
from console.model.reading import Reading, ReadingState
from console.model.rollout import GuardrailRule, Level
from console.model.verdict import Verdict
from console.ports import NO_SERIES, Query, SourceError
from console.view.line import words
from console.view.look import ASCII, Look
from console.view.rollout import guardrail
from tests.engine.bench import PLAN, START

CANARY = GuardrailRule("canary", "C", "x", None, 0.3, "s", phases=(5,), samples="n", min_samples=100)
GUARDED = replace(PLAN, guardrails=(CANARY,))


def readings(**values: float) -> Mapping[str, Reading[float]]:
    names = {"canary": "guardrail.canary", "samples": "guardrail.canary.samples", "percent": "rollout.percent"}
    return {names[name]: Reading(ReadingState.OK, value, START, "x") for name, value in values.items()}


@pytest.mark.parametrize(
    ("percent", "samples", "level", "told"),
    [
        (0, 500, Level.NOT_IN_PHASE, None),
        (5, 500, Level.CRITICAL, 0.9),
        (25, 500, Level.NOT_IN_PHASE, None),
        (5, 99, Level.UNKNOWN, None),
    ],
)
def test_a_board_has_no_breach_of_another_phase(percent: float, samples: float, level: Level, told: float) -> None:
    answers = MetricAnswers(readings(canary=0.9, samples=samples, percent=percent))
    status = SourceStatus("prometheus", ReadingState.OK)
    _, found, named = metric_panels(answers, status, (), GUARDED, START)
    assert found is not None
    assert found.guardrails[0].level is level
    assert named["guardrail.canary"].value == told
    assert found.level is (level if level is not Level.NOT_IN_PHASE else Level.UNKNOWN)


def test_a_board_does_not_rely_on_the_phase_of_a_source_that_is_away() -> None:
    answers = MetricAnswers(readings(canary=0.9, samples=500, percent=25))
    status = SourceStatus("prometheus", ReadingState.UNREACHABLE)
    _, found, _ = metric_panels(answers, status, (), GUARDED, START)
    assert found is not None
    assert found.guardrails[0].level is Level.CRITICAL


def test_the_samples_are_asked_for_in_the_same_round() -> None:
    rounds = MetricRounds(None, [], GUARDED, SimulatedClock(START))  # type: ignore[arg-type]
    assert [(query.name, query.expr) for query in rounds.queries][:2] == [
        ("guardrail.canary", "x"),
        ("guardrail.canary.samples", "n"),
    ]


# --- an invariant that follows the rollout ---------------------------------------------------------------------------

FOLLOWS = Invariant("violations", "V", "violations_total").rule


class Remembers:
    """A server where a violation happened 30 hours ago, and the phase was entered so many hours ago."""

    name, skew_seconds = "prometheus", 0.0

    def __init__(self, hours: float | None) -> None:
        self.hours, self.rounds, self.fails = hours, 0, False
        self.percent: float | None = None
        self.covered: float | None = 1.0

    def read(self, queries: Sequence[Query], **_: object) -> Mapping[str, Reading[float]]:
        self.rounds += 1
        if self.fails:
            raise SourceError("away")
        return {query.name: self._answer(query) for query in queries}

    def _answer(self, query: Query) -> Reading[float]:
        value: float | None = None
        if query.name == "rollout.since" and self.hours is not None:
            value = START.timestamp() - 3600 * self.hours
        elif query.name == "rollout.percent":
            value = self.percent
        elif query.name == "guardrail.violations.covered":
            value = self.covered
        elif query.name == "guardrail.violations":
            (seconds,) = {int(found) for found in re.findall(r"\[(\d+)s\]", query.expr)}
            value = float(seconds >= 30 * 3600)
        return Reading(ReadingState.OK if value is not None else ReadingState.NO_DATA, value, START, "x")


@pytest.mark.parametrize(
    ("hours", "level", "unit"),
    [
        (None, Level.OK, "in 1 d"),
        (-5, Level.OK, "in 1 d"),
        (3, Level.OK, "in 1 d"),
        (29.5, Level.CRITICAL, "in 30 h"),
        (71.2, Level.CRITICAL, "in 3 d"),
        (24 * 400, Level.CRITICAL, "in 7 d"),
    ],
)
def test_an_invariant_remembers_since_the_rollout_began(hours: float | None, level: Level, unit: str) -> None:
    plan = replace(PLAN, guardrails=(FOLLOWS,))
    server = Remembers(hours)
    rounds = MetricRounds(server, [], plan, SimulatedClock(START))  # type: ignore[arg-type]
    for asked in (1 if unit == "in 1 d" else 2, 1):
        server.rounds = 0
        answers = rounds.read()
        assert server.rounds == asked, "once more only when the range is another one"
        _, found, named = metric_panels(answers, SourceStatus("prometheus", ReadingState.OK), (), plan, START)
        assert found is not None
        assert (found.guardrails[0].level, found.guardrails[0].rule.unit) == (level, unit)
        assert named["guardrail.violations"].value == (level is Level.CRITICAL)


@pytest.mark.parametrize(
    ("share", "note"),
    [
        (1.0, ""),
        (288.9 / 288, ""),
        (0.9, "covers 21.6 h of 1 d"),
        (0.000694, "covers 1 min of 1 d"),
        (None, "how much of 1 d it covers is not known"),
    ],
)
def test_what_covers_less_than_its_window_is_no_pass_and_a_violation_in_it_is_one(
    share: float | None, note: str
) -> None:
    plan, server = replace(PLAN, guardrails=(FOLLOWS,)), Remembers(None)
    server.covered = share
    rounds = MetricRounds(server, [], plan, SimulatedClock(START))  # type: ignore[arg-type]
    answers = rounds.read()
    (found,) = rollout(answers, plan).guardrails
    verdict = judge_value([found], START)
    assert (found.value.state is ReadingState.OK, found.value.note) == (not note, note)
    assert found.level is (Level.UNKNOWN if note else Level.OK)
    assert (verdict.verdict, verdict.why) == (
        (Verdict.INCONCLUSIVE, note) if note else (Verdict.PASS, "0 in 1 d, the limit is 0 in 1 d")
    )
    three = replace(answers.readings["guardrail.violations"], value=3.0)
    (found,) = rollout(replace(answers, readings={**answers.readings, "guardrail.violations": three}), plan).guardrails
    assert found.level is Level.CRITICAL, "three in a minute are three"


@pytest.mark.parametrize("value", [-1e308, -30.0, 1e300])
def test_what_cannot_be_is_neither_a_pass_nor_a_phase_and_is_short(value: float) -> None:
    class Lies(Remembers):
        def _answer(self, query: Query) -> Reading[float]:
            return Reading(ReadingState.OK, value, START, "x")

    rules = (FOLLOWS, GuardrailRule("p99", "P99 latency", "p99", None, 1e306, "ms"))
    plan = replace(PLAN, guardrails=rules)
    found = rollout(MetricRounds(Lies(None), [], plan, SimulatedClock(START)).read(), plan)  # type: ignore[arg-type]
    assert (found.phase, found.percent.note) == (None, f"{value:.3g} % is no share")
    violations, latency = found.guardrails
    assert violations.level is Level.UNKNOWN
    told = f"{value:.3g} is no possible count"
    assert (judge_value([violations], START).verdict, judge_value([violations], START).why) == (
        Verdict.INCONCLUSIVE,
        told,
    )
    lines = [
        words(guardrail(item, START, 200, Look(ASCII), judge_value([item], START))) for item in (violations, latency)
    ]
    assert all(len(line) < 120 for line in lines)
    assert told.upper() in lines[0] or told in lines[0]


def test_no_series_at_all_covers_nothing() -> None:
    plan, server = replace(PLAN, guardrails=(FOLLOWS,)), Remembers(None)
    rounds = MetricRounds(server, [], plan, SimulatedClock(START))  # type: ignore[arg-type]
    answers = rounds.read()
    none = Reading[float](ReadingState.NO_DATA, None, None, "x", note=NO_SERIES)
    readings = {**answers.readings, "guardrail.violations.covered": none}
    assert rollout(replace(answers, readings=readings), plan).guardrails[0].value.note == "covers 0 min of 1 d"


def test_an_invariant_does_not_forget_when_a_phase_is_entered() -> None:
    plan, server = replace(PLAN, guardrails=(FOLLOWS,)), Remembers(40)
    rounds = MetricRounds(server, [], plan, SimulatedClock(START))  # type: ignore[arg-type]
    units = []
    for hours, percent in ((40, 5.0), (1, 25.0), (None, 25.0), (1, None), (1, 0.0), (1, 5.0)):
        server.hours, server.percent = hours, percent
        units.append(rollout(rounds.read(), plan).guardrails[0].rule.unit)
    assert units == ["in 40 h", "in 40 h", "in 40 h", "in 40 h", "in 1 d", "in 1 d"]


def test_what_cannot_be_read_farther_back_says_how_far_it_was_read() -> None:
    plan = replace(PLAN, guardrails=(FOLLOWS,))
    server = Remembers(40)
    rounds = MetricRounds(server, [], plan, SimulatedClock(START))  # type: ignore[arg-type]
    whole, seen = server.read, []

    def first_only(queries: Sequence[Query], **more: object) -> Mapping[str, Reading[float]]:
        seen.append(len(queries))
        server.fails = len(seen) == 2
        return whole(queries, **more)

    server.read = first_only  # type: ignore[method-assign]
    assert rollout(rounds.read(), plan).guardrails[0].rule.unit == "in 1 d"
    assert rollout(rounds.read(), plan).guardrails[0].rule.unit == "in 40 h"
