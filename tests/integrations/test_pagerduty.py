"""PagerDuty: what is read and how its faults are told. The races are in test_pagerduty_races."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.engine.clocks import SystemClock
from console.integrations.pagerduty import PagerDutyApi
from console.model.message import Act, Delivery, Message
from console.model.pager import PagerStatus
from console.model.people import Severity
from console.ports import SourceError
from tests.fakes.pagerduty import ANN, BEN, EVENTS_KEY, TEST_SERVICE
from tests.integrations.fault_server import answer

HEAD = b"HTTP/1.1 200 OK\r\n"
HOSTILE = "\x1b]0;x\x07[@click=app.quit]\u202e\x00"


def delivery(**changes):
    message = Message("incident.declared", "Lighthouse is down", datetime.now(UTC), "i-1", "INC-1", Severity.SEV1)
    return Delivery("d-1", "pagerduty", Act.TRIGGER, replace(message, **changes), datetime.now(UTC), "oncall-i-1")


def test_open_incidents_with_their_keys_and_who_is_on_call(fake, api):
    first, second = fake.open(key="key-1"), fake.open("Disk full", key="key-2")
    first.alerts["key-3"] = "triggered"
    fake.acknowledge(second, BEN)
    fake.resolve(fake.open("Old", key="key-4"))
    fake.open("Elsewhere", key="key-5", service=TEST_SERVICE)
    found = api.read()
    shown = {one.id: one for one in found.incidents}
    assert set(shown) == {first.id, second.id}
    assert shown[first.id].keys == ("key-1", "key-3")
    assert (shown[first.id].status, shown[first.id].level, shown[first.id].assigned_to) == (
        PagerStatus.TRIGGERED,
        1,
        ("Ann Able",),
    )
    assert (shown[second.id].acknowledged_by, shown[second.id].escalation_policy) == ("Ben Bold", "Lighthouse policy")
    assert [(one.level, one.person, one.schedule) for one in found.on_calls] == [
        (1, "Ann Able", "Primary"),
        (2, "Ben Bold", "Primary"),
        (3, "Cat Calm", "Primary"),
    ]
    assert all(one.schedule_id for one in found.on_calls if one.schedule)
    assert found.on_calls[0].contacts == (("email", "ann@example.com"), ("phone", "+1 555 0100"))
    assert found.on_calls[0].until > datetime.now(UTC)
    assert (found.policies, found.note) == ((("PPOL1", "Lighthouse policy"),), "")


def test_only_what_is_new_or_changed_is_asked_again(fake, api):
    one, two = fake.open(key="key-1"), fake.open("Disk full", key="key-2")
    api.read()
    before = len(fake.requests)
    api.read()
    assert [request.path for request in fake.requests[before:]] == ["/incidents", "/oncalls"]
    fake.acknowledge(two)
    before = len(fake.requests)
    api.read()
    asked = [request.path for request in fake.requests[before:]]
    assert asked == ["/incidents", f"/incidents/{two.id}/alerts", "/oncalls"]
    assert one.id not in "".join(asked)


def test_a_storm_of_incidents_is_no_storm_of_requests(fake, api):
    for number in range(130):
        fake.open(f"Alert {number}", key=f"key-{number}")
    found = api.read()
    assert len(found.incidents) == 130
    assert len(fake.sent("GET", ".*/alerts")) == 25
    assert "the alerts of 105 incidents are read next time" in found.note
    assert {f"key-{number}" for number in range(130)} == {key for one in found.incidents for key in one.keys}


def test_34_every_page_is_read_and_what_comes_twice_is_one(fake, api):
    fake.on_call = [(level, user) for level in range(1, 84) for user in (ANN, BEN, BEN)]
    fake.overlap = 3
    for number in range(150):
        fake.open(f"Alert {number}", key=f"key-{number}")
    found = api.read()
    assert len(found.incidents) == 150
    assert len(found.on_calls) == 166
    incident = next(iter(fake.incidents.values()))
    for _ in range(230):
        fake.write(incident, "notify", ANN)
    lines = api.log(incident.id)
    assert [line.id for line in lines] == [line["id"] for line in incident.log]
    assert lines[0].kind == "trigger"


def test_34_an_empty_page_that_promises_more_is_the_end(fake, api):
    fake.rule("GET", "/incidents", instead=answer(200, {"incidents": [], "more": True}), times=5)
    assert api.read().incidents == ()
    assert len(fake.sent("GET", "/incidents")) == 1


def test_34_more_than_pagerduty_shows_is_said(fake, api):
    page = [{"id": f"P{number}", "status": "triggered"} for number in range(100)]
    fake.rule("GET", "/incidents", instead=answer(200, {"incidents": page, "more": True}), times=1000)
    fake.rule("GET", ".*/alerts", instead=answer(200, {"alerts": []}), times=1000)
    found = api.read()
    assert len(fake.sent("GET", "/incidents")) == 100
    assert "more than 10000 incidents" in found.note
    assert len(found.incidents) == 100


BROKEN = [
    {},
    {"title": None, "status": None, "service": None, "assignments": None, "acknowledgements": None},
    {"title": 5, "status": 7, "service": "x", "assignments": {}, "acknowledgements": [None, 5, {}]},
    {"status": "snoozed", "created_at": "yesterday", "incident_number": "12", "escalation_policy": []},
    {"created_at": "2999-01-01T00:00:00Z", "last_status_change_at": 5, "last_status_change_by": {"summary": None}},
    {"created_at": "2026-11-21T07:00:00", "alert_counts": None, "incident_key": None, "priority": {"summary": None}},
]


@pytest.mark.parametrize("change", BROKEN, ids=map(str, range(len(BROKEN))))
def test_34_a_broken_incident_is_kept_with_what_it_says(fake, api, change):
    good = {"id": "PGOOD", "status": "acknowledged", "title": "Good"}
    body = {"incidents": [good, {"id": "PODD"} | change, None, 5, {"title": "no id"}, {"id": "../x"}]}
    fake.rule("GET", "/incidents", instead=answer(200, body))
    fake.rule(
        "GET", ".*/alerts", instead=answer(200, {"alerts": [None, {"alert_key": 5}, {"alert_key": "k"}]}), times=2
    )
    found = api.read()
    assert [one.id for one in found.incidents] == ["PGOOD", "PODD"]
    odd = found.incidents[1]
    assert odd.status is PagerStatus.UNKNOWN
    assert odd.open, "unknown is not resolved"
    assert odd.created_at.tzinfo is not None
    assert odd.created_at <= datetime.now(UTC)
    assert odd.keys == ("5", "k")
    assert "4 of its incidents could not be read" in found.note


def test_34_broken_on_calls_leave_the_others(fake, api):
    user, policy = {"id": "PANN", "summary": "Ann"}, {"id": "PPOL1", "summary": "Policy"}
    good = {"user": user, "escalation_policy": policy, "escalation_level": 1, "end": None, "schedule": None}
    odd = [None, 5, {}, good | {"user": None}, good | {"escalation_level": "1"}, good | {"escalation_level": True}]
    fake.rule("GET", "/oncalls", instead=answer(200, {"oncalls": [*odd, good]}))
    found = api.read()
    assert [(one.person, one.until) for one in found.on_calls] == [("Ann", None)]
    assert "6 of its on-calls could not be read" in found.note


def test_incidents_are_shown_without_the_on_calls(fake, api):
    incident = fake.open()
    api.read()
    fake.rule("GET", "/oncalls", instead=answer(403, {"error": {"message": "Forbidden"}}))
    found = api.read()
    assert [one.id for one in found.incidents] == [incident.id]
    assert "who is on call not read" in found.note
    assert len(found.on_calls) == 3, "contacts are kept for when nothing else works"


def test_outside_text_is_made_safe(fake, api):
    fake.users["PANN"] = ("PANN", f"Ann {HOSTILE}")
    fake.on_call = [(1, fake.users["PANN"])]
    fake.open(HOSTILE * 500, key=f"key {HOSTILE}")
    found = api.read()
    assert found.incidents
    assert repr(found).isprintable()
    assert all(line.text.isprintable() for line in api.log(found.incidents[0].id))


def test_a_clock_90_s_off_is_said_and_no_age_is_negative(fake, api):
    fake.ahead = timedelta(seconds=90)
    fake.acknowledge(fake.open())
    found = api.read()
    ahead = found.note
    assert "ahead of ours" in ahead
    assert 85 <= int(ahead.split(" s ")[0].rsplit(" ", 1)[1]) <= 95
    one = found.incidents[0]
    assert max(one.created_at, one.acknowledged_at, one.changed_at) <= datetime.now(UTC)
    incident = fake.open(key="another")
    fake.rule("PUT", ".*", before=lambda: fake.resolve(incident))
    assert api.acknowledge(incident.id).outcome == "lost", "it asks by PagerDuty's own clock"
    assert incident.status == "resolved"


def test_the_deprecation_warning_is_contained_and_the_import_is_late():
    script = """
import sys, warnings
import console.integrations.pagerduty
assert "pdpyras" not in sys.modules and "requests" not in sys.modules
warnings.simplefilter("error")
import console.integrations.pagerduty.session
assert "pdpyras" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_event_carries_what_the_message_says(fake, api):
    links = (("Runbook", "https://example.com/r"), ("Local", "file:///etc/passwd"))
    sent = delivery(text="All of it", facts=(("target", "lighthouse"),), links=links)
    assert api.trigger(sent).ref == "oncall-i-1"
    body = json.loads(fake.sent("POST")[0].body)
    assert (body["dedup_key"], body["routing_key"]) == ("oncall-i-1", EVENTS_KEY)
    payload = body["payload"]
    assert (payload["summary"], payload["severity"]) == ("INC-1: Lighthouse is down", "critical")
    assert payload["custom_details"]["target"] == "lighthouse"
    assert "oncall_test" not in payload["custom_details"]
    assert body["links"] == [{"href": "https://example.com/r", "text": "Runbook"}]
    api.trigger(sent)
    assert len(fake.incidents) == 1
    assert [one.keys for one in api.read().incidents] == [("oncall-i-1",)]
    assert api.find("oncall-i-1").number == 1
    assert api.find("another") is None


def test_a_test_event_says_so_everywhere_and_goes_to_the_test_service(fake, api):
    api.for_tests().trigger(delivery(test=True))
    body = json.loads(fake.sent("POST")[0].body)
    assert body["payload"]["custom_details"]["oncall_test"] == "true"
    assert body["payload"]["summary"].startswith("[TEST] ")
    assert [one.service for one in fake.incidents.values()] == [TEST_SERVICE]
    assert api.find("oncall-i-1") is None, "not of a watched service"
    assert api.for_tests().find("oncall-i-1") is not None


def test_a_change_event(fake, api):
    api.change(delivery())
    [change] = fake.changes
    assert change["payload"]["summary"] == "INC-1: Lighthouse is down"
    assert change["payload"]["timestamp"].endswith("+00:00")


def test_find_takes_the_newest_and_looks_into_grouped_alerts(fake, api):
    old = fake.open(key="key-1")
    fake.resolve(old)
    new = fake.open(key="key-1")
    new.alerts["key-2"] = "triggered"
    assert api.find("key-1").id == new.id
    assert api.find("key-2") is None
    api.read()
    assert api.find("key-2").id == new.id


def test_probe(fake, api):
    fake.open()
    assert [finding.ok for finding in api.probe()] == [True]
    nobody = PagerDutyApi(fake.settings(sender=""), SystemClock(), fake.secret)
    assert [finding.ok for finding in nobody.probe()] == [True, False]
    refused = PagerDutyApi(fake.settings(), SystemClock(), lambda ref: "wrong-canary")
    [finding] = refused.probe()
    assert not finding.ok
    assert "wrong-canary" not in finding.what
    assert api.schedules() == (("PSCH1", "Primary"),)


def test_closed_it_sends_nothing(fake, api):
    api.close()
    with pytest.raises(SourceError, match="closing"):
        api.read()
    assert not fake.requests
