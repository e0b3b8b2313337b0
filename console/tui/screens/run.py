"""A run: the step under the cursor large, the checklist below."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from console.model.playbook import Step
from console.model.run import Run
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.incidents import headline
from console.view.line import Line, Tone, clip, line, span
from console.view.look import Look
from console.view.runs import card, others_active, row, title

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board


AROUND = 9
"""Rows of the screen that are neither card nor checklist."""


class RunScreen(ConsoleScreen):
    """Shows the run with this id, and goes on to the run that continues it. The cursor follows the step that holds up
    the run until it is moved elsewhere."""

    scope = "run"
    BINDINGS = bindings("run")
    SCOPED_CSS = False
    DEFAULT_CSS = """
    #card { margin: 1 0 0 0; border-left: thick #7cbcff; padding-left: 1; }
    #card:nocolor { border-left: thick ansi_default; }
    #card.-alarm { border-left: thick #ff8f5c; }
    #card.-alarm:nocolor { border-left: thick ansi_default; }
    #others { margin-bottom: 1; }
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run
        self._followed = ""
        self._card_rows = 0

    def body(self) -> list[Widget]:
        """Incident, run, step, checklist."""
        self._list = LineList(self._row, lambda step: step.id, lambda step: step.title, id="steps", choosable=False)
        return [Lines(((), ()), id="run-head"), Lines(id="card"), Lines(((),), id="others"), self._list]

    def _row(self, step: Step, width: int) -> Line:
        board, now, look = self.host.seen
        run = board.run(self._run)
        return row(run, step, now, width, look) if run is not None else ()

    def _present(self, board: Board) -> Run | None:
        run = board.run(self._run)
        while run is not None and run.next_run and board.run(run.next_run) is not None:
            self._run, self._followed = run.next_run, ""
            run = board.run(self._run)
        return run

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
        head.show([*own, clip(title(run, now), width)])
        self._list.show(run.playbook.steps)
        current = run.current
        if current is not None and current.id != self._followed:
            chosen = self._list.selected
            if not self._followed or (chosen is not None and chosen.id == self._followed):
                self._list.select(current.id)
            self._followed = current.id
        step: Step | None = self._list.selected
        if step is not None:
            shown = self.query_one("#card", Lines)
            progress = run.steps[step.id]
            shown.set_class(progress.ended_at is None and progress.overdue_by(now) is not None, "-alarm")
            rows = card(run, step, board, now, (shown.size.width or width - 2), look)
            # As high as the highest card so far, where there is room: the checklist does not jump under the cursor.
            self._card_rows = max(self._card_rows, len(rows))
            room = self.host.size.height - AROUND - len(run.playbook.steps)
            shown.show([*rows, *[()] * (min(self._card_rows, room) - len(rows))])
            self.query_one("#others", Lines).show([others_active(run, step.id, now, width)])

    def situation(self, board: Board) -> Situation:
        """This run, the step under the cursor."""
        run = self._present(board)
        step: Step | None = self._list.selected
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
