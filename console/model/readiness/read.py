"""The proofs by what is read now: each counts for as long as its reading does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from console.model.readiness.facts import Facts, configured, length_of, probed, proof_of, unknown
from console.model.reading import CLOCK_SECONDS
from console.model.rollback import KEYS, NEEDLESS, Proof, ProofState, Source


def _asked(name: str, facts: Facts, now: datetime, told: Callable[[float], tuple[bool, str]], unit: str = "") -> Proof:
    """The same, by the expression that rollout.yaml gives for it."""
    missing = [key for key in KEYS[name] if not getattr(facts.rollback, key)]
    if missing:
        keys = " and ".join(f"rollback.{key}" for key in missing)
        none = f"; where there is nothing to prove, rollback.not_needed.{name} says why" if name in NEEDLESS else ""
        return unknown(name, f"not configured: {keys} in rollout.yaml would let it be read{none}")
    reading = facts.readings.get(f"rollback.{KEYS[name][0]}")
    return unknown(name, facts.unread) if reading is None else probed(name, reading, now, told, unit)


def kill_switch(facts: Facts, now: datetime) -> Proof:
    """The flag of the rollout is read from its provider."""
    name = "kill-switch"
    if not facts.flag:
        return unknown(name, "not configured: flag in rollout.yaml names it")
    if not facts.provider:
        return unknown(name, f"flags in console.yaml says who can read {facts.flag}")
    if facts.refused:
        return replace(proof_of(name, ProofState.FAILED, facts.refused), at=now, source=Source.PROBE)
    reading = facts.readings.get("flag.percent")
    if reading is None:
        return unknown(name, "not read yet")
    by = replace(reading, source=facts.provider)
    return probed(name, by, now, lambda share: (0 <= share <= 100, f"{facts.flag} is at {share:g} %"), "%")


def legacy(facts: Facts, now: datetime) -> Proof:
    """The legacy path is up."""
    if facts.legacy is None:
        return unknown("legacy", "no component in console.yaml has `legacy: true`")
    note = facts.legacy.note

    def told(up: float) -> tuple[bool, str]:
        return (True, note or "it is up") if up > 0 else (False, f"it is DOWN: {note}" if note else "it is DOWN")

    return replace(probed("legacy", facts.legacy.map(float), now, told), value=None)


def capacity(facts: Facts, now: datetime) -> Proof:
    """The legacy path can take all of the traffic."""
    return _asked("legacy-capacity", facts, now, lambda share: (share >= 1, f"{share:.2g} of its need at 100 %"))


def share(facts: Facts, now: datetime) -> Proof:
    """The measured share of traffic is read, and is one."""
    if not configured("share", facts):
        return unknown("share", "not configured: percent in rollout.yaml would let it be read")
    reading = facts.readings.get("rollout.percent")
    if reading is None:
        return unknown("share", facts.unread)
    path = facts.plan.new_path if facts.plan is not None else ""
    return probed("share", reading, now, lambda share: (0 <= share <= 100, f"{share:.3g} % on {path}"), "%")


def drain(facts: Facts, now: datetime) -> Proof:
    """What is in flight must be readable, and come to an end."""
    proof = _asked("drain", facts, now, lambda items: (items >= 0, f"{items:g} in flight"), "in flight")
    drain = facts.drain
    if proof.state is not ProofState.PROVEN or not proof.value:
        return proof
    if drain is None:
        why = "how long that takes cannot be told: rollback.durations or rollback.completions in rollout.yaml"
        return replace(proof, state=ProofState.UNKNOWN, evidence=f"{proof.evidence}; {why}", expires_at=None)
    if drain.never:
        why = drain.why or "more arrives than ends"
        return replace(proof, state=ProofState.FAILED, evidence=f"{proof.evidence}; it never drains: {why}")
    if drain.p95 is None:
        why = drain.why or "how long that takes is not known"
        return replace(proof, state=ProofState.UNKNOWN, evidence=f"{proof.evidence}; {why}", expires_at=None)
    within = length_of(timedelta(seconds=drain.p95))
    evidence, limit = f"{proof.evidence}; gone in {within} (P95)", facts.rollback.objective
    cut = drain.cut_after is not None and drain.cut_after <= limit.total_seconds()
    if drain.p95 > limit.total_seconds() and not cut:
        why = f"{evidence}; the whole rollback has {length_of(limit)}"
        return replace(proof, state=ProofState.FAILED, evidence=why)
    return replace(proof, evidence=evidence)


def data(facts: Facts, now: datetime) -> Proof:
    """The old code reads what the new code writes."""
    words = {True: "the old code reads what the new code writes", False: "the old code CANNOT read what is written"}
    return _asked("data", facts, now, lambda value: (value > 0, words[value > 0]))


def no_return(facts: Facts, now: datetime) -> Proof:
    """The point of no return is not passed."""
    return _asked("no-return", facts, now, lambda value: (value <= 0, "PASSED" if value > 0 else "not passed"))


def backup(facts: Facts, now: datetime) -> Proof:
    """Too old is failed: what is lost by restoring it is more than the objective allows, now."""
    limit = facts.rollback.backup_within or timedelta(0)

    def told(seconds: float) -> tuple[bool, str]:
        held = length_of(timedelta(seconds=seconds))
        return timedelta(seconds=seconds) <= limit, f"{held} old; the objective is {length_of(limit)}"

    return _until(_aged("backup", facts, now, told), limit)


def restore(facts: Facts, now: datetime) -> Proof:
    """Too long ago is expired: it worked, and what it proved has run out."""
    limit = facts.rollback.restore_every or timedelta(0)

    def told(seconds: float) -> tuple[bool, str]:
        ago = length_of(timedelta(seconds=seconds))
        return timedelta(seconds=seconds) <= limit, f"last restored {ago} ago; every {length_of(limit)} is asked"

    proof = _until(_aged("restore", facts, now, told), limit)
    return replace(proof, state=ProofState.EXPIRED) if proof.state is ProofState.FAILED else proof


def _aged(name: str, facts: Facts, now: datetime, told: Callable[[float], tuple[bool, str]]) -> Proof:
    """By an age in seconds, which grows since it was read. One that no length of time can hold is none."""
    reading = facts.readings.get(f"rollback.{KEYS[name][0]}")
    if reading is not None and reading.value is not None and abs(reading.value) > _LONGEST:
        return unknown(name, f"{reading.value:g} s is no age")
    if reading is not None and reading.value is not None and reading.value < -CLOCK_SECONDS:
        return unknown(name, f"{length_of(timedelta(seconds=-reading.value))} in the future: a clock is off")
    return _asked(name, facts, now, told, "s")


_LONGEST = timedelta(days=36_500).total_seconds()


def _until(proof: Proof, limit: timedelta) -> Proof:
    if proof.at is None or proof.value is None or proof.expires_at is None:
        return proof
    over = proof.at - timedelta(seconds=proof.value) + limit
    return replace(proof, expires_at=over) if over < proof.expires_at else proof
