"""A screen that is filled only while it stands: one may be taken away before it was ever there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from textual.screen import Screen


class Standing:
    """What all screens and dialogs do. Textual mounts a screen some time after it was pushed; when it was popped
    meanwhile, as by an answer that came in between, it has lost its children by then. To be named after Textual's own
    class: styles are inherited from the first one alone."""

    def on_mount(self) -> None:
        """Filled, unless it is gone already."""
        screen = cast("Screen[Any]", self)
        if screen in screen.app.screen_stack:
            self.ready()

    def ready(self) -> None:
        """Fills it, once all its children are there."""
