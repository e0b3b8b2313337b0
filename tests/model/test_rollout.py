"""Guardrails, phases and the proofs of rollback readiness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.model.reading import Reading, ReadingState
from console.model.rollback import Can, Proof, ProofState, Readiness, assess
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


def rollout(percent: float | None, since: float | None, *levels: float) -> Rollout:
    plan = RolloutPlan("r", "new", "old", (5, 25, 50, 75, 100), timedelta(minutes=30), "p")
    state = ReadingState.OK if percent is not None else ReadingState.NO_DATA
    guardrails = tuple(Guardrail(P99, ok(value)) for value in levels)
    return Rollout(plan, Reading(state, percent, AT), Reading(state, since, AT), guardrails)


def test_phase_and_bake_time() -> None:
    assert [rollout(percent, None).phase for percent in (0, 5, 24.6, 25, 100)] == [-1, 0, 1, 1, 4]
    assert rollout(None, None).phase is None
    now = AT + timedelta(minutes=10)
    assert rollout(25, AT.timestamp()).bake_left(now) == timedelta(minutes=20)
    assert rollout(25, AT.timestamp()).bake_left(now + timedelta(days=1)) == timedelta(0)
    assert rollout(0, AT.timestamp()).bake_left(now) is None
    assert rollout(25, None).bake_left(now) is None


def test_the_worst_guardrail_speaks_for_the_rollout() -> None:
    assert rollout(25, 0, 100, 310).level is Level.WARNING
    assert rollout(25, 0, 900, 310).level is Level.CRITICAL
    assert rollout(25, 0).level is Level.UNKNOWN


def test_readiness_is_yes_only_when_everything_is_proven() -> None:
    def can(*states: ProofState) -> Can:
        return Readiness(tuple(Proof("p", "p", state, "") for state in states)).can

    assert can(ProofState.PROVEN, ProofState.PROVEN) is Can.YES
    assert can(ProofState.PROVEN, ProofState.UNKNOWN) is Can.UNVERIFIED
    assert can(ProofState.PROVEN, ProofState.EXPIRED) is Can.UNVERIFIED
    assert can(ProofState.FAILED, ProofState.UNKNOWN) is Can.NO
    assert can() is Can.UNVERIFIED


def test_proofs_expire_and_unread_ones_are_unknown() -> None:
    def states(found: Readiness) -> dict[str, ProofState]:
        return {proof.name: proof.state for proof in found.proofs}

    healthy = Reading(ReadingState.OK, True, AT, "health")
    fresh = states(assess(healthy, ok(25), AT + timedelta(seconds=30)))
    assert (fresh["legacy"], fresh["share"]) == (ProofState.PROVEN, ProofState.PROVEN)
    assert set(fresh.values()) == {ProofState.PROVEN, ProofState.UNKNOWN}
    old = states(assess(healthy, ok(25), AT + timedelta(minutes=3)))
    assert (old["legacy"], old["share"]) == (ProofState.EXPIRED, ProofState.EXPIRED)
    down = states(assess(Reading(ReadingState.OK, False, AT), None, AT))
    assert (down["legacy"], down["share"]) == (ProofState.FAILED, ProofState.UNKNOWN)
