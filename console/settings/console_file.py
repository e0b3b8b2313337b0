"""`console.yaml`: what is watched, where, how often; where the record lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from console.model.board import Target
from console.settings.channels import read_notify
from console.settings.config import Environment
from console.settings.nodes import Node, beside, header, unique
from console.settings.outside import Alertmanager, Component
from console.settings.sources import SOURCE, read_source

OPTIONAL = ("rollout", "slo")
"""Parts that a folder may declare itself to be `without`."""


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """What `console.yaml` says. Paths are absolute."""

    environments: tuple[Environment, ...]
    journal: Path | None
    journal_group: str
    playbooks: Path | None
    without: frozenset[str]
    keys: tuple[tuple[str, str], ...] = ()


def read_console(node: Node) -> ConsoleFile:
    """Reads the whole file."""
    fields = node.mapping("apiVersion", "kind", "environments", "journal", "playbooks", "without", "keys")
    header(fields, "Console")
    journal = fields["journal"].mapping("path", "group")
    path, playbooks = journal["path"].text(default=""), fields["playbooks"].text(default="")
    items = fields["environments"].sequence("a list of environments", least=1)
    environments = tuple(_environment(item) for item in items)
    targets = [(str(item.target), place) for item, place in zip(environments, items, strict=True)]
    unique([pair for pair in targets if pair[0].strip("/")], "a pair of service and environment")
    return ConsoleFile(
        environments,
        beside(node.file, path) if path else None,
        journal["group"].text(default=""),
        beside(node.file, playbooks) if playbooks else None,
        frozenset(
            item.choice({name: name for name in OPTIONAL}) for item in fields["without"].sequence(required=False)
        ),
        tuple((action, place.text("key names")) for action, place in fields["keys"].open_mapping().items()),
    )


def _environment(node: Node) -> Environment:
    fields = node.mapping(
        "service", "environment", "production", "prometheus", "alertmanager", "watchdog", "health", "notify"
    )
    target = Target(
        fields["service"].name("the name of a service"),
        fields["environment"].name("the name of an environment"),
        # An environment that does not say so counts as production: the confirmations are stricter there.
        fields["production"].boolean(default=True),
    )
    health = fields["health"].mapping("interval", "timeout", "components")
    prometheus = fields["prometheus"]
    components: tuple[Component, ...] = ()
    if fields["health"].present:
        nodes = health["components"].sequence("a list of components", least=1)
        components = tuple(_component(item) for item in nodes)
        unique([(c.name, n) for c, n in zip(components, nodes, strict=True)], "a name")
    return Environment(
        target,
        read_source("prometheus", prometheus.mapping(*SOURCE)) if prometheus.present else None,
        _alertmanagers(fields["alertmanager"]),
        fields["watchdog"].text("the name of the alert that always fires", default="Watchdog"),
        components,
        health["interval"].duration(default=timedelta(seconds=15)),
        health["timeout"].duration(default=timedelta(seconds=3)),
        read_notify(fields["notify"]),
    )


def _alertmanagers(node: Node) -> tuple[Alertmanager, ...]:
    """One, or a list of them: the members of a cluster, or several that know nothing of each other."""
    if not node.present:
        return ()
    items = node.one_or_more("an Alertmanager, or a list of them")
    found = [
        _alertmanager(item, f"alertmanager {i}" if len(items) > 1 else "alertmanager")
        for i, item in enumerate(items, 1)
    ]
    unique([(item.source.name, place) for item, place in zip(found, items, strict=True)], "a name")
    return tuple(found)


def _alertmanager(node: Node, name: str) -> Alertmanager:
    fields = node.mapping("name", "cluster", *SOURCE)
    name = fields["name"].name("the name of an Alertmanager", default=name)
    return Alertmanager(
        read_source(name, fields), fields["cluster"].name("the name of a cluster", default="alertmanager")
    )


def _component(node: Node) -> Component:
    fields = node.mapping("name", "url", "critical_after", "legacy")
    return Component(
        fields["name"].name("the name of a component"),
        fields["url"].url(),
        fields["critical_after"].duration(default=timedelta(minutes=1)),
        fields["legacy"].boolean(default=False),
    )
