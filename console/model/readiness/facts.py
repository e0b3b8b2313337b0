"""What the proofs of a rollback are made of, and how one is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from math import isfinite

from console.model.escalation import Reach
from console.model.estimate import Drain, Measured
from console.model.reading import Reading, ReadingState
from console.model.rollback import KEYS, PROOF_LIFE, TITLES, Proof, ProofState, Source, StandingProof, write_basis
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import RollbackPlan
from console.model.value import value

_NO_PLAN = RollbackPlan("")


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


def configured(name: str, facts: Facts) -> bool:
    """Whether there is anything in the settings by which it could be read."""
    if name in KEYS:
        return bool(getattr(facts.rollback, KEYS[name][0]))
    if name == "share":
        return facts.plan is not None and bool(facts.plan.percent_expr)
    return bool(facts.flag and facts.provider)


def proof_of(name: str, state: ProofState, evidence: str) -> Proof:
    """A proof without an instant: nothing was read."""
    return Proof(name, TITLES[name], state, evidence)


def unknown(name: str, why: str) -> Proof:
    """Nothing is proven, and why."""
    return proof_of(name, ProofState.UNKNOWN, why)


def probed(
    name: str, reading: Reading[float], now: datetime, told: Callable[[float], tuple[bool, str]], unit: str = ""
) -> Proof:
    """A proof by a reading that counts for `PROOF_LIFE`; `told` says whether its value is well, and what it is in
    words. Only an ok value proves anything, or one that was ok when it was read; a bad one disproves it also where it
    is partial, as with criteria, risks and guardrails: what is down as seen from here is down on every page."""
    said, at = reading.value, reading.at
    by = f", says {reading.source}" if reading.source else ""
    title, doubt = TITLES[name], reading.note or reading.state.replace("_", " ")
    if said is None or at is None or not isfinite(said):
        lost = f"{reading.source}: {doubt}" if reading.source else doubt
        return Proof(name, title, ProofState.UNKNOWN, lost, at, None, Source.PROBE)
    well, words = told(said)
    evidence, expires = f"{words}{by}", at + PROOF_LIFE
    partial = reading.state not in (ReadingState.OK, ReadingState.STALE)
    if partial and doubt not in words:
        evidence = f"{evidence}; {doubt}"
    if partial and well:
        return Proof(name, title, ProofState.UNKNOWN, evidence, at, None, Source.PROBE, said, unit)
    seen = ProofState.PROVEN if well else ProofState.FAILED
    state = ProofState.EXPIRED if expires <= now else seen
    return Proof(name, title, state, evidence, at, expires, Source.PROBE, said, unit)


def names_of(reaches: Iterable[Reach]) -> str:
    """Those who can be reached, by name: what a proof of people is of."""
    return ", ".join(reach.person for reach in ways_of(reaches))


def ways_of(reaches: Iterable[Reach]) -> tuple[Reach, ...]:
    """Those with a way to reach them, each person once."""
    found: dict[str, Reach] = {}
    for reach in reaches:
        if reach.ways:
            found.setdefault(reach.person_id or reach.person, reach)
    return tuple(found.values())


def length_of(length: timedelta) -> str:
    """A length of time, in the largest unit of which there are two."""
    seconds = length.total_seconds()
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if abs(seconds) >= 2 * size:
            return f"{_short(seconds / size)} {unit}"
    return f"{_short(seconds)} s"


def _short(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 10 else f"{number:.1f}".removesuffix(".0")
