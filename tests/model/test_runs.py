"""Playbook runs: order, branches, deadlines, and that nothing stops a rollback."""

from __future__ import annotations

import pytest

from console.model import commands as cmd
from console.model.change import ChangeStatus
from console.model.decide import next_deadline
from console.model.people import Severity
from console.model.reading import ReadingState
from console.model.run import RunStatus, StepStatus
from tests.model.life import BOB, LATENCY, MINUTES, ROLLBACK, START, Life


def statuses(life: Life, run: str) -> dict[str, str]:
    return {name: step.status.value for name, step in life.state.runs[run].steps.items()}


def through_disable(life: Life) -> str:
    run = life.run()
    life.reading("rollout.percent", 0)
    life.do(cmd.CompleteStep(run, "disable", "0 %"))
    return run


def test_a_parallel_step_starts_with_the_next_and_holds_nothing_up() -> None:
    life = Life()
    run = life.run()
    assert statuses(life, run)["alert"] == statuses(life, run)["disable"] == "active"
    assert life.state.runs[run].current.id == "disable"  # type: ignore[union-attr]
    life.reading("rollout.percent", 0)
    life.do(cmd.CompleteStep(run, "disable", "0 %"))
    assert statuses(life, run) == {
        "alert": "active", "disable": "done", "drain": "active", "clear": "pending", "validate": "pending",
    }  # fmt: skip


def test_a_run_ends_when_its_last_open_step_is_settled() -> None:
    life = Life()
    run = through_disable(life)
    life.do(cmd.ExpireStep(run, "drain", "12 requests left", "older than the limit"))
    life.do(cmd.CompleteStep(run, "clear", "backup b-17 of 22:00Z", typed="CLEAR lighthouse/production"))
    life.do(cmd.CompleteStep(run, "validate", "P99 210 ms"))
    assert life.state.runs[run].status is RunStatus.RUNNING  # the parallel step is still open
    life.do(cmd.CompleteStep(run, "alert", "all three teams answered"))
    assert life.state.runs[run].status is RunStatus.COMPLETED
    assert "is completed" in life.refused(cmd.AbortRun(run, "x")) or "not running" in life.refused(
        cmd.AbortRun(run, "x")
    )


def test_a_step_closes_on_the_observed_value_or_with_a_reason() -> None:
    life = Life()
    run = life.run()
    command = cmd.CompleteStep(run, "disable", "I set it")
    assert "no such reading" in life.refused(command)
    life.reading("rollout.percent", 25)
    assert "rollout.percent = 25 at 22:30:00Z (test), not expected rollout.percent <= 0" in life.refused(command)
    for state in (ReadingState.STALE, ReadingState.PARTIAL):
        life.reading("rollout.percent", 0, state)
        assert f"cannot verify rollout.percent <= 0: {state.value}" in life.refused(command)
    life.reading("rollout.percent", None, ReadingState.UNREACHABLE)
    assert "cannot verify" in life.refused(command)
    life.do(cmd.CompleteStep(run, "disable", "0 % in the provider's page", override="Prometheus is down"))
    step = life.state.runs[run].steps["disable"]
    assert (step.status, step.override) == (StepStatus.DONE, "Prometheus is down")
    assert "unreachable" in step.evidence


def test_an_irreversible_step_is_typed_and_names_the_target() -> None:
    life = Life()
    run = through_disable(life)
    life.do(cmd.CompleteStep(run, "drain", "0 left"))
    for typed in ("", "CLEAR", "clear lighthouse/production", "CLEAR lighthouse/staging"):
        reason = life.refused(cmd.CompleteStep(run, "clear", "backup b-17", typed=typed))
        assert "type 'CLEAR lighthouse/production'" in reason
    assert "what was observed is empty" in life.refused(
        cmd.CompleteStep(run, "clear", " ", typed="CLEAR lighthouse/production")
    )
    life.do(cmd.CompleteStep(run, "clear", "backup b-17", typed="CLEAR lighthouse/production"))


def test_a_failed_step_waits_for_a_person_who_retries_or_skips_it() -> None:
    life = Life()
    run = life.run()
    life.do(cmd.FailStep(run, "disable", "403 from the provider"))
    assert statuses(life, run)["drain"] == "pending"
    assert "is failed by alice at 22:30:00Z" in life.refused(cmd.CompleteStep(run, "disable", "x"))
    life.pass_time(1)
    life.do(cmd.RetryStep(run, "disable"))
    step = life.state.runs[run].steps["disable"]
    assert (step.attempt, step.deadline) == (2, START + 3 * MINUTES)
    life.do(cmd.FailStep(run, "disable", "403 again"))
    assert "reason is empty" in life.refused(cmd.SkipStep(run, "disable", ""))
    life.do(cmd.SkipStep(run, "disable", "traffic cut at the proxy instead"))
    assert statuses(life, run)["drain"] == "active"


def test_the_second_to_finish_a_step_is_told_who_was_first() -> None:
    life = Life()
    run = through_disable(life)
    life.pass_time(1)
    life.do(cmd.CompleteStep(run, "drain", "0 left"), BOB)
    assert "'Drain' is done by bob at 22:31:00Z" in life.refused(cmd.SkipStep(run, "drain", "too slow"))


def test_only_a_wait_can_be_ended_by_decision() -> None:
    life = Life()
    run = life.run()
    assert "is no wait" in life.refused(cmd.ExpireStep(run, "disable", "x", "y"))


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("go-on", {"confirm": "done", "decide": "done", "tune": "active", "observe": "pending"}),
        ("skip-tuning", {"confirm": "done", "decide": "done", "tune": "passed over", "observe": "active"}),
        ("again", {"confirm": "active", "decide": "pending", "tune": "pending", "observe": "pending"}),
    ],
)
def test_a_decision_leads_where_its_option_says(option: str, expected: dict[str, str]) -> None:
    life = Life()
    run = life.run(LATENCY)
    life.do(cmd.CompleteStep(run, "confirm", "yes, 620 ms"))
    assert "choose one of rollback, again, skip-tuning, go-on" in life.refused(cmd.CompleteStep(run, "decide", "hm"))
    assert "choose a branch" in life.refused(cmd.SkipStep(run, "decide", "x"))
    life.do(cmd.CompleteStep(run, "decide", "as seen", option=option))
    assert statuses(life, run) == expected


def test_a_decision_can_hand_over_to_another_playbook_in_one_append() -> None:
    life = Life()
    run = life.run(LATENCY)
    life.do(cmd.CompleteStep(run, "confirm", "620 ms"))
    events = life.do(cmd.CompleteStep(run, "decide", "above 500 ms", option="rollback"))
    first = life.state.runs[run]
    following = life.state.runs[first.next_run]
    assert first.status is RunStatus.CONTINUED
    assert following.playbook == ROLLBACK.playbook
    assert following.incident == first.incident
    assert [event.kind for event in events] == [
        "run.step_completed", "run.finished", "run.started", "run.step_started", "run.step_started",
    ]  # fmt: skip


def test_loops_end() -> None:
    life = Life()
    run = life.run(LATENCY)
    for _ in range(20):
        life.do(cmd.CompleteStep(run, "confirm", "still high"))
        command = cmd.CompleteStep(run, "decide", "look again", option="again")
        if life.state.runs[run].steps["confirm"].attempt == 9:
            break
        life.do(command)
    assert "was started 9 times" in life.refused(command)
    life.do(cmd.CompleteStep(run, "decide", "enough", option="go-on"))


def test_a_playbook_runs_once_at_a_time_in_an_incident_and_only_in_an_open_one() -> None:
    life = Life()
    run = life.run()
    incident = life.state.runs[run].incident
    assert "running already in INC-1, as RUN-3" in life.refused(cmd.StartRun(incident, ROLLBACK))
    life.do(cmd.StartRun(incident, LATENCY))
    assert "is not open" in life.refused(cmd.StartRun("nothing", ROLLBACK))


def test_an_overdue_step_is_an_event_once_per_attempt_and_says_how_late() -> None:
    life = Life()
    run = life.run()
    assert next_deadline(life.state, "lighthouse/production") == START + 1 * MINUTES
    assert life.fire() == []
    life.pass_time(1)
    assert [(event.payload.step, event.payload.late_seconds) for event in life.fire()] == [("alert", 0.0)]
    assert life.fire() == []
    life.pass_time(3)
    events = life.fire()
    assert {(event.stream, event.payload.late_seconds) for event in events if event.kind == "run.step_overdue"} == {
        (f"run:{run}", 120.0)
    }
    life.do(cmd.FailStep(run, "disable", "403"))
    life.do(cmd.RetryStep(run, "disable"))
    life.pass_time(2)
    assert [event.payload.attempt for event in life.fire() if event.kind == "run.step_overdue"] == [2]


def test_an_acknowledged_or_resolved_incident_has_no_response_clock() -> None:
    life = Life()
    life.do(cmd.AcknowledgeIncident(life.declare(Severity.SEV2)))
    life.do(cmd.ChangeState(life.declare(), "resolved"))
    life.pass_time(60)
    assert life.fire() == []


def test_a_flag_is_set_only_where_something_can() -> None:
    life = Life()
    run = life.run()
    assert "set it by hand" in life.refused(cmd.SetFlag(run, "disable"))
    life.flags = "simulated flags"
    assert "sets no flag" in life.refused(cmd.SetFlag(run, "alert"))
    _asked, _taken, intent, change = life.do(cmd.SetFlag(run, "disable"))
    assert life.state.changes[change.stream.partition(":")[2]].state is ChangeStatus.INTENDED
    assert intent.payload.detail == "set to 0 % for lighthouse/production"
