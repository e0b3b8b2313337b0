"""Who is told, when nobody acknowledges: each level once, stopped by somebody who has it, resumed by the loss of it."""

from __future__ import annotations

import pytest

from console.model import commands as cmd
from console.model.alert import parse_matcher
from console.model.decide import next_deadline
from console.model.escalation import Reach, Team
from console.model.message import PAGER_ACTS, Act, ChannelSpec
from console.model.pager import PagerIncident, PagerStatus
from console.model.people import Severity
from tests.model.life import BOB, ENGINE, LEE, MINUTES, PAT, SAM, START, Life


def levels(life: Life, incident: str) -> list[tuple[int, str]]:
    return [(item.level, item.role) for item in life.state.incidents[incident].escalations]


def page(status: PagerStatus = PagerStatus.TRIGGERED, **fields: object) -> PagerIncident:
    known: dict[str, object] = {"keys": ("k1",), "escalation_policy": "Platform", "level": 1, "assigned_to": ("pat",)}
    return PagerIncident("PD1", 7, "P99", status, "high", "svc", START, **{**known, **fields})  # type: ignore[arg-type]


def test_54_each_level_is_told_once_stops_at_an_acknowledgement_and_resumes_at_its_loss() -> None:
    life = Life()
    incident = life.declare()
    assert levels(life, incident) == [(1, "primary")]
    assert life.state.incidents[incident].escalations[0].people == (PAT,)
    life.pass_time(5)
    assert [event.kind for event in life.fire()] == ["incident.acknowledge_overdue", "incident.escalated"]
    assert life.fire() == []
    life.do(cmd.AcknowledgeIncident(incident), BOB)
    life.pass_time(20)
    assert life.fire() == []
    life.do(cmd.UnacknowledgeIncident(incident, "must leave"), BOB)
    assert levels(life, incident) == [(1, "primary"), (2, "secondary"), (3, "lead")]
    assert life.state.incidents[incident].escalations[-1].people == (LEE,)
    life.pass_time(5)
    life.fire()
    assert len(levels(life, incident)) == 3  # nobody is left to be told


def test_54_the_clock_goes_on_level_by_level_and_ends_with_the_last() -> None:
    life = Life()
    incident = life.declare(Severity.SEV2)
    for _ in range(6):
        life.pass_time(10)
        life.fire()
    assert levels(life, incident) == [(1, "primary"), (2, "secondary")]
    assert next_deadline(life.state, "lighthouse/production") is None


def test_54_a_loss_after_the_last_level_tells_the_last_role_again() -> None:
    life = Life()
    incident = life.declare(Severity.SEV2)
    life.pass_time(10)
    life.fire()
    life.do(cmd.AcknowledgeIncident(incident))
    life.do(cmd.UnacknowledgeIncident(incident, "not mine"))
    assert levels(life, incident)[-1] == (3, "secondary")


def test_55_what_somebody_has_never_pages_again_without_a_fresh_cause() -> None:
    life = Life()
    incident = life.declare(Severity.SEV2)
    life.do(cmd.AcknowledgeIncident(incident))
    life.pass_time(90 * 24 * 60)
    assert life.fire() == []
    life.do(cmd.ChangeState(incident, "resolved"))
    life.pass_time(24 * 60)
    life.do(cmd.ChangeState(incident, "investigating", "it is back"))
    assert life.fire() == []  # reopened, and bob still has it
    life.do(cmd.ChangeSeverity(incident, Severity.SEV1, "worse"))
    life.pass_time(10)
    assert levels(life, incident) == [(1, "primary")]
    assert life.fire() == []


def test_55_a_reopened_incident_that_nobody_has_waits_for_an_answer_from_now_on() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.ChangeState(incident, "resolved"))
    life.pass_time(24 * 60)
    assert life.fire() == []
    life.do(cmd.ChangeState(incident, "investigating", "it is back"))
    assert life.fire() == []
    assert next_deadline(life.state, "lighthouse/production") == life.now + 5 * MINUTES
    life.pass_time(5)
    assert {event.payload.late_seconds for event in life.fire()} == {0.0}
    assert levels(life, incident) == [(1, "primary"), (2, "secondary")]


def test_57_nobody_on_call_is_recorded_and_the_next_level_is_told_at_once() -> None:
    life = Life()
    life.rota["primary"] = ()
    life.rota["secondary"] = (Reach("sam"),)  # no way that is known
    incident = life.declare()
    told = life.state.incidents[incident].escalations
    assert [(item.role, item.nobody) for item in told] == [("primary", True), ("secondary", True), ("lead", False)]
    assert {item.at for item in told} == {START}
    life.pass_time(60)
    assert all(event.kind != "incident.escalated" for event in life.fire())


def test_57_nobody_at_all_is_said_once_for_each_level() -> None:
    life = Life()
    life.rota = {}
    incident = life.declare()
    assert [item.nobody for item in life.state.incidents[incident].escalations] == [True] * 3


def test_57_after_an_outage_one_level_is_told_late_and_the_others_only_in_future() -> None:
    life = Life()
    incident = life.declare()
    life.pass_time(60)
    (escalated,) = [event for event in life.fire() if event.kind == "incident.escalated"]
    assert (escalated.payload.level, escalated.payload.late_seconds) == (2, 55 * 60.0)
    assert escalated.payload.next_at == life.now + 5 * MINUTES
    life.pass_time(4)
    assert life.fire() == []
    assert levels(life, incident) == [(1, "primary"), (2, "secondary")]


def test_10_two_who_escalate_as_of_the_same_level_have_escalated_once() -> None:
    life = Life()
    incident = life.declare()
    life.pass_time(1)
    life.do(cmd.Escalate(incident, 1, "need the lead"))
    said = life.refused(cmd.Escalate(incident, 1), BOB)
    assert said == "INC-1 was escalated to level 2 (secondary) by alice at 22:31:00Z"
    assert levels(life, incident) == [(1, "primary"), (2, "secondary")]
    life.do(cmd.Escalate(incident, 2), BOB)
    life.do(cmd.Escalate(incident, 3))  # past the last level, the last role is asked again: nothing stops it
    assert levels(life, incident)[2:] == [(3, "lead"), (4, "lead")]


def test_an_acknowledged_incident_can_be_escalated_by_hand_and_starts_no_clock() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.AcknowledgeIncident(incident))
    life.do(cmd.Escalate(incident, 1))
    assert life.state.incidents[incident].escalate_at is None  # though there is a third level
    life.do(cmd.ChangeState(incident, "resolved"))
    assert "would change nothing" in life.refused(cmd.Escalate(incident, 2))


def test_the_teams_that_the_labels_name_are_told_with_the_first_level_and_nobody_twice() -> None:
    life = Life()
    life.teams = ((Team("performance", (parse_matcher("alertname=~P99.*"),), ("sam", "pat")), (SAM, PAT)),)
    incident = life.declare()
    assert life.state.incidents[incident].escalations[0].people == (PAT, SAM)
    life.pass_time(5)
    life.fire()
    assert life.state.incidents[incident].escalations[1].people == (SAM,)


def test_a_policy_of_pagerduty_pages_in_our_place_and_our_clock_goes_on_when_it_is_over() -> None:
    life = Life()
    life.pages = {"f1": page()}
    incident = life.declare()
    told = life.state.incidents[incident].escalations
    assert [(item.level, item.pager, item.by) for item in told] == [(1, "Platform", "PagerDuty")]
    life.pass_time(5)
    assert [event.kind for event in life.fire()] == ["incident.acknowledge_overdue"]
    life.do(cmd.LinkPager(incident, page(level=2, assigned_to=("sam",)), True))
    assert life.state.incidents[incident].level == 2
    life.do(cmd.Escalate(incident, 2))
    assert life.state.incidents[incident].escalations[-1].pager == "Platform"
    assert (
        life.do(cmd.LinkPager(incident, page(level=3, assigned_to=("lee",)), True))[0].kind == "incident.pager_changed"
    )
    assert life.state.incidents[incident].level == 3


def test_a_page_resolved_there_gives_the_escalation_back_to_our_clock() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.LinkPager(incident, page(), False))
    life.pass_time(30)
    assert {event.kind for event in life.fire()} == {"incident.acknowledge_overdue", "incident.update_overdue"}
    assert levels(life, incident) == [(1, "primary")]
    life.do(cmd.LinkPager(incident, page(PagerStatus.RESOLVED), False))
    assert life.state.incidents[incident].open
    (escalated,) = life.fire()
    assert (escalated.payload.level, escalated.payload.late_seconds) == (2, 0.0)


def test_while_pagerduty_does_not_answer_people_are_told_by_the_ways_that_are_left() -> None:
    """A page of before the outage is adopted, and nobody knows whether it pages."""
    life = Life()
    life.pages, life.pager_silent = {"f1": page()}, True
    incident = life.declare()
    assert (2, "secondary") in levels(life, incident)
    life.do(cmd.Escalate(incident, 2, "no answer"))
    last = life.state.incidents[incident].escalations[-1]
    assert (last.people, last.pager, last.reason) == ((LEE,), "", "no answer; PagerDuty does not answer")


def silent(life: Life, minutes: float) -> None:
    """PagerDuty says nothing for that long, from now on."""
    life.pager_silent, life.pager_unheard = True, life.now
    life.pass_time(minutes)


def test_a_page_of_which_pagerduty_says_nothing_for_too_long_is_no_evidence_that_anybody_is_reached() -> None:
    life = Life()
    life.pages = {"f1": page()}
    incident = life.declare()
    life.pass_time(1)
    silent(life, 4)
    assert [event.kind for event in life.fire()] == ["incident.acknowledge_overdue"]
    life.pass_time(1)
    said, told = life.fire()
    assert (said.kind, said.payload.since) == ("incident.pager_silent", START + 1 * MINUTES)
    assert (told.payload.level, told.payload.people, told.payload.pager) == (2, (SAM,), "")
    assert told.payload.reason.startswith("PagerDuty has not answered since 22:31:00Z")
    assert life.fire() == []
    life.pass_time(5)
    (told,) = life.fire()
    assert (told.payload.level, told.payload.people) == (3, (LEE,))
    assert told.payload.reason.startswith("PagerDuty has not answered")
    life.pass_time(60)
    assert [event.kind for event in life.fire()] == ["incident.update_overdue"]
    assert life.state.incidents[incident].pager_silent_since == START + 1 * MINUTES


def test_a_page_owns_the_paging_again_once_pagerduty_says_that_it_stands() -> None:
    life = Life()
    life.pages = {"f1": page()}
    incident = life.declare()
    silent(life, 5)
    life.fire()
    assert life.state.incidents[incident].paged_by == ""
    life.pager_silent, life.pager_unheard = False, None
    life.do(cmd.LinkPager(incident, page(), True))
    found = life.state.incidents[incident]
    assert (found.paged_by, found.pager_silent_since) == ("Platform", None)
    life.pass_time(20)
    assert life.fire() == []
    assert life.do(cmd.LinkPager(incident, page(), True)) == []  # the same again is nothing new
    silent(life, 5)
    assert {event.kind for event in life.fire()} >= {"incident.pager_silent", "incident.escalated"}


def test_silence_of_pagerduty_tells_nobody_of_what_somebody_has_or_what_asks_for_no_answer() -> None:
    life = Life()
    life.pages = {"f1": page()}
    incident = life.declare()
    life.do(cmd.AcknowledgeIncident(incident))
    life.declare(Severity.SEV4)
    silent(life, 25)
    assert life.fire() == []


def test_silence_of_pagerduty_at_its_last_level_tells_our_last_role_once() -> None:
    life = Life()
    life.pages = {"f1": page(level=3)}
    life.declare()
    silent(life, 5)
    told = life.fire()[-1]
    assert (told.payload.role, told.payload.people, told.payload.next_at) == ("lead", (LEE,), None)
    life.pass_time(20)
    assert life.fire() == []


def test_a_level_that_our_own_clock_waits_for_is_not_told_sooner_by_the_silence_of_pagerduty() -> None:
    life = Life()
    life.pages = {"f1": page()}
    silent(life, 5)
    incident = life.declare()  # tells the next level by our own clock at once, for it is in doubt
    assert life.state.incidents[incident].escalate_at == life.now + 5 * MINUTES
    due = life.state.incidents[incident].pages["PD1"].changed_at
    assert due is not None
    life.pass_time(5)
    kinds = [event.kind for event in life.fire()]
    assert kinds.count("incident.pager_silent") == kinds.count("incident.escalated") == 1


def test_an_adopted_page_that_is_resolved_there_leaves_nobody_untold() -> None:
    """Our clock never ran while PagerDuty paged, so nothing of it was due."""
    life = Life()
    life.pages = {"f1": page()}
    incident = life.declare()
    assert life.state.incidents[incident].escalate_at is None
    life.pass_time(3)
    events = life.do(cmd.LinkPager(incident, page(PagerStatus.RESOLVED), True))
    assert [event.kind for event in events] == ["incident.pager_changed", "incident.escalated"]
    assert life.state.incidents[incident].escalations[-1].people == (SAM,)
    assert life.do(cmd.LinkPager(incident, page(PagerStatus.RESOLVED), True)) == []
    life.pass_time(5)
    assert [event.kind for event in life.fire()] == ["incident.acknowledge_overdue", "incident.escalated"]
    assert life.fire() == []


def test_an_adopted_page_that_is_resolved_there_pages_nobody_for_what_somebody_has() -> None:
    life = Life()
    life.pages = {"f1": page()}
    incident = life.declare()
    life.do(cmd.AcknowledgeIncident(incident))
    events = life.do(cmd.LinkPager(incident, page(PagerStatus.RESOLVED), True))
    assert [event.kind for event in events] == ["incident.pager_changed"]


@pytest.mark.parametrize("status", [PagerStatus.TRIGGERED, PagerStatus.UNKNOWN])
def test_acknowledged_and_lost_in_pagerduty_is_acknowledged_and_lost_here(status: PagerStatus) -> None:
    life = Life()
    incident = life.declare()
    taken = page(PagerStatus.ACKNOWLEDGED, acknowledged_by="carol", escalation_policy="")
    life.do(cmd.LinkPager(incident, taken, False))
    found = life.state.incidents[incident]
    assert (str(found.acknowledged_by), found.acknowledged_via, found.commander) == ("carol", "PagerDuty", "carol")
    assert life.do(cmd.LinkPager(incident, taken, False)) == []
    life.do(cmd.LinkPager(incident, page(status, escalation_policy=""), False))
    lost = life.state.incidents[incident].acknowledged_at is None
    assert lost is (status is PagerStatus.TRIGGERED)  # an unknown word means nothing
    assert levels(life, incident)[-1] == ((2, "secondary") if lost else (1, "primary"))


def test_given_back_here_is_not_taken_again_because_pagerduty_still_says_acknowledged() -> None:
    life = Life()
    incident = life.declare()
    taken = page(PagerStatus.ACKNOWLEDGED, acknowledged_by="carol")
    life.do(cmd.LinkPager(incident, taken, False))
    life.do(cmd.UnacknowledgeIncident(incident, "carol is asleep"))
    life.do(cmd.LinkPager(incident, page(PagerStatus.ACKNOWLEDGED, assigned_to=("carol",)), False))
    assert life.state.incidents[incident].acknowledged_at is None


def test_a_more_severe_incident_is_escalated_sooner_and_a_less_severe_one_no_later() -> None:
    life = Life()
    incident = life.declare(Severity.SEV4)
    assert levels(life, incident) == []
    life.do(cmd.ChangeSeverity(incident, Severity.SEV2, "users feel it"))
    assert levels(life, incident) == [(1, "primary")]
    life.pass_time(1)
    life.do(cmd.ChangeSeverity(incident, Severity.SEV1, "all of them"))
    assert life.state.incidents[incident].escalate_at == life.now + 5 * MINUTES
    due = life.state.incidents[incident].escalate_at
    life.do(cmd.ChangeSeverity(incident, Severity.SEV2, "some of them"))
    assert life.state.incidents[incident].escalate_at == due


def test_a_page_is_given_to_others_whom_pagerduty_knows() -> None:
    life = Life()
    incident = life.declare()
    assert "no page of INC-1 is open" in life.refused(cmd.ReassignPage(incident, ("pat",)))
    life.do(cmd.LinkPager(incident, page(), True), ENGINE)
    life.channels = (ChannelSpec("pagerduty", PAGER_ACTS),)
    assert "kim: no `pagerduty` user id" in life.refused(cmd.ReassignPage(incident, ("pat", "kim")))
    assert "bo: no `pagerduty` user id" in life.refused(cmd.ReassignPage(incident, ("bo",)))
    events = life.do(cmd.ReassignPage(incident, ("pat", "pat"), "knows the bridge"))
    (queued,) = [event.payload for event in events if event.kind == "delivery.queued"]
    assert (queued.act, queued.ref) == (Act.REASSIGN, "PD1")
    assert queued.args == (("incident", "PD1"), ("person", "PPAT"))
