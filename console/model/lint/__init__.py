"""What a schema cannot see in a playbook: `lint` finds it before a bad night does.

Rules are pure functions over a playbook; they name the step and the key, and `console/settings/lint.py` finds the place
in the file. `CODES` lists what they find; docs/playbooks.md explains it.
"""

from __future__ import annotations

from console.model.lint import care, names, upkeep, ways, words
from console.model.lint.finding import CODES, Finding, Grade, World
from console.model.lint.names import no_such
from console.model.playbook import Playbook

__all__ = ["CODES", "Finding", "Grade", "World", "lint", "no_such"]


def lint(playbook: Playbook, world: World, *, whole: bool = True) -> list[Finding]:
    """Everything that is wrong. Not `whole`: the reader has put stand-ins in place of what it refused, and only the
    names are judged."""
    found = list(names.rules(playbook, world))
    if whole:
        found += ways.rules(playbook, world)
        found += care.rules(playbook, world)
        found += words.rules(playbook)
        found += upkeep.rules(playbook, world)
    return found
