"""The proofs that a rollback is possible: each state of each, and that nothing unknown or expired ever counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.escalation import Reach
from console.model.estimate import Drain, Measured, Origin
from console.model.readiness import Facts, assess
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import (
    KEYS,
    NEEDLESS,
    PROOF_LIFE,
    TITLES,
    WRITE_LIFE,
    Can,
    Proof,
    ProofState,
    Readiness,
    StandingProof,
    write_basis,
)
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import RollbackPlan

NOW = datetime(2026, 11, 3, 14, 32, 10, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
P, F, E, U = ProofState.PROVEN, ProofState.FAILED, ProofState.EXPIRED, ProofState.UNKNOWN

ROLLBACK = RollbackPlan(
    "emergency-rollback",
    canary_flag="canary",
    legacy_capacity="c",
    no_return="n",
    compatible="d",
    backup_age="b",
    backup_within=timedelta(hours=1),
    restore_age="r",
    restore_every=30 * DAY,
    drill_every=30 * DAY,
    inflight="i",
    durations="h",
)
PLAN = RolloutPlan("r", "new", "old", (5, 100), 30 * MINUTE, "percent", flag="flag", rollback=ROLLBACK)
ADA = Reach("ada", (("phone", "1"),), "P1")
BEN = Reach("ben", (("phone", "2"),), "P2")
BASIS = write_basis("unleash", "flag", "canary")
TOGGLED = StandingProof(
    "s/e/write-path", 3, NOW - DAY, "ada", "toggled", "canary", NOW - DAY + WRITE_LIFE, 0.4, basis=BASIS
)
DRILLED = Measured("run", NOW - DAY, 840, Origin.REAL, "emergency-rollback", "hash")


def ok(value, age=5.0, **more):
    return Reading(ReadingState.OK, value, NOW - timedelta(seconds=age), "prometheus", **more)


READINGS = {
    "flag.percent": ok(25.0),
    "rollout.percent": ok(24.8),
    "rollback.legacy_capacity": ok(1.3),
    "rollback.inflight": ok(412.0),
    "rollback.compatible": ok(1.0),
    "rollback.no_return": ok(0.0),
    "rollback.backup_age": ok(600.0),
    "rollback.restore_age": ok(7 * 86_400.0),
}
WELL = Facts(
    plan=PLAN,
    readings=READINGS,
    standing={"write-path": TOGGLED},
    legacy=Reading(ReadingState.OK, True, NOW - timedelta(seconds=5), "health", note="200 OK"),
    provider="unleash",
    drain=Drain("duration", 412, 200, 300, 400),
    practised=(DRILLED,),
    playbook_hash="hash",
    on_call=(ADA, BEN),
    pager=ok(True),
    paged=frozenset({"P1", "P2"}),
)


def read(name, reading):
    readings = {**READINGS, name: reading}
    if reading is None:
        del readings[name]
    return replace(WELL, readings=readings)


def planned(**changes):
    return replace(WELL, plan=replace(PLAN, rollback=replace(ROLLBACK, **changes)))


def stood(name="write-path", **changes):
    return replace(WELL, standing={**WELL.standing, name: replace(TOGGLED, **changes)})


def drilled(**changes):
    return replace(WELL, practised=(replace(DRILLED, **changes),))


OLD = PROOF_LIFE.total_seconds() + 1
GONE = missing(ReadingState.UNREACHABLE, "prometheus", "connection refused")
PROBED = {
    "kill-switch": ("flag.percent", 25.0, 130.0),
    "share": ("rollout.percent", 25.0, -1.0),
    "legacy-capacity": ("rollback.legacy_capacity", 1.0, 0.8),
    "drain": ("rollback.inflight", 0.0, -1.0),
    "data": ("rollback.compatible", 1.0, 0.0),
    "no-return": ("rollback.no_return", 0.0, 1.0),
    "backup": ("rollback.backup_age", 3500.0, 3700.0),
}
"""Proof -> its reading, a value that proves, one that disproves it."""

LEGACY = WELL.legacy
CASES = [
    *((name, read(reading, ok(good)), P, "") for name, (reading, good, _) in PROBED.items()),
    *((name, read(reading, ok(bad)), F, "") for name, (reading, _, bad) in PROBED.items()),
    *((name, read(reading, ok(good, OLD)), E, "") for name, (reading, good, _) in PROBED.items()),
    *((name, read(reading, ok(bad, OLD)), E, "") for name, (reading, _, bad) in PROBED.items()),
    *((name, read(reading, GONE), U, "connection refused") for name, (reading, _, _) in PROBED.items()),
    *((name, read(reading, None), U, "not read yet") for name, (reading, _, _) in PROBED.items()),
    *((name, read(reading, ok(float("nan"))), U, "") for name, (reading, _, _) in PROBED.items()),
    *(
        (name, read(reading, replace(ok(good), state=ReadingState.PARTIAL, note="one of two")), U, "one of two")
        for name, (reading, good, _) in PROBED.items()
    ),
    *(
        (name, read(reading, replace(ok(bad), state=ReadingState.PARTIAL, note="one of two")), F, "one of two")
        for name, (reading, _, bad) in PROBED.items()
    ),
    *(
        (name, planned(**dict.fromkeys(keys, None if name == "x" else "")), U, f"rollback.{keys[0]}")
        for name, keys in KEYS.items()
        if len(keys) == 1
    ),
    ("backup", planned(backup_within=None), U, "rollback.backup_within in rollout.yaml"),
    ("backup", planned(backup_age=""), U, "rollback.backup_age in rollout.yaml"),
    ("backup", read("rollback.backup_age", ok(1e30)), U, "no age"),
    ("backup", read("rollback.backup_age", ok(-36000.0)), U, "10 h in the future: a clock is off"),
    ("backup", read("rollback.backup_age", ok(-3.0)), P, ""),
    ("restore", read("rollback.restore_age", ok(-36000.0)), U, "10 h in the future: a clock is off"),
    ("restore", WELL, P, "7 d ago"),
    ("restore", read("rollback.restore_age", ok(40 * 86_400.0)), E, "40 d ago; every 30 d"),
    ("restore", read("rollback.restore_age", ok(86_400.0, OLD)), E, ""),
    ("restore", read("rollback.restore_age", GONE), U, "connection refused"),
    ("restore", planned(restore_every=None), U, "rollback.restore_every"),
    ("kill-switch", replace(WELL, refused="403: forbidden"), F, "403"),
    ("kill-switch", replace(WELL, provider=""), U, "flags in console.yaml"),
    ("kill-switch", replace(WELL, plan=replace(PLAN, flag="")), U, "flag in rollout.yaml"),
    ("share", replace(WELL, plan=replace(PLAN, percent_expr="")), U, "percent in rollout.yaml"),
    ("legacy", WELL, P, "200 OK"),
    ("legacy", replace(WELL, legacy=replace(LEGACY, value=False, note="refused")), F, "refused"),
    (
        "legacy",
        replace(WELL, legacy=Reading(ReadingState.PARTIAL, False, NOW, "health", note="from here it refused")),
        F,
        "it is DOWN: from here it refused, says health",
    ),
    ("legacy", replace(WELL, legacy=replace(LEGACY, at=NOW - 3 * MINUTE)), E, ""),
    ("legacy", replace(WELL, legacy=GONE), U, "connection refused"),
    ("legacy", replace(WELL, legacy=None), U, "legacy: true"),
    ("drain", WELL, P, "gone in 6.7 min (P95)"),
    ("drain", replace(WELL, drain=Drain("queue", 412, 1e8, 1.5e8, 2e8)), F, "2315 d (P95); the whole rollback has"),
    ("drain", replace(WELL, drain=Drain("queue", 412, 1e8, 1.5e8, 2e8, cut_after=300.0)), P, "gone in 2315 d (P95)"),
    ("drain", replace(WELL, drain=Drain("queue", 412, 1e8, 1.5e8, 2e8, cut_after=1e7)), F, "gone in 2315 d (P95)"),
    ("drain", replace(WELL, drain=Drain("queue", 412, never=True, why="5/s arrive, 4/s end")), F, "5/s arrive"),
    ("drain", replace(WELL, drain=None), U, "rollback.durations or rollback.completions"),
    ("drain", replace(WELL, drain=Drain("queue", 412, why="no completions")), U, "no completions"),
    ("no-return", read("rollback.no_return", ok(1.0)), F, "PASSED"),
    ("write-path", WELL, P, "toggled, by ada"),
    ("write-path", replace(WELL, scope="it may write"), P, "it may write"),
    ("write-path", stood(broken_at=NOW - MINUTE, error="403: forbidden"), F, "403"),
    ("write-path", stood(broken_at=NOW - 2 * DAY, error="403"), P, "toggled"),
    ("write-path", stood(expires_at=NOW), E, ""),
    ("write-path", stood(basis=write_basis("unleash", "flag", "other")), E, "canary other; now it is unleash"),
    ("write-path", replace(WELL, provider="program"), E, "now it is program"),
    ("write-path", stood(trying="effect", tried_at=NOW - MINUTE), U, "OUTCOME UNKNOWN since 2026-11-03 14:31:10Z"),
    ("write-path", stood(source="simulated"), U, "only simulated"),
    ("write-path", replace(stood(source="simulated"), live=False), P, ""),
    ("write-path", replace(WELL, standing={}), U, "`oncall rollback prove` toggles canary"),
    ("write-path", replace(planned(canary_flag=""), standing={}), U, "rollback.canary_flag"),
    ("write-path", replace(WELL, provider=""), U, "flags in console.yaml"),
    ("drill", WELL, P, "a rollback in 14 min"),
    ("drill", drilled(origin=Origin.SIMULATED), P, "a simulated drill"),
    ("drill", drilled(origin=Origin.SIMULATED, speed=60.0), U, "no rollback and no drill"),
    ("drill", drilled(at=NOW - 30 * DAY), E, "every 30 d"),
    ("drill", drilled(playbook_hash="before"), E, "emergency-rollback has changed since"),
    ("drill", drilled(playbook="another"), E, "has changed since"),
    ("drill", replace(WELL, playbook_hash=None), U, "not known yet"),
    ("drill", replace(WELL, playbook_hash=""), F, "no playbook emergency-rollback"),
    ("drill", replace(WELL, practised=()), U, "no rollback and no drill"),
    ("drill", replace(WELL, plan=replace(PLAN, rollback=None)), U, "rollback.playbook"),
    ("drill", stood("drill", at=None, broken_at=NOW, error="given up at step 3"), F, "given up at step 3"),
    ("drill", stood("drill", at=None, broken_at=NOW - 2 * DAY, error="given up"), P, "a rollback in 14 min"),
    (
        "drill",
        replace(stood("drill", at=None, broken_at=NOW, error="given up at step 3"), practised=()),
        F,
        "given up at step 3",
    ),
    ("people", WELL, P, "ada, ben are on call"),
    ("people", replace(WELL, on_call=(ADA, ADA)), F, "ada alone"),
    ("people", replace(WELL, on_call=(ADA, Reach("ben", (), "P2"))), F, "ada alone"),
    ("people", replace(WELL, on_call=(Reach("ben"),)), F, "nobody on call can be reached"),
    ("people", replace(WELL, on_call=(ADA,), pager=None), F, "ada alone"),
    ("people", replace(WELL, pager=GONE), U, "connection refused; last known on call: ada, ben"),
    ("people", replace(WELL, pager=GONE, on_call=(ADA,)), U, "last known on call: ada"),
    ("people", replace(WELL, pager=None), U, "by people.yaml alone: `oncall rollback reached`"),
    ("people", replace(WELL, paged=frozenset({"P1"})), U, "PagerDuty does not name two of them"),
    ("people", replace(WELL, on_call=()), U, "on_call in people.yaml"),
    ("people", replace(stood("people", source="people", basis="ada, ben"), pager=None), P, "toggled, by ada"),
    ("people", replace(stood("people", source="simulated", basis=""), pager=None), P, ""),
    ("people", replace(stood("people", basis="ada, ben", expires_at=NOW), pager=GONE), E, ""),
    ("people", replace(stood("people", basis="ada, cay"), pager=None), E, "proven of ada, cay; now it is ada, ben"),
    ("people", replace(WELL, pager=ok(True, OLD)), E, "ada, ben are on call"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "facts", "state", "words"), CASES)
def test_each_proof_in_each_state(name, facts, state, words):
    found = {proof.name: proof for proof in assess(facts, NOW)}

    proof = found[name]
    assert (proof.state, proof.title) == (state, TITLES[name]), proof
    assert words in proof.evidence
    assert proof.evidence
    others = {other: item.state for other, item in found.items() if other != name}
    well = {proof.name: proof.state for proof in assess(WELL, NOW)}
    if facts.plan is PLAN and facts.provider == "unleash":
        assert others == {other: well[other] for other in others}
    can = Readiness(tuple(found.values())).can
    assert can is (Can.NO if F in {state, *others.values()} else Can.YES if state is P else Can.UNVERIFIED)


def test_each_proof_has_each_state_in_the_table():
    seen = {(name, state) for name, _, state, _ in CASES}
    impossible = {("restore", F)}  # one that worked too long ago has run out
    assert seen == {(name, state) for name in TITLES for state in (P, F, E, U)} - impossible


def test_what_was_seen_is_dated_and_says_how():
    found = {proof.name: proof for proof in assess(WELL, NOW)}

    assert Readiness(tuple(found.values())).can is Can.YES
    assert list(found) == list(TITLES)
    assert {name: proof.source for name, proof in found.items() if proof.source != "probe"} == {
        "write-path": "canary",
        "drill": "real",
    }
    assert (found["write-path"].value, found["write-path"].unit) == (0.4, "s")
    assert found["write-path"].expires_at == NOW + 13 * DAY
    assert found["kill-switch"].expires_at == NOW - timedelta(seconds=5) + PROOF_LIFE
    assert found["drill"].expires_at == NOW + 29 * DAY
    aged = {proof.name: proof for proof in assess(read("rollback.backup_age", ok(3590.0)), NOW)}["backup"]
    assert aged.expires_at == NOW + timedelta(seconds=5)  # the objective is an hour, and it was 3590 s old 5 s ago
    assert aged.state is P


def test_a_value_of_a_source_that_fell_silent_counts_until_it_expires():
    def state(age):
        reading = replace(ok(25.0, age), state=ReadingState.STALE)
        return {proof.name: proof.state for proof in assess(read("flag.percent", reading), NOW)}["kill-switch"]

    assert (state(60), state(OLD)) == (P, E)


def test_what_is_not_needed_says_why_and_does_not_count():
    blank = {key: "" for keys in KEYS.values() for key in keys if not key.endswith(("within", "every"))}
    reasons = tuple((name, "nothing is stored") for name in (*NEEDLESS, "drill", "people", "legacy"))
    facts = planned(**blank, not_needed=reasons)
    facts = replace(facts, plan=replace(facts.plan, flag="", percent_expr=""), provider="", standing={})

    found = {proof.name: proof for proof in assess(facts, NOW)}

    assert {name for name, proof in found.items() if proof.state is ProofState.NOT_NEEDED} == set(NEEDLESS)
    assert found["backup"].evidence == "not needed: nothing is stored"
    assert Readiness(tuple(found.values())).can is Can.YES
    assert Readiness(tuple(assess(replace(facts, practised=()), NOW))).can is Can.UNVERIFIED
    assert Readiness(tuple(proof for proof in found.values() if proof.name in NEEDLESS)).can is Can.UNVERIFIED


def test_what_can_be_read_is_judged_whatever_the_plan_says_of_it():
    facts = planned(not_needed=(("no-return", "never"), ("kill-switch", "never")))
    facts = replace(facts, readings={**READINGS, "rollback.no_return": ok(1.0)})

    found = {proof.name: proof.state for proof in assess(facts, NOW)}

    assert (found["no-return"], found["kill-switch"]) == (F, P)


# -- properties -------------------------------------------------------------------------------------------------------

proofs = st.builds(
    Proof,
    st.sampled_from(list(TITLES)),
    st.just("title"),
    st.sampled_from(list(ProofState)),
    st.just("evidence"),
    st.just(NOW),
    st.none() | st.integers(-200, 200).map(lambda seconds: NOW + timedelta(seconds=seconds)),
)


@given(st.lists(proofs), st.integers(-300, 300))
def test_yes_means_that_every_needed_proof_is_proven_and_has_not_expired(found, later):
    readiness, now = Readiness(tuple(found)), NOW + timedelta(seconds=later)
    needed = [proof for proof in found if proof.state is not ProofState.NOT_NEEDED]

    expected = bool(needed) and all(
        proof.state is P and (proof.expires_at is None or proof.expires_at > now) for proof in needed
    )
    assert (readiness.can_at(now) is Can.YES) == expected
    assert (readiness.can is Can.NO) == any(proof.state is F for proof in needed)


readings = st.builds(
    Reading,
    st.sampled_from(list(ReadingState)),
    st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1.0, 25.0, 600.0]),
    st.none() | st.integers(-400, 60).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    st.just("prometheus"),
)
standings = st.builds(
    StandingProof,
    st.just("s/e/x"),
    st.just(1),
    st.none() | st.just(NOW - DAY),
    st.just("ada"),
    st.just("evidence"),
    st.sampled_from(["canary", "real", "simulated", "people"]),
    st.none() | st.integers(-2, 2).map(lambda days: NOW + days * DAY),
    st.none() | st.floats(0, 10),
    st.sampled_from(["", BASIS, "ada, ben", "another"]),
    st.none() | st.sampled_from([NOW - 2 * DAY, NOW]),
    error=st.just("error"),
    trying=st.sampled_from(["", "effect"]),
)
facts = st.builds(
    replace,
    st.just(WELL),
    readings=st.fixed_dictionaries({}, optional={name: readings | st.just(ok(1.0)) for name in READINGS}),
    standing=st.dictionaries(st.sampled_from(["write-path", "drill", "people"]), standings),
    legacy=st.just(LEGACY) | readings.map(lambda reading: reading.map(bool)) | st.none(),
    provider=st.sampled_from(["unleash", "", "program"]),
    refused=st.sampled_from(["", "403"]),
    drain=st.sampled_from([None, WELL.drain, Drain("queue", 1, never=True)]),
    practised=st.sampled_from([(), (DRILLED,)]),
    playbook_hash=st.sampled_from([None, "", "hash", "another"]),
    on_call=st.sampled_from([(), (ADA,), (ADA, BEN)]),
    pager=st.none() | st.just(ok(True)) | st.just(GONE),
    live=st.booleans(),
)


@given(facts)
def test_whatever_is_read_nothing_that_is_not_known_counts(found):
    judged = assess(found, NOW)

    assert [proof.name for proof in judged] == list(TITLES)
    for proof in judged:
        assert proof.evidence
        if proof.state is P:
            assert proof.at is not None
            assert proof.expires_at is None or proof.expires_at > NOW
            assert not (found.live and proof.source == "simulated" and proof.name not in ("drill", "people"))
        assert proof.state is not ProofState.NOT_NEEDED  # the plan says it of none
    for name, (reading, _, _) in PROBED.items():
        seen = found.readings.get(reading)
        if seen is None or seen.value is None or seen.state not in (ReadingState.OK, ReadingState.STALE):
            assert {proof.name: proof.state for proof in judged}[name] in (U, F) if name == "kill-switch" else (U,)
