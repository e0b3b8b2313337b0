"""Decisions: stream "decision:<uuid>"."""

from __future__ import annotations

from datetime import datetime

from console.model.events.registry import event
from console.model.value import value


@value
class Finding:
    """One criterion as it was found: `outcome` is pass, fail or unknown. `query` is what was asked, where something
    was."""

    name: str
    title: str
    kind: str
    domain: str
    required: bool
    outcome: str
    evidence: str
    value: float | None = None
    query: str = ""
    source: str = ""
    at: datetime | None = None
    expires_at: datetime | None = None
    waived: str = ""
    """Why it does not count, said by the person and the second person named in the event."""


@value
class Condition:
    """What must still happen after a conditional GO."""

    text: str
    owner: str
    due: datetime


@event("decision.attested")
@value
class CriterionAttested:
    """A person says that a criterion holds, with a link. In the stream of the target's rollout."""

    criterion: str
    link: str
    note: str = ""
    phase: float | None = None
    expires_at: datetime | None = None
    role: str = ""
    holds: bool = True
    """False: that it does not hold."""


@event("decision.approved")
@value
class PhaseApproved:
    """A person in the role approves the next phase, or withdraws it. In the stream of the target's rollout."""

    criterion: str
    phase: float
    role: str
    approved: bool = True
    note: str = ""


@event("decision.certified")
@value
class DecisionCertified:
    """The certificate. `status` is GO, CONDITIONAL or NO-GO (hold is NO-GO for now: `verdict` says which).
    `override` is why it is not the verdict that the findings give; `second` is who agreed."""

    target: str
    rollout: str
    revision: str
    from_percent: float
    to_percent: float
    status: str
    verdict: str
    findings: tuple[Finding, ...]
    plan_hash: str
    slo_hash: str = ""
    conditions: tuple[Condition, ...] = ()
    override: str = ""
    second: str = ""
    break_glass: str = ""
    """Why it was decided against the findings without a second person."""
    dissent: str = ""
    p95_minutes: float | None = None
    """How long a rollback was predicted to take."""
    head: str = ""
    """`SEQ:HASH` of the record that it rests on."""
