"""What the sources said is made into panels once, and is not kept for longer than it is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from console.engine.metrics import MetricAnswers
from console.engine.said import Hearing, Said
from console.model.board import Health, HealthSnapshot, SourceStatus
from console.model.reading import Reading, ReadingState
from console.settings.config import Component
from tests.engine.bench import CONFIG, ENVIRONMENT, SECOND, START

UP = SourceStatus("prometheus", ReadingState.OK, START, interval=15 * SECOND)
LIMIT = timedelta(minutes=3)


class Nothing:
    """No step waits for anything of its own, until something is put here."""

    def __init__(self) -> None:
        self.found: dict[str, Reading[float]] = {}

    def readings(self, _: datetime) -> dict[str, Reading[float]]:
        return dict(self.found)


@pytest.fixture
def watching() -> Nothing:
    return Nothing()


@pytest.fixture
def hearing(watching: Nothing) -> Hearing:
    environment = replace(ENVIRONMENT, components=(Component("api", "http://api/health"),))
    return Hearing(CONFIG, environment, cast("Any", watching), tuple)


def answers(at: datetime, value: float = 100.0) -> MetricAnswers:
    return MetricAnswers({name: Reading(ReadingState.OK, value, at) for name in ("guardrail.p99", "rollout.percent")})


def heard(hearing: Hearing, said: MetricAnswers, now: datetime, status: SourceStatus = UP) -> Said:
    return hearing.now({"prometheus": said}, {"prometheus": status}, now)


def test_the_same_answer_is_made_into_the_same_objects(hearing: Hearing) -> None:
    said = answers(START)
    first, second = heard(hearing, said, START), heard(hearing, said, START + 10 * SECOND)
    assert second.readings is first.readings
    assert second.rollout is first.rollout
    other = heard(hearing, answers(START + 15 * SECOND, 200.0), START + 15 * SECOND)
    assert other.readings["guardrail.p99"].value == 200.0


def test_it_is_stale_the_moment_it_is_too_old_and_not_when_the_clock_is_set_back(hearing: Hearing) -> None:
    said = answers(START)

    def state(now: datetime) -> ReadingState:
        found = heard(hearing, said, now)
        assert found.rollout is not None
        assert found.rollout.guardrails[0].value.state is found.readings["guardrail.p99"].state
        return found.readings["guardrail.p99"].state

    assert state(START) is ReadingState.OK
    assert state(START + LIMIT) is ReadingState.OK
    assert state(START + LIMIT + timedelta(microseconds=1)) is ReadingState.STALE
    assert state(START + LIMIT + SECOND) is ReadingState.STALE
    assert state(START + SECOND) is ReadingState.OK


def test_readings_of_several_ages_go_one_by_one(hearing: Hearing) -> None:
    said = MetricAnswers(
        {
            "guardrail.p99": Reading(ReadingState.OK, 1.0, START - 60 * SECOND),
            "rollout.percent": Reading(ReadingState.OK, 5.0, START),
        }
    )
    states = [
        [heard(hearing, said, START + seconds * SECOND).readings[name].state for name in said.readings]
        for seconds in (0, 121, 181)
    ]
    ok, stale = ReadingState.OK, ReadingState.STALE
    assert states == [[ok, ok], [stale, ok], [stale, stale]]


def test_a_source_that_is_lost_makes_it_stale_at_once(hearing: Hearing) -> None:
    said = answers(START)
    heard(hearing, said, START)
    lost = replace(UP, state=ReadingState.UNREACHABLE, error="connection refused")
    assert heard(hearing, said, START, lost).readings["guardrail.p99"].state is ReadingState.STALE
    assert heard(hearing, said, START).readings["guardrail.p99"].state is ReadingState.OK


def test_what_steps_wait_for_and_health_are_in_it_as_they_are_now(hearing: Hearing, watching: Nothing) -> None:
    said, down = answers(START), Reading(ReadingState.OK, False, START)
    first = heard(hearing, said, START)
    watching.found = {"query:up": Reading(ReadingState.OK, 1.0, START)}
    second = heard(hearing, said, START)
    assert "query:up" not in first.readings
    assert second.readings["query:up"].value == 1.0
    values = {"prometheus": said, "health": HealthSnapshot({"api": down}, START)}
    third = hearing.now(values, {"prometheus": UP, "health": replace(UP, name="health")}, START + SECOND)
    assert third.readings["health.api"].value == 0.0
    assert third.health == (Health("api", down, START, third.health[0].critical_after, third.health[0].legacy),)
    lost = replace(UP, name="health", state=ReadingState.UNREACHABLE)
    fourth = hearing.now(values, {"prometheus": UP, "health": lost}, START + SECOND)
    assert fourth.readings["health.api"].state is ReadingState.STALE
    assert fourth.health[0].since == START
