"""How a rollback ends: over by all that tells of the share, or held with what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.model.rolling import RolloutState
from tests.model.life import ENGINE
from tests.model.rollouts import PLAN, Rollouts


@pytest.fixture
def life() -> Rollouts:
    life = Rollouts()
    life.begin()
    return life


@pytest.mark.parametrize(
    ("flags", "measures", "flag", "measured", "over"),
    [
        ("test flags", True, 0.0, 2.5, True),
        ("test flags", True, 0.0, 2.6, False),
        ("test flags", True, 0.0, None, False),
        ("test flags", True, None, 0.0, False),
        ("test flags", True, 0.5, 0.0, False),
        ("test flags", False, 0.0, None, True),
        ("test flags", False, 0.0, 5.0, False),
        ("", True, None, 0.0, True),
        ("", True, None, 5.0, False),
        ("", False, None, None, False),
    ],
)
def test_a_rollback_is_over_by_all_that_tells_of_the_share(
    life: Rollouts, flags: str, measures: bool, flag: float | None, measured: float | None, over: bool
) -> None:
    life.step(5)
    life.do(cmd.StartRollback("P99 is high"))
    life.run_ends()
    life.flags, life.plan = flags, PLAN if measures else replace(PLAN, percent_expr="")
    life.do(cmd.ObserveRollback(life.rollout.run, flag, measured), ENGINE)
    assert (life.rollout.state is RolloutState.ROLLED_BACK) is over
    life.do(cmd.ObserveRollback(life.rollout.run, flag, measured, given_up=True), ENGINE)
    assert life.rollout.state is (RolloutState.ROLLED_BACK if over else RolloutState.HELD)
