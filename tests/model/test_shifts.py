"""Shifts and handoffs."""

from __future__ import annotations

from console.model import commands as cmd
from console.model.change import ChangeKind
from console.model.events import HandoffItem
from console.model.handoff import draft
from console.model.people import Actor
from tests.model.life import ALICE, BOB, MINUTES, Life

ITEMS = (HandoffItem("1", "incident", "i", "INC-1 P99 is high"), HandoffItem("2", "watch", "W1", "queue depth"))


def offered(life: Life, giver: Actor = ALICE) -> tuple[str, str]:
    shift = life.do(cmd.BeginShift(), giver)[0].stream.partition(":")[2]
    life.do(cmd.AddWatchItem(shift, "queue depth"), giver)
    handoff = life.do(cmd.OfferHandoff(shift, "bob", ITEMS, "3:abc"), giver)[0].stream.partition(":")[2]
    return shift, handoff


def test_one_shift_at_a_time() -> None:
    life = Life()
    life.do(cmd.BeginShift())
    assert "alice is on shift since 22:30Z" in life.refused(cmd.BeginShift(), BOB)


def test_watch_items_are_kept_until_closed_with_a_reason() -> None:
    life = Life()
    shift = life.do(cmd.BeginShift())[0].stream.partition(":")[2]
    assert "has passed" in life.refused(cmd.AddWatchItem(shift, "x", life.now))
    life.do(cmd.AddWatchItem(shift, "queue depth", life.now + MINUTES))
    assert "not open" in life.refused(cmd.CloseWatchItem(shift, "W9", "x"))
    assert "reason is empty" in life.refused(cmd.CloseWatchItem(shift, "W1", ""))
    life.do(cmd.CloseWatchItem(shift, "W1", "drained"))
    assert life.state.shifts[shift].open_watch == ()


def test_a_handoff_is_accepted_item_by_item_by_the_receiver() -> None:
    life = Life()
    shift, handoff = offered(life)
    assert "offered to bob, and you are alice" in life.refused(cmd.AnswerHandoffItem(handoff, "1", "accepted"))
    assert "2 items are not accepted yet: 1, 2" in life.refused(cmd.AcceptHandoff(handoff), BOB)
    life.do(cmd.AnswerHandoffItem(handoff, "1", "accepted", "P99, alice rolled back"), BOB)
    assert "question is empty" in life.refused(cmd.AnswerHandoffItem(handoff, "2", "questioned"), BOB)
    life.do(cmd.AnswerHandoffItem(handoff, "2", "questioned", "until when?"), BOB)
    assert "1 items are not accepted yet: 2" in life.refused(cmd.AcceptHandoff(handoff), BOB)
    life.do(cmd.AnswerHandoffItem(handoff, "2", "accepted"), BOB)
    assert life.state.shift.operator == "alice"  # type: ignore[union-attr]
    life.do(cmd.AcceptHandoff(handoff), BOB)
    now = life.state.shift
    assert now is not None
    assert (now.operator, now.previous) == ("bob", shift)
    assert [item.text for item in now.open_watch] == ["queue depth"]
    assert life.state.shifts[shift].next_shift == now.id
    assert "not open" in life.refused(cmd.AcceptHandoff(handoff), BOB)


def test_two_names_of_one_login_need_a_reason_that_is_kept() -> None:
    life = Life()
    giver, receiver = Actor("alice", "oncall"), Actor("bob", "oncall")
    _, handoff = offered(life, giver)
    for item in ITEMS:
        life.do(cmd.AnswerHandoffItem(handoff, item.id, "accepted"), receiver)
    assert "act from one login (oncall)" in life.refused(cmd.AcceptHandoff(handoff), receiver)
    life.do(cmd.AcceptHandoff(handoff, "shared bastion login"), receiver)
    assert life.state.handoffs[handoff].shared_login == "shared bastion login"


def test_an_offer_goes_to_somebody_else_one_at_a_time_and_can_be_withdrawn() -> None:
    life = Life()
    shift, handoff = offered(life)
    assert "somebody else" in life.refused(cmd.OfferHandoff(shift, "alice", ITEMS, "3:abc"))
    assert "is open: withdraw it first" in life.refused(cmd.OfferHandoff(shift, "carol", ITEMS, "3:abc"))
    assert "is between alice and bob" in life.refused(cmd.WithdrawHandoff(handoff, "x"), Actor("carol", "carol"))
    life.do(cmd.WithdrawHandoff(handoff, "incident first"), BOB)
    assert life.state.shift.operator == "alice"  # type: ignore[union-attr]
    life.do(cmd.OfferHandoff(shift, "carol", ITEMS, "3:abc"))


def test_58_what_is_handed_over_has_an_owner_and_declining_leaves_all_as_it_was() -> None:
    life = Life()
    shift = life.do(cmd.BeginShift())[0].stream.partition(":")[2]
    incident = life.declare()
    life.do(cmd.RecordChange(ChangeKind.OVERRIDE, "proxy", "rate limit off", "turn it on"))
    items, summary = draft(life.state, life.state.shifts[shift], life.now)
    assert [item.kind for item in items] == ["incident", "temporary"]
    assert summary.endswith("1 temporary change")
    (offer,) = life.do(cmd.OfferHandoff(shift, "bob", items, "3:abc"))
    handoff = offer.stream.partition(":")[2]
    assert "2 items are not accepted yet" in life.refused(cmd.AcceptHandoff(handoff), BOB)
    life.do(cmd.AnswerHandoffItem(handoff, items[0].id, "questioned", "who leads?"), BOB)
    assert life.state.shift.operator == "alice"  # type: ignore[union-attr]
    assert life.state.incidents[incident].commander == ""
    for item in items:
        life.do(cmd.AnswerHandoffItem(handoff, item.id, "accepted"), BOB)
    life.do(cmd.AcceptHandoff(handoff), BOB)
    assert life.state.shift.operator == "bob"  # type: ignore[union-attr]
    assert life.state.incidents[incident].commander == "bob"
