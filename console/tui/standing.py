"""A screen that is filled only while it stands: one may be taken away before it was ever there."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import Screen

T = TypeVar("T")


class Standing(Screen[T]):
    """The base of all screens and dialogs. Textual mounts a screen some time after it was pushed; when it was popped
    meanwhile, as by an answer that came in between, it has lost its children by then."""

    def on_mount(self) -> None:
        """Filled, unless it is gone already."""
        if self in self.app.screen_stack:
            self.ready()

    def ready(self) -> None:
        """Fills it, once all its children are there."""
