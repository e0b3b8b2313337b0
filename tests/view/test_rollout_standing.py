"""What is said of a rollout that has only begun, and which of its phases count as baked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model.decision import Attestation, Status
from console.model.rolling import RolloutState
from console.model.rollout_plan import CriterionKind
from console.view import decision, rollout, rollout_detail
from console.view.line import Tone, words
from console.view.look import UNICODE, Look
from console.view.rollout_words import next_decision
from tests.view import rollouts
from tests.view.boards import ALICE, BOB, NOW

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


# -- what counts on the Decision screen -------------------------------------------------------------------------------


def shown(**changes):
    """The sign-off and the certificates, while 25 to 50 % is to be decided."""
    board = rollouts.deciding()
    record = replace(board.progress.record, **changes.pop("record", {}))
    board = replace(board, progress=replace(board.progress, record=record, **changes))
    return decision.beside(board, NOW, 140, LOOK)


def green(lines, part):
    """Whether the row with this text has anything green."""
    (found,) = [item for item in lines if part in words(item)]
    return any(piece.tone is Tone.OK for piece in found), words(found)


def test_a_decision_that_has_expired_is_no_green_go():
    old = rollouts.deciding().progress.decisions[0]
    fresh = replace(old, status=Status.GO)
    is_green, _ = green(shown(decisions=(fresh,)), old.label)
    assert is_green
    hours = timedelta(hours=9)
    past = tuple(
        replace(item, expires_at=item.expires_at - hours) if item.expires_at is not None else item
        for item in old.findings
    )
    dead = replace(fresh, at=old.at - hours, findings=past)
    is_green, text = green(shown(decisions=(dead,)), old.label)
    assert not is_green
    assert f"{old.label} GO EXPIRED" in text
    is_green, text = green(shown(decisions=(replace(fresh, revision="2.13.0"),)), old.label)
    assert not is_green
    assert "DOES NOT COUNT: is about revision 2.13.0, not 2.14.0" in text


RULE = next(rule for rule in rollouts.PLAN.criteria if rule.kind is CriterionKind.APPROVAL)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"at": NOW - timedelta(minutes=22)}, "said before this bake"),
        ({"at": NOW - RULE.expires - timedelta(minutes=1)}, "expired at"),
        ({"role": "somebody"}, "said as somebody, asked of"),
        ({"phase": 25.0}, "it is about 25 %, not 50 %"),
        ({"by": BOB}, "of who began the rollout"),
        ({"criterion": "gone"}, "the plan asks for no such thing"),
    ],
)
def test_an_approval_that_does_not_count_is_no_yes(changes, why):
    base = Attestation(RULE.name, ALICE, NOW - timedelta(minutes=2), phase=50.0, role=RULE.role)
    item = replace(base, **changes)
    long_ago = NOW - timedelta(days=30) if "expired" in why else NOW - timedelta(minutes=21)
    lines = shown(attestations=(item,), record={"bake_since": long_ago, "attestations": (item,)})
    is_green, text = green(lines, f"{item.criterion} for ")
    assert is_green is not bool(why)
    assert (f"does not count: {why}" in text) is bool(why)


def test_a_checklist_without_a_link_does_not_count():
    rule = next(rule for rule in rollouts.PLAN.criteria if rule.kind is CriterionKind.CHECKLIST)
    item = Attestation(rule.name, ALICE, NOW, "https://wiki.example.com", phase=50.0, role=rule.role)
    assert green(shown(attestations=(item,)), rule.name)[0]
    is_green, text = green(shown(attestations=(replace(item, link=""),)), rule.name)
    assert not is_green
    assert "does not count: without a link" in text
