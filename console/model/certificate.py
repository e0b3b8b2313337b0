"""What is certified: the command that records a decision on what the Board shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from console.model.board import Board
from console.model.commands import Decide
from console.model.decision import FAIL, Answer, Proposal, Status
from console.model.events.decision import Condition
from console.model.slo import Objective


def wanted(
    board: Board,
    proposal: Proposal,
    status: Status,
    *,
    conditions: tuple[Condition, ...] = (),
    override: str = "",
    second: str = "",
    break_glass: str = "",
    dissent: str = "",
) -> Decide:
    """A decision on the findings of `proposal`, with what the certificate says beside them."""
    p95 = board.readiness.estimate.bound
    return Decide(
        proposal.from_percent,
        proposal.to_percent,
        status.value,
        proposal.findings,
        conditions=conditions,
        override=override,
        second=second,
        dissent=dissent,
        p95_minutes=None if p95 is None else p95 / 60.0,
        head=board.head,
        slo_hash=hash_of(gauge.objective for gauge in board.slos),
        break_glass=break_glass,
    )


def offered(proposal: Proposal) -> Status:
    """The status that the findings allow: what is on hold is NO-GO for now, an advisory fail is a condition."""
    if proposal.answer is not Answer.GO:
        return Status.NO_GO
    conditional = any(item.outcome == FAIL and not item.required and not item.waived for item in proposal.findings)
    return Status.CONDITIONAL if conditional else Status.GO


def hash_of(objectives: Iterable[Objective]) -> str:
    """`sha256:` over the definitions of the service levels that were looked at; empty without any."""
    lines = sorted(
        "\0".join((it.service, it.name, f"{it.target:.12g}", str(it.window), it.method, it.sli.part, it.sli.total))
        for it in objectives
    )
    text = "\n".join(lines).encode("utf-8", "replace")
    return f"sha256:{hashlib.sha256(text).hexdigest()}" if lines else ""
