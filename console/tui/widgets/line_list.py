"""The list: rows by id, one line each, drawn only where they are seen. Alerts, steps, events and choices all use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from console.tui.widgets.lines import Striped
from console.view.line import EMPTY, Line, Tone, clip, line, span, words
from console.view.values import filtered

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip


class LineList(ScrollView, Striped, can_focus=True):
    """A list with a cursor that stays on its item.

    `draw` gives the line of an item for a width, `key` its id, `label` its name for messages. When the item under the
    cursor leaves the list, `selected` is None and `gone` names it until the cursor is moved: a key that was meant for
    it must not hit its neighbour.
    """

    DEFAULT_CSS = """
    LineList { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; background: transparent; }
    LineList.-fixed { height: auto; }
    """

    BINDINGS = [
        Binding("down,j,n", "move(1)", "Down", show=False),
        Binding("up,k,N", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("home,g", "edge(0)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    class Chosen(Message):
        """An item was chosen, with enter or a second click."""

        def __init__(self, source: LineList, item: Any) -> None:
            super().__init__()
            self.source, self.item = source, item

        @property
        def control(self) -> LineList:
            """The list."""
            return self.source

    class Moved(Message):
        """The cursor went to another item."""

        def __init__(self, source: LineList, item: Any) -> None:
            super().__init__()
            self.source, self.item = source, item

        @property
        def control(self) -> LineList:
            """The list."""
            return self.source

    def __init__(
        self,
        draw: Callable[[Any, int], Line],
        key: Callable[[Any], str],
        label: Callable[[Any], str],
        *,
        id: str | None = None,
        classes: str | None = None,
        choosable: bool = True,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._draw, self._key, self._label = draw, key, label
        self._all: Sequence[Any] = ()
        self._items: Sequence[Any] = ()
        self._empty: tuple[Line, ...] = ()
        self._places: Mapping[str, int] | None = None
        self._painted: dict[int, Line] = {}
        self._cursor = 0
        self._cursor_key = ""
        self._cursor_label = ""
        self._filter = ""
        self._choosable = choosable
        self._placed = False
        """Whether somebody put the cursor where it is. Until then it stays on the first item, so that the most urgent
        one is neither scrolled away nor passed over by what came before it."""
        self.gone = ""

    # -- data ---------------------------------------------------------------------------------------------------------

    @property
    def items(self) -> Sequence[Any]:
        """The items listed, after filtering."""
        return self._items

    @property
    def selected(self) -> Any | None:
        """The item under the cursor; None in an empty list, and after it has vanished."""
        return self._items[self._cursor] if self._items and not self.gone else None

    @property
    def filter(self) -> str:
        """What the items are filtered by; empty when they are not."""
        return self._filter

    @property
    def filtered(self) -> Line:
        """That not all rows are shown, how many are; empty without a filter."""
        return filtered(self._filter, len(self._items), len(self._all))

    def show(self, items: Sequence[Any], empty: Sequence[Line] = (), places: Mapping[str, int] | None = None) -> None:
        """Replaces the items, the cursor staying on its own. `empty` stands where there are none. `places` is the index
        of each id, for a list too long to be searched while somebody types."""
        self._all, self._places = items, places
        fallback = (*empty,)
        filtered = self._filtered(items)
        if not filtered and items:
            fallback = (self._nothing_left(),)
        self._place(filtered, fallback)

    def set_filter(self, text: str) -> None:
        """Keeps the items whose line contains `text`, in any case; `!text` those that do not."""
        self._filter = text
        items = self._filtered(self._all)
        self._place(items, (self._nothing_left(),) if self._all and not items else self._empty)
        if self._items and self.gone:
            self.gone = ""
            self._remember()
            self.repaint()

    def select(self, key: str) -> None:
        """Puts the cursor on an item by id, if it is listed."""
        for index, item in enumerate(self._items):
            if self._key(item) == key:
                self.gone = ""
                self._go(index)
                return

    def hold(self) -> None:
        """The cursor stays with its item from now on: somebody has done something about it."""
        self._placed = self._placed or bool(self._items)

    def _nothing_left(self) -> Line:
        return line(span(f"No row matches {self._filter}: esc clears the filter.", Tone.WARNING))

    def _filtered(self, items: Sequence[Any]) -> Sequence[Any]:
        wanted = self._filter.casefold()
        if not wanted.strip("!"):
            return items
        inverse, wanted = wanted.startswith("!"), wanted.lstrip("!")
        return [item for item in items if (wanted in words(self._draw(item, 400)).casefold()) is not inverse]

    def _place(self, items: Sequence[Any], empty: tuple[Line, ...]) -> None:
        before, top = self._cursor, round(self.scroll_offset.y)
        self._items, self._empty = items, empty
        if self._placed and self._cursor_key:
            self._follow()
        elif items:
            self._cursor, self.gone = 0, ""
            self._remember()
        self.virtual_size = Size(self.size.width, len(items))
        moved = self._cursor - before
        if moved and top <= before < top + self.size.height:
            self.scroll_to(y=max(0, top + moved), animate=False, force=True)
        if self.has_class("-fixed"):
            self.refresh(layout=True)
        self.repaint()

    def _follow(self) -> None:
        items, key = self._items, self._cursor_key
        if self._cursor < len(items) and self._key(items[self._cursor]) == key:
            found: int | None = self._cursor
        elif self._places is not None and items is self._all:
            found = self._places.get(key)
        else:
            found = next((index for index, item in enumerate(items) if self._key(item) == key), None)
        if found is not None:
            self._cursor, self.gone = found, ""
            self._cursor_label = self._label(items[found])
        else:
            self._cursor = min(self._cursor, max(0, len(items) - 1))
            self.gone = self._cursor_label or key

    def _remember(self) -> None:
        item = self._items[self._cursor]
        self._cursor_key, self._cursor_label = self._key(item), self._label(item)

    # -- painting -----------------------------------------------------------------------------------------------------

    def _line(self, index: int, width: int) -> Line:
        if not self._items:
            return clip(self._empty[index], width) if index < len(self._empty) else EMPTY
        return self._draw(self._items[index], width) if index < len(self._items) else EMPTY

    def repaint(self) -> None:
        """Draws the visible rows anew, and paints those that came out different."""
        top, size = round(self.scroll_offset.y), self.scrollable_content_region.size
        if not size.height:
            return
        dirty = []
        for y in range(size.height):
            shown = self._line(top + y, size.width)
            if self._painted.get(y) != (key := self._keyed(shown, top + y)):
                self._painted[y] = key
                dirty.append(Region(0, y, self.size.width, 1))
        if dirty:
            self.refresh(*dirty)

    def _keyed(self, shown: Line, index: int) -> Any:
        return shown, self._on_cursor(index)

    def _on_cursor(self, index: int) -> bool:
        return bool(self._items) and index == self._cursor and not self.gone

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        index = y + round(self.scroll_offset.y)
        width = self.scrollable_content_region.width
        shown = self._line(index, width)
        self._painted[y] = self._keyed(shown, index)
        return self.strip(shown, width, self._on_cursor(index))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as items, for lists of fixed size."""
        return len(self._items) or len(self._empty)

    def on_resize(self) -> None:
        """Keeps the cursor in sight."""
        self.virtual_size = Size(self.size.width, len(self._items))
        self._into_sight()

    # -- moving -------------------------------------------------------------------------------------------------------

    def _into_sight(self) -> None:
        top, height = round(self.scroll_offset.y), self.scrollable_content_region.height
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif height and self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, force=True)

    def _go(self, index: int) -> None:
        if not self._items:
            return
        index = min(max(index, 0), len(self._items) - 1)
        changed = index != self._cursor or self.gone
        self._placed = True
        self._cursor, self.gone = index, ""
        self._remember()
        self._into_sight()
        self.repaint()
        if changed:
            self.post_message(self.Moved(self, self._items[index]))

    def action_move(self, step: int) -> None:
        """Down or up."""
        self._go(self._cursor + step)

    def action_page(self, step: int) -> None:
        """A page down or up."""
        self._go(self._cursor + step * max(1, self.size.height - 1))

    def action_edge(self, edge: int) -> None:
        """To the first or last item."""
        self._go(len(self._items) - 1 if edge else 0)

    def action_choose(self) -> None:
        """Announces the item under the cursor, to a dialog at once: a key typed ahead must meet the next field."""
        from console.tui.dialogs.base import Dialog

        if self.selected is None:
            return
        if isinstance(self.screen, Dialog):
            self.screen.chosen(self, self.selected)
        else:
            self.post_message(self.Chosen(self, self.selected))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter belongs to the screen where the screen gives it a meaning of its own."""
        return self._choosable if action == "choose" else True

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a double click chooses."""
        index = event.y + round(self.scroll_offset.y)
        if index < len(self._items):
            self._go(index)
            if event.chain == 2:
                self.post_message(self.Chosen(self, self._items[index]))
