"""Temporary changes: intent before answer, an owner until undone, and no closing over them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import Matcher
from console.model.change import Change, ChangeKind, ChangeStatus
from console.model.decide import Batch, flag_outcome
from console.model.silence import Silence
from tests.model.life import ALICE, MINUTES, START, Life

SILENCE = Silence((Matcher("team", "=", "pay"),), START, START + 60 * MINUTES, "alice", "deploy", cluster="main")


def only(life: Life) -> Change:
    (change,) = life.state.changes.values()
    return change


def answer(life: Life, payload: object) -> None:
    change = list(life.state.changes.values())[-1]
    life.record([Batch(change.stream, change.version, (payload,))], ALICE)


def created(life: Life, incident: str = "") -> Change:
    life.do(cmd.CreateSilence(SILENCE, incident))
    answer(life, ev.ChangeMade("created", "s1", SILENCE.ends_at))
    return only(life)


def test_a_silence_is_intended_first_and_its_outcome_is_unknown_until_somebody_says_so() -> None:
    life = Life()
    life.do(cmd.CreateSilence(SILENCE))
    change = only(life)
    assert (change.state, change.in_force(life.now), change.remote) == (ChangeStatus.INTENDED, True, "")
    assert change.label == "CHG-1"
    life.do(cmd.SettleChange(change.id, ChangeStatus.IN_FORCE, "I see it"))
    assert only(life).state is ChangeStatus.IN_FORCE
    assert "cannot be settled" in life.refused(cmd.SettleChange(change.id, ChangeStatus.IN_FORCE, "x"))
    life.do(cmd.SettleChange(change.id, ChangeStatus.UNDONE, "it is gone"))
    assert "was undone by alice at 22:30:00Z" in life.refused(cmd.SettleChange(change.id, ChangeStatus.UNDONE, "x"))


@pytest.mark.parametrize(
    ("silence", "said"),
    [
        (replace(SILENCE, matchers=()), "silence everything"),
        (replace(SILENCE, matchers=(Matcher("team", "=~", ".*"),)), "silence everything"),
        (replace(SILENCE, ends_at=START), "before it begins"),
        (replace(SILENCE, comment=" "), "comment is empty"),
    ],
)
def test_a_silence_that_nobody_can_want_is_refused_before_it_is_asked_for(silence: Silence, said: str) -> None:
    assert said in Life().refused(cmd.CreateSilence(silence))


def test_a_silence_is_extended_and_expired_by_intent_and_answer() -> None:
    life = Life()
    created(life)
    shown = replace(SILENCE, id="s1")
    (intent,) = life.do(cmd.ExtendSilence(shown, START + 90 * MINUTES))
    assert intent.kind == "change.extend_intended"
    assert only(life).expires_at == SILENCE.ends_at
    answer(life, ev.ExtendRefused("it has expired"))
    assert (only(life).state, only(life).expires_at) == (ChangeStatus.IN_FORCE, SILENCE.ends_at)
    life.do(cmd.ExtendSilence(shown, START + 90 * MINUTES))
    answer(life, ev.ChangeExtended(START + 90 * MINUTES, "moved", "s2"))
    assert (only(life).remote, only(life).expires_at) == ("s2", START + 90 * MINUTES)
    life.do(cmd.ExpireSilence(replace(shown, id="s2")))
    assert only(life).state is ChangeStatus.UNDOING
    answer(life, ev.ChangeUndone("expired"))
    assert "CHG-1 was undone" in life.refused(cmd.ExpireSilence(replace(shown, id="s2")))


def test_a_silence_that_somebody_else_made_comes_into_the_ledger_with_the_first_touch() -> None:
    life = Life()
    shown = replace(SILENCE, id="s9", created_by="karma")
    kinds = [event.kind for event in life.do(cmd.ExpireSilence(shown, "done"))]
    assert kinds == ["change.intended", "change.made", "change.undo_intended"]
    assert (only(life).remote, only(life).state) == ("s9", ChangeStatus.UNDOING)
    assert len(life.do(cmd.ExpireSilence(shown))) == 1  # asked again: the answer never came


def test_a_silence_whose_creation_got_no_answer_is_known_again_by_what_was_asked_for() -> None:
    life = Life()
    life.do(cmd.CreateSilence(SILENCE))
    life.do(cmd.ExpireSilence(replace(SILENCE, id="s1")))
    assert (only(life).remote, only(life).state) == ("s1", ChangeStatus.UNDOING)


def test_an_incident_is_not_closed_over_a_change_that_somebody_still_owes() -> None:
    life = Life()
    incident = life.declare()
    created(life, incident)
    change = only(life)
    life.do(cmd.ChangeState(incident, "resolved"))
    assert change.label in life.refused(cmd.ChangeState(incident, "closed"))
    life.do(cmd.HandOverChange(change.id, "OPS-12", "the deploy goes on"))
    assert "nobody has to undo it" in life.refused(cmd.HandOverChange(change.id, "x", "y"))
    life.do(cmd.ChangeState(incident, "closed"))
    assert only(life).in_force(life.now)


def test_an_expired_change_is_owed_no_more_and_a_cancelled_incident_keeps_its_ledger() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.RecordChange(ChangeKind.MAINTENANCE, "db", "window", "end it", incident, START + 10 * MINUTES))
    life.do(cmd.ChangeState(incident, "cancelled", "a drill"))
    assert only(life).owed(life.now)
    life.pass_time(11)
    assert not only(life).owed(life.now)
    assert "has passed" in life.refused(cmd.RecordChange(ChangeKind.OTHER, "a", "b", "c", expires_at=START))
    assert "how it is undone is empty" in life.refused(cmd.RecordChange(ChangeKind.OTHER, "a", "b", ""))


def test_a_flag_that_was_set_by_hand_is_in_the_ledger_with_its_way_back() -> None:
    life = Life()
    run = life.run()
    life.reading("rollout.percent", 0)
    life.do(cmd.CompleteStep(run, "disable", "0 % in the provider's page"))
    change = only(life)
    assert (change.kind, change.state, change.incident) == (
        ChangeKind.FLAG,
        ChangeStatus.IN_FORCE,
        life.state.runs[run].incident,
    )
    assert "back to what it was before" in change.undo
    incident = life.state.runs[run].incident
    life.do(cmd.AbortRun(run, "fixed"))
    life.do(cmd.ChangeState(incident, "resolved"))
    assert change.label in life.refused(cmd.ChangeState(incident, "closed"))


@pytest.mark.parametrize(("outcome", "state"), [("done", ChangeStatus.IN_FORCE), ("refused", ChangeStatus.REFUSED)])
def test_a_flag_that_the_console_sets_is_in_the_ledger_before_and_after(outcome: str, state: ChangeStatus) -> None:
    life = Life()
    life.flags = "simulated"
    run = life.run()
    life.do(cmd.SetFlag(run, "disable"))
    intent = next(event for event in life.events if event.kind == "effect.intended")
    life.record(
        [Batch(intent.stream, intent.version, (ev.EffectFinished(intent.payload.effect, outcome, "403"),))], ALICE
    )
    life.record(flag_outcome(life.state, run, "disable", outcome, "answered", life.context()), ALICE)
    assert only(life).state is state
    if outcome == "done":
        life.reading("rollout.percent", 0)
        life.do(cmd.CompleteStep(run, "disable", "0 %"))
        assert only(life).state is ChangeStatus.IN_FORCE  # one change, one way back


def test_nothing_owed_blocks_a_rollback_a_silence_or_an_escalation() -> None:
    life = Life()
    incident = life.declare()
    created(life, incident)
    life.do(cmd.Escalate(incident, 1))
    life.do(cmd.CreateSilence(replace(SILENCE, comment="another"), incident))
    life.do(cmd.ChangeState(incident, "mitigating"))
    life.do(cmd.SetTime(incident, "impact_started", START))
