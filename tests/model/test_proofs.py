"""The rules of standing proofs: what a real write proves, what was simulated does not, what comes late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import proofs
from console.model.events import Recorded
from console.model.flag import FlagAnswer, FlagOutcome
from console.model.reading import ReadingState
from console.model.rollback import PEOPLE_LIFE, WRITE_LIFE
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import RollbackPlan
from console.model.state import State, apply
from tests.model.life import ALICE, BOB, PAT, START, Life

PLAN = RolloutPlan(
    "r", "new", "old", (5, 100), timedelta(minutes=30), "p", flag="elicitation",
    rollback=RollbackPlan("emergency-rollback", canary_flag="canary", drill_every=timedelta(days=20)),
)  # fmt: skip
KEY = "lighthouse/production/write-path"
TOGGLE = cmd.ProveWritePath("canary", 0.0, 100.0)


@pytest.fixture
def life():
    found = Life()
    found.plan, found.flags = PLAN, "unleash"
    return found


def wrote(life, percent, done=True, flag="elicitation", before=25.0):
    answer = FlagAnswer(FlagOutcome.DONE, "200 OK", before, percent, 0.4)
    batches = proofs.written(life.state, flag, percent, answer if done else "403", life.context())
    return [event.payload for event in life.record(batches, ALICE)]


def test_a_rollback_that_was_read_back_proves_the_write_path(life):
    (event,) = wrote(life, 0.0)

    assert (event.source, event.seconds, event.expires_at) == ("real", 0.4, START + WRITE_LIFE)
    assert event.basis == "unleash: elicitation, canary canary"
    assert life.state.standing[KEY].evidence == "elicitation was set to 0 %: 200 OK"


def test_a_rollback_that_was_refused_breaks_it_until_one_is_carried_out(life):
    wrote(life, 0.0)
    life.pass_time(1)
    wrote(life, 0.0, done=False)

    standing = life.state.standing[KEY]
    assert (standing.error, standing.broken_by, standing.at) == ("elicitation was not set to 0 %: 403", "real", START)
    life.pass_time(1)
    wrote(life, 0.0)
    assert (life.state.standing[KEY].error, life.state.standing[KEY].broken_at) == ("", None)


def test_a_write_that_changed_nothing_to_be_seen_proves_nothing_and_takes_nothing_back(life):
    """A server that takes every write and keeps none reads 0 % before and after: nothing was shown."""
    assert wrote(life, 0.0, before=0.0) == []
    assert wrote(life, 0.0, before=None) == []
    assert KEY not in life.state.standing
    wrote(life, 0.0)
    proven = life.state.standing[KEY]
    life.pass_time(3600)

    assert wrote(life, 0.0, before=0.0) == []
    assert life.state.standing[KEY] == proven
    wrote(life, 0.0, done=False)
    life.pass_time(1)
    assert wrote(life, 0.0, before=0.0) == []
    assert life.state.standing[KEY].error == "elicitation was not set to 0 %: 403"


def test_one_that_was_taken_and_reads_what_it_read_breaks_it(life):
    answer = FlagAnswer(FlagOutcome.INEFFECTIVE, "it reads 25 %", 25.0, 25.0, 0.4)

    ((event,),) = [batch.payloads for batch in proofs.written(life.state, "elicitation", 0.0, answer, life.context())]

    assert event.evidence == "elicitation was not set to 0 %: it reads 25 %"


@pytest.mark.parametrize(
    ("measured", "state", "proves"),
    [
        (25.0, ReadingState.OK, True),
        (23.0, ReadingState.OK, True),  # within share: points
        (0.0, ReadingState.OK, False),
        (60.0, ReadingState.OK, False),
        (60.0, ReadingState.STALE, True),  # an old share contradicts nothing
        (None, ReadingState.NO_DATA, True),
    ],
)
def test_a_flag_that_gave_another_share_than_is_measured_proves_nothing(life, measured, state, proves):
    life.reading("rollout.percent", measured, state)

    assert bool(wrote(life, 0.0)) is proves


def test_what_is_no_way_back_proves_nothing(life):
    assert wrote(life, 5.0) == []
    assert wrote(life, 0.0, flag="another") == []
    life.plan = None
    assert wrote(life, 0.0) == []


def test_a_write_in_a_demo_is_simulated(life):
    life.mode = "demo"
    (event,) = wrote(life, 0.0)

    assert event.source == "simulated"
    assert life.state.standing[KEY].at is None  # this record is live: it does not count here


def recorded(payload, at=START, mode="live", name="write-path", version=1):
    return Recorded(
        version, f"proof:lighthouse/production/{name}", version, "", 1, "e", at, at, ALICE, "c", "", mode, payload
    )


def renewed(source, name="write-path"):
    return ev.ProofRenewed(name, "it worked", source, START + WRITE_LIFE)


@pytest.mark.parametrize(
    ("mode", "source", "name", "kept"),
    [
        ("live", "canary", "write-path", "canary"),
        ("live", "real", "write-path", "real"),
        ("live", "simulated", "write-path", ""),
        ("live", "simulated", "people", "simulated"),
        ("live", "simulated", "drill", "simulated"),
        ("demo", "canary", "write-path", "simulated"),
        ("drill", "real", "write-path", "simulated"),
    ],
)
def test_whatever_an_event_says_what_was_simulated_proves_no_machine(mode, source, name, kept):
    state = State()

    apply(state, recorded(renewed(source, name), mode=mode, name=name))

    assert state.standing[f"lighthouse/production/{name}"].source == kept


def test_a_simulated_proof_does_not_cover_a_real_one():
    state = State()
    apply(state, recorded(renewed("canary")))
    apply(state, recorded(renewed("simulated"), START + timedelta(days=1), version=2))

    assert (state.standing[KEY].source, state.standing[KEY].at) == ("canary", START)
    assert state.standing[KEY].version == 2


def test_what_waited_in_a_spool_does_not_cover_what_is_newer():
    state = State()
    apply(state, recorded(renewed("canary"), START + timedelta(hours=1)))
    apply(state, recorded(ev.ProofBroken("write-path", "403", "canary"), START, version=2))

    assert state.standing[KEY].error == ""
    apply(state, recorded(ev.ProofBroken("write-path", "403", "canary"), START + timedelta(hours=2), version=3))
    apply(state, recorded(renewed("canary"), START + timedelta(minutes=90), version=4))
    assert (state.standing[KEY].error, state.standing[KEY].at) == ("403", START + timedelta(hours=1))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_outcome_closes_its_own_try_alone(order):
    state = State()
    apply(state, recorded(ev.EffectIntended("one", "canary flag", "canary", "")))
    apply(state, recorded(ev.EffectIntended("two", "canary flag", "canary", ""), version=2))
    for version, which in enumerate(order, 3):
        apply(state, recorded(ev.EffectFinished(("one", "two")[which], "done"), version=version))
        assert state.standing[KEY].trying == ("two" if which == 0 and version == 3 else "")


def test_two_who_toggle_at_once_one_wins(life):
    events = life.do(TOGGLE)
    assert [event.kind for event in events] == ["effect.intended", "change.intended"]

    assert "settle it first" in life.refused(TOGGLE, BOB)


def test_people_are_proven_for_those_who_are_on_call(life):
    life.do(cmd.RenewProof("people", "both answered", "people"))
    standing = life.state.standing["lighthouse/production/people"]

    assert (standing.basis, standing.expires_at, standing.by) == ("pat, sam, lee", START + PEOPLE_LIFE, "alice")
    life.rota = {"primary": (PAT,), "secondary": (PAT,)}
    life.do(cmd.RenewProof("people", "he answered", "people"))
    assert life.state.standing["lighthouse/production/people"].basis == "pat"
    life.do(cmd.RenewProof("drill", "the whole team", "simulated"))
    assert life.state.standing["lighthouse/production/drill"].expires_at == START + timedelta(days=20)


def answer(outcome, after):
    return FlagAnswer(outcome, outcome.value, 0.0, after, 0.3)


@pytest.mark.parametrize("there", [*FlagOutcome, "403"])
@pytest.mark.parametrize("back", [*FlagOutcome, "403", "silent"])
@pytest.mark.parametrize("after", [0.0, 50.0, 100.0, None])
def test_only_two_writes_that_were_read_back_prove_anything(life, there, back, after):
    """Whatever the provider answers: the intent is closed, the proof is renewed only for what was seen, and a canary
    that may not be where it was is owed."""
    life.do(TOGGLE)
    standing, change = life.state.standing[KEY], next(iter(life.state.changes.values()))
    first = answer(there, 100.0) if isinstance(there, FlagOutcome) else there
    second = answer(back, after) if isinstance(back, FlagOutcome) else back
    found = proofs.Toggled(first, second, unknown=back == "silent")

    batches, why = proofs.toggled(life.state, TOGGLE, change.id, standing.trying, found, life.context())
    life.record(batches, ALICE)

    standing, change = life.state.standing[KEY], life.state.changes[change.id]
    proven = there is FlagOutcome.DONE and back is FlagOutcome.DONE and after == 0.0
    assert (standing.at == START) == proven == (why == "")
    assert standing.trying == ""
    left = there in (FlagOutcome.DONE, FlagOutcome.INEFFECTIVE) and not proven
    gone = there is FlagOutcome.DONE and back in (FlagOutcome.LOST, FlagOutcome.ALREADY)
    assert change.owed(life.now) == (left and not gone)
    lost = {there} & {FlagOutcome.LOST, FlagOutcome.ALREADY} or gone
    assert (standing.broken_at is None) == bool(proven or lost)


def test_the_plan_of_another_provider_is_another_proof(life):
    wrote(life, 0.0)
    life.flags, life.plan = "program", replace(PLAN, flag="elicitation")
    life.pass_time(1)

    (event,) = wrote(life, 0.0)

    assert event.basis == "program: elicitation, canary canary"
