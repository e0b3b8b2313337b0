"""Deciding, attesting and approving: what is refused, what a certificate says, and what the next phase may rest on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model import events as ev
from console.model.commands import AbortRun, Approve, Attest, BeginRollout, Decide
from console.model.criteria import asked, rules_of
from console.model.decide import Batch
from console.model.decision import (
    FAIL,
    LIFE,
    OVERRIDE,
    PASS,
    UNKNOWN,
    Answer,
    Status,
    Unjudged,
    answer,
    newest,
    turned,
    valid,
)
from console.model.events.decision import Condition, Finding
from console.model.fold.decisions import ATTESTATIONS, KEPT, attested
from console.model.message import Act, ChannelSpec, Topic
from console.model.people import Actor, Severity
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import CriterionKind, CriterionRule
from tests.model.life import ALICE, BOB, MINUTES, Life

CAROL = Actor("carol", "carol")
NOT_BOB = Actor("bob2", "alice")
"""Another name of alice's login."""
K = CriterionKind
TARGET = "lighthouse/production"
PLAN = RolloutPlan(
    "r", "new", "old", (5, 25, 100), 30 * MINUTES, "percent", flag="f", hash="sha256:plan",
    criteria=(
        CriterionRule("alerts", "Alerts", K.ALERTS),
        CriterionRule("time", "Rollback time", K.ROLLBACK_TIME, required=False),
        CriterionRule("docs", "Support knows", K.CHECKLIST, role="scribe", expires=60 * MINUTES),
        CriterionRule("lead", "Somebody agrees", K.APPROVAL, role="lead"),
    ),
)  # fmt: skip
LINK = "https://wiki.example/r"


class Rollout(Life):
    """A rollout that alice has begun, at 0 %, of which bob is lead and scribe."""

    def __init__(self, plan=PLAN) -> None:
        super().__init__()
        self.plan = plan
        self.standing = {"bob": ("lead", "scribe"), "bob2": ("lead", "scribe"), "alice": ("lead",)}
        self.do(BeginRollout("v2"))

    def context(self, actor=ALICE, console="test"):
        return replace(super().context(actor, console), plan=self.plan)

    def finding(self, name, outcome=PASS, ends=30):
        rule = next(rule for rule in rules_of(self.plan) if rule.name == name)
        return Finding(
            name, rule.title, rule.kind, "technical", rule.required, outcome, f"{name} is {outcome}", 1.0, "q", "s",
            self.now, self.now + ends * MINUTES,
        )  # fmt: skip

    def found(self, **outcomes):
        names = [rule.name for rule in asked(rules_of(self.plan), 0.0, 5.0)]
        return tuple(self.finding(name, outcomes.get(name, PASS)) for name in names)

    def decision(self, status="GO", **fields):
        fields.setdefault("findings", self.found())
        return Decide(0.0, 5.0, status, head="7:abc", p95_minutes=6.5, slo_hash="sha256:slo", **fields)

    def agree(self):
        """What people have to say for a GO."""
        self.do(Attest("docs", LINK), BOB)
        self.do(Approve("lead", 5.0), BOB)

    @property
    def record_(self):
        return self.state.rollouts[TARGET]

    @property
    def last(self):
        return next(reversed(self.state.decisions.values()))

    def valid(self, **other):
        step = {"from_percent": 0.0, "to_percent": 5.0, "plan_hash": "sha256:plan", "revision": "v2", "now": self.now}
        known = {"target": TARGET, "others": self.state.decisions.values(), "attestations": self.record_.attestations}
        return valid(newest(self.state.decisions.values(), TARGET, 0.0, 5.0), **{**step, **known, **other})


@pytest.fixture
def rollout():
    life = Rollout()
    life.agree()
    life.pass_time(1)
    return life


def soon(life, text="watch P99", owner="bob", minutes=60):
    return Condition(text, owner, life.now + minutes * MINUTES)


def test_what_was_carried_out_is_looked_up_in_the_record_not_taken_from_a_screen():
    life = Rollout(replace(PLAN, before="emergency-rollback"))
    life.agree()
    life.pass_time(1)
    assert "before" in {item.name for item in life.found()}
    assert "no run of emergency-rollback" in life.refused(life.decision())
    run = life.run()
    assert "under way" in life.refused(life.decision())
    life.do(AbortRun(run, "not needed"))
    assert "aborted" in life.refused(life.decision())


# -- the certificate --------------------------------------------------------------------------------------------------


def test_a_go_on_findings_that_all_pass(rollout):
    (event,) = rollout.do(rollout.decision())
    decision = rollout.last

    assert event.stream == decision.stream
    assert decision.label == f"DEC-{event.seq}"
    assert (decision.status, decision.verdict) == (Status.GO, "go")
    assert (decision.plan_hash, decision.revision, decision.target) == ("sha256:plan", "v2", TARGET)
    assert (decision.override, decision.second, decision.break_glass) == ("", "", "")
    assert (decision.head, decision.slo_hash, decision.p95_minutes) == ("7:abc", "sha256:slo", 6.5)
    assert [item.name for item in decision.findings] == ["alerts", "time", "docs", "lead"]
    assert decision.expires_at == min(item.expires_at for item in decision.findings if item.required)
    assert rollout.valid() == ""


@pytest.mark.parametrize(
    ("outcomes", "verdict"), [({"alerts": FAIL}, "no-go"), ({"alerts": UNKNOWN}, "hold"), ({"alerts": "green"}, "hold")]
)
def test_what_does_not_pass_is_no_go(rollout, outcomes, verdict):
    found = rollout.found(**outcomes)
    for status in ("GO", "CONDITIONAL"):
        conditions = (soon(rollout),) if status == "CONDITIONAL" else ()
        assert "Alerts" in rollout.refused(rollout.decision(status, findings=found, conditions=conditions))
    rollout.do(rollout.decision("NO-GO", findings=found))

    assert (rollout.last.status, rollout.last.verdict, rollout.last.override) == (Status.NO_GO, verdict, "")
    assert rollout.valid() == f"{rollout.last.label} says NO-GO"


def test_an_advisory_fail_is_a_condition_and_no_plain_go(rollout):
    found = rollout.found(time=FAIL)

    assert "CONDITIONAL" in rollout.refused(rollout.decision(findings=found))
    assert "what must still happen" in rollout.refused(rollout.decision("CONDITIONAL", findings=found))
    rollout.do(rollout.decision("CONDITIONAL", findings=found, conditions=(soon(rollout),)))
    assert (rollout.last.status, rollout.last.verdict) == (Status.CONDITIONAL, "go")
    assert rollout.last.conditions == (soon(rollout),)
    assert rollout.valid() == ""


def test_conditions_have_an_owner_and_are_due(rollout):
    for condition, why in (
        (soon(rollout, text=" "), "a condition is empty"),
        (soon(rollout, owner=""), "who owns a condition"),
        (soon(rollout, minutes=0), "due later than now"),
        (soon(rollout, minutes=60 * 24 * 400), "within a year"),
    ):
        assert why in rollout.refused(rollout.decision("CONDITIONAL", conditions=(condition,)))
    assert "CONDITIONAL" in rollout.refused(rollout.decision(conditions=(soon(rollout),)))


def test_a_no_go_against_the_findings_needs_only_a_reason(rollout):
    assert "reason" in rollout.refused(rollout.decision("NO-GO"))
    rollout.do(rollout.decision("NO-GO", override="the database team is away"))

    assert (rollout.last.override, rollout.last.second) == ("the database team is away", "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"from_percent": 5.0}, "the rollout is at 0 %"),
        ({"to_percent": 25.0}, "after 0 % comes 5 %"),
        ({"status": "MAYBE"}, "no status"),
        ({"findings": ()}, "not those of the plan"),
    ],
)
def test_a_decision_is_about_the_step_that_comes_next(rollout, change, why):
    assert why in rollout.refused(replace(rollout.decision(), **change))


def test_the_findings_are_all_of_the_plan_each_once(rollout):
    found = rollout.found()
    other = replace(found[0], name="another")

    assert "Alerts" in rollout.refused(rollout.decision(findings=found[1:]))
    assert "another" in rollout.refused(rollout.decision(findings=(*found, other)))
    assert "twice" in rollout.refused(rollout.decision(findings=(*found, found[0])))


def test_a_command_cannot_call_a_criterion_advisory_or_waived_or_leave_its_evidence_undated(rollout):
    found = rollout.found(alerts=FAIL)
    advisory = tuple(replace(item, required=False, waived="no") for item in found)
    undated = tuple(replace(item, expires_at=None) for item in rollout.found())

    assert "Alerts: fail" in rollout.refused(rollout.decision(findings=advisory))
    assert "Alerts: unknown (without a date" in rollout.refused(rollout.decision(findings=undated))


def test_evidence_that_expired_while_somebody_thought_is_unknown(rollout):
    command = rollout.decision()
    rollout.pass_time(31)

    assert "Alerts: unknown (expired at" in rollout.refused(command)


def test_what_people_said_is_looked_up_in_the_record_and_not_taken_from_the_screen():
    life = Rollout()
    why = life.refused(life.decision())

    assert "Support knows: unknown (nobody has attested it as scribe)" in why
    assert "Somebody agrees: unknown (0 of 1 approve as lead)" in why


def test_whoever_approves_does_not_decide(rollout):
    why = rollout.refused(rollout.decision(), BOB)

    assert "alice and bob, who began or decides it, does not count" in why


# -- against the findings ---------------------------------------------------------------------------------------------


def test_against_the_findings_it_needs_a_reason_and_a_second_person(rollout):
    found = rollout.found(alerts=FAIL)

    assert "needs a reason and a second person" in rollout.refused(rollout.decision(findings=found))
    why = rollout.refused(rollout.decision(findings=found, override="a known false alarm"))
    assert "nobody is named" in why
    assert "break the glass" in why
    why = rollout.refused(rollout.decision(findings=found, override="a known false alarm", second="bob"))
    assert "bob has not agreed in the last hour" in why

    rollout.do(Approve(OVERRIDE, 5.0, note="I looked: it is false"), BOB)
    rollout.do(rollout.decision(findings=found, override="a known false alarm", second="bob"))
    decision = rollout.last
    assert (decision.status, decision.verdict, decision.second) == (Status.GO, "no-go", "bob")
    assert [item.waived for item in decision.findings] == ["a known false alarm", "", "", ""]
    assert rollout.valid() == ""


@pytest.mark.parametrize("second", [ALICE, NOT_BOB])
def test_one_login_is_no_second_person(rollout, second):
    """It is said at once, to whom it is about."""
    assert "not surely another person" in rollout.refused(Approve(OVERRIDE, 5.0, note="fine"), second)
    rollout.do(Approve(OVERRIDE, 5.0, False), second)
    command = rollout.decision(findings=rollout.found(alerts=FAIL), override="why not", second=second.name)

    assert "not surely another person" in rollout.refused(command)


def test_a_word_against_the_findings_is_of_somebody_who_may_approve(rollout):
    stranger = Actor("eve", "eve")
    why = rollout.refused(Approve(OVERRIDE, 5.0, note="fine"), stranger)
    assert "which eve is not by people.yaml" in why


def test_a_second_person_agrees_to_this_phase_now(rollout):
    command = rollout.decision(findings=rollout.found(alerts=FAIL), override="false alarm", second="bob")
    rollout.do(Approve(OVERRIDE, 25.0, note="fine"), BOB)
    assert "has not agreed" in rollout.refused(command)
    rollout.do(Approve(OVERRIDE, 5.0, note="fine"), BOB)
    rollout.do(Approve(OVERRIDE, 5.0, False), BOB)
    assert "has not agreed" in rollout.refused(command)
    rollout.do(Approve(OVERRIDE, 5.0, note="fine"), BOB)
    rollout.pass_time(29)
    rollout.do(command)
    rollout.pass_time(32)
    late = rollout.decision(findings=rollout.found(alerts=FAIL), override="false alarm", second="bob")
    assert "has not agreed in the last hour" in rollout.refused(late)


def test_alone_it_can_be_done_with_a_reason_which_is_told(rollout):
    hears = ChannelSpec("hooks", (Act.POST,), (Topic.INCIDENTS,), Severity.SEV5)
    rollout.channels = (hears,)
    found = rollout.found(alerts=UNKNOWN)
    rollout.do(
        rollout.decision(findings=found, override="no Alertmanager", break_glass="alone at night", dissent="bob: no")
    )
    decision = rollout.last

    assert (decision.second, decision.break_glass, decision.dissent) == ("", "alone at night", "bob: no")
    (delivery,) = rollout.state.deliveries.values()
    assert delivery.message.title == "rollout: GO for 0 to 5 % against the findings, ALONE: the glass is broken"
    assert dict(delivery.message.facts)["why alone"] == "alone at night"
    assert dict(delivery.message.facts)["against"] == "Alerts: unknown"


def test_a_decision_that_follows_the_findings_is_told_to_nobody(rollout):
    rollout.channels = (ChannelSpec("hooks", (Act.POST,), (Topic.INCIDENTS,), Severity.SEV5),)
    rollout.do(rollout.decision())
    rollout.do(rollout.decision("NO-GO", override="not today"))

    assert not rollout.state.deliveries


def test_one_against_the_findings_counts_for_an_hour_at_most(rollout):
    found = tuple(replace(item, expires_at=rollout.now + 9 * LIFE) for item in rollout.found(alerts=FAIL))
    rollout.do(rollout.decision(findings=found, override="why", break_glass="alone"))

    assert rollout.last.expires_at <= rollout.last.at + LIFE


# -- what people say --------------------------------------------------------------------------------------------------


def test_attesting_needs_the_role_a_link_and_a_criterion():
    life = Rollout()

    assert "it is for the scribe" in life.refused(Attest("docs", LINK), CAROL)
    assert "no criterion of the kind checklist; known: docs" in life.refused(Attest("lead", LINK), BOB)
    for link in ("", "see the wiki", "javascript:alert(1)", "https://"):
        assert "with a link" in life.refused(Attest("docs", link), BOB)
    assert "why it does not hold" in life.refused(Attest("docs", "", holds=False), BOB)
    assert "no phase" in life.refused(Attest("docs", LINK, phase=7.0), BOB)
    life.do(Attest("docs", LINK, "told them"), BOB)
    (said,) = life.record_.attestations
    assert (said.by, said.role, said.link, said.note, said.approved) == (BOB, "scribe", LINK, "told them", True)
    assert said.expires_at == life.now + 60 * MINUTES


def test_the_last_word_of_a_person_counts():
    life = Rollout()
    life.do(Attest("docs", LINK), BOB)
    life.do(Attest("docs", "", "they were not told", holds=False), BOB)

    assert [item.approved for item in life.record_.attestations] == [False]
    life.do(Approve("lead", 5.0), BOB)
    assert "Support knows: fail" in life.refused(life.decision())


def test_approving_needs_the_role_and_another_person_than_the_author():
    life = Rollout()

    assert "it is for the lead" in life.refused(Approve("lead", 5.0), CAROL)
    assert "alice began the rollout" in life.refused(Approve("lead", 5.0), ALICE)
    assert "alice began the rollout" in life.refused(Approve("lead", 5.0), NOT_BOB)
    assert "no phase" in life.refused(Approve("lead", 7.0), BOB)
    assert "known: lead" in life.refused(Approve("docs", 5.0), BOB)
    assert "why you agree" in life.refused(Approve(OVERRIDE, 5.0), BOB)


def test_without_a_plan_or_a_rollout_there_is_nothing_to_say():
    life = Rollout()
    life.plan = None
    for command in (Attest("docs", LINK), Approve("lead", 5.0), Decide(0.0, 5.0, "GO", ())):
        assert "no rollout is configured" in life.refused(command, BOB)
    life.plan = PLAN
    life.state.rollouts.clear()
    assert "no rollout was begun" in life.refused(Attest("docs", LINK), BOB)


def test_another_revision_begins_without_what_was_said_of_the_one_before(rollout):
    rollout.record([Batch(rollout.record_.stream, rollout.record_.version, (ev.RevisionChanged("v3", "v2"),))], ALICE)

    assert rollout.record_.attestations == ()


def test_what_people_said_and_what_was_decided_is_bounded(rollout):
    event = next(item for item in rollout.events if isinstance(item.payload, ev.PhaseApproved))
    known = ()
    for number in range(ATTESTATIONS + 5):
        known = attested(known, replace(event, actor=Actor(f"p{number}", f"p{number}")), event.payload)
    assert len(known) == ATTESTATIONS

    for _ in range(KEPT + 3):
        rollout.do(rollout.decision("NO-GO", override="not yet"))
    kept = [item.number for item in rollout.state.decisions.values()]
    assert len(kept) == KEPT
    assert kept == sorted(kept)
    assert kept[-1] == rollout.events[-1].seq


# -- what the next phase may rest on ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"from_percent": 5.0, "to_percent": 25.0}, "is about 0 to 5 %, not 5 to 25 %"),
        ({"plan_hash": "sha256:other"}, "another version of the plan"),
        ({"revision": "v3"}, "is about revision v2, not v3"),
        ({"target": "lighthouse/staging"}, "is about lighthouse/production"),
    ],
)
def test_a_decision_is_for_exactly_one_step(rollout, other, why):
    rollout.do(rollout.decision())

    assert why in rollout.valid(**other)


def test_it_ends_with_the_first_finding_that_expires(rollout):
    rollout.do(rollout.decision())
    assert rollout.valid(now=rollout.last.expires_at - timedelta(seconds=1)) == ""

    assert "expired at" in rollout.valid(now=rollout.last.expires_at)
    assert rollout.valid(now=rollout.last.at - timedelta(seconds=1)) == ""  # two consoles have two clocks
    assert "which is to come" in rollout.valid(now=rollout.last.at - timedelta(seconds=6))


def test_a_newer_no_go_and_a_withdrawn_approval_end_it(rollout):
    rollout.do(rollout.decision())
    first = rollout.last
    known = {"attestations": (), "others": ()}
    step = (0.0, 5.0, "sha256:plan", "v2", rollout.now)
    assert valid(first, *step, **known) == ""

    rollout.pass_time(1)
    rollout.do(rollout.decision("NO-GO", override="no"))
    assert "says NO-GO since then" in valid(first, *step, others=rollout.state.decisions.values())
    rollout.do(Approve("lead", 5.0, False, "I was wrong"), BOB)
    assert "bob withdrew the approval 'lead'" in valid(first, *step, attestations=rollout.record_.attestations)
    rollout.do(Approve("lead", 5.0), BOB)
    assert valid(first, *step, attestations=rollout.record_.attestations) == ""
    rollout.do(Attest("docs", "", "they were not told", holds=False), BOB)
    assert "'docs' does not hold" in valid(first, *step, attestations=rollout.record_.attestations)


def test_where_the_criteria_cannot_be_computed_no_decision_stands(rollout):
    rollout.do(rollout.decision())
    told = turned(rollout.last, Unjudged("fault in the criteria: ValueError"))
    assert (
        told == f"{rollout.last.label} says GO, and nobody knows whether it stands: fault in the criteria: ValueError"
    )
    assert turned(rollout.last, None) == "", "nothing is to be said of it now: its own expiry counts"


def test_without_a_decision_nothing_rests_on_one():
    assert valid(None, 0.0, 5.0, "h", "v", Life().now) == "no decision is recorded for 0 to 5 %"
    assert valid(None, 100, 100, "h", "v", Life().now) == "no decision is recorded for the finish at 100 %"


OUTCOMES = st.sampled_from([PASS, FAIL, UNKNOWN, "green"])


@given(
    st.fixed_dictionaries({"alerts": OUTCOMES, "time": OUTCOMES, "docs": OUTCOMES, "lead": OUTCOMES}),
    st.sampled_from(["GO", "CONDITIONAL"]),
    st.booleans(),
)
def test_nothing_but_passes_lets_a_rollout_go_on_without_two_people(outcomes, status, agreed):
    life = Rollout()
    if agreed:
        life.agree()
        life.pass_time(1)
    conditions = (soon(life),) if status == "CONDITIONAL" else ()
    command = life.decision(status, findings=life.found(**outcomes), conditions=conditions)
    clear = agreed and outcomes["alerts"] == PASS and not (status == "GO" and outcomes["time"] == FAIL)
    if not clear:
        life.refused(command)
        assert life.valid() != ""
        return
    life.do(command)
    assert life.valid() == ""
    assert answer(life.last.findings) is Answer.GO
