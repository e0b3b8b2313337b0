"""What is said of a rollout that has only begun, and which of its phases count as baked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model.rolling import RolloutState
from console.view import rollout, rollout_detail
from console.view.line import words
from console.view.look import UNICODE, Look
from console.view.rollout_words import next_decision
from tests.view import rollouts
from tests.view.boards import NOW

LOOK = Look(UNICODE)


def changed(**changes):
    board = rollouts.baking()
    return replace(board, progress=replace(board.progress, record=rollouts.record(**changes)))


def pages(board):
    return "\n".join(words(item) for item in rollout_detail.page(board, NOW, 100, LOOK))


def test_begun_at_nothing_is_begun():
    board = changed(state=RolloutState.PENDING, percent=0.0, bake_since=None, stays=(), safe=0.0)
    assert words(next_decision(board.progress, NOW)) == "begun, at 0 %: V decides to 5 %"
    assert "not begun" not in pages(board)


def test_what_nobody_began_is_not_begun():
    assert words(next_decision(rollouts.unknown().progress, NOW)) == "not begun by this console"


def test_only_what_has_baked_has_a_mark_on_the_track():
    five, present = rollouts.record().stays
    for stays, first in (
        ((five, present), "✔5"),
        ((present,), "5"),
        ((replace(five, baked=False), present), "5"),
        ((replace(five, revision="2.13.0"), present), "5"),
    ):
        board = changed(stays=stays)
        track = f" {first} ─ [▸25] ─ 50 ─ 75 ─ 100 %"
        assert track in pages(board)
        assert track in f" {words(rollout.head(board, NOW, 120, LOOK))}"


@pytest.mark.parametrize("name", ["passed", "unknown"])
def test_no_record_no_mark(name):
    assert "✔" not in words(rollout.head(rollouts.CASES[name](), NOW, 120, LOOK))
