"""Keys one after the other: what is typed ahead meets the screen that it was meant for.

Textual hands every key at once to whatever has the focus; an action runs only when its key has bubbled up to the app.
A key that is typed before a dialog has opened would so be lost, or taken for a command of the screen below.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from textual import events
from textual.app import App

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

R = TypeVar("R")

PATIENCE_SECONDS = 0.5
"""How long the next key waits at most, should what the one before has led to never answer."""
_IN_LINE = (events.Key, events.Paste, events.MouseDown, events.MouseUp)
"""A click stays behind what was typed before it: it may press the button that sends the text."""
_AT_ONCE = frozenset({"ctrl+c", "ctrl+q"})


class KeysInOrder(App[R], Generic[R]):
    """An app that hands out a key, a paste or a click only when the one before has had its effect."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Event] = deque()
        self._turn = 0
        self._underway = False
        self.handed: events.Event | None = None
        """The key, paste or click handed out last."""

    @property
    def takes_keys(self) -> bool:
        """Whether there is a screen to type at. What is typed before waits for it."""
        return True

    async def on_event(self, event: events.Event) -> None:
        """Puts keys, pastes and clicks in line."""
        typed = isinstance(event, _IN_LINE) and not event.is_forwarded
        if not typed or (isinstance(event, events.Key) and event.key in _AT_ONCE):
            await super().on_event(event)
            return
        self._typed.append(event)
        if not self._underway:
            await self.next_key()

    async def next_key(self) -> None:
        """Hands out what is next in line, if anything: one at a time, also where a key has come between the end of the
        one before and the look at what is next."""
        if self._underway:
            return
        self._underway = bool(self._typed) and self.takes_keys
        if not self._underway:
            return
        self._turn += 1
        reached: MessagePump = self.focused or self.screen
        self.handed = self._typed.popleft()
        await super().on_event(self.handed)
        asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._done, self._turn)
        self._follow(reached, self._turn)

    def _follow(self, reached: MessagePump, turn: int) -> None:
        """Goes the key's own way, a step behind it: from the focus up to the app, where its action runs."""
        reached.call_later(self._step, reached, turn)

    def _step(self, reached: MessagePump, turn: int) -> None:
        if reached is not self:
            self._follow(reached._parent or self, turn)
        else:
            # A screen that was pushed answers once it is mounted and has its focus.
            self.screen.call_later(self._done, turn)

    def _done(self, turn: int) -> None:
        if turn == self._turn and self._underway and self.is_running:
            self._underway = False
            self.call_later(self.next_key)
