"""Documents of any format, from all their files together: what one refers to may stand in another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from console.model.slo import Objective
from console.model.value import value
from console.settings import tree
from console.settings.nodes import Fields, Node
from console.settings.problems import Problems, one_of, shown
from console.settings.slo import guards, openslo
from console.settings.slo.declared import Declared, judged
from console.settings.slo.guards import Guard
from console.settings.slo.library import Library, seen_at
from console.settings.tree import Kind

ALPHA, SLOTH_FILE, SLOTH, PYRRA = "openslo/v1alpha", "prometheus/v1", "sloth.slok.dev/v1", "pyrra.dev/v1alpha1"
"""The versions of what is read only: each has a module, which is loaded when there is a document of it."""
LISTS = {("v1", "List"), (SLOTH, "PrometheusServiceLevelList"), (PYRRA, "ServiceLevelObjectiveList")}
"""What kubectl wraps several objects in."""
SLO_GENERATOR = "sre.google.com/"
_KINDS: Mapping[str, tuple[str, ...]] = {
    openslo.VERSION: ("SLO", *openslo.READERS),
    ALPHA: ("SLO", "Service"),
    SLOTH: ("PrometheusServiceLevel", "AlertWindows"),
    PYRRA: ("ServiceLevelObjective",),
    guards.VERSION: (guards.GUARDRAIL, guards.INVARIANT),
}
"""apiVersion -> the kinds of it that are read."""
_UNREADABLE = "an SLO of openslo/v1 with the same queries"

_Reader = Callable[[Node, Library], list[Declared]]
_OBJECTIVES: Mapping[tuple[str, str], _Reader] = {
    (openslo.VERSION, "SLO"): openslo.read_slo,
    (ALPHA, "SLO"): lambda document, _: _module("alpha").read_slo(document),
    (SLOTH_FILE, ""): lambda document, _: _module("sloth").read_file(document),
    (SLOTH, "PrometheusServiceLevel"): lambda document, _: _module("sloth").read_service_level(document),
    (PYRRA, "ServiceLevelObjective"): lambda document, _: _module("pyrra").read_objective(document),
}
"""What has objectives in it."""


@value
class Found:
    """An objective, what it was made of, and where its name and its service stand."""

    objective: Objective
    declared: Declared

    @property
    def name(self) -> Node:
        """The place of its name."""
        return self.declared.name_at

    @property
    def service(self) -> Node:
        """The place of its service; an absent one where the format has none."""
        return self.declared.service_at


@dataclass(slots=True)
class Levels:
    """What the files say together."""

    found: list[Found] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All of them, in the order of the files."""
        return tuple(item.objective for item in self.found)


def read_paths(paths: Iterable[Path], problems: Problems) -> Levels:
    """What the files of one folder say together; what is wrong with them goes to `problems`."""
    return read(_nodes(paths, problems))


def read_apart(paths: Iterable[Path], problems: Problems) -> list[Levels]:
    """What each file says. It may refer to the others; names are its own."""
    paths = list(paths)
    others = Library()
    read(_nodes(paths, Problems()), others)
    return [read(_nodes([path], problems), Library(others)) for path in paths]


def _nodes(paths: Iterable[Path], problems: Problems) -> list[Node]:
    return [Node(str(path), document, problems) for path in paths for document in tree.read(path, problems)[0]]


def read(nodes: Iterable[Node], library: Library | None = None) -> Levels:
    """What documents say together."""
    levels, library = Levels(), library or Library()
    by_kind: dict[tuple[str, str], list[Node]] = {}
    documents = [item for node in nodes for item in _documents(node)]
    for document in documents:
        kind = _kind(document)
        if kind is not None:
            by_kind.setdefault(kind, []).append(document)
    for document in by_kind.get((SLOTH, "AlertWindows"), ()):
        _module("sloth").read_windows(document, library)
    for name, define in openslo.READERS.items():
        for document in by_kind.get((openslo.VERSION, name), ()):
            define(document, library)
    for document in by_kind.get((ALPHA, "Service"), ()):
        _module("alpha").read_service(document, library)
    declared = {
        id(document): _declared(reader, document, library)
        for kind, reader in _OBJECTIVES.items()
        for document in by_kind.get(kind, ())
    }
    for item in _named([item for document in documents for item in declared.get(id(document), ())]):
        objective = item.objective(library.windows)
        judged(item, objective)
        levels.found.append(Found(objective, item))
        library.measures[item.name] = item.measure
    for document in by_kind.get((guards.VERSION, guards.GUARDRAIL), ()):
        levels.guards.append(guards.read_guardrail(document, library))
    for document in by_kind.get((guards.VERSION, guards.INVARIANT), ()):
        levels.guards.append(guards.read_invariant(document))
    _unique([(item.declared.name, item.name) for item in levels.found])
    _unique([(item.item.name, item.name) for item in levels.guards])
    _identified(levels.found)
    return levels


def _module(name: str) -> Any:
    return import_module(f"console.settings.slo.{name}")


def _declared(reader: _Reader, document: Node, library: Library) -> list[Declared]:
    """The objectives of a document; one that has none and in which nothing is wrong would be lost without a word."""
    before = len(document.problems)
    found = reader(document, library)
    if not found and len(document.problems) == before:
        document.refuse("no objective", "one that can be measured")
    return found


def _named(every: list[Declared]) -> list[Declared]:
    """The objectives under names that are their own: of those that share one, in services of their own, each has its
    service before it."""
    services: dict[str, set[str]] = {}
    for item in every:
        services.setdefault(item.name, set()).add(item.service)
    return [
        replace(item, name=f"{item.service}-{item.name}", short=item.name)
        if len(services[item.name]) > 1 and item.service and item.name
        else item
        for item in every
    ]


def _unique(named: Iterable[tuple[str, Node]]) -> None:
    """Refuses the second use of a name. The objectives of one SLO stand at one place, and have numbers."""
    seen: dict[str, Node] = {}
    for name, place in named:
        first = seen.setdefault(name, place)
        # Files of one text may share their trees.
        if name and (first.tree is not place.tree or first.file != place.file):
            place.refuse(f"{shown(name)} again (the first is at {seen_at(first, place)})", "a name of its own")


def _identified(found: Iterable[Found]) -> None:
    """Refuses two objectives that their recorded series and rules would have in common: `a-b` of c, and `b` of c-a."""
    seen: dict[str, Found] = {}
    for item in found:
        first = seen.setdefault(item.objective.id, item)
        if first.objective.name != item.objective.name:
            said = f"{shown(item.objective.id)} for its service and its name"
            place = seen_at(first.name, item.name)
            item.name.refuse(f"{said}, as at {place}", "an id of its own: Sloth's series and rules go by it")


def _documents(node: Node) -> list[Node]:
    """The documents in one: a list of objects counts as several, and so does a List of Kubernetes."""
    if node.tree.kind is Kind.LIST:
        return [found for item in node.sequence(least=1) for found in _documents(item)]
    entries = node.tree.entries
    if "items" in entries and (_text(node, "apiVersion"), _text(node, "kind")) in LISTS:
        return [found for item in Fields(node)["items"].sequence() for found in _documents(item)]
    if node.tree.kind is Kind.EMPTY:
        return []  # `---` at the end of a file
    return [node]


def _text(node: Node, key: str) -> str:
    """The text under a key of a mapping; empty when there is none."""
    found = node.tree.entries.get(key)
    return found.text if found is not None and found.kind is Kind.TEXT else ""


def _kind(document: Node) -> tuple[str, str] | None:
    """Which document it is: its apiVersion and its kind. None when it is refused."""
    if document.tree.kind is not Kind.MAPPING:
        document.mapping()
        return None
    fields = document.open_mapping()
    if "version" in fields and "apiVersion" not in fields:
        fields["version"].choice({SLOTH_FILE: True})
        return (SLOTH_FILE, "") if fields["version"].tree.text == SLOTH_FILE else None
    place, kind = fields["apiVersion"], fields["kind"]
    version = place.text(f"{', '.join(_KINDS)}; or version: {SLOTH_FILE}") if place.present else ""
    if version.startswith(SLO_GENERATOR):
        place.refuse(f"{shown(version)}, which is slo-generator's and not read", _UNREADABLE)
    elif not place.present and {"error_budget_policies", "backends"} & document.tree.keys.keys():
        document.refuse("a configuration of slo-generator, which is not read", _UNREADABLE)
    elif version in _KINDS:
        known = _KINDS[version]
        word = kind.text(one_of(known)) if kind.present else ""
        if word in known:
            return version, word
        if not kind.present:
            kind.refuse("nothing", one_of(known))
        elif word:
            kind.refuse(f"the kind {shown(word)}", one_of(known, word))
    elif not place.present:
        place.refuse("nothing", f"{', '.join(_KINDS)}; or version: {SLOTH_FILE}")
    elif version:
        place.refuse(shown(version), one_of(tuple(_KINDS)))
    return None
