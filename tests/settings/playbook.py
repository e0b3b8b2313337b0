"""A playbook from a text, and what is said of it."""

from __future__ import annotations

from textwrap import dedent, indent

from console.model.playbook import Playbook, Step
from console.settings import tree
from console.settings.nodes import Node
from console.settings.playbook.reader import read_playbook
from console.settings.problems import Problems
from console.settings.references import References

HEAD = """\
apiVersion: oncall/v1
kind: Playbook
name: example
title: An example
severities: SEV1-SEV3
owner: us
reviewed: 2026-11-21
"""
STEP = "- {id: last, title: The last, challenge: c, response: r}"
"""A step to go to."""


def read(text: str | bytes) -> tuple[Playbook | None, list[str], References]:
    """The playbook, and the lines on what is wrong with it."""
    problems, references = Problems(), References()
    data = text if isinstance(text, bytes) else text.encode()
    documents = tree.parse("p.yaml", data, problems)
    playbook = read_playbook(Node("p.yaml", documents[0], problems), references)[0] if documents else None
    return playbook, [str(problem) for problem in sorted(problems._found)], references


def playbook(text: str) -> Playbook:
    """A playbook in which nothing is wrong, from what follows its head."""
    found, lines, _ = read(HEAD + dedent(text))
    assert lines == []
    assert found is not None
    return found


def stepped(text: str, more: str = "") -> str:
    """A playbook with one step of these keys, and a last one to go to."""
    keys = indent(dedent(text).strip("\n"), "  ")
    return f"{HEAD}{dedent(more)}steps:\n- id: one\n  title: One\n  challenge: c\n  response: r\n{keys}\n{STEP}\n"


def step(text: str, more: str = "") -> Step:
    """The step of `stepped`."""
    found, lines, _ = read(stepped(text, more))
    assert lines == []
    assert found is not None
    return found.steps[0]


def refused(text: str, more: str = "") -> list[str]:
    """What is said of the step of `stepped`: without file and place, which are asserted elsewhere."""
    _, lines, _ = read(stepped(text, more))
    return [line.split(": ", 1)[1].removeprefix("steps[0].").removeprefix("steps[0]: ") for line in lines]
