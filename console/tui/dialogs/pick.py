"""The picker: a list with a filter above. Playbooks, incidents, states, and the palette of all actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input

from console.tui.dialogs.base import Dialog
from console.tui.widgets.controls import Field
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.line import Line, Tone, clip, fold, line, span, wrap

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to pick. `refusal` is why it cannot be picked now: it is shown all the same."""

    id: str
    row: Line
    label: str
    detail: str = ""
    refusal: str = ""


class Picker(Dialog[str]):
    """Closes with the id picked, or None. `typing_first`: the focus starts in the filter. `coming` says what of the
    list is not there yet: it is filled later, under whatever is typed meanwhile."""

    DEFAULT_CSS = """
    Picker #box { height: auto; max-height: 90%; overflow: hidden; }
    Picker LineList { height: auto; max-height: 14; }
    Picker #find { display: none; }
    """
    BINDINGS = [
        Binding("slash", "find", "Filter", show=False),
        Binding("down", "into_list", "List", show=False),
        *(Binding(str(number), f"number({number})", show=False) for number in range(1, 10)),
    ]

    def __init__(
        self,
        title: str,
        entries: Sequence[Entry],
        *,
        facts: Sequence[Line] = (),
        typing_first: bool = False,
        coming: str = "",
    ) -> None:
        super().__init__()
        self._coming = coming
        self._title, self._entries, self._facts, self._typing_first = title, entries, facts, typing_first

    def compose(self) -> ComposeResult:
        """Title, filter, list, what the highlighted one means."""
        with Vertical(id="box"):
            yield Lines([self.title_line(self._title, self.host.board)])
            yield Lines([part for fact in self._facts for part in fold(fact, self.inner)])
            yield Field(hint="type a part of the name", id="find")
            yield LineList(
                lambda entry, width: clip(entry.row, width),
                lambda entry: entry.id,
                lambda entry: entry.label,
                classes="-fixed",
            )
            yield Lines(id="coming")
            yield Lines(id="detail")

    def ready(self) -> None:
        """Fills the list."""
        self._show()
        if self._typing_first:
            self.action_find()
        else:
            self.set_focus(self.query_one(LineList))

    def fill(self, entries: Sequence[Entry], coming: str = "") -> None:
        """The list has come. What is highlighted, and the filter, stay."""
        self._entries, self._coming = entries, coming
        if self.is_mounted and self in self.host.screen_stack:
            self._show()

    def _show(self) -> None:
        nothing = [] if self._coming else [line(span("There is nothing to choose from.", Tone.DIM))]
        choices = self.query_one(LineList)
        choices.show(self._entries, nothing)
        if choices.selected is None and choices.items:
            choices.action_edge(0)  # nothing matched the filter, before there was anything to match
        coming = [line(span(self._coming, Tone.ACCENT))] if self._coming else []
        self.query_one("#coming", Lines).show(coming)
        self._detail()

    def on_line_list_moved(self) -> None:
        """Shows what the highlighted entry means."""
        self._detail()

    def _detail(self) -> None:
        entry = self.query_one(LineList).selected
        lines: list[Line] = [()]
        if entry is not None:
            tone = Tone.WARNING if entry.refusal else Tone.ACCENT
            text = f"Not now: {entry.refusal}" if entry.refusal else entry.detail
            lines += [line(span(part, tone)) for part in wrap(text, self.inner)]
        self.query_one("#detail", Lines).show(lines)

    def action_find(self) -> None:
        """Opens the filter."""
        find = self.query_one("#find", Field)
        find.display = True
        self.set_focus(find)

    def action_into_list(self) -> None:
        """From the filter down."""
        self.query_one(LineList).focus()
        self.query_one(LineList).action_move(1)

    def action_number(self, number: int) -> None:
        """Picks by number."""
        entries = self.query_one(LineList).items
        if number <= len(entries):
            self._pick(entries[number - 1])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters while typing; the first match is highlighted."""
        event.stop()
        choices = self.query_one(LineList)
        choices.set_filter(event.value)
        choices.action_edge(0)
        self._detail()

    def submitted(self, field: Input) -> None:
        """Enter picks the highlighted entry."""
        self._pick(self.query_one(LineList).selected)

    def chosen(self, source: Widget, item: Any) -> None:
        """So does enter in the list."""
        self._pick(item)

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        """And a double click."""
        self._pick(event.item)

    def _pick(self, entry: Entry | None) -> None:
        if entry is None:
            return
        if entry.refusal:
            self.query_one(LineList).select(entry.id)
            self._detail()
            return
        self.dismiss(entry.id)
