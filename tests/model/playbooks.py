"""Playbooks of the tests: one with a step of every kind, and those that it leads to."""

from __future__ import annotations

from datetime import timedelta

from console.model.people import Severity
from console.model.playbook import (
    Check,
    Do,
    LoadedPlaybook,
    Notice,
    OnFailure,
    Option,
    Playbook,
    Probe,
    Program,
    Reaction,
    Step,
    StepKind,
)
from tests.model.life import MINUTES, step

SECONDS = timedelta(seconds=1)
GO_ON, ABORT, FAIL, ESCALATE = Reaction(Do.GO_ON), Reaction(Do.ABORT), Reaction(Do.FAIL), Reaction(Do.ESCALATE)
QUERY = Check("query: up", "<=", 5.0, "up", 30 * SECONDS)
PROBE = Probe("https://lighthouse.example/health")
HEALTHY = Check(PROBE.reading, "==", 1.0)


def goto(name: str) -> Reaction:
    return Reaction(Do.GOTO, name)


def loaded(name: str, *steps: Step, hash: str = "", untrusted: str = "") -> LoadedPlaybook:
    """A playbook as if it was read from a file."""
    title = name.replace("-", " ").capitalize()
    book = Playbook(name, title, (Severity.SEV1, Severity.SEV2), "platform", "2026-11-01", steps)
    return LoadedPlaybook(book, hash or f"hash-of-{name}", f"{name}.yaml", untrusted)


RESTART = step(
    "restart",
    kind=StepKind.COMMAND,
    program=Program(("systemctl", "restart", "lighthouse")),
    verify=Check("health.lighthouse", ">=", 1.0),
    on_failure=OnFailure(3, 10 * SECONDS),
    undo="start the old unit",
    critical=True,
)
CHILD = loaded(
    "child",
    step("inspect"),
    step("cool-down", kind=StepKind.WAIT, verify=Check("inflight", "<=", 0.0), on_overdue=(GO_ON,)),
)
SECOND = loaded("second", step("stand-in"), step("all-clear"))
EVERY_KIND = loaded(
    "every-kind",
    step("aside", parallel=True),
    step("look", on_overdue=(ESCALATE,), undo="look away"),
    step("left", group="pair"),
    step("right", group="pair", on_failure=OnFailure(then=(goto("look"),))),
    step("query", kind=StepKind.QUERY, verify=QUERY, on_overdue=(FAIL,), on_failure=OnFailure(2, then=(goto("look"),))),
    step("http", kind=StepKind.HTTP, probe=PROBE, verify=HEALTHY, on_overdue=(Reaction(Do.NOTIFY, "slack"), GO_ON)),
    step(
        "choose",
        kind=StepKind.DECISION,
        options=(
            Option("again", "Look again", goto="look"),
            Option("on", "Go on"),
            Option("far", "No restart", goto="tell"),
            Option("other", "Something else", playbook="second"),
        ),
    ),
    RESTART,
    step(
        "disable",
        kind=StepKind.FLAG,
        flag="elicitation",
        percent=0,
        verify=Check("rollout.percent", "<=", 0.0),
        second_person=True,
        confirm="DISABLE {target}",
    ),
    step("tell", kind=StepKind.NOTIFY, notice=Notice("slack", "We restart now"), on_failure=OnFailure(then=(GO_ON,))),
    step("agree", kind=StepKind.APPROVAL, role="incident commander", on_failure=OnFailure(then=(ABORT,))),
    step("call", kind=StepKind.PLAYBOOK, call="child", on_failure=OnFailure(then=(goto("choose"),))),
    step(
        "drain",
        kind=StepKind.WAIT,
        verify=Check("inflight", "<=", 0.0, hold=20 * SECONDS),
        on_overdue=(ESCALATE, goto("disable")),
    ),
    step("bake", kind=StepKind.WAIT, timebox=1 * MINUTES, on_overdue=(GO_ON,)),
    step("close", critical=True, skip_needs_reason=False),
)
