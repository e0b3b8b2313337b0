"""Rollouts to look at: what the Board says while one bakes, is inconclusive, breached, rolled back, beyond the point of
no return, or where nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from console.model.capacity import headrooms
from console.model.decision import Attestation, Decision, Proposal, Status, answer
from console.model.estimate import Deadline, Drain, Driver, Estimate, Remaining
from console.model.events.decision import Condition, Finding
from console.model.progress import LiveRisk, Progress
from console.model.reading import ReadingState, missing
from console.model.rollback import TITLES, Proof, ProofState, Readiness
from console.model.rolling import Breach, Countdown, FlagWrite, Purpose, RolloutRecord, RolloutState, Stay
from console.model.rollout_plan import Risk
from console.model.verdict import Judged, Speed, Verdict
from tests.view import boards
from tests.view.boards import ALICE, BOB, NOW, ok

PLAN = boards.CONFIG.rollout
TARGET = "lighthouse/production"
REVISION = "2.14.0"
MINUTE = timedelta(minutes=1)
EVIDENCE = {
    "kill-switch": "Unleash 7.5.1 answers, 25 %",
    "write-path": "canary toggled, read back after 0.8 s",
    "legacy": "200 OK",
    "legacy-capacity": "1.25 of the need at 100 %",
    "share": "24.8 %",
    "drain": "135 in flight, 99 % in 1.4 min",
    "data": "old code reads what new code writes",
    "no-return": "not passed",
    "backup": "backup 22 min old, 1 h at most",
    "restore": "restored 12 d ago, 30 d at most",
    "drill": "6 d ago, plan unchanged",
    "people": "alice and bob acknowledged",
}


def judged(verdict=Verdict.PASS, **changes):
    """How P99 was judged."""
    texts = {
        Verdict.PASS: "0.4 % of 26,412 took longer than 300 ms, the limit is 1 %",
        Verdict.INCONCLUSIVE: "0.9 % of 412 bad, the limit is 1 %; the legacy path 0.31 %; needs about 12 min more of "
        "this traffic",
        Verdict.BREACH: "48.1 % of 1,204 took longer than 300 ms, the limit is 1 %",
    }
    values = {
        Verdict.PASS: (0.004, 0.0034, 0.0048, 26_412),
        Verdict.INCONCLUSIVE: (0.009, 0.003, 0.021, 412),
        Verdict.BREACH: (0.481, 0.452, 0.51, 1_204),
    }
    value, low, high, samples = values[verdict]
    base = Judged(
        "p99", "P99 latency", verdict, Speed.SLOW, value, 0.01, low, high, samples, "", 0.0031, 79_110,
        timedelta(minutes=12) if verdict is Verdict.INCONCLUSIVE else None, texts[verdict], NOW,
    )  # fmt: skip
    return replace(base, **changes)


def errors(verdict=Verdict.PASS):
    told = "0.04 % of 26,412 bad, the limit is 1 %; the legacy path 0.03 %"
    few = "0.24 % of 412 bad, the limit is 1 %; the legacy path 0.03 %; needs about 12 min more of this traffic"
    value, low, high, why = (0.0004, 0.0002, 0.0008, told)
    if verdict is Verdict.INCONCLUSIVE:
        value, low, high, why = (0.0024, 0.0001, 0.0134, few)
    return replace(
        judged(verdict),
        guardrail="errors",
        title="Error ratio",
        value=value,
        low=low,
        high=high,
        legacy=0.0003,
        why=why,
    )


def record(**changes):
    """At 25 % for 21 minutes."""
    base = RolloutRecord(
        TARGET,
        9,
        None,
        PLAN.name,
        PLAN.hash,
        REVISION,
        RolloutState.BAKING,
        NOW - 70 * MINUTE,
        percent=25.0,
        bake_since=NOW - 21 * MINUTE,
        stays=(
            Stay(5.0, REVISION, NOW - 66 * MINUTE, BOB, 5.1, NOW - 22 * MINUTE, baked=True),
            Stay(25.0, REVISION, NOW - 21 * MINUTE, ALICE, 24.8),
        ),
        safe=5.0,
        begun_by=BOB,
    )
    return replace(base, **changes)


def used(**changes):
    found = {"replicas": (4, 10), "db-connections": (38, 100), "memory": (11.4, 40)}
    readings = {}
    for name, (now, limit) in {**found, **changes}.items():
        readings[f"capacity.{name}.used"], readings[f"capacity.{name}.limit"] = ok(float(now)), ok(float(limit))
    return readings


def finding(name, outcome="pass", evidence="", **changes):
    rule = next(item for item in PLAN.criteria if item.name == name)
    base = Finding(
        name, rule.title, rule.kind, rule.domain, rule.required, outcome, evidence or "as it should be",
        source="prometheus", at=NOW - timedelta(seconds=9), expires_at=NOW + rule.expires,
    )  # fmt: skip
    return replace(base, **changes)


def proposal(*against, before=25.0, after=50.0):
    """All criteria pass but these, which are findings."""
    named = {item.name: item for item in against}
    found = tuple(named.get(rule.name) or finding(rule.name) for rule in PLAN.criteria)
    return Proposal(before, after, answer(found), found, NOW)


ESTIMATE = Estimate(
    runs=5,
    effective=4.6,
    p50=14.4 * 60,
    p80=16.6 * 60,
    p95=20.0 * 60,
    within=((15, 0.597), (20, 0.950)),
    statement="",
    newest=NOW - timedelta(days=6),
    plan_changed=False,
    drivers=(
        Driver("drain-in-flight", "Drain in-flight requests", 312, live=True),
        Driver("restore-consistency", "Restore event-store consistency", 162, live=True),
        Driver("verify-legacy", "Verify the legacy path", 180),
        Driver("clear-state", "Clear elicitation state", 110),
        Driver("alert-teams", "Alert all teams", 40),
        Driver("disable-flag", "Disable the flag", 35),
        Driver("validate", "Validate", 25),
    ),
    drain=Drain("duration", 135, 96, 118, 141, 83, at=NOW - timedelta(seconds=5)),
    scored=12,
    inside=10,
)


def proofs(**states):
    """All proven but these, by name (with _ for -): a state, or a state with its evidence."""
    found = []
    for name, title in TITLES.items():
        state = states.get(name.replace("-", "_"), ProofState.PROVEN)
        state, evidence = state if isinstance(state, tuple) else (state, EVIDENCE[name])
        known = state is not ProofState.UNKNOWN
        expires = NOW - timedelta(days=11) if state is ProofState.EXPIRED else NOW + 2 * MINUTE
        at = (NOW - timedelta(seconds=14)) if state is not ProofState.EXPIRED else NOW - timedelta(days=41)
        found.append(
            Proof(name, title, state, evidence, at if known else None, expires if known else None, "probe" * known)
        )
    return tuple(found)


def readiness(estimate=ESTIMATE, deadline=None, remaining=None, **states):
    until = deadline or Deadline(NOW + timedelta(minutes=47, seconds=12), BUDGET)
    return Readiness(proofs(**states), estimate, until, remaining)


BUDGET = "the budget of errors cannot be met (P95 20.0 min)"
POOL = "db-pool-exhaustion"
RISKS = (
    LiveRisk(Risk("R-1", "Event store lags", "high", "medium", "raise the replay rate", "dave"), False, ok(0.0)),
    LiveRisk(Risk("R-2", "Database pool runs out", "high", "low", "raise pool_max", "bob", playbook=POOL), None),
)


def progress(**changes):
    base = Progress(
        PLAN,
        record(),
        ok(24.8),
        ok(25.0, "unleash"),
        ok(26_412.0),
        (judged(), errors()),
        headrooms(PLAN, used(), ok(25.0), 50.0),
        proposal(),
        risks=RISKS,
    )
    return replace(base, **changes)


def board(progress_=None, readiness_=None, base=None, mode="live", **changes):
    shown, found = base or boards.staffed(boards.quiet(mode)), progress_ or progress()
    rules = [replace(item, within=PLAN.within(item.rule.phases, found.share)) for item in shown.rollout.guardrails]
    seen = replace(shown.rollout, percent=found.share, guardrails=tuple(rules))
    changes = {"rollout": seen, "flags": "unleash", **changes}
    return replace(shown, progress=found, readiness=readiness_ or readiness(), **changes)


def baking(mode="live"):
    """At 25 %, all well, nine minutes to go; a decision on the step before."""
    waits = finding("bake", "unknown", "21 of 30 min, 26,412 of 10,000 requests")
    asked = finding("approval", "unknown", "nobody has approved 50 %", source="people", at=None, expires_at=None)
    return board(progress(proposal=proposal(waits, asked), decisions=(decision(5.0, 25.0),)), mode=mode)


def decision(before=25.0, after=50.0, status=Status.GO, **changes):
    base = Decision(
        "d-1", 341, 1, NOW - 30 * MINUTE, ALICE, TARGET, before, after, status, "go",
        (finding("guardrails", expires_at=NOW + 4 * MINUTE),), PLAN.hash, REVISION,
    )  # fmt: skip
    return replace(base, **changes)


def deciding():
    """The bake is over, all required pass, one advisory does not; a conditional GO is recorded."""
    late = finding("window", "fail", "Sat 14:32 UTC is outside of Mon-Fri 07:00-19:00 UTC")
    said = Attestation("approval", BOB, NOW - 3 * MINUTE, phase=50.0, role="incident commander")
    told = Condition("watch P99 until Monday", "bob", NOW + timedelta(hours=40))
    certificate = decision(status=Status.CONDITIONAL, at=NOW - MINUTE, conditions=(told,))
    return board(
        progress(
            record=record(bake_since=NOW - 31 * MINUTE),
            proposal=proposal(late),
            decisions=(certificate,),
            attestations=(said,),
        )
    )


def inconclusive():
    """Too little traffic to say anything."""
    waits = finding("guardrails", "unknown", "P99 latency is inconclusive: needs about 12 min more")
    few = finding("bake", "unknown", "412 of 10,000 requests")
    return board(
        progress(
            record=record(bake_since=NOW - 33 * MINUTE),
            samples=ok(412.0),
            judged=(judged(Verdict.INCONCLUSIVE), errors(Verdict.INCONCLUSIVE)),
            proposal=proposal(waits, few),
        )
    )


def breached(countdown=False):
    """At 25 %, P99 is breached by the fast rule."""
    bad = judged(Verdict.BREACH, speed=Speed.FAST)
    broken = Breach("p99", NOW - 2 * MINUTE, bad.why, True)
    found = record(breaches={"p99": broken}, breached_at=NOW - 2 * MINUTE)
    if countdown:
        found = replace(found, countdown=Countdown(NOW + timedelta(seconds=42), f"P99 latency: {bad.why}"))
    failed = finding("guardrails", "fail", f"P99 latency: {bad.why}")
    late = Deadline(NOW + timedelta(minutes=7, seconds=30), BUDGET)
    return board(
        progress(record=found, judged=(bad, errors()), proposal=proposal(failed)),
        readiness(deadline=late, write_path=ProofState.EXPIRED),
        boards.staffed(boards.busy()),
    )


def rolling_back(run, since=6 * MINUTE + timedelta(seconds=12)):
    """Under way for a while; `run` is its run, whose events the test has made."""
    found = record(
        state=RolloutState.ROLLING_BACK, run=run, rollback_since=NOW - since, reason="P99 is breached",
        breaches={"p99": Breach("p99", NOW - 8 * MINUTE, judged(Verdict.BREACH).why, True)},
        write=FlagWrite("e1", PLAN.flag, 0.0, 25.0, Purpose.ROLLBACK, NOW - since, ALICE, outcome="done", observed=0.0),
        percent=0.0,
    )  # fmt: skip
    left = Remaining(run, since.total_seconds(), 490, 640, 770, 1.2, timedelta(minutes=20))
    return board(
        progress(record=found, share=ok(0.0), flag=ok(0.0), judged=(judged(Verdict.BREACH), errors()), proposal=None),
        readiness(deadline=Deadline(None, "a rollback is under way"), remaining=left),
        boards.staffed(boards.busy()),
    )


def passed():
    """The point of no return lies behind it."""
    gone = (ProofState.FAILED, "passed 42 min ago: new code writes what old code cannot read")
    unreadable = (ProofState.FAILED, "old code cannot read events of version 3")
    stay = Stay(100.0, REVISION, NOW - 102 * MINUTE, ALICE, 99.9)
    return board(
        progress(record=record(percent=100.0, bake_since=NOW - 102 * MINUTE, stays=(stay,), safe=75.0), share=ok(99.9),
                 flag=ok(100.0), headroom=headrooms(PLAN, used(replicas=(10, 10)), ok(100.0), None),
                 samples=ok(61_412.0), proposal=proposal(before=100.0, after=100.0)),
        readiness(deadline=Deadline(None, "the point of no return is passed", True), no_return=gone, data=unreadable),
    )  # fmt: skip


def unknown():
    """Nothing answers."""
    lost = missing(ReadingState.UNREACHABLE, "prometheus", "connection refused")
    nothing = dict.fromkeys((name.replace("-", "_") for name in TITLES), (ProofState.UNKNOWN, "no answer yet"))
    blind = [
        replace(item, value=None, low=None, high=None, legacy=None, samples=0, more=None, why="connection refused")
        for item in (judged(Verdict.INCONCLUSIVE), errors(Verdict.INCONCLUSIVE))
    ]
    blank = [finding(rule.name, "unknown", "not read", at=None, expires_at=None) for rule in PLAN.criteria]
    return board(
        progress(
            record=RolloutRecord(TARGET),
            share=lost,
            flag=lost,
            samples=lost,
            judged=tuple(blind),
            headroom=headrooms(PLAN, dict.fromkeys(used(), lost), lost, 5.0),
            proposal=replace(proposal(*blank), from_percent=0.0, to_percent=5.0),
            risks=tuple(LiveRisk(item.risk, None) for item in RISKS),
        ),
        readiness(Estimate(), Deadline(None, "unknown: no rollback was measured"), **nothing),
        boards.staffed(boards.broken()),
    )


CASES = {
    "baking": baking,
    "deciding": deciding,
    "inconclusive": inconclusive,
    "breached": breached,
    "countdown": lambda: breached(countdown=True),
    "passed": passed,
    "unknown": unknown,
}
