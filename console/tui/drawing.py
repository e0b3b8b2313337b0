"""When the screen is drawn, and what all of it sees: at most once a second, at once after news, rarely while quiet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.model.board import Board
    from console.tui.app import ConsoleApp
    from console.tui.bell import Bell
    from console.view.look import Look

QUIET_TICK = 15.0
"""Seconds between looks at the clock while nothing counts down; it is looked at when a minute begins, too."""

QUIET_REST = 3.0
"""Seconds between drawings of what is not news, while nothing counts down."""


class Drawing:
    """Keeps the screen drawn. `zone` gives the reader's own time zone at an instant."""

    def __init__(self, app: ConsoleApp, zone: Callable[[datetime], tzinfo | None]) -> None:
        self._app, self._zone = app, zone
        self._timer: asyncio.TimerHandle | None = None
        self._drawn_at = 0.0
        self._seen: tuple[Board, datetime, Look] | None = None
        self._ringing: Bell | None = None

    @property
    def _bell(self) -> Bell:
        """Made with the first drawing: before, there is no model to listen to."""
        if self._ringing is None:
            from console.tui.bell import Bell

            self._ringing = Bell(self._app)
        return self._ringing

    @property
    def seen(self) -> tuple[Board, datetime, Look]:
        """The Board, the time and the look of the present drawing, one for all widgets."""
        assert self._seen is not None
        return self._seen

    def observe(self) -> None:
        """Looks at Board and clock, for the drawing that follows."""
        from console.view.look import ASCII, UNICODE, Look
        from console.view.overview import counting

        board, now = self._app.engine.board, self._app.now
        seconds = counting(board, now)
        look = Look(ASCII if self._app.ascii_marks else UNICODE, self._zone(now), seconds)
        if self._seen is not None:
            before, then, as_before = self._seen
            if board is before and look == as_before and now.replace(microsecond=0) == then.replace(microsecond=0):
                return  # what was drawn from it is known by it, and need not be drawn again
        self._seen = (board, now, look)

    def redraw(self) -> None:
        """Draws the screen that is not a dialog, now. Widgets paint only what came out different."""
        app = self._app
        if app.board is None or app.leaving or not app.is_running:
            return
        from console.tui.screens.base import ConsoleScreen

        self._drawn_at = asyncio.get_running_loop().time()
        self.observe()
        self._bell.hear(*self.seen[:2])
        for screen in reversed(app.screen_stack):
            if isinstance(screen, ConsoleScreen):
                if screen.is_mounted:
                    screen.update(*self.seen)
                break
        self._schedule()

    def on_board(self, board: Board) -> None:
        """A new Board: drawn at once when a source has changed its state, an alert its own, or something happened. Else
        a second after the last drawing while something counts down, and a few seconds after it while all is quiet: the
        sources that are asked in turn share a drawing."""
        rest = 1.0 if self._seen is None or self._seen[2].seconds else QUIET_REST
        wait = self._drawn_at + rest - asyncio.get_running_loop().time()
        if wait <= 0 or self._seen is None or _news(board) != _news(self._seen[0]):
            self._app.call_later(self._app.redraw)
        else:
            self._schedule(wait)

    def _schedule(self, within: float | None = None) -> None:
        if self._app.leaving or self._seen is None:
            return
        loop = asyncio.get_running_loop()
        now = self._app.now
        delay = 1.0 if self.seen[2].seconds else min(QUIET_TICK, 60.05 - now.second - now.microsecond / 1e6)
        if within is not None:
            delay = min(delay, within)
        if self._timer is not None:
            if self._timer.when() <= loop.time() + delay and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._app.leaving and self._app.is_running:
            self._app.call_later(self._app.redraw)

    def stop(self) -> None:
        """Draws no more by itself."""
        if self._timer is not None:
            self._timer.cancel()


def _news(board: Board) -> tuple[object, ...]:
    """What must be seen at once: which sources answer, the alerts, the end of the record, whether it can be written."""
    states = [source.state for source in board.sources]
    return states, board.feed.alerts, board.head, board.not_saved, board.fault, board.lease.holder
