"""The registry's part for the proofs of a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.tui.action import Action

if TYPE_CHECKING:
    from console.tui.situation import Situation


def _provable(at: Situation) -> str:
    """Why the write path cannot be tried from here."""
    if not at.board.flags:
        return "no flag provider is configured: nothing here sets flags"
    plan = at.board.progress.plan.rollback if at.board.progress is not None else None
    return "" if plan is not None and plan.canary_flag else "rollback.canary_flag in rollout.yaml names no flag to try"


PROOF_ACTIONS: tuple[Action, ...] = (
    Action(
        "prove",
        "w",
        "Prove write path",
        "Toggle the canary flag, read it back, and set it back; asks once",
        "rollback",
        enabled=_provable,
        footer=2,
        writes=True,
    ),
    Action(
        "reached",
        "t",
        "They answered",
        "Record that those on call can be reached, and how that was seen",
        "rollback",
        footer=3,
        writes=True,
    ),
)
