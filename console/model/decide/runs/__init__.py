"""The rules of playbook runs.

`flow` says what follows; `steps`, `acting` and `control` answer what people want; `settling` and `due` say what happens
by itself; `authority`, `seeing` and `telling` say who may, what is shown, and who is told.
"""

from console.model.decide.runs.acting import in_doubt, run_program, send_notice, set_flag
from console.model.decide.runs.control import abort, hold, resume, start, trust
from console.model.decide.runs.settling import effect_outcome, settle, watched
from console.model.decide.runs.steps import complete, confirm, expire, fail, retry, skip, take

__all__ = [
    "abort",
    "complete",
    "confirm",
    "effect_outcome",
    "expire",
    "fail",
    "hold",
    "in_doubt",
    "resume",
    "retry",
    "run_program",
    "send_notice",
    "set_flag",
    "settle",
    "skip",
    "start",
    "take",
    "trust",
    "watched",
]
