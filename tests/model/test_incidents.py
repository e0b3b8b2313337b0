"""Incidents: who may do what, when, and what the record says afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.incident import TRANSITIONS, IncidentState
from console.model.people import Actor, Severity, are_two_people
from console.model.state import apply
from tests.model.life import BOB, MINUTES, P99, START, Life


def test_a_declared_incident_carries_its_alerts_and_its_response_clock() -> None:
    life = Life()
    incident = life.state.incidents[life.declare()]
    assert incident.label == "INC-1"
    assert incident.alerts == (P99,)
    assert incident.acknowledge_by == START + 5 * MINUTES
    assert (incident.service, incident.environment) == ("lighthouse", "production")


def test_a_severity_without_a_rule_has_no_response_clock() -> None:
    life = Life()
    assert life.state.incidents[life.declare(Severity.SEV4)].acknowledge_by is None


def test_the_first_acknowledgement_stands_and_names_the_winner() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.AcknowledgeIncident(incident), BOB)
    assert life.refused(cmd.AcknowledgeIncident(incident)) == "INC-1 was acknowledged by bob at 22:30:00Z"
    assert life.state.incidents[incident].commander == "bob"


def test_a_resolved_incident_is_not_acknowledged() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.ChangeState(incident, "resolved"))
    assert "would change nothing" in life.refused(cmd.AcknowledgeIncident(incident))


@pytest.mark.parametrize("state", list(IncidentState))
def test_only_listed_transitions_are_possible(state: IncidentState) -> None:
    path = {  # how to get into each state
        IncidentState.TRIAGE: (),
        IncidentState.DECLARED: (),
        IncidentState.CLOSED: ("resolved", "closed"),
        IncidentState.MERGED: ("merged",),
    }.get(state, (state.value,))
    for wanted in IncidentState:
        life = Life()
        begun = cmd.DeclareIncident("P99 is high", Severity.SEV1, triage=state is IncidentState.TRIAGE)
        incident = life.do(begun)[0].stream.partition(":")[2]
        for item in path:
            if item == "merged":
                life.do(cmd.MergeIncident(incident, life.declare(), "the same"))
            else:
                life.do(cmd.ChangeState(incident, item, "because"))
        if wanted in TRANSITIONS[state]:
            life.do(cmd.ChangeState(incident, wanted, "because"))
            assert life.state.incidents[incident].state is wanted
        else:
            assert f"not {wanted}" in life.refused(cmd.ChangeState(incident, wanted, "because"))


def test_reopening_and_cancelling_need_a_reason_and_unknown_states_are_named() -> None:
    life = Life()
    incident = life.declare()
    assert "reason is empty" in life.refused(cmd.ChangeState(incident, "cancelled"))
    life.do(cmd.ChangeState(incident, "resolved"))
    assert "reason is empty" in life.refused(cmd.ChangeState(incident, "investigating", " "))
    assert "'fixed' is no incident state" in life.refused(cmd.ChangeState(incident, "fixed"))


def test_an_incident_is_not_closed_over_a_running_playbook() -> None:
    life = Life()
    run = life.run()
    incident = life.state.runs[run].incident
    life.do(cmd.ChangeState(incident, "resolved"))
    assert "RUN-3 is still running" in life.refused(cmd.ChangeState(incident, "closed"))
    life.do(cmd.AbortRun(run, "fixed otherwise"))
    life.do(cmd.ChangeState(incident, "closed"))
    assert not life.state.incidents[incident].open


def test_the_times_of_states_are_those_of_the_first_entry() -> None:
    life = Life()
    incident = life.declare()
    for minutes, state in ((1, "mitigated"), (2, "investigating"), (3, "mitigated")):
        life.pass_time(minutes)
        life.do(cmd.ChangeState(incident, state, "again"))
    times = life.state.incidents[incident].times
    assert times["mitigated"] == START + timedelta(minutes=1)
    assert times["declared"] == START


def test_notes_may_lie_in_the_past_but_not_in_the_future() -> None:
    life = Life()
    incident = life.declare()
    life.pass_time(10)
    (note,) = life.do(cmd.AddNote(incident, "traffic dropped", START + 2 * MINUTES))
    assert (note.occurred_at, note.recorded_at) == (START + 2 * MINUTES, life.now)
    assert "future" in life.refused(cmd.AddNote(incident, "x", life.now + MINUTES))
    assert "note is empty" in life.refused(cmd.AddNote(incident, "  "))
    assert "neither an incident nor a shift" in life.refused(cmd.AddNote("nothing", "x"))


def test_alerts_are_linked_once_and_roles_move_in_one_event() -> None:
    life = Life()
    incident = life.declare()
    assert "already" in life.refused(cmd.LinkAlerts(incident, (P99,)))
    assert len(life.do(cmd.AssignRole(incident, "incident commander", "bob"))) == 1
    assert life.state.incidents[incident].commander == "bob"
    assert "already" in life.refused(cmd.AssignRole(incident, "incident commander", "bob"))


def test_severity_changes_need_a_reason_and_a_change() -> None:
    life = Life()
    incident = life.declare()
    assert "SEV1 already" in life.refused(cmd.ChangeSeverity(incident, Severity.SEV1, "x"))
    assert "reason is empty" in life.refused(cmd.ChangeSeverity(incident, Severity.SEV2, ""))
    life.do(cmd.ChangeSeverity(incident, Severity.SEV2, "one region only"))
    assert life.state.incidents[incident].severity is Severity.SEV2


def test_two_names_of_one_login_are_not_two_people() -> None:
    assert are_two_people(Actor("alice", "alice"), Actor("bob", "bob"))
    assert not are_two_people(Actor("alice", "oncall"), Actor("bob", "oncall"))
    assert not are_two_people(Actor("alice", "alice"), Actor("alice", "root"))
    assert str(Actor("bob", "alice")) == "bob (self-declared by alice)"


def test_a_higher_severity_tightens_the_response_clock_and_a_lower_one_does_not_loosen_it() -> None:
    life = Life()
    incident = life.declare(Severity.SEV4)
    life.pass_time(10)
    life.do(cmd.ChangeSeverity(incident, Severity.SEV1, "all regions"))
    assert life.state.incidents[incident].acknowledge_by == life.now + 5 * MINUTES
    due = life.state.incidents[incident].acknowledge_by
    life.pass_time(1)
    life.do(cmd.ChangeSeverity(incident, Severity.SEV4, "one region"))
    life.do(cmd.ChangeSeverity(incident, Severity.SEV1, "all again"))
    assert life.state.incidents[incident].acknowledge_by == due


def test_an_event_that_means_nothing_here_changes_nothing_but_the_version() -> None:
    life = Life()
    run = life.run()
    incident = life.state.runs[run].incident
    before = life.state.copy()
    for stream, number, payload in (
        (f"incident:{incident}", 17, ev.IncidentStateChanged("on fire")),
        (f"run:{run}", 18, ev.StepCompleted("no such step", "seen")),
        (f"run:{run}", 19, ev.RunFinished("exploded")),
        ("incident:nobody", 1, ev.IncidentAcknowledged()),
    ):
        kind, version = ev.kind_of(payload)
        recorded = replace(
            life.events[-1], stream=stream, version=number, kind=kind, kind_version=version, payload=payload
        )
        apply(life.state, recorded)
    # Else the next command would be decided on a version that is no more, again and again.
    before.incidents[incident] = replace(before.incidents[incident], version=17)
    before.runs[run] = replace(before.runs[run], version=19)
    assert life.state == before
