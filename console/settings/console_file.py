"""`console.yaml`: what is watched, where, how often; where the record lies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path

from console.model.board import Target
from console.model.value import value
from console.settings.channels import read_notify
from console.settings.config import Environment, Link, SavedFilter
from console.settings.flags import read_flags
from console.settings.links import read_link
from console.settings.matchers import read_filter
from console.settings.nodes import Node, beside, header, unique
from console.settings.outside import Alertmanager, Component
from console.settings.problems import shown
from console.settings.sources import ACCESS, SOURCE, read_source

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
OPTIONAL = ("rollout", "slo")
"""Parts that a folder may declare itself to be `without`."""


@value
class ConsoleFile:
    """What `console.yaml` says. Paths are absolute."""

    environments: tuple[Environment, ...]
    journal: Path | None
    journal_group: str
    playbooks: Path | None
    runbooks: Path | None
    links: tuple[Link, ...]
    filters: tuple[SavedFilter, ...]
    bell: bool
    without: frozenset[str]
    keys: tuple[tuple[str, str], ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def read_console(node: Node) -> ConsoleFile:
    """Reads the whole file."""
    fields = node.mapping(
        "apiVersion", "kind", "environments", "links", "filters", "bell", "runbooks", "journal", "playbooks", "without",
        "keys", "variables",
    )  # fmt: skip
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
        _runbooks(fields["runbooks"]),
        _links(fields["links"]),
        _filters(fields["filters"]),
        fields["bell"].boolean(default=True),
        frozenset(
            item.choice({name: name for name in OPTIONAL}) for item in fields["without"].sequence(required=False)
        ),
        tuple((action, place.text("key names")) for action, place in fields["keys"].open_mapping().items()),
        _variables(fields["variables"]),
    )


def _variables(node: Node) -> dict[str, str]:
    """What the playbooks' variables may come from."""
    fields = node.open_mapping()
    found = {}
    for name, place in fields.items():
        if not _VARIABLE.fullmatch(name):
            fields.key(name).refuse(shown(name), "the name of a variable: letters, digits and _")
        found[name] = place.text("a value")
    return found


def _runbooks(node: Node) -> Path | None:
    name = node.text("a folder", default="")
    folder = beside(node.file, name) if name else None
    if folder is not None and not folder.is_dir():
        node.refuse(f"{shown(name)}, which is no folder", "a folder of Markdown files, each named after an alert")
    return folder


def _links(node: Node) -> tuple[Link, ...]:
    places = node.sequence("a list of links, each with title and url", required=False)
    links = tuple(read_link(place) for place in places)
    unique([(link.title, place) for link, place in zip(links, places, strict=True)], "a title")
    return links


def _filters(node: Node) -> tuple[SavedFilter, ...]:
    places = node.sequence("a list of filters, each with name and filter", required=False)
    filters = tuple(_filter(place) for place in places)
    unique([(item.name, place) for item, place in zip(filters, places, strict=True)], "a name")
    return filters


def _filter(node: Node) -> SavedFilter:
    fields = node.mapping("name", "filter")
    return SavedFilter(fields["name"].text("the name of a filter"), read_filter(fields["filter"]))


def _environment(node: Node) -> Environment:
    fields = node.mapping(
        "service", "environment", "production", "prometheus", "alertmanager", "watchdog", "health", "notify", "flags"
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
        read_flags(fields["flags"]),
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
    fields = node.mapping("name", "url", "critical_after", "legacy", *ACCESS)
    source = read_source(fields["name"].name("the name of a component"), fields)
    return Component(
        source.name,
        source.url,
        fields["critical_after"].duration(default=timedelta(minutes=1)),
        fields["legacy"].boolean(default=False),
        source if any(fields[key].present for key in ACCESS) else None,
    )
