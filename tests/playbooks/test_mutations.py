"""Every playbook that ships, broken mechanically: lint finds what is wrong, with its code, on its line."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from console.settings.lint import Linter, linter
from tests.playbooks.mutants import OPERATORS, Mutant, mutants
from tests.servers import REPO

FILES = sorted((REPO / "playbooks").glob("*.yaml"))
TODAY = date(2026, 11, 21)
ELSE = "one of the other options has no condition and takes the case: only its author knows that it had its own branch"
NONE = "none of the options has a condition: only its author knows which branches there must be"
SURVIVORS = {
    "bridge-down.yaml: what-is-it": ELSE,
    "cross-team-coordination.yaml: look": NONE,
    "dependency-outage.yaml: what-now": ELSE,
    "error-rate-high.yaml: which-part": ELSE,
    "failed-deployment.yaml: is-there-a-way-back": ELSE,
    "major-incident-command.yaml: choose-a-way": ELSE,
    "memory-leak.yaml: now-or-later": ELSE,
    "p99-latency-high.yaml: which-cause": ELSE,
    "phase-promotion.yaml: where-are-we": ELSE,
    "phase-promotion.yaml: after-5": ELSE,
    "phase-promotion.yaml: after-25": ELSE,
    "phase-promotion.yaml: after-50": ELSE,
    "phase-promotion.yaml: after-75": ELSE,
    "rate-limit-violations.yaml: ours-or-theirs": ELSE,
    "replication-lag.yaml: what-blocks": ELSE,
    "websocket-drops.yaml: who-closes": ELSE,
}
"""Decisions of which lint does not miss a branch that was dropped, each with the reason."""


@cache
def judge() -> Linter:
    return linter(REPO / "config", TODAY)


def found(mutant: Mutant) -> bool:
    findings = judge().data(mutant.file, mutant.text.encode())
    return any(item.code == mutant.code and item.line in mutant.lines for item in findings)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_ships_gives_no_finding(path):
    assert [str(item) for item in judge().data(str(path), path.read_bytes())] == []


@cache
def made(path: Path) -> tuple[Mutant, ...]:
    return tuple(mutants(path.name, path.read_text()))


def may_survive(mutant: Mutant) -> bool:
    return mutant.operator == "dropped_branch" and mutant.step in SURVIVORS


def test_there_are_enough_of_them():
    every = [item for path in FILES for item in made(path)]
    total = Counter(item.operator for item in every)
    for name in OPERATORS:
        print(f"{name:28} {OPERATORS[name][0]}  {total[name]:3}")
    print(f"{len(every)} mutants by {len(total)} operators of {len(FILES)} playbooks")
    assert len(total) >= 14
    assert len(every) >= 300
    # No other one survives the test below.
    excused = sum(map(may_survive, every))
    print(f"{1 - excused / len(every):.1%} are found, or more")
    assert excused <= 0.05 * len(every)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_broken_is_found_on_its_line(path):
    survivors = [mutant for mutant in made(path) if not found(mutant)]
    for mutant in survivors:
        print(f"  not found: {mutant.name} ({mutant.code}): {SURVIVORS.get(mutant.step, 'NO REASON IS KNOWN')}")
    assert [mutant.name for mutant in survivors if not may_survive(mutant)] == []
