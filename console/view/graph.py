"""The flow of a playbook: its steps in order, and every other way as a line beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from console.model.flow import Edge, Way, edges, units
from console.model.playbook import Checklist, Do, Mode, Playbook, Reaction, Step, StepKind
from console.view.line import Line, Span, Tone, line, line_width, span, width_of, wrap
from console.view.look import UNICODE, Look
from console.view.times import timebox

MOST_LANES = 8
"""Lines beside the steps. What more there is, is said in words alone."""


@dataclass(frozen=True, slots=True)
class _Signs:
    """How lines are drawn. `corners` by (goes on above, goes on below)."""

    across: str = "─"
    down: str = "│"
    dotted: str = "┄"
    dotted_down: str = "┊"
    cross: str = "┼"
    corners: tuple[str, str, str] = ("┘", "┐", "┤")
    arrow: str = "◀"
    out: str = "▶"
    branch: str = "├"
    last: str = "└"
    first: str = "┌"


_UNICODE = _Signs()
_ASCII = _Signs("-", "|", ".", ":", "+", ("+", "+", "+"), "<", ">", "+", "+", "+")


@dataclass(slots=True)
class _Row:
    """One line of the drawing: what it says, and what leaves or reaches it at the right edge."""

    left: Line
    end: Line = ()
    leaves: str = ""
    """The step that a line leads to from here."""
    dotted: bool = False
    step: str = ""
    """The step that stands here, which lines lead to."""


@dataclass(slots=True)
class _Lane:
    """A line beside the steps to one target, from whatever leads there."""

    target: str
    top: int
    bottom: int
    dotted: bool = True
    column: int = 0
    rows: set[int] = field(default_factory=set)


def drawn(playbook: Playbook, width: int, look: Look | None = None) -> list[Line]:
    """The flow in at most `width` cells: a step a line, below it the ways on that are not just the next step."""
    look = look or Look(UNICODE)
    signs = _UNICODE if look.marks is UNICODE else _ASCII
    gutter = 0
    while True:  # how wide texts may be depends on how many lines stand beside them
        rows = list(_Drawing(playbook, width - gutter - 2, signs).rows())
        lanes = [lane for lane in _lanes(rows) if lane.column < MOST_LANES]
        if 2 * max((lane.column + 1 for lane in lanes), default=0) <= gutter:
            return [_drawn(row, index, lanes, width - gutter, signs) for index, row in enumerate(rows)]
        gutter += 2


def _lanes(rows: Sequence[_Row]) -> list[_Lane]:
    """A line for each target, in the first column that is free over all of its length."""
    at = {row.step: index for index, row in enumerate(rows) if row.step}
    found: dict[str, _Lane] = {}
    for index, row in enumerate(rows):
        if row.leaves:
            target = at[row.leaves]
            lane = found.setdefault(row.leaves, _Lane(row.leaves, target, target))
            lane.top, lane.bottom = min(lane.top, index), max(lane.bottom, index)
            lane.dotted &= row.dotted
            lane.rows |= {index, target}
    lanes = sorted(found.values(), key=lambda lane: lane.bottom - lane.top)
    for number, lane in enumerate(lanes):
        taken = {other.column for other in lanes[:number] if other.top <= lane.bottom and lane.top <= other.bottom}
        lane.column = next(column for column in range(len(lanes)) if column not in taken)
    return lanes


def _drawn(row: _Row, index: int, lanes: Sequence[_Lane], width: int, signs: _Signs) -> Line:
    """One line with the lines beside it. What leads away or arrives runs from the text to its lane."""
    mine = [lane for lane in lanes if index in lane.rows and row.leaves == lane.target]
    here = [lane for lane in lanes if row.step == lane.target and index in lane.rows]
    columns = 2 * max((lane.column + 1 for lane in lanes), default=0)
    gutter = [" "] * columns
    for lane in lanes:
        if lane.top < index < lane.bottom:
            gutter[2 * lane.column + 1] = signs.dotted_down if lane.dotted else signs.down
    gap = max(width - line_width(row.left) - line_width(row.end) - 1, 1)
    between = " " * gap
    edge = " "
    for lane in (*mine, *here):
        stroke = signs.dotted if (row.dotted if lane in mine else lane.dotted) else signs.across
        for place in range(2 * lane.column + 1):
            gutter[place] = stroke if gutter[place] == " " else signs.cross
        above, below = lane.top < index, index < lane.bottom
        gutter[2 * lane.column + 1] = signs.corners[2 if above and below else 0 if above else 1]
        edge = signs.arrow if lane in here else stroke
        if lane in mine:
            between = " " + stroke * (gap - 1)
    tone = Tone.ACCENT if mine or here else Tone.DIM
    drawn = line(*row.left, Span(between, tone if mine else Tone.DIM), *row.end, Span(edge, tone))
    beside = "".join(gutter).rstrip()
    shown = (*drawn, Span(beside, tone)) if beside else drawn
    return _stripped(shown)


def _stripped(shown: Line) -> Line:
    """The line without blanks at its end."""
    kept = list(shown)
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    if kept:
        kept[-1] = Span(kept[-1].text.rstrip(), kept[-1].tone)
    return tuple(kept)


_TITLE = 20
"""Columns that a step's number and title have at least, beside what is said of it."""


class _Drawing:
    """The rows of a playbook, in order."""

    def __init__(self, playbook: Playbook, width: int, signs: _Signs) -> None:
        self._playbook, self._width, self._signs = playbook, width, signs
        self._numbers = {step.id: number for number, step in enumerate(playbook.steps, 1)}
        self._edges: dict[str, list[Edge]] = {step.id: [] for step in playbook.steps}
        for edge in edges(playbook):
            self._edges[edge.source].append(edge)
        self._lists = {item.id: item for item in playbook.checklists}

    def rows(self) -> Iterator[_Row]:
        """Heads of lists, steps with their ways, and the end."""
        found = units(self._playbook)
        last = ""
        for unit, after in zip_longest(found, found[1:]):
            following = after[0].id if after else ""
            if unit[0].checklist != last:
                last = unit[0].checklist
                yield from self._head(self._lists[last])
            goes_on = any(self._leads_on(edge, following) for step in unit for edge in self._edges[step.id])
            for place, step in enumerate(unit):
                yield self._step(step, unit, place)
                yield from self._ways(step, following, goes_on)
            yield _Row(line(span(f"   {self._signs.down}" if goes_on else "", Tone.DIM)))
        yield _Row(line(span("   ", Tone.DIM), span("the end", Tone.TITLE)))

    @staticmethod
    def _leads_on(edge: Edge, following: str) -> bool:
        return edge.way is not Way.REACTION and not edge.playbook and edge.target == following

    def _head(self, item: Checklist) -> Iterator[_Row]:
        how = "in any order, then confirmed" if item.mode is Mode.DO_CONFIRM else ""
        said = ", ".join(part for part in (item.pause_point, how) if part)
        rule = self._signs.across * 2
        for number, text in enumerate(wrap(f"{item.title}{f' ({said})' if said else ''}", self._width - 3)):
            yield _Row(line(span(f"{rule if number == 0 else '  '} {text}", Tone.TITLE)))

    def _step(self, step: Step, unit: Sequence[Step], place: int) -> _Row:
        signs = self._signs
        bracket = ""
        if len(unit) > 1:
            bracket = (signs.first if place == 0 else signs.last if place == len(unit) - 1 else signs.branch) + " "
        runs = f"runs {step.call}" if step.kind is StepKind.PLAYBOOK else str(step.kind)
        facts = ["beside the next"] if step.parallel else []
        facts += ["no way back"] if step.irreversible else []
        facts += [runs, *([timebox(step.timebox)] if step.timebox is not None else [])]
        if step.parallel and self._width - width_of(", ".join(facts)) < _TITLE:
            facts = [
                "beside",
                *facts[1 : -1 if step.timebox is not None else None],
            ]  # a step beside others waits for nobody: its limit is what gives way
        end = line(span(f"  {', '.join(facts)} ", Tone.WARNING if step.irreversible else Tone.DIM))
        number = span(f"{self._numbers[step.id]:>2} ", Tone.ACCENT)
        # The title gives way to the facts: these say how the step ends.
        room = self._width - line_width(end) - 3 - len(bracket)
        title = step.title if width_of(step.title) <= room else wrap(step.title, max(room - 2, 8))[0] + ".."
        return _Row(line(number, span(bracket, Tone.DIM), span(title, Tone.STRONG)), end, step=step.id)

    def _ways(self, step: Step, following: str, goes_on: bool) -> Iterator[_Row]:
        signs = self._signs
        for option, edge in zip(step.options, self._edges[step.id], strict=False):
            sign = signs.branch if goes_on or option is not step.options[-1] else signs.last
            yield from self._way(f"   {sign}{signs.across} ", option.label, edge, following)
        reacting = (("overdue", "on_overdue", step.on_overdue), ("failed", "on_failure", step.on_failure.then))
        for why, key, reactions in reacting:
            if reactions:
                tries = f" {step.on_failure.tries} times" if why == "failed" and step.on_failure.tries > 1 else ""
                way = next((edge for edge in self._edges[step.id] if edge.keys[:1] == (key,)), None)
                label = f"{why}{tries}: {', '.join(map(_words, reactions))}"
                yield from self._way(f"   {signs.dotted_down} ", label, way, following)

    def _way(self, head: str, label: str, edge: Edge | None, following: str) -> Iterator[_Row]:
        room = self._width - width_of(head) - 1
        texts, target = wrap(label, room), ""
        if edge is not None:
            target = edge.target if edge.target != following else ""
            where = edge.playbook or (str(self._numbers[edge.target]) if edge.target else "the end")
            where = f" {self._signs.out} {where}"
            texts[-1:] = [texts[-1] + where] if width_of(texts[-1] + where) <= room else [texts[-1], where[1:]]
        dotted = edge is None or edge.way is Way.REACTION
        begins = "   " + head[3] + " " * (len(head) - 4) if dotted else f"   {self._signs.down}  "
        for index, text in enumerate(texts):
            shown = line(span(begins if index else head, Tone.DIM), span(text, Tone.DIM if dotted else Tone.NORMAL))
            yield _Row(shown, leaves=target if index == len(texts) - 1 else "", dotted=dotted)


def _words(reaction: Reaction) -> str:
    """What happens by itself, where no line shows it."""
    match reaction.do:
        case Do.NOTIFY:
            return f"tell {reaction.to}"
        case Do.ABORT:
            return "stop"
        case Do.FAIL:
            return "it has failed"
        case Do.GOTO:
            return "go"
        case Do.GO_ON:
            return "go on"
        case _:
            return reaction.do.value
