"""Steps of a console that is gone: the same operator, who looks at them on another one, goes on at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.engine.outcome import Done
from console.model import commands as cmd

if TYPE_CHECKING:
    from console.model.board import Board
    from console.model.run import Run
    from console.tui.app import ConsoleApp


class Heir:
    """Takes them from a console that was a process of this user on this host: from one that lives, and from one that
    runs elsewhere, a person takes them."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._asked: set[tuple[str, str, str]] = set()
        """The run, the step and the console of each that is being taken."""

    def look(self, run: Run, board: Board) -> None:
        """Takes the open steps of the run that is on the screen."""
        if board.read_only or board.not_saved or run.ended_at is not None or run.held_at is not None:
            return
        for progress in run.active:
            key = (run.id, progress.id, progress.holder)
            by = progress.held_by
            if key in self._asked or by is None or by.name != board.actor.name:
                continue
            if progress.held_elsewhere(board.console, board.at) and self._app.left_by_us(progress.holder):
                self._asked.add(key)
                self._app.spawn(self._take(run, progress.id, progress.holder))

    async def _take(self, run: Run, step_id: str, holder: str) -> None:
        reason = f"the console that held it ({holder}) has ended"
        outcome = await self._app.submit(cmd.TakeStep(run.id, step_id, reason, holder))
        self._asked.discard((run.id, step_id, holder))
        if isinstance(outcome, Done):
            self._app.say(f"{run.playbook.step(step_id).title}: {holder} held it, and is gone: it is taken")
