"""The rollout as the Board shows it: the record beside what is measured, and what others make of both.

What is judged, counted and proposed comes from its own modules, as functions that answer from memory at once. They are
asked one after the other, so that each sees what the ones before it have said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from console.model.board import Board
from console.model.capacity import Headroom
from console.model.decision import Decision, Proposal
from console.model.estimate import Deadline
from console.model.progress import LiveRisk, Progress
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import Readiness
from console.model.rolling import RolloutRecord
from console.model.rollout import RolloutPlan
from console.model.state import State
from console.model.verdict import Judged

T = TypeVar("T")

SHARE, FLAG, SAMPLES = "rollout.percent", "flag.percent", "rollout.samples"
"""The readings of the measured share, of the share that the flag gives, and of the requests since the bake began."""

DECISIONS = 50
"""How many of the newest decisions are on the Board."""


def _nothing(_: Board) -> Any:
    return ()


@dataclass(slots=True)
class Judges:
    """Who judges what is known. The Board has the plan, the record and the readings on it, also as `progress`; who is
    asked later is given, beside it, the progress with what was judged before."""

    judged: Callable[[Board], tuple[Judged, ...]] = _nothing
    """The guardrails, by their evidence."""
    revision: Callable[[], str] = str
    """The revision that is rolled out now, as it is measured; empty: unknown, or not one alone."""
    headroom: Callable[[Board], tuple[Headroom, ...]] = _nothing
    risks: Callable[[Board], tuple[LiveRisk, ...]] = _nothing
    readiness: Callable[[Board, Progress], Readiness] = lambda board, _: board.readiness
    """The readiness with what takes more than the readings: how long it would take, and until when it may begin."""
    proposal: Callable[[Board, Progress, Readiness], Proposal | None] = lambda *_: None
    """What the findings say of the next phase."""


def with_progress(board: Board, judges: Judges) -> Board:
    """The Board with what is judged of its rollout. A fault of one judge leaves its part out, and is said. It is copied
    once: of all that is done for a Board, that takes longest."""
    first = board.progress
    if first is None:
        return board
    faults: list[str] = []

    def asked(what: str, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except Exception as fault:  # One part of the evidence must not take the Board down, and is never a pass.
            faults.append(f"fault in {what}: {type(fault).__name__}")
            return otherwise

    judged: tuple[Judged, ...] = asked("the guardrails", lambda: judges.judged(board), ())
    headroom: tuple[Headroom, ...] = asked("the headroom", lambda: judges.headroom(board), ())
    risks: tuple[LiveRisk, ...] = asked("the risks", lambda: judges.risks(board), ())
    full = replace(first, judged=judged, headroom=headroom, risks=risks)
    untimed = replace(board.readiness, deadline=Deadline(None, "unknown: a fault of ours while it was computed"))
    readiness = asked("the readiness", lambda: judges.readiness(board, full), untimed)
    before = len(faults)
    proposal = asked("the criteria", lambda: judges.proposal(board, full, readiness), None)
    unjudged = "".join(faults[before:])
    if proposal is not None or unjudged:
        full = replace(full, proposal=proposal, unjudged=unjudged)
    fault = "; ".join(filter(None, (board.fault, *faults)))
    return replace(board, progress=full, readiness=readiness, fault=fault)


def progress_of(plan: RolloutPlan, state: State, target: str, readings: Mapping[str, Reading[float]]) -> Progress:
    """What the record and the readings say."""
    record = state.rollouts.get(target) or RolloutRecord(target)
    absent = missing(ReadingState.NO_DATA, "", "not counted")
    no_flag = missing(ReadingState.NO_DATA, "", "no flag provider is configured")
    return Progress(
        plan,
        record,
        readings.get(SHARE, missing(ReadingState.NO_DATA, "", "not measured")),
        readings.get(FLAG, no_flag),
        readings.get(SAMPLES, absent),
        decisions=_decisions(state, target),
        attestations=record.attestations,
    )


def _decisions(state: State, target: str) -> tuple[Decision, ...]:
    """Those of a target, oldest first."""
    return tuple(item for item in state.decisions.values() if item.target == target)[-DECISIONS:]
