"""A run: the step under the cursor large, the checklist below."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.containers import Container, Horizontal, Vertical

from console.model.playbook import Step
from console.model.run import Run
from console.tui.heir import Heir
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.incidents import headline
from console.view.line import Line, Tone, clip, line, parted, span
from console.view.look import Look
from console.view.run_plan import plan_line, warnings
from console.view.runs import Entry, entries, entry_row, open_line, title
from console.view.step_card import card

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board


AROUND = 4
"""Rows of the screen beside head, card, checklist and what stands on every screen above them: header, a margin, the
steps beside, footer."""
LEAST_CARD, LEAST_LIST = 8, 4
LABELS = 10
"""Cells of the card's labels, as its style says."""
WIDEST = 100
"""Cells, as the style of the checklist says: further apart, an eye loses the line between a step and its clock."""
BESIDE, LIST = 160, 60
"""From how many cells on the checklist stands beside the card (the class `-two`), and how many it takes then."""

AHEAD = 2
"""Rows of the checklist that stay in sight before and after the cursor."""


class StepList(LineList):
    """The checklist. The cursor goes from step to step, past the heads of the lists, and what comes next is seen."""

    def action_move(self, step: int) -> None:
        """Down or up, to the next step."""
        place = self._cursor + step
        while 0 <= place < len(self._items) and self._items[place].step is None:
            place += step
        if 0 <= place < len(self._items):
            self._go(place)

    def _into_sight(self) -> None:
        top, height = round(self.scroll_offset.y), self.scrollable_content_region.height
        ahead = min(AHEAD, max(0, (height - 1) // 2))
        last = max(0, len(self._items) - height)
        if self._cursor - ahead < top:
            self.scroll_to(y=min(last, max(0, self._cursor - ahead)), animate=False, force=True)
        elif height and self._cursor + ahead >= top + height:
            self.scroll_to(y=min(last, self._cursor + ahead - height + 1), animate=False, force=True)


class RunScreen(ConsoleScreen):
    """Shows the run with this id, and goes on to the run that continues it. The cursor follows the step that holds up
    the run until it is moved elsewhere."""

    scope = "run"
    BINDINGS = bindings("run")
    SCOPED_CSS = False
    DEFAULT_CSS = """
    #run-body { layout: vertical; height: 1fr; }
    #run-side { height: auto; }
    RunScreen.-two #run-body { layout: horizontal; }
    RunScreen.-two #run-side { width: 1fr; height: 1fr; }
    RunScreen.-two #steps { dock: left; width: 58; margin: 1 2 0 0; }
    #card { height: auto; margin: 1 0 0 0; border-left: thick #7cbcff; padding-left: 1; }
    #card-left { width: 10; }
    #steps { max-width: 100; }
    #card:nocolor { border-left: thick ansi_default; }
    #card.-alarm { border-left: thick #ff8f5c; }
    #card.-alarm:nocolor { border-left: thick ansi_default; }
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run
        self._followed = ""
        self._card_rows = 0

    def body(self) -> list[Widget]:
        """Incident, run, step, checklist."""
        self._heir = Heir(self.host)
        self._list = StepList(self._row, lambda row: row.id, lambda row: row.title, id="steps", choosable=False)
        # A key changes what stands beside the labels, and Textual paints a widget's row from its left edge.
        card = Horizontal(Lines(id="card-left"), Lines(id="card-right"), id="card")
        side = Vertical(card, Lines(((),), id="others"), id="run-side")
        return [Lines(((), ()), id="run-head"), Container(side, self._list, id="run-body")]

    def _row(self, entry: Entry, width: int) -> Line:
        board, now, look = self.host.seen
        run = board.run(self._run)
        return entry_row(run, entry, now, width, look) if run is not None else ()

    def _present(self, board: Board) -> Run | None:
        run = board.run(self._run)
        while run is not None and run.next_run and board.run(run.next_run) is not None:
            self._run, self._followed = run.next_run, ""
            run = board.run(self._run)
        return run

    @property
    def _step(self) -> Step | None:
        chosen: Entry | None = self._list.selected
        return chosen.step if chosen is not None else None

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """Everything; countdowns come from deadlines."""
        run = self._present(board)
        head, width = self.query_one("#run-head", Lines), self.host.size.width
        if run is None:
            head.show([line(span("This run is no longer on the board.", Tone.WARNING)), ()])
            return
        incident = board.incident(run.incident)
        # The banner says it already of the worst incident.
        other = incident is not None and board.open_incidents[:1] != (incident,)
        own = [headline(incident, now, width, look)] if incident is not None and other else []
        said = [title(run, now), *warnings(run, board, now, look), plan_line(run, board, now, width, look)]
        head.show([*own, *(clip(item, width) for item in said if item)])
        self._follow(run)
        self._heir.look(run, board)
        step = self._step
        if step is not None:
            self._draw_card(run, step, board, now, look)

    def _follow(self, run: Run) -> None:
        """Keeps the cursor on the step that holds up the run, while it has not been moved elsewhere."""
        self._list.show(entries(run.playbook))
        current = run.current
        if current is not None and current.id != self._followed:
            chosen = self._list.selected
            if not self._followed or (chosen is not None and chosen.id == self._followed):
                self._list.select(current.id)
            self._followed = current.id
        if current is None and self._step is None:
            self._list.action_move(1)

    def _draw_card(self, run: Run, step: Step, board: Board, now: datetime, look: Look) -> None:
        shown, size = self.query_one("#card"), self.host.size
        above = sum(len(self.query_one(name, Lines).lines) for name in ("#bars", "#banner", "#run-head", "#notice"))
        room = size.height - above - AROUND
        beside = size.width >= BESIDE
        most = max(LEAST_CARD, room if beside else room - LEAST_LIST)
        width = min(size.width - (LIST if beside else 0) - 2, WIDEST)
        late = run.steps[step.id].overdue_by(now) is not None and run.steps[step.id].ended_at is None
        shown.set_class(late and run.held_at is None and run.ended_at is None, "-alarm")
        rows = card(run, step, board, now, width, look, most)
        # As high as the highest card so far, where there is room: the checklist does not jump under the cursor.
        self._card_rows = max(self._card_rows, len(rows))
        roomy = LEAST_CARD if beside else max(LEAST_CARD, room - len(self._list.items))
        rows += [()] * (min(self._card_rows, max(roomy, len(rows)), most) - len(rows))
        halves = [parted(row, LABELS) for row in rows]
        self.query_one("#card-left", Lines).show([left for left, _ in halves])
        self.query_one("#card-right", Lines).show([right for _, right in halves])
        self.query_one("#others", Lines).show([open_line(run, step.id, now, width + 2 if beside else size.width)])

    def situation(self, board: Board) -> Situation:
        """This run, the step under the cursor."""
        run, step = self._present(board), self._step
        return Situation(
            board,
            self.scope,
            incident=run.incident if run is not None else "",
            run=self._run,
            step=step.id if step is not None else "",
        )

    def copied(self, at: Situation) -> str:
        """The highlighted step, to be told to somebody."""
        found = at.the_step
        return f"{found[0].title}: {found[0].challenge}" if found is not None else ""
