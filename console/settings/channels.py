"""`notify:` of an environment: PagerDuty, Slack, e-mail, Grafana and our own webhooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from console.model.message import Topic
from console.model.people import Severity
from console.settings.addresses import read_address, read_addresses
from console.settings.nodes import Fields, Node, unique
from console.settings.outside import Email, Grafana, Notify, PagerDuty, SecretRef, SlackWebhook, Webhook
from console.settings.problems import shown
from console.settings.sources import ACCESS, read_source

T = TypeVar("T")

_HEARS = ("topics", "least")
"""Keys of every channel that tells people something."""
_TOPICS = {topic.value: topic for topic in Topic}
_SEVERITIES = {severity.value: severity for severity in Severity}
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
"""How a connection to a mail server is secured, and the usual port for it."""


def read_notify(node: Node) -> Notify:
    """Every channel. An environment that has none pages nobody and posts nothing."""
    fields = node.mapping("pagerduty", "slack", "email", "grafana", "webhooks")
    return Notify(
        _pagerduty(fields["pagerduty"]) if fields["pagerduty"].present else None,
        _named(fields["slack"], _slack, lambda item: item.name),
        _email(fields["email"]) if fields["email"].present else None,
        _grafana(fields["grafana"]) if fields["grafana"].present else None,
        _named(fields["webhooks"], _webhook, lambda item: item.source.name),
    )


def _named(node: Node, read: Callable[[Node], T], name: Callable[[T], str]) -> tuple[T, ...]:
    places = node.sequence("a list of webhooks, each with a name", required=False)
    found = tuple(read(place) for place in places)
    unique([(name(item), place) for item, place in zip(found, places, strict=True)], "a name")
    return found


def _pagerduty(node: Node) -> PagerDuty:
    fields = node.mapping(
        "url", "events_url", "token", "sender", "services", "events_key", "test_events_key", "interval", "timeout"
    )
    source = read_source(
        "pagerduty",
        fields,
        url="https://api.pagerduty.com",
        interval=timedelta(seconds=30),
        timeout=timedelta(seconds=10),
    )
    services: tuple[str, ...] = ()
    if fields["token"].present:
        # Without them, one environment would show and page for the services of every other.
        places = fields["services"].sequence("a list of PagerDuty service ids", least=1)
        services = tuple(place.text("a PagerDuty service id") for place in places)
        unique([*zip(services, places, strict=True)], "a service")
    elif not fields["events_key"].present:
        fields.node.refuse("neither token nor events_key", "one of them, or no pagerduty")
    else:
        for key in ("services", "sender"):
            if fields[key].present:
                fields[key].refuse(f"{key} without a token", "a token, PagerDuty's REST API key")
    return PagerDuty(
        source,
        read_address(fields["sender"]) if fields["sender"].present else "",
        services,
        fields["events_url"].url(default="https://events.pagerduty.com"),
        fields["events_key"].secret(),
        fields["test_events_key"].secret(),
    )


def _slack(node: Node) -> SlackWebhook:
    fields = node.mapping("name", "webhook", "test", *_HEARS)
    return SlackWebhook(
        fields["name"].name("the name of a channel"),
        _secret(fields["webhook"]),
        _topics(fields),
        _least(fields),
        fields["test"].secret(),
    )


def _email(node: Node) -> Email:
    fields = node.mapping("host", "port", "sender", "to", "security", "user", "password", "test_to", *_HEARS)
    security = fields["security"].choice({name: name for name in _PORTS}, default="starttls")
    user, password = fields["user"].text("a user of the mail server", default=""), fields["password"].secret()
    if fields["user"].present is not fields["password"].present:
        fields.node.refuse("one of user and password", "both or neither")
    elif fields["password"].present and security == "none":
        fields["security"].refuse("'none' with a password", "starttls or tls, so that nobody reads it on the way")
    return Email(
        fields["host"].text("the host of a mail server"),
        _port(fields["port"], _PORTS[security]),
        read_address(fields["sender"]),
        read_addresses(fields["to"]),
        security,
        user,
        password,
        _topics(fields),
        _least(fields),
        read_addresses(fields["test_to"], required=False),
    )


def _grafana(node: Node) -> Grafana:
    fields = node.mapping("url", "timeout", *ACCESS, "dashboard_uid", "tags")
    source = read_source("grafana", fields)
    if not any(source.secrets()):
        _secret(fields["token"])
    return Grafana(
        source,
        fields["dashboard_uid"].text("the uid of a dashboard", default=""),
        tuple(place.text("a tag") for place in fields["tags"].sequence("a list of tags", required=False)),
    )


def _webhook(node: Node) -> Webhook:
    fields = node.mapping("name", "url", "timeout", *ACCESS, *_HEARS)
    return Webhook(read_source(fields["name"].name("the name of a webhook"), fields), _topics(fields), _least(fields))


def _topics(fields: Fields) -> tuple[Topic, ...]:
    if not fields["topics"].present:
        return tuple(Topic)
    places = fields["topics"].sequence("a list of topics", least=1)
    topics = tuple(place.choice(_TOPICS) for place in places)
    unique([(place.tree.text, place) for place in places], "a topic")
    return topics


def _least(fields: Fields) -> Severity:
    return fields["least"].choice(_SEVERITIES, default=Severity.SEV5)


def _secret(node: Node) -> SecretRef:
    """A reference that must be there."""
    if not node.present:
        node.refuse("nothing", "env:NAME or file:PATH")
    return node.secret() or SecretRef("env", "")


def _port(node: Node, default: int) -> int:
    if not node.present:
        return default
    expected = "a port from 1 to 65535"
    number = node.number(expected, least=1, most=65535)
    if number == number and number != int(number):  # NaN stands for what was refused
        node.refuse(shown(node.tree.text), expected)
    return int(number) if number == number else default
