"""Where two people are asked, one is never two: every path on which somebody else must agree, by each pair of names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.commands import Approve, Attest, BeginRollout, Decide
from console.model.decide import Batch, Refusal
from console.model.decision import FAIL, OVERRIDE
from console.model.people import Actor
from console.model.playbook import StepKind
from tests.model.life import ALICE, BOB, Life, step
from tests.model.test_decisions import LINK, PLAN, Rollout
from tests.model.test_runs_flow import TARGET, begun
from tests.model.test_runs_people import ROLE
from tests.model.test_shifts import ITEMS

DAVE = Actor("dave", "dave")
ERIN = Actor("erin", "erin")
PAIRS = {
    "the same": (ALICE, ALICE, False),
    "another name of the same login": (ALICE, Actor("bob", "alice"), False),
    "two names that one login gave itself": (Actor("carol", "ops"), Actor("bob", "ops"), False),
    "one name from two logins": (ALICE, Actor("alice", "bob"), False),
    "two people": (ALICE, BOB, True),
    "two people, one by a name of their own": (ALICE, Actor("carol", "bob"), True),
}
Path = Callable[[Actor, Actor], None]


def rollout(author: Actor, plan: object = PLAN) -> Rollout:
    """One that the author has begun; everybody is in every role."""
    life = Rollout.__new__(Rollout)
    Life.__init__(life)
    life.plan = plan  # type: ignore[assignment]
    life.standing = {name: ("lead", "scribe", ROLE) for name in ("alice", "bob", "carol", "dave", "erin")}
    life.do(BeginRollout("v2"), author)
    life.do(Attest("docs", LINK), ERIN)
    return life


def against(life: Rollout, second: Actor) -> Decide:
    return life.decision(findings=life.found(alerts=FAIL), override="a false alarm", second=second.name)


def who_began_does_not_approve(one: Actor, other: Actor) -> None:
    rollout(one).do(Approve("lead", 5.0), other)


def who_decides_does_not_approve(one: Actor, other: Actor) -> None:
    life = rollout(DAVE)
    life.do(Approve("lead", 5.0), other)
    life.do(life.decision(), one)


def two_approve(one: Actor, other: Actor) -> None:
    criteria = tuple(replace(rule, check="2") if rule.name == "lead" else rule for rule in PLAN.criteria)
    life = rollout(DAVE, replace(PLAN, criteria=criteria))
    for who in (one, other):
        life.do(Approve("lead", 5.0), who)
    life.do(life.decision(), ERIN)


def who_began_does_not_agree(one: Actor, other: Actor) -> None:
    life = rollout(one)
    life.do(Approve("lead", 5.0), ERIN)
    life.do(Approve(OVERRIDE, 5.0, note="I looked"), other)
    life.do(against(life, other), DAVE)


def who_began_does_not_agree_by_a_record_that_was_merged(one: Actor, other: Actor) -> None:
    """It was never asked whether that counts: it came with the events of another console."""
    life = rollout(one)
    life.do(Approve("lead", 5.0), ERIN)
    record = life.record_
    life.record([Batch(record.stream, record.version, (ev.PhaseApproved(OVERRIDE, 5.0, "", True, "fine"),))], other)
    life.do(against(life, other), DAVE)


def who_decides_does_not_agree(one: Actor, other: Actor) -> None:
    life = rollout(DAVE)
    life.do(Approve("lead", 5.0), ERIN)
    life.do(Approve(OVERRIDE, 5.0, note="I looked"), other)
    life.do(against(life, other), one)


def who_started_does_not_approve_a_step(one: Actor, other: Actor) -> None:
    life, _ = begun(step("agree", kind=StepKind.APPROVAL, role=ROLE), step("b"))
    started = life.do(cmd.StartRun(life.declare(), life.playbooks[0]), one)
    run = next(event.stream for event in started if isinstance(event.payload, ev.RunStarted)).partition(":")[2]
    life.standing = {name: (ROLE,) for name in ("alice", "bob", "carol")}
    life.do(cmd.CompleteStep(run, "agree", "yes"), other, "b")


def who_reads_back_does_not_do_it(one: Actor, other: Actor) -> None:
    life, run = begun(step("a", second_person=True), step("b"))
    life.do(cmd.ConfirmStep(run, "a", TARGET), other, "b")
    life.do(cmd.CompleteStep(run, "a", "x"), one, "a")


def who_holds_it_does_not_read_back(one: Actor, other: Actor) -> None:
    life, run = begun(step("a", second_person=True), step("b"))
    life.do(cmd.TakeStep(run, "a"), one, "a")
    life.do(cmd.ConfirmStep(run, "a", TARGET), other, "b")


def who_hands_over_does_not_take_it(one: Actor, other: Actor) -> None:
    life = Life()
    shift = life.do(cmd.BeginShift(), one)[0].stream.partition(":")[2]
    handoff = life.do(cmd.OfferHandoff(shift, other.name, ITEMS, "3:abc"), one)[0].stream.partition(":")[2]
    for item in ITEMS:
        life.do(cmd.AnswerHandoffItem(handoff, item.id, "accepted"), other)
    life.do(cmd.AcceptHandoff(handoff), other)


AGREED = "has not agreed in the last hour, or is not surely another person"
PATHS: dict[Path, str] = {
    who_began_does_not_approve: "began the rollout: another person approves 5 %",
    who_decides_does_not_approve: "who began or decides it, does not count",
    two_approve: "1 of 2 approve as lead",
    who_began_does_not_agree: "is not surely another person: it would not count",
    who_began_does_not_agree_by_a_record_that_was_merged: AGREED,
    who_decides_does_not_agree: AGREED,
    who_started_does_not_approve_a_step: "needs another person than",
    who_reads_back_does_not_do_it: "another person does it",
    who_holds_it_does_not_read_back: "another person reads the target back",
    who_hands_over_does_not_take_it: "act from one login|somebody else|does not show two people",
}


@pytest.mark.parametrize(("path", "words"), PATHS.items(), ids=[path.__name__.replace("_", " ") for path in PATHS])
@pytest.mark.parametrize(("one", "other", "are_two"), PAIRS.values(), ids=PAIRS.keys())
def test_one_is_never_two(path: Path, words: str, one: Actor, other: Actor, are_two: bool) -> None:
    if are_two:
        path(one, other)
        return
    with pytest.raises(Refusal, match=words):
        path(one, other)
