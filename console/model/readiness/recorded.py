"""The proofs by what is in the record: who has done it, and until when that counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from console.model.estimate import Origin
from console.model.readiness.facts import Facts, length_of, probed, unknown, ways_of
from console.model.rollback import BY_PEOPLE, TITLES, Proof, ProofState, Source

TWO = 2
"""People who must be reachable."""


def _standing(name: str, facts: Facts, now: datetime) -> Proof | None:
    """By what is in the record; None where nothing is."""
    known = facts.standing.get(name)
    if known is None or (known.at is None and known.broken_at is None):
        return None
    if known.broken_at is not None and (known.at is None or known.broken_at >= known.at):
        return Proof(name, TITLES[name], ProofState.FAILED, known.error, known.broken_at, None, known.broken_by)
    proof = Proof(
        name,
        TITLES[name],
        ProofState.PROVEN,
        f"{known.evidence}, by {known.by}" if known.by else known.evidence,
        known.at,
        known.expires_at,
        known.source,
        known.seconds,
        "s" if known.seconds is not None else "",
    )
    wanted = facts.basis.get(name, "")
    if known.source == Source.SIMULATED and facts.live and name not in BY_PEOPLE:
        return replace(proof, state=ProofState.UNKNOWN, evidence=f"only simulated: {known.evidence}", expires_at=None)
    if known.basis and known.basis != wanted:
        changed = f"proven of {known.basis}; now it is {wanted or 'nobody'}"
        return replace(proof, state=ProofState.EXPIRED, evidence=changed)
    if known.expires_at is not None and known.expires_at <= now:
        return replace(proof, state=ProofState.EXPIRED)
    return proof


def write_path(facts: Facts, now: datetime) -> Proof:
    """The flag, or the canary beside it, was written from here."""
    name, canary = "write-path", facts.rollback.canary_flag
    if not facts.provider:
        return unknown(name, "not configured: flags in console.yaml says who can set flags")
    scope = f"; {facts.scope}" if facts.scope else ""
    known = facts.standing.get(name)
    if known is not None and known.trying:
        since = f" since {known.tried_at:%Y-%m-%d %H:%M:%S}Z" if known.tried_at is not None else ""
        return unknown(name, f"OUTCOME UNKNOWN{since}: a toggle has no outcome in the record; look at {canary}{scope}")
    proof = _standing(name, facts, now)
    if proof is not None:
        return replace(proof, evidence=f"{proof.evidence}{scope}")
    if not canary:
        return unknown(
            name, f"never written from here; rollback.canary_flag in rollout.yaml names a flag to try{scope}"
        )
    return unknown(name, f"never written from here; `oncall rollback prove` toggles {canary}{scope}")


def drill(facts: Facts, now: datetime) -> Proof:
    """By the newest rollback or drill that came to its end, with the playbook as it is now. A simulated one counts when
    people did it in real time."""
    name, playbook = "drill", facts.rollback.playbook
    counted = [item for item in facts.practised if item.origin is not Origin.SIMULATED or item.speed == 1.0]
    last = max(counted, key=lambda item: item.at, default=None)
    said = _standing(name, facts, now)
    if said is not None and (last is None or (said.at is not None and said.at > last.at)):
        return said
    if not playbook:
        return unknown(name, "not configured: rollback.playbook in rollout.yaml names what is practised")
    if last is None:
        return unknown(name, "no rollback and no drill of one is in the record")
    kind = {Origin.REAL: "a rollback", Origin.SIMULATED: "a simulated drill"}
    took = length_of(timedelta(seconds=last.seconds))
    proof = Proof(
        name,
        TITLES[name],
        ProofState.PROVEN,
        f"{kind[last.origin]} in {took}; every {length_of(facts.rollback.drill_every)} is asked",
        last.at,
        last.at + facts.rollback.drill_every,
        Source(last.origin.value),
        last.seconds,
        "s",
    )
    if facts.playbook_hash is None:
        why = "; whether the playbook has changed since is not known yet"
        return replace(proof, state=ProofState.UNKNOWN, evidence=proof.evidence + why, expires_at=None)
    if not facts.playbook_hash:
        return replace(proof, state=ProofState.FAILED, evidence=f"there is no playbook {playbook}", expires_at=None)
    if (last.playbook, last.playbook_hash) != (playbook, facts.playbook_hash):
        return replace(proof, state=ProofState.EXPIRED, evidence=f"{proof.evidence}; {playbook} has changed since")
    if proof.expires_at is not None and proof.expires_at <= now:
        return replace(proof, state=ProofState.EXPIRED)
    return proof


def people(facts: Facts, now: datetime) -> Proof:
    """Two different people with a way to reach them. PagerDuty's word that they are on call proves it; names in a file
    do not: then somebody says that they answered, or they took part in a drill."""
    name, found = "people", ways_of(facts.on_call)
    names = facts.people or "nobody"
    if not facts.on_call:
        return unknown(name, "not configured: on_call in people.yaml says who is on call")
    answers = facts.pager is not None and facts.pager.ok
    if answers or facts.pager is None:
        at = facts.pager.at if facts.pager is not None and facts.pager.at is not None else now
        if len(found) < TWO:
            why = f"{names} alone is on call with a way to be reached" if found else "nobody on call can be reached"
            proof = Proof(name, TITLES[name], ProofState.FAILED, why, at, None, Source.PROBE, float(len(found)))
            return replace(proof, unit="people")
    named: Proof | None = None
    if answers and facts.pager is not None:
        paged = [reach for reach in found if reach.person_id in facts.paged]
        if len(paged) >= TWO:
            words = f"{', '.join(reach.person for reach in paged)} are on call and have ways to be reached"
            named = probed(name, facts.pager.map(lambda _: float(len(paged))), now, lambda _: (True, words), "people")
    said = _standing(name, facts, now)
    if named is not None and (said is None or named.state is ProofState.PROVEN):
        return named
    if said is not None:
        return said
    if facts.pager is not None and not facts.pager.ok:
        why = facts.pager.note or "PagerDuty does not answer"
        return unknown(name, f"{why}; last known on call: {names}")
    whom = "PagerDuty does not name two of them" if facts.pager is not None else "by people.yaml alone"
    return unknown(name, f"{names}, {whom}: `oncall rollback reached` records that they answered")
