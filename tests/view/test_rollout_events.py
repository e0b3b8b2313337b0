"""The events of a rollout in words, and as marks of the time lane."""

from __future__ import annotations

from datetime import timedelta

from console.model import commands as cmd
from console.view import lane
from console.view.events import describe, step_names
from console.view.line import Tone, words
from console.view.look import Look
from tests.model.life import BOB, ENGINE
from tests.model.rollouts import Rollouts


def told() -> Rollouts:
    """A rollout that is breached at 25 % and rolled back."""
    life = Rollouts()
    life.begin()
    life.step(5.0)
    life.pass_time(31)
    life.step(25.0)
    life.pass_time(5)
    life.seen(revision="rev-2")
    life.pass_time(5)
    life.do(cmd.ObserveGuardrail("p99", True, "612 ms of 500", fast=True), ENGINE)
    life.pass_time(5)
    life.do(cmd.StartRollback("P99 is high"), BOB)
    life.pass_time(5)
    life.do(cmd.SetFlag(life.rollout.run, "disable"), BOB)
    life.ends()
    life.end_effect(life.rollout.run, "done", "said so")
    life.run_ends()
    life.pass_time(5)
    life.do(cmd.ObserveRollback(life.rollout.run, 0.0, 0.0), ENGINE)
    return life


def test_each_says_what_happened_and_how_loud() -> None:
    life = told()
    names = step_names(life.events)
    said = [describe(event, names) for event in life.events if event.stream.startswith("rollout:")]
    assert [text for _, text in said] == [
        "rollout lighthouse-9 begun at 0 %, revision rev-1: phases 5, 25, 50, 100 %",
        "about to set elicitation from 0 to 5 % to promote",
        "the flag is set, read back at 5 %: said so",
        "phase 5 % entered, the bake begins (5.0 % are measured)",
        "about to set elicitation from 5 to 25 % to promote",
        "the flag is set, read back at 25 %: said so",
        "phase 25 % entered, the bake begins (25.0 % are measured)",
        "revision rev-2 in place of rev-1: the bake begins anew",
        "guardrail p99 BREACHED (fast rule): 612 ms of 500",
        "ROLLBACK begun: P99 is high",
        f"about to set elicitation from 25 to 0 % to roll back: {life.state.runs[life.rollout.run].label}: Disable",
        "the flag is set, read back at 0 %: said so",
        f"rolled back: {life.state.runs[life.rollout.run].label} is completed; flag 0 %, measured 0 %",
    ]
    assert [tone for tone, _ in said][8:10] == [Tone.ALARM, Tone.ALARM]


def test_the_decision_at_the_last_phase_is_one_to_finish() -> None:
    life = told()
    for start in (50.0, 100.0):
        life.certify(start, 100.0)
    assert [describe(event, {})[1] for event in life.events[-2:]] == [
        "decided GO on 50 to 100 %",
        "decided GO on the finish at 100 %",
    ]


def test_bakes_breaches_and_rollbacks_are_marked() -> None:
    life = told()
    found = lane.moments(life.events)
    start = life.now - timedelta(minutes=60)
    rows = {words(row)[:10].strip(): words(row)[10:] for row in lane.lanes(found, start, life.now, 60, Look())}
    assert [mark for mark in rows["phase"] if mark != "·"] == ["=", "=", "=", "x", "<", "b"]
    assert [mark for mark in rows["flags"] if mark != "·"] == ["F", "F", "F"]
