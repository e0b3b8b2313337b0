"""The rollout as a machine: whatever anybody does, nothing is promoted without a decision, and nothing is lost."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch, decide
from console.model.decide.rollout import rollback_run
from console.model.decision import Answer, Unjudged
from console.model.events import Recorded
from console.model.events.registry import KINDS
from console.model.message import Act, ChannelSpec, Topic
from console.model.rolling import SAME_SHARE, RolloutRecord, RolloutState
from console.model.rollout import GuardrailRule
from console.model.state import State, apply
from tests.model.life import ALICE, BOB, ENGINE
from tests.model.rollouts import PLAN, TARGET, Rollouts, anything, setting


@pytest.fixture
def life() -> Rollouts:
    life = Rollouts()
    life.begin()
    return life


def of_rollout(events: list[Recorded]) -> list[object]:
    return [event.payload for event in events if event.stream == f"rollout:{TARGET}"]


OTHERS = {"rollout.attested", "rollout.approved", "rollout.phase_observed"}
"""Kinds that are not the machine's: what people say of criteria, and what the observer sees without a rollout."""

# -- whatever anybody does --------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 120))
def test_nothing_is_promoted_without_a_decision_and_nothing_is_lost(seed: int, length: int) -> None:
    life, draw, rests = Rollouts(), Random(seed), Rests()
    writes: Counter[str] = Counter()
    folded = State()
    for _ in range(length):
        landed = len(life.landed)
        events = anything(life, draw)
        assert sum(isinstance(item.payload, ev.WriteIntended) for item in events) <= 1, "two effects of one command"
        for event in events:
            before = folded.rollouts.get(TARGET) or RolloutRecord(TARGET)
            apply(folded, event)
            after = folded.rollouts.get(TARGET) or RolloutRecord(TARGET)
            if isinstance(event.payload, ev.WriteIntended):
                writes[event.payload.effect] += 1
            check_event(life, before, event, after)
            check_state(after)
            rests.follow(event.payload, after)
        for gave, write in life.landed[landed:]:
            # In truth, whatever the record took the share for.
            free = write.decision or write.break_glass or rests.free[write.effect]
            assert write.percent <= gave or free, f"raised from {gave:g} to {write.percent:g} % on nothing"
        assert folded == life.state
    assert set(writes.values()) <= {1}


def test_what_people_do_reaches_every_state_and_every_event_of_a_rollout() -> None:
    """The property above says nothing of what never happens."""
    kinds, states, steps, automatic = Counter[str](), Counter[RolloutState](), 0, 0
    for seed in range(120):
        life, draw = Rollouts(), Random(seed)
        for _ in range(100):
            for event in anything(life, draw):
                kinds[event.kind] += event.stream == f"rollout:{TARGET}"
                automatic += isinstance(event.payload, ev.RollbackBegun) and event.payload.automatic
                steps += isinstance(event.payload, ev.WriteIntended) and "Set" in event.payload.reason
            states[life.rollout.state] += 1
    known = {kind for kind, _ in KINDS if kind.startswith("rollout.")}
    assert known - {kind for kind, count in kinds.items() if count} <= OTHERS
    assert {state for state in RolloutState if state is not RolloutState.DECIDING} <= set(states)
    assert steps, "no playbook ever set the flag"
    assert automatic, "no rollback ever began by itself"


def check_event(life: Rollouts, before: RolloutRecord, event: Recorded, after: RolloutRecord) -> None:
    """What may be recorded, by the record as it was before it and by the truth of that moment."""
    payload, real = event.payload, life.truths[event.seq]
    if isinstance(payload, ev.WriteIntended):
        check_write(life, before, payload, event.occurred_at)
    if isinstance(payload, ev.PhaseEntered):
        assert payload.measured is not None
        assert abs(payload.measured - real) <= PLAN.share_points
        assert payload.percent == real, "entered at what was not read"
    if isinstance(payload, ev.RolloutFinished):
        check_finish(life, before, payload, event.occurred_at)
    if isinstance(payload, ev.RollbackEnded):
        assert rollback_run(life.state, before).ended_at is not None, "over while its playbook runs"
    if isinstance(payload, ev.RollbackEnded) and payload.completed:
        assert (after.state, after.percent, after.open_write) == (RolloutState.ROLLED_BACK, 0, None)


class Rests:
    """Up to which share the rollout rests on something: on where it was begun, on a write that was done on a decision
    or on broken glass, on a release. `free`: the writes that rested on nothing, for no rollout was there."""

    def __init__(self) -> None:
        self.share = 0.0
        self.free: dict[str, bool] = {}
        self._writes: dict[str, ev.WriteIntended] = {}

    def follow(self, payload: object, after: RolloutRecord) -> None:
        if isinstance(payload, ev.WriteIntended):
            begun = after.started_at is not None or after.state is RolloutState.ROLLING_BACK
            self.free[payload.effect] = not begun or after.state is RolloutState.PROMOTED
            self._writes[payload.effect] = payload
        if isinstance(payload, ev.RolloutBegun | ev.RolloutReleased):
            self.share = after.percent or 0.0
        if isinstance(payload, ev.WriteFinished) and payload.outcome == "done":
            write = self._writes[payload.effect]
            if write.decision or write.break_glass:
                self.share = max(self.share, write.percent)
        if after.percent is not None:
            self.share = min(self.share, after.percent)
            if after.under_way and after.percent > self.share + SAME_SHARE:
                assert after.held_by is not None, f"{after.percent:g} % rests on nothing and is not held"


def check_write(life: Rollouts, before: RolloutRecord, write: ev.WriteIntended, at: datetime) -> None:
    """What a write may be, by the record as it was before it."""
    if write.percent == 0 or before.started_at is None or before.state is RolloutState.PROMOTED:
        return
    assert before.open_write is None, "set while nobody knows what was set"
    known = before.percent if before.percent is not None else life.readings["flag.percent"].value
    assert write.before == known
    if write.percent > write.before:
        assert before.under_way
        assert before.stay is not None or not before.percent
        assert before.percent == write.before
        check_rests(life, before, write, write.percent, at)


def check_finish(life: Rollouts, before: RolloutRecord, finished: ev.RolloutFinished, at: datetime) -> None:
    """The end is where a promotion would be, and rests on what one would rest on."""
    assert before.under_way
    assert before.percent == PLAN.phases[-1]
    assert before.stay is not None, "finished at what was never entered"
    assert before.open_write is None
    check_rests(life, before, finished, PLAN.phases[-1], at)


def check_rests(
    life: Rollouts, before: RolloutRecord, said: ev.WriteIntended | ev.RolloutFinished, to: float, at: datetime
) -> None:
    """Nothing stands against it, and it rests on a decision for exactly that, or on broken glass."""
    assert before.held_by is None
    assert not before.breaches
    assert before.disagrees_since is None
    if said.break_glass:
        return
    decision = life.state.decisions[said.decision]
    assert decision.status in ("GO", "CONDITIONAL")
    assert (decision.from_percent, decision.to_percent) == (before.percent or 0.0, to)
    assert (decision.plan_hash, decision.revision) == (PLAN.hash, before.revision)
    assert at < decision.expires_at
    assert decision.at >= (before.bake_since or before.started_at), "of another bake"
    now = life.proposal
    assert not isinstance(now, Unjudged), "on what nobody could compute"
    assert now is None or now.answer is not Answer.NO_GO or now.from_percent != decision.from_percent, "on a NO-GO"


def check_state(record: RolloutRecord) -> None:
    """The state says what the record holds."""
    if record.state is RolloutState.HELD:
        assert record.held_by is not None
    if record.state is RolloutState.BAKING:
        assert record.stay is not None
        assert record.bake_since is not None
        assert record.open_write is None
        assert record.stay.percent == record.percent
    if record.under_way and record.open_write is not None:
        assert record.state in (RolloutState.RAMPING, RolloutState.HELD)
    if record.state is RolloutState.PENDING and record.started_at is not None:
        assert not record.percent
    assert (record.bake_since is None) == (record.stay is None)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 80))
def test_a_rollback_is_refused_only_while_one_is_under_way(seed: int, length: int) -> None:
    life, draw = Rollouts(), Random(seed)
    for _ in range(length):
        anything(life, draw)
        command = cmd.StartRollback("it is bad")
        run = life.state.runs.get(life.rollout.run)
        if run is not None and run.ended_at is None:
            assert life.refused(command, BOB).startswith(f"{run.label} rolls back already")
        else:
            batches = decide(life.state, command, life.context(BOB))
            assert any(isinstance(item, ev.RunStarted) for batch in batches for item in batch.payloads)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 80))
def test_the_share_is_set_to_nothing_whatever_is_the_matter(seed: int, length: int) -> None:
    life, draw = Rollouts(), Random(seed)
    for _ in range(length):
        anything(life, draw)
        command = cmd.SetShare(0.0, draw.choice([0.0, 5.0, 33.0]))
        (batch,) = decide(life.state, command, life.context(BOB))
        assert [type(item) for item in batch.payloads] == [ev.WriteIntended]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 80))
def test_what_is_unknown_is_no_evidence(seed: int, length: int) -> None:
    life, draw = Rollouts(), Random(seed)
    for _ in range(length):
        anything(life, draw)
        for share in (None, math.nan, math.inf, -math.inf):
            assert decide(life.state, cmd.ObserveShare(share, share), life.context(ENGINE)) == []
            since = life.now - timedelta(minutes=3)
            beside = decide(life.state, cmd.ObserveShare(life.rollout.percent, share, "", since), life.context(ENGINE))
            assert beside == [], "entered, or another share, by what is no number"
        nothing = decide(life.state, cmd.ObserveShare(None, life.rollout.percent), life.context(ENGINE))
        assert all(isinstance(item, ev.ShareAgreed) for batch in nothing for item in batch.payloads)
        ended = decide(life.state, cmd.ObserveRollback(life.rollout.run, None), life.context(ENGINE))
        assert not any(
            isinstance(item, ev.RollbackEnded) and item.completed for batch in ended for item in batch.payloads
        )


# -- what comes late from a console that did not know of the others ---------------------------------------------------


def comes(life: Rollouts, *payloads: object) -> None:
    """It was put aside, and is merged now: nobody looks whether it may be."""
    life.record([Batch(life.rollout.stream, life.rollout.version, payloads)], BOB)


def test_the_first_outcome_of_a_write_stands(life: Rollouts) -> None:
    life.step(5)
    before = life.rollout
    comes(life, ev.WriteFinished(before.write.effect, "refused", "403", 0.0))
    comes(life, ev.WriteFinished(before.write.effect, "unknown", "no answer", None))
    assert replace(life.rollout, version=before.version) == before


@pytest.mark.parametrize("rolls_back", [False, True])
def test_another_begin_loses_nothing_of_what_is_under_way(life: Rollouts, rolls_back: bool) -> None:
    life.step(5)
    life.do(cmd.HoldRollout("lunch"))
    if rolls_back:
        life.do(cmd.StartRollback("it is bad"))
    before = life.rollout
    comes(life, ev.RolloutBegun("another", "sha256:other", "rev-9", (1.0,), "elicitation", 0.0))
    assert replace(life.rollout, version=before.version) == before


def test_a_begin_after_the_end_keeps_what_nobody_knows_of_the_flag(life: Rollouts) -> None:
    life.step(5)
    for _ in range(2):
        life.do(cmd.SetShare(0, 5))
        life.ends("unknown")
    life.do(cmd.AbortRollout("enough"))
    asked = life.rollout.write, life.rollout.doubtful
    assert all(item.open for item in (asked[0], *asked[1]))
    comes(life, ev.RolloutBegun(PLAN.name, PLAN.hash, "rev-2", PLAN.phases, PLAN.flag, 0.0))
    assert life.rollout.revision == "rev-2"
    assert (life.rollout.write, life.rollout.doubtful) == asked
    assert "nobody knows what came of the write of 0 %" in life.refused(
        cmd.SetShare(5, 0, promote=True, break_glass="nobody is there")
    )


def test_the_end_of_an_earlier_rollback_is_not_that_of_this_one(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.StartRollback("it is bad"))
    before = life.rollout
    for completed in (True, False):
        comes(life, ev.RollbackEnded("an earlier run", completed, "it ended"))
    assert replace(life.rollout, version=before.version) == before


# -- one after the other ----------------------------------------------------------------------------------------------


def test_a_whole_rollout_from_nothing_to_its_end(life: Rollouts) -> None:
    assert life.rollout.state is RolloutState.PENDING
    for phase in PLAN.phases:
        life.step(phase)
        assert life.rollout.state is RolloutState.BAKING
        life.pass_time(30)
    life.do(cmd.FinishRollout(life.certify(100, 100)))
    record = life.rollout
    assert record.state is RolloutState.PROMOTED
    assert [stay.percent for stay in record.stays] == [5, 25, 50, 100]
    assert record.safe == 50
    assert life.refused(cmd.SetShare(100, 100, promote=True)).startswith("lighthouse-9 was promoted at ")


def test_two_promote_at_once_and_one_is_refused_by_name(life: Rollouts) -> None:
    both = cmd.SetShare(5, 0, promote=True, decision=life.certify(0, 5))
    life.do(both, ALICE)
    life.pass_time(3 / 60)
    assert life.refused(both, BOB) == "alice is setting it to 5 % since 3 s"
    life.ends()
    life.pass_time(3 / 60)
    assert life.refused(both, BOB) == "alice set it to 5 % 3 s ago: it was 0 % on the screen"


def test_a_decision_counts_for_its_own_step_revision_and_time(life: Rollouts) -> None:
    def promoted() -> str:
        return life.refused(cmd.SetShare(5, 0, promote=True)).partition(". Without one")[0]

    assert promoted() == "no decision is recorded for 0 to 5 %"
    life.certify(0, 5, "NO-GO")
    assert promoted() == "DEC-2 says NO-GO"
    life.certify(0, 5, plan_hash="sha256:other")
    assert promoted() == "DEC-3 was taken on another version of the plan"
    life.certify(0, 5, revision="rev-0")
    assert promoted() == "DEC-4 is about revision rev-0, not rev-1"
    life.certify(0, 5)
    life.pass_time(60)
    assert promoted() == f"DEC-5 expired at {life.now:%H:%M:%S}Z: decide again"
    life.step(5)
    life.certify(5, 25)
    life.pass_time(1)
    life.seen(revision="rev-2")
    assert "DEC-10 is about revision rev-1, not rev-2" in life.refused(cmd.SetShare(25, 5, promote=True))


def test_a_decision_does_not_outlive_what_it_rests_on(life: Rollouts) -> None:
    life.certify(0, 5)
    run = flag_step(life, 5)
    life.finds("fail")
    told = "DEC-2 says GO, and it is NO-GO since then: Error budget: 3 % of it is left. Without one it can be done"
    promote = cmd.SetShare(5, 0, promote=True)
    assert life.refused(promote).startswith(told)
    assert life.refused(cmd.SetShare(5, 0)).startswith(told)
    assert life.refused(cmd.SetFlag(run, "set")).startswith(told)
    life.proposal = Unjudged("fault in the criteria: ValueError")
    assert "nobody knows whether it stands: fault in the criteria: ValueError" in life.refused(promote)
    life.finds("unknown")
    life.do(promote)
    life.ends("refused")
    waived = replace(life.finds("fail"), waived="the window is short")
    decision = life.certify(0, 5, findings=(waived,))
    life.do(promote)
    assert life.rollout.write.decision == decision
    life.ends("refused")
    life.finds("fail", "alerts")
    assert life.refused(promote).startswith("DEC-")
    life.do(cmd.SetShare(5, 0, promote=True, break_glass="nobody is there"))
    life.ends()
    life.do(cmd.SetShare(0, 5))


def test_a_decision_does_not_outlive_its_bake(life: Rollouts) -> None:
    life.step(5)
    label = life.state.decisions[life.certify(5, 25)].label
    life.pass_time(1)
    life.do(cmd.ObserveGuardrail("p99", True, "as it is"), ENGINE)
    life.do(cmd.ObserveGuardrail("p99", False, "as it was"), ENGINE)
    promote = cmd.SetShare(25, 5, promote=True)
    assert life.refused(promote).startswith(f"{label} is older than this bake ({life.now:%H:%M:%S}Z)")
    life.do(replace(promote, decision=life.certify(5, 25)))


def test_broken_glass_stands_in_for_a_decision_and_for_nothing_else(life: Rollouts) -> None:
    glass = cmd.SetShare(5, 0, promote=True, break_glass="the board is asleep")
    life.do(cmd.HoldRollout("lunch"))
    assert life.refused(glass) == f"held since {life.now:%H:%M:%S}Z by alice: lunch"
    life.do(cmd.ReleaseRollout("fed"))
    (intent,) = of_rollout(life.do(glass))
    assert isinstance(intent, ev.WriteIntended)
    assert (intent.break_glass, intent.decision) == ("the board is asleep", "")


def test_while_nobody_knows_what_was_set_only_nothing_can_be_set(life: Rollouts) -> None:
    """A kill switch that landed and was not heard of: what would lower the share that is known raises the real one."""
    life.step(5)
    life.step(25)
    life.do(cmd.SetShare(0, 25))
    life.ends("unknown")
    life.real = 0
    life.pass_time(2)
    assert "until then only 0 % can be set" in life.refused(cmd.SetShare(5, 25))
    assert "until then only 0 % can be set" in life.refused(cmd.SetFlag(flag_step(life, 5), "set"))
    life.do(cmd.SetShare(0, 25))
    life.ends()
    assert (life.rollout.percent, life.rollout.open_write) == (0, None)


def test_a_step_sets_nothing_but_0_where_the_share_is_unknown() -> None:
    life = Rollouts()
    life.flags, life.readings = "", {}
    life.do(cmd.BeginRollout("rev-1"))
    life.flags = "test flags"
    assert life.refused(cmd.SetFlag(flag_step(life, 5), "set")).endswith("is not known: only 0 % can be set")
    life.do(cmd.SetFlag(flag_step(life, 0), "set"))


@pytest.mark.parametrize(("known", "observed"), [(5, 50), (5, 25), (0, 5)])
def test_a_higher_share_that_a_write_did_not_set_holds_the_rollout(known: int, observed: int) -> None:
    """Somebody else was faster, and raised it: it does not matter who sees that first."""
    life = Rollouts()
    life.begin()
    if known:
        life.step(known)
    life.do(cmd.SetShare(PLAN.next_phase(known), known, promote=True, break_glass="nobody is there"))
    life.real = observed
    life.provided("done")
    assert (life.rollout.percent, life.rollout.state) == (observed, RolloutState.HELD)
    assert life.rollout.held_reason == f"somebody else set the flag to {observed} %"
    life.seen()
    assert life.rollout.state is RolloutState.HELD


def test_a_write_that_is_settled_with_a_higher_share_holds_the_rollout(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.SetShare(25, 5, promote=True, decision=life.certify(5, 25)))
    life.ends("unknown")
    life.real = 100
    life.pass_time(2)
    life.do(cmd.SettleWrite(life.rollout.write.effect, False, 100.0, "Unleash shows 100 %"))
    life.seen()
    assert (life.rollout.percent, life.rollout.state) == (100, RolloutState.HELD)


def test_a_phase_is_left_out_by_no_promotion(life: Rollouts) -> None:
    life.certify(0, 25)
    assert life.refused(cmd.SetShare(25, 0, promote=True)) == "the phase after 0 % is 5 %, not 25 %"


def test_a_write_that_nobody_knows_of_stays_open_until_somebody_settles_it(life: Rollouts) -> None:
    life.do(cmd.SetShare(5, 0, promote=True, decision=life.certify(0, 5)))
    assert "wait for its answer" in life.refused(cmd.SettleWrite(life.rollout.write.effect, True, None, "seen"))
    life.ends("unknown")
    life.real = 5
    assert life.seen() == []
    assert life.rollout.state is RolloutState.RAMPING
    assert "nobody knows what came of the write of 5 %" in life.refused(cmd.SetShare(5, 0, promote=True))
    write = life.rollout.open_write
    assert "that is not done" in life.refused(cmd.SettleWrite(write.effect, True, 0.0, "seen"))
    life.do(cmd.SettleWrite(write.effect, True, 5.0, "Unleash shows 5 %"), BOB)
    assert life.rollout.percent == 5
    life.seen()
    assert life.rollout.state is RolloutState.BAKING


def test_a_later_write_that_was_read_back_ends_the_doubt_of_an_earlier_one(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.SetShare(25, 5, promote=True, decision=life.certify(5, 25)))
    life.ends("unknown")
    life.do(cmd.SetShare(0, 25))
    assert [item.percent for item in life.rollout.doubtful] == [25]
    life.ends("refused")
    assert life.rollout.open_write.percent == 25
    life.do(cmd.SetShare(0, 25))
    life.ends()
    assert life.rollout.open_write is None
    assert life.rollout.percent == 0


def test_a_write_without_effect_says_what_was_read_back(life: Rollouts) -> None:
    life.step(5)
    since = life.rollout.bake_since
    life.pass_time(1)
    life.do(cmd.SetShare(25, 5, promote=True, decision=life.certify(5, 25)))
    life.ends("refused", 5.0)
    assert (life.rollout.percent, life.rollout.bake_since) == (5, since)
    assert life.rollout.state is RolloutState.BAKING


def test_another_revision_bakes_anew(life: Rollouts) -> None:
    life.step(5)
    life.pass_time(10)
    life.seen(revision="rev-2")
    assert life.rollout.bake_since == life.now
    assert life.rollout.revision == "rev-2"
    assert life.seen(revision="rev-2") == []


def test_a_phase_is_entered_when_the_measured_share_says_so(life: Rollouts) -> None:
    life.do(cmd.SetShare(5, 0, promote=True, decision=life.certify(0, 5)))
    life.ends()
    assert life.seen(measured=0.4) == []
    assert "5 % is set and not entered yet" in life.refused(cmd.SetShare(25, 5, promote=True))
    assert [type(item) for item in of_rollout(life.seen(measured=4.2))] == [ev.PhaseEntered]
    assert life.rollout.stays[-1].by == ALICE


def test_a_rollout_is_not_finished_at_what_was_never_entered(life: Rollouts) -> None:
    for phase in PLAN.phases:
        life.step(phase)
    life.certify(100, 100)
    life.real = 50
    life.seen()
    life.real = 100
    life.seen(measured=50)
    life.do(cmd.ReleaseRollout("it was me"))
    for command in (cmd.FinishRollout(), cmd.FinishRollout(break_glass="nobody is there")):
        assert "100 % is set and not entered yet" in life.refused(command)


def test_a_share_that_somebody_else_raised_holds_the_rollout(life: Rollouts) -> None:
    life.step(5)
    life.real = 50
    (moved,) = of_rollout(life.seen())
    assert moved == ev.ShareMoved(50, 5)
    assert life.rollout.held_reason == "somebody else set the flag to 50 %"
    life.real = 5
    life.seen()
    assert (life.rollout.percent, life.rollout.state) == (5, RolloutState.HELD)


def test_nothing_at_all_agrees_with_no_small_share() -> None:
    plan = replace(PLAN, share_points=3.0)
    assert [at for at in (0.0, 0.9, 1.0, 2.0, 3.0, 3.1) if plan.agrees(2, at)] == [1.0, 2.0, 3.0]
    assert [at for at in (21.9, 22.0, 28.0, 28.1) if plan.agrees(25, at)] == [22.0, 28.0]
    assert not plan.agrees(25, None)


def test_a_disagreement_is_told_once_and_ends(life: Rollouts) -> None:
    life.step(5)
    since = life.now
    look = cmd.ObserveShare(5.0, 12.0, "", since)
    assert life.do(look, ENGINE) == []
    life.pass_time(2)
    assert [type(item) for item in of_rollout(life.do(look, ENGINE))] == [ev.ShareDisagreed]
    assert life.do(look, ENGINE) == []
    life.certify(5, 25)
    for command in (cmd.SetShare(25, 5, promote=True), cmd.SetFlag(flag_step(life, 25), "set")):
        assert "the measured share is another one than is set since" in life.refused(command)
    assert [type(item) for item in of_rollout(life.seen())] == [ev.ShareAgreed]
    life.do(cmd.SetShare(25, 5, promote=True))


def test_a_breach_stops_promotions_until_it_has_recovered_and_then_the_bake_begins_anew(life: Rollouts) -> None:
    life.step(5)
    breach = cmd.ObserveGuardrail("p99", True, "612 ms", fast=True)
    life.do(breach, ENGINE)
    assert life.do(breach, ENGINE) == []
    life.certify(5, 25)
    assert "p99 is breached since" in life.refused(cmd.SetShare(25, 5, promote=True))
    life.pass_time(40)
    life.do(cmd.ObserveGuardrail("p99", False, "180 ms"), ENGINE)
    assert life.rollout.bake_since == life.now


def test_a_breach_of_what_the_plan_has_no_longer_is_let_go_by_somebody_with_a_reason(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.ObserveGuardrail("p99", True, "612 ms", fast=True), ENGINE)
    life.certify(5, 25)
    up = cmd.SetShare(25, 5, promote=True)
    assert "no longer" not in life.refused(up)
    assert "is not held" in life.refused(cmd.ReleaseRollout("it was wrong"))

    life.plan = replace(PLAN, guardrails=PLAN.guardrails[1:])
    assert "the plan has p99 no longer: releasing the rollout lets that go" in life.refused(up)
    assert "the reason" in life.refused(cmd.ReleaseRollout(" "))
    life.do(cmd.ObserveGuardrail("errors", True, "7 %", fast=True), ENGINE)
    life.pass_time(40)
    (let_go,) = life.do(cmd.ReleaseRollout("its histogram was wrong"), BOB)

    assert let_go.payload == ev.GuardrailRecovered("p99", "its histogram was wrong", removed=True)
    assert (let_go.actor, list(life.rollout.breaches)) == (BOB, ["errors"])
    assert "errors is breached" in life.refused(up)
    life.do(cmd.HoldRollout("we look"))
    life.plan = replace(PLAN, guardrails=(GuardrailRule("other", "O", "o", 1, 5),))
    life.do(cmd.ReleaseRollout("all of it is another plan's now"))
    assert (life.rollout.breaches, life.rollout.held_by, life.rollout.bake_since) == ({}, None, life.now)


def test_a_rollback_declares_an_incident_where_none_is_open_and_ends_at_nothing(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.StartRollback("P99 is high"), BOB)
    (incident,) = life.state.incidents.values()
    assert (incident.title, incident.severity) == ("Rollback of lighthouse-9 from 5 %: P99 is high", "SEV1")
    run = life.state.runs[life.rollout.run]
    assert (run.incident, run.playbook.name) == (incident.id, "emergency-rollback")
    assert life.refused(cmd.StartRollback("me too")).startswith(f"{run.label} rolls back already, started at ")
    assert "is being rolled back" in life.refused(cmd.SetShare(25, 5, promote=True))
    life.run_ends()
    assert life.do(cmd.ObserveRollback(run.id, None), ENGINE) == []
    assert life.do(cmd.ObserveRollback(run.id, 5.0, 0.0), ENGINE) == []
    life.do(cmd.ObserveRollback(run.id, 0.0, 0.0), ENGINE)
    assert (life.rollout.state, life.rollout.percent) == (RolloutState.ROLLED_BACK, 0)


def test_a_rollback_goes_into_the_incident_that_is_open(life: Rollouts) -> None:
    life.step(5)
    incident = life.declare()
    life.do(cmd.StartRollback("P99 is high"))
    assert life.state.runs[life.rollout.run].incident == incident


def test_the_playbook_that_is_started_by_hand_is_the_rollback(life: Rollouts) -> None:
    life.step(5)
    incident = life.declare()
    life.do(cmd.StartRun(incident, life.playbooks[0]))
    assert life.rollout.state is RolloutState.ROLLING_BACK
    assert life.state.runs[life.rollout.run].incident == incident


def test_a_rollback_whose_run_was_aborted_leaves_the_rollout_held(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.StartRollback("P99 is high"))
    life.run_ends("aborted")
    life.do(cmd.ObserveRollback(life.rollout.run, 5.0), ENGINE)
    assert life.rollout.state is RolloutState.HELD
    assert "the rollback ended before its end" in life.rollout.held_reason


def test_a_rollback_that_is_over_leaves_no_write_in_doubt(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.SetShare(25, 5, promote=True, decision=life.certify(5, 25)))
    life.ends("unknown")
    life.do(cmd.StartRollback("P99 is high"))
    life.do(cmd.SetFlag(life.rollout.run, "disable"))
    life.ends("unknown")
    life.run_ends()
    life.do(cmd.ObserveRollback(life.rollout.run, 0.0, 0.0), ENGINE)
    assert (life.rollout.open_write, life.rollout.write.outcome) == (None, "done")
    life.begin("rev-2")


def test_a_rollback_that_goes_on_is_one_again(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.StartRollback("P99 is high"))
    run = life.rollout.run
    life.do(cmd.AbortRun(run, "wrong service"))
    life.do(cmd.ObserveRollback(run, 5.0), ENGINE)
    assert life.rollout.state is RolloutState.HELD
    life.do(cmd.ResumeRun(run, "it was the right one"))
    assert (life.rollout.state, life.rollout.run) == (RolloutState.ROLLING_BACK, run)
    assert life.rollout.held_by is None


def test_a_rollback_needs_neither_a_rollout_nor_a_flag_that_can_be_read() -> None:
    life = Rollouts()
    life.flags, life.readings = "", {}
    life.do(cmd.StartRollback("it is bad"))
    assert life.rollout.state is RolloutState.ROLLING_BACK


def test_the_flag_step_of_the_rollback_is_seen_in_the_record(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.StartRollback("P99 is high"))
    run = life.rollout.run
    life.do(cmd.CompleteStep(run, "alert", "told"))
    life.do(cmd.SetFlag(run, "disable"))
    write = life.rollout.write
    assert (write.percent, write.purpose, write.before) == (0, "rollback", 5)
    life.ends()
    assert life.rollout.percent == 0


def flag_step(life: Rollouts, percent: float) -> str:
    """The id of a run whose one step sets the flag."""
    return life.run(setting(percent))


def test_a_step_that_raises_the_share_rests_on_a_decision(life: Rollouts) -> None:
    run = flag_step(life, 5)
    assert "no decision is recorded for 0 to 5 %" in life.refused(cmd.SetFlag(run, "set"))
    decision = life.certify(0, 5)
    life.do(cmd.SetFlag(run, "set"))
    assert life.rollout.write.decision == decision


def test_no_step_raises_the_share_of_what_was_given_up_or_is_rolled_back(life: Rollouts) -> None:
    life.step(5)
    glass = cmd.SetFlag(flag_step(life, 100), "set", break_glass="nobody is there")
    lower = cmd.SetFlag(flag_step(life, 2), "set")
    life.do(cmd.StartRollback("P99 is high"))
    assert "is being rolled back by" in life.refused(glass)
    life.do(lower)
    life.ends()
    life.do(cmd.AbortRun(life.rollout.run, "wrong service"))
    life.do(cmd.AbortRollout("enough"))
    assert "was aborted at " in life.refused(glass)
    life.do(cmd.SetFlag(flag_step(life, 0), "set"))
    life.ends()
    assert life.rollout.percent == 0


def test_a_rollout_that_is_promoted_asks_nothing_of_a_step(life: Rollouts) -> None:
    for phase in PLAN.phases:
        life.step(phase)
    life.do(cmd.FinishRollout(life.certify(100, 100)))
    life.do(cmd.SetFlag(flag_step(life, 50), "set"))
    life.ends()
    life.do(cmd.SetFlag(flag_step(life, 100), "set"))
    life.ends()
    assert life.rollout.percent == 100


def test_a_countdown_is_not_started_again_for_the_breach_it_was_cancelled_for(life: Rollouts) -> None:
    life.step(5)
    start = cmd.StartCountdown("p99 is breached")
    assert life.do(start, ENGINE) == []
    life.do(cmd.ObserveGuardrail("p99", True, "612 ms"), ENGINE)
    life.do(start, ENGINE)
    assert life.rollout.countdown.at == life.now + timedelta(seconds=60)
    automatic = cmd.StartRollback("p99", automatic=True)
    assert life.refused(automatic, ENGINE) == "no countdown to a rollback has ended"
    life.do(cmd.CancelCountdown("we look"), BOB)
    assert life.do(start, ENGINE) == []
    life.pass_time(1)
    life.do(cmd.ObserveGuardrail("errors", True, "9 %"), ENGINE)
    life.do(start, ENGINE)
    life.pass_time(1)
    life.do(automatic, ENGINE)
    assert (life.rollout.state, life.rollout.automatic) == (RolloutState.ROLLING_BACK, True)


def test_a_rollout_begins_where_the_flag_stands_and_not_where_nobody_knows() -> None:
    life = Rollouts()
    life.real = 25
    life.readings = {}
    assert "what elicitation gives now is not known" in life.refused(cmd.BeginRollout("rev-1"))
    life.begin()
    assert (life.rollout.percent, life.rollout.state) == (25, RolloutState.RAMPING)
    life.seen()
    assert (life.rollout.bake_since, life.rollout.state) == (life.now, RolloutState.BAKING)


def test_a_rollback_by_itself_that_somebody_aborts_does_not_begin_again_for_the_same_breach(life: Rollouts) -> None:
    life.step(5)
    life.do(cmd.ObserveGuardrail("p99", True, "612 ms"), ENGINE)
    start = cmd.StartCountdown("p99")
    life.do(start, ENGINE)
    life.pass_time(1)
    life.do(cmd.StartRollback("p99", automatic=True), ENGINE)
    life.do(cmd.AbortRun(life.rollout.run, "a false alarm"))
    life.do(cmd.ObserveRollback(life.rollout.run, 5.0), ENGINE)
    assert (life.rollout.state, list(life.rollout.breaches)) == (RolloutState.HELD, ["p99"])
    assert life.do(start, ENGINE) == []
    life.pass_time(1)
    life.do(cmd.ObserveGuardrail("errors", True, "9 %"), ENGINE)
    assert life.do(start, ENGINE) != []


# -- who is told ------------------------------------------------------------------------------------------------------


def test_who_is_told_of_a_rollout(life: Rollouts) -> None:
    life.channels = (
        ChannelSpec("slack.incidents", (Act.POST,), (Topic.INCIDENTS,)),
        ChannelSpec("slack.performance", (Act.POST,), (Topic.PERFORMANCE,)),
        ChannelSpec("slack.alerts", (Act.POST,), (Topic.ALERTS,)),
    )

    def told(events: list[Recorded]) -> list[tuple[str, str]]:
        queued = [event.payload for event in events if isinstance(event.payload, ev.DeliveryQueued)]
        return [(item.channel, item.message.title) for item in queued]

    glass = life.do(cmd.SetShare(5, 0, promote=True, break_glass="the board is asleep"))
    assert told(glass) == [
        ("slack.incidents", "GLASS BROKEN by alice: the rollout goes from 0 to 5 % without a decision")
    ]
    assert told(life.ends()) == [("slack.incidents", "rollout: promoted from 0 to 5 %")]
    assert told(life.seen()) == []
    breach = "GUARDRAIL BREACHED: p99; a rollback is recommended"
    assert told(life.do(cmd.ObserveGuardrail("p99", True, "612 ms"), ENGINE)) == [
        ("slack.incidents", breach),
        ("slack.performance", breach),
    ]
    assert told(life.do(cmd.HoldRollout("we look"))) == [("slack.incidents", "rollout HELD by alice at 5 %")]
    begun = told(life.do(cmd.StartRollback("P99"), BOB))
    assert ("slack.incidents", "ROLLBACK begun by bob from 5 %") in begun
    assert told(life.do(cmd.ObserveGuardrail("errors", True, "9 %"), ENGINE)) == []
