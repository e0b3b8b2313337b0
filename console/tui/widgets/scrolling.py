"""The keys that scroll whatever is to be read."""

from __future__ import annotations

from textual.binding import Binding

SCROLLING = (
    Binding("j,down", "by(1)", "Down", show=False),
    Binding("k,up", "by(-1)", "Up", show=False),
    Binding("pagedown,ctrl+d,space", "by(15)", "Page down", show=False),
    Binding("pageup,ctrl+u", "by(-15)", "Page up", show=False),
    Binding("g,home", "by(-100000)", "First", show=False),
    Binding("G,end", "by(100000)", "Last", show=False),
)
"""`action_by` takes the rows, upwards below 0."""
