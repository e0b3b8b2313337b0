"""Go, hold or no-go for the next phase: findings on criteria, and what follows from them.

A required fail is NO_GO, a required unknown is HOLD; an advisory fail is GO with conditions. None of this ever blocks a
rollback.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from console.model.events.decision import Condition, Finding
from console.model.people import Actor
from console.model.value import value

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"


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

    @property
    def label(self) -> str:
        """DEC-<seq>."""
        return f"DEC-{self.number}" if self.number else "DEC-? (NOT SAVED)"


def answer(findings: tuple[Finding, ...]) -> Answer:
    """The rule. Waived findings do not count; without any finding it is HOLD."""
    required = [item for item in findings if item.required and not item.waived]
    if any(item.outcome == FAIL for item in required):
        return Answer.NO_GO
    if not required or any(item.outcome != PASS for item in required):
        return Answer.HOLD
    return Answer.GO
