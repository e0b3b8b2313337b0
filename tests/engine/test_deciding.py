"""What the Board says of the next phase: gathered by the engine from what it has anyway, and unknown where it has
nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.engine.deciding import CRITERIA, Endpoints, covers, http_readings, live_risks
from console.engine.outcome import Denied, Done
from console.model.certificate import offered, wanted
from console.model.commands import Approve, Attest, BeginRollout
from console.model.criteria import DEFAULTS
from console.model.decision import FAIL, PASS, UNKNOWN, Answer, Status
from console.model.escalation import OnCallRole, Reach
from console.model.pager import OnCall
from console.model.people import Person
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout_plan import Capacity, CriterionKind, CriterionRule, Risk
from tests.engine.bench import CONFIG, PLAN, START, Bench

K = CriterionKind
MINUTE = timedelta(minutes=1)
OWN = replace(
    PLAN,
    hash="sha256:plan",
    criteria=(
        CriterionRule("ci", "The build is green", K.HTTP, check="http://ci.example/ready", expires=5 * MINUTE),
        CriterionRule("p99", "P99", K.READING, check="guardrail.p99 < 300"),
        CriterionRule("alerts", "No page", K.ALERTS),
        CriterionRule("docs", "Support knows", K.CHECKLIST, role="scribe", required=False),
        CriterionRule("lead", "Somebody agrees", K.APPROVAL, role="lead"),
    ),
    capacities=(Capacity("pool", "Connections", "pool_used", "pool_limit"),),
)
PEOPLE = (Person("alice", "alice"), Person("bob", "bob", roles=("scribe", "lead")))
RISKS = (
    Risk("slow", "Slow", "high", "medium", "roll back", signal="guardrail.p99 >= 300"),
    Risk("fast", "Fast", "high", "medium", "be glad", signal="guardrail.p99 < 300"),
    Risk("dark", "Dark", "high", "medium", "look", signal="guardrail.gone >= 1"),
    Risk("told", "Untold", "low", "low", "tell"),
)


class Probe:
    """An endpoint that answers as it is told to."""

    name = "probe"

    def __init__(self, clock) -> None:
        self.clock, self.answer, self.asked = clock, 1.0, []

    def read(self, probe):
        self.asked.append(probe.url)
        if self.answer is None:
            return missing(ReadingState.UNREACHABLE, self.name, "connection refused", self.clock.now())
        assert probe.status == tuple(range(200, 300))
        return Reading(ReadingState.OK, self.answer, self.clock.now(), self.name, note=f"answers {self.answer:g}")


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.config = replace(CONFIG, rollout=OWN, people=PEOPLE, risks=RISKS)
    made.outside["probes"] = Probe(made.clock)
    return made


def outcomes(board):
    return {item.name: item.outcome for item in board.progress.proposal.findings}


async def test_what_is_read_makes_the_findings_with_its_evidence(bench):
    alice = await bench.console()
    assert isinstance(await alice.submit(BeginRollout("v2")), Done)
    await bench.run(30)
    proposal = alice.board.progress.proposal

    assert (proposal.from_percent, proposal.to_percent, proposal.answer) == (0.0, 5, Answer.HOLD)
    assert outcomes(alice.board) == {"ci": PASS, "p99": PASS, "alerts": PASS, "docs": UNKNOWN, "lead": UNKNOWN}
    found = {item.name: item for item in proposal.findings}
    assert found["p99"].query == "p99"
    assert found["ci"].query == "GET http://ci.example/ready"
    assert bench.outside["probes"].asked[0] == "http://ci.example/ready"
    assert all(item.at is not None and item.expires_at > alice.board.at for item in (found["ci"], found["p99"]))
    assert CRITERIA not in [source.name for source in alice.board.sources]  # it is named when something is wrong


async def test_an_endpoint_that_says_no_or_nothing(bench):
    alice = await bench.console()
    probe = bench.outside["probes"]
    for answer, outcome in ((0.0, FAIL), (None, UNKNOWN), (1.0, PASS)):
        probe.answer = answer
        await bench.run(70)
        assert outcomes(alice.board)["ci"] == outcome


async def test_sources_that_fail_leave_nothing_that_passes(bench):
    alice = await bench.console()
    await alice.submit(BeginRollout("v2"))
    await bench.run(30)
    bench.metrics.error, bench.alerts.fault, bench.outside["probes"].answer = "connection refused", "fault", None
    await bench.run(600)

    assert PASS not in outcomes(alice.board).values()
    assert alice.board.progress.proposal.answer is Answer.HOLD


async def test_two_people_take_a_decision_on_what_the_board_says(bench):
    alice, bob = await bench.console(), await bench.console("bob")
    await alice.submit(BeginRollout("v2"))
    await bench.run(30)
    refused = await alice.submit(wanted(alice.board, alice.board.progress.proposal, Status.GO))
    assert isinstance(refused, Denied)
    assert "Somebody agrees: unknown" in refused.reason

    assert isinstance(await bob.submit(Attest("docs", "https://wiki.example/r")), Done)
    assert isinstance(await bob.submit(Approve("lead", 5.0)), Done)
    await bench.run(30)
    proposal = alice.board.progress.proposal
    assert (proposal.answer, offered(proposal)) == (Answer.GO, Status.GO)
    assert isinstance(await alice.submit(wanted(alice.board, proposal, Status.GO)), Done)
    (decision,) = alice.board.progress.decisions
    assert (decision.status, decision.plan_hash, decision.by.name) == (Status.GO, "sha256:plan", "alice")
    assert decision.slo_hash.startswith("sha256:")
    seq, _, digest = decision.head.partition(":")
    assert next(event.hash for event in bench.journal.read() if event.seq == int(seq)) == digest


async def test_an_advisory_fail_is_offered_as_a_condition(bench):
    alice, bob = await bench.console(), await bench.console("bob")
    await alice.submit(BeginRollout("v2"))
    await bench.run(5)  # until bob's console has read it
    assert isinstance(await bob.submit(Approve("lead", 5.0)), Done)
    assert isinstance(await bob.submit(Attest("docs", "", "they were not told", holds=False)), Done)
    await bench.run(30)

    assert offered(alice.board.progress.proposal) is Status.CONDITIONAL


async def test_a_plan_without_criteria_asks_the_default_ones(bench):
    bench.config = replace(CONFIG, rollout=replace(OWN, criteria=(), capacities=()))
    alice = await bench.console()
    await bench.run(30)

    assert list(outcomes(alice.board)) == [rule.name for rule in DEFAULTS if rule.kind is not K.GUARDRAILS]
    assert outcomes(alice.board)["bake"] == UNKNOWN  # no rollout was begun


async def test_without_a_plan_there_is_nothing_to_decide(bench):
    bench.config = replace(CONFIG, rollout=None)
    alice = await bench.console()
    await bench.run(30)

    assert alice.board.progress is None


async def test_headroom_is_that_of_the_plan(bench):
    alice = await bench.console()
    await bench.run(30)
    (item,) = alice.board.progress.headroom

    assert item.capacity.name == "pool"
    assert item.share == 1.0  # everything that is asked is answered with 1 here


async def test_the_board_is_made_while_a_criterion_cannot_be(bench, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("console.model.criteria.findings", broken)
    alice = await bench.console()
    await bench.run(30)

    assert alice.board.progress.proposal is None
    assert "fault in the criteria: ZeroDivisionError" in alice.board.fault


# -- the parts --------------------------------------------------------------------------------------------------------


def test_a_signal_that_is_stale_shows_a_risk_and_never_clears_it():
    def live(reading):
        return [item.live for item in live_risks(RISKS, {"guardrail.p99": reading})]

    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert live(Reading(ReadingState.OK, 320.0, now)) == [True, False, None, None]
    assert live(Reading(ReadingState.STALE, 320.0, now)) == [True, None, None, None]
    assert live(missing(ReadingState.UNREACHABLE, "prometheus")) == [None, None, None, None]


def test_who_is_on_call_and_until_when():
    roles = (OnCallRole("primary", ("alice",), "S1"), OnCallRole("lead", ("carol",)))
    on_call = (("primary", (Reach("pat"),)), ("lead", (Reach("carol"),)))
    until = START + timedelta(hours=8)
    schedule = (
        OnCall("P", 1, "pat", until=until, schedule_id="S1"),
        OnCall("P", 1, "kim", schedule_id="S1"),
        OnCall("P", 1, "sam", until=until, schedule_id="S2"),
    )

    found = [(item.role, item.person, item.until, item.endless) for item in covers(roles, on_call, schedule)]
    assert found == [("primary", "pat", until, False), ("primary", "kim", None, True), ("lead", "carol", None, False)]
    assert [(item.role, item.until, item.endless) for item in covers(roles, on_call, ())] == [
        ("primary", None, False), ("lead", None, False),
    ]  # fmt: skip


def test_endpoints_are_asked_one_after_another_and_their_answers_age(bench):
    rules = (CriterionRule("a", "A", K.HTTP, check="http://a"), CriterionRule("b", "B", K.HTTP, check="http://b"))
    endpoints = Endpoints(bench.outside["probes"], rules)

    answers = endpoints.read()
    assert list(answers) == ["http.a", "http.b"]
    assert endpoints.within == timedelta(seconds=11)
    now = bench.clock.now()
    assert http_readings(answers, now + 3 * MINUTE)["http.a"].ok
    assert http_readings(answers, now + 4 * MINUTE)["http.a"].state is ReadingState.STALE
    assert http_readings(None, now) == {}
