"""The checklist of a run on a real terminal, in the states in which somebody must know what to do within five seconds.
One console shows one state after the other: each is a run of its own."""

from __future__ import annotations

import sys

import pytest

from tests.tty.terminal import Terminal
from tests.tty.test_visible import SIZES, check_contrast, leave, see

pytestmark = pytest.mark.tty

# The picker of checklists lists the newest first.
STATES = (
    ("running", r"STEP 1 of 9 +LOOK AT THE POOL +\d:\d\d left of 2 min", r"now +do it, then c with what you observe"),
    (
        "overdue",
        r"STEP 3 of 9 .*OVERDUE by 1:\d\d",
        r"late +since 14:31:05Z; done by itself: the next level is told",
        r"LATE by at least \d+:\d\d: at least 1\d:\d\d left to do",
    ),
    ("approval", r"now +▲ WAITS FOR APPROVAL: v approves, f refuses; the incident commander"),
    ("blind", r"now +\? CANNOT VERIFY \(STALE\): it does not close by itself", r"reads +\? value <= 32 .*\(38, "),
    ("held", r"ON HOLD +since 14:31:10Z .*: the DBA looks at it first\. +u resumes", r"left, ON HOLD"),
    (
        "failed",
        r"now +✖ FAILED: exit 1: connection refused",
        r"failed: exit 1 after 4 s",
        r"connect: connection refused",
    ),
    ("second", r"now +▲ WAITS FOR A SECOND PERSON: ", r"runs +kubectl --namespace=lighthouse rollout restart"),
    ("program", r"now +its program runs here, 0:\d\d of 1:00; .* K stops it", r"output +deployment.apps/elicitation"),
)


@SIZES
def test_a_night_of_runs(columns, rows):
    names = [name for name, *_ in STATES]
    with Terminal([sys.executable, "-m", "tests.tui.screen", "night", *names], columns=columns, rows=rows) as terminal:
        terminal.wait_for("SEV2 INC-1")
        for place, (name, *patterns) in enumerate(reversed(STATES), start=1):
            terminal.press("3")
            terminal.wait_for("Checklists", "RUN-")
            terminal.press(str(place))
            see(terminal, *patterns)
            assert "SEV2 INC-1" in terminal.lines[1], name
        check_contrast(terminal)
        terminal.press("3")
        terminal.wait_for("Checklists")
        terminal.press(str(len(names)))
        see(terminal, r"STEP 1 of 9")
        terminal.press("c")
        terminal.wait_for("What did you observe?")
        terminal.type("38 of 40")
        terminal.press("enter")
        see(terminal, r"STEP 2 of 9 +RAISE THE POOL OR RESTART\?", r"1 ADVISED Restart it +to 3 Agree to the restart")
        leave(terminal, running=True)
