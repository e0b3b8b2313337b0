"""One incident: what must be known at a glance, the panes behind it, and the running playbook beside it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.containers import Container, Vertical

from console.model.events import Recorded
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view import changes, deliveries, incident_panels, timeline
from console.view.events import StepNames, step_names
from console.view.incident_panels import PANES, Pane, Row
from console.view.line import Line, Tone, line, span
from console.view.look import Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board
    from console.model.incident import Incident

EMPTY = {
    "L": "Nothing is recorded yet.",
    "W": "No task and no decision: t adds a task, d a decision.",
    "A": "No alert is linked: l on the Overview links one.",
    "C": "No temporary change was made for it: 7 has all of them.",
    "M": "Nobody was told anything: no channel is configured, or none hears of it.",
    "S": "No playbook was started: p offers those that fit.",
}
"""What stands in a pane while it is empty."""


class IncidentScreen(ConsoleScreen):
    """Shows the incident with this id, whatever else happens on the Board. Each pane keeps its own cursor."""

    scope = "incident"
    BINDINGS = bindings("incident")
    SCOPED_CSS = False  # the breakpoint classes are the screen's own
    DEFAULT_CSS = """
    IncidentScreen #columns { height: 1fr; layout: vertical; }
    IncidentScreen #main { height: 1fr; }
    IncidentScreen #beside { display: none; }
    IncidentScreen.-two #columns, IncidentScreen.-three #columns { layout: horizontal; }
    IncidentScreen.-two #main, IncidentScreen.-three #main { width: 1fr; margin-right: 2; }
    IncidentScreen.-two #beside, IncidentScreen.-three #beside { display: block; width: 64; height: 1fr; }
    IncidentScreen.-three #beside { width: 84; }
    """

    def __init__(self, incident: str, pane: str = "L") -> None:
        super().__init__()
        self._incident, self._pane = incident, pane
        self._log: list[Row] = []
        self._events: dict[str, Recorded] = {}
        self._names: StepNames = {}
        self._wanted: Any = None

    def body(self) -> list[Widget]:
        """Essentials, tabs, panes; the playbook."""
        self._lists = {
            key: LineList(
                lambda row, width: row.draw(width),
                lambda row: row.id,
                lambda row: row.text,
                id=f"pane-{key}",
                choosable=False,
            )
            for key in PANES
        }
        for key, pane in self._lists.items():
            pane.display = key == self._pane
        main = Vertical(Lines(id="facts"), Lines(((),), id="tabs"), *self._lists.values(), id="main")
        return [Container(main, Lines(id="beside"), id="columns")]

    # -- drawing ------------------------------------------------------------------------------------------------------

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """Everything now; the log as soon as it is read, when something was added."""
        incident = board.incident(self._incident)
        if incident is None:
            self.query_one("#facts", Lines).show([line(span("This incident is no longer on the board.", Tone.WARNING))])
            return
        beside = self.query_one("#beside", Lines)
        width = self.host.size.width
        if width >= 160:
            wide = beside.size.width or 64
            width = self.query_one("#facts").size.width or width - wide - 2
            head = heading("PLAYBOOK", line(span("3 opens the checklist", Tone.DIM)), wide, look)
            rows = beside.container_size.height or self.host.size.height - 6
            beside.show([head, *incident_panels.playbook(incident, board, now, wide, look, rows - 1)])
        self.query_one("#facts", Lines).show(incident_panels.essentials(incident, board, now, width, look))
        panes = self._panes(incident, board, now, look)
        self.query_one("#tabs", Lines).show([incident_panels.tabs(panes, self._pane, width)])
        shown = next(pane for pane in panes if pane.key == self._pane)
        self._lists[self._pane].show(shown.rows, [line(span(EMPTY.get(self._pane, ""), Tone.DIM))])
        runs = [run for run in board.runs if run.incident == incident.id]
        version = (incident.version, board.spooled, *((run.id, run.version) for run in runs))
        if version != self._wanted:
            self._wanted = version
            self.host.spawn(self._load(version, incident.stream, *(run.stream for run in runs)))

    def _panes(self, incident: Incident, board: Board, now: datetime, look: Look) -> list[Pane]:
        rows = {
            "L": self._log,
            "W": incident_panels.work(incident, now, look),
            "F": incident_panels.facts(incident, board, now, look),
            "A": incident_panels.alerts(incident, board, now, look),
            "C": incident_panels.owed(incident, board, now, look),
            "M": incident_panels.messages(incident, board, now, look),
            "P": incident_panels.people(incident, board, now, look),
            "S": incident_panels.steps(incident, board, now, look),
        }
        loud = {
            "C": len(changes.owed(board, incident.id, now)),
            "M": len(deliveries.not_sent(board, now, incident.id)),
            "P": sum(level.nobody for level in incident.escalations) if incident.acknowledged_at is None else 0,
        }
        return [Pane(key, title.capitalize(), rows[key], loud.get(key, 0)) for key, title in PANES.items()]

    async def _load(self, version: object, *streams: str) -> None:
        events = await self.host.engine.timeline(*streams)
        if version != self._wanted or not self.is_mounted:
            return
        log = self._lists["L"]
        at_end = not self._log or log.selected is None or log.selected.id == self._log[-1].id
        self._events, self._names = {event.id: event for event in events}, step_names(events)
        self._log = [
            Row(f"event:{entry.event.id}", entry.event.kind, partial(self._log_row, entry))
            for entry in timeline.entries(events)
        ]
        log.show(self._log)
        if at_end:
            log.action_edge(1)
        self.host.redraw()

    def _log_row(self, entry: timeline.Entry, width: int) -> Line:
        return timeline.row(entry, self._names, width, self.host.seen[2])

    # -- what keys mean -----------------------------------------------------------------------------------------------

    def turn(self, pane: str) -> None:
        """Shows another pane; an empty name the next one."""
        order = list(PANES)
        self._pane = pane or order[(order.index(self._pane) + 1) % len(order)]
        for key, shown in self._lists.items():
            shown.display = key == self._pane
        self.set_focus(self._lists[self._pane])
        self.host.redraw()

    def event(self, event_id: str) -> tuple[Recorded | None, StepNames]:
        """An event of the log by its id, and the names of the steps it may speak of."""
        return self._events.get(event_id), self._names

    def situation(self, board: Board) -> Situation:
        """This incident, its newest running playbook, the row under the cursor."""
        running = [run for run in board.runs if run.incident == self._incident and run.ended_at is None]
        shown = self._lists[self._pane]
        row: Row | None = shown.selected
        kind, _, name = row.id.partition(":") if row is not None else ("", "", "")
        return Situation(
            board,
            self.scope,
            alert=name if kind == "alert" else "",
            incident=self._incident,
            run=running[-1].id if running else "",
            entry=row.id if row is not None else "",
            event=name if kind == "event" else "",
            gone=shown.gone,
        )

    def copied(self, at: Situation) -> str:
        """Who is highlighted and how they are reached; the incident's label otherwise."""
        row: Row | None = self._lists[self._pane].selected
        if row is not None and row.id.startswith("reach:"):
            return row.text
        incident = at.the_incident
        return incident.label if incident is not None else ""
