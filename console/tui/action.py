"""What an entry of the registry of actions is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from console.model.value import value
from console.tui.situation import Situation


def _always(_: Situation) -> str:
    return ""


@value
class Action:
    """One thing an operator can do. `id` names it in keymaps; `keys` are Textual key names, separated by commas, none
    for what only the palette offers; `enabled` gives "" or the reason why not; `footer` is its place in the footer."""

    id: str
    keys: str
    title: str
    tooltip: str
    scope: str = "everywhere"
    enabled: Callable[[Situation], str] = field(default=_always)
    footer: int = 0
    seen: Callable[[Situation], bool] = field(default=lambda _: True)
    """Whether it stands in the footer now: what is rarely to be done has a place there only then."""
    writes: bool = False
    """Whether it changes the record: not while read-only."""

    def reason(self, at: Situation) -> str:
        """Why it cannot be done now; empty when it can."""
        if self.writes and at.board.read_only:
            return "this console is read-only"
        return self.enabled(at)
