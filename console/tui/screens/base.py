"""What every screen of the console has: header, bars, notice, footer, and actions bound from the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding
from textual.screen import Screen

from console.tui import keys
from console.tui.situation import Situation
from console.tui.standing import Standing
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.header import bars, header
from console.view.incidents import strap
from console.view.line import Line, Tone, line, line_width, span
from console.view.look import Look

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.widget import Widget

    from console.model.board import Board
    from console.tui.app import ConsoleApp


def bindings(scope: str) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """The bindings of a screen, from the registry; ids make them remappable."""
    found = [
        Binding(action.keys, f"act('{action.id}')", action.title, show=False, id=action.id, tooltip=action.tooltip)
        for action in keys.of(scope)
        if action.keys
    ]
    return [*found, Binding("slash", "filter", "Filter", show=False, id="filter")]


class Footer(Lines):
    """The keys of the screen, each in its place whatever is under the cursor; a click runs one."""

    def __init__(self) -> None:
        super().__init__(((),), id="footer")
        self._spots: list[tuple[int, int, str]] = []

    def offer(self, actions: Sequence[keys.Action], situation: Situation, keymap: Mapping[str, str]) -> None:
        """Writes as many actions as fit, for which what cannot be done now comes last; that stands in brackets."""
        offered = [action for action in actions if action.footer and action.seen(situation)]
        pieces = {action: self._piece(action, situation, keymap) for action in offered}
        room, fitting = self.size.width, set()
        for action in sorted(pieces, key=lambda action: _urgency(action, situation)):
            if line_width(pieces[action]) <= room:
                fitting.add(action)
                room -= line_width(pieces[action])
        shown = sorted((action for action in offered if action in fitting), key=lambda action: action.footer)
        ends = list(accumulate(line_width(pieces[action]) for action in shown))
        self._spots = [(begin, end, action.id) for begin, end, action in zip([0, *ends], ends, shown, strict=False)]
        self.show([line(*(pieces[action] for action in shown))])

    @staticmethod
    def _piece(action: keys.Action, situation: Situation, keymap: Mapping[str, str]) -> Line:
        bound = keys.keys_of(action, keymap)
        key = keys.sign(bound[0]) if bound else "-"
        if action.reason(situation):
            return line(span(f"({key} {action.title})", Tone.DIM))
        return line(span(f" {key}", Tone.ACCENT), span(f" {action.title} ", Tone.NORMAL))

    def on_click(self, event: events.Click) -> None:
        """Runs the action under the mouse."""
        for begin, end, action_id in self._spots:
            if begin <= event.x < end:
                screen = self.screen
                if isinstance(screen, ConsoleScreen):
                    screen.action_act(action_id)


def _urgency(action: keys.Action, situation: Situation) -> tuple[bool, bool, bool, int]:
    """How early an action gets its room: help before all, the ways to other screens after all; between them what can
    be done now, the most used first. So the cursor moves no key of a screen's own for one that leads away."""
    leads_away = keys.SCREENS <= action.footer < keys.ALWAYS
    return action.footer < keys.ALWAYS, leads_away, bool(action.reason(situation)), action.footer


class ConsoleScreen(Screen[None], Standing):
    """The base. A subclass gives `scope`, `body`, `draw` and, by `situation`, what its keys mean."""

    scope: ClassVar[str] = "everywhere"
    AUTO_FOCUS = "LineList"
    DEFAULT_CSS = """
    #header, #footer { height: 1; background: #1a222c; }
    #header:nocolor, #footer:nocolor { background: ansi_default; }
    """

    @property
    def host(self) -> ConsoleApp:
        """The app, by its own type."""
        return cast("ConsoleApp", self.app)

    def compose(self) -> ComposeResult:
        """Header, bars and banner, the body, notice and footer; and what is shown when the terminal is too small."""
        yield Lines(((),), id="header")
        yield Lines(id="bars")
        yield Lines(id="banner")
        yield from self.body()
        yield Lines(id="notice")
        yield Footer()
        yield Lines(id="small")

    def body(self) -> list[Widget]:
        """The widgets between banner and footer."""
        return []

    def banner(self, board: Board, now: datetime, look: Look) -> list[Line]:
        """The worst open incident, and what must not be overlooked whatever the screen is about."""
        shown = strap(board, now, self.host.size.width, look)
        return [shown] if shown else []

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """Fills the body. Called at most once a second, and after everything the operator does."""

    def narrowed(self) -> list[Line]:
        """The lists that show less than there is, each in a line above the footer."""
        return [shown.filtered for shown in self.query(LineList) if shown.filter and shown.display]

    def situation(self, board: Board) -> Situation:
        """What a key press means now."""
        top = board.open_incidents
        running = [run for run in board.runs if run.ended_at is None]
        return Situation(board, self.scope, incident=top[0].id if top else "", run=running[-1].id if running else "")

    def update(self, board: Board, now: datetime, look: Look) -> None:
        """Draws everything; only what changed is painted."""
        # Before the first layout there is no size yet: the lines are there when it comes, and nothing is painted twice.
        width = self.size.width or self.host.size.width
        if self.has_class("-tiny") or self.has_class("-short"):
            text = f"{width}x{self.size.height} is too small: make the terminal at least 60x16."
            self.query_one("#small", Lines).show([line(span(part, Tone.STRONG)) for part in _fold(text, width)])
            return
        self.query_one("#header", Lines).show([header(board, now, width, look)])
        self.query_one("#bars", Lines).show(bars(board, now, width, look))
        self.query_one("#banner", Lines).show(self.banner(board, now, look))
        self.draw(board, now, look)
        self.query_one("#notice", Lines).show([*self.narrowed(), *self.host.notice])
        self.query_one(Footer).offer(keys.of(self.scope), self.situation(board), self.host.keys_mapped)

    def ready(self) -> None:
        """Drawn before the first layout, and again once all sizes are known."""
        self.update(*self.host.seen)
        self.call_after_refresh(self.host.redraw)

    def on_screen_resume(self) -> None:
        """Back on top: draw what happened meanwhile."""
        self.host.redraw()

    def on_resize(self) -> None:
        """Other widths, other lines."""
        self.call_after_refresh(self.host.redraw)

    def on_line_list_moved(self) -> None:
        """The footer depends on what is under the cursor."""
        self.host.redraw()

    def copied(self, at: Situation) -> str:
        """What `y` copies here; empty when there is nothing."""
        return ""

    def action_act(self, action_id: str) -> None:
        """Runs an action of the registry with what was under the cursor at the press."""
        board = self.host.board
        if action_id == "back" and self._show_all():
            return
        if board is not None:
            self.host.perform(action_id, self.situation(board))

    def _show_all(self) -> bool:
        """Takes the filters of its lists away. Whether there were any."""
        lists = [shown for shown in self.query(LineList) if shown.filter and shown.display]
        for shown in lists:
            shown.set_filter("")
        if lists:
            self.host.redraw()
        return bool(lists)

    def action_filter(self) -> None:
        """Opens the filter of the list in focus, or of the first one."""
        lists = [widget for widget in self.query(LineList) if widget.has_focus] or list(self.query(LineList))
        if lists:
            self.host.open_filter(lists[0])


def _fold(text: str, width: int) -> list[str]:
    from console.view.line import wrap

    return wrap(text, width)
