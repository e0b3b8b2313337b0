"""Updates, times, tasks, decisions, merging: what is kept of a response, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from math import nan

import pytest

from console.model import commands as cmd
from console.model.change import ChangeKind
from console.model.incident import COMMANDER
from console.model.people import Severity
from tests.model.life import BOB, MINUTES, P99, START, Life


def test_12_command_is_transferred_in_one_event_and_one_person_leads_at_any_instant() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.AcknowledgeIncident(incident), BOB)
    (moved,) = life.do(cmd.AssignRole(incident, COMMANDER, "alice"))
    assert (moved.kind, life.state.incidents[incident].commander) == ("incident.role_assigned", "alice")


def test_the_next_update_is_promised_with_each_and_overdue_once() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.AcknowledgeIncident(incident))
    assert "the update is empty" in life.refused(cmd.PostUpdate(incident, " ", "", ""))
    assert "later than now" in life.refused(cmd.PostUpdate(incident, "x", "", "", timedelta(0)))
    life.pass_time(40)
    (overdue,) = life.fire()
    assert (overdue.kind, overdue.payload.late_seconds) == ("incident.update_overdue", 600.0)
    assert life.fire() == []
    life.do(cmd.PostUpdate(incident, "P99 is 620 ms", "rolling back", ""))
    found = life.state.incidents[incident]
    assert (found.update_due, found.update_overdue) == (life.now + 30 * MINUTES, False)
    life.do(cmd.PostUpdate(incident, "", "", "a database expert", 10 * MINUTES))
    life.pass_time(10)
    assert [event.kind for event in life.fire()] == ["incident.update_overdue"]
    life.do(cmd.ChangeState(incident, "resolved"))
    assert life.state.incidents[incident].update_due is None
    life.pass_time(10)
    life.do(cmd.ChangeState(incident, "investigating", "back"))
    assert life.state.incidents[incident].update_due == life.now + 30 * MINUTES


def test_times_keep_their_order_and_what_stands_is_changed_with_a_reason() -> None:
    life = Life()
    incident = life.declare()
    life.pass_time(30)
    when = START - 10 * MINUTES
    life.do(cmd.SetTime(incident, "impact_started", when, estimated=True))
    found = life.state.incidents[incident]
    assert (found.impact_started_at, found.estimated) == (when, frozenset({"impact_started"}))
    assert "future" in life.refused(cmd.SetTime(incident, "detected", life.now + MINUTES))
    assert "before impact_started" in life.refused(cmd.SetTime(incident, "detected", when - MINUTES))
    assert "after declared" in life.refused(cmd.SetTime(incident, "detected", START + MINUTES))
    assert "reason is empty" in life.refused(cmd.SetTime(incident, "impact_started", when - MINUTES))
    assert "is no time" in life.refused(cmd.SetTime(incident, "merged", when))
    assert "not resolved yet" in life.refused(cmd.SetTime(incident, "resolved", life.now))
    life.do(cmd.SetTime(incident, "impact_started", when - MINUTES, reason="seen in the log"))
    assert life.state.incidents[incident].estimated == frozenset()
    life.do(cmd.ChangeState(incident, "resolved"))
    life.do(cmd.SetTime(incident, "mitigated", START + 20 * MINUTES))  # the state was passed over
    assert "already" in life.refused(cmd.SetTime(incident, "mitigated", START + 20 * MINUTES))


def test_tasks_have_one_end_and_dropping_one_needs_a_reason() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.AddTask(incident, "ask the database team", "bob", START + MINUTES))
    assert "bob has T1 already" in life.refused(cmd.AssignTask(incident, "T1", "bob"))
    life.do(cmd.AssignTask(incident, "T1", "carol"))
    assert "reason is empty" in life.refused(cmd.EndTask(incident, "T1", "dropped"))
    assert "no outcome" in life.refused(cmd.EndTask(incident, "T1", "lost"))
    life.do(cmd.EndTask(incident, "T1", "done", "they look"))
    task = life.state.incidents[incident].tasks["T1"]
    assert (task.owner, task.outcome, task.open) == ("carol", "done", False)
    assert "T1 was done at 22:30:00Z" in life.refused(cmd.EndTask(incident, "T1"))
    assert "no kind of task" in life.refused(cmd.AddTask(incident, "x", kind="wish"))
    assert "has passed" in life.refused(cmd.AddTask(incident, "x", due_at=START))
    life.do(cmd.ChangeState(incident, "cancelled", "false alarm"))
    assert "is cancelled" in life.refused(cmd.AddTask(incident, "x"))
    life.do(cmd.AddTask(incident, "alert on the queue", kind="detect"))


def test_a_decision_is_kept_with_its_reason_and_what_came_of_it() -> None:
    life = Life()
    incident = life.declare()
    assert "reason is empty" in life.refused(cmd.RecordDecision(incident, "roll back", ""))
    check = START + 5 * MINUTES
    life.do(cmd.RecordDecision(incident, "roll back", "P99", ("roll back", " ", "wait"), "data?", "P99 < 300", check))
    life.pass_time(6)
    life.fire()
    life.do(cmd.ObserveDecision(incident, "D1", "P99 is 240 ms"))
    found = life.state.incidents[incident].decisions["D1"]
    assert (found.options, found.observed, found.observed_at) == (("roll back", "wait"), "P99 is 240 ms", life.now)
    assert "was noted at" in life.refused(cmd.ObserveDecision(incident, "D1", "x"))
    assert "no decision D2" in life.refused(cmd.ObserveDecision(incident, "D2", "x"))


def test_evidence_is_taken_at_the_turns_and_never_a_number_that_is_none() -> None:
    life = Life()
    life.reading("slo.latency.burn", 14.4)
    life.reading("rollout.percent", nan)
    life.reading("health.engine", 1.0)
    life.declare()
    (taken,) = [event.payload for event in life.events if event.kind == "incident.evidence_taken"]
    assert [(note.name, note.value) for note in taken.readings] == [
        ("rollout.percent", None),
        ("slo.latency.burn", 14.4),
    ]
    incident = next(iter(life.state.incidents))
    for state in ("mitigated", "resolved", "closed"):
        life.do(cmd.ChangeState(incident, state))
    moments = [event.payload.moment for event in life.events if event.kind == "incident.evidence_taken"]
    assert moments == ["declared", "mitigated", "resolved"]


def test_a_correction_moves_nothing_and_needs_content() -> None:
    life = Life()
    incident = life.declare()
    assert "correction is empty" in life.refused(cmd.Correct(incident, "e1"))
    assert "the event is empty" in life.refused(cmd.Correct(incident, "", "x"))
    before = life.state.incidents[incident]
    life.do(cmd.Correct(incident, "e1", "", START - MINUTES, "the clock was wrong"))
    assert life.state.incidents[incident].times == before.times
    assert life.state.incidents[incident].version == before.version + 1


def test_a_merged_incident_ends_and_its_alerts_tasks_and_changes_go_on_in_the_other() -> None:
    life = Life()
    source, target = life.declare(), life.declare(Severity.SEV2)
    life.do(cmd.AddTask(source, "watch the queue", "bob"))
    life.do(cmd.AddTask(source, "done with"))
    life.do(cmd.EndTask(source, "T2"))
    life.do(cmd.AddTask(target, "ask"))
    life.do(cmd.RecordChange(ChangeKind.OVERRIDE, "proxy", "rate limit off", "turn it on", source))
    assert "into itself" in life.refused(cmd.MergeIncident(source, source, "x"))
    assert "reason is empty" in life.refused(cmd.MergeIncident(source, target, " "))
    life.do(cmd.MergeIncident(source, target, "one cause"))
    ended, goes_on = life.state.incidents[source], life.state.incidents[target]
    assert (ended.state, ended.merged_into, ended.open) == ("merged", target, False)
    assert (goes_on.merged, goes_on.alerts) == ((source,), (P99,))
    assert [(task.id, task.text, task.owner) for task in goes_on.tasks.values()] == [
        ("T1", "ask", ""),
        ("T2", "watch the queue", "bob"),
    ]
    assert [change.what for change in life.state.changes_of(target)] == ["rate limit off"]
    assert "is merged" in life.refused(cmd.MergeIncident(target, source, "a ring"))
    life.pass_time(60)
    assert all(event.stream != f"incident:{source}" for event in life.fire())


def test_a_person_named_by_another_system_is_shown_as_the_one_who_acknowledged() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.AcknowledgeIncident(incident, "carol", "PagerDuty"))
    assert str(life.state.incidents[incident].acknowledged_by) == "carol"
    assert "acknowledged by carol at 22:30:00Z in PagerDuty" in life.refused(cmd.AcknowledgeIncident(incident), BOB)


@pytest.mark.parametrize(
    "text", ["sev 2 (was 1)", "minor, 12 users", "1", "SEV1 ", "sev1\n", "SEV1SEV2", "SEV", "SEV6", ""]
)
def test_53_a_severity_is_the_whole_text_or_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Severity"):
        Severity(text)


def test_53_the_names_of_the_severities_are_their_order() -> None:
    assert [Severity(f"SEV{rank}").rank for rank in range(1, 6)] == [1, 2, 3, 4, 5]
