"""A phase has baked when its bake was over without a breach as the next share was asked for; else it has not."""

from __future__ import annotations

import pytest

from console.model import commands as cmd
from tests.model.rollouts import ENGINE, Rollouts


@pytest.fixture
def life() -> Rollouts:
    found = Rollouts()
    found.begin()
    found.step(5)
    return found


def baked(life: Rollouts) -> dict[float, bool]:
    return {stay.percent: stay.baked for stay in life.rollout.stays}


def test_phases_whose_bake_was_over_have_baked_and_the_present_one_has_not_yet(life: Rollouts) -> None:
    assert baked(life) == {5: False}
    life.pass_time(30)
    life.step(25)
    assert baked(life) == {5: True, 25: False}


def test_one_that_was_left_before_its_end_has_not(life: Rollouts) -> None:
    life.pass_time(1)
    life.step(25)
    assert baked(life) == {5: False, 25: False}


def test_one_with_a_breach_that_did_not_end_a_bake_ago_has_not(life: Rollouts) -> None:
    life.pass_time(30)
    life.do(cmd.ObserveGuardrail("p99", True, "612 ms"), ENGINE)
    life.do(cmd.ObserveGuardrail("p99", False, "180 ms"), ENGINE)
    life.pass_time(1)
    life.step(25)
    assert baked(life) == {5: False, 25: False}


def test_a_breach_after_a_write_that_came_to_nothing_counts(life: Rollouts) -> None:
    life.pass_time(30)
    life.do(cmd.SetShare(25, 5, promote=True, decision=life.certify(5, 25)))
    assert baked(life) == {5: True}
    life.ends("refused", 5.0)
    life.do(cmd.ObserveGuardrail("p99", True, "612 ms"), ENGINE)
    assert baked(life) == {5: False}
