"""The proofs that a rollback is possible, from what was read and what is in the record. What cannot be read is unknown,
and says what would let it be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from math import isfinite

from console.model.escalation import Reach
from console.model.estimate import Drain, Measured, Origin
from console.model.reading import CLOCK_SECONDS, Reading, ReadingState
from console.model.rollback import (
    BY_PEOPLE,
    KEYS,
    NEEDLESS,
    PROOF_LIFE,
    TITLES,
    Proof,
    ProofState,
    Source,
    StandingProof,
    write_basis,
)
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import RollbackPlan
from console.model.value import value

_NO_PLAN = RollbackPlan("")
TWO = 2


@value
class Facts:
    """What the proofs are made of. `readings` are those of the Board, `standing` what is in the record, by the proof's
    name. None: there is nothing of the kind, or it was not read yet."""

    plan: RolloutPlan | None = None
    readings: Mapping[str, Reading[float]] = field(default_factory=dict)
    standing: Mapping[str, StandingProof] = field(default_factory=dict)
    unread: str = "not read yet"
    """Why a reading is not there, of those that the metric source gives."""
    legacy: Reading[bool] | None = None
    provider: str = ""
    """What reads and sets flags; empty where nothing does."""
    refused: str = ""
    """Why it will not tell the share although it answers: forbidden, or there is no such flag."""
    scope: str = ""
    """What its credentials allow, in words; empty when nothing is known of that."""
    drain: Drain | None = None
    practised: tuple[Measured, ...] = ()
    """Rollbacks and drills that were carried out to their end."""
    playbook_hash: str | None = None
    """Of the rollback's playbook as it is now; empty: there is no such playbook; None: nobody has looked yet."""
    on_call: tuple[Reach, ...] = ()
    """Who is on call now, in the order of the rota."""
    pager: Reading[bool] | None = None
    """Whether PagerDuty answers."""
    paged: frozenset[str] = frozenset()
    """The ids of those whom PagerDuty itself names as on call."""
    live: bool = True
    """False in a demo and in a drill, where what is simulated is all there is."""

    @property
    def rollback(self) -> RollbackPlan:
        """What the plan says of a rollback."""
        return (self.plan.rollback if self.plan is not None else None) or _NO_PLAN

    @property
    def flag(self) -> str:
        """The flag of the rollout."""
        return self.plan.flag if self.plan is not None else ""

    @property
    def people(self) -> str:
        """Who is on call, by name: what it is proven of that they are reachable."""
        return names_of(self.on_call)

    @property
    def basis(self) -> Mapping[str, str]:
        """What a standing proof must have been of, by its name."""
        written = write_basis(self.provider, self.flag, self.rollback.canary_flag)
        return {"write-path": written, "people": self.people}


def assess(facts: Facts, now: datetime) -> tuple[Proof, ...]:
    """Every proof, in order. What the plan declares not needed is looked at all the same where it can be read."""
    reasons = {name: why for name, why in facts.rollback.not_needed if name in NEEDLESS}
    return tuple(
        _proof(name, ProofState.NOT_NEEDED, f"not needed: {reasons[name]}")
        if name in reasons and not _configured(name, facts)
        else _ASSESS[name](facts, now)
        for name in TITLES
    )


def _configured(name: str, facts: Facts) -> bool:
    if name in KEYS:
        return bool(getattr(facts.rollback, KEYS[name][0]))
    if name == "share":
        return facts.plan is not None and bool(facts.plan.percent_expr)
    return bool(facts.flag and facts.provider)


def _proof(name: str, state: ProofState, evidence: str) -> Proof:
    return Proof(name, TITLES[name], state, evidence)


def _unknown(name: str, why: str) -> Proof:
    return _proof(name, ProofState.UNKNOWN, why)


# -- what is read -----------------------------------------------------------------------------------------------------


def _probed(
    name: str, reading: Reading[float], now: datetime, told: Callable[[float], tuple[bool, str]], unit: str = ""
) -> Proof:
    """A proof by a reading that counts for `PROOF_LIFE`; `told` says whether its value is well, and what it is in
    words. Only an ok value, or one that was ok when it was read, proves or disproves anything."""
    said, at = reading.value, reading.at
    by = f", says {reading.source}" if reading.source else ""
    title, doubt = TITLES[name], reading.note or reading.state.replace("_", " ")
    if said is None or at is None or not isfinite(said):
        lost = f"{reading.source}: {doubt}" if reading.source else doubt
        return Proof(name, title, ProofState.UNKNOWN, lost, at, None, Source.PROBE)
    well, words = told(said)
    evidence, expires = f"{words}{by}", at + PROOF_LIFE
    if reading.state not in (ReadingState.OK, ReadingState.STALE):
        evidence = evidence if doubt in words else f"{evidence}; {doubt}"
        return Proof(name, title, ProofState.UNKNOWN, evidence, at, None, Source.PROBE, said, unit)
    seen = ProofState.PROVEN if well else ProofState.FAILED
    state = ProofState.EXPIRED if expires <= now else seen
    return Proof(name, title, state, evidence, at, expires, Source.PROBE, said, unit)


def _asked(name: str, facts: Facts, now: datetime, told: Callable[[float], tuple[bool, str]], unit: str = "") -> Proof:
    """The same, by the expression that rollout.yaml gives for it."""
    missing = [key for key in KEYS[name] if not getattr(facts.rollback, key)]
    if missing:
        keys = " and ".join(f"rollback.{key}" for key in missing)
        none = f"; where there is nothing to prove, rollback.not_needed.{name} says why" if name in NEEDLESS else ""
        return _unknown(name, f"not configured: {keys} in rollout.yaml would let it be read{none}")
    reading = facts.readings.get(f"rollback.{KEYS[name][0]}")
    return _unknown(name, facts.unread) if reading is None else _probed(name, reading, now, told, unit)


def _kill_switch(facts: Facts, now: datetime) -> Proof:
    name = "kill-switch"
    if not facts.flag:
        return _unknown(name, "not configured: flag in rollout.yaml names it")
    if not facts.provider:
        return _unknown(name, f"flags in console.yaml says who can read {facts.flag}")
    if facts.refused:
        return replace(_proof(name, ProofState.FAILED, facts.refused), at=now, source=Source.PROBE)
    reading = facts.readings.get("flag.percent")
    if reading is None:
        return _unknown(name, "not read yet")
    by = replace(reading, source=facts.provider)
    return _probed(name, by, now, lambda share: (0 <= share <= 100, f"{facts.flag} is at {share:g} %"), "%")


def _legacy(facts: Facts, now: datetime) -> Proof:
    if facts.legacy is None:
        return _unknown("legacy", "no component in console.yaml has `legacy: true`")
    note = facts.legacy.note
    proof = _probed(
        "legacy", facts.legacy.map(float), now, lambda up: (up > 0, note or ("it is up" if up else "it is down"))
    )
    return replace(proof, value=None)


def _capacity(facts: Facts, now: datetime) -> Proof:
    return _asked("legacy-capacity", facts, now, lambda share: (share >= 1, f"{share:.2g} of its need at 100 %"))


def _share(facts: Facts, now: datetime) -> Proof:
    if not _configured("share", facts):
        return _unknown("share", "not configured: percent in rollout.yaml would let it be read")
    reading = facts.readings.get("rollout.percent")
    if reading is None:
        return _unknown("share", facts.unread)
    path = facts.plan.new_path if facts.plan is not None else ""
    return _probed("share", reading, now, lambda share: (0 <= share <= 100, f"{share:.3g} % on {path}"), "%")


def _drain(facts: Facts, now: datetime) -> Proof:
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
    within = _length(timedelta(seconds=drain.p95))
    evidence, limit = f"{proof.evidence}; gone in {within} (P95)", facts.rollback.objective
    cut = drain.cut_after is not None and drain.cut_after <= limit.total_seconds()
    if drain.p95 > limit.total_seconds() and not cut:
        why = f"{evidence}; the whole rollback has {_length(limit)}"
        return replace(proof, state=ProofState.FAILED, evidence=why)
    return replace(proof, evidence=evidence)


def _data(facts: Facts, now: datetime) -> Proof:
    words = {True: "the old code reads what the new code writes", False: "the old code CANNOT read what is written"}
    return _asked("data", facts, now, lambda value: (value > 0, words[value > 0]))


def _no_return(facts: Facts, now: datetime) -> Proof:
    return _asked("no-return", facts, now, lambda value: (value <= 0, "PASSED" if value > 0 else "not passed"))


def _backup(facts: Facts, now: datetime) -> Proof:
    """Too old is failed: what is lost by restoring it is more than the objective allows, now."""
    limit = facts.rollback.backup_within or timedelta(0)

    def told(seconds: float) -> tuple[bool, str]:
        held = _length(timedelta(seconds=seconds))
        return timedelta(seconds=seconds) <= limit, f"{held} old; the objective is {_length(limit)}"

    return _until(_aged("backup", facts, now, told), limit)


def _restore(facts: Facts, now: datetime) -> Proof:
    """Too long ago is expired: it worked, and what it proved has run out."""
    limit = facts.rollback.restore_every or timedelta(0)

    def told(seconds: float) -> tuple[bool, str]:
        ago = _length(timedelta(seconds=seconds))
        return timedelta(seconds=seconds) <= limit, f"last restored {ago} ago; every {_length(limit)} is asked"

    proof = _until(_aged("restore", facts, now, told), limit)
    return replace(proof, state=ProofState.EXPIRED) if proof.state is ProofState.FAILED else proof


def _aged(name: str, facts: Facts, now: datetime, told: Callable[[float], tuple[bool, str]]) -> Proof:
    """By an age in seconds, which grows since it was read. One that no length of time can hold is none."""
    reading = facts.readings.get(f"rollback.{KEYS[name][0]}")
    if reading is not None and reading.value is not None and abs(reading.value) > _LONGEST:
        return _unknown(name, f"{reading.value:g} s is no age")
    if reading is not None and reading.value is not None and reading.value < -CLOCK_SECONDS:
        return _unknown(name, f"{_length(timedelta(seconds=-reading.value))} in the future: a clock is off")
    return _asked(name, facts, now, told, "s")


_LONGEST = timedelta(days=36_500).total_seconds()


def _until(proof: Proof, limit: timedelta) -> Proof:
    if proof.at is None or proof.value is None or proof.expires_at is None:
        return proof
    over = proof.at - timedelta(seconds=proof.value) + limit
    return replace(proof, expires_at=over) if over < proof.expires_at else proof


# -- what is in the record --------------------------------------------------------------------------------------------


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


def _write_path(facts: Facts, now: datetime) -> Proof:
    name, canary = "write-path", facts.rollback.canary_flag
    if not facts.provider:
        return _unknown(name, "not configured: flags in console.yaml says who can set flags")
    scope = f"; {facts.scope}" if facts.scope else ""
    known = facts.standing.get(name)
    if known is not None and known.trying:
        since = f" since {known.tried_at:%Y-%m-%d %H:%M:%S}Z" if known.tried_at is not None else ""
        return _unknown(name, f"OUTCOME UNKNOWN{since}: a toggle has no outcome in the record; look at {canary}{scope}")
    proof = _standing(name, facts, now)
    if proof is not None:
        return replace(proof, evidence=f"{proof.evidence}{scope}")
    if not canary:
        return _unknown(
            name, f"never written from here; rollback.canary_flag in rollout.yaml names a flag to try{scope}"
        )
    return _unknown(name, f"never written from here; `oncall rollback prove` toggles {canary}{scope}")


def _drill(facts: Facts, now: datetime) -> Proof:
    """By the newest rollback or drill that came to its end, with the playbook as it is now. A simulated one counts when
    people did it in real time."""
    name, playbook = "drill", facts.rollback.playbook
    counted = [item for item in facts.practised if item.origin is not Origin.SIMULATED or item.speed == 1.0]
    last = max(counted, key=lambda item: item.at, default=None)
    said = _standing(name, facts, now)
    if said is not None and (last is None or (said.at is not None and said.at > last.at)):
        return said
    if not playbook:
        return _unknown(name, "not configured: rollback.playbook in rollout.yaml names what is practised")
    if last is None:
        return _unknown(name, "no rollback and no drill of one is in the record")
    kind = {Origin.REAL: "a rollback", Origin.SIMULATED: "a simulated drill"}
    took = _length(timedelta(seconds=last.seconds))
    proof = Proof(
        name,
        TITLES[name],
        ProofState.PROVEN,
        f"{kind[last.origin]} in {took}; every {_length(facts.rollback.drill_every)} is asked",
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


def _people(facts: Facts, now: datetime) -> Proof:
    """Two different people with a way to reach them. PagerDuty's word that they are on call proves it; names in a file
    do not: then somebody says that they answered, or they took part in a drill."""
    name, found = "people", _ways(facts.on_call)
    names = facts.people or "nobody"
    if not facts.on_call:
        return _unknown(name, "not configured: on_call in people.yaml says who is on call")
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
            named = _probed(name, facts.pager.map(lambda _: float(len(paged))), now, lambda _: (True, words), "people")
    said = _standing(name, facts, now)
    if named is not None and (said is None or named.state is ProofState.PROVEN):
        return named
    if said is not None:
        return said
    if facts.pager is not None and not facts.pager.ok:
        why = facts.pager.note or "PagerDuty does not answer"
        return _unknown(name, f"{why}; last known on call: {names}")
    whom = "PagerDuty does not name two of them" if facts.pager is not None else "by people.yaml alone"
    return _unknown(name, f"{names}, {whom}: `oncall rollback reached` records that they answered")


def names_of(reaches: Iterable[Reach]) -> str:
    """Those who can be reached, by name: what a proof of people is of."""
    return ", ".join(reach.person for reach in _ways(reaches))


def _ways(reaches: Iterable[Reach]) -> tuple[Reach, ...]:
    """Those with a way to reach them, each person once."""
    found: dict[str, Reach] = {}
    for reach in reaches:
        if reach.ways:
            found.setdefault(reach.person_id or reach.person, reach)
    return tuple(found.values())


def _length(length: timedelta) -> str:
    seconds = length.total_seconds()
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if abs(seconds) >= 2 * size:
            return f"{_short(seconds / size)} {unit}"
    return f"{_short(seconds)} s"


def _short(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 10 else f"{number:.1f}".removesuffix(".0")


_ASSESS: Mapping[str, Callable[[Facts, datetime], Proof]] = {
    "kill-switch": _kill_switch,
    "write-path": _write_path,
    "legacy": _legacy,
    "legacy-capacity": _capacity,
    "share": _share,
    "drain": _drain,
    "data": _data,
    "no-return": _no_return,
    "backup": _backup,
    "restore": _restore,
    "drill": _drill,
    "people": _people,
}
