"""`console.yaml`: what is watched, where, how often; where the record lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from console.model.board import Target
from console.settings.config import Component, Environment, HttpSource, Notify
from console.settings.nodes import Fields, Node, beside, header, unique

OPTIONAL = ("rollout", "slo")
"""Parts that a folder may declare itself to be `without`."""

_SECRET_HEADERS = ("auth", "cookie", "key", "password", "secret", "token")


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """What `console.yaml` says. Paths are absolute."""

    environments: tuple[Environment, ...]
    notify: Notify
    journal: Path | None
    journal_group: str
    playbooks: Path | None
    without: frozenset[str]
    keys: tuple[tuple[str, str], ...] = ()


def read_console(node: Node) -> ConsoleFile:
    """Reads the whole file."""
    fields = node.mapping("apiVersion", "kind", "environments", "notify", "journal", "playbooks", "without", "keys")
    header(fields, "Console")
    journal = fields["journal"].mapping("path", "group")
    path, playbooks = journal["path"].text(default=""), fields["playbooks"].text(default="")
    items = fields["environments"].sequence("a list of environments", least=1)
    environments = tuple(_environment(item) for item in items)
    targets = [(str(item.target), place) for item, place in zip(environments, items, strict=True)]
    unique([pair for pair in targets if pair[0].strip("/")], "a pair of service and environment")
    return ConsoleFile(
        environments,
        _notify(fields["notify"]),
        beside(node.file, path) if path else None,
        journal["group"].text(default=""),
        beside(node.file, playbooks) if playbooks else None,
        frozenset(
            item.choice({name: name for name in OPTIONAL}) for item in fields["without"].sequence(required=False)
        ),
        tuple((action, place.text("key names")) for action, place in fields["keys"].open_mapping().items()),
    )


def _notify(node: Node) -> Notify:
    fields = node.mapping("pagerduty", "slack", "grafana")
    return Notify(fields["pagerduty"].secret(), fields["slack"].secret(), fields["grafana"].secret())


def _environment(node: Node) -> Environment:
    fields = node.mapping("service", "environment", "production", "prometheus", "alertmanager", "watchdog", "health")
    target = Target(
        fields["service"].name("the name of a service"),
        fields["environment"].name("the name of an environment"),
        # An environment that does not say so counts as production: the confirmations are stricter there.
        fields["production"].boolean(default=True),
    )
    health = fields["health"].mapping("interval", "timeout", "components")
    components: tuple[Component, ...] = ()
    if fields["health"].present:
        nodes = health["components"].sequence("a list of components", least=1)
        components = tuple(_component(item) for item in nodes)
        unique([(c.name, n) for c, n in zip(components, nodes, strict=True)], "a name")
    return Environment(
        target,
        _source("prometheus", fields["prometheus"]),
        _source("alertmanager", fields["alertmanager"]),
        fields["watchdog"].text("the name of the alert that always fires", default="Watchdog"),
        components,
        health["interval"].duration(default=timedelta(seconds=15)),
        health["timeout"].duration(default=timedelta(seconds=3)),
    )


def _source(name: str, node: Node) -> HttpSource | None:
    if not node.present:
        return None
    fields = node.mapping("url", "interval", "timeout", "token", "headers")
    return HttpSource(
        name,
        fields["url"].url(),
        fields["interval"].duration(default=timedelta(seconds=15)),
        fields["timeout"].duration(default=timedelta(seconds=5)),
        fields["token"].secret(),
        _headers(fields["headers"].open_mapping()),
    )


def _headers(fields: Fields) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name, node in fields.items():
        if any(word in name.lower() for word in _SECRET_HEADERS):
            node.refuse("a header that carries a secret (not shown)", "`token`, with env:NAME or file:PATH")
        elif not name.replace("-", "").isalnum() or not name.isascii():
            fields.key(name).refuse("a name that is no HTTP header", "letters, digits and hyphens")
        else:
            value = node.text("the value of an HTTP header")
            if not value.isascii():
                node.refuse("a character outside ASCII", "the value of an HTTP header")
            found.append((name, value))
    return tuple(found)


def _component(node: Node) -> Component:
    fields = node.mapping("name", "url", "critical_after", "legacy")
    return Component(
        fields["name"].name("the name of a component"),
        fields["url"].url(),
        fields["critical_after"].duration(default=timedelta(minutes=1)),
        fields["legacy"].boolean(default=False),
    )
