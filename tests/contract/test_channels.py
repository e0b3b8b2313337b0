"""One suite over every channel: what the outbox relies on, be the far side real enough or simulated."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from console.engine.clocks import SystemClock
from console.integrations.grafana import Grafana
from console.integrations.http.client import client
from console.integrations.mail import Mail
from console.integrations.simulated.channel import SimulatedChannel
from console.integrations.slack import Slack
from console.integrations.webhook import Webhook
from console.model.message import Act
from console.model.pager import ActOutcome, ActResult
from console.ports import Busy, Channel, Rejected, SourceError
from console.settings import outside
from console.settings.outside import HttpSource, SecretRef
from tests.fakes.deliveries import delivery
from tests.fakes.grafana import TOKEN, FakeGrafana
from tests.fakes.mailbox import Mailbox
from tests.integrations.fault_server import FaultServer, answer

TIMEOUT = timedelta(seconds=20)


@dataclass
class Case:
    """A channel that works, how much the far side was told, and the ways to break it."""

    channel: Any
    told: Callable[[], int]
    breaks: Callable[[], object]
    refuses: Callable[[], object]


def source(url, name="hook"):
    return HttpSource(name, url, timeout=TIMEOUT, token=SecretRef("env", "TOKEN"))


def http_case(channel, server):
    return Case(
        channel,
        lambda: len(server.requests),
        lambda: setattr(server, "behave", answer(500)),
        lambda: setattr(server, "behave", answer(403)),
    )


@pytest.fixture(params=["slack", "webhook", "grafana", "mail", "simulated"])
def case(request):
    client()
    clock = SystemClock()
    match request.param:
        case "slack":
            server = FaultServer()
            server.behave = answer(200, "ok")
            webhook = outside.SlackWebhook("x", SecretRef("env", "SLACK"))
            found = http_case(Slack(webhook, clock, lambda: f"{server.url}/services/x"), server)
        case "webhook":
            server = FaultServer()
            found = http_case(Webhook(outside.Webhook(source(server.url)), clock, lambda ref: TOKEN), server)
        case "grafana":
            server = FakeGrafana()
            writes = ("POST", "/api/annotations")
            found = Case(
                Grafana(outside.Grafana(source(server.url, "grafana")), clock, lambda ref: TOKEN),
                lambda: sum(one.method == "POST" for one in server.server.requests),
                lambda: server.faults.update({writes: answer(500)}),
                lambda: server.faults.update({writes: answer(403)}),
            )
        case "mail":
            server = Mailbox()
            settings = outside.Email("127.0.0.1", server.port, "a@example.com", ("b@example.com",), "none")
            found = Case(
                Mail(settings, clock, timeout=TIMEOUT),
                lambda: len(server.taken),
                lambda: server.refuse.update({"MAIL": "451 later"}),
                lambda: server.refuse.update({"MAIL": "550 no"}),
            )
        case _:
            channel, server = SimulatedChannel("pagerduty", clock), None
            found = Case(
                channel,
                lambda: len(channel.kept),
                lambda: setattr(channel, "fault", SourceError("simulated pagerduty: broken on purpose")),
                lambda: setattr(channel, "fault", Rejected("simulated pagerduty: refuses on purpose")),
            )
    yield found
    if server is not None:
        server.close()


def one_of(case, **changes):
    return replace(delivery(**changes), act=case.channel.acts[0])


def test_it_is_a_channel(case):
    channel: Channel = case.channel
    assert channel.name.isprintable()
    assert channel.acts
    for name in ("deliver", "prove"):
        assert list(inspect.signature(getattr(channel, name)).parameters) == ["delivery"]


def test_what_is_delivered_is_told_once_and_answered_in_one_line(case):
    found = case.channel.deliver(one_of(case))
    assert isinstance(found, ActResult)
    assert found.outcome is ActOutcome.DONE
    assert case.told() == 1
    assert found.text.isprintable()
    assert found.text
    assert found.at is not None


def test_the_same_again_is_no_error(case):
    case.channel.deliver(one_of(case))
    again = case.channel.deliver(one_of(case))
    assert again.outcome in (ActOutcome.DONE, ActOutcome.ALREADY)
    if again.outcome is ActOutcome.ALREADY:
        assert case.told() == 1


def test_a_test_is_evidence(case):
    found = case.channel.prove(one_of(case, test=True))
    assert found.outcome is ActOutcome.DONE
    assert found.text.isprintable()
    assert case.told() == 1


def test_an_act_that_it_cannot_do_is_rejected_and_told_nobody(case):
    foreign = next(act for act in Act if act not in case.channel.acts)
    with pytest.raises(Rejected, match=f"cannot {foreign}"):
        case.channel.deliver(replace(delivery(), act=foreign))
    assert case.told() == 0


@pytest.mark.parametrize("call", ["deliver", "prove"])
def test_a_fault_that_may_pass_is_tried_again(case, call):
    case.breaks()
    with pytest.raises(SourceError) as caught:
        getattr(case.channel, call)(one_of(case, test=call == "prove"))
    assert not isinstance(caught.value, (Busy, Rejected))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("call", ["deliver", "prove"])
def test_a_refusal_for_good_is_rejected(case, call):
    case.refuses()
    with pytest.raises(Rejected) as caught:
        getattr(case.channel, call)(one_of(case, test=call == "prove"))
    assert str(caught.value).isprintable()


def test_a_fault_is_forgotten_when_it_is_over(case):
    """One failed delivery leaves nothing behind that keeps the next one from going out."""
    with pytest.raises(Rejected):
        case.channel.deliver(replace(delivery(), act=Act.RESPOND))
    assert case.channel.deliver(one_of(case)).outcome is ActOutcome.DONE


def test_the_simulated_one_keeps_each_delivery_once_and_reaches_nobody():
    channel = SimulatedChannel("grafana", SystemClock(), (Act.ANNOTATE,))
    first, second = delivery(Act.ANNOTATE, id="a"), delivery(Act.ANNOTATE, id="b")
    assert [channel.deliver(one).ref for one in (first, second, first)] == ["grafana-1", "grafana-2", "grafana-1"]
    assert channel.kept == (first, second)
