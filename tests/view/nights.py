"""Runs of a bad night: one in each state that somebody must be able to read in five seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from console.model import commands as cmd
from console.model.people import Actor, Severity
from console.model.playbook import (
    Check,
    Checklist,
    Do,
    LoadedPlaybook,
    Mode,
    Notice,
    OnFailure,
    Option,
    Playbook,
    Program,
    Reaction,
    Step,
    StepKind,
)
from console.model.run import Effect, Job, Run, StepRun, StepStatus
from tests.view import boards

BOB = Actor("bob", "bob")
CAROL = Actor("carol", "carol")
HERE, THERE = "alice@host-1:4711", "bob@host-2:812"
MINUTE = timedelta(minutes=1)
TARGET = "lighthouse/production"
POOL = Check("query: max(db_pool_in_use)", "<=", 32, "max(db_pool_in_use)", 60 * timedelta(seconds=1))
RESTART = Program(
    ("kubectl", "--namespace=lighthouse", "rollout", "restart", "deployment/elicitation; rm -rf"),
    "tools",
    MINUTE,
    ("KUBECONFIG",),
    dry_run=("--dry-run=server",),
)

STEPS = (
    Step(
        "look",
        "Look at the pool",
        "Read how many connections are in use. Is it the pool, and not the database behind it?",
        "In use, of how many, and since when",
        timebox=2 * MINUTE,
        checklist="find",
        look_at=(Check("guardrail.p99", "<", 300),),
    ),
    Step(
        "way",
        "Raise the pool or restart?",
        "Choose. Raising is quick and does not cure a leak; a restart does, for an hour.",
        "Which way, and why",
        StepKind.DECISION,
        timebox=3 * MINUTE,
        checklist="find",
        role="incident commander",
        options=(
            Option("restart", "Restart it", "agree", when=Check("guardrail.p99", ">", 500)),
            Option("wait", "Wait for it", "calm"),
            Option("back", "Look again", "look"),
            Option("roll-back", "Roll back", playbook="emergency-rollback"),
        ),
    ),
    Step(
        "agree",
        "Agree to the restart",
        "May elicitation be restarted now? For 40 s nobody is served.",
        "Yes, with the name of who said it",
        StepKind.APPROVAL,
        "incident commander",
        3 * MINUTE,
        checklist="act",
        role="incident commander",
        on_overdue=(Reaction(Do.ESCALATE),),
    ),
    Step(
        "restart",
        "Restart elicitation",
        "Restart it, one instance after the other.",
        "Connections in use 32 or fewer, for a minute",
        StepKind.COMMAND,
        "subject-matter expert",
        5 * MINUTE,
        checklist="act",
        program=RESTART,
        verify=POOL,
        on_overdue=(Reaction(Do.ESCALATE), Reaction(Do.NOTIFY, "slack.lighthouse")),
        on_failure=OnFailure(3, timedelta(seconds=10), (Reaction(Do.GOTO, "calm"),)),
        undo="kubectl rollout undo deployment/elicitation",
        second_person=True,
    ),
    Step(
        "calm",
        "Wait until it is calm",
        "Wait until 32 connections or fewer are in use for a minute.",
        "32 or fewer, for 60 s",
        StepKind.WAIT,
        timebox=5 * MINUTE,
        checklist="prove",
        verify=POOL,
        on_overdue=(Reaction(Do.GO_ON),),
    ),
    Step(
        "smoke",
        "Smoke test",
        "The smoke test's own playbook.",
        "All of it green",
        StepKind.PLAYBOOK,
        timebox=4 * MINUTE,
        checklist="prove",
        call="smoke",
    ),
    Step(
        "tell",
        "Tell the teams",
        "Tell them that it is over.",
        "Sent",
        StepKind.NOTIFY,
        "communications lead",
        MINUTE,
        checklist="prove",
        notice=Notice("slack-incidents", "The pool of lighthouse is calm again."),
    ),
    Step("errors", "Errors", "Read the errors.", "Below 1 %", timebox=MINUTE, checklist="prove", group="g"),
    Step("latency", "Latency", "Read P99.", "Below 300 ms", timebox=2 * MINUTE, checklist="prove", group="g"),
)
POOLS = Playbook(
    "pool",
    "Database pool nearly exhausted",
    (Severity.SEV2,),
    "lighthouse team",
    "2026-11-21",
    STEPS,
    objective=(10 * MINUTE, 20 * MINUTE),
    checklists=(
        Checklist("find", "Find out"),
        Checklist("act", "Act", Mode.READ_DO, "Before anything is restarted", "Act complete"),
        Checklist("prove", "Prove", Mode.DO_CONFIRM),
    ),
)
SMOKE = Playbook(
    "smoke",
    "Smoke test",
    (Severity.SEV2,),
    "lighthouse team",
    "2026-11-21",
    (Step("ask", "Ask once", "Send one request.", "It was answered", timebox=MINUTE),),
)
HASH = "sha256:a1b2c3d4e5f6"


def made(number, incident, at, *, since=timedelta(minutes=6), playbook=POOLS, **changes):
    """A run whose step `at` is under way, what is before it done; `changes` are of that step's progress."""
    now = boards.NOW
    steps, before = {}, True
    for step in playbook.steps:
        progress = StepRun(step.id)
        if step.id == at:
            before = False
            deadline = now + changes.pop("left", 2 * MINUTE)
            progress = StepRun(step.id, StepStatus.ACTIVE, 1, step.owner, now - MINUTE, None, deadline, tries=1)
            progress = replace(progress, **changes)
        elif before:
            ended = now - 2 * MINUTE
            progress = StepRun(
                step.id, StepStatus.DONE, 1, step.owner, now - 3 * MINUTE, ended, ended + MINUTE,
                observed="38 of 40 since 14:20", by=boards.ALICE,
            )  # fmt: skip
        steps[step.id] = progress
    return Run(
        f"run-{number}",
        number,
        9,
        incident,
        playbook,
        HASH,
        TARGET,
        now - since,
        "live",
        steps,
        started_by=boards.ALICE,
    )


def effect(outcome="", answer="", **more):
    return Effect(f"e{outcome}", "command", TARGET, "kubectl rollout restart", "restart", outcome, answer, **more)


def holding(**more):
    """What a step is whose program was asked for here."""
    return {
        "asked_by": boards.ALICE,
        "holder": HERE,
        "held_by": boards.ALICE,
        "held_until": boards.NOW + 4 * MINUTE,
        "confirmed_by": BOB,
        "confirmed_on": THERE,
        **more,
    }


def runs(incident):
    """One in each state, by its name."""
    found = {
        "running": made(21, incident, "look"),
        "overdue": made(
            22, incident, "agree", since=timedelta(minutes=17), left=-timedelta(seconds=65), overdue_fired=True
        ),
        "approval": made(23, incident, "agree"),
        "blind": made(24, incident, "calm"),
        "held": replace(
            made(25, incident, "look"), held_at=boards.NOW - MINUTE, held_reason="the DBA looks at it first"
        ),
        "failed": replace(
            made(
                26,
                incident,
                "restart",
                **holding(status=StepStatus.FAILED, reason="exit 1: connection refused", tries=3),
            ),
            effects=(
                effect(
                    "refused",
                    "exit 1 after 4 s",
                    output="error: dial tcp 10.0.0.7:6443\nconnect: connection refused",
                    digest="sha256:77aa01",
                ),
            ),
        ),
        "second": made(27, incident, "restart"),
        "program": replace(made(28, incident, "restart", **holding()), effects=(effect(),)),
        "unknown": replace(made(29, incident, "restart", **holding()), effects=(effect(),)),
        "elsewhere": made(
            30, incident, "look", holder=THERE, held_by=BOB, held_until=boards.NOW + timedelta(seconds=200)
        ),
        "again": made(
            31,
            incident,
            "restart",
            **holding(
                status=StepStatus.FAILED,
                reason="exit 1",
                tries=1,
                retry_at=boards.NOW + timedelta(seconds=8),
                earlier=(),
            ),
        ),
        "deciding": made(32, incident, "way"),
        "proving": replace(
            made(33, incident, "restart", **holding()),
            effects=(effect("done", "exit 0 after 12 s", output="restarted", digest="sha256:0b1c"),),
        ),
        "parent": made(34, incident, "smoke"),
        "untrusted": replace(
            made(35, incident, "restart", **holding(asked_by=None)),
            untrusted="playbooks/ may be written by everybody",
            playbook_hash="sha256:00ff00ff",
        ),
    }
    found["child"] = replace(made(36, incident, "ask", playbook=SMOKE), parent=found["parent"].id, parent_step="smoke")
    return found


def night(engine, *names):
    """Puts those runs (all without a name) into the engine's record and on its Board, in a SEV2."""
    import asyncio

    if not engine.state.incidents:
        asyncio.run(engine.submit(cmd.DeclareIncident("The database pool is nearly exhausted", Severity.SEV2)))
    return put(engine, *names)


def put(engine, *names):
    """The same, where an incident is open already."""
    incident = next(iter(engine.state.incidents))
    made_up = runs(incident)
    chosen = {name: made_up[name] for name in names or made_up}
    engine.state.runs.update({run.id: run for run in chosen.values()})
    readings = dict(engine.board.readings) | {POOL.reading: boards.ok(28.0, age=4)}
    if "blind" in chosen:
        readings[POOL.reading] = boards.stale(38.0)
    job = Job(
        "run-28",
        "restart",
        RESTART.argv,
        boards.NOW - timedelta(seconds=12),
        ("deployment.apps/elicitation", "waiting"),
    )
    engine.show(
        readings=readings,
        held={str(POOL): boards.NOW - timedelta(seconds=40)},
        console=HERE,
        files={"pool": HASH if "untrusted" not in chosen else "sha256:c3d4e5f6"},
        playbooks=(*engine.board.playbooks, LoadedPlaybook(POOLS, HASH, "pool.yaml")),
        jobs=(job,) if "program" in chosen else (),
    )
    return chosen
