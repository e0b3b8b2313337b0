"""`oncall playbook lint`: what the rules find wrong with playbooks, each at its place in its file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from console.model.flow import Key
from console.model.lint import CODES, Finding, Grade, World, no_such
from console.model.lint import lint as judge
from console.model.playbook import Playbook
from console.settings import tree
from console.settings.config import Config
from console.settings.load import gather, yaml_files
from console.settings.nodes import Node
from console.settings.playbook.reader import read_playbook
from console.settings.problems import ConfigError, Problems
from console.settings.references import CHANNELS, References
from console.settings.tree import Kind, Tree

UNREADABLE, TWICE, ASTRAY = "PB001", "PB002", "PB106"


@dataclass(frozen=True, slots=True, order=True)
class Placed:
    """A finding at its place. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    code: str
    grade: Grade
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code} {self.grade}: {self.text}"


@dataclass(frozen=True, slots=True)
class Linter:
    """The rules with what they may refer to: a configuration folder, read once."""

    world: World
    config: Config

    def data(self, file: str, data: bytes) -> list[Placed]:
        """What is wrong with the bytes of one file, by line."""
        problems = Problems()
        documents = tree.parse(file, data, problems)
        for extra in documents[1:]:
            Node(file, extra, problems).refuse("a second document", "one playbook in a file")
        if not documents:
            return sorted(_unreadable(problems))
        playbook, _ = read_playbook(Node(file, documents[0], problems), References())
        world = replace(
            self.world,
            playbooks={**self.world.playbooks, **({playbook.name: playbook} if playbook.name else {})},
            leads=lambda link: _leads(link, file, self.config),
        )
        findings = judge(playbook, world, whole=not problems)
        found = {_placed(file, documents[0], playbook, finding) for finding in findings}
        found |= set(_astray(file, documents[0]))
        lines = {item.line for item in found}
        found |= {item for item in _unreadable(problems) if item.line not in lines}
        return sorted(found)

    def files(self, paths: Sequence[Path]) -> list[Placed]:
        """What is wrong with these files. One that cannot be read has that as its finding."""
        found: list[Placed] = []
        for path in paths:
            try:
                data = tree.read_bytes(path)
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                found.append(Placed(str(path), 1, 1, UNREADABLE, CODES[UNREADABLE][0], f"it cannot be read: {why}"))
            else:
                found += self.data(str(path), data)
        return found + self._twice(paths)

    def _twice(self, paths: Sequence[Path]) -> list[Placed]:
        """Names that two files of the folder share, at the second one."""
        first: dict[str, str] = {}
        found: list[Placed] = []
        wanted = {os.path.realpath(path) for path in paths}
        for loaded in self.config.playbooks:
            name, other = loaded.playbook.name, first.get(loaded.playbook.name, "")
            if name and other and os.path.realpath(loaded.file) in wanted:
                text = f"{other} has a playbook {name!r}, too"
                line, column = _name_of(Path(loaded.file))
                found.append(Placed(loaded.file, line, column, TWICE, CODES[TWICE][0], text))
            first.setdefault(name, Path(loaded.file).name)
        return found


def linter(folder: Path, today: date) -> Linter:
    """A linter for the playbooks of a configuration folder. Raises ConfigError for what is wrong with the rest of it:
    without it, nobody can tell which names there are."""
    problems = Problems()
    config = gather(folder, problems)
    noted = problems.found
    if config is None:
        raise ConfigError(noted)
    others = [problem for problem in noted if config.playbook_folder not in Path(problem.file).parents]
    if others:
        raise ConfigError(others)
    return Linter(world_of(config, today), config)


def paths_of(found: Linter, wanted: Sequence[str]) -> list[Path]:
    """The files that are meant: all of the folder, or those of some names or paths. Raises KeyError for an unknown
    one."""
    known = {loaded.playbook.name: Path(loaded.file) for loaded in found.config.playbooks}
    if not wanted:
        return yaml_files(found.config.playbook_folder, Problems())
    paths: list[Path] = []
    for name in wanted:
        if name not in known and not os.path.lexists(name):
            raise KeyError(name)
        paths.append(known.get(name) or Path(name))
    return list(dict.fromkeys(paths))


def world_of(config: Config, today: date) -> World:
    """What a playbook of this configuration may refer to."""
    rollout = config.rollout
    readings = [
        *(("rollout.percent",) if rollout is not None else ()),
        *(f"guardrail.{rule.name}" for rule in (rollout.guardrails if rollout is not None else ())),
        *(f"reading.{name}" for name, _ in (rollout.readings if rollout is not None else ())),
        *(f"health.{component.name}" for environment in config.environments for component in environment.components),
        *(f"slo.{objective.name}.burn" for objective in config.objectives),
    ]
    return World(
        today,
        config.roles,
        {role: tuple(person.login for person in config.people if role in person.roles) for role in config.roles},
        len({person.login for person in config.people}),
        tuple(dict.fromkeys(readings)),
        tuple(dict.fromkeys((*CHANNELS, *(name for item in config.environments for name in item.notify.channels)))),
        (rollout.flag,) if rollout is not None and rollout.flag else (),
        config.variables,
        {loaded.playbook.name: loaded.playbook for loaded in config.playbooks if loaded.playbook.name},
    )


def _unreadable(problems: Problems) -> Iterator[Placed]:
    for problem in problems.found:
        text = f"{problem.field}: found {problem.found}, expected {problem.expected}"
        yield Placed(problem.file, problem.line, problem.column, UNREADABLE, CODES[UNREADABLE][0], text)


def _astray(file: str, document: Tree) -> Iterator[Placed]:
    """Jumps to steps that do not exist: the reader puts nothing in their place, so that the rules cannot see them."""
    known = [_id(step) for step in _steps(document)]
    if "checklists" in document.entries:
        lists = document.entries["checklists"].items
        known += [f"{_id(item)}-complete" for item in lists if "completion_call" in item.entries]
    for step in _steps(document):
        for place in _jumps(step):
            if place.text and place.text not in known:
                text = f"{_id(step)}: {no_such('step', place.text, known)}"
                yield Placed(file, place.line, place.column, ASTRAY, CODES[ASTRAY][0], text)


def _jumps(step: Tree) -> Iterator[Tree]:
    """Every `goto` in a step: of its options, and of what happens by itself."""
    for key in ("options", "on_overdue", "on_failure", "then"):
        below = step.entries.get(key)
        for item in (below, *below.items) if below is not None else ():
            if "goto" in item.entries:
                yield item.entries["goto"]
            if "then" in item.entries:
                yield from _jumps(item)


def _leads(link: str, file: str, config: Config) -> bool:
    """Whether a link leads to a file beside the playbook, or to one of the runbooks."""
    folders = (Path(file).parent, *((config.runbooks,) if config.runbooks is not None else ()))
    return any((folder / link).is_file() for folder in folders)


def _name_of(path: Path) -> tuple[int, int]:
    documents, _ = tree.read(path, Problems())
    place = documents[0].entries.get("name") if documents else None
    return (place.line, place.column) if place is not None else (1, 1)


# --- places ----------------------------------------------------------------------------------------------------------


def _placed(file: str, document: Tree, playbook: Playbook, finding: Finding) -> Placed:
    start, keys = document, finding.keys
    if finding.step:
        start, keys = _step(document, playbook, finding)
    line, column = _place(start, keys)
    where = f"{finding.step}: " if finding.step else ""
    return Placed(file, line, column, finding.code, finding.grade, where + finding.text)


def _step(document: Tree, playbook: Playbook, finding: Finding) -> tuple[Tree, tuple[Key, ...]]:
    """The step's own place, or that of the completion call that the reader has made it from."""
    for step in _steps(document):
        if _id(step) == finding.step:
            return step, finding.keys
    for item in playbook.checklists:
        if finding.step == f"{item.id}-complete":
            return document, ("checklists", item.id, "completion_call")
    return document, ("steps",)


def _steps(node: Tree) -> Iterator[Tree]:
    """Every step below a playbook, a checklist or a group, in the order of the file."""
    for key in ("steps", "checklists"):
        for item in node.entries[key].items if key in node.entries else ():
            if key == "steps":
                yield item
            yield from _steps(item)


def _id(node: Tree) -> str:
    return node.entries["id"].text if "id" in node.entries else ""


def _place(node: Tree, keys: Sequence[Key]) -> tuple[int, int]:
    """Where the value is that the keys lead to, as far as the file has them."""
    line, column = node.line, node.column
    for key in keys:
        found = _below(node, key)
        if found is None:
            break
        node, line, column = found
    return line, column


def _below(node: Tree, key: Key) -> tuple[Tree, int, int] | None:
    """What stands under a key, and where: a list or a mapping stands where its key does."""
    if node.kind is not Kind.LIST:
        under = node.entries.get(str(key))
        if under is None:
            return None
        return under, *((under.line, under.column) if under.kind is Kind.TEXT else node.keys[str(key)])
    items = node.items[key : key + 1] if isinstance(key, int) else [item for item in node.items if _id(item) == key]
    if items:
        return items[0], items[0].line, items[0].column
    # Reactions are a list of what would else stand alone: `on_overdue: [escalate, {goto: x}]`.
    return next((found for item in node.items if (found := _below(item, key)) is not None), None)
