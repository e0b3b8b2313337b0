"""The generic webhook: our JSON, once for each delivery's id."""

import json
from dataclasses import replace

import pytest

from console.integrations.http.client import client
from console.integrations.webhook import Webhook
from console.model.message import Act
from console.model.pager import ActOutcome
from console.model.text import safe
from console.ports import Busy, Rejected, SourceError, Uncertain
from console.settings.outside import Webhook as Settings
from tests.fakes.deliveries import EACH_HOSTILE, delivery, hostile
from tests.integrations.conftest import CANARY, TIMEOUT, failing
from tests.integrations.fault_server import answer, hang, raw, reset, trickle
from tests.timing import in_time


@pytest.fixture(scope="module", autouse=True)
def _warm():
    """The first request imports httpx, which may take longer than the deadline of these tests."""
    client()


@pytest.fixture
def webhook(server, source, clock, token):
    server.behave = answer(202, "thanks")
    return Webhook(Settings(replace(source, url=f"{server.url}/hook")), clock, token)


def test_the_whole_message_under_its_key(webhook, server):
    found = webhook.deliver(delivery())
    webhook.deliver(delivery())
    assert found.outcome is ActOutcome.DONE
    assert found.text.startswith(f"{server.url}/hook took it: 202 after ")
    first, second = server.requests
    assert (first.method, first.target) == ("POST", "/hook")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == delivery().id
    assert first.headers["authorization"] == f"Bearer {CANARY}"
    assert first.headers["content-type"] == "application/json"
    assert json.loads(first.body) == {
        "version": 1,
        "id": "0b1e8d6e-5f0a-4d4b-9a51-3f4f5d6a7b8c",
        "act": "post",
        "queued_at": "2026-11-21T07:32:10Z",
        "kind": "incident.declared",
        "title": "Error budget burns",
        "at": "2026-11-21T07:32:10Z",
        "subject": "6f1c2d3e-0000-4000-8000-000000000001",
        "label": "INC-12",
        "severity": "SEV1",
        "target": "lighthouse/production",
        "text": "Conditions: 5 % of the requests fail.\nActions: we roll back.\nNeeds: nothing.",
        "facts": [{"name": "lead", "value": "alice"}, {"name": "next update", "value": "07:47Z"}],
        "links": [{"label": "runbook", "url": "https://runbooks.example/burn?x=1&y=2"}],
        "by": "alice",
        "mode": "live",
        "test": False,
    }


def test_a_test_says_that_it_is_one(webhook, server):
    webhook.prove(delivery(test=True, mode="drill"))
    found = json.loads(server.requests[0].body)
    assert (found["test"], found["mode"]) == (True, "drill")


@EACH_HOSTILE
def test_36_hostile_text_arrives_as_text(webhook, server, text):
    webhook.deliver(hostile(safe(text)))
    assert json.loads(server.requests[0].body)["title"] == safe(text)


def test_text_that_no_json_can_carry_is_a_source_error(webhook, server):
    with pytest.raises(SourceError, match="no JSON can carry"):
        webhook.deliver(delivery(title="\ud800"))
    assert not server.requests


def test_without_a_token_none_is_sent(server, source, clock):
    server.behave = answer(200)
    Webhook(Settings(replace(source, token=None)), clock).deliver(delivery())
    assert "authorization" not in server.requests[0].headers


def test_other_acts_are_not_its_own(webhook, server):
    with pytest.raises(Rejected, match="cannot annotate"):
        webhook.deliver(delivery(Act.ANNOTATE))
    assert not server.requests


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\no"
FAULTS = {
    "400": (answer(400, CANARY), Rejected),
    "401": (answer(401, CANARY), Rejected),
    "403": (answer(403, CANARY), Rejected),
    "404": (answer(404, CANARY), Rejected),
    "429": (answer(429, CANARY, Retry_After="9"), Busy),
    "500": (answer(500, CANARY), SourceError),
    "hung": (hang, Uncertain),
    "reset": (reset, Uncertain),
    "half": (raw(HALF), Uncertain),
    "slow": (trickle(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"), Uncertain),
    "redirect": (answer(308, Location=f"https://evil.example/?t={CANARY}"), SourceError),
}


@pytest.mark.parametrize(("behave", "kind"), FAULTS.values(), ids=FAULTS)
def test_35_43_45_a_fault_is_of_its_kind_in_time_and_without_the_token(webhook, server, caplog, behave, kind):
    server.behave = behave
    found = in_time(TIMEOUT + 1, failing(lambda: webhook.deliver(delivery())), server.requests.clear)
    assert isinstance(found, kind)
    if kind is SourceError:
        assert not isinstance(found, (Busy, Rejected, Uncertain))
    assert len(server.requests) == 1
    assert CANARY not in str(found) + repr(found) + repr(webhook) + caplog.text


@pytest.mark.parametrize(
    ("behave", "ok"), [(answer(405), True), (answer(200), True), (answer(401, CANARY), False), (hang, False)]
)
def test_a_check_posts_nothing(webhook, server, behave, ok):
    server.behave = behave
    (finding,) = webhook.probe()
    assert finding.ok is ok
    assert CANARY not in finding.what
    assert [request.method for request in server.requests] == ["HEAD"]
