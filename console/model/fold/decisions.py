"""Decisions: stream "decision:<uuid>", one event each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.model import events as ev
from console.model.decision import Attestation, Decision, Status
from console.model.events import Recorded
from console.model.fold.rules import Rules

KEPT = 200
"""The newest stay; the record keeps them all."""


def _forgotten(table: Mapping[str, Decision]) -> Iterable[str]:
    over = len(table) - KEPT
    return sorted(table, key=lambda name: (table[name].number, table[name].at))[:over] if over > 0 else ()


DECISIONS = Rules(forgotten=_forgotten, at_birth=True)


@DECISIONS.born(ev.DecisionCertified)
def certified(recorded: Recorded, event: ev.DecisionCertified) -> Decision:
    """The decision that an event records."""
    return Decision(
        id=recorded.stream.partition(":")[2],
        number=recorded.seq,
        version=recorded.version,
        at=recorded.occurred_at,
        by=recorded.actor,
        target=event.target,
        from_percent=event.from_percent,
        to_percent=event.to_percent,
        status=Status(event.status),
        verdict=event.verdict,
        findings=event.findings,
        plan_hash=event.plan_hash,
        revision=event.revision,
        conditions=event.conditions,
        override=event.override,
        second=event.second,
        head=event.head,
        break_glass=event.break_glass,
        dissent=event.dissent,
        p95_minutes=event.p95_minutes,
        slo_hash=event.slo_hash,
        rollout=event.rollout,
    )


ATTESTATIONS = 200
"""The newest stay with a rollout."""


def attested(
    known: tuple[Attestation, ...], recorded: Recorded, event: ev.CriterionAttested | ev.PhaseApproved
) -> tuple[Attestation, ...]:
    """What people said of a rollout's criteria, with one thing more: of each person, the last word on a criterion and a
    phase counts."""
    by, at = recorded.actor, recorded.occurred_at
    if isinstance(event, ev.CriterionAttested):
        link, expires = event.link, event.expires_at
        said = Attestation(event.criterion, by, at, link, event.note, event.phase, expires, event.role, event.holds)
    else:
        said = Attestation(
            event.criterion, by, at, "", event.note, event.phase, role=event.role, approved=event.approved
        )
    same = (said.criterion, said.phase, said.by)
    kept = tuple(item for item in known if (item.criterion, item.phase, item.by) != same)
    return (*kept, said)[-ATTESTATIONS:]
