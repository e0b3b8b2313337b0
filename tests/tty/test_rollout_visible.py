"""The rollout on a real terminal, in the states in which somebody must know what to do within five seconds."""

from __future__ import annotations

import sys

import pytest

from tests.tty.terminal import Terminal
from tests.tty.test_visible import SIZES, check_contrast, leave, see

pytestmark = pytest.mark.tty

# What is seen on the Overview, on Rollout (0), on Rollback (B), on Decision (V).
STATES = {
    "baking": (
        [r"decides to 50 % in \d min, (now )?HOLD", r"P99 latency +pass +182 ms",
         r"UNTIL +start by 15:19:22Z, in 4\d min",
         r"TIME +14-20 min .*P\(≤15 min\) 60 % P\(≤20 min\)"],
        [r"set 25 % . flag 25 % . measured 24\.8 %", r"✔ P99 latency +pass +0\.4 % +1 % +\+0\.60 pt +0\.31 % +26,412",
         r"NEXT +\? 25 to 50 %: HOLD +2 required unknown.* V shows why",
         r"BACK +✔ YES \(12/12 proven\)\W+14-20 min\W+start by 15:19:22Z, in 4\d min",
         r"last safe point 5 % . revision 2\.14\.0", "R ROLL BACK +P Promote"],
        [r"✔ CAN ROLL BACK: YES \(12/12 proven\)", r"UNTIL +start by 15:19:22Z, in 4\d min", "R ROLL BACK"],
        [r"\? 25 to 50 %: HOLD +2 required unknown", r"\? UNKNOWN +Somebody else agrees"],
    ),
    "inconclusive": (
        [r"waits, (now )?HOLD: 412 of 10,000 requests",
         r"\? P99 latency +INCONCLUSIVE +182 ms .* limit 1 %, 12 min more"],
        [r"bake over, to 50 % waits, now HOLD: 412 of 10,000 requests", r"12 min more of this traffic; between 0\.3 %"],
        [r"CAN ROLL BACK: YES"],
        [r"HOLD +2 required unknown", r"\? UNKNOWN +Every guardrail passed"],
    ),
    "breached": (
        [r"✖ +ROLL BACK +R starts it\. P99 latency: 48\.1 %", r"✖ P99 latency +BREACH +612 ms +48\.1 % of 1,204",
         r"no promotion.*guardrail (is )?breached", "R ROLL BACK"],
        [r"✖ +ROLL BACK +R starts it", r"NEXT +✖ 25 to 50 %: NO-GO +1 required FAIL",
         r"BACK +\? UNVERIFIED \(11/12 proven\)\W+14-20 min\W+start by 14:39:40Z, in \d:\d\d", "R ROLL BACK"],
        [r"✖ +ROLL BACK +R starts it", r"\? EXPIRED +41 d 0 h +write-path", "expired 11 d 0 h ago", "R ROLL BACK"],
        [r"✖ 25 to 50 %: NO-GO +1 required FAIL", "R ROLL BACK"],
    ),
    "countdown": (
        [r"ROLLBACK STARTS BY ITSELF IN 0:\d\d +H stops it", r"✖ P99 latency +BREACH +612 ms"],
        [r"ROLLBACK STARTS BY ITSELF IN 0:\d\d", r"✖ P99 latency +BREACH fast +48\.1 %"],
        [r"\? CAN ROLL BACK: UNVERIFIED \(11/12 proven\) expired: write-path",
         r"UNTIL +start by 14:39:40Z, in \d:\d\d"],
        [r"✖ 25 to 50 %: NO-GO +1 required FAIL", r"no promotion to 50 %: a guardrail is breached"],
    ),
    "rolling": (
        [r"ROLLING BACK +3 shows the steps\. RUN-\d+, 2 of 7 steps in \d min, 8-13 min to go", r"\[▸0\] ─ 5 ─ 25",
         r"TO GO +8\.2 min \(P80 10\.7, P95 12\.8\)"],
        [r"ROLLING BACK", r"set 0 % . flag 0 % . measured 0 %", r"BACK +✔ YES \(12/12 proven\)\W+8\.2 min to go"],
        [r"CLOCK +\d:\d\d elapsed of 20 min, 1\d:\d\d left of the objective", r"TO GO +8\.2 min",
         r"▸ Drain in-flight requests +\d:\d\d +usually 5:12", r"✔ Disable the flag +1:\d\d"],
        [r"ROLLING BACK"],
    ),
    "passed": (
        [r"✖ CAN ROLL BACK: NO \(10/12 proven\) failed: no-return, data", r"UNTIL +POINT OF NO RETURN PASSED +passed",
         r"\[▸100\] % +measured 99\.9 % +decide now to finish: GO"],
        [r"\[▸100\] %", r"BACK +✖ NO \(10/12 proven\)\W+14-20 min\W+POINT OF NO RETURN PASSED",
         r"▲ Replicas of elicitation +SCARCE +10 of 10 pods"],
        [r"POINT OF NO RETURN PASSED", r"✖ FAILED .*no-return +passed 42 min ago", r"R starts it all the same"],
        [r"✔ finish at 100 %: GO +all required pass"],
    ),
    "unknown": (
        [r"\? CAN ROLL BACK: UNVERIFIED \(0/12 proven\)", r"TIME +unknown: no rollback and no drill was measured",
         r"UNTIL +unknown: no rollback was|TIME .*; until unknown", "measured UNREACHABLE"],
        [r"set unknown . flag UNREACHABLE . measured UNREACHABLE", r"\? P99 latency +INCONCLUSIVE +\? ",
         r"NEXT +\? 0 to 5 %: HOLD +\d+ required unknown", r"BACK +\? UNVERIFIED .* time unknown . until unknown"],
        [r"DRIVERS +unknown: no step was measured", r"UNTIL +unknown", r"\? UNKNOWN +- +kill-switch"],
        [r"\? 0 to 5 %: HOLD +\d+ required unknown"],
    ),
}  # fmt: skip


@SIZES
@pytest.mark.parametrize("name", STATES)
def test_what_to_do_is_seen(columns, rows, name):
    overview, rollout, rollback, decision = STATES[name]
    with Terminal([sys.executable, "-m", "tests.tui.screen", "rollout", name], columns=columns, rows=rows) as terminal:
        see(terminal, *overview)
        for key, patterns in (("0", rollout), ("B", rollback), ("V", decision)):
            terminal.press(key)
            see(terminal, *patterns)
            check_contrast(terminal)
        if name in ("unknown", "inconclusive"):
            assert "✔ P99" not in terminal.text
        leave(terminal, running=name == "rolling")
