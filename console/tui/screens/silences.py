"""The silences: what hides alerts now, what will, and what lately did."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.model.reading import ReadingState
from console.model.silence import Silence, SilenceState
from console.tui.actions.silence import hides
from console.tui.screens.base import ConsoleScreen, bindings
from console.tui.situation import Situation
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.alert_silences import ordered, row
from console.view.line import Line, Tone, line, span
from console.view.look import STATE_WORDS, Look
from console.view.values import heading

if TYPE_CHECKING:
    from textual.widget import Widget

    from console.model.board import Board


SILENCES = "silences of "
"""How the sources begin that read silences; one for each cluster of Alertmanagers."""


class SilencesScreen(ConsoleScreen):
    """One line for each silence."""

    scope = "silences"
    BINDINGS = bindings("silences")

    def body(self) -> list[Widget]:
        """A head, the list."""
        self._fits: tuple[Any, dict[str, int | None]] = (None, {})
        self._list = LineList(
            self._row, lambda silence: silence.id, lambda silence: silence.text, id="silences", choosable=False
        )
        return [Lines(((),), id="silences-head"), self._list]

    def _row(self, silence: Silence, width: int) -> Line:
        board, now, look = self.host.seen
        if self._fits[0] is not board.feed:
            self._fits = (board.feed, {})
        known = self._fits[1]
        if silence.id not in known:
            found = hides(silence, board.feed.alerts)
            known[silence.id] = len(found) if found is not None else None
        return row(silence, known[silence.id], now, width, look)

    def draw(self, board: Board, now: datetime, look: Look) -> None:
        """The list."""
        found = ordered(board.silences, now)
        active = sum(item.state is SilenceState.ACTIVE for item in found)
        pending = sum(item.state is SilenceState.PENDING for item in found)
        counted = f"{active} active, {pending} pending, {len(found) - active - pending} ended lately"
        # They are read from the Alertmanagers, and are a source of their own only while they fail alone.
        states = [item.state for item in board.sources if item.name.startswith(SILENCES)] + [board.feed.evidence]
        bad = next((state for state in states if state in (ReadingState.UNREACHABLE, ReadingState.STALE)), None)
        old = f"NOT KNOWN NOW, {STATE_WORDS[bad]}: " if bad is not None else ""
        end = line(span(old, Tone.UNKNOWN), span(counted, Tone.DIM))
        self.query_one("#silences-head", Lines).show([heading("SILENCES", end, self.host.size.width, look)])
        self._list.show(found, [line(span("No silence is known. s on an alert makes one.", Tone.DIM))])

    def situation(self, board: Board) -> Situation:
        """The silence under the cursor."""
        base, silence = super().situation(board), self._list.selected
        entry = f"silence:{silence.id}" if silence is not None else ""
        return Situation(board, self.scope, incident=base.incident, run=base.run, entry=entry, gone=self._list.gone)

    def copied(self, at: Situation) -> str:
        """Its matchers."""
        return at.the_silence.text if at.the_silence is not None else ""
