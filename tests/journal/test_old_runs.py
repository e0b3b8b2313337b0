"""Runs that older programs wrote down: their bytes are read for ever, and mean what they meant."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.journal.codec import decode
from console.model import events as ev
from console.model.events import Recorded
from console.model.people import Actor, Severity
from console.model.playbook import Check, Option, Playbook, Step, StepKind
from console.model.run import RunStatus, StepStatus
from console.model.state import State, apply

AT = datetime(2026, 3, 28, 22, 32, tzinfo=UTC)
LINES = (Path(__file__).parent / "golden" / "runs_v1.txt").read_text().splitlines()
RAW = {kind: payload.encode() for kind, _, payload in (line.partition(" ") for line in LINES)}
"""The payload that the program of 2026-11-20 wrote for each kind, version 1."""

PLAYBOOK = Playbook(
    "emergency-rollback",
    "Emergency rollback",
    (Severity.SEV1,),
    "platform",
    "2026-11-01",
    (
        Step(
            "disable",
            "Disable",
            "Do it",
            "Flag at 0 %",
            StepKind.FLAG,
            timebox=timedelta(minutes=2),
            parallel=True,
            look_at=(Check("health.legacy", ">=", 1.0),),
            verify=Check("rollout.percent", "<=", 0.0),
            confirm="CLEAR {target}",
            flag="elicitation",
        ),
        Step(
            "decide",
            "Decide",
            "Which way?",
            "A choice",
            StepKind.DECISION,
            options=(
                Option("a", "A", goto="disable"),
                Option("b", "B", playbook="other", when=Check("guardrail.p99", ">", 500.0)),
            ),
        ),
    ),
    ('alertname="X"',),
    "Back.",
    (timedelta(minutes=15), timedelta(minutes=20)),
)
MEANT = {
    "run.started": ev.RunStarted("inc-1", PLAYBOOK, "hash-1", "lighthouse/production"),
    "run.step_started": ev.StepStarted("disable", "incident commander", AT, 2),
    "run.step_completed": ev.StepCompleted(
        "disable", "0 %", "a", "CLEAR x", "rollout.percent = 0", "Prometheus is down"
    ),
    "run.step_failed": ev.StepFailed("disable", "403"),
    "run.step_skipped": ev.StepSkipped("disable", "by hand"),
    "run.step_expired": ev.StepExpired("disable", "2 left", "too old"),
    "run.step_overdue": ev.StepOverdue("disable", AT, 2, 12.5),
    "run.finished": ev.RunFinished("continued", "Decide: B", "run-2"),
    "effect.intended": ev.EffectIntended("e1", "flag", "elicitation", "set to 0 %", "disable"),
    "effect.finished": ev.EffectFinished("e1", "refused", "403"),
}


@pytest.mark.parametrize("kind", sorted(MEANT))
def test_an_old_payload_reads_as_what_it_meant(kind):
    assert decode(kind, 1, RAW[kind]) == MEANT[kind]


def test_every_golden_payload_is_looked_at():
    assert RAW.keys() == MEANT.keys()


def test_an_old_run_is_the_run_it_was():
    state = State()
    kinds = ("run.started", "run.step_started", "effect.intended", "effect.finished", "run.step_overdue")
    for version, kind in enumerate((*kinds, "run.step_completed", "run.finished"), start=1):
        about = ("2", AT, AT, Actor("alice", "alice"), "c1", "", "live")
        apply(state, Recorded(version, "run:r1", version, kind, 1, *about, decode(kind, 1, RAW[kind])))
    run = state.runs["r1"]
    step = run.steps["disable"]
    assert (run.status, run.next_run, run.started_by) == (RunStatus.CONTINUED, "run-2", Actor("alice", "alice"))
    assert (step.status, step.attempt, step.override) == (StepStatus.DONE, 2, "Prometheus is down")
    assert step.overdue_fired
    assert [(effect.outcome, effect.answer) for effect in run.effects] == [("refused", "403")]
    assert run.held_at is None
    assert not step.holder
