"""The flow of a playbook as a Mermaid flowchart, for a wiki or a merge request."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from console.model.flow import Way, edges, units
from console.model.playbook import ACTING, OBSERVED, Playbook, Step, StepKind
from console.model.text import safe
from console.view.times import timebox


def mermaid(playbook: Playbook) -> str:
    """Ids are numbers of ours; what the playbook says stands in quoted labels alone, and is escaped there."""
    return "\n".join(_lines(playbook)) + "\n"


def _lines(playbook: Playbook) -> Iterator[str]:
    ids = {step.id: f"s{number}" for number, step in enumerate(playbook.steps, 1)}
    lists = {item.id: item for item in playbook.checklists}
    found = units(playbook)
    yield "flowchart TD"
    yield f"  start([{quoted(playbook.title)}]) --> {ids[playbook.steps[0].id]}"
    for number, (name, part) in enumerate(groupby(found, key=lambda unit: unit[0].checklist), 1):
        inside = name in lists
        if inside:
            yield f"  subgraph c{number}[{quoted(lists[name].title)}]"
        for unit in part:
            if len(unit) > 1:
                yield f"  subgraph g{ids[unit[0].id][1:]}[{quoted('together')}]"
            yield from (f"  {ids[step.id]}{_node(step)}" for step in unit)
            if len(unit) > 1:
                yield "  end"
        if inside:
            yield "  end"
    yield f"  finish([{quoted('the end')}])"
    called = dict.fromkeys(
        name for step in playbook.steps for name in (step.call, *(option.playbook for option in step.options)) if name
    )
    others = {name: f"p{number}" for number, name in enumerate(called, 1)}
    yield from (f"  {own}[[{quoted(name)}]]" for name, own in others.items())
    for edge in edges(playbook):
        target = others[edge.playbook] if edge.playbook else ids.get(edge.target, "finish")
        label = f"|{quoted(edge.label)}|" if edge.label else ""
        yield f"  {ids[edge.source]} {'-.->' if edge.way is Way.REACTION else '-->'}{label} {target}"
    yield from (f"  {ids[step.id]} --- {others[step.call]}" for step in playbook.steps if step.call)


def quoted(text: str) -> str:
    """A label. Everything that Mermaid, Markdown or HTML would read in it is written as a character's number."""
    return '"' + "".join(char if char not in _SPECIAL else f"#{ord(char)};" for char in safe(text)) + '"'


_SPECIAL = frozenset('"#<>&`%\\{}[]|;')


def _node(step: Step) -> str:
    facts = f"{step.kind}{f', {timebox(step.timebox)}' if step.timebox is not None else ''}"
    label = quoted(f"{step.title} ({facts})")
    if step.kind is StepKind.DECISION:
        return "{" + label + "}"
    if step.kind is StepKind.APPROVAL:
        return "{{" + label + "}}"
    if step.kind in OBSERVED:
        return f"([{label}])"
    return f"[/{label}/]" if step.kind in ACTING else f"[{label}]"
