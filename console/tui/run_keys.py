"""The registry's part for a run: the checklist of a playbook."""

from __future__ import annotations

from console.tui import run_situation as when
from console.tui.action import Action

RUN_ACTIONS: tuple[Action, ...] = (
    Action(
        "next",
        "enter",
        "Do it",
        "What the step asks for now: carry it out, choose, approve, open, or complete it",
        "run",
        enabled=when.next_step,
        footer=1,
        writes=True,
    ),
    Action(
        "complete",
        "c",
        "Complete",
        "Close the step on what you observed; on a decision, choose",
        "run",
        enabled=when.active,
        footer=2,
        writes=True,
    ),
    Action(
        "carry-out",
        "e",
        "Carry out",
        "Run the program, set the flag or send the message of the step; asks once",
        "run",
        enabled=when.carry_out,
        writes=True,
    ),
    Action("fail", "f", "Fail", "It did not work, or is refused: say why", "run", when.active, footer=3, writes=True),
    Action("skip", "s", "Skip", "Go on without this step", "run", enabled=when.skip, footer=4, writes=True),
    Action(
        "retry",
        "t",
        "Try again",
        "Start a failed step again, with a new timebox",
        "run",
        enabled=when.failed,
        footer=5,
        writes=True,
    ),
    Action(
        "expire",
        "x",
        "End wait",
        "End a wait by decision: what is left, and why",
        "run",
        enabled=when.expire,
        footer=6,
        writes=True,
    ),
    Action(
        "approve",
        "v",
        "Approve",
        "Agree, as somebody of the role who did not start the run",
        "run",
        enabled=when.approve,
        writes=True,
    ),
    Action(
        "read-back",
        "b",
        "Read back",
        "As the second person, on your own console: type the target",
        "run",
        enabled=when.read_back,
        footer=1,
        seen=lambda at: not when.read_back(at),
        writes=True,
    ),
    Action(
        "take-step",
        "m",
        "Take",
        "Have the step on this console for five minutes; from another one with a reason",
        "run",
        enabled=when.take_step,
        footer=1,
        seen=when.elsewhere,
        writes=True,
    ),
    Action("hold", "h", "Hold", "Stop every clock of the run: say why", "run", when.hold, footer=8, writes=True),
    Action(
        "resume",
        "u",
        "Resume",
        "Go on with a run that is on hold or was aborted",
        "run",
        enabled=when.resume,
        footer=7,
        writes=True,
    ),
    Action("step-details", "d", "Details", "The step in full: output, evidence, attempts", "run", when.details, 9),
    Action(
        "related-run", "o", "Other run", "The run that the step called, or that called this one", "run", when.related
    ),
    Action(
        "stop-program",
        "K",
        "Stop program",
        "End the program of the step, and all that it started; asks once",
        "run",
        enabled=when.stop_program,
        footer=1,
        seen=lambda at: not when.stop_program(at),
        writes=True,
    ),
    Action(
        "abort",
        "X",
        "Abort run",
        "End the run where it stands, with a reason",
        "run",
        enabled=when.running,
        writes=True,
    ),
)

ON_A_STEP = frozenset(
    {
        "next",
        "complete",
        "carry-out",
        "fail",
        "skip",
        "retry",
        "expire",
        "approve",
        "read-back",
        "take-step",
        "step-details",
        "stop-program",
    }
)
"""Actions on the step under the cursor."""
