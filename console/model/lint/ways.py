"""Where the steps lead: branches, loops, what nothing leads to, and how long the longest way takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise

from console.model.flow import Edge, Key, Way, edges, units
from console.model.lint.finding import Finding, World
from console.model.playbook import Check, Option, Playbook, Step, StepKind, Variable

_ZERO = timedelta(0)
_BOOL = re.compile(r"\bbool\b")


class _Map:
    """The ways between units, by number; the end of the run is `end`."""

    def __init__(self, playbook: Playbook) -> None:
        self.units = units(playbook)
        self.end = len(self.units)
        self.of = {step.id: index for index, unit in enumerate(self.units) for step in unit}
        self.edges = tuple(edges(playbook))

    def source(self, edge: Edge) -> int:
        return self.of[edge.source]

    def target(self, edge: Edge) -> int:
        return self.of.get(edge.target, self.end)

    def back(self, edge: Edge) -> bool:
        """Whether it leads to what comes no later."""
        return self.target(edge) <= self.source(edge)

    def reach(self, start: Iterable[int], over: Iterable[Edge], *, against: bool = False) -> set[int]:
        """All units that can be reached from some, those among them."""
        ways: dict[int, list[int]] = {}
        for edge in over:
            pair = (self.source(edge), self.target(edge))
            one, other = reversed(pair) if against else pair
            ways.setdefault(one, []).append(other)
        found, todo = set(start), list(start)
        while todo:
            for index in ways.get(todo.pop(), ()):
                if index not in found:
                    found.add(index)
                    todo.append(index)
        return found


def rules(playbook: Playbook, world: World) -> Iterator[Finding]:
    """Everything about the ways."""
    roads = _Map(playbook)
    yield from _unreached(roads)
    for step in playbook.steps:
        if step.kind is StepKind.DECISION:
            yield from _same_place(step, roads)
            yield from _conditions(step)
    yield from _loops(roads)
    yield from _circle(playbook, world)
    yield from _handed(playbook, world)
    last = roads.units[-1][-1]
    if last.parallel:
        yield Finding("PB208", "nothing follows it: it starts together with nothing", last.id, ("parallel",))
    yield from _objective(playbook, roads, world)


def _unreached(roads: _Map) -> Iterator[Finding]:
    """The first of each stretch that nothing leads to: what it leads to itself is not said again."""
    reached = roads.reach([0], roads.edges)
    for index, unit in enumerate(roads.units):
        if index not in reached:
            reached |= roads.reach([index], roads.edges)
            yield Finding("PB201", f"nothing leads to {unit[0].id}: no order, no option, no goto", unit[0].id)


def _same_place(step: Step, roads: _Map) -> Iterator[Finding]:
    places = {(roads.target(edge), edge.playbook) for edge in roads.edges if edge.source == step.id and _chosen(edge)}
    if len(step.options) > 1 and len(places) == 1:
        yield Finding("PB202", "whatever is chosen, the same comes next", step.id, ("options",))


def _chosen(edge: Edge) -> bool:
    return edge.way is Way.CHOICE


def _conditions(step: Step) -> Iterator[Finding]:
    """Gaps and overlaps, where they can be known: conditions on one reading, tried at each bound and between them."""
    conditions = [(option, option.when) for option in step.options if option.when is not None]
    groups: dict[str, list[tuple[Option, Check]]] = {}
    for option, check in conditions:
        groups.setdefault(check.reading, []).append((option, check))
    gaps: list[Finding] = []
    for reading, group in groups.items():
        tried = [
            (point, where, [option for option, check in group if check.holds(point)])
            for point, where in _points(group[0][1], [check.value for _, check in group])
        ]
        name = "the query" if group[0][1].expr else reading
        for point, where, fitting in tried:
            if not fitting:
                nearest = _nearest(group, point)
                text = f"where {name} {where}, no option fits"
                gaps.append(Finding("PB203", text, step.id, ("options", nearest.id, "when")))
                break
        for _, where, fitting in tried:
            if len(fitting) > 1:
                text = f"where {name} {where}, both {fitting[0].id} and {fitting[1].id} fit"
                yield Finding("PB204", text, step.id, ("options", fitting[1].id, "when"))
                break
    # An option without a condition is for whatever no other fits.
    if len(conditions) < len(step.options) or len(gaps) < len(groups):
        return
    if len(gaps) == 1:
        yield gaps[0]
    elif gaps:
        text = "no option is left for when none of the conditions holds: one of them needs no `when`"
        yield Finding("PB203", text, step.id, ("options",))


def _points(check: Check, bounds: list[float]) -> Iterator[tuple[float, str]]:
    """Values to try, in words. A health and a comparison are 0 or 1; readings begin at 0 unless a bound says
    otherwise."""
    if check.reading.startswith("health.") or _BOOL.search(check.expr):
        yield from ((0.0, "is 0"), (1.0, "is 1"))
        return
    values = sorted(set(bounds))
    if values[0] != 0:
        yield values[0] - abs(values[0]) / 2, f"is below {values[0]:g}"
    for value in values:
        yield value, f"is {value:g}"
    for low, high in pairwise(values):
        yield (low + high) / 2, f"is between {low:g} and {high:g}"
    yield values[-1] + 1, f"is above {values[-1]:g}"


def _nearest(group: list[tuple[Option, Check]], point: float) -> Option:
    """The last option in the file whose bound is next to the gap."""
    nearest = min(abs(check.value - point) for _, check in group)
    return [option for option, check in group if abs(check.value - point) == nearest][-1]


def _loops(roads: _Map) -> Iterator[Finding]:
    """Who goes back must have decided so, and must be able to decide otherwise."""
    without_people = [edge for edge in roads.edges if edge.way is not Way.CHOICE]
    endless: set[Edge] = set()
    for edge in without_people:
        if edge.way is not Way.REACTION or not roads.back(edge):
            continue
        if roads.source(edge) in roads.reach([roads.target(edge)], without_people):
            endless.add(edge)
            text = f"when {edge.source} is {edge.label}, it goes back to {edge.target} and round again: put a decision"
            yield Finding("PB205", f"{text} into the loop", edge.source, edge.keys)
    finishing = roads.reach([roads.end], roads.edges, against=True)
    for edge in roads.edges:
        if roads.back(edge) and edge not in endless and roads.source(edge) not in finishing:
            text = f"back to {edge.target}, and from there nothing leads out"
            yield Finding("PB206", text, edge.source, edge.keys)


def _circle(playbook: Playbook, world: World) -> Iterator[Finding]:
    """A playbook that runs itself, however many others lie between. To go on in another by choice is no circle."""
    for step in playbook.steps:
        if not step.call:
            continue
        trail = _trail(step.call, playbook.name, world.playbooks)
        if trail:
            yield Finding("PB207", f"in a circle: {' runs '.join((playbook.name, *trail))}", step.id, ("playbook",))


def _trail(start: str, goal: str, playbooks: Mapping[str, Playbook]) -> tuple[str, ...]:
    """Which playbooks lead from `start` to `goal` by running each other; empty when none do."""
    todo: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while todo:
        trail = todo.pop(0)
        if trail[-1] == goal:
            return trail
        for step in playbooks[trail[-1]].steps if trail[-1] in playbooks else ():
            if step.call and step.call not in seen:
                seen.add(step.call)
                todo.append((*trail, step.call))
    return ()


def _objective(playbook: Playbook, roads: _Map, world: World) -> Iterator[Finding]:
    """The longest way that never goes back, each step taking all of its time."""
    if playbook.objective is None:
        return
    least, most = playbook.objective
    times = {step.id: _time(step, world) for step in playbook.steps}
    alone = [step for step in playbook.steps if times[step.id] > most]
    for step in alone:
        yield Finding("PB301", f"{_minutes(times[step.id])} alone exceed {_minutes(most)}", step.id, ("timebox",))
    longest, way = _longest(roads, times)
    if longest > most and not alone:
        text = f"{' + '.join(way)} may take {_minutes(longest)}, more than {_minutes(most)}"
        yield Finding("PB301", text, "", ("objective", "at_most"))
    if longest < least and all(times[step.id] for step in playbook.steps):
        text = f"the longest way must be over after {_minutes(longest)}, before {_minutes(least)}"
        yield Finding("PB302", text, "", ("objective", "at_least"))


def _time(step: Step, world: World) -> timedelta:
    if step.timebox is not None:
        return step.timebox
    child = world.playbooks.get(step.call)
    return child.objective[1] if child is not None and child.objective is not None else _ZERO


def _longest(roads: _Map, times: Mapping[str, timedelta]) -> tuple[timedelta, tuple[str, ...]]:
    """How long the longest way takes, and its steps. Ways forward lead to higher numbers: the last comes first."""
    best: dict[int, tuple[timedelta, tuple[str, ...]]] = {roads.end: (_ZERO, ())}
    forward: dict[int, set[int]] = {}
    for edge in roads.edges:
        if not roads.back(edge):
            forward.setdefault(roads.source(edge), set()).add(roads.target(edge))
    for index in reversed(range(roads.end)):
        slowest = max(roads.units[index], key=lambda step: times[step.id])
        rest = max((best[target] for target in forward.get(index, ())), default=(_ZERO, ()))
        own = times[slowest.id]
        # Nobody waits for a parallel step, except at the end.
        beside = slowest.parallel and rest[0] >= own
        best[index] = rest if beside else (own if slowest.parallel else own + rest[0], (slowest.id, *rest[1]))
    return best[0]


def _minutes(length: timedelta) -> str:
    return f"{length.total_seconds() / 60:g} min"


def _handed(playbook: Playbook, world: World) -> Iterator[Finding]:
    """Variables whose values go on in other playbooks: what an alert says is nobody's answer."""
    own = {variable.name for variable in playbook.variables}
    for step in playbook.steps:
        ways: list[tuple[str, tuple[Key, ...]]] = [(step.call, ("playbook",))]
        ways += [(option.playbook, ("options", option.id, "playbook")) for option in step.options]
        for name, keys in ways:
            other = world.playbooks.get(name)
            for variable in other.variables if other is not None else ():
                if variable.name in own and not (variable.source or _limited(variable)):
                    alert = _alert(variable.name, playbook, world)
                    if alert:
                        text = (
                            f"{variable.name} is what {alert} says, and {name} asks a person for it: "
                            "give it a `pattern` or `choices` there"
                        )
                        yield Finding("PB209", text, step.id, keys)


def _limited(variable: Variable) -> bool:
    return bool(variable.pattern or variable.choices)


def _alert(name: str, playbook: Playbook, world: World) -> str:
    """Where an alert chooses the value of a variable, here or in a playbook that hands it on; empty when none does."""
    todo, seen = [playbook], {playbook.name}
    while todo:
        one = todo.pop(0)
        found = next((variable for variable in one.variables if variable.name == name), None)
        if found is None:
            continue
        if found.source.startswith("alert."):
            return found.source
        for other in world.playbooks.values() if _limited(found) else ():
            if other.name not in seen and any(
                one.name in (step.call, *(option.playbook for option in step.options)) for step in other.steps
            ):
                seen.add(other.name)
                todo.append(other)
    return ""
