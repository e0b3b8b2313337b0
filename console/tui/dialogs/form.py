"""The form: facts, fields, Cancel and one more button. Every question that the console asks is one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual import events
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input

from console.engine.offload import in_thread
from console.engine.outcome import Denied, Done, Outcome, Unsaved
from console.tui.dialogs.answers import Answers, meaning
from console.tui.dialogs.base import Dialog
from console.tui.widgets.controls import Field, Press
from console.tui.widgets.line_list import LineList
from console.tui.widgets.lines import Lines
from console.view.line import EMPTY, Line, Tone, fold, line, span, words, wrap
from console.view.times import clock

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from console.model.commands import Command
    from console.tui.dialogs.drafts import Drafts

PROCEED = "NOT SAVED"
"""What is typed to go on although nothing can be saved."""
GLASS = "break_glass"
"""The field in which a rule is broken: it is gone to on purpose, and filled by nothing that is typed elsewhere."""


class Unfit(ValueError):
    """An answer that will not do: which field, and why in one line."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Text:
    """A line to type. `hint` stands there while it is empty. What is typed is added to a value that is offered, and
    replaces none of it."""

    id: str
    label: str
    value: str = ""
    hint: str = ""
    word: bool = False
    """Whether it is a word that must be typed as it stands: nobody does that by accident."""


def offered(id_: str, label: str, value: str, hint: str = "") -> Text:
    """A line with a value that is offered, and how to be rid of it where there is one."""
    return Text(id_, f"{label} (ctrl+u empties it)" if value else label, value, hint)


@dataclass(frozen=True, slots=True)
class Item:
    """One of several answers; `detail` is shown below the list while it is highlighted."""

    id: str
    row: Line
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer out of several."""

    id: str
    label: str
    items: tuple[Item, ...]
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A form. `build` makes the command from the answers; its ValueError is shown and nothing is lost.

    `careful`: the focus starts on Cancel, and a q there closes. `returns`: enter after the last field comes back to
    Cancel, unless a word must be typed: for what a few stray keys must not do. `unsaved`: the reason of an earlier
    attempt that could not be saved. `preview` gives, for the answers so far and a width, what would come of them; it is
    shown while they are typed.
    `large`: it looks through thousands, and is made in a thread.
    """

    title: str
    submit: str
    build: Callable[[Mapping[str, str]], Command]
    facts: tuple[Line, ...] = ()
    fields: tuple[Text | Choice, ...] = ()
    careful: bool = False
    returns: bool = False
    unsaved: Unsaved | None = field(default=None)
    preview: Callable[[Mapping[str, str], int], Sequence[Line]] | None = None
    large: bool = False

    @property
    def about(self) -> str:
        """What it asks, and of what: the same question asked again is the same, one about something else is not."""
        offered = (item.value if isinstance(item, Text) else item.chosen for item in self.fields)
        return "\n".join((self.title, *(words(item) for item in self.facts[:1]), *offered))


class Form(Dialog[Done]):
    """Asks a `Question`; closes with `Done` only, after the await has returned, or with None.

    What was written and not sent is kept in `drafts`, and stands there again when the same is asked again.
    """

    def __init__(self, question: Question, drafts: Drafts) -> None:
        super().__init__()
        self._question, self._drafts = question, drafts
        self._draft = drafts.of(question.about)
        self._busy = False
        self._unsaved: Unsaved | None = None
        self._wanted: Mapping[str, str] | None = None
        """The newest answers that a preview is wanted for."""
        self._looking = False

    def compose(self) -> ComposeResult:
        """Title, facts, fields, problem, buttons."""
        asked = self._question
        with VerticalScroll(id="box", can_focus=False):
            yield Lines([self.title_line(asked.title, self.host.board)])
            yield Lines([part for fact in asked.facts for part in fold(fact, self.inner)])
            if self._draft is not None:
                yield Lines([line(span(f"As you left it at {clock(self._draft.at)}.", Tone.WARNING))])
            for wanted in asked.fields:
                yield from self._widgets(wanted)
            yield Lines(id="preview")
            yield Lines(id="problem")
            yield Field(id="proceed", hint="type it here")
            with Horizontal(classes="buttons"):
                yield Press("Cancel", id="cancel")
                yield Press(asked.submit, id="submit")

    def _widgets(self, wanted: Text | Choice) -> Sequence[Widget]:
        label = Lines([line(span(wanted.label, Tone.DIM))])
        if isinstance(wanted, Text):
            value = wanted.value if self._draft is None else self._draft.texts.get(wanted.id, wanted.value)
            return [label, Field(value, wanted.hint, id=f"field-{wanted.id}")]
        choices = Answers(wanted, "> " if self.host.ascii_marks else "▶ ")
        return [label, choices, Lines(id=f"detail-{wanted.id}")]

    def ready(self) -> None:
        """Fills the lists; the focus goes to the first field, or to Cancel where care is due."""
        self.query_one("#proceed").display = False
        for wanted in self._question.fields:
            if isinstance(wanted, Choice):
                choices = self.query_one(f"#field-{wanted.id}", LineList)
                choices.show(wanted.items)
                choices.select(wanted.chosen)
                self._detail(wanted)
        if self._question.unsaved is not None:
            self._not_saved(self._question.unsaved)
        elif self._question.careful or not self._question.fields:
            self.set_focus(self.query_one("#cancel"))
        else:
            self.set_focus(self.query_one(f"#field-{self._question.fields[0].id}"))
        self._preview()

    def _preview(self) -> None:
        if self._question.preview is None or not self.is_mounted:
            return
        if not self._question.large:
            self.query_one("#preview", Lines).show(self._foreseen(self.answers(), self.inner))
            return
        self._wanted = self.answers()
        if not self._looking:
            self._looking = True
            self.host.spawn(self._look())

    def _foreseen(self, answers: Mapping[str, str], width: int) -> Sequence[Line]:
        assert self._question.preview is not None
        try:
            return self._question.preview(answers, width)
        except ValueError as error:
            return [line(span(str(error), Tone.WARNING))]

    async def _look(self) -> None:
        """Previews in a thread, until there is one of the newest answers."""
        try:
            while self._wanted is not None and self.is_mounted:
                answers, self._wanted, width = self._wanted, None, self.inner
                shown = await in_thread(lambda answers=answers, width=width: self._foreseen(answers, width))  # type: ignore[misc]
                if self.is_mounted:
                    self.query_one("#preview", Lines).show(shown)
        finally:
            self._looking = False

    def on_input_changed(self) -> None:
        """What would come of it changes with every letter."""
        self._preview()

    def _detail(self, wanted: Choice) -> None:
        chosen = self.query_one(f"#field-{wanted.id}", LineList).selected
        text = meaning(chosen) if chosen is not None else ""
        rows = max((len(wrap(meaning(item), self.inner)) for item in wanted.items if item.detail), default=0)
        lines: list[Line] = [line(span(part, Tone.ACCENT)) for part in wrap(text, self.inner)] if text else []
        self.query_one(f"#detail-{wanted.id}", Lines).show([*lines, *[EMPTY] * (rows - len(lines))])

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """Shows what the highlighted answer means."""
        for wanted in self._question.fields:
            if isinstance(wanted, Choice) and event.source.id == f"field-{wanted.id}":
                self._detail(wanted)
        self._preview()

    def chosen(self, source: Widget, item: Any) -> None:
        """Enter goes on to the next field."""
        self._next(source)

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        """So does a double click."""
        self._next(event.source)

    def submitted(self, field: Input) -> None:
        """Enter goes on to the next field. The last one submits, or leads to a button where care is due."""
        self._next(field)

    def _next(self, widget: Widget) -> None:
        ids = [f"field-{wanted.id}" for wanted in self._question.fields]
        if self._unsaved is not None and self._unsaved.may_proceed:
            ids.append("proceed")
        place = ids.index(widget.id) if widget.id in ids else len(ids)
        if place + 1 < len(ids):
            self.set_focus(self.query_one(f"#{ids[place + 1]}"))
        elif self._question.returns and widget.id != "proceed":
            sure = any(isinstance(item, Text) and item.word for item in self._question.fields)
            self.set_focus(self.query_one("#submit" if sure else "#cancel"))
        else:
            self._submit()

    def on_press_pressed(self, event: Press.Pressed) -> None:
        """Cancel, or submit."""
        if event.source.id == "cancel":
            self.action_close()
        else:
            self._submit()

    def on_key(self, event: events.Key) -> None:
        """What is typed while a button has the focus is meant for a field: the first empty one, else the first. It
        would be lost otherwise, up to the first blank, which presses the button, and obeyed by the screen below. In a
        list of answers it is the beginning of one. A q closes, unless it is the beginning of words that are waited for
        and no care is due. Where it is, the key that opened the form, once more, is no answer however late it comes.
        What comes by here while a field has the focus was pressed before the field had it: the next letters of a word.
        """
        if self.pressed_twice(event) or self._opens_again(event):
            event.stop()
        elif isinstance(self.focused, Field) and event.is_printable and event.character is not None:
            event.stop()
            self.focused.insert_text_at_cursor(event.character)
        elif event.character == "q" and isinstance(self.focused, Press) and self._awaited():
            self._into_a_field(event)
        elif not event.is_printable or event.character in (None, " ", "q"):
            if isinstance(self.focused, Answers):
                self.focused.forget()
        elif isinstance(self.focused, Answers):
            if self.focused.find(event.character):
                event.stop()
        elif isinstance(self.focused, Press):
            self._into_a_field(event)

    def _opens_again(self, event: events.Key) -> bool:
        at_button = isinstance(self.focused, Press) and self._question.careful
        return at_button and event.character == self.opened_with and not self._written()

    def _fields(self) -> list[Field]:
        """Those that what is typed at a button may go to."""
        texts = [item for item in self._question.fields if isinstance(item, Text) and item.id != GLASS]
        return [self.query_one(f"#field-{item.id}", Field) for item in texts]

    def _awaited(self) -> bool:
        """Whether nothing was written yet of what the form asks for in words, so that a q may begin them."""
        fields = [] if self._question.careful else self._fields()
        return bool(fields) and not any(field.value for field in fields)

    def _into_a_field(self, event: events.Key) -> None:
        fields = self._fields()
        if fields and event.character is not None:
            event.stop()
            field = next((item for item in fields if not item.value), fields[0])
            self.set_focus(field)
            field.cursor_position = len(field.value)
            field.insert_text_at_cursor(event.character)

    def action_close(self) -> None:
        """Not while the answer is on its way to the disk. What was written is kept."""
        if self._busy:
            return
        if self._written():
            self._drafts.keep(self._question.about, self._texts(), self.host.now)
            self.host.say("Not done. What you wrote is kept: it stands there when you ask for the same again.")
        else:
            self._drafts.drop(self._question.about)
        self.dismiss(None)

    def _texts(self) -> dict[str, str]:
        answers = self.answers()
        return {item.id: answers[item.id] for item in self._question.fields if isinstance(item, Text)}

    def _written(self) -> bool:
        offered = {item.id: item.value for item in self._question.fields if isinstance(item, Text)}
        return any(text.strip() and text != offered[name] for name, text in self._texts().items())

    def answers(self) -> dict[str, str]:
        """What was filled in, by field id."""
        found = {}
        for wanted in self._question.fields:
            if isinstance(wanted, Text):
                found[wanted.id] = self.query_one(f"#field-{wanted.id}", Field).value
            else:
                chosen = self.query_one(f"#field-{wanted.id}", LineList).selected
                found[wanted.id] = chosen.id if chosen is not None else ""
        return found

    def _submit(self) -> None:
        if self._busy:
            return
        try:
            command = self._question.build(self.answers())
        except ValueError as error:
            self._problem(str(error))
            if isinstance(error, Unfit):
                self.set_focus(self.query_one(f"#field-{error.field}"))
            return
        unsaved = self._unsaved is not None and self.query_one("#proceed", Field).value.strip() == PROCEED
        self._busy = True
        self.query_one("#problem", Lines).show([line(span("saving ...", Tone.DIM))])
        self.run_worker(self._carry_out(command, unsaved), exit_on_error=True)

    async def _carry_out(self, command: Command, unsaved: bool) -> None:
        outcome: Outcome = await self.host.submit(command, unsaved=unsaved)
        self._busy = False
        if isinstance(outcome, Done):
            self._drafts.drop(self._question.about)
            self.dismiss(outcome)
        elif isinstance(outcome, Denied):
            self._problem(outcome.reason)
        else:
            self._not_saved(outcome)

    def _problem(self, reason: str) -> None:
        lines = [line(span(text, Tone.CRITICAL)) for text in wrap(f"Not done: {reason}", self.inner)]
        self.query_one("#problem", Lines).show(lines)
        self._to_mend(reason)

    def _to_mend(self, reason: str) -> None:
        """Goes from the button to the field in which it can be mended: the empty one where something is empty, else the
        word that must be typed, else the first."""
        fields = self._fields()
        empty = [field for field in fields if not field.value.strip()]
        typed = [item.id for item in self._question.fields if isinstance(item, Text) and item.word]
        if empty and " is empty" in reason:
            self.set_focus(empty[0])
        elif fields and not isinstance(self.focused, Field | LineList):
            self.set_focus(self.query_one(f"#field-{typed[0]}") if typed else (empty or fields)[0])

    def _not_saved(self, outcome: Unsaved) -> None:
        self._unsaved = outcome
        lines = [line(span(f" {text} ", Tone.ALARM)) for text in wrap(f"NOT SAVED: {outcome.reason}", self.inner - 2)]
        lines.append(line(span("Nothing was done, and what you wrote is kept here.", Tone.STRONG)))
        proceed = self.query_one("#proceed", Field)
        if outcome.may_proceed:
            text = f"To go on without a saved record, type {PROCEED} and press enter. It waits in a spool file."
            lines += [line(span(part, Tone.WARNING)) for part in wrap(text, self.inner)]
            proceed.display = True
            self.set_focus(proceed)
        self.query_one("#problem", Lines).show(lines)
