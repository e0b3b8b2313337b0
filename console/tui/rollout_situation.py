"""Why an action on the rollout makes no sense now. Nothing here ever stands against a rollback."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.model.decide.rollout import removed
from console.model.decide.rollout_back import under_way as rolls_back
from console.model.rolling import RolloutState
from console.model.state import State

if TYPE_CHECKING:
    from console.model.events.decision import Finding
    from console.model.progress import Progress
    from console.model.rollout_plan import CriterionRule
    from console.tui.situation import Situation

NO_PLAN = "no rollout is planned here: rollout.yaml says nothing"


def progress(at: Situation) -> Progress | None:
    """The rollout of the Board."""
    return at.board.progress


def planned(at: Situation) -> str:
    """There is a plan."""
    return "" if at.board.progress is not None else NO_PLAN


def under_way(at: Situation) -> str:
    """A rollout was begun, and is neither over nor on its way back."""
    found = progress(at)
    if found is None:
        return NO_PLAN
    if found.record.state is RolloutState.ROLLING_BACK:
        return "it is being rolled back"
    if not found.record.under_way:
        return "no rollout is under way: b begins one"
    return ""


def begin(at: Situation) -> str:
    """None is under way."""
    found = progress(at)
    if found is None:
        return NO_PLAN
    if found.record.state is RolloutState.ROLLING_BACK:
        return "it is being rolled back"
    return "one is under way" if found.record.under_way else ""


def flags(at: Situation) -> str:
    """Something here sets flags."""
    return planned(at) or ("" if at.board.flags else "no flag provider is configured: nothing here sets the share")


def promote(at: Situation) -> str:
    """It is under way, and nothing is known that stands against it. The rules look again."""
    reason = under_way(at) or flags(at)
    found = progress(at)
    if reason or found is None:
        return reason
    record = found.record
    if record.open_write is not None:
        return "the outcome of a write is unknown: S settles it"
    if record.state is RolloutState.HELD:
        return f"it is held by {record.held_by}: u releases it"
    if record.breaches:
        return f"a guardrail is breached ({', '.join(record.breaches)}): R rolls back"
    return "" if record.percent is not None else "the share is unknown"


def hold(at: Situation) -> str:
    """It can be held."""
    found = progress(at)
    reason = under_way(at)
    if not reason and found is not None and found.record.state is RolloutState.HELD:
        return f"it is held by {found.record.held_by} already"
    return reason


def release(at: Situation) -> str:
    """It is held, or a breach stands whose guardrail the plan has no longer."""
    found = progress(at)
    held = found is not None and (found.record.state is RolloutState.HELD or bool(removed(found.record, found.plan)))
    return under_way(at) or ("" if held else "it is not held")


def share(at: Situation) -> str:
    """The share can be set."""
    return flags(at)


def settle(at: Situation) -> str:
    """A write has an unknown outcome."""
    found = progress(at)
    if found is None:
        return NO_PLAN
    return "" if found.record.open_write is not None else "no write is open"


def countdown(at: Situation) -> str:
    """A rollback would start by itself."""
    found = progress(at)
    return "" if found is not None and found.record.countdown is not None else "no rollback is about to start by itself"


def counting(at: Situation) -> bool:
    """Whether a rollback would start by itself."""
    return not countdown(at)


def roll_back(at: Situation) -> str:
    """Always, but while its run goes on, as the rules ask it: one whose run has ended is begun anew."""
    found, board = progress(at), at.board
    if found is None:
        return NO_PLAN
    known = State({item.id: item for item in board.incidents}, {item.id: item for item in board.runs})
    run = rolls_back(known, found.record, found.plan, str(board.target))
    return f"{run.label} rolls back already: 3 shows its steps" if run is not None else ""


def criterion(at: Situation) -> tuple[CriterionRule, Finding] | None:
    """The criterion under the cursor with what was found."""
    found, name = progress(at), at.entry.removeprefix("criterion:")
    if found is None or found.proposal is None or name == at.entry:
        return None
    rule = next((item for item in found.plan.criteria if item.name == name), None)
    finding = next((item for item in found.proposal.findings if item.name == name), None)
    return (rule, finding) if rule is not None and finding is not None else None


def of_kind(kind: str, others: str) -> Callable[[Situation], str]:
    """There is a criterion of this kind."""

    def reason(at: Situation) -> str:
        found = progress(at)
        if found is None:
            return NO_PLAN
        if not any(item.kind == kind for item in found.plan.criteria):
            return f"no criterion is {others}"
        return ""

    return reason


def decide(at: Situation) -> str:
    """There is a step to decide on."""
    found = progress(at)
    if found is None:
        return NO_PLAN
    return "" if found.proposal is not None else found.unjudged or "nothing is to be decided"


def worth_offering(at: Situation) -> bool:
    """Whether the footer offers a rollback: on the rollout's own screens, on that of an incident wherever there is
    something to roll back, and on the Overview while a guardrail is breached or a rollback is about to start."""
    found = progress(at)
    if at.scope in SCOPES:
        return True
    trouble = found is not None and bool(found.record.breaches or found.record.countdown)
    return (at.scope == "incident" or (trouble and at.scope == "overview")) and not roll_back(at)


SCOPES = ("rollout", "rollback", "go-no-go")
