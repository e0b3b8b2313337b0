"""One incident: its facts above, its timeline below."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.model.events import Recorded
from console.tui.dialogs.text import Reader
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.events import StepNames, step_names
from console.view.incidents import event_details, facts, timeline_row
from console.view.line import Line, Tone, line, span
from console.view.look import Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board


class IncidentScreen(ConsoleScreen):
    """Shows the incident with this id, whatever else happens on the Board."""

    scope = "incident"
    BINDINGS = bindings("incident")

    def __init__(self, incident: str) -> None:
        super().__init__()
        self._incident = incident
        self._events: list[Recorded] = []
        self._names: StepNames = {}
        self._read: Any = None
        self._wanted: Any = None

    def body(self) -> list[Widget]:
        """Facts, timeline."""
        self._list = LineList(
            self._row, lambda event: event.id, lambda event: event.kind, id="timeline", choosable=False
        )
        return [Lines(id="facts"), Lines(((),), id="timeline-head"), self._list]

    def _row(self, event: Recorded, width: int) -> Line:
        return timeline_row(event, self._names, width, self.host.seen[2])

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """Facts now; the timeline as soon as it is read, when something was added."""
        incident = board.incident(self._incident)
        width = self.host.size.width
        if incident is None:
            self.query_one("#facts", Lines).show([line(span("This incident is no longer on the board.", Tone.WARNING))])
            return
        self.query_one("#facts", Lines).show(facts(incident, board, now, width, look))
        runs = [run for run in board.runs if run.incident == incident.id]
        saved = "" if not board.not_saved else "the journal cannot be written"
        end = line(span(f"{len(self._events)} events {saved}", Tone.DIM))
        self.query_one("#timeline-head", Lines).show([heading("TIMELINE", end, width, look)])
        version = (incident.version, board.spooled, *((run.id, run.version) for run in runs))
        if version != self._wanted:
            self._wanted = version
            self.host.spawn(self._load(version, incident.stream, *(run.stream for run in runs)))

    async def _load(self, version: object, *streams: str) -> None:
        events = await self.host.engine.timeline(*streams)
        if version != self._wanted or not self.is_mounted:
            return
        at_end = not self._events or self._list.selected is None or self._list.selected.id == self._events[-1].id
        self._events, self._names = events, step_names(events)
        self._list.show(events)
        if at_end:
            self._list.action_edge(1)
        self.host.redraw()

    def open_event(self) -> None:
        """The highlighted event in full."""
        event: Recorded | None = self._list.selected
        if event is not None:
            names = self._names
            self.host.push_screen(Reader("Event", lambda width: event_details(event, names, width)))

    def situation(self, board: Board) -> Situation:
        """This incident, its newest running playbook, the event under the cursor."""
        running = [run for run in board.runs if run.incident == self._incident and run.ended_at is None]
        event = self._list.selected
        return Situation(
            board,
            self.scope,
            incident=self._incident,
            run=running[-1].id if running else "",
            event=event.id if event else "",
        )

    def copied(self, at: Situation) -> str:
        """The incident's label."""
        incident = at.the_incident
        return incident.label if incident is not None else ""
