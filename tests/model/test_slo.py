"""Budget and burn rate from counts, with the vectors of the SRE workbook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import Can, Proof, ProofState, Readiness, assess
from console.model.rollout import Guardrail, GuardrailRule, Level, Rollout, RolloutPlan
from console.model.slo import Objective, Sli, SliKind, expressions, gauge

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RATIO = Sli(SliKind.RATIO, bad='errors_total{a="b"}', total="requests_total")


def objective(target: float = 0.999, days: float = 30) -> Objective:
    return Objective("errors", "Errors", "lighthouse", target, timedelta(days=days), "Occurrences", RATIO)


def ok(value: float) -> Reading[float]:
    return Reading(ReadingState.OK, value, AT, "test")


def counts(hour: tuple[float, float], day: tuple[float, float]) -> dict[str, tuple[Reading[float], Reading[float]]]:
    return {"1h": (ok(hour[0]), ok(hour[1])), "1d": (ok(day[0]), ok(day[1]))}


@pytest.mark.parametrize(
    ("target", "errors", "burn"),
    [(0.999, 0.002, 2), (0.9995, 0.002, 4), (0.999, 0.01, 10), (0.999, 0.0144, 14.4)],
)
def test_burn_rate_is_the_error_ratio_over_the_budget(target: float, errors: float, burn: float) -> None:
    found = gauge(objective(target), counts((errors * 1e6, 1e6), (0, 1e6)))
    assert found.burn.value == pytest.approx(burn, abs=1e-8)


def test_a_day_at_the_page_rate_spends_its_share_of_the_month() -> None:
    found = gauge(objective(), counts((0, 1), (14_400, 1e6)))
    assert found.budget_left.value == pytest.approx(1 - 14.4 / 30)
    assert (found.budget_left.state, found.budget_left.note) == (ReadingState.PARTIAL, "covers 1 of 30 d")
    assert found.ratio.value == pytest.approx(0.9856)


def test_a_window_of_a_day_is_complete() -> None:
    found = gauge(objective(days=1), counts((0, 1), (500, 1e6)))
    assert (found.budget_left.state, found.budget_left.value) == (ReadingState.OK, pytest.approx(0.5))


def test_an_overspent_budget_is_negative() -> None:
    assert gauge(objective(days=1), counts((0, 1), (4_000, 1e6))).budget_left.value == pytest.approx(-3)


def test_no_traffic_is_no_traffic_and_not_a_good_hour() -> None:
    found = gauge(objective(), counts((0, 0), (0, 0)))
    assert {found.ratio.state, found.burn.state, found.budget_left.state} == {ReadingState.NO_TRAFFIC}
    assert found.burn.value is None


@pytest.mark.parametrize("state", [state for state in ReadingState if state is not ReadingState.OK])
def test_nothing_computed_from_less_than_ok_is_ok(state: ReadingState) -> None:
    lost: Reading[float] = Reading(state, 1.0 if state in ("stale", "partial") else None, AT, "test")
    found = gauge(objective(), {"1h": (ok(0), lost), "1d": (lost, ok(5))})
    assert not found.burn.ok
    assert not found.ratio.ok
    assert not found.budget_left.ok


def test_missing_windows_are_no_data() -> None:
    assert gauge(objective(), {}).burn == missing(ReadingState.NO_DATA, "")


@given(st.floats(0, 1), st.integers(1, 10**9), st.floats(0.5, 0.99999))
def test_budget_and_burn_agree_with_the_ratio_of_sums(share: float, total: int, target: float) -> None:
    bad = share * total
    found = gauge(objective(target), counts((bad, total), (bad, total)))
    assert found.burn.value == pytest.approx((bad / total) / (1 - target), rel=1e-9)
    assert found.budget_left.value == pytest.approx(1 - found.burn.value / 30, rel=1e-9, abs=1e-9)


def test_expressions_count_a_counter_that_never_appeared_as_no_errors() -> None:
    bad, total = expressions(RATIO, "1h")
    assert total == "sum(increase(requests_total[1h]))"
    assert bad == '(sum(increase(errors_total{a="b"}[1h])) or sum(increase(requests_total[1h])) * 0)'


# -- guardrails and readiness -----------------------------------------------------------------------------------------

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
