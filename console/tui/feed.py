"""The folded feed of a screen: a small one at once, a large one in a thread, the newest wish first; and its lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from console.engine.offload import in_thread
from console.model.folding import STORM_SPAN, Arrangement, Folded, Folder, Item
from console.view.alerts import item_row
from console.view.line import Line

if TYPE_CHECKING:
    from console.model.board import AlertFeed, Board
    from console.model.care import AlertCare
    from console.tui.app import ConsoleApp

AT_ONCE = 500
"""So many alerts are folded before the next key could be typed."""
WORK = 0.0003
"""Seconds that the thread works at a stretch: it shares one interpreter with the keys."""


class _Wish(NamedTuple):
    feed: AlertFeed
    care: Mapping[str, AlertCare]
    arranged: Arrangement
    now: datetime

    def same(self, other: _Wish | None) -> bool:
        """Whether the rows are the same, but for storms that have gone by."""
        if other is None or self.feed is not other.feed or self.care is not other.care:
            return False
        return self.arranged == other.arranged and self.now - other.now < STORM_SPAN


class FeedFolder:
    """Keeps the rows of one screen. `ready` is called when rows that took longer are there."""

    def __init__(self, app: ConsoleApp, ready: Callable[[], None]) -> None:
        self._app, self._ready = app, ready
        self._folder = Folder()
        self._shown: _Wish | None = None
        self._wanted: _Wish | None = None
        self._busy = False
        self.folded = Folded()

    @property
    def pending(self) -> bool:
        """Whether the rows are still those of an earlier filter or order."""
        shown, wanted = self._shown, self._wanted
        return self._busy and (shown is None or wanted is None or shown.arranged != wanted.arranged)

    def want(self, board: Board, arranged: Arrangement, now: datetime) -> Folded:
        """The rows for this Board; while they are being made, those from before."""
        wish = _Wish(board.feed, board.care, arranged, now)
        if wish.same(self._wanted):
            return self.folded
        self._wanted = wish
        if self._busy:
            return self.folded
        if len(board.feed.alerts) <= AT_ONCE:
            self.folded = self._folder.fold(*wish)
            self._shown = wish
        else:
            self._busy = True
            self._app.spawn(self._work())
        return self.folded

    async def _work(self) -> None:
        try:
            while self._wanted is not None and not self._wanted.same(self._shown):
                wish = self._wanted
                folded: Folded | None = await in_thread(lambda wish=wish: self._fold(wish))  # type: ignore[misc]
                if folded is not None:
                    self.folded, self._shown = folded, wish
                    self._ready()
        finally:
            self._busy = False

    def _fold(self, wish: _Wish) -> Folded | None:
        """In the thread. None where another filter or order was wished for meanwhile; a newer feed can wait."""
        steps = self._folder.steps(*wish)
        since = time.perf_counter()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                folded: Folded = end.value
                return folded
            if self._wanted is not None and self._wanted.arranged is not wish.arranged:
                return None
            if time.perf_counter() - since >= WORK:
                time.sleep(0)
                since = time.perf_counter()


class ItemLines:
    """The lines of the items of a list. Each is put together once for what is drawn now, however often it is asked
    for: by a key, for what the key changed, by the terminal."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._seen: object = None
        self._lines: dict[str, tuple[Item, int, Line]] = {}

    def line(self, item: Item, width: int) -> Line:
        """The line of one item."""
        if self._app.seen is not self._seen:
            self._seen = self._app.seen
            self._lines.clear()
        known = self._lines.get(item.id)
        if known is None or known[0] is not item or known[1] != width:
            known = self._lines[item.id] = (item, width, item_row(item, *self._app.seen[:2], width, self._app.seen[2]))
        return known[2]
