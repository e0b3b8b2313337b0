"""Slack: what is posted stands up to slack-sdk's own models, and nothing foreign shouts, links or leaks."""

import json
import logging
import re
from datetime import timedelta

import pytest

from console.integrations.http.client import client
from console.integrations.slack import Slack, fit, payload
from console.model.message import Act
from console.model.pager import ActOutcome
from console.ports import Busy, Rejected, SourceError, Uncertain
from console.settings.outside import SecretRef, SlackWebhook
from tests.fakes.deliveries import EACH_HOSTILE, HOSTILE, delivery, hostile
from tests.integrations.conftest import TIMEOUT, failing
from tests.integrations.fault_server import answer, hang, raw, reset, trickle
from tests.timing import in_time

PATH = "services/T0CANARY1/B0CANARY2/canary-4711-do-not-print"
SECRETS = PATH.split("/")[1:]
WEBHOOK = SlackWebhook("incidents", SecretRef("env", "SLACK_INCIDENTS"))


@pytest.fixture(scope="module", autouse=True)
def _warm():
    """The first request imports httpx, which may take longer than the deadline of these tests."""
    client()


@pytest.fixture
def slack(server, clock, waits):
    server.behave = answer(200, "ok")
    return Slack(WEBHOOK, clock, lambda: f"{server.url}/{PATH}\n", timeout=timedelta(seconds=waits))


def texts(part):
    """Every text of a payload."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts(value)
    elif isinstance(part, list):
        for item in part:
            yield from texts(item)


def assert_stands_up(posted):
    """slack-sdk's models read it, find nothing wrong, and write the same again; and what they do not look at."""
    from slack_sdk.models.blocks import Block

    assert len(posted["blocks"]) <= 50
    for raw_block in posted["blocks"]:
        block = Block.parse(raw_block)
        assert block is not None, raw_block
        block.validate_json()
        assert block.to_dict() == raw_block
        if raw_block["type"] == "header":
            assert raw_block["text"]["type"] == "plain_text"
        for field in raw_block.get("fields", ()):
            assert 0 < len(field["text"]) <= 2_000
    for text in texts(posted):
        assert text
        assert len(text.encode("utf-16-le")) // 2 <= 3_000


@pytest.mark.parametrize("told", [delivery(), delivery(text="", facts=(), links=()), *map(hostile, HOSTILE)])
def test_36_every_payload_stands_up_to_slacks_own_models(told):
    assert_stands_up(payload(told))


@EACH_HOSTILE
def test_36_nothing_foreign_is_obeyed(text):
    for shown in texts(payload(hostile(text))):
        assert "<!" not in shown
        assert "<@" not in shown
        assert not re.search(r"(?<![\w.])@(channel|here|everyone)\b", shown, re.IGNORECASE)
        for link in re.findall(r"<([^>]*)>", shown):
            assert link.startswith("https://x.example/")
        assert not re.search(r"&(?!amp;|lt;|gt;)", shown)


def test_41_links_that_are_no_web_addresses_are_left_out():
    posted = json.dumps(payload(delivery(links=(("a", "javascript:alert(1)"), ("b", "file:///etc/passwd")))))
    assert "javascript" not in posted
    assert "passwd" not in posted


def test_a_link_leads_where_it_says():
    found = payload(delivery(links=(("Runbook of <!channel> a|b", "https://runbooks.example/p99?env=a&b=2"),)))
    assert_stands_up(found)
    (link,) = [text for text in texts(found) if "runbooks" in text]
    assert link == "<https://runbooks.example/p99?env=a&amp;b=2|Runbook of &lt;!channel&gt; a/b>"


def test_more_facts_than_fit_are_counted():
    shown = list(texts(payload(delivery(facts=tuple((f"n{i}", "v") for i in range(45))))))
    assert "n28: v" in shown
    assert "n29: v" not in shown
    assert "and 16 more" in shown


@pytest.mark.parametrize(
    ("changes", "begin"),
    [
        ({}, "INC-12 SEV1 lighthouse/production: Error"),
        ({"mode": "drill"}, "DRILL: INC-12"),
        ({"mode": "demo"}, "DEMO: INC-12"),
        ({"test": True}, "TEST: INC-12"),
        ({"mode": "drill", "test": True}, "DRILL: TEST: INC-12"),
        ({"mode": "drill", "title": "x" * 500}, "DRILL: INC-12"),
    ],
)
def test_what_is_not_in_earnest_says_so_first(changes, begin):
    posted = payload(delivery(**changes))
    assert posted["text"].startswith(begin)
    assert posted["blocks"][0]["text"]["text"].startswith(begin)
    assert ("oncall_test=true" in json.dumps(posted)) == bool(changes.get("test"))


def test_a_cut_never_leaves_half_an_entity_or_half_a_character():
    for limit in range(3, 40):
        cut = fit("&<>\U0001f525" * 20, limit)
        assert len(cut.encode("utf-16-le")) // 2 <= limit
        assert re.fullmatch(r"(&amp;|&lt;|&gt;|\U0001f525)*…", cut)


def test_it_is_posted_to_the_whole_address(slack, server):
    found = slack.deliver(delivery())
    assert found.outcome is ActOutcome.DONE
    assert found.text.startswith(f"{server.url} took it after ")
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", f"/{PATH}")
    assert json.loads(request.body) == payload(delivery())
    assert "authorization" not in request.headers


def test_a_test_goes_to_the_channel_for_tests_where_there_is_one(slack, server, clock):
    slack.prove(delivery(test=True))
    webhook = SlackWebhook("incidents", WEBHOOK.webhook, test=SecretRef("env", "SLACK_TEST"))
    other = Slack(webhook, clock, lambda: f"{server.url}/{PATH}", lambda: f"{server.url}/services/test")
    other.prove(delivery(test=True))
    other.deliver(delivery())
    assert [request.target for request in server.requests] == [f"/{PATH}", "/services/test", f"/{PATH}"]


def test_other_acts_are_not_slacks(slack, server):
    with pytest.raises(Rejected, match="cannot trigger"):
        slack.deliver(delivery(Act.TRIGGER))
    assert not server.requests


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\no"
ECHO = f"no such hook: {PATH}"
FAULTS = {
    "400": (answer(400, "invalid_payload"), Rejected, "invalid_payload"),
    "400 no text": (answer(400, "no_text"), Rejected, "no_text"),
    "401": (answer(401, ECHO), Rejected, "check env:SLACK_INCIDENTS"),
    "403": (answer(403, "action_prohibited"), Rejected, "action_prohibited"),
    "404": (answer(404, ECHO), Rejected, "no such hook: ***"),
    "410": (answer(410, "channel_is_archived"), Rejected, "channel_is_archived"),
    "429": (answer(429, "rate_limited", Retry_After="30"), Busy, "slow down, for 30 s"),
    "500": (answer(500, "rollup_error"), SourceError, "rollup_error"),
    "not Slack": (answer(200, f"<html>{ECHO}"), SourceError, "not Slack's ok"),
    "hung": (hang, Uncertain, "may or may not"),
    "reset": (reset, Uncertain, "may or may not"),
    "half": (raw(HALF), Uncertain, "broke off"),
    "slow": (trickle(HALF, b""), Uncertain, "no complete answer within 0.4 s"),
    "redirect": (answer(307, Location=f"https://evil.example/{PATH}"), SourceError, "a redirect to https://evil"),
}


@pytest.mark.parametrize(("behave", "kind", "words"), FAULTS.values(), ids=FAULTS)
def test_35_43_45_a_fault_is_of_its_kind_in_time_and_without_the_address(slack, server, caplog, behave, kind, words):
    server.behave = behave
    with caplog.at_level(logging.DEBUG):
        found = in_time(TIMEOUT + 1, failing(lambda: slack.deliver(delivery())), server.requests.clear)
    assert isinstance(found, kind)
    if kind is SourceError:
        assert not isinstance(found, (Busy, Rejected, Uncertain))
    if kind is Busy:
        assert found.retry_after == 30
    assert words in str(found)
    assert len(server.requests) == 1
    assert_silent(str(found) + repr(found) + repr(slack) + caplog.text)


def assert_silent(text):
    assert not [secret for secret in SECRETS if secret in text]
    assert text.isprintable()


@pytest.mark.parametrize(
    "address", ["", "nonsense", "ftp://x/y", "https://[", f"http://user:{SECRETS[2]}@/", "http:///x"]
)
def test_an_address_that_is_none_is_said_without_it(clock, address):
    with pytest.raises(SourceError) as caught:
        Slack(WEBHOOK, clock, lambda: address).deliver(delivery())
    assert_silent(str(caught.value))


def test_an_address_that_cannot_be_read(clock):
    def address():
        raise OSError(f"no permission: {PATH}")

    slack = Slack(WEBHOOK, clock, address)
    with pytest.raises(Rejected, match=r"the address in env:SLACK_INCIDENTS cannot be read \(OSError\)") as caught:
        slack.deliver(delivery())
    assert_silent(str(caught.value))
    (finding,) = slack.probe()
    assert not finding.ok
    assert_silent(finding.what + finding.todo)


@pytest.mark.parametrize(
    ("address", "ok"), [(f"https://hooks.slack.com/{PATH}", True), (f"http://x/{PATH}", False), ("https://x", False)]
)
def test_a_check_looks_at_the_address_and_sends_nothing(clock, address, ok):
    (finding,) = Slack(WEBHOOK, clock, lambda: address).probe()
    assert finding.ok is ok
    assert bool(finding.todo) is not ok
    assert_silent(finding.what + finding.todo)
