"""One alert, on a screen of its own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from console.model.folding import Row
from console.tui.alert_lines import lines, page_id
from console.tui.looked import LookedUp
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.page import Page
from console.view.alerts import owner
from console.view.look import Look

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.alert import Alert
    from console.model.board import AlertFeed, Board


class AlertScreen(ConsoleScreen):
    """Shows the alert with this fingerprint, also after it has left the feed."""

    scope = "alert"
    AUTO_FOCUS = "Page"
    BINDINGS = bindings("alert")

    def __init__(self, alert: Alert) -> None:
        super().__init__()
        self._alert, self._gone = alert, False
        self._feed: AlertFeed | None = None

    def body(self) -> list[Widget]:
        """The text."""
        self._looked = LookedUp(self.host, self.host.redraw)
        return [Page(id="alert")]

    def _find(self, board: Board) -> None:
        if self._feed is board.feed:
            return
        self._feed, wanted = board.feed, self._alert.fingerprint
        found = next((item for item in board.feed.alerts if item.fingerprint == wanted), None)
        self._gone = found is None
        self._alert = found if found is not None else self._alert

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """All that is known of it now; what is looked up follows."""
        self._find(board)
        self._looked.want(self._alert, page_id(self._alert, board))
        width = max(20, self.host.size.width - 1)
        answers = self._looked.of(self._alert)
        self.query_one(Page).show(
            lines(self._alert, self.host.engine, board, answers, now, width, look, gone=self._gone)
        )

    def situation(self, board: Board) -> Situation:
        """This alert."""
        self._find(board)
        base, alert = super().situation(board), self._alert
        return Situation(
            board,
            self.scope,
            alert="" if self._gone else alert.fingerprint,
            incident=base.incident,
            run=base.run,
            gone=alert.name if self._gone else "",
            item=None if self._gone else Row(alert.fingerprint, alert, owner(board, alert) is not None, 0, False),
        )

    def copied(self, at: Situation) -> str:
        """Its name and fingerprint."""
        return f"{self._alert.name} {self._alert.fingerprint}"
