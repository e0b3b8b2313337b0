"""Guardrails and phases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.model.reading import Reading, ReadingState
from console.model.rollout import Guardrail, GuardrailRule, Level, Rollout, RolloutPlan

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ok(value: float) -> Reading[float]:
    return Reading(ReadingState.OK, value, AT, "test")


P99 = GuardrailRule("p99", "P99", "x", 300, 500, "ms")


@pytest.mark.parametrize(
    ("value", "state", "level"),
    [
        (250, "ok", Level.OK),
        (300, "ok", Level.WARNING),
        (500, "ok", Level.CRITICAL),
        (620, "stale", Level.CRITICAL),
        (250, "stale", Level.UNKNOWN),
        (250, "partial", Level.UNKNOWN),
        (None, "no_data", Level.UNKNOWN),
    ],
)
def test_a_guardrail_is_ok_only_on_an_ok_reading(value: float | None, state: str, level: Level) -> None:
    assert Guardrail(P99, Reading(ReadingState(state), value, AT)).level is level


CANARY = GuardrailRule("canary", "C", "x", None, 0.3, "s", phases=(5, 50), samples="n", min_samples=100)


@pytest.mark.parametrize(
    ("value", "within", "level", "told"),
    [
        (0.9, True, Level.CRITICAL, ReadingState.OK),
        (0.9, False, Level.NOT_IN_PHASE, ReadingState.NO_DATA),
        (0.9, None, Level.CRITICAL, ReadingState.OK),
        (0.1, True, Level.OK, ReadingState.OK),
        (0.1, False, Level.NOT_IN_PHASE, ReadingState.NO_DATA),
        (0.1, None, Level.UNKNOWN, ReadingState.PARTIAL),
    ],
)
def test_a_guardrail_of_some_phases_is_judged_in_them_alone(
    value: float, within: bool | None, level: Level, told: ReadingState
) -> None:
    found = Guardrail(CANARY, ok(value), ok(100), within)
    assert (found.level, found.told.state) == (level, told)
    assert (found.told.value is None) == (level is Level.NOT_IN_PHASE)


def test_few_samples_say_nothing() -> None:
    few = Guardrail(CANARY, ok(0.9), ok(99.7), True)
    assert (few.level, few.too_few) == (Level.UNKNOWN, "99 of 100 samples")
    assert (few.told.value, few.told.note) == (None, "99 of 100 samples")
    uncounted = Guardrail(CANARY, ok(0.9), Reading(ReadingState.NO_DATA), True)
    assert (uncounted.level, uncounted.too_few) == (Level.CRITICAL, "")


def test_which_phase_it_is_goes_by_what_is_measured_now() -> None:
    def within(percent: float | None, state: ReadingState = ReadingState.OK, *phases: float) -> bool | None:
        return rollout(None, None).plan.within(phases or (5, 60), Reading(state, percent, AT))

    assert [within(share) for share in (0, 4.4, 4.5, 24.4, 24.6, 59.6, 74.6, None)] == [
        False, False, True, True, False, True, False, None,
    ]  # fmt: skip
    assert within(5, ReadingState.STALE) is None
    assert within(0, ReadingState.PARTIAL) is None


def test_a_guardrail_that_is_not_of_this_phase_has_no_say_in_the_rollout() -> None:
    elsewhere = Guardrail(CANARY, ok(9), ok(100), False)
    whole = rollout(25, 0, 100)
    assert replace(whole, guardrails=(*whole.guardrails, elsewhere)).level is Level.OK
    assert replace(whole, guardrails=(elsewhere,)).level is Level.UNKNOWN


def rollout(percent: float | None, since: float | None, *levels: float) -> Rollout:
    plan = RolloutPlan("r", "new", "old", (5, 25, 50, 75, 100), timedelta(minutes=30), "p")
    state = ReadingState.OK if percent is not None else ReadingState.NO_DATA
    guardrails = tuple(Guardrail(P99, ok(value)) for value in levels)
    return Rollout(plan, Reading(state, percent, AT), Reading(state, since, AT), guardrails)


def test_the_phase_is_the_highest_that_is_reached() -> None:
    assert [rollout(percent, None).phase for percent in (0, 5, 24.6, 25, 100)] == [-1, 0, 1, 1, 4]
    assert rollout(None, None).phase is None


def test_the_worst_guardrail_speaks_for_the_rollout() -> None:
    assert rollout(25, 0, 100, 310).level is Level.WARNING
    assert rollout(25, 0, 900, 310).level is Level.CRITICAL
    assert rollout(25, 0).level is Level.UNKNOWN
