"""A SEV1 in progress on a real terminal: what must be seen in five seconds, with an overdue update and unsent messages,
and when the sources and the disk are down, too."""

from __future__ import annotations

import sys

import pytest

from tests.tty.terminal import Terminal
from tests.tty.test_visible import SIZES, check_contrast, leave, see

pytestmark = pytest.mark.tty

SCREEN = [sys.executable, "-m", "tests.tui.screen"]


@SIZES
@pytest.mark.parametrize("case", ["sev1", "down"])
def test_a_sev1_in_progress(columns, rows, case):
    with Terminal([*SCREEN, case], columns=columns, rows=rows) as terminal:
        terminal.wait_for("SEV1 INC-1")
        terminal.press("2")
        see(
            terminal,
            r"SEV1 INC-1 INVESTIGATING .*IC alice .*update OVERDUE by \d+:\d\d .*\d NOT SENT",
            r"state +INVESTIGATING +s: identified",
            r"severity +SEV1 Critical",
            r"leads +alice \(IC\)",
            r"response +acknowledged",
            r"told .*level 2 secondary",
            r"update +UPDATE OVERDUE by \d+:\d\d",
            r"step +OVERDUE by \d+:\d\d .*Disable the flag",
            r"owed +\d NOT SENT +to slack-incidents; to undo: CHG-",
            r"L \[Log\].*C Changes 1!.*M Messages \d!",
        )
        if case == "down":
            see(terminal, r"ESCALATION NOT RUNNING", r"NOT SAVED: disk full", r"BLIND: prometheus UNREACHABLE")
        if columns >= 160:
            see(terminal, r"STEP 2 of 7 +DISABLE THE FLAG")
        terminal.press("P")
        see(terminal, r"lead +NOBODY ON CALL", r"secondary +bob +phone \+1 555 0101")
        terminal.press("8")
        see(terminal, r"NOT SENT +slack-incidents", r"mail +\? unproven", r"slack-incidents +✔ last proven 3 d")
        terminal.press("7")
        see(terminal, r"CHG-\d+ +in force override", r"undo: set pool back to 40")
        check_contrast(terminal)
        leave(terminal, running=True)
