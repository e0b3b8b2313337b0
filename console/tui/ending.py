"""How the screen is left, and the last words of the program."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

    from console.tui.app import ConsoleApp


class Leaving:
    """Leaves at once, but asks, once, while a playbook runs or an escalation hangs on this console; a signal is never
    asked about."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._asked = False
        self.under_way = False

    def heed_signals(self) -> None:
        """SIGTERM and SIGHUP leave the terminal clean, and end with 128 + their number."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.leave, 128 + number)

    def ask(self, slip: bool) -> None:
        """The operator wants to leave; `slip`: by a key that also closes screens, and may be pressed once too often."""
        board = self._app.board
        if board is None or self.under_way or self._asked:
            self.leave(0)
            return
        open_ones = [f"{run.label} is running" for run in board.runs if run.ended_at is None]
        if slip and board.lease.mine:
            waiting = [item for item in board.open_incidents if item.acknowledged_at is None and item.escalate_at]
            open_ones += [f"{item.label} is not acknowledged" for item in waiting]
        if not open_ones:
            self.leave(0)
            return
        from console.tui.actions.general import ask_to_leave

        self._asked = True
        ask_to_leave(self._app, open_ones)

    def stay(self) -> None:
        """Not leaving after all: the next time it is asked about again."""
        self._asked = False

    def leave(self, code: int) -> None:
        """Ends the program; the engine is stopped once the terminal is free again."""
        self.under_way = True
        self._app.exit(return_code=code)


def plain(text: str) -> Text:
    """A line for the terminal that is left behind, harmless and without markup."""
    from rich.text import Text

    from console.model.text import safe

    return Text(safe(text))


def crashed(error: BaseException | None, log: str) -> Text:
    """The kind of the error, and where to read more. Never a local variable, which may be a secret.

    The traceback, without locals, goes into the log file, where there is one.
    """
    kind = type(error).__name__ if error is not None else "unknown error"
    if log and error is not None:
        import logging

        logging.getLogger("console.tui").error("the screen stopped", exc_info=error)
    return plain(f"oncall stopped: {kind}{f'; see {log}' if log else ''}")
