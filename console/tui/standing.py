"""A screen that is filled only while it stands: one may be taken away before it was ever there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen
    from textual.widget import Widget


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

    # -- the focus, which Textual takes from what is hidden while the terminal is too small ---------------------------

    _had_focus: Widget | None = None

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remembers what has it."""
        self._had_focus = event.widget

    def on_descendant_blur(self) -> None:
        """What was hidden, and is to be seen again by the time that it is told, loses it all the same."""
        cast("Screen[Any]", self).call_after_refresh(self._focus_again)

    def on_resize(self) -> None:
        """Gives it back, as soon as there is room."""
        cast("Screen[Any]", self).call_after_refresh(self._focus_again)

    def _focus_again(self) -> None:
        screen, before = cast("Screen[Any]", self), self._had_focus
        if before is None or screen.focused is not None or not screen.app.app_focus or not before.is_attached:
            return
        if before.screen is screen and all(node.display for node in before.ancestors_with_self if node is not screen):
            screen.set_focus(before)
