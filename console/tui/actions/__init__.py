"""What the actions of `keys.ACTIONS` do: each takes the app and the situation bound at the key press."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.tui import keys
from console.tui.actions import (
    alert,
    changes,
    decision,
    general,
    incident,
    lifecycle,
    panes,
    playbooks,
    proofs,
    response,
    rollout,
    run,
    shift,
    slos,
)

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    **general.HANDLERS,
    **incident.HANDLERS,
    **playbooks.HANDLERS,
    **lifecycle.HANDLERS,
    **response.HANDLERS,
    **panes.HANDLERS,
    **alert.HANDLERS,
    **changes.HANDLERS,
    **run.HANDLERS,
    **shift.HANDLERS,
    **slos.HANDLERS,
    **rollout.HANDLERS,
    **decision.HANDLERS,
    **proofs.HANDLERS,
}


def perform(app: ConsoleApp, action_id: str, at: Situation) -> None:
    """Runs an action of the registry, or says why not."""
    action = keys.BY_ID[action_id]
    reason = action.reason(at)
    if not reason and at.gone and action_id in keys.ON_THE_ROW:
        reason = f"{at.gone} is no longer there"
    if reason:
        app.say(f"{action.title}: {reason}", bad=True)
        return
    HANDLERS[action_id](app, at)
