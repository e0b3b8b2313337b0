"""Forms where care is due: nothing is done by a stray key and enter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model.rolling import FlagWrite, Purpose, RolloutState
from tests.tui.test_rollout_screen import taken
from tests.view import rollouts
from tests.view.boards import ALICE, NOW

__all__ = ["taken"]


def held():
    board = rollouts.baking()
    record = rollouts.record(state=RolloutState.HELD, held_by=ALICE, held_reason="x")
    return replace(board, progress=replace(board.progress, record=record))


@pytest.mark.parametrize("typed", ["q", "x", "P", "qq", "yes"])
async def test_stray_letters_and_enter_break_no_glass(open_console, taken, typed):
    async with open_console(rollouts.baking()) as at:
        await at.press("0")
        await at.press("P")
        assert "BREAK THE GLASS" in at.text()
        await at.press(*typed, "enter", "enter")
        assert "BREAK THE GLASS" not in at.text(), "closed"
    assert taken == []


@pytest.mark.parametrize("key", ["P", "X", "R", "s"])
async def test_a_q_closes_a_careful_form_at_once_and_nothing_is_kept(open_console, taken, key):
    async with open_console(rollouts.baking()) as at:
        await at.press("0")
        await at.press(key)
        assert "Cancel" in at.text()
        await at.press("q")
        assert "Cancel" not in at.text()
        assert "TRACK" in at.text()
        await at.press(key)
        assert "Cancel" in at.text()
        assert "As you left it" not in at.text()
    assert taken == []


@pytest.mark.parametrize("key", ["R", "u", "X", "b"])
async def test_a_key_pressed_again_is_no_reason_however_late(open_console, taken, monkeypatch, key):
    from console.tui.dialogs import base

    monkeypatch.setattr(base, "TWICE_SECONDS", -1.0)  # every second press is a late one
    boards = {
        "R": rollouts.passed,  # no reason is proposed
        "u": held,
        "X": rollouts.baking,
        "b": rollouts.unknown,
    }
    async with open_console(boards[key]()) as at:
        await at.press("0", key)
        assert at.app.focused.id == "cancel"
        await at.press(key)
        assert at.app.focused.id == "cancel"
        await at.press("enter")
        await at.press("0", key, "j", "enter")
        assert at.app.focused.id == "cancel", "after the last field nothing is a step away"
        await at.press("enter")
    assert taken == []


def lost():
    """Nobody knows what came of a write."""
    write = FlagWrite("e1", "elicitation", 50.0, 25.0, Purpose.SET, NOW, ALICE, outcome="unknown", answer="timed out")
    board = rollouts.baking()
    return replace(board, progress=replace(board.progress, record=rollouts.record(write=write)))


def begun():
    board = rollouts.baking()
    record = rollouts.record(state=RolloutState.ABORTED, ended_at=NOW, stays=())
    return replace(board, progress=replace(board.progress, record=record))


@pytest.mark.parametrize(
    ("board", "key", "field"),
    [
        (rollouts.breached, "R", "reason"),
        (lambda: rollouts.breached(countdown=True), "H", "reason"),
        (lost, "S", "observed"),
        (begun, "b", "revision"),
    ],
)
async def test_what_is_typed_is_added_to_what_is_offered_and_replaces_none_of_it(open_console, board, key, field):
    async with open_console(board()) as at:
        await at.press("0", key)
        shown = at.app.screen.query_one(f"#field-{field}")
        offered = shown.value
        assert offered
        assert "(ctrl+u empties it)" in " ".join(at.text().split())
        await at.focus(f"#field-{field}")
        await at.press("7")
        assert shown.value == f"{offered}7"
        await at.press("ctrl+u", "8")
        assert shown.value == "8"


async def test_a_share_that_was_seen_and_is_not_what_the_flag_reads_is_said(open_console):
    async with open_console(lost()) as at:
        await at.press("0", "S")
        assert "You have seen" not in at.text()
        await at.focus("#field-observed")
        await at.press("0")
        assert "You have seen 250 %, and the flag reads 25.0 % now." in at.text()


async def test_a_reason_typed_at_once_starts_the_rollback_with_the_right_button(open_console, taken):
    async with open_console(rollouts.passed()) as at:
        await at.press("R")
        await at.press(*"errors", "space", *"everywhere")
        await at.press("enter", "tab", "enter")
    assert [item.reason for item in taken] == ["errors everywhere"]
