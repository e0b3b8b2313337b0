"""Deliveries to PagerDuty: which act each becomes, and the proof by a test event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.engine.clocks import SystemClock
from console.integrations.pagerduty import PagerDutyChannel
from console.model.message import Act, Delivery, Message
from console.model.pager import ActOutcome
from console.ports import Rejected, SourceError
from tests.fakes.pagerduty import BEN, CAT, TEST_SERVICE
from tests.integrations.fault_server import answer, reset

OWN = "oncall-i-1"


@pytest.fixture
def channel(api):
    return PagerDutyChannel(api, SystemClock(), tester=api.for_tests(), pause=lambda _: None)


def delivery(act, ref=OWN, *args, text="Something happens"):
    message = Message("incident", "Lighthouse is down", datetime.now(UTC), text=text)
    return Delivery("d-1", "pagerduty", act, message, datetime.now(UTC), ref, args)


def test_our_own_incident_goes_by_events(fake, channel):
    assert channel.deliver(delivery(Act.TRIGGER)).outcome is ActOutcome.DONE
    [incident] = fake.incidents.values()
    assert channel.deliver(delivery(Act.ACKNOWLEDGE)).outcome is ActOutcome.DONE
    assert incident.status == "acknowledged"
    found = channel.deliver(delivery(Act.ACKNOWLEDGE))
    assert (found.outcome, found.by) == (ActOutcome.ALREADY, "Lighthouse")
    assert channel.deliver(delivery(Act.RESOLVE)).outcome is ActOutcome.DONE
    assert incident.status == "resolved"
    assert channel.deliver(delivery(Act.RESOLVE)).outcome is ActOutcome.ALREADY
    assert not fake.sent("PUT")
    assert len(fake.sent("POST", "/v2/enqueue")) == 3


def test_09_our_own_that_is_resolved_there_is_lost_with_who(fake, channel):
    channel.deliver(delivery(Act.TRIGGER))
    [incident] = fake.incidents.values()
    fake.resolve(incident, BEN)
    found = channel.deliver(delivery(Act.ACKNOWLEDGE))
    assert (found.outcome, found.by, incident.status) == (ActOutcome.LOST, "Ben Bold", "resolved")


def test_our_own_is_resolved_even_when_nothing_can_be_read(fake, channel):
    channel.deliver(delivery(Act.TRIGGER))
    for fault in (answer(429, Retry_After="60"), answer(500), reset):
        fake.rule("GET", "/incidents", instead=fault)
        assert channel.deliver(delivery(Act.RESOLVE)).outcome in (ActOutcome.DONE, ActOutcome.ALREADY)
    assert [one.status for one in fake.incidents.values()] == ["resolved"]


def test_an_adopted_incident_goes_by_rest(fake, channel):
    incident = fake.open(key="alertmanager's")
    for ref, args in ((incident.id, ()), (OWN, (("incident", incident.id),))):
        incident.status, incident.acks = "triggered", []
        assert channel.deliver(delivery(Act.NOTE, ref, *args, text=f"note {ref}")).outcome is ActOutcome.DONE
    assert [note["content"] for note in incident.notes] == [f"note {incident.id}", f"note {OWN}"]
    assert channel.deliver(delivery(Act.ESCALATE, incident.id, ("level", "1"))).outcome is ActOutcome.DONE
    assert channel.deliver(delivery(Act.ESCALATE, incident.id, ("level", "1"))).outcome is ActOutcome.LOST
    assert incident.level == 2
    both = (("person", BEN[0]), ("person", CAT[0]))
    assert channel.deliver(delivery(Act.RESPOND, incident.id, *both)).outcome is ActOutcome.DONE
    assert incident.responders == [BEN, CAT]
    assert channel.deliver(delivery(Act.REASSIGN, incident.id, *both)).outcome is ActOutcome.DONE
    assert incident.assigned == [BEN, CAT]
    assert channel.deliver(delivery(Act.STATUS_UPDATE, incident.id)).outcome is ActOutcome.DONE
    assert fake.updates == [(incident.id, "Something happens")]
    assert channel.deliver(delivery(Act.ACKNOWLEDGE, incident.id)).outcome is ActOutcome.DONE
    assert channel.deliver(delivery(Act.RESOLVE, incident.id)).outcome is ActOutcome.DONE
    assert not fake.sent("POST", "/v2/enqueue")


def test_a_note_on_our_own_waits_for_its_incident(fake, channel):
    with pytest.raises(SourceError, match="no incident for oncall-i-1 yet"):
        channel.deliver(delivery(Act.NOTE))
    channel.deliver(delivery(Act.TRIGGER))
    assert channel.deliver(delivery(Act.NOTE)).outcome is ActOutcome.DONE


def test_a_change_event_and_what_it_cannot(fake, channel):
    assert channel.deliver(delivery(Act.CHANGE)).outcome is ActOutcome.DONE
    assert len(fake.changes) == 1
    for act in (Act.POST, Act.ANNOTATE):
        with pytest.raises(Rejected, match=f"cannot {act}"):
            channel.deliver(delivery(act))


def test_a_proof_is_seen_and_its_resolution_too(fake, channel):
    found = channel.prove(delivery(Act.TRIGGER, ""))
    [incident] = fake.incidents.values()
    assert (incident.status, incident.service) == ("resolved", TEST_SERVICE)
    assert incident.payload["payload"]["custom_details"]["oncall_test"] == "true"
    assert incident.payload["dedup_key"] == "oncall-test-d-1"
    assert f"incident {incident.id} read back, seen resolved" in found.text
    assert found.ref == incident.id


def test_a_proof_without_a_rest_key_says_so(fake, api):
    channel = PagerDutyChannel(api, SystemClock(), tester=api.for_tests(), rest=False)
    assert "not read back" in channel.prove(delivery(Act.TRIGGER, "")).text
    assert [one.status for one in fake.incidents.values()] == ["resolved"]
    assert not fake.sent("GET")


@pytest.mark.parametrize("fault", ["trigger", "find", "resolve"])
def test_a_proof_that_fails_leaves_nothing_open(fake, channel, fault):
    if fault == "trigger":
        fake.rule("POST", "/v2/enqueue", after=reset)
    if fault == "find":
        fake.rule("GET", "/incidents", instead=answer(403))
    if fault == "resolve":
        fake.rule("POST", "/v2/enqueue")
        fake.rule("POST", "/v2/enqueue", instead=reset)
        channel.prove(delivery(Act.TRIGGER, ""))
    else:
        with pytest.raises(SourceError):
            channel.prove(delivery(Act.TRIGGER, ""))
    assert [one.status for one in fake.incidents.values()] == ["resolved"]


def test_a_proof_that_cannot_be_resolved_is_said_loudly(fake, channel):
    fake.rule("POST", "/v2/enqueue")
    fake.rule("POST", "/v2/enqueue", instead=reset, times=2)
    with pytest.raises(SourceError, match="resolve it by hand"):
        channel.prove(delivery(Act.TRIGGER, ""))


def test_a_proof_waits_for_what_comes_late_and_gives_up_in_time(fake, api):
    class Clock(SystemClock):
        ahead = timedelta(0)

        def now(self):
            return super().now() + self.ahead

    clock, waits = Clock(), []

    def pause(seconds):
        waits.append(seconds)
        clock.ahead += timedelta(seconds=seconds)

    channel = PagerDutyChannel(api, clock, tester=api.for_tests(), pause=pause)
    empty = answer(200, {"incidents": []})
    fake.rule("GET", "/incidents", instead=empty, times=3)
    assert channel.prove(delivery(Act.TRIGGER, "")).outcome is ActOutcome.DONE
    assert len(waits) == 3
    fake.rule("GET", "/incidents", instead=empty, times=99)
    late = replace(delivery(Act.TRIGGER, ""), id="d-2")
    with pytest.raises(SourceError, match="opened no incident within 30 s"):
        channel.prove(late)
    assert len(waits) <= 3 + 31
    assert {one.status for one in fake.incidents.values()} == {"resolved"}
