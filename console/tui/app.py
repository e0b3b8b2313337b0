"""The application: lays out the first paint, binds the ways out, and passes on to the modules that do the work.

Nothing here knows what an incident is. Light to import: the model, the view and the screens come after the first paint.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.widget import Widget

from console.tui import ending, theme
from console.tui.dialogs.drafts import Drafts
from console.tui.drawing import Drawing
from console.tui.notices import Notices
from console.tui.session import Session, Start
from console.tui.typeahead import KeysInOrder

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.notifications import SeverityLevel

    from console.engine.api import Engine
    from console.engine.outcome import Outcome
    from console.model.board import Board, Target
    from console.model.commands import Command
    from console.tui.situation import Situation
    from console.tui.widgets.line_list import LineList
    from console.view.line import Line
    from console.view.look import Look


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
    `first_run` names a run whose checklist is shown at the start; asked once the engine runs. `left_by_us` says of a
    console whether it was one of this user on this host and is no more.
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
        left_by_us: Callable[[str], bool] = lambda console: False,
    ) -> None:
        super().__init__()
        self._title_text, self._log_file = title, log
        self._session = Session(self, start, first_run)
        self._notices = Notices(self)
        self._leaving = ending.Leaving(self)
        self.drawing = Drawing(self, zone)
        self.drafts = Drafts()
        self.left_by_us = left_by_us
        self.ascii_marks = ascii_marks
        self.keys_mapped = keymap if keymap is not None else {}
        self.choose_target = choose_target
        self.pictures = pictures or Path.cwd()
        theme.dress(self, ascii_only=ascii_marks)

    # -- start, in stages ---------------------------------------------------------------------------------------------

    @property
    def takes_keys(self) -> bool:
        """Not before the first screen is there: a key typed at the start would mean nothing, or something else."""
        return self._session.shown.is_set()

    def compose(self) -> ComposeResult:
        """The first paint."""
        yield Waiting(f" {self._title_text}  starting")

    def on_mount(self) -> None:
        """Signals first, then the first paint, then everything else."""
        if self._driver is not None and not self.is_headless:
            self._leaving.heed_signals()
        self.app_resume_signal.subscribe(self, lambda _: self.screen.refresh(layout=True))
        self.call_after_refresh(lambda: self.spawn(self._session.begin()))

    def spawn(self, work: Awaitable[Any]) -> None:
        """Runs something beside the screen. An error in it is a crash like any other."""
        self._session.spawn(work)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def board(self) -> Board | None:
        """The newest Board; None before there is an engine."""
        return None if self._session.engine is None else self._session.engine.board

    @property
    def engine(self) -> Engine:
        """The engine; only asked for once there is one."""
        assert self._session.engine is not None
        return self._session.engine

    @property
    def now(self) -> datetime:
        """The time, by the engine's clock."""
        assert self._session.clock is not None
        return self._session.clock.now()

    @property
    def seen(self) -> tuple[Board, datetime, Look]:
        """The Board, the time and the look of the present drawing, one for all widgets."""
        return self.drawing.seen

    @property
    def notice(self) -> list[Line]:
        """What was said last, while it is still to be seen."""
        return self._notices.lines

    def redraw(self) -> None:
        """Draws the screen that is not a dialog, now. Widgets paint only what came out different."""
        self.drawing.redraw()

    def say(self, text: str, *, bad: bool = False, alarm: bool = False) -> None:
        """A notice above the footer of whatever screen is on top, for some seconds."""
        self._notices.say(text, bad=bad, alarm=alarm)

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

    # -- what is done -------------------------------------------------------------------------------------------------

    def perform(self, action_id: str, at: Situation) -> None:
        """Runs an action of the registry, or says why not."""
        from console.tui import actions

        actions.perform(self, action_id, at)

    async def submit(self, command: Command, *, unsaved: bool = False) -> Outcome:
        """Hands a command to the engine and shows what it changed."""
        outcome = await self.engine.submit(command, unsaved=unsaved)
        self.redraw()
        return outcome

    def open_filter(self, target: LineList) -> None:
        """Asks for the filter of a list."""
        from console.tui.dialogs.filter import Filter

        self.push_screen(Filter(target))

    # -- leaving ------------------------------------------------------------------------------------------------------

    @property
    def leaving(self) -> bool:
        """Whether the program ends."""
        return self._leaving.under_way

    def action_leave(self, slip: bool = False) -> None:
        """The operator wants to leave, or may have pressed q once too often."""
        self._leaving.ask(slip)

    def stay(self) -> None:
        """Not leaving after all: the next time it is asked about again."""
        self._leaving.stay()

    def leave(self, code: int) -> None:
        """Ends the program; the engine is stopped once the terminal is free again."""
        self._leaving.leave(code)

    async def stop_engine(self) -> None:
        """Gives the lease back and closes the journal. Called once, when the screen is gone."""
        self._leaving.under_way = True
        self.drawing.stop()
        await self._session.stop()

    def _fatal_error(self) -> None:
        """A crash: the kind of the error, and where to read more. Never a local variable, which may be a secret."""
        self.panic_line(sys.exception() or self._exception)

    def panic_line(self, error: BaseException | None) -> None:
        """Ends the program with one line."""
        self._return_code = self._return_code or 1  # Textual leaves it at 0 where its input thread failed.
        said = ending.crashed(error, self._log_file)
        if not self._exit_renderables:
            self._exit_renderables.append(said)
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """Textual's way to stop with a message: the kind of the error only."""
        self.panic_line(self._exception)
