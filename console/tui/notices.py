"""What the console says above the footer of whatever screen is on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp
    from console.view.line import Line

NOTICE_SECONDS = 8.0


class Notices:
    """Keeps what was said last while it is still to be seen."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self.lines: list[Line] = []

    def say(self, text: str, *, bad: bool = False, alarm: bool = False) -> None:
        """Says it for some seconds."""
        from console.view.line import Tone, line, span, wrap

        tone = Tone.ALARM if alarm else Tone.WARNING if bad else Tone.OK
        said: list[Line] = [line(span(part, tone)) for part in wrap(text, max(20, self._app.size.width - 1))[:4]]
        self.lines = said
        self._app.set_timer(NOTICE_SECONDS, lambda: self._unsay(said))
        self._app.redraw()

    def _unsay(self, said: list[Line]) -> None:
        if self.lines is said:
            self.lines = []
            self._app.redraw()
