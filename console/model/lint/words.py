"""What the lists say, and whether they can be read on a bad night: the rules of Degani, Wiener and Gawande."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from console.model.flow import Way, calls, edges, units
from console.model.lint.finding import Finding
from console.model.playbook import Playbook

LONGEST = 9
"""Steps of one list. Five to seven are read; more are skimmed."""

_EMPTY = (
    "done ok okay yes no checked check confirmed confirm verified verify complete completed finished fine good ready"
    " set acknowledged success successful succeeded passed pass true looks works working as expected normal"
)
"""Words that state no value."""
_UNSAID = "todo"
"""How `oncall playbook import` begins what a runbook does not say."""
_FILLING = "it is it's its all and the a has have been was were everything that this now are"
_SAYING_NOTHING = frozenset(f"{_EMPTY} {_FILLING}".split())
_WORD = re.compile(r"[\w'%]+")


def rules(playbook: Playbook) -> Iterator[Finding]:
    """Everything about words and lists."""
    made = calls(playbook)
    steps = [step for step in playbook.steps if step.id not in made]
    seen: dict[tuple[str, str], str] = {}
    for step in steps:
        words = [word.lower() for word in _WORD.findall(step.response)]
        telling = [word for word in words if word not in _SAYING_NOTHING]
        if words and (not telling or words[0] == _UNSAID):
            text = f"{step.response!r} states no value: say what is seen, such as `below 300 ms`"
            yield Finding("PB601", text, step.id, ("response",))
        challenge = (step.checklist, " ".join(step.challenge.lower().split()))  # another list may ask it again
        first = seen.setdefault(challenge, step.id)
        if first != step.id:
            yield Finding("PB602", f"{first} says the same", step.id, ("challenge",))
    length: dict[str, int] = {}
    for step in steps:
        length[step.checklist] = length.get(step.checklist, 0) + 1
        if length[step.checklist] == LONGEST + 1:
            text = f"the list is longer than {LONGEST} steps: split it into checklists, each with a pause point"
            yield Finding("PB603", text, step.id)
    if len(playbook.checklists) > 1:
        yield from _lists(playbook)


def _lists(playbook: Playbook) -> Iterator[Finding]:
    going_on = set(_ends_reached(playbook))
    for item in playbook.checklists:
        if not item.completion_call and item.id in going_on:
            text = f"nobody hears that {item.id} is complete"
            yield Finding("PB604", text, "", ("checklists", item.id, "completion_call"))
        if not item.pause_point:
            text = f"nothing says when {item.id} is read"
            yield Finding("PB605", text, "", ("checklists", item.id, "pause_point"))


def _ends_reached(playbook: Playbook) -> Iterator[str]:
    """The lists whose end is reached in order: one that ends with a decision may be left by its jumps alone."""
    found = units(playbook)
    for unit, after in zip_longest(found, found[1:]):
        following = after[0].id if after else ""
        if unit[0].checklist != (after[0].checklist if after else None):
            ids = {step.id for step in unit}
            ways = [edge for edge in edges(playbook) if edge.source in ids and edge.way is not Way.REACTION]
            if any(edge.target == following and not edge.playbook and edge.keys[-1:] != ("goto",) for edge in ways):
                yield unit[0].checklist
