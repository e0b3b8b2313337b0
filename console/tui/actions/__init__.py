"""What the actions of `keys.ACTIONS` do: each takes the app and the situation bound at the key press."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.tui.actions import general, incident, run, shift

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    **general.HANDLERS,
    **incident.HANDLERS,
    **run.HANDLERS,
    **shift.HANDLERS,
}
