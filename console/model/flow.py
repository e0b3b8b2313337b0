"""Where each step of a playbook leads: what `oncall playbook lint` walks along and `oncall playbook graph` draws."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from console.model.playbook import Checklist, Do, Mode, Playbook, Step, StepKind
from console.model.value import value

Key = str | int
"""One step of the way to a value in the file: a key, an id in a list of named things, or a number in any other list."""


class Way(StrEnum):
    """Why one step follows another. ORDER: it is the next one. CHOICE: a person chose it. REACTION: it happens by
    itself, because something was late or failed."""

    ORDER = "order"
    CHOICE = "choice"
    REACTION = "reaction"


@value
class Edge:
    """A way from one step to another. `target` is empty at the end of the run, with the playbook it goes on in, if any.
    `keys` lead from the step to where the file says so."""

    source: str
    target: str
    way: Way
    label: str = ""
    keys: tuple[Key, ...] = ()
    playbook: str = ""


def units(playbook: Playbook) -> tuple[tuple[Step, ...], ...]:
    """The steps in order, those that start together as one: a group, or a list that is confirmed in any order."""
    lists = {item.id: item for item in playbook.checklists}
    found: list[list[Step]] = []
    last = ""
    for step in playbook.steps:
        name = _together(step, lists.get(step.checklist))
        if name and name == last:
            found[-1].append(step)
        else:
            found.append([step])
        last = name
    return tuple(tuple(unit) for unit in found)


def _together(step: Step, checklist: Checklist | None) -> str:
    if step.group:
        return f"group {step.group}"
    if checklist is not None and checklist.mode is Mode.DO_CONFIRM and not is_call(step, checklist):
        return f"list {checklist.id}"
    return ""


def is_call(step: Step, checklist: Checklist) -> bool:
    """Whether the step is the completion call at the end of its list, which the reader has made of a key."""
    return bool(checklist.completion_call) and step.id == f"{checklist.id}-complete"


def calls(playbook: Playbook) -> frozenset[str]:
    """The ids of the steps that are completion calls."""
    lists = {item.id: item for item in playbook.checklists}
    return frozenset(
        step.id for step in playbook.steps if step.checklist in lists and is_call(step, lists[step.checklist])
    )


def edges(playbook: Playbook) -> Iterator[Edge]:
    """Every way from every step, in the order of the file; those to steps that do not exist are left out."""
    found = units(playbook)
    known = {step.id for step in playbook.steps}
    for index, unit in enumerate(found):
        following = found[index + 1][0].id if index + 1 < len(found) else ""
        for step in unit:
            yield from (edge for edge in _of(step, following) if not edge.target or edge.target in known)


def _of(step: Step, following: str) -> Iterator[Edge]:
    if step.kind is StepKind.DECISION:
        for option in step.options:
            keys: tuple[Key, ...] = ("options", option.id, *(("goto",) if option.goto else ()))
            if option.playbook:
                yield Edge(step.id, "", Way.CHOICE, option.label, ("options", option.id, "playbook"), option.playbook)
            else:
                yield Edge(step.id, option.goto or following, Way.CHOICE, option.label, keys)
    else:
        # Somebody's agreement stands between an approval and what follows: it is no way that takes itself.
        yield Edge(step.id, following, Way.CHOICE if step.kind is StepKind.APPROVAL else Way.ORDER)
    for why, reactions, key in (
        ("overdue", step.on_overdue, ("on_overdue",)),
        ("failed", step.on_failure.then, ("on_failure", "then")),
    ):
        for reaction in reactions:
            if reaction.do is Do.GOTO:
                yield Edge(step.id, reaction.to, Way.REACTION, why, (*key, "goto"))
            elif reaction.do is Do.GO_ON:
                yield Edge(step.id, following, Way.REACTION, why, key)
            elif reaction.do is Do.ABORT:
                yield Edge(step.id, "", Way.REACTION, why, key)
