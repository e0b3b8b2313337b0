"""Races with other people at PagerDuty, forced between two requests of one act. Numbers are those of the study."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from console.engine.clocks import SystemClock
from console.integrations.pagerduty import PagerDutyApi
from console.model.pager import ActOutcome, PagerStatus
from console.ports import Busy, Rejected, SourceError, Uncertain
from tests.fakes.openapi import Judge
from tests.fakes.pagerduty import ANN, BEN, CAT, SERVICE, FakePagerDuty
from tests.integrations.fault_server import answer, reset
from tests.servers import wait_until

PUT = ("PUT", "/incidents/.*")


@pytest.fixture
def other(fake):
    """Another console, whose operator is Ben."""
    return PagerDutyApi(fake.settings(BEN), SystemClock(), fake.secret)


def puts(fake):
    return [one.body.decode() for one in fake.sent(*PUT)]


def test_the_judge_can_fail(shared_dir):
    judge = Judge(shared_dir)
    auth = {"authorization": "Token token=x", "from": "ann@example.com", "content-type": "application/json"}
    good = b'{"incident": {"type": "incident_reference", "status": "resolved"}}'
    assert judge.violation("PUT", "/incidents/P1", auth, good) == ""
    assert judge.violation("GET", "/incidents?statuses[]=triggered&limit=100", auth, b"") == ""
    assert judge.violation("POST", "/v2/enqueue", auth, b'{"routing_key": "k", "event_action": "resolve"}') == ""
    without_from = {name: text for name, text in auth.items() if name != "from"}
    for wrong in (
        ("PUT", "/incidents/P1", without_from, good),
        ("PUT", "/incidents/P1", auth, b'{"incident": {"status": "resolved"}}'),
        ("PUT", "/incidents/P1", auth, good.replace(b"resolved", b"solved")),
        ("POST", "/incidents/P1/notes", auth, b'{"note": {}}'),
        ("GET", "/incidents?limit=many", auth, b""),
        ("GET", "/incidents?statuses[]=open", auth, b""),
        ("GET", "/incidents?status=triggered", auth, b""),
        ("GET", "/nothing", auth, b""),
        ("GET", "/incidents", {}, b""),
        ("POST", "/v2/enqueue", auth, b'{"event_action": "resolve"}'),
        ("POST", "/v2/enqueue", auth, b'{"routing_key": "k", "event_action": "close"}'),
    ):
        assert judge.violation(*wrong), wrong


def test_a_request_against_the_documents_fails_the_test(shared_dir):
    fake = FakePagerDuty(Judge(shared_dir))
    api = PagerDutyApi(fake.settings(), SystemClock(), fake.secret)
    with pytest.raises(SourceError), api._wire.act() as talk:
        talk.put("/incidents/P1", {"incident": {"status": "solved"}})
    with pytest.raises(AssertionError, match="/incidents/P1"):
        fake.__exit__(None)


def test_08_two_acknowledgements_within_50_ms_have_one_winner(fake, api, other):
    incident = fake.open()
    both_have_looked = threading.Barrier(2, timeout=60)
    fake.rule(*PUT, before=both_have_looked.wait, times=2)
    with ThreadPoolExecutor(2) as pool:
        mine, theirs = pool.map(lambda one: one.acknowledge(incident.id), (api, other))
    acknowledged = [line["agent"]["summary"] for line in incident.log if line["type"] == "acknowledge_log_entry"]
    assert sorted(acknowledged) == ["Ann Able", "Ben Bold"], "both are recorded"
    outcomes = {"Ann Able": mine, "Ben Bold": theirs}
    winner, loser = outcomes[acknowledged[0]], outcomes[acknowledged[1]]
    assert winner.outcome is ActOutcome.DONE
    assert (loser.outcome, loser.by) == (ActOutcome.ALREADY, acknowledged[0])
    assert loser.at is not None
    assert acknowledged[0] in loser.text
    assert incident.status == "acknowledged"


def test_08_two_of_one_console_follow_each_other(fake, api):
    incident = fake.open()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: api.acknowledge(incident.id).outcome, range(2)))
    assert sorted(found) == [ActOutcome.ALREADY, ActOutcome.DONE]
    assert len(puts(fake)) == 1


def test_08_the_second_to_come_is_told_who_has_it(fake, api):
    incident = fake.open()
    fake.acknowledge(incident, BEN)
    found = api.acknowledge(incident.id)
    assert (found.outcome, found.by) == (ActOutcome.ALREADY, "Ben Bold")
    assert abs(datetime.now(UTC) - found.at).total_seconds() < 5
    assert not puts(fake)


def test_09_an_acknowledgement_in_flight_while_it_resolves_leaves_it_resolved(fake, api):
    incident = fake.open()
    fake.rule(*PUT, before=lambda: fake.resolve(incident, BEN))
    found = api.acknowledge(incident.id)
    assert incident.status == "resolved"
    assert (found.outcome, found.by) == (ActOutcome.LOST, "Ben Bold")
    assert "resolved again" in found.text
    assert ["acknowledged" in body for body in puts(fake)] == [True, False]


def test_09_an_acknowledgement_of_what_is_resolved_sends_nothing(fake, api):
    incident = fake.open()
    fake.resolve(incident, BEN)
    found = api.acknowledge(incident.id)
    assert (found.outcome, found.by) == (ActOutcome.LOST, "Ben Bold")
    assert not puts(fake)


def test_09_what_was_resolved_long_ago_and_reopened_is_acknowledged(fake, api):
    incident = fake.open()
    fake.resolve(incident, BEN)
    incident.status, incident.assigned = "triggered", [ANN]
    found = api.acknowledge(incident.id)
    assert (found.outcome, incident.status) == (ActOutcome.DONE, "acknowledged")


def test_09_reopened_by_somebody_else_in_between_stays_open(fake, api):
    incident = fake.open()

    def resolve_and_reopen():
        fake.resolve(incident, BEN)
        incident.status = "triggered"
        fake.write(incident, "trigger", CAT)

    fake.rule(*PUT, before=resolve_and_reopen)
    assert api.acknowledge(incident.id).outcome is ActOutcome.DONE
    assert incident.status == "acknowledged"


def test_09_what_somebody_has_acknowledged_since_is_not_resolved_under_them(fake, api):
    incident = fake.open()
    fake.rule(*PUT, before=lambda: fake.resolve(incident, BEN))
    fake.rule("GET", ".*/log_entries")
    fake.rule("GET", ".*/log_entries", before=lambda: fake.acknowledge(incident, CAT))
    found = api.acknowledge(incident.id)
    assert (found.outcome, incident.status) == (ActOutcome.LOST, "acknowledged")
    assert "left as it is" in found.text


@pytest.mark.parametrize("where", ["the acknowledgement", "the log", "the resolution"])
def test_09_a_fault_in_the_middle_is_made_good_by_the_next_attempt(fake, api, where):
    incident = fake.open()
    if where == "the acknowledgement":
        fake.rule(*PUT, before=lambda: fake.resolve(incident, BEN), after=reset)
    else:
        fake.rule(*PUT, before=lambda: fake.resolve(incident, BEN))
    if where == "the log":
        fake.rule("GET", ".*/log_entries")
        fake.rule("GET", ".*/log_entries", instead=answer(500))
    if where == "the resolution":
        fake.rule(*PUT, instead=reset)
    with pytest.raises(SourceError):
        api.acknowledge(incident.id)
    assert incident.status == "acknowledged", "reopened, as PagerDuty documents"
    found = api.acknowledge(incident.id)
    assert (found.outcome, found.by, incident.status) == (ActOutcome.LOST, "Ben Bold", "resolved")
    assert api.acknowledge(incident.id).outcome is ActOutcome.LOST


def test_09_who_we_are_need_not_be_known(fake, api):
    incident = fake.open()
    fake.rule("GET", "/users", instead=answer(403), times=9)
    fake.rule(*PUT, before=lambda: fake.resolve(incident, BEN))
    assert api.acknowledge(incident.id).outcome is ActOutcome.LOST
    assert incident.status == "resolved"


def test_09_resolved_just_after_the_acknowledgement(fake, api):
    incident = fake.open()
    fake.rule("GET", ".*/log_entries")
    fake.rule("GET", ".*/log_entries", before=lambda: fake.resolve(incident, BEN))
    found = api.acknowledge(incident.id)
    assert (found.outcome, incident.status) == (ActOutcome.DONE, "resolved")
    assert "resolved since by Ben Bold" in found.text
    assert len(puts(fake)) == 1


def test_09_an_event_cannot_reopen(fake, api):
    from console.model.message import Act

    incident = fake.open(key="oncall-1")
    fake.resolve(incident)
    api.event(Act.ACKNOWLEDGE, "oncall-1")
    assert incident.status == "resolved"


def test_09_resolved_twice_at_once(fake, api):
    incident = fake.open()
    fake.rule(*PUT, before=lambda: fake.resolve(incident, BEN))
    found = api.resolve(incident.id)
    assert (found.outcome, found.by, incident.status) == (ActOutcome.ALREADY, "Ben Bold", "resolved")
    assert api.resolve(incident.id).outcome is ActOutcome.ALREADY
    assert len(puts(fake)) == 1


def test_10_two_escalations_as_of_the_same_level_are_one(fake, api, other):
    incident = fake.open()
    both_have_looked = threading.Barrier(2, timeout=60)
    fake.rule(*PUT, before=both_have_looked.wait, times=2)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: one.escalate(incident.id, 1), (api, other)))
    assert sorted(one.outcome for one in found) == [ActOutcome.DONE, ActOutcome.LOST]
    assert incident.level == 2
    loser = next(one for one in found if one.outcome is ActOutcome.LOST)
    first = next(line for line in incident.log if line["type"] == "escalate_log_entry")
    assert loser.by == first["agent"]["summary"]


def test_10_one_that_stands_higher_already_is_left_there(fake, api):
    incident = fake.open()
    fake.escalate(incident, 2, BEN)
    found = api.escalate(incident.id, 1)
    assert (found.outcome, found.by, incident.level) == (ActOutcome.LOST, "Ben Bold", 2)
    assert not puts(fake)
    assert api.escalate(incident.id, 2).outcome is ActOutcome.DONE
    assert incident.level == 3
    with pytest.raises(Rejected, match="Escalation level is invalid"):
        api.escalate(incident.id, 3)


def test_10_a_level_that_nobody_knows_is_not_guessed(fake, api):
    incident = fake.open()
    incident.via = "direct_assignment"
    with pytest.raises(Rejected, match="at which level"):
        api.escalate(incident.id, 0)
    fake.resolve(incident)
    assert api.escalate(incident.id, 1).outcome is ActOutcome.LOST


def test_30_after_a_429_acts_go_and_refreshes_wait(fake):
    from console.engine.clocks import SystemClock

    class Still:
        ahead = 0.0

        def monotonic(self):
            return self.ahead

    clock = Still()
    api = PagerDutyApi(fake.settings(), SystemClock(), fake.secret)
    api._wire.gate.__init__(clock)
    incident = fake.open()
    fake.rule("GET", "/incidents", instead=answer(429, {"error": {"message": "slow"}}, Retry_After="40"))
    with pytest.raises(Busy) as caught:
        api.read()
    assert caught.value.retry_after == 40
    sent = len(fake.requests)
    with pytest.raises(Busy) as caught:
        api.read()
    assert 30 < caught.value.retry_after <= 41
    assert len(fake.requests) == sent, "a refresh sends nothing meanwhile"
    assert api.acknowledge(incident.id).outcome is ActOutcome.DONE
    clock.ahead = 40.5
    with pytest.raises(Busy):
        api.read()
    clock.ahead = 42
    assert [one.status for one in api.read().incidents] == [PagerStatus.ACKNOWLEDGED]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "2.5"}, 2.5),
        ({"ratelimit_reset": "12"}, 12),
        ({}, 30),
        ({"Retry_After": "soon"}, 30),
        ({"Retry_After": "0"}, 1),
        ({"Retry_After": "999999"}, 3600),
        ({"Retry_After": "Sat, 01 Jan 2000 00:00:00 GMT"}, 1),
    ],
)
def test_30_a_429_is_asked_once_and_says_how_long(fake, api, headers, seconds):
    incident = fake.open()
    fake.rule("PUT", ".*", instead=answer(429, {"error": {"message": "Rate Limit Exceeded"}}, **headers))
    with pytest.raises(Busy) as caught:
        api.acknowledge(incident.id)
    assert caught.value.retry_after == pytest.approx(seconds)
    assert len(puts(fake)) == 1
    assert api.acknowledge(incident.id).outcome is ActOutcome.DONE


def test_30_a_refresh_waits_while_an_act_is_under_way(fake, api):
    incident = fake.open()
    acting, go_on = threading.Event(), threading.Event()

    def hold():
        acting.set()
        assert go_on.wait(60)

    fake.rule(*PUT, before=hold)
    with ThreadPoolExecutor(2) as pool:
        act = pool.submit(api.acknowledge, incident.id)
        assert acting.wait(60)
        refresh = pool.submit(api.read)
        wait_until(lambda: api._wire.gate._turn._waiters, what="the refresh waits")
        started = len(fake.sent("GET", "/incidents"))
        go_on.set()
        assert act.result(10).outcome is ActOutcome.DONE
        assert refresh.result(10).incidents[0].status is PagerStatus.ACKNOWLEDGED, "read after the act"
    assert started == 0
    order = [one.method for one in fake.requests if one.path in ("/incidents", f"/incidents/{incident.id}")]
    assert order.index("PUT") < order.index("GET", order.index("PUT"))


def test_a_post_is_sent_once_whatever_the_answer(fake, api):
    from console.model.message import Act

    incident = fake.open(key="oncall-1")
    for fault in (answer(500), answer(502), answer(503), answer(429), reset):
        before = len(fake.sent("POST"))
        fake.rule("POST", "/v2/enqueue", instead=fault)
        with pytest.raises((Uncertain, Busy)):
            api.event(Act.RESOLVE, "oncall-1")
        fake.rule("POST", ".*/status_updates", instead=fault)
        with pytest.raises((Uncertain, Busy)):
            api.status_update(incident.id, "All is well")
        assert len(fake.sent("POST")) == before + 2


def test_a_note_is_there_once_after_an_uncertain_answer(fake, api):
    incident = fake.open()
    fake.rule("POST", ".*/notes", after=reset)
    found = api.note(incident.id, "  Firefighters are on the scene. ")
    assert (found.outcome, found.by) == (ActOutcome.DONE, "Ann Able")
    fake.rule("POST", ".*/notes", instead=reset)
    with pytest.raises(Uncertain):
        api.note(incident.id, "another")
    assert api.note(incident.id, "another").outcome is ActOutcome.DONE
    assert api.note(incident.id, "another").outcome is ActOutcome.ALREADY
    assert [note["content"].strip() for note in incident.notes] == ["Firefighters are on the scene.", "another"]


def test_other_acts(fake, api):
    incident = fake.open()
    found = api.reassign(incident.id, (CAT[0],))
    assert (found.outcome, incident.assigned) == (ActOutcome.DONE, [CAT])
    assert "Cat Calm" in found.text
    assert api.reassign(incident.id, (CAT[0],)).outcome is ActOutcome.ALREADY
    assert api.request_responders(incident.id, (BEN[0], CAT[0]), "Please join").outcome is ActOutcome.DONE
    assert api.request_responders(incident.id, (BEN[0],), "Please join").outcome is ActOutcome.ALREADY
    assert incident.responders == [BEN, CAT]
    assert api.status_update(incident.id, "All is well").outcome is ActOutcome.DONE
    assert fake.updates == [(incident.id, "All is well")]
    assert api.resolve(incident.id).outcome is ActOutcome.DONE
    for act in (lambda: api.reassign(incident.id, (BEN[0],)), lambda: api.request_responders(incident.id, ("PX",), "")):
        assert act().outcome is ActOutcome.LOST
    assert SERVICE[1] not in incident.assigned


def test_acts_need_a_sender(fake):
    incident = fake.open()
    api = PagerDutyApi(fake.settings(sender=""), SystemClock(), fake.secret)
    with pytest.raises(Rejected, match="set the sender"):
        api.acknowledge(incident.id)
    assert not fake.requests
    stranger = PagerDutyApi(fake.settings(sender="nobody@example.com"), SystemClock(), fake.secret)
    with pytest.raises(Rejected, match=r"does not take nobody@example\.com as the sender"):
        stranger.resolve(incident.id)


@pytest.mark.parametrize("name", ["", "../users", "P1/notes", "P1?x=1", "Pé"])
def test_what_is_no_id_never_becomes_part_of_an_address(fake, api, name):
    with pytest.raises(Rejected, match="is no id"):
        api.acknowledge(name)
    with pytest.raises(Rejected, match="is no id"):
        api.note(name, "x")
    assert not fake.requests
