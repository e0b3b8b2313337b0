"""The engine behind the screen: made in a thread after the first paint, stopped when the screen is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from console.tui import ending

if TYPE_CHECKING:
    from console.engine.api import Engine
    from console.model.board import Board
    from console.ports import Clock
    from console.tui.app import ConsoleApp

Start = Callable[[], "tuple[Engine, Clock]"]

FIRST_ANSWERS = 0.1
"""Seconds that the first screen waits for the sources, so that it is drawn once where they are quick."""
LATE_ANSWERS = 1.0
"""Seconds that the playbooks wait for them: they are read once the screen is full."""
STOP_SECONDS = 3.0
"""How long the engine may take to give its lease back at the end."""


class CannotStart(Exception):
    """The engine cannot be had. The message is one safe line for the operator; exit code 1."""


class Session:
    """Everything that runs beside the screen, from the first paint to the end."""

    def __init__(self, app: ConsoleApp, start: Start, first_run: Callable[[], str]) -> None:
        self._app, self._start, self._first_run = app, start, first_run
        self.engine: Engine | None = None
        """None before it is there, and after it was stopped."""
        self.clock: Clock | None = None
        self.shown = asyncio.Event()
        """Set once the first screen is there."""
        self._answered = asyncio.Event()
        self._unsubscribe: Callable[[], None] = lambda: None
        self._tasks: set[asyncio.Future[Any]] = set()

    async def begin(self) -> None:
        """Makes the engine, starts it, and shows the Overview: with answers in it, where they come quickly."""
        app = self._app
        making = asyncio.get_running_loop().run_in_executor(None, self._start)
        from console.tui.screens.overview import OverviewScreen

        try:
            self.engine, self.clock = await making
        except CannotStart as error:
            self._fail(str(error))
            return
        app.set_keymap(app.keys_mapped)
        self._unsubscribe = self.engine.subscribe(self._on_board)
        self.spawn(self._start_engine())
        if self._waiting():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), FIRST_ANSWERS)
        app.drawing.observe()
        await app.push_screen(OverviewScreen())
        self.shown.set()
        app.call_later(app.next_key)

    async def _start_engine(self) -> None:
        assert self.engine is not None
        try:
            await self.engine.start()
        except CannotStart as error:
            self._fail(str(error))
            return
        await self.shown.wait()
        self._app.redraw()
        if run := self._first_run():
            from console.tui.actions.general import show_run

            show_run(self._app, run)
        if self._waiting():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), LATE_ANSWERS)
        self._app.call_after_refresh(self._read_playbooks)

    def _read_playbooks(self) -> None:
        if self.engine is not None:
            self.spawn(self.engine.read_playbooks())

    def _fail(self, reason: str) -> None:
        self._app.exit(return_code=1, message=ending.plain(f"oncall: {reason}"))

    def _waiting(self) -> bool:
        """Whether a source has neither answered nor failed yet."""
        assert self.engine is not None
        return any(item.at is None and not item.error for item in self.engine.board.sources)

    def _on_board(self, board: Board) -> None:
        if not self._waiting():
            self._answered.set()
        if self.shown.is_set():
            self._app.drawing.on_board(board)

    def spawn(self, work: Awaitable[Any]) -> None:
        """Runs something beside the screen. An error in it is a crash like any other."""
        made = asyncio.ensure_future(work)
        self._tasks.add(made)
        made.add_done_callback(self._task_done)

    def _task_done(self, made: Any) -> None:
        self._tasks.discard(made)
        if not made.cancelled() and made.exception() is not None:
            self._app._handle_exception(made.exception())

    async def stop(self) -> None:
        """Ends what runs beside the screen, gives the lease back and closes the journal."""
        self._unsubscribe()
        for running in list(self._tasks):
            running.cancel()
        if self.engine is not None:
            engine, self.engine = self.engine, None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(engine.stop(), STOP_SECONDS)
