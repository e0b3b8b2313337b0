"""Several engines on one record, one of them killed while it tells people: all is told, nobody is told twice over."""

import re
import subprocess

import pytest

from console.model import commands as cmd
from tests.fakes.connected import declare, do, elsewhere, incident, opened_only, payloads, running, secrets_of, until
from tests.fakes.outside import Outside
from tests.integrations.fault_server import hang
from tests.servers import REPO, wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def outside(tmp_path):
    with Outside(tmp_path) as running, secrets_of(running):
        running.configure("http://127.0.0.1:1", ["http://127.0.0.1:1"])
        running.edit("severity.yaml", "acknowledge_within: 5m", "acknowledge_within: 3s")
        running.pagerduty.policy = None  # or its own policy would escalate, and not our clock
        yield running


class Engine:
    """`oncall watch` in a process of its own."""

    def __init__(self, outside):
        with (outside.folder / "watch.log").open("ab") as log:
            self.process = subprocess.Popen(outside.oncall("watch"), cwd=REPO, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()


def posts(outside):
    """The beginnings of the deliveries' ids, as Slack got them."""
    return [re.search(r"delivery ([0-9a-f]{8})", body)[1] for body in outside.slack.bodies]


async def test_54_an_engine_dies_while_it_tells_and_another_tells_it_all_once(outside):
    journal, pagerduty = outside.journal, outside.pagerduty
    first = Engine(outside)
    wait_until(journal.exists, what="the record")
    wait_until(lambda: payloads(journal, "engine.lease_taken"), what="the lease")
    second = Engine(outside)
    try:
        outside.slack.behave = hang
        pagerduty.rule("POST", "/v2/enqueue", after=hang)
        async with opened_only(outside, journal, "bob") as bob:
            found = await declare(bob, "Everything is slow")
        key = f"oncall-{found}"
        await elsewhere(lambda: outside.slack.requests and outside.events("trigger"), "both, half delivered")
        first.kill()
        outside.slack.heal()

        await elsewhere(lambda: len(payloads(journal, "engine.lease_taken")) == 2, "the next engine")
        await elsewhere(lambda: len(payloads(journal, "incident.escalated")) == 3, "all levels")
        async with running(outside, journal, "bob") as bob:
            await until(bob, lambda: not any(item.open for item in bob.state.deliveries.values()), "all deliveries")
            ended = {item.id: (item.channel, item.act, item.state) for item in bob.state.deliveries.values()}
            assert {state for *_, state in ended.values()} == {"sent"}

            await do(bob, cmd.AcknowledgeIncident(found))
            assert incident(bob, found).escalate_at is None, "stopped by the acknowledgement"
            levels = len(incident(bob, found).escalations)
            await do(bob, cmd.UnacknowledgeIncident(found, "has to leave"))
            assert len(incident(bob, found).escalations) == levels + 1, "resumed by its loss"
            await do(bob, cmd.AcknowledgeIncident(found))
            await until(bob, lambda: not any(item.open for item in bob.state.deliveries.values()), "all deliveries")
            events = await bob.timeline(f"incident:{found}")
    finally:
        first.kill()
        second.kill()

    told = [(event.payload.level, event.payload.role) for event in events if event.kind == "incident.escalated"]
    assert told == [(1, "primary"), (2, "secondary"), (3, "lead"), (4, "lead")]
    assert [event.kind for event in events].count("incident.acknowledge_overdue") == 1

    assert outside.events("trigger") == [key, key], "at least once"
    assert [item.status for item in pagerduty.incidents.values()] == ["acknowledged"]
    assert [item.alerts for item in pagerduty.incidents.values()] == [{key: "triggered"}], "one alert under one key"

    sent = posts(outside)
    slack = {id[:8] for id, (channel, *_) in ended.items() if channel == "slack.incidents"}
    assert slack <= {*sent}, "everything at least once"
    assert [id for id in {*sent} if sent.count(id) > 1] == [sent[0]], "only what nobody knew the end of came twice"
    pages = outside.mails("Everything is slow")
    for person in ("alice@example.com", "bob@example.com"):
        assert pages.count([person]) == 1, "each level once"
    identities = [request.headers["idempotency-key"] for request in outside.webhook.requests]
    assert len(identities) == len({*identities})
