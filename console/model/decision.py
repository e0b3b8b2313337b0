"""Go, hold or no-go for the next phase: findings on criteria, and what follows from them.

A required fail is NO_GO, a required unknown is HOLD; an advisory fail is GO with conditions. None of this ever blocks a
rollback.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from console.model.events.decision import Condition, Finding
from console.model.people import Actor
from console.model.reading import CLOCK_SECONDS
from console.model.value import value

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"
OVERRIDE = "override"
"""What a second person approves who agrees to a decision against the findings."""
LIFE = timedelta(hours=1)
"""How long a decision counts that rests on no finding with an expiry, or on somebody's word against the findings."""


SKEW = timedelta(seconds=CLOCK_SECONDS)
"""How far the clocks of two consoles may differ."""


class Answer(StrEnum):
    """The answer that the findings give by the rule."""

    GO = "go"
    HOLD = "hold"
    NO_GO = "no-go"


class Status(StrEnum):
    """What a certificate says."""

    GO = "GO"
    CONDITIONAL = "CONDITIONAL"
    NO_GO = "NO-GO"


@value
class Attestation:
    """A person's word on one criterion, for one phase (None: for all)."""

    criterion: str
    by: Actor
    at: datetime
    link: str = ""
    note: str = ""
    phase: float | None = None
    expires_at: datetime | None = None
    role: str = ""
    approved: bool = True


@value
class Proposal:
    """What the findings say of going from one phase to the next now."""

    from_percent: float
    to_percent: float
    answer: Answer
    findings: tuple[Finding, ...]
    at: datetime

    @property
    def holding(self) -> tuple[Finding, ...]:
        """The required criteria that are not a pass, and the advisory ones that fail."""
        return tuple(
            item
            for item in self.findings
            if not item.waived and (item.outcome != PASS if item.required else item.outcome == FAIL)
        )


@value
class Unjudged:
    """The criteria could not be computed now, and why: nothing rests on that."""

    why: str


@value
class Decision:
    """A decision that was recorded."""

    id: str
    number: int
    """The seq of its event; shown as DEC-<number>."""
    version: int
    at: datetime
    by: Actor
    target: str
    from_percent: float
    to_percent: float
    status: Status
    verdict: str
    findings: tuple[Finding, ...]
    plan_hash: str
    revision: str = ""
    conditions: tuple[Condition, ...] = ()
    override: str = ""
    second: str = ""
    head: str = ""
    break_glass: str = ""
    dissent: str = ""
    p95_minutes: float | None = None
    slo_hash: str = ""
    rollout: str = ""

    @property
    def stream(self) -> str:
        """The stream of its event."""
        return f"decision:{self.id}"

    @property
    def label(self) -> str:
        """DEC-<seq>."""
        return f"DEC-{self.number}" if self.number else "DEC-? (NOT SAVED)"

    @property
    def allows(self) -> bool:
        """Whether it says that the next phase may come."""
        return self.status in (Status.GO, Status.CONDITIONAL)

    @property
    def expires_at(self) -> datetime:
        """Until when it counts: as long as the first of the findings that it rests on. One against the findings counts
        for LIFE at the most."""
        counted = [item for item in self.findings if item.required and not item.waived]
        ends = [item.expires_at for item in counted if item.expires_at is not None]
        if self.override or not ends:
            ends.append(self.at + LIFE)
        return min(ends)


def step(from_percent: float, to_percent: float) -> str:
    """What is decided: `25 to 50 %`; from the last phase to itself, that the rollout is finished."""
    ends = from_percent == to_percent
    return f"finish at {to_percent:g} %" if ends else f"{from_percent:g} to {to_percent:g} %"


def the_step(from_percent: float, to_percent: float) -> str:
    """The same, in a sentence."""
    return f"{'the ' if from_percent == to_percent else ''}{step(from_percent, to_percent)}"


def answer(findings: tuple[Finding, ...]) -> Answer:
    """The rule. Waived findings do not count; without any finding it is HOLD."""
    required = [item for item in findings if item.required and not item.waived]
    if any(item.outcome == FAIL for item in required):
        return Answer.NO_GO
    if not required or any(item.outcome != PASS for item in required):
        return Answer.HOLD
    return Answer.GO


def valid(
    decision: Decision | None,
    from_percent: float,
    to_percent: float,
    plan_hash: str,
    revision: str,
    now: datetime,
    *,
    target: str = "",
    others: Iterable[Decision] = (),
    attestations: Iterable[Attestation] = (),
) -> str:
    """Why the next phase must not rest on this decision; empty when it may. `others` are the decisions that are known,
    a newer one of which goes before it; `attestations` are all that stand now: it does not outlive an approval that was
    withdrawn, nor what somebody takes back."""
    wanted = the_step(from_percent, to_percent)
    if decision is None:
        return f"no decision is recorded for {wanted}"
    if target and decision.target != target:
        return f"{decision.label} is about {decision.target}"
    if not decision.allows:
        return f"{decision.label} says {decision.status}"
    if (decision.from_percent, decision.to_percent) != (from_percent, to_percent):
        return f"{decision.label} is about {the_step(decision.from_percent, decision.to_percent)}, not {wanted}"
    if decision.plan_hash != plan_hash:
        return f"{decision.label} was taken on another version of the plan"
    if decision.revision != revision:
        return f"{decision.label} is about revision {decision.revision or '(none)'}, not {revision or '(none)'}"
    if decision.at > now + SKEW:
        return f"{decision.label} is dated {decision.at:%H:%M:%S}Z, which is to come: a clock is off"
    if decision.expires_at <= now:
        return f"{decision.label} expired at {decision.expires_at:%H:%M:%S}Z: decide again"
    return _overtaken(decision, others) or _withdrawn(decision, attestations)


def _overtaken(decision: Decision, others: Iterable[Decision]) -> str:
    step = (decision.target, decision.from_percent, decision.to_percent)
    newer = [
        item
        for item in others
        if (item.target, item.from_percent, item.to_percent) == step and item.number > decision.number
    ]
    last = max(newer, key=lambda item: item.number, default=None)
    if last is None or last.allows:
        return ""
    return f"{last.label} says {last.status} since then"


def _withdrawn(decision: Decision, attestations: Iterable[Attestation]) -> str:
    rests = {item.name: item.kind for item in decision.findings if item.outcome == PASS}
    for item in attestations:
        here = item.phase is None or item.phase == decision.to_percent
        if here and not item.approved and item.at > decision.at:
            if rests.get(item.criterion) == "approval":
                return f"{item.by} withdrew the approval {item.criterion!r} that {decision.label} rests on"
            if rests.get(item.criterion) == "checklist":
                return f"{item.by} says since then that {item.criterion!r} does not hold; {decision.label} rests on it"
    return ""


def turned(decision: Decision, now: Proposal | Unjudged | None) -> str:
    """What fails now of what a decision rests on, where that is a NO-GO; empty where nothing does. What failed when it
    was taken, and was waived, is known. What is unknown now is for the decision's own expiry; but where the criteria
    could not be computed at all, nobody knows whether it still stands."""
    if isinstance(now, Unjudged):
        return f"{decision.label} says {decision.status}, and nobody knows whether it stands: {now.why}"
    if now is None or now.answer is not Answer.NO_GO or now.from_percent != decision.from_percent:
        return ""
    known = {item.name for item in decision.findings if item.waived and item.outcome == FAIL}
    failing = [item for item in now.holding if item.required and item.outcome == FAIL and item.name not in known]
    told = "; ".join(f"{item.title}: {item.evidence}" for item in failing)
    return f"{decision.label} says {decision.status}, and it is NO-GO since then: {told}" if told else ""


def newest(decisions: Iterable[Decision], target: str, from_percent: float, to_percent: float) -> Decision | None:
    """The last decision about a step; None where nobody has decided."""
    found = [
        item
        for item in decisions
        if item.target == target and (item.from_percent, item.to_percent) == (from_percent, to_percent)
    ]
    return max(found, key=lambda item: (item.number, item.at), default=None)
