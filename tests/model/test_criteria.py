"""What each criterion says: pass, fail or unknown, and when its word ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.alert import Alert, AlertState
from console.model.bake import Course, Slice
from console.model.baseline import BaselineNote, Standing
from console.model.board import AlertFeed
from console.model.burn import RULES, BurnAlert
from console.model.capacity import DECLARED, MEASURED, headrooms
from console.model.criteria import DEFAULTS, Cover, Facts, asked, findings, rules_of
from console.model.decision import FAIL, PASS, UNKNOWN, Answer, Attestation, answer
from console.model.estimate import Drain, Estimate
from console.model.events.decision import Finding
from console.model.judge import judge
from console.model.people import Actor
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import Proof, ProofState, Readiness
from console.model.rolling import RolloutRecord, RolloutState, Stay
from console.model.rollout import Guardrail, GuardrailRule, RolloutPlan
from console.model.rollout_plan import Capacity, CriterionKind, CriterionRule, Evidence, RollbackPlan, Stage
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.model.sequential import spread
from console.model.sli import of_counters
from console.model.slo import Objective, SloGauge
from console.model.verdict import Counts, Judged, Verdict
from console.model.window import Rolling
from tests.model.life import ROLLBACK

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AUTHOR, BOB, CAROL = Actor("alice", "alice"), Actor("bob", "bob"), Actor("carol", "carol")
K = CriterionKind
SLI = of_counters("requests_total", bad="errors_total")
POOL = Capacity("pool", "Database connections", "used", "limit", "connections")
PLAN = RolloutPlan(
    "r", "new", "old", (5, 25, 50, 100), 30 * MINUTE, "percent",
    stages=(Stage(5, 30 * MINUTE, 1000), Stage(25, 30 * MINUTE, 1000, (("pool", 60.0),)), Stage(50, 30 * MINUTE),
            Stage(100, 60 * MINUTE)),
    capacities=(POOL,), rollback=RollbackPlan("emergency-rollback"), hash="sha256:plan", samples_expr="requests",
)  # fmt: skip
RECORD = RolloutRecord(
    "lighthouse/production", 3, plan="r", plan_hash="sha256:plan", revision="v2", state=RolloutState.BAKING,
    started_at=NOW - 2 * HOUR, percent=5.0, bake_since=NOW - HOUR, begun_by=AUTHOR,
)  # fmt: skip


def ok(value, age=MINUTE):
    return Reading(ReadingState.OK, value, NOW - age, "prometheus")


def stale(value):
    return replace(ok(value), state=ReadingState.STALE, note="stale")


LOST = missing(ReadingState.UNREACHABLE, "prometheus", "connection refused", NOW)
PARTLY_DOWN = Reading(ReadingState.PARTIAL, 0.0, NOW, "health", note="from here it refused")


def gauge(left, burn=None, alerts=(), baseline=None, service="lighthouse", name="errors"):
    objective = Objective(name, name.title(), service, 0.999, Rolling(timedelta(days=30)), "Occurrences", SLI)
    burn = ok(0.5) if burn is None else burn
    return SloGauge(objective, left.map(lambda _: 0.9995), left, burn, alerts=tuple(alerts), baseline=baseline)


def page(long, short):
    return BurnAlert(RULES[0], 14.4, long, short)


def proof(state=ProofState.PROVEN, ends=HOUR, name="legacy"):
    return Proof(name, "legacy path healthy", state, "answers", NOW - MINUTE, NOW + ends)


def firing(severity="critical", state=AlertState.ACTIVE, **labels):
    named = {"alertname": "Down", "severity": severity, **labels}
    return Alert("f1", tuple(named.items()), (), state, NOW - HOUR)


def judged(verdict, more=None):
    return Judged("p99", "P99", verdict, why="3 of 100", more=more, at=NOW - MINUTE)


def said(name="c", by=BOB, age=10 * MINUTE, **fields):
    fields.setdefault("link", "https://wiki.example/c")
    return Attestation(name, by, NOW - age, **fields)


def baseline(age):
    return BaselineNote("week", NOW - age, Standing.WITHIN, "requests")


def facts(**fields):
    fields.setdefault("plan", PLAN)
    fields.setdefault("record", RECORD)
    fields.setdefault("author", AUTHOR)
    return Facts("lighthouse", from_percent=5.0, to_percent=25.0, **fields)


def found(kind, given=None, now=NOW, **rule):
    (finding,) = findings((CriterionRule("c", "C", kind, **rule),), given or facts(), now)
    assert finding.outcome in (PASS, FAIL, UNKNOWN)
    assert finding.evidence or finding.outcome == PASS
    return finding


OK_FEED = AlertFeed((), ReadingState.OK, NOW - MINUTE, "")
ESTIMATE = Estimate(7, 7.0, 300.0, 420.0, 600.0, ((15, 0.97), (20, 0.99)))
READY = Readiness((proof(),), ESTIMATE)
OLD = {"expires": 5 * MINUTE}
ROOM = {"capacity.pool.used": ok(30.0), "capacity.pool.limit": ok(100.0)}


def room(plan=PLAN, **readings):
    return facts(plan=plan, headroom=headrooms(plan, {**ROOM, **readings}, ok(5.0), 25.0))


def within(minutes):
    return replace(PLAN, rollback=RollbackPlan("emergency-rollback", objective=minutes * MINUTE))


def carried(status=RunStatus.COMPLETED, age=30 * MINUTE, step=StepStatus.DONE, **fields):
    steps = {item.id: StepRun(item.id, StepStatus.DONE) for item in ROLLBACK.playbook.steps}
    last = ROLLBACK.playbook.steps[-1].id
    steps[last] = StepRun(last, step)
    ended = None if status is RunStatus.RUNNING else NOW - age + 5 * MINUTE
    fields = {"target": RECORD.target, "mode": "live", **fields}
    return Run(
        "run", 9, 3, "inc", ROLLBACK.playbook, ROLLBACK.hash, started_at=NOW - age, steps=steps, status=status,
        ended_at=ended, **fields,
    )  # fmt: skip


CHECKED = replace(PLAN, before=ROLLBACK.playbook.name, smoke=ROLLBACK.playbook.name)
ENTERED = replace(RECORD, stays=(Stay(5.0, "v2", NOW - HOUR, AUTHOR),))


def smoked(*runs, plan=CHECKED, record=ENTERED):
    return facts(plan=plan, record=record, runs=runs)


def checked(*runs, plan=CHECKED, record=RECORD):
    return replace(facts(plan=plan, record=record, runs=runs), from_percent=0.0, to_percent=5.0)


APPROVED = said(phase=25.0, role="lead", link="")
TABLE = [
    # kind, outcome, facts, rule, a word of the evidence
    (K.READING, PASS, facts(readings={"guardrail.p99": ok(250.0)}), {"check": "guardrail.p99 < 300"}, "250"),
    (K.READING, FAIL, facts(readings={"guardrail.p99": ok(320.0)}), {"check": "guardrail.p99 < 300"}, "320"),
    (K.READING, FAIL, facts(readings={"guardrail.p99": stale(320.0)}), {"check": "guardrail.p99 < 300"}, "stale"),
    (K.READING, UNKNOWN, facts(readings={"guardrail.p99": stale(250.0)}), {"check": "guardrail.p99 < 300"}, "stale"),
    (K.READING, FAIL, facts(readings={"health.store": PARTLY_DOWN}), {"check": "health.store >= 1"}, "it is DOWN"),
    (K.READING, PASS, facts(readings={"health.store": ok(1.0)}), {"check": "health.store >= 1"}, "it is up"),
    (K.READING, UNKNOWN, facts(readings={"guardrail.p99": LOST}), {"check": "guardrail.p99 < 300"}, "refused"),
    (K.READING, UNKNOWN, facts(), {"check": "guardrail.p99 < 300"}, "nothing reads it"),
    (K.READING, UNKNOWN, facts(), {"check": "guardrail.p99 is low"}, "no check"),
    (K.READING, UNKNOWN, facts(readings={"a": ok(float("nan"))}), {"check": "a < 3"}, "ok"),
    (K.READING, UNKNOWN, facts(readings={"a": replace(ok(1.0), at=None)}), {"check": "a < 3"}, "when that was"),
    (K.READING, UNKNOWN, facts(readings={"a": ok(1.0, HOUR)}), {"check": "a < 3", **OLD}, "expired"),
    (K.HTTP, PASS, facts(readings={"http.c": ok(1.0)}), {"check": "http://ci.example/ready"}, "2xx"),
    (K.HTTP, FAIL, facts(readings={"http.c": ok(0.0)}), {"check": "http://ci.example/ready"}, "no 2xx"),
    (K.HTTP, UNKNOWN, facts(readings={"http.c": LOST}), {"check": "http://ci.example/ready"}, "refused"),
    (K.HTTP, UNKNOWN, facts(), {"check": "http://ci.example/ready"}, "not asked yet"),
    (K.HTTP, UNKNOWN, facts(readings={"http.c": ok(1.0, HOUR)}), {"check": "http://ci.example/", **OLD}, "expired"),
    (K.BUDGET, PASS, facts(slos=(gauge(ok(0.6)),)), {}, "60 %"),
    (K.BUDGET, FAIL, facts(slos=(gauge(ok(0.6)), gauge(ok(-0.1), name="latency"))), {}, "exhausted"),
    (K.BUDGET, FAIL, facts(slos=(gauge(ok(0.1)),)), {"check": "0.2"}, "20 % must be left"),
    (K.BUDGET, FAIL, facts(slos=(gauge(stale(-0.1)),)), {}, "exhausted"),
    (K.BUDGET, FAIL, facts(slos=(gauge(ok(0.6), alerts=[page(ok(20.0), ok(30.0))]),)), {}, "paged"),
    (K.BUDGET, UNKNOWN, facts(slos=(gauge(LOST),)), {}, "refused"),
    (K.BUDGET, UNKNOWN, facts(slos=(gauge(stale(0.6)),)), {}, "stale"),
    (K.BUDGET, UNKNOWN, facts(slos=(gauge(ok(0.6), burn=LOST),)), {}, "how fast"),
    (K.BUDGET, UNKNOWN, facts(slos=(gauge(ok(0.6), alerts=[page(LOST, LOST)]),)), {}, "how fast"),
    (K.BUDGET, UNKNOWN, facts(slos=(gauge(ok(0.6), service="other"),)), {}, "no objective"),
    (K.BUDGET, UNKNOWN, facts(slos=(gauge(ok(0.6, HOUR)),)), OLD, "expired"),
    (K.GUARDRAILS, PASS, facts(judged=(judged(Verdict.PASS),)), {}, "all 1"),
    (K.GUARDRAILS, PASS, facts(judged=(judged(Verdict.PASS), replace(judged(Verdict.PASS), caveat="of this bake"))), {},
     "2 of 2 guardrails pass: P99: of this bake"),
    (K.GUARDRAILS, FAIL, facts(judged=(judged(Verdict.BREACH), judged(Verdict.PASS))), {}, ""),
    (K.GUARDRAILS, UNKNOWN, facts(judged=(judged(Verdict.INCONCLUSIVE, 7 * MINUTE),)), {}, "3 of 100"),
    (K.GUARDRAILS, UNKNOWN, facts(judged=(judged(Verdict.INCONCLUSIVE),)), {}, "3 of 100"),
    (K.GUARDRAILS, UNKNOWN, facts(), {}, "no guardrail"),
    (K.GUARDRAILS, UNKNOWN, facts(judged=(judged(Verdict.PASS),)), {"expires": 30 * timedelta(seconds=1)}, "expired"),
    (K.BAKE, PASS, facts(bake_left=timedelta(0), samples=ok(1500.0)), {}, "1,500 of 1,000"),
    (K.BAKE, FAIL, facts(record=replace(RECORD, state=RolloutState.HELD, held_reason="wait")), {}, "wait"),
    (K.BAKE, FAIL, facts(record=replace(RECORD, disagrees_since=NOW - HOUR), bake_left=timedelta(0)), {}, "differs"),
    (K.BAKE, UNKNOWN, facts(bake_left=4 * MINUTE, samples=ok(1500.0)), {}, "4 min"),
    (K.BAKE, UNKNOWN, facts(bake_left=timedelta(0), samples=ok(900.0)), {}, "900 of 1,000"),
    (K.BAKE, UNKNOWN, facts(bake_left=timedelta(0), samples=stale(1500.0)), {}, "stale"),
    (K.BAKE, UNKNOWN, facts(bake_left=timedelta(0)), {}, "not counted"),
    (K.BAKE, UNKNOWN, facts(record=RolloutRecord("lighthouse/production")), {}, "begun"),
    (K.BAKE, UNKNOWN, facts(bake_left=timedelta(0), samples=ok(1500.0, HOUR)), OLD, "expired"),
    (K.READINESS, PASS, facts(readiness=READY), {}, "1 of 1"),
    (K.READINESS, FAIL, facts(readiness=Readiness((proof(), proof(ProofState.FAILED)))), {}, "no"),
    (K.READINESS, UNKNOWN, facts(readiness=Readiness((proof(), proof(ProofState.UNKNOWN)))), {}, "unverified"),
    (K.READINESS, UNKNOWN, facts(readiness=Readiness()), {}, "nothing is proven"),
    (K.READINESS, UNKNOWN, facts(readiness=Readiness((proof(ends=-MINUTE),))), {}, "expired"),
    (K.ROLLBACK_TIME, PASS, facts(readiness=READY), {"check": "0.9"}, "7 runs"),
    (K.ROLLBACK_TIME, FAIL, facts(readiness=READY), {"check": "0.995"}, "99.5 %"),
    (K.ROLLBACK_TIME, PASS, facts(readiness=READY, plan=within(18)), {}, "P(at most 15 min) is 97 %"),
    (K.ROLLBACK_TIME, UNKNOWN, facts(readiness=READY, plan=within(12)), {}, ""),
    (K.ROLLBACK_TIME, FAIL,
     facts(readiness=Readiness((), replace(ESTIMATE, drain=Drain("queue", 9, never=True)))), {}, "never"),
    (K.ROLLBACK_TIME, UNKNOWN, facts(readiness=Readiness()), {}, "no rollback and no drill"),
    (K.ROLLBACK_TIME, UNKNOWN, facts(readiness=Readiness((), replace(ESTIMATE, human_only=True))), {}, "machine"),
    (K.CAPACITY, PASS, room(), {}, "60 %"),
    (K.CAPACITY, PASS, room(**{"capacity.pool.limit": ok(70.0)}), {}, "above the warning"),
    (K.CAPACITY, FAIL, room(**{"capacity.pool.limit": ok(50.0)}), {}, "120 %"),
    (K.CAPACITY, UNKNOWN, room(**{"capacity.pool.limit": LOST}), {}, "refused"),
    (K.CAPACITY, UNKNOWN, room(**{"capacity.pool.used": stale(30.0)}), {}, "stale"),
    (K.CAPACITY, UNKNOWN, facts(plan=replace(PLAN, capacities=())), {}, "names no capacity"),
    (K.CAPACITY, UNKNOWN, facts(), {}, "not read"),
    (K.CAPACITY, UNKNOWN, room(**{"capacity.pool.used": ok(30.0, HOUR)}), OLD, "expired"),
    (K.ALERTS, PASS, facts(feed=OK_FEED), {}, "none pages"),
    (K.ALERTS, PASS, facts(feed=replace(OK_FEED, alerts=(firing("warning"),))), {}, "none pages"),
    (K.ALERTS, PASS, facts(feed=replace(OK_FEED, alerts=(firing(service="other"),))), {}, "none pages"),
    (K.ALERTS, FAIL, facts(feed=replace(OK_FEED, alerts=(firing(),))), {}, "Down"),
    (K.ALERTS, FAIL, facts(feed=replace(OK_FEED, alerts=(firing(state=AlertState.SUPPRESSED),))), {}, "silenced"),
    (K.ALERTS, FAIL, facts(feed=AlertFeed((firing(),))), {}, "Down"),
    (K.ALERTS, UNKNOWN, facts(), {}, "NO EVIDENCE OF ALERTING"),
    (K.ALERTS, UNKNOWN, facts(feed=replace(OK_FEED, at=NOW - HOUR)), OLD, "expired"),
    (K.BASELINE, PASS, facts(slos=(gauge(ok(0.5), baseline=baseline(24 * HOUR)),)), {}, "week"),
    (K.BASELINE, FAIL, facts(slos=(gauge(ok(0.5), baseline=baseline(24 * HOUR)),)), {"check": "12h"}, "older"),
    (K.BASELINE, PASS, facts(slos=(gauge(ok(0.5), baseline=baseline(27 * 24 * HOUR)),)), {"check": "4w"}, "week"),
    (K.BASELINE, FAIL, facts(slos=(gauge(ok(0.5), baseline=baseline(29 * 24 * HOUR)),)), {"check": "4w"}, "older"),
    (K.BASELINE, FAIL, facts(slos=(gauge(ok(0.5)),)), {}, "no baseline"),
    (K.BASELINE, UNKNOWN, facts(slos=(gauge(LOST),)), {}, "not read yet"),
    (K.BASELINE, UNKNOWN, facts(), {"check": "soon"}, "no duration"),
    (K.WINDOW, PASS, facts(), {"check": "Mon-Fri 08:00-17:00 Europe/Berlin"}, "until 2026-03-03 16:00Z"),
    (K.WINDOW, FAIL, facts(), {"check": "Sat-Sun 08:00-17:00 Europe/Berlin"}, "opens 2026-03-07 07:00Z"),
    (K.WINDOW, FAIL, facts(), {"check": "00:00-24:00", "freezes": ("2026-03-01/2026-03-05",)}, "frozen"),
    (K.WINDOW, UNKNOWN, facts(), {"check": "Mon-Fri Middle/Earth"}, "cannot be read"),
    (K.WINDOW, UNKNOWN, facts(), {"check": "00:00-24:00", "freezes": ("soon",)}, "no freeze"),
    (K.STAFFING, PASS, facts(readiness=READY, on_call=(Cover("primary", "pat", NOW + 2 * HOUR),)), {}, "pat"),
    (K.STAFFING, PASS, facts(readiness=READY, on_call=(Cover("primary", "pat", endless=True),)), {}, "pat"),
    (K.STAFFING, FAIL, facts(readiness=READY, on_call=(Cover("lead", "lee", NOW + 2 * HOUR),)), {}, "nobody"),
    (K.STAFFING, UNKNOWN, facts(readiness=READY, on_call=(Cover("primary", "pat", NOW + 35 * MINUTE),)), {}, "follows"),
    (K.STAFFING, UNKNOWN, facts(readiness=READY, on_call=(Cover("primary", "pat"),)), {}, "no times"),
    (K.STAFFING, UNKNOWN, facts(readiness=READY), {}, "no rota"),
    (K.STAFFING, UNKNOWN, facts(on_call=(Cover("primary", "pat", NOW + 2 * HOUR),)), {}, "unknown"),
    (K.STAFFING, UNKNOWN, facts(readiness=READY, on_call=(Cover("primary", "pat", NOW - HOUR),)), {}, "was on call"),
    (K.CHECKLIST, PASS, facts(attestations=(said(),)), {}, "https://wiki.example/c"),
    (K.CHECKLIST, PASS, facts(attestations=(said(role="scribe", phase=25.0),)), {"role": "scribe"}, "bob"),
    (K.CHECKLIST, FAIL, facts(attestations=(said(age=20 * MINUTE), said(approved=False, note="a hole"))), {}, "a hole"),
    (K.CHECKLIST, UNKNOWN, facts(attestations=(said(role="deputy"),)), {"role": "scribe"}, "nobody has attested"),
    (K.CHECKLIST, UNKNOWN, facts(attestations=(said(phase=50.0),)), {}, "nobody has attested"),
    (K.CHECKLIST, UNKNOWN, facts(attestations=(said(link=""),)), {}, "without a link"),
    (K.CHECKLIST, UNKNOWN, facts(attestations=(said(),)), OLD, "expired"),
    (K.CHECKLIST, UNKNOWN, facts(attestations=(said(expires_at=NOW - MINUTE),)), {}, "expired"),
    (K.APPROVAL, PASS, facts(attestations=(APPROVED,)), {"role": "lead"}, "bob"),
    (K.APPROVAL, FAIL, facts(attestations=(APPROVED, replace(APPROVED, by=CAROL, approved=False))),
     {"role": "lead"}, "withdrew"),
    (K.APPROVAL, UNKNOWN, facts(attestations=(replace(APPROVED, by=AUTHOR),)), {"role": "lead"}, "does not count"),
    (K.APPROVAL, UNKNOWN, facts(attestations=(replace(APPROVED, by=Actor("bob", "alice")),)), {"role": "lead"},
     "does not count"),
    (K.APPROVAL, UNKNOWN, facts(attestations=(APPROVED,), decider=BOB), {"role": "lead"}, "does not count"),
    (K.APPROVAL, UNKNOWN, facts(attestations=(APPROVED,), author=None), {"role": "lead"}, "not known"),
    (K.APPROVAL, UNKNOWN, facts(attestations=(APPROVED,)), {"role": "lead", "check": "2"}, "1 of 2"),
    (K.APPROVAL, UNKNOWN,
     facts(attestations=(APPROVED, replace(APPROVED, by=Actor("carol", "bob")))), {"role": "lead", "check": "2"},
     "one person"),
    (K.APPROVAL, PASS, facts(attestations=(APPROVED, replace(APPROVED, by=CAROL))), {"role": "lead", "check": "2"},
     "bob, carol"),
    (K.APPROVAL, UNKNOWN, facts(attestations=(replace(APPROVED, phase=50.0),)), {"role": "lead"}, "0 of 1"),
    (K.APPROVAL, UNKNOWN, facts(attestations=(replace(APPROVED, at=NOW - 90 * MINUTE),)), {"role": "lead"}, "0 of 1"),
    (K.APPROVAL, UNKNOWN, facts(attestations=(APPROVED,)), {"role": "lead", **OLD}, "expired"),
    (K.APPROVAL, UNKNOWN, facts(), {"role": "lead"}, "0 of 1"),
    (K.SMOKE, PASS, smoked(carried()), {}, "RUN-9 of emergency-rollback, completed at 2026-03-03 11:35:00Z"),
    (K.SMOKE, PASS, smoked(carried(step=StepStatus.SKIPPED)), {}, "skipped"),
    (K.SMOKE, PASS, smoked(carried(step=StepStatus.EXPIRED)), {}, "not seen in time"),
    (K.SMOKE, PASS, smoked(carried(RunStatus.ABORTED, 40 * MINUTE), carried()), {}, "completed"),
    (K.SMOKE, FAIL, smoked(carried(), carried(RunStatus.ABORTED, 20 * MINUTE, reason="no time")), {}, "no time"),
    (K.SMOKE, FAIL, smoked(carried(RunStatus.CONTINUED)), {}, "another playbook took over"),
    (K.SMOKE, FAIL, smoked(carried(step=StepStatus.FAILED)), {}, "failed and was left"),
    (K.SMOKE, FAIL, smoked(carried(RunStatus.RUNNING, step=StepStatus.FAILED)), {}, "it goes on"),
    (K.SMOKE, UNKNOWN, smoked(carried(), carried(RunStatus.RUNNING, 20 * MINUTE)), {}, "under way"),
    (K.SMOKE, UNKNOWN, smoked(), {}, "since 5 % was entered at 2026-03-03 11:00:00Z: `oncall run start"),
    (K.SMOKE, UNKNOWN, smoked(carried(age=61 * MINUTE)), {}, "no run of"),
    (K.SMOKE, UNKNOWN, smoked(carried(mode="drill")), {}, "no run of"),
    (K.SMOKE, UNKNOWN, smoked(carried(target="other/production")), {}, "no run of"),
    (K.SMOKE, UNKNOWN, smoked(carried(), record=replace(ENTERED, revision="v3", bake_since=NOW - MINUTE)), {},
     "the bake of v3 began"),
    (K.SMOKE, UNKNOWN, smoked(carried(), plan=replace(PLAN, smoke="another")), {}, "no run of another"),
    (K.SMOKE, UNKNOWN, smoked(carried(), plan=PLAN), {}, "names no playbook"),
    (K.SMOKE, UNKNOWN, smoked(carried(), record=RECORD), {}, "no phase is entered"),
    (K.SMOKE, UNKNOWN, smoked(carried()), OLD, "expired"),
    (K.BEFORE, PASS, checked(carried()), {}, "completed"),
    (K.BEFORE, FAIL, checked(carried(RunStatus.ABORTED)), {}, "aborted"),
    (K.BEFORE, UNKNOWN, checked(carried(age=3 * HOUR)), {}, "since the rollout was begun at 2026-03-03 10:00:00Z"),
    (K.BEFORE, UNKNOWN, checked(carried(), record=replace(RECORD, started_at=None)), {}, "no rollout was begun"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "outcome", "given", "rule", "word"), TABLE)
def test_what_each_kind_says(kind, outcome, given, rule, word):
    finding = found(kind, given, **rule)

    assert finding.outcome == outcome, finding.evidence
    assert word in finding.evidence
    if outcome != UNKNOWN:
        assert finding.at is not None
        assert finding.expires_at is not None
        assert finding.expires_at > NOW


def test_every_kind_can_pass_fail_and_be_unknown():
    assert {(kind, outcome) for kind, outcome, *_ in TABLE} >= {(k, o) for k in K for o in (PASS, FAIL, UNKNOWN)}


def test_each_pass_ends():
    for kind, outcome, known, rule, _ in TABLE:
        if outcome == PASS:
            before = found(kind, known, **rule)
            assert before.expires_at is not None
            # The facts are those of before: the same evidence later is no pass any more, or was looked at anew.
            rules = (CriterionRule("c", "C", kind, **rule),)
            for item in findings(rules, known, NOW + timedelta(days=40)):
                assert item.outcome != PASS or kind in (K.BAKE, K.ROLLBACK_TIME, K.STAFFING, K.WINDOW), item


def test_evidence_has_its_query_value_and_time():
    given = facts(readings={"guardrail.p99": ok(250.0)}, queries={"guardrail.p99": "max(p99)"})
    finding = found(K.READING, given, check="guardrail.p99 < 300")

    assert (finding.query, finding.value, finding.source) == ("max(p99)", 250.0, "prometheus")
    assert finding.at == NOW - MINUTE
    assert finding.expires_at == NOW + 59 * MINUTE


# -- guardrails -------------------------------------------------------------------------------------------------------


P99 = GuardrailRule("p99", "P99", "p99", 300, 500, "ms")


@pytest.mark.parametrize("many", [2, 0])
def test_how_much_more_a_guardrail_needs_is_said_once(many):
    """As it is judged, with so many minutes of traffic."""
    calm = Course(NOW, spread([[Counts(7, 1000)] * 1440]), 25, 15)
    item = judge(Evidence("p99", "bad", "total", limit=0.01), [Slice(Counts(0, 100))] * many, None, calm)
    finding = found(K.GUARDRAILS, facts(judged=(item,)))
    assert finding.outcome == UNKNOWN
    assert finding.evidence == f"p99: {item.why}"
    assert (item.more is not None) is (finding.evidence.count("more of this traffic") == 1) is bool(many)


@pytest.mark.parametrize(
    ("value", "outcome"),
    [(ok(250.0), PASS), (ok(350.0), PASS), (ok(510.0), FAIL), (stale(350.0), UNKNOWN), (LOST, UNKNOWN)],
)
def test_a_guardrail_without_evidence_counts_by_its_level(value, outcome):
    assert found(K.GUARDRAILS, facts(guardrails=(Guardrail(P99, value),))).outcome == outcome


def test_a_verdict_goes_before_an_unknown_level_and_a_critical_level_before_a_verdict():
    passed = (judged(Verdict.PASS),)
    assert found(K.GUARDRAILS, facts(judged=passed, guardrails=(Guardrail(P99, LOST),))).outcome == PASS
    assert found(K.GUARDRAILS, facts(judged=passed, guardrails=(Guardrail(P99, ok(510.0)),))).outcome == FAIL


def test_what_the_guardrails_were_judged_by_stands_with_them():
    plan = replace(PLAN, evidence=(Evidence("p99", "slow[{{.window}}]", "all[{{.window}}]"),))
    other = Guardrail(replace(P99, name="errors"), ok(1.0))
    given_ = facts(plan=plan, judged=(judged(Verdict.PASS),), guardrails=(other,), queries={"guardrail.errors": "errs"})

    assert found(K.GUARDRAILS, given_).query == "p99: slow[{{.window}}] / all[{{.window}}]; errors: errs"


def test_a_guardrail_with_evidence_that_nobody_judged_is_unknown():
    plan = replace(PLAN, evidence=(Evidence("p99", "bad", "total"), Evidence("errors", "bad", "total")))

    finding = found(K.GUARDRAILS, facts(plan=plan, judged=(judged(Verdict.PASS),)))

    assert (finding.outcome, finding.evidence) == (UNKNOWN, "errors is not judged yet")


# -- hours ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        # Europe/Berlin is an hour ahead of UTC up to 2026-03-29 01:00Z, and two hours from then on.
        ("2026-03-27T06:59:59+00:00", FAIL),
        ("2026-03-27T07:00:00+00:00", PASS),
        ("2026-03-27T15:59:59+00:00", PASS),
        ("2026-03-27T16:00:00+00:00", FAIL),
        ("2026-03-30T05:59:59+00:00", FAIL),
        ("2026-03-30T06:00:00+00:00", PASS),
        ("2026-03-30T14:59:59+00:00", PASS),
        ("2026-03-30T15:00:00+00:00", FAIL),
        ("2026-10-23T06:00:00+00:00", PASS),
        ("2026-10-26T06:59:59+00:00", FAIL),
        ("2026-10-26T07:00:00+00:00", PASS),
    ],
)
def test_hours_are_those_of_the_clock_on_the_wall(now, outcome):
    at = datetime.fromisoformat(now)
    finding = found(K.WINDOW, now=at, check="Mon-Fri 08:00-17:00 Europe/Berlin", expires=timedelta(days=1))

    assert finding.outcome == outcome
    if outcome == PASS:
        later = finding.expires_at
        assert found(K.WINDOW, now=later, check="Mon-Fri 08:00-17:00 Europe/Berlin").outcome == FAIL
        assert found(K.WINDOW, now=later - MINUTE, check="Mon-Fri 08:00-17:00 Europe/Berlin").outcome == PASS


def test_hours_over_midnight_and_a_freeze_that_comes():
    night = {"check": "Fri 22:00-06:00 Europe/Berlin", "freezes": ("2026-03-29",), "expires": timedelta(days=2)}

    assert found(K.WINDOW, now=datetime(2026, 3, 27, 20, tzinfo=UTC), **night).outcome == FAIL
    begun = found(K.WINDOW, now=datetime(2026, 3, 27, 21, tzinfo=UTC), **night)
    assert begun.expires_at == datetime(2026, 3, 28, 5, tzinfo=UTC)
    assert found(K.WINDOW, now=datetime(2026, 3, 28, 4, 59, tzinfo=UTC), **night).outcome == PASS
    always = {
        "check": "00:00-24:00 Europe/Berlin",
        "freezes": ("2026-03-29",),
        "expires": timedelta(days=9),
    }
    before = found(K.WINDOW, now=datetime(2026, 3, 28, 22, 30, tzinfo=UTC), **always)
    assert before.expires_at == datetime(2026, 3, 28, 23, tzinfo=UTC)
    frozen = found(K.WINDOW, now=datetime(2026, 3, 28, 23, tzinfo=UTC), **always)
    assert (frozen.outcome, "opens 2026-03-29 22:00Z" in frozen.evidence) == (FAIL, True)


# -- capacity ---------------------------------------------------------------------------------------------------------


def headroom(used, limit, share, to=25.0, plan=PLAN, capacity=POOL):
    plan = replace(plan, capacities=(capacity,))
    (item,) = headrooms(plan, {"capacity.pool.used": used, "capacity.pool.limit": limit}, share, to)
    return item


def test_what_is_declared_is_needed_and_else_what_is_measured_grows_with_the_share():
    declared = headroom(ok(20.0), ok(100.0), ok(5.0))
    assert (declared.need.value, declared.basis) == (60.0, DECLARED)

    scaled = headroom(ok(20.0), ok(100.0), ok(25.0), to=50.0)
    assert (scaled.need.value, scaled.basis, scaled.next_share) == (40.0, MEASURED, 0.4)

    fixed = headroom(ok(20.0), ok(100.0), ok(25.0), to=50.0, capacity=replace(POOL, scales=False))
    assert fixed.need.value == 20.0


def test_a_need_that_is_exceeded_already_is_not_believed():
    item = headroom(ok(70.0), ok(400.0), ok(5.0))

    assert item.need.value == 350.0
    assert item.basis == "measured: 60 were declared, more is used"


@pytest.mark.parametrize("share", [LOST, ok(0.0), stale(5.0)])
def test_a_share_that_is_not_known_leaves_the_need_unknown(share):
    item = headroom(ok(20.0), ok(1000.0), share, to=50.0)

    assert not item.need.ok
    assert found(K.CAPACITY, replace(facts(headroom=(item,)), to_percent=50.0)).outcome == UNKNOWN


# -- which are asked --------------------------------------------------------------------------------------------------


def test_without_criteria_in_the_plan_the_default_ones_are_asked():
    assert [rule.name for rule in rules_of(replace(PLAN, capacities=()))] == [rule.name for rule in DEFAULTS]
    assert rules_of(PLAN)[-1].kind is K.CAPACITY
    own = (CriterionRule("only", "Only", K.BAKE),)
    assert rules_of(replace(PLAN, criteria=own)) == own
    assert {rule.kind for rule in DEFAULTS if rule.required} == {K.GUARDRAILS, K.BAKE, K.READINESS, K.BUDGET, K.ALERTS}


def test_a_step_is_asked_what_it_can_be_asked():
    rules = [CriterionRule(kind, kind, kind) for kind in K]
    late = CriterionRule("late", "Late", K.CHECKLIST, phases=(50.0,))

    first = {rule.kind for rule in asked(rules, 0.0, 5.0)}
    assert set(K) - first == {K.GUARDRAILS, K.SMOKE}  # nothing is on the new path
    assert set(K) - {rule.kind for rule in asked(rules, 5.0, 25.0)} == {K.BEFORE}
    assert set(K) - {rule.kind for rule in asked(rules, 100.0, 100.0)} == {K.BEFORE, K.CAPACITY}
    assert asked([late], 5.0, 25.0) == ()
    assert asked([late], 25.0, 50.0) == (late,)


def test_the_playbooks_that_the_plan_names_are_required_beside_its_own_criteria():
    own = (CriterionRule("only", "Only", K.BAKE),)
    rules = rules_of(replace(CHECKED, criteria=own))
    assert [(rule.kind, rule.required) for rule in rules] == [(K.BAKE, True), (K.BEFORE, True), (K.SMOKE, True)]
    assert [rule.kind for rule in rules_of(replace(PLAN, criteria=own, smoke="smoke"))] == [K.BAKE, K.SMOKE]
    mine = CriterionRule("mine", "Smoke checks, of this hour", K.SMOKE)
    assert [rule.name for rule in rules_of(replace(CHECKED, criteria=(mine,)))] == ["mine", "before"]


def test_nothing_bakes_before_the_first_phase():
    start = replace(RECORD, state=RolloutState.PENDING, percent=0.0, bake_since=None)
    (finding,) = findings(
        (CriterionRule("c", "C", K.BAKE),), replace(facts(record=start), from_percent=0.0, to_percent=5.0), NOW
    )

    assert finding.outcome == PASS


# -- the rule ---------------------------------------------------------------------------------------------------------


ITEM = st.builds(
    Finding,
    name=st.text(max_size=3), title=st.just(""), kind=st.just("reading"), domain=st.just("technical"),
    required=st.booleans(), outcome=st.sampled_from([PASS, FAIL, UNKNOWN]), evidence=st.just(""),
    waived=st.sampled_from(["", "", "", "agreed"]),
)  # fmt: skip


@given(st.lists(ITEM, max_size=8), st.sampled_from([FAIL, UNKNOWN]))
def test_unknown_never_counts_as_a_pass_and_a_required_fail_is_no_go_whatever_else(items, outcome):
    bad = Finding("bad", "", "reading", "technical", True, outcome, "")
    said_ = answer((*items, bad))

    assert said_ is not Answer.GO
    if outcome == FAIL:
        assert said_ is Answer.NO_GO


@given(st.lists(ITEM, max_size=8))
def test_go_only_when_each_required_one_is_a_pass(items):
    counted = [item for item in items if item.required and not item.waived]

    go = answer(tuple(items)) is Answer.GO
    assert go == (bool(counted) and all(item.outcome == PASS for item in counted))


READINGS = st.builds(
    Reading,
    state=st.sampled_from(list(ReadingState)),
    value=st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
    at=st.one_of(st.none(), st.floats(-1e7, 1e7).map(lambda seconds: NOW + timedelta(seconds=seconds))),
    note=st.just(""),
)


@given(READINGS, READINGS, READINGS)
def test_only_readings_that_are_ok_dated_and_fresh_make_a_pass(one, other, third):
    given_ = facts(
        readings={"a": one, "http.c": one},
        slos=(gauge(one, burn=other),),
        samples=one,
        bake_left=timedelta(0),
        headroom=headrooms(PLAN, {"capacity.pool.used": one, "capacity.pool.limit": other}, third, 25.0),
    )
    for kind, check in ((K.READING, "a < 3"), (K.HTTP, ""), (K.BUDGET, ""), (K.BAKE, ""), (K.CAPACITY, "")):
        finding = found(kind, given_, check=check)
        assert finding.value is None or isfinite(finding.value)  # the journal takes no other number
        if finding.outcome == PASS:
            assert one.ok
            assert one.at is not None
            assert finding.expires_at is not None
            assert finding.expires_at > NOW
            if kind in (K.BUDGET, K.CAPACITY):
                assert other.ok
