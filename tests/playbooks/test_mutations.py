"""Every playbook that ships, broken mechanically: lint finds what is wrong, with its code, on its line."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache

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


def test_what_is_broken_is_found_on_its_line():
    made = [mutant for path in FILES for mutant in mutants(path.name, path.read_text())]
    survivors = [mutant for mutant in made if not found(mutant)]

    total, lost = Counter(item.operator for item in made), Counter(item.operator for item in survivors)
    for name in OPERATORS:
        print(f"{name:28} {OPERATORS[name][0]}  {total[name] - lost[name]:3} of {total[name]:3}")
    share = 1 - len(survivors) / len(made)
    print(f"{len(made)} mutants by {len(total)} operators of {len(FILES)} playbooks: {share:.1%} found")
    for mutant in survivors:
        print(f"  not found: {mutant.name} ({mutant.code}): {SURVIVORS.get(mutant.step, 'NO REASON IS KNOWN')}")

    assert len(total) >= 14
    assert len(made) >= 300
    assert share >= 0.95
    assert {mutant.operator for mutant in survivors} <= {"dropped_branch"}
    assert {mutant.step for mutant in survivors} <= SURVIVORS.keys()
