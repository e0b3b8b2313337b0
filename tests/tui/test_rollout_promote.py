"""What the promote key says before anybody presses enter: what the rules would refuse, or should give pause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model.reading import ReadingState, missing
from console.model.rollback import ProofState
from console.model.rolling import RolloutState
from tests.tui.test_rollout_screen import taken
from tests.view import rollouts
from tests.view.boards import ALICE, NOW, ok

__all__ = ["taken"]
SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 45)])
FAILED = rollouts.finding("budget", "fail", "0 % of the budget is left, 10 % are needed")


def shown(board, **changes):
    return replace(board, progress=replace(board.progress, **changes))


def apart(percent):
    return lambda: shown(rollouts.deciding(), share=percent)


def disagrees():
    return shown(rollouts.deciding(), record=rollouts.record(disagrees_since=NOW), share=ok(4.0))


def unproven(**states):
    return lambda: replace(rollouts.deciding(), readiness=rollouts.readiness(**states))


@pytest.mark.parametrize(
    ("board", "said"),
    [
        (rollouts.baking, ["? 25 to 50 %: HOLD 2 required unknown", "? UNKNOWN Somebody else agrees"]),
        (
            lambda: shown(rollouts.baking(), proposal=rollouts.proposal(FAILED)),
            ["✖ 25 to 50 %: NO-GO 1 required FAIL", "✖ FAIL Error budget left"],
        ),
        (rollouts.deciding, ["✔ 25 to 50 %: GO", "▲ FAIL adv.", "✔ CAN ROLL BACK: YES (12/12 proven)"]),
        (apart(ok(4.0)), ["▲ The traffic DISAGREES by 21.0 points: set 25 %, measured 4.0 %"]),
        (apart(missing(ReadingState.UNREACHABLE, "prometheus")), ["? The measured share is UNKNOWN: prometheus"]),
        (disagrees, ["✖ DISAGREEMENT the flag says 25 %, the traffic says 4 %"]),
        (unproven(write_path=ProofState.EXPIRED), ["UNVERIFIED (11/12 proven) expired: write-path"]),
        (unproven(data=(ProofState.FAILED, "schema 3")), ["✖ CAN ROLL BACK: NO (11/12 proven) data: schema 3"]),
    ],
    ids=["hold", "no-go", "go", "apart", "unknown", "disagrees", "expired", "failed"],
)
@SIZES
async def test_what_is_against_it_stands_in_the_form(open_console, taken, board, said, size):
    async with open_console(board(), size=size) as at:
        await at.press("0", "P")
        assert at.app.focused.id == "cancel"
        told = " ".join(at.text().split())
        for part in said:
            assert part in told
        assert "Set 50 % on lighthouse/production" in told
    assert taken == []


async def test_raising_by_hand_says_the_same_and_lowering_nothing(open_console, taken):
    async with open_console(rollouts.baking()) as at:
        await at.press("0", "s")
        assert "required unknown  V" not in at.text()
        await at.focus("#field-percent")
        await at.type("50")
        assert "25 to 50 %: HOLD  2 required unknown" in at.text()
        at.app.screen.query_one("#field-percent").value = "5"
        await at.settle()
        assert "25 to 50 %: HOLD  2 required unknown" not in at.text()
    assert taken == []


async def test_the_form_that_rolls_back_says_how_long_it_takes_and_until_when(open_console, taken):
    async with open_console(rollouts.passed()) as at:
        await at.press("0", "R")
        for part in ("CAN ROLL BACK: NO (10/12 proven)", "TIME     14-20 min", "UNTIL     POINT OF NO RETURN PASSED"):
            assert part in at.text()
    assert taken == []


async def test_where_nothing_is_known_of_the_evidence_that_is_said(open_console, taken):
    board = shown(rollouts.baking(), proposal=None)
    async with open_console(board) as at:
        await at.press("0", "P")
        assert "? Nothing is known of the evidence" in at.text()
    held = rollouts.record(state=RolloutState.HELD, held_by=ALICE, held_reason="x")
    async with open_console(shown(rollouts.baking(), record=held)) as at:
        await at.press("0", "P")
        assert "it is held by alice: u releases it" in at.text()
    assert taken == []
