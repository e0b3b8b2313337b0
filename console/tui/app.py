"""The application: starts in stages, keeps the screens drawn, carries commands to the engine, leaves cleanly.

Nothing here knows what an incident is. Light to import: the model, the view and the screens come after the first paint.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.widget import Widget

from console.tui import ending, theme
from console.tui.typeahead import KeysInOrder

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.notifications import SeverityLevel

    from console.engine.api import Engine
    from console.engine.outcome import Outcome
    from console.model.alert import Alert
    from console.model.board import Board, Target
    from console.model.commands import Command
    from console.ports import Clock
    from console.tui.situation import Situation
    from console.tui.widgets.line_list import LineList
    from console.view.line import Line
    from console.view.look import Look

Start = Callable[[], "tuple[Engine, Clock]"]

QUIET_TICK = 15.0
"""Seconds between looks at the clock while nothing counts down; it is looked at when a minute begins, too."""
FIRST_ANSWERS = 0.1
"""Seconds that the first screen waits for the sources, so that it is drawn once where they are quick."""
NOTICE_SECONDS = 8.0
STOP_SECONDS = 3.0
"""How long the engine may take to give its lease back at the end."""


class CannotStart(Exception):
    """The engine cannot be had. The message is one safe line for the operator; exit code 1."""


class Waiting(Widget):
    """The first paint: one line, while everything else is being loaded."""

    DEFAULT_CSS = "Waiting { height: 1; width: 1fr; }"

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self) -> Any:
        """The line."""
        from rich.text import Text

        return Text(self._text, no_wrap=True)


class ConsoleApp(KeysInOrder[None]):
    """The console's screen.

    `start` makes the engine and its clock; it is called once, in a thread, after the first paint, and imports what is
    heavy. `title` stands on the screen until then. `keymap` maps action ids of `tui.keys` to other
    keys; it is read once `start` has returned.
    `choose_target` is called when another service and environment was picked, and the app leaves. `zone` gives the
    reader's own time zone at an instant. `log` names the file where a crash is written by whoever set up logging.
    `first_run` names a run whose checklist is shown at the start; asked once the engine runs.
    """

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    INLINE_PADDING = 0
    TITLE = "oncall"
    CSS = theme.CSS
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide"), (160, "-two"), (200, "-three")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-tall")]
    BINDINGS: ClassVar[list[Any]] = [Binding("ctrl+q,ctrl+c", "leave", "Quit", show=False, priority=True)]

    def __init__(
        self,
        start: Start,
        *,
        title: str = "oncall",
        ascii_marks: bool = False,
        keymap: Mapping[str, str] | None = None,
        choose_target: Callable[[Target], None] | None = None,
        zone: Callable[[datetime], tzinfo | None] = lambda now: now.astimezone().tzinfo,
        log: str = "",
        pictures: Path | None = None,
        first_run: Callable[[], str] = str,
    ) -> None:
        super().__init__()
        self._start, self._title_text, self._zone, self._log_file = start, title, zone, log
        self._engine: Engine | None = None
        self._clock: Clock | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._drawn_at = 0.0
        self._leaving = False
        self._asked = False
        self._answered, self._shown = asyncio.Event(), asyncio.Event()
        self._seen: tuple[Board, datetime, Look] | None = None
        self._alerts: tuple[Any, list[Alert]] = (None, [])
        self.notice: list[Line] = []
        """What was said last, while it is still to be seen."""
        self.ascii_marks = ascii_marks
        self.keys_mapped = keymap if keymap is not None else {}
        self.choose_target = choose_target
        self.pictures = pictures or Path.cwd()
        self._first_run = first_run
        theme.dress(self, ascii_only=ascii_marks)

    @property
    def takes_keys(self) -> bool:
        """Not before the first screen is there: a key typed at the start would mean nothing, or something else."""
        return self._shown.is_set()

    def compose(self) -> ComposeResult:
        """The first paint."""
        yield Waiting(f" {self._title_text}  starting")

    # -- start, in stages ---------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Signals first, then the first paint, then everything else."""
        loop = asyncio.get_running_loop()
        if self._driver is not None and not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self._signalled, number)
        self.app_resume_signal.subscribe(self, lambda _: self.screen.refresh(layout=True))
        self.call_after_refresh(lambda: self.spawn(self._begin()))

    async def _begin(self) -> None:
        making = asyncio.get_running_loop().run_in_executor(None, self._start)
        from console.tui.screens.overview import OverviewScreen

        try:
            self._engine, self._clock = await making
        except CannotStart as error:
            self._fail(str(error))
            return
        self.set_keymap(self.keys_mapped)
        self._unsubscribe = self._engine.subscribe(self._on_board)
        self.spawn(self._start_engine())
        if self._waiting():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), FIRST_ANSWERS)
        self._observe()
        await self.push_screen(OverviewScreen())
        self._shown.set()
        self.call_later(self.next_key)

    async def _start_engine(self) -> None:
        assert self._engine is not None
        try:
            await self._engine.start()
        except CannotStart as error:
            self._fail(str(error))
            return
        await self._shown.wait()
        self.redraw()
        if run := self._first_run():
            from console.tui.actions.general import show_run

            show_run(self, run)

    def _fail(self, reason: str) -> None:
        self.exit(return_code=1, message=ending.plain(f"oncall: {reason}"))

    def spawn(self, work: Awaitable[Any]) -> None:
        """Runs something beside the screen. An error in it is a crash like any other."""
        made = asyncio.ensure_future(work)
        self._tasks.add(made)
        made.add_done_callback(self._task_done)

    def _task_done(self, made: Any) -> None:
        self._tasks.discard(made)
        if not made.cancelled() and made.exception() is not None:
            self._handle_exception(made.exception())

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def board(self) -> Board | None:
        """The newest Board; None before there is an engine."""
        return None if self._engine is None else self._engine.board

    @property
    def engine(self) -> Engine:
        """The engine; only asked for once there is one."""
        assert self._engine is not None
        return self._engine

    @property
    def now(self) -> datetime:
        """The time, by the engine's clock."""
        assert self._clock is not None
        return self._clock.now()

    @property
    def seen(self) -> tuple[Board, datetime, Look]:
        """The Board, the time and the look of the present drawing, one for all widgets."""
        assert self._seen is not None
        return self._seen

    def _observe(self) -> None:
        from console.view.look import ASCII, UNICODE, Look
        from console.view.overview import counting

        board, now = self.engine.board, self.now
        seconds = counting(board, now)
        self._seen = (board, now, Look(ASCII if self.ascii_marks else UNICODE, self._zone(now), seconds))

    def ordered_alerts(self, board: Board) -> list[Alert]:
        """The feed in its order, sorted once for each feed."""
        if self._alerts[0] is not board.feed:
            from console.view.alerts import ordered

            self._alerts = (board.feed, ordered(board.feed))
        return self._alerts[1]

    def redraw(self) -> None:
        """Draws the screen that is not a dialog, now. Widgets paint only what came out different."""
        if self._engine is None or self._leaving or not self.is_running:
            return
        from console.tui.screens.base import ConsoleScreen

        self._drawn_at = asyncio.get_running_loop().time()
        self._observe()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, ConsoleScreen):
                if screen.is_mounted:
                    screen.update(*self.seen)
                break
        self._schedule()

    def _waiting(self) -> bool:
        """Whether a source has neither answered nor failed yet."""
        return any(item.at is None and not item.error for item in self.engine.board.sources)

    def _on_board(self, board: Board) -> None:
        """A new Board: drawn at once when a source has changed its state or something happened, else when the last
        drawing is a second old."""
        if not self._waiting():
            self._answered.set()
        if not self._shown.is_set():
            return
        wait = self._drawn_at + 1.0 - asyncio.get_running_loop().time()
        if wait <= 0 or self._seen is None or _news(board) != _news(self._seen[0]):
            self.call_later(self.redraw)
        else:
            self._schedule(wait)

    def _schedule(self, within: float | None = None) -> None:
        if self._leaving or self._seen is None:
            return
        loop = asyncio.get_running_loop()
        now = self.seen[1]
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
        if not self._leaving and self.is_running:
            self.call_later(self.redraw)

    # -- what is done -------------------------------------------------------------------------------------------------

    def perform(self, action_id: str, at: Situation) -> None:
        """Runs an action of the registry, or says why not."""
        from console.tui import actions, keys

        action = keys.BY_ID[action_id]
        reason = action.reason(at)
        if not reason and at.gone and action_id in keys.ON_THE_ROW:
            reason = f"{at.gone} is no longer there"
        if reason:
            self.say(f"{action.title}: {reason}", bad=True)
            return
        actions.HANDLERS[action_id](self, at)

    async def submit(self, command: Command, *, unsaved: bool = False) -> Outcome:
        """Hands a command to the engine and shows what it changed."""
        outcome = await self.engine.submit(command, unsaved=unsaved)
        self.redraw()
        return outcome

    def carry_out(self, command: Command, what: str, then: Callable[[Any], None] | None = None) -> None:
        """Submits without asking. Says what was saved, or why not; what could not be saved is asked about."""
        from console.engine.outcome import Denied, Done
        from console.tui.dialogs.form import Form, Question

        async def work() -> None:
            outcome = await self.submit(command)
            if isinstance(outcome, Done):
                self.say_done(what, outcome)
                if then is not None:
                    then(outcome)
            elif isinstance(outcome, Denied):
                self.say(f"Not done: {outcome.reason}", bad=True)
            else:
                self.push_screen(Form(Question(what, "Try again", lambda _: command, unsaved=outcome)))

        self.spawn(work())

    def say_done(self, what: str, outcome: Any) -> None:
        """Says that something is saved, or where it waits instead."""
        if outcome.unsaved:
            self.say(f"{what}: NOT SAVED in the journal; it waits in {outcome.unsaved}", bad=True, alarm=True)
        else:
            self.say(f"{what}: saved")

    def say(self, text: str, *, bad: bool = False, alarm: bool = False) -> None:
        """A notice above the footer of whatever screen is on top, for some seconds."""
        from console.view.line import Tone, line, span, wrap

        tone = Tone.ALARM if alarm else Tone.WARNING if bad else Tone.OK
        said: list[Line] = [line(span(part, tone)) for part in wrap(text, max(20, self.size.width - 1))[:4]]
        self.notice = said
        self.set_timer(NOTICE_SECONDS, lambda: self._unsay(said))
        self.redraw()

    def _unsay(self, said: list[Line]) -> None:
        if self.notice is said:
            self.notice = []
            self.redraw()

    def open_filter(self, target: LineList) -> None:
        """Asks for the filter of a list."""
        from console.tui.dialogs.filter import Filter

        self.push_screen(Filter(target))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Textual's own toasts, never with markup."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    # -- leaving ------------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """ctrl+q, ctrl+c, q on the Overview: at once, but asked about, once, while a playbook runs."""
        board = self.board
        running = [run for run in board.runs if run.ended_at is None] if board is not None else []
        if not running or self._leaving or self._asked:
            self.leave(0)
            return
        from console.tui.actions.general import ask_to_leave

        self._asked = True
        ask_to_leave(self, running)

    def stay(self) -> None:
        """Not leaving after all: the next time it is asked about again."""
        self._asked = False

    def leave(self, code: int) -> None:
        """Ends the program; the engine is stopped once the terminal is free again."""
        self._leaving = True
        self.exit(return_code=code)

    def _signalled(self, number: int) -> None:
        self.leave(128 + number)

    async def stop_engine(self) -> None:
        """Gives the lease back and closes the journal. Called once, when the screen is gone."""
        self._leaving = True
        if self._timer is not None:
            self._timer.cancel()
        self._unsubscribe()
        for running in list(self._tasks):
            running.cancel()
        if self._engine is not None:
            engine, self._engine = self._engine, None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(engine.stop(), STOP_SECONDS)

    def _fatal_error(self) -> None:
        """A crash: the kind of the error, and where to read more. Never a local variable, which may be a secret."""
        error = sys.exception() or self._exception
        self.panic_line(error)

    def panic_line(self, error: BaseException | None) -> None:
        """Ends the program with one line."""
        self._return_code = self._return_code or 1  # Textual leaves it at 0 where its input thread failed.
        kind = type(error).__name__ if error is not None else "unknown error"
        where = f"; see {self._log_file}" if self._log_file else ""
        ending.write_log(self._log_file, error)
        if not self._exit_renderables:
            self._exit_renderables.append(ending.plain(f"oncall stopped: {kind}{where}"))
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """Textual's way to stop with a message: the kind of the error only."""
        self.panic_line(self._exception)


def _news(board: Board) -> tuple[object, ...]:
    """What must be seen at once: which sources answer, the end of the record, whether it can be written."""
    return (*(source.state for source in board.sources), board.head, board.not_saved, board.fault, board.lease.holder)
