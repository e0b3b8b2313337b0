"""Guardrails in a round: those of other phases, and those that rest on too little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from console.engine.board import metric_panels
from console.engine.clocks import SimulatedClock
from console.engine.metrics import MetricAnswers, MetricRounds
from console.model.board import SourceStatus
from console.model.reading import Reading, ReadingState
from console.model.rollout import GuardrailRule, Level
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
