"""Triage: somebody looks whether it is an incident. One level is told; then declared or cancelled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model.message import PAGER_ACTS, Act, ChannelSpec, Topic
from console.model.pager import PagerIncident, PagerStatus
from console.model.people import Severity
from console.model.state import State, apply
from tests.model.life import BOB, MINUTES, P99, SAM, START, Life

CHANNELS = (
    ChannelSpec("slack", (Act.POST,), tuple(Topic)),
    ChannelSpec("pagerduty", PAGER_ACTS),
    ChannelSpec("grafana", (Act.ANNOTATE,)),
)


def opened(life: Life, severity: Severity = Severity.SEV1) -> str:
    return life.do(cmd.DeclareIncident("P99 is high", severity, (P99,), triage=True))[0].stream.partition(":")[2]


def acts(life: Life) -> list[tuple[Act, str]]:
    """Everything that was queued, by what it tells of."""
    queued = [event.payload for event in life.events if event.kind == "delivery.queued"]
    return [(item.act, item.message.kind) for item in queued]


def test_in_triage_the_first_level_is_told_and_nothing_else_ever_runs() -> None:
    life = Life()
    life.channels = CHANNELS
    incident = opened(life)
    found = life.state.incidents[incident]
    assert (found.state, found.severity, found.label) == ("triage", Severity.SEV1, "INC-1")
    assert [(item.level, item.role) for item in found.escalations] == [(1, "primary")]
    assert (found.escalate_at, found.update_due) == (None, None)
    assert acts(life) == [(Act.POST, "incident.opened")]
    life.pass_time(5)
    assert [event.kind for event in life.fire() if not event.kind.startswith("delivery")] == [
        "incident.acknowledge_overdue"
    ]
    life.pass_time(600)
    assert life.fire() == []


def test_nobody_on_the_first_level_is_loud_in_triage_and_tells_no_second_one() -> None:
    life = Life()
    life.rota["primary"] = ()
    (told,) = life.state.incidents[opened(life)].escalations
    assert told.nobody


def test_declared_after_triage_its_clocks_start_and_people_are_paged() -> None:
    life = Life()
    life.channels = CHANNELS
    incident = opened(life)
    life.pass_time(20)
    life.do(cmd.ChangeState(incident, "declared"), BOB)
    found = life.state.incidents[incident]
    assert (found.state, found.label, found.declared_by, found.declared_at) == ("declared", "INC-1", BOB, life.now)
    assert found.times["triage"] == START
    assert found.times["declared"] == START + 20 * MINUTES
    assert found.update_due == life.now + 30 * MINUTES
    assert found.acknowledge_by == found.escalate_at == life.now + 5 * MINUTES
    assert {(Act.TRIGGER, "incident.declared"), (Act.ANNOTATE, "incident.declared")} <= set(acts(life))
    life.pass_time(5)
    assert "incident.escalated" in [event.kind for event in life.fire()]
    assert life.state.incidents[incident].escalations[-1].people == (SAM,)


def test_who_has_it_in_triage_has_it_when_it_is_declared() -> None:
    life = Life()
    incident = opened(life)
    life.do(cmd.AcknowledgeIncident(incident), BOB)
    assert "acknowledged" not in life.state.incidents[incident].times
    life.pass_time(10)
    life.do(cmd.ChangeState(incident, "declared"), BOB)
    found = life.state.incidents[incident]
    assert (found.acknowledged_at, found.times["acknowledged"]) == (START, START + 10 * MINUTES)
    assert (found.escalate_at, found.acknowledge_overdue) == (None, False)
    life.pass_time(20)
    assert life.fire() == []


def test_what_was_opened_may_be_cancelled_and_leaves_no_trace_elsewhere() -> None:
    life = Life()
    life.channels = CHANNELS
    incident = opened(life)
    assert "the reason" in life.refused(cmd.ChangeState(incident, "cancelled"))
    assert "from there it can become declared, cancelled" in life.refused(cmd.ChangeState(incident, "resolved"))
    life.do(cmd.ChangeState(incident, "cancelled", "a deploy"))
    assert not life.state.incidents[incident].open
    assert acts(life) == [(Act.POST, "incident.opened"), (Act.POST, "incident.state_changed")]


def test_a_declared_incident_does_not_go_back_to_triage() -> None:
    life = Life()
    incident = life.declare()
    assert "not triage" in life.refused(cmd.ChangeState(incident, "triage"))
    assert "declared" in life.refused(cmd.ChangeState(incident, "declared"))


def test_the_proposed_severity_changes_without_a_clock_and_giving_back_tells_nobody_further() -> None:
    life = Life()
    incident = opened(life, Severity.SEV2)
    life.do(cmd.ChangeSeverity(incident, Severity.SEV1, "worse than it looked"))
    life.do(cmd.AcknowledgeIncident(incident), BOB)
    life.do(cmd.UnacknowledgeIncident(incident, "must leave"), BOB)
    life.do(cmd.PostUpdate(incident, "still looking", "", ""))
    found = life.state.incidents[incident]
    assert (found.severity, found.escalate_at, found.update_due, found.level) == (Severity.SEV1, None, None, 1)
    life.do(cmd.Escalate(incident, 1, "I want a second pair of eyes"))
    assert life.state.incidents[incident].escalations[-1].people == (SAM,)
    life.pass_time(600)
    assert [event.kind for event in life.fire()] == ["incident.acknowledge_overdue"]


def test_an_adopted_page_that_ends_in_triage_or_falls_silent_tells_nobody_further() -> None:
    page = PagerIncident("PD1", 7, "P99", PagerStatus.TRIGGERED, "high", "svc", START, ("k1",), escalation_policy="Ops")
    life = Life()
    life.pages = {"f1": page}
    incident = opened(life)
    life.pager_silent, life.pager_unheard = True, life.now
    life.pass_time(60)
    assert [event.kind for event in life.fire()] == ["incident.acknowledge_overdue"]
    life.do(
        cmd.LinkPager(
            incident, PagerIncident("PD1", 7, "P99", PagerStatus.RESOLVED, "high", "svc", START, ("k1",)), True
        )
    )
    assert life.fire() == []


def test_its_times_are_in_order_and_detected_is_when_it_was_opened_by_hand() -> None:
    life = Life()
    (first, *_) = life.do(cmd.DeclareIncident("slow", Severity.SEV3, (), START - 10 * MINUTES, triage=True))
    incident = first.stream.partition(":")[2]
    times = life.state.incidents[incident].times
    assert times == {"impact_started": START - 10 * MINUTES, "detected": START, "triage": START}
    assert "is not declared yet" in life.refused(cmd.SetTime(incident, "declared", START))
    life.pass_time(3)
    life.do(cmd.ChangeState(incident, "declared"))
    assert life.state.incidents[incident].times["declared"] - times["detected"] == timedelta(minutes=3)


@pytest.mark.parametrize("saw_the_opening", [True, False])
def test_a_record_with_a_triage_is_declared_for_whoever_knows_no_triage(saw_the_opening: bool) -> None:
    """An older program keeps `incident.opened` as an unknown kind: the incident begins for it with its declaration."""
    life = Life()
    incident = opened(life)
    life.do(cmd.ChangeState(incident, "declared"))
    state = State()
    for event in life.events:
        if saw_the_opening or event.kind != "incident.opened":
            apply(state, event)
    assert state.incidents[incident].state == "declared"
