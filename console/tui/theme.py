"""Colours. Meaning runs from blue to orange, which every kind of colour blindness tells apart; words and marks say it
all without them. Every pair of text and ground here has a contrast of 4.5 or more (tests/tui/test_app.py)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.style import Style
from textual.filter import Monochrome, NoColor
from textual.theme import Theme

from console.view.line import Tone

if TYPE_CHECKING:
    from textual.app import App

GROUND = "#10151c"
RAISED = "#1a222c"
CURSOR = "#213c58"
TEXT = "#d9e1ea"
QUIET = "#a3b1c0"
BLUE = "#7cbcff"
CYAN = "#86d8e6"
AMBER = "#f5bd4f"
ORANGE = "#ff8f5c"
VIOLET = "#c9b4f0"
NAME = "oncall-dark"

COLOURED: Mapping[Tone, Style] = {
    Tone.NORMAL: Style(color=TEXT),
    Tone.DIM: Style(color=QUIET),
    Tone.STRONG: Style(color="#ffffff", bold=True),
    Tone.TITLE: Style(color=CYAN, bold=True),
    Tone.ACCENT: Style(color=CYAN),
    Tone.OK: Style(color=BLUE),
    Tone.WARNING: Style(color=AMBER),
    Tone.CRITICAL: Style(color=ORANGE, bold=True),
    Tone.UNKNOWN: Style(color=VIOLET),
    Tone.ALARM: Style(color="#10151c", bgcolor=ORANGE, bold=True),
    Tone.TAG: Style(color="#10151c", bgcolor=AMBER, bold=True),
}

PLAIN: Mapping[Tone, Style] = {
    Tone.NORMAL: Style(),
    Tone.DIM: Style(),
    Tone.STRONG: Style(bold=True),
    Tone.TITLE: Style(bold=True),
    Tone.ACCENT: Style(),
    Tone.OK: Style(),
    Tone.WARNING: Style(bold=True),
    Tone.CRITICAL: Style(bold=True),
    Tone.UNKNOWN: Style(italic=True),
    Tone.ALARM: Style(reverse=True, bold=True),
    Tone.TAG: Style(reverse=True, bold=True),
}
"""For NO_COLOR: attributes only, the terminal's own colours."""

CURSOR_COLOURED = Style(bgcolor=CURSOR)
CURSOR_PLAIN = Style(reverse=True)

CSS = f"""
Screen {{ background: {GROUND}; color: {TEXT}; layout: vertical; overflow: hidden; }}
Screen:nocolor {{ background: ansi_default; color: ansi_default; }}
ModalScreen {{ background: transparent; align: center middle; }}
* {{ scrollbar-background: {GROUND}; scrollbar-color: {CURSOR}; scrollbar-color-hover: {CURSOR};
    scrollbar-color-active: {BLUE}; scrollbar-background-hover: {GROUND}; scrollbar-background-active: {GROUND};
    scrollbar-corner-color: {GROUND}; scrollbar-size-vertical: 1; }}
#small {{ display: none; height: 1fr; }}
.-tiny > * {{ display: none; }}
.-tiny > #small {{ display: block; }}
.-short > * {{ display: none; }}
.-short > #small {{ display: block; }}
"""


def dress(app: App[None], *, ascii_only: bool) -> None:
    """Gives the app its colours: the terminal's own alone with NO_COLOR. With `ascii_only` nothing else is drawn."""
    from console.tui import terminal

    if app.no_color and not os.environ.get("NO_COLOR"):
        # no-color.org: an empty variable asks for nothing.
        app.no_color = False
        app._filters = [item for item in app._filters if not isinstance(item, Monochrome | NoColor)]
    app.register_theme(Theme(NAME, BLUE, CYAN, AMBER, ORANGE, BLUE, CYAN, TEXT, GROUND, RAISED, RAISED, dark=True))
    app.theme = "ansi-dark" if app.no_color else NAME
    if app.no_color:
        # Textual chose greys before it knew the theme.
        app._filters = [NoColor() if isinstance(item, Monochrome) else item for item in app._filters]
    terminal.forgive_bytes()
    terminal.split_escape()
    app.driver_class = terminal.FewBytes
    if ascii_only:
        app._filters.append(terminal.AsciiOnly())
