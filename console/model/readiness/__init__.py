"""The proofs that a rollback is possible, from what was read and what is in the record. What cannot be read is unknown,
and says what would let it be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from console.model.readiness import read, recorded
from console.model.readiness.facts import Facts, configured, names_of, proof_of
from console.model.rollback import NEEDLESS, TITLES, Proof, ProofState

__all__ = ["Facts", "assess", "names_of"]


def assess(facts: Facts, now: datetime) -> tuple[Proof, ...]:
    """Every proof, in order. What the plan declares not needed is looked at all the same where it can be read."""
    reasons = {name: why for name, why in facts.rollback.not_needed if name in NEEDLESS}
    return tuple(
        proof_of(name, ProofState.NOT_NEEDED, f"not needed: {reasons[name]}")
        if name in reasons and not configured(name, facts)
        else _ASSESS[name](facts, now)
        for name in TITLES
    )


_ASSESS: Mapping[str, Callable[[Facts, datetime], Proof]] = {
    "kill-switch": read.kill_switch,
    "write-path": recorded.write_path,
    "legacy": read.legacy,
    "legacy-capacity": read.capacity,
    "share": read.share,
    "drain": read.drain,
    "data": read.data,
    "no-return": read.no_return,
    "backup": read.backup,
    "restore": read.restore,
    "drill": recorded.drill,
    "people": recorded.people,
}
